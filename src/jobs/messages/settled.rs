//! What settled an invoice, and what came of a credit note: for receipts and for what corrects.

use crate::error::{Error, Result};
use crate::model::document::Document;
use crate::model::message::{Amount, CorrectionFacts, PaymentFacts};
use crate::model::money::MoneyError;
use crate::model::{CompanyId, Invoice, InvoiceState, Money};
use crate::store::{Tx, billing, credit, invoices, payments};

/// The payments that settled it, each with what became credit because it was more than was owed.
pub(super) fn payments(tx: &mut Tx, invoice: &Invoice) -> Result<Vec<PaymentFacts>> {
    let settled = payments::of_invoice(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    let mut told = Vec::with_capacity(settled.len());
    for payments::Allocation { provider, reference, received_on, amount } in settled {
        let beyond = credit::find(tx, &invoice.company_id, &payments::excess_key(&provider, &reference))?;
        let excess = beyond.map_or_else(|| Money::zero(invoice.currency), |entry| entry.amount);
        let amount = amount.checked_add(excess).map_err(|error| Error::failed(error.to_string()))?.into();
        told.push(PaymentFacts { amount, excess: excess.into(), received_on, provider, reference });
    }
    Ok(told)
}

/// What payments settled of an invoice of which so much is left, and what credit did; None where none did.
pub(super) fn until_now(tx: &mut Tx, invoice: &Invoice, left: Money) -> Result<(Option<Amount>, Option<Amount>)> {
    if left == invoice.total {
        return Ok((None, None));
    }
    let by_credit = credit::settled(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    let wrong = |error: MoneyError| Error::failed(error.to_string());
    let paid = invoice.total.checked_sub(left).and_then(|settled| settled.checked_sub(by_credit)).map_err(wrong)?;
    let told = |amount: Money| (amount.minor() > 0).then(|| amount.into());
    Ok((told(paid), told(by_credit)))
}

/// What took the place of a voided invoice: the number of the one that bills the same periods now, empty while that is a
/// draft; None when nothing has.
pub(super) fn replaced_by(tx: &mut Tx, voided: &Invoice) -> Result<Option<String>> {
    for period in billing::of_invoice(tx, &voided.company_id, &voided.invoice_id)? {
        let Some(id) = billing::billed_anew(tx, &period)? else { continue };
        if let Some(new) = invoices::head(tx, &voided.company_id, &id)?.filter(|new| new.state != InvoiceState::Void) {
            return Ok(Some(new.number.unwrap_or_default()));
        }
    }
    Ok(None)
}

/// Why it was made, what it lowered, and what is left of the invoice that it corrects; None of an invoice.
pub(super) fn correction(tx: &mut Tx, company_id: &CompanyId, document: &Document) -> Result<Option<CorrectionFacts>> {
    let Some(corrected) = &document.corrects else { return Ok(None) };
    let Some(invoice) = invoices::head(tx, company_id, &corrected.invoice_id)? else { return Ok(None) };
    let owes = matches!(invoice.state, InvoiceState::Open | InvoiceState::Uncollectible);
    let remaining = if owes { payments::open_balance(tx, &invoice)? } else { Money::zero(invoice.currency) };
    let amount = |amount| Amount { amount, currency: document.currency };
    Ok(Some(CorrectionFacts {
        reason: corrected.reason.clone(),
        settled: corrected.settled.map(amount),
        excess: corrected.settled.map(|settled| amount(document.total - settled)),
        remaining: remaining.into(),
        remaining_due_on: invoice.due_on.unwrap_or(document.due_on),
    }))
}
