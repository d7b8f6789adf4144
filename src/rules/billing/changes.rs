//! What a change of a contract costs where it is billed already: credit for the days that are no
//! longer as they were billed, and charge for the same days as they are now, both shown
//! (semantics.md, contracts and prices; Lago: 14 of 31 days of €100 are €45.16).
//!
//! Before and after are compared day by day, item by item, in every billed period, so that a change of
//! price, an item more or less, a pause and an end are one and the same, whether it is dated back over
//! several periods or not. Where nothing differs nothing comes of it: to say the same again credits
//! nothing again. What does not go by days, such as usage and minimums, is compared period by period.

use super::charges::{Charge, agreed, calendar, charges};
use super::discounts::apply;
use super::invoice::Taxing;
use super::{ContractFacts, Failure, Reference};
use crate::model::{Company, ContractItem, InvoiceLine, ItemId, LineKind, Off, Period, PriceModel, TaxCode};
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
    let was = Side { taxing, facts: before, calendar: calendar(before)? };
    let is = Side { taxing, facts: after, calendar: calendar(after)? };
    let starts: BTreeSet<NaiveDate> = billed.iter().copied().collect();
    let mut adjusted = Vec::new();
    for start in starts {
        by_days(&mut adjusted, &was, &is, start)?;
        as_a_whole(&mut adjusted, &was, &is, start)?;
    }
    Ok(adjusted)
}

/// A contract as it was, or as it is.
struct Side<'a> {
    taxing: Taxing<'a>,
    facts: &'a ContractFacts,
    calendar: BillingCalendar,
}

/// Whether an item costs the same each day, so that some days of it can be credited.
fn goes_by_days(item: &ContractItem) -> bool {
    item.terms.meter.is_none() && !matches!(item.price_model, PriceModel::OneTime | PriceModel::Minimum)
}

/// What goes by days, with its own minimum and its discounts: credited and charged day by day.
fn by_days(adjusted: &mut Vec<Adjusted>, was: &Side<'_>, is: &Side<'_>, start: NaiveDate) -> Result<(), Failure> {
    let (old, new) = (was.calendar.containing(start), is.calendar.containing(start));
    let Some(full) = old.or(new).map(|period| period.full) else { return Ok(()) };
    for Difference { days, was: before, is: after } in differences(&was.active(old), &is.active(new)) {
        let period = ServicePeriod { service: days, full };
        for (side, active, credit) in [(was, before, true), (is, after, false)] {
            let Some(active) = active else { continue };
            let (item_id, tax_code) = (&active.item.item_id, &active.item.tax_code);
            let lines = side.on_days(active, &period)?.into_iter().map(|charge| charge.line);
            adjusted.extend(lines.filter_map(|line| adjust(line, credit)).map(|line| Adjusted {
                adjusts: start,
                item_id: item_id.clone(),
                line,
                supplied_on: active.days.last_day(),
                tax_code: tax_code.clone(),
            }));
        }
    }
    Ok(())
}

/// What does not go by days: usage, what is billed once, minimums of the contract, and fixed discounts on
/// it. The whole of it is credited and charged when it comes out otherwise.
fn as_a_whole(adjusted: &mut Vec<Adjusted>, was: &Side<'_>, is: &Side<'_>, start: NaiveDate) -> Result<(), Failure> {
    let (mut old, mut new) = (was.whole(start)?, is.whole(start)?);
    old.retain(|charge| {
        let same = new.iter().position(|other| comes_to_the_same(&charge.line, &other.line));
        same.map(|same| new.swap_remove(same)).is_none()
    });
    for (side, mut charges, credit) in [(was, old, true), (is, new, false)] {
        if let Some(period) = side.calendar.containing(start) {
            let percentages = side.with_discounts(|discount| matches!(discount.off, Off::Percent(_)));
            apply(&mut charges, &percentages, &side.calendar, &period)?;
        }
        for line in charges.into_iter().filter_map(|charge| adjust(charge.line, credit)) {
            let item = side.facts.items.iter().find(|item| line.item_id.as_ref().is_none_or(|id| *id == item.item_id));
            let Some(item) = item else { continue };
            let tax_code = Some(line.tax_code.clone()).filter(|_| item.tax_code.is_some());
            let (item_id, supplied_on) = (item.item_id.clone(), line.period.last_day());
            adjusted.push(Adjusted { adjusts: start, item_id, line, supplied_on, tax_code });
        }
    }
    Ok(())
}

/// Whether two lines differ in words only, and the days that they name.
fn comes_to_the_same(a: &InvoiceLine, b: &InvoiceLine) -> bool {
    let of = |line: &InvoiceLine| {
        (line.kind, line.item_id.clone(), line.amount, line.tax_code.clone(), line.tax_rate, line.quantity, line.unit_price)
    };
    of(a) == of(b)
}

impl<'a> Side<'a> {
    fn active(&self, period: Option<ServicePeriod>) -> Vec<Active> {
        let found = period.map(|period| segments(&self.facts.items, period.service)).unwrap_or_default();
        found.iter().filter(|segment| goes_by_days(segment.item)).map(Active::of).collect()
    }

    fn with_discounts(&self, holds: impl Fn(&crate::model::Discount) -> bool) -> ContractFacts {
        let discounts = self.facts.discounts.iter().filter(|discount| holds(discount)).cloned().collect();
        ContractFacts { discounts, ..self.facts.clone() }
    }

    /// What an item costs on some days of a period.
    fn on_days(&self, active: &Active, period: &ServicePeriod) -> Result<Vec<Charge<'a>>, Failure> {
        let of_item = |id: &Option<ItemId>| id.as_ref() == Some(&active.item.item_id);
        let discounted = self.with_discounts(|discount| match discount.off {
            Off::Percent(_) => discount.item_id.is_none() || of_item(&discount.item_id),
            Off::Amount(_) => of_item(&discount.item_id),
        });
        let only = ContractFacts { items: vec![active.item.clone()], ..discounted };
        let mut charges = agreed(self.taxing, &only, &self.calendar, period)?;
        apply(&mut charges, &only, &self.calendar, period)?;
        Ok(charges)
    }

    /// What of a billed period does not go by days. Percentages are left out.
    fn whole(&self, start: NaiveDate) -> Result<Vec<Charge<'a>>, Failure> {
        let Some(period) = self.calendar.containing(start) else { return Ok(Vec::new()) };
        let mut charges = charges(self.taxing, self.facts, &self.calendar, &period)?;
        apply(&mut charges, self.facts, &self.calendar, &period)?;
        let by_days = |id: &ItemId| self.facts.items.iter().any(|item| item.item_id == *id && goes_by_days(item));
        charges.retain(|charge| match charge.line.kind {
            LineKind::Usage | LineKind::OneTime => true,
            LineKind::Minimum => !charge.line.item_id.as_ref().is_some_and(by_days),
            // Of a percentage the line says so.
            LineKind::Discount => charge.line.details.is_empty() && !charge.line.item_id.as_ref().is_some_and(by_days),
            LineKind::Recurring | LineKind::Item | LineKind::Adjustment | LineKind::Manual => false,
        });
        Ok(charges)
    }
}

/// None when it comes to nothing.
fn adjust(line: InvoiceLine, credit: bool) -> Option<InvoiceLine> {
    let line = match credit {
        true => InvoiceLine { quantity: -line.quantity, amount: line.amount.negated(), ..line },
        false => line,
    };
    (!line.amount.is_zero()).then_some(line)
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
