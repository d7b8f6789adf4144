//! Billed periods that a person has corrected: what was taken back of an invoice by a credit note may be the very days
//! that a change would credit, and lines that were edited are not what the contract says.

use super::Order;
use crate::error::{Error, Result};
use crate::model::{BillableItem, CompanyId, Contract, InvoiceId, InvoiceState, Money, Period};
use crate::rules::billing::Adjusted;
use crate::store::billing::Billed;
use crate::store::items::Taken;
use crate::store::{Tx, invoices};
use chrono::NaiveDate;

/// Refuses credits for periods that were corrected, unless the order says that the corrections were about something
/// else; then as far as there is anything left to credit. `made` is what changes before this one credited and charged.
pub(super) fn check(
    tx: &mut Tx,
    (contract, order): (&Contract, &Order),
    billed: &[Billed],
    made: &[(BillableItem, Taken)],
    adjusted: &[Adjusted],
) -> Result<()> {
    let credited = |start: NaiveDate| {
        let credits = adjusted.iter().filter(|one| one.adjusts == start && one.line.amount.minor() < 0);
        let sum: i128 = credits.map(|one| -i128::from(one.line.amount.minor())).sum();
        Some(sum).filter(|sum| *sum > 0)
    };
    let company_id = &contract.company_id;
    for Billed { period, invoice_id, .. } in billed.iter().filter(|billed| billed.is_issued()) {
        let Some(credit) = credited(period.start()) else { continue };
        if is_corrected(tx, order, company_id, (invoice_id, *period))? {
            let of_period = made.iter().filter_map(|(item, _)| item.adjustment.as_ref());
            let of_period = of_period.filter(|adjustment| adjustment.adjusts == period.start());
            check_left(tx, contract, invoice_id, (credit, of_period.map(|a| i128::from(a.amount.minor())).sum()))?;
        }
    }
    // What earlier changes credited or charged in these periods stands on other invoices.
    for (item, taken) in made {
        let (Some(earlier), Some((invoice_id, state))) = (&item.adjustment, taken) else { continue };
        if *state != InvoiceState::Draft && credited(earlier.adjusts).is_some() {
            is_corrected(tx, order, company_id, (invoice_id, earlier.period))?;
        }
    }
    Ok(())
}

/// Whether it has credit notes that the order makes light of.
fn is_corrected(tx: &mut Tx, order: &Order, company_id: &CompanyId, (invoice_id, period): (&InvoiceId, Period)) -> Result<bool> {
    let Some(invoice) = invoices::head(tx, company_id, invoice_id)? else { return Ok(false) };
    let label = invoice.label();
    let has_notes = invoices::has_credit_notes(tx, company_id, invoice_id)?;
    if order.despite_corrections || !(has_notes || invoice.edited) {
        return Ok(has_notes);
    }
    let why = if has_notes {
        format!("invoice {label}, which bills {period}, has credit notes: some of it could be credited twice")
    } else {
        format!("invoice {label}, which bills {period}, was edited by hand: what it bills is not what the contract says")
    };
    Err(Error::refused(why).hint(format!(
        "if that was about something else, say so: --despite-corrections; or name {} or a later day, and credit or bill \
         what differs before by hand",
        period.end()
    )))
}

/// Refuses a credit of more than credit notes have left, and what changes have charged and credited since (`changed`).
fn check_left(tx: &mut Tx, contract: &Contract, invoice_id: &InvoiceId, (credit, changed): (i128, i128)) -> Result<()> {
    let Some(invoice) = invoices::head(tx, &contract.company_id, invoice_id)? else { return Ok(()) };
    let billed = |net: Money, total: Money| i128::from(if contract.tax_inclusive { total } else { net }.minor());
    let notes = invoices::credit_notes(tx, &contract.company_id, invoice_id)?;
    let taken: i128 = notes.iter().map(|note| billed(note.head.net, note.head.total)).sum();
    let left = (billed(invoice.net, invoice.total) - taken + changed).max(0);
    if credit <= left {
        return Ok(());
    }
    let money = |minor: i128| Money::from_minor(i64::try_from(minor).unwrap_or(i64::MAX), invoice.currency);
    let (label, currency) = (invoice.label(), invoice.currency);
    Err(Error::refused(format!(
        "this credits {} {currency} of what invoice {label} bills, of which credit notes have left {}",
        money(credit),
        money(left)
    ))
    .hint("name a later day, and credit by hand what is still to be credited before it: finops invoices credit"))
}
