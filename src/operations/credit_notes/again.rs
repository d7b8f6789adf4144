//! The same request again: it is told what was made, and nothing is.

use super::{Made, Request, settles_key, wanted};
use crate::error::{Error, Result};
use crate::model::{FullInvoice, Invoice, InvoiceState, Money};
use crate::rules::credit::{Uncreditable, left, split};
use crate::store::payments::open_balance;
use crate::store::{Tx, credit, invoices};

/// A rerun compares the content, not only the key.
pub(super) fn made_before(tx: &mut Tx, invoice: Invoice, before: Invoice, request: &Request) -> Result<Made> {
    let note = invoices::full(tx, before)?;
    let wanted = wanted(&invoice, request)?;
    let correction = note.head.kind.correction();
    let same_invoice = correction.is_some_and(|c| c.corrects == invoice.invoice_id && c.reason == request.reason);
    let same_lines =
        wanted.lines.is_empty() || note.lines.iter().all(|line| line.corrects_line.is_some_and(|n| wanted.lines.contains(&n)));
    let same_amount = match wanted.amount {
        Some(amount) => amount == note.head.total,
        // All that was left of these lines: then nothing is left of them now.
        None => {
            same_invoice && {
                let full = invoices::full(tx, invoice.clone())?;
                let notes = invoices::credit_notes(tx, &invoice.company_id, &invoice.invoice_id)?;
                left(&full, &notes).is_zero() || split(&full, &notes, &wanted) == Err(Uncreditable::NothingLeft)
            }
        }
    };
    if !(same_invoice && same_lines && same_amount) {
        return Err(Error::refused(format!(
            "--ref {} made credit note {} already, with other content: {} {}",
            request.key,
            note.head.label(),
            note.head.total,
            note.head.currency
        ))
        .hint("a credit note is made once: give another --ref if this is another one"));
    }
    told(tx, invoice, note, true)
}

/// What a credit note did, from the rows.
pub(super) fn told(tx: &mut Tx, invoice: Invoice, note: FullInvoice, already_made: bool) -> Result<Made> {
    let entry = credit::find(tx, &invoice.company_id, &settles_key(&note.head.invoice_id))?;
    let settled = entry.map_or(Money::zero(invoice.currency), |entry| entry.amount.negated());
    let credited = Money::from_minor(note.head.total.minor() - settled.minor(), invoice.currency);
    let balance = match invoice.state {
        InvoiceState::Open | InvoiceState::Uncollectible => open_balance(tx, &invoice)?,
        _ => Money::zero(invoice.currency),
    };
    let label = invoice.label().to_owned();
    Ok(Made { already_made, invoice: label, settled, credited, balance, invoice_state: invoice.state, note })
}
