//! What becomes of credits and charges when the invoice is voided that they correct.

use crate::error::{Error, Result};
use crate::model::{BillableItem, Invoice, InvoiceState};
use crate::operations::import::standing::companies_changed;
use crate::store::{Tx, billing, invoices, items};
use std::collections::BTreeSet;

/// Takes away what changes of contracts credit and charge in the periods of an invoice that is being
/// voided: `regenerate` bills them as the contract is now. Refused while an issued invoice has some of it,
/// since it would be credited twice. Returns what was taken away.
pub fn forget_adjustments(tx: &mut Tx, voided: &Invoice) -> Result<Vec<BillableItem>> {
    let (mut in_drafts, mut forgotten) = (BTreeSet::new(), Vec::new());
    let periods = billing::of_invoice(tx, &voided.company_id, &voided.invoice_id)?;
    let mut adjusted = items::adjusted_periods(tx, &voided.company_id, periods.iter().map(|period| &period.contract_id))?;
    for period in periods {
        for (item, taken) in adjusted.remove(&(period.contract_id.clone(), period.start)).unwrap_or_default() {
            match taken {
                Some((id, InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible)) => {
                    let later = invoices::head(tx, &voided.company_id, &id)?;
                    let later = later.map_or_else(|| id.to_string(), |later| later.label().to_owned());
                    return Err(Error::refused(format!(
                        "contract {} changed in the period from {}, and invoice {later} credits or charges that",
                        period.contract_id, period.start
                    ))
                    .hint(format!("void {later} first; if it is paid, correct this one by a credit note")));
                }
                Some((_, InvoiceState::Draft)) => {
                    in_drafts.insert(item.company_id.clone());
                }
                Some((_, InvoiceState::Void | InvoiceState::Issued)) | None => {}
            }
            items::delete(tx, &item.company_id, &item.source_key)?;
            forgotten.push(item);
        }
    }
    companies_changed(tx, &in_drafts)?;
    Ok(forgotten)
}
