//! What stood open in the system before: invoices that keep their numbers, and credit. Both are taken
//! over once, and what was taken over does not change: an invoice that was wrong is voided.

use super::{Outcome, Words, Work};
use crate::error::{Error, Result};
use crate::import::{Kind, Located, Source};
use crate::model::{
    FullInvoice, Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, LineKind, Money, OpeningCredit, OpeningInvoice,
    Period, Seller, TaxCategory,
};
use crate::operations::reconcile::will_come_to;
use crate::rules::schedule::today;
use crate::store::credit::NewEntry;
use crate::store::{Tx, companies, credit, invoices, numbers, openings};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const INVOICE: Words = Words { entity: "invoice", added: "invoice.taken_over", changed: "invoice.taken_over" };
const CREDIT: Words = Words { entity: "credit", added: "credit.taken_over", changed: "credit.taken_over" };

/// Takes over invoices, in the order of the file.
pub fn write_invoices(tx: &mut Tx, work: &mut Work, rows: Vec<Located<OpeningInvoice>>) -> Result<()> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.value.company_id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    tx.hold_companies(&ids)?;
    let known = companies::known(tx, &ids)?;
    for Located { value: opening, source } in &rows {
        let has_seller = work.has_seller(source, &opening.seller_id);
        if !known.contains(opening.company_id.as_str()) {
            work.missing(source, "company_id", Kind::Companies, &[opening.company_id.as_str()]);
            continue;
        }
        let Some(seller) = work.sellers.get(&opening.seller_id).filter(|_| has_seller).cloned() else { continue };
        let invoice_id = opening.invoice_id();
        if let Some(before) = invoices::head(tx, &opening.company_id, &invoice_id)? {
            if is_same(&before, opening, source) {
                work.count(Outcome::Unchanged);
            } else {
                let reason = format!(
                    "invoice {} was taken over with other content, and stays as it is: {} {}, issued {}, due {}",
                    opening.number,
                    before.total,
                    before.currency,
                    before.issued_on.unwrap_or_default(),
                    before.due_on.unwrap_or_default()
                );
                work.refuse(source, "number", &opening.number, reason);
            }
            continue;
        }
        let today = today(work.as_of, seller.time_zone);
        if opening.issued_on > today {
            let reason = format!("this is in the future: today is {today} at seller {}", seller.seller_id);
            work.refuse(source, "issued_on", &opening.issued_on.to_string(), reason);
            continue;
        }
        if numbers::is_given(tx, &opening.seller_id, &opening.number)? {
            let reason = format!("seller {} has given this number already: no two invoices share one", seller.seller_id);
            work.refuse(source, "number", &opening.number, reason);
            continue;
        }
        if will_come_to(tx, &seller, &opening.number, today)? {
            work.refuse(source, "number", &opening.number, still_to_come(opening));
            continue;
        }
        let told = take_over(tx, opening, &seller)?;
        let payload = json!({ "after": told });
        work.note(opening.company_id.as_str(), &INVOICE, Outcome::Added, invoice_id.to_string(), payload.to_string());
    }
    Ok(())
}

fn still_to_come(opening: &OpeningInvoice) -> String {
    let OpeningInvoice { seller_id, number, .. } = opening;
    format!(
        "a series of seller {seller_id} would give this number again: once the sellers are imported (on their own), finops db \
         reconcile --given {seller_id}={number} --accept passes over the numbers up to it; name the last that was given"
    )
}

/// What the file has no column for stays as it is.
fn is_same(before: &Invoice, opening: &OpeningInvoice, source: &Source) -> bool {
    before.total == opening.amount
        && before.currency == opening.amount.currency()
        && before.issued_on == Some(opening.issued_on)
        && before.due_on == Some(opening.due_on)
        && (before.reference == opening.reference || !source.has("reference"))
}

/// Writes it as a draft and issues it at once, which is the way that the guards of what is issued leave open.
fn take_over(tx: &mut Tx, opening: &OpeningInvoice, seller: &Seller) -> Result<Value> {
    let whole = invoice(opening, seller)?;
    let told = taken_over(&whole.head);
    let draft = Invoice { state: InvoiceState::Draft, number: None, issued_on: None, due_on: None, ..whole.head.clone() };
    let draft = FullInvoice { head: draft, lines: whole.lines, taxes: whole.taxes };
    invoices::insert(tx, std::iter::once(&draft))?;
    invoices::issue(tx, &[whole.head])?;
    openings::mark(tx, &opening.company_id, &draft.head.invoice_id)?;
    Ok(told)
}

