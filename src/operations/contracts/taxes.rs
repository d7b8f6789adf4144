//! The tax of what a change credits: that which was billed, whatever the company's tax code has become since.

use crate::error::Result;
use crate::model::{
    Adjustment, BillableItem, CompanyId, ContractId, InvoiceId, InvoiceLine, InvoiceState, ItemId, LineKind, Period, TaxCode,
};
use crate::rules::billing::Adjusted;
use crate::store::billing::Billed;
use crate::store::items::Taken;
use crate::store::{Tx, invoices};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// A charge that an adjustment may take back.
struct Charged {
    /// None of a discount of the whole contract.
    item_id: Option<ItemId>,
    is_discount: bool,
    days: Period,
    /// None while no invoice has it: then it is taxed as the company is when it is billed.
    tax_code: Option<TaxCode>,
}

/// Gives the credits the tax codes of the lines that they take back: the latest that charged the day. `made` is what
/// changes before this one credited and charged, in their order.
pub(super) fn as_billed(
    tx: &mut Tx,
    (company_id, contract_id): (&CompanyId, &ContractId),
    billed: &[Billed],
    made: &[(BillableItem, Taken)],
    adjusted: &mut [Adjusted],
) -> Result<()> {
    let credits = adjusted.iter().filter(|one| one.line.amount.minor() < 0);
    let credited: BTreeSet<NaiveDate> = credits.map(|one| one.adjusts).collect();
    let mut charged = Vec::new();
    for Billed { invoice_id, .. } in billed.iter().filter(|one| one.is_issued() && credited.contains(&one.period.start())) {
        let lines = lines(tx, company_id, invoice_id)?.into_iter();
        charged.extend(lines.filter(|line| line.contract_id.as_ref() == Some(contract_id) && line.source_key.is_none()).map(
            |line| Charged {
                item_id: line.item_id,
                is_discount: line.kind == LineKind::Discount,
                days: line.period,
                tax_code: Some(line.tax_code),
            },
        ));
    }
    for (item, taken) in made {
        let charges = |one: &&Adjustment| one.amount.minor() > 0 && credited.contains(&one.adjusts);
        let Some(adjustment) = item.adjustment.as_ref().filter(charges) else { continue };
        let tax_code = match taken {
            Some((invoice_id, InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible)) => {
                let mut lines = lines(tx, company_id, invoice_id)?.into_iter();
                lines.find(|line| line.source_key.as_ref() == Some(&item.source_key)).map(|line| line.tax_code)
            }
            Some((_, InvoiceState::Draft | InvoiceState::Void | InvoiceState::Issued)) | None => None,
        };
        let (item_id, days) = (Some(adjustment.item_id.clone()), adjustment.period);
        charged.push(Charged { item_id, is_discount: false, days, tax_code });
    }
    for credit in adjusted.iter_mut().filter(|one| one.line.amount.minor() < 0) {
        let (day, is_discount) = (credit.line.period.start(), credit.line.kind == LineKind::Discount);
        let of_item = |one: &&Charged| one.item_id.as_ref().is_none_or(|id| *id == credit.item_id);
        let mut latest = charged.iter().rev().filter(|one| one.is_discount == is_discount && one.days.contains(day));
        let code = latest.find(of_item).and_then(|one| one.tax_code.clone());
        credit.tax_code = Some(code.unwrap_or_else(|| credit.line.tax_code.clone()));
    }
    Ok(())
}

fn lines(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<InvoiceLine>> {
    let Some(head) = invoices::head(tx, company_id, invoice_id)? else { return Ok(Vec::new()) };
    Ok(invoices::full(tx, head)?.lines)
}
