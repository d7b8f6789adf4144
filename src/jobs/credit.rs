//! The company's credit, used on an invoice that is open: by hand, and before somebody is reminded of it.

use crate::error::Result;
use crate::model::{Invoice, InvoiceState, Money};
use crate::store::audit::Entry;
use crate::store::credit::{self, NewEntry};
use crate::store::{StoreError, Tx, invoices};
use chrono::NaiveDate;
use serde_json::json;

/// What is used of a company's credit on one of its invoices, whose company is held.
pub struct Use<'i> {
    pub invoice: &'i Invoice,
    /// Above zero, and no more than the credit or what is open.
    pub amount: Money,
    /// What remains to be paid of the invoice.
    pub balance: Money,
    /// What the company still has.
    pub left: Money,
    /// The day at the seller.
    pub on: NaiveDate,
}

/// Uses it: an invoice of which nothing is open any more becomes paid. Returns its state, and what is noted of it.
pub fn use_on(tx: &mut Tx, used: &Use) -> Result<(InvoiceState, Vec<Entry>)> {
    let Use { invoice, amount, balance, left, on } = used;
    let mut key = String::new();
    for times in 1.. {
        key = format!("applied:{}:{times}", invoice.invoice_id);
        if credit::find(tx, &invoice.company_id, &key)?.is_none() {
            break;
        }
    }
    let entry = NewEntry {
        company_id: &invoice.company_id,
        key: &key,
        seller_id: &invoice.seller_id,
        amount: amount.negated(),
        reason: &format!("invoice {}", invoice.label()),
        entered_on: *on,
        invoice_id: Some(&invoice.invoice_id),
    };
    if !credit::add(tx, entry)? {
        return Err(StoreError::Busy("it was used meanwhile".to_owned()).into());
    }
    let noted = |action, payload: serde_json::Value| Entry {
        company_id: invoice.company_id.to_string(),
        action,
        entity: "invoice",
        entity_id: invoice.invoice_id.to_string(),
        payload: payload.to_string(),
    };
    let mut entries = vec![noted("credit.applied", json!({ "key": key, "amount": amount, "balance": balance, "left": left }))];
    let state = settle(tx, invoice, *balance)?;
    if state != invoice.state {
        let change = json!({ "before": { "state": invoice.state }, "after": { "state": state } });
        entries.push(noted("invoice.paid", change));
    }
    Ok((state, entries))
}

/// An invoice of which nothing is open any more becomes paid.
pub fn settle(tx: &mut Tx, invoice: &Invoice, balance: Money) -> std::result::Result<InvoiceState, StoreError> {
    let settles = balance.minor() == 0 && invoice.state.may_become(InvoiceState::Paid);
    if !settles {
        return Ok(invoice.state);
    }
    let done = invoices::set_state(tx, &invoice.company_id, &invoice.invoice_id, invoice.state, InvoiceState::Paid)?;
    if done { Ok(InvoiceState::Paid) } else { Err(StoreError::Busy("the invoice changed while it was being paid".to_owned())) }
}