/// What the audit log keeps of it: all that was taken over, since no document proves it.
pub fn taken_over(invoice: &Invoice) -> Value {
    json!({
        "number": invoice.number, "seller_id": invoice.seller_id, "total": invoice.total, "currency": invoice.currency,
        "issued_on": invoice.issued_on, "due_on": invoice.due_on, "reference": invoice.reference,
    })
}

/// One line and no tax of ours: the tax was accounted for where the invoice was issued.
fn invoice(opening: &OpeningInvoice, seller: &Seller) -> Result<FullInvoice> {
    let (amount, currency) = (opening.amount, opening.amount.currency());
    let period = Period::day(opening.issued_on).map_err(|invalid| Error::failed(invalid.0))?;
    let head = Invoice {
        company_id: opening.company_id.clone(),
        invoice_id: opening.invoice_id(),
        kind: InvoiceKind::Invoice,
        state: InvoiceState::Open,
        seller_id: opening.seller_id.clone(),
        currency,
        contract_id: None,
        period,
        revision: 0,
        number: Some(opening.number.clone()),
        issued_on: Some(opening.issued_on),
        due_on: Some(opening.due_on),
        payment_terms_days: u16::try_from((opening.due_on - opening.issued_on).num_days()).unwrap_or(u16::MAX),
        tax_inclusive: false,
        reference: opening.reference.clone(),
        net: amount,
        tax: Money::zero(currency),
        total: amount,
        stale: false,
        edited: false,
    };
    let (tax_category, tax_rate) = (TaxCategory::OutOfScope, Decimal::ZERO);
    let line = InvoiceLine {
        kind: LineKind::Item,
        contract_id: None,
        item_id: None,
        source_key: None,
        description: format!("Still to be paid of invoice {}", opening.number),
        quantity: Decimal::ONE,
        unit: String::new(),
        unit_price: amount.to_decimal(),
        period,
        proration: None,
        details: Vec::new(),
        tax_code: seller.tax_code.clone(),
        tax_category,
        tax_rate,
        net: amount,
        amount,
        corrects_line: None,
    };
    let note = "The tax is on the invoice as it was issued.".to_owned();
    let tax = InvoiceTax { category: tax_category, rate: tax_rate, name: "Tax".to_owned(), note, net: amount, tax: head.tax };
    Ok(FullInvoice { head, lines: vec![line], taxes: vec![tax] })
}

fn same_but_the_reason(before: &OpeningCredit, credit: &OpeningCredit) -> bool {
    OpeningCredit { reason: before.reason.clone(), ..credit.clone() } == *before
}

/// Takes over credit, in the order of the file.
pub fn write_credits(tx: &mut Tx, work: &mut Work, rows: Vec<Located<OpeningCredit>>) -> Result<()> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.value.company_id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    tx.hold_companies(&ids)?;
    let known = companies::known(tx, &ids)?;
    let standing = openings::credits_of_companies(tx, &ids)?;
    let standing: BTreeMap<(&str, &str), &OpeningCredit> =
        standing.iter().map(|credit| ((credit.company_id.as_str(), credit.reference.as_str()), credit)).collect();
    for Located { value: credit, source } in &rows {
        let has_seller = work.has_seller(source, &credit.seller_id);
        if !known.contains(credit.company_id.as_str()) {
            work.missing(source, "company_id", Kind::Companies, &[credit.company_id.as_str()]);
            continue;
        }
        if !has_seller {
            continue;
        }
        match standing.get(&(credit.company_id.as_str(), credit.reference.as_str())) {
            Some(before) if **before == *credit || !source.has("reason") && same_but_the_reason(before, credit) => {
                work.count(Outcome::Unchanged);
                continue;
            }
            Some(before) => {
                let amount = before.amount;
                let reason = format!("{amount} {} were taken over under this reference, and stay as they are", amount.currency());
                work.refuse(source, "reference", &credit.reference, reason);
                continue;
            }
            None => {}
        }
        let key = openings::credit_key(&credit.reference);
        let OpeningCredit { company_id, seller_id, amount, reason, dated, .. } = credit;
        let (amount, entered_on) = (*amount, *dated);
        credit::add(tx, NewEntry { company_id, key: &key, seller_id, amount, reason, entered_on, invoice_id: None })?;
        let payload = json!({ "after": {
            "seller_id": seller_id, "amount": amount, "currency": amount.currency(), "entered_on": dated, "reason": reason,
        }});
        work.note(company_id.as_str(), &CREDIT, Outcome::Added, key, payload.to_string());
    }
    Ok(())
}
