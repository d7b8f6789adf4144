//! What a change of a contract costs where it is billed already: credit for the days that are no
//! longer as they were billed, and charge for the same days as they are now, both shown
//! (semantics.md, contracts and prices; Lago: 14 of 31 days of €100 are €45.16).
//!
//! Before and after are compared day by day, item by item, in every billed period, so that a change of
//! price, an item more or less, a pause and an end are one and the same, whether it is dated back over
//! several periods or not. Where nothing differs nothing comes of it: to say the same again credits
//! nothing again.

use super::invoice::{Taxing, contract_lines};
use super::{ContractFacts, Failure, Reference};
use crate::model::{Company, ContractItem, InvoiceLine, ItemId, Period, PriceModel, TaxCode};
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::rules::pricing::{Segment, segments};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// A line of what a change credits or charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjusted {
    /// First day of the billed period that it is about.
    pub adjusts: NaiveDate,
    pub item_id: ItemId,
    /// A credit has a quantity and an amount below zero, and the price that was billed (EN 16931 BR-27
    /// wants no negative price).
    pub line: InvoiceLine,
    /// Last day of the service that is credited or charged, by which its own line is taxed.
    pub supplied_on: NaiveDate,
    /// The item's own.
    pub tax_code: Option<TaxCode>,
}

/// What becomes of billed periods when a contract is no longer as `before`, but as `after`: by period,
/// item and day, the credit before the charge. `billed` are the starts of the periods on issued invoices.
pub fn adjustments(
    company: &Company,
    reference: &Reference,
    before: &ContractFacts,
    after: &ContractFacts,
    billed: &[NaiveDate],
) -> Result<Vec<Adjusted>, Failure> {
    let taxing = Taxing { company, seller: reference.seller(&before.contract.seller_id)?, reference };
    let (was, is) = (BillingCalendar::new(&before.contract)?, BillingCalendar::new(&after.contract)?);
    let starts: BTreeSet<NaiveDate> = billed.iter().copied().collect();
    let mut adjusted = Vec::new();
    for start in starts {
        let (old, new) = (was.containing(start), is.containing(start));
        let Some(full) = old.or(new).map(|period| period.full) else { continue };
        let active = |facts: &'_ ContractFacts, period: Option<ServicePeriod>| -> Vec<Active> {
            let found = period.map(|period| segments(&facts.items, period.service)).unwrap_or_default();
            found.iter().map(Active::of).collect()
        };
        for Difference { days, was, is } in differences(&active(before, old), &active(after, new)) {
            let period = ServicePeriod { service: days, full };
            let mut add = |facts: &ContractFacts, active: Option<&Active>, credit: bool| -> Result<(), Failure> {
                let Some(active) = active else { return Ok(()) };
                let only = ContractFacts { items: vec![active.item.clone()], ..facts.clone() };
                for (line, _) in contract_lines(taxing, &only, &period)? {
                    adjusted.extend(adjust(line, active, start, credit));
                }
                Ok(())
            };
            add(before, was, true)?;
            add(after, is, false)?;
        }
    }
    Ok(adjusted)
}

/// None when it comes to nothing.
fn adjust(line: InvoiceLine, active: &Active, adjusts: NaiveDate, credit: bool) -> Option<Adjusted> {
    let line = match credit {
        true => InvoiceLine { quantity: -line.quantity, amount: line.amount.negated(), ..line },
        false => line,
    };
    let supplied_on = active.days.last_day();
    let (item_id, tax_code) = (active.item.item_id.clone(), active.item.tax_code.clone());
    (!line.amount.is_zero()).then_some(Adjusted { adjusts, item_id, line, supplied_on, tax_code })
}

/// A segment that owns its version.
struct Active {
    item: ContractItem,
    days: Period,
}

impl Active {
    fn of(segment: &Segment<'_>) -> Self {
        Self { item: segment.item.clone(), days: segment.days }
    }
}

/// Days on which an item is not what it was.
struct Difference<'a> {
    days: Period,
    was: Option<&'a Active>,
    is: Option<&'a Active>,
}

fn differences<'a>(before: &'a [Active], after: &'a [Active]) -> Vec<Difference<'a>> {
    let ids: BTreeSet<&ItemId> = before.iter().chain(after).map(|active| &active.item.item_id).collect();
    let mut differences = Vec::new();
    for id in ids {
        let of = |all: &'a [Active]| -> Vec<&'a Active> { all.iter().filter(|active| active.item.item_id == *id).collect() };
        let (was, is) = (of(before), of(after));
        let cuts: BTreeSet<NaiveDate> =
            was.iter().chain(&is).flat_map(|active| [active.days.start(), active.days.end()]).collect();
        let cuts: Vec<NaiveDate> = cuts.into_iter().collect();
        for cut in cuts.windows(2) {
            let Ok(days) = Period::new(cut[0], cut[1]) else { continue };
            let on = |all: &[&'a Active]| all.iter().copied().find(|active| active.days.contains(days.start()));
            let (was, is) = (on(&was), on(&is));
            let same = match (was, is) {
                (Some(was), Some(is)) => costs_the_same(&was.item, &is.item),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !same {
                differences.push(Difference { days, was, is });
            }
        }
    }
    differences
}

/// Whether two versions differ in words and dates only. The quantity of a flat price does not count.
fn costs_the_same(a: &ContractItem, b: &ContractItem) -> bool {
    let quantity = if b.price_model == PriceModel::Flat { b.quantity } else { a.quantity };
    let (valid_from, end) = (b.valid_from, b.end);
    ContractItem { valid_from, end, quantity, description: b.description.clone(), unit: b.unit.clone(), ..a.clone() } == *b
}
