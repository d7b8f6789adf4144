//! A draft changed by hand. From then on `generate` reports it as stale when its inputs change, and
//! never makes it anew.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, Result};
use crate::jobs::generate::entry;
use crate::model::{FullInvoice, Invoice, InvoiceLine, InvoiceState, text};
use crate::operations::invoices::held;
use crate::rules::edit::{Edit, EditError, Edited, Fields, Taxing, edit as apply};
use crate::rules::tax::TaxTable;
use crate::store::{StoreError, Tx, audit, companies, invoices, items, sellers};
use serde_json::{Value, json};

/// The draft before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub before: FullInvoice,
    pub edited: Edited,
}

/// Changes the lines of a draft; its sums follow.
/// After an error the caller rolls back.
pub fn edit(tx: &mut Tx, ctx: &Context, draft: &Invoice, wanted: &Edit) -> Result<Change> {
    wanted.add.iter().chain(wanted.set.iter().map(|(_, fields)| fields)).try_for_each(check_texts)?;
    tx.hold_sellers()?;
    let draft = held(tx, draft)?;
    check_state(&draft)?;
    let company = companies::by_ids(tx, &[draft.company_id.as_str()])?;
    let company = company.first().ok_or_else(|| Error::failed(format!("company {} is gone", draft.company_id)))?;
    let seller = sellers::find(tx, draft.seller_id.as_str())?;
    let seller = seller.ok_or_else(|| Error::refused(format!("seller {} does not exist", draft.seller_id)).hint("import it"))?;
    let taxes = TaxTable::new(sellers::tax_rates(tx)?);
    let before = invoices::full(tx, draft)?;
    let edited = apply(&before, wanted, Taxing { company, seller: &seller, taxes: &taxes }).map_err(|e| refused(&before, &e))?;
    if !invoices::rewrite(tx, &edited.invoice)? {
        return Err(StoreError::Busy("the draft was issued meanwhile".to_owned()).into());
    }
    for key in &edited.released {
        items::release_one(tx, &before.head.company_id, key, &before.head.invoice_id)?;
    }
    let mut told = entry("invoice.edited", &edited.invoice, Some(&before));
    if let Ok(Value::Object(mut payload)) = serde_json::from_str(&told.payload) {
        payload.insert("lines_before".to_owned(), lines(&before));
        payload.insert("lines_after".to_owned(), lines(&edited.invoice));
        told.payload = Value::Object(payload).to_string();
    }
    audit::append(tx, &host::author(ctx), &[told])?;
    Ok(Change { before, edited })
}

fn check_texts(fields: &Fields) -> Result<()> {
    for (what, value) in [("--description", &fields.description), ("--unit", &fields.unit)] {
        if let Some(value) = value {
            text::check(value).map_err(|invalid| Error::refused(format!("{what}: {invalid}")))?;
        }
    }
    Ok(())
}

fn check_state(draft: &Invoice) -> Result<()> {
    let label = draft.label();
    if draft.state != InvoiceState::Draft {
        return Err(Error::refused(format!("{label} is {}: what is issued never changes", draft.state))
            .hint(format!("correct it by a credit note: finops invoices credit {label}")));
    }
    if draft.stale && !draft.edited {
        return Err(Error::refused(format!("draft {label} is stale: its inputs changed"))
            .hint("finops invoices generate makes it anew; change it then"));
    }
    Ok(())
}

fn refused(before: &FullInvoice, error: &EditError) -> Error {
    let label = before.head.label();
    let refused = Error::refused(format!("draft {label} cannot be changed so: {error}"));
    match error {
        EditError::NoSuchLine { .. } | EditError::RemovedAndSet(_) => {
            refused.hint(format!("finops invoices show {label} shows its lines with their numbers"))
        }
        EditError::Empty => refused.hint(format!("delete it: finops invoices delete {label}")),
        EditError::Lacks(_) => refused.hint("give --description and --unit-price"),
        EditError::Rate(missing) => refused.hint(missing.hint()),
        EditError::Amount(_) | EditError::Date(_) => refused,
    }
}

/// What the audit log is told of the lines.
fn lines(invoice: &FullInvoice) -> Value {
    let told = |l: &InvoiceLine| {
        json!({ "description": l.description, "quantity": l.quantity, "unit_price": l.unit_price, "period": l.period,
            "tax_code": l.tax_code, "tax_rate": l.tax_rate, "amount": l.amount })
    };
    Value::Array(invoice.lines.iter().map(told).collect())
}
