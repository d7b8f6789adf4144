//! What a change of a contract costs where it is billed already: credit for the days that are no
//! longer as they were billed, and charge for the same days as they are now, both shown
//! (semantics.md, contracts and prices; Lago: 14 of 31 days of €100 are €45.16).
//!
//! Before and after are compared day by day, item by item, in every billed period, so that a change of
//! price, an item more or less, a pause and an end are one and the same, whether it is dated back over
//! several periods or not. Where nothing differs nothing comes of it: to say the same again credits
//! nothing again. What does not go by days is compared period by period: usage, what is billed once,
//! minimums of the contract, and discounts, which go by what the others have left.

use super::charges::{Charge, agreed, calendar, charges};
use super::discounts::apply;
use super::invoice::Taxing;
use super::{ContractFacts, Failure, Reference};
use crate::model::{
    Company, ContractItem, DiscountId, InvoiceLine, ItemId, LineKind, Period, PriceModel, TaxCategory, TaxCode, UsageDay,
};
use crate::rules::exact::AmountError;
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::rules::pricing::{Segment, segments};
use crate::rules::tax::tax_code;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Of a charge the item's own; of a credit that by which its line was billed, once that is looked up.
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
        let first = by_days(&mut adjusted, &was, &is, start)?;
        as_a_whole(&mut adjusted, &was, &is, (start, first))?;
    }
    Ok(adjusted)
}

/// Usage that was served before, and is not after, so that no period bills it: of each meter the first day and the sum.
pub fn unserved(before: &ContractFacts, after: &ContractFacts) -> Vec<UsageDay> {
    let mut left: Vec<UsageDay> = Vec::new();
    for day in before.usage.iter().filter(|day| serves(before, day) && !serves(after, day)) {
        match left.last_mut().filter(|last| last.meter == day.meter) {
            Some(last) => last.quantity = last.quantity.saturating_add(day.quantity),
            None => left.push(day.clone()),
        }
    }
    left
}

fn serves(facts: &ContractFacts, used: &UsageDay) -> bool {
    let is_metered = |segment: &Segment<'_>| segment.item.terms.meter.as_ref() == Some(&used.meter);
    let is_served = |day| segments(&facts.items, day).iter().any(is_metered);
    facts.contract.end.is_none_or(|end| used.on < end) && Period::day(used.on).is_ok_and(is_served)
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

/// What goes by days, with its own minimum: credited and charged day by day, before discounts. Returns the first day
/// that is not as it was.
fn by_days(adjusted: &mut Vec<Adjusted>, was: &Side<'_>, is: &Side<'_>, start: NaiveDate) -> Result<Option<NaiveDate>, Failure> {
    let serves = |side: &Side<'_>| side.period(start).filter(|period| !side.calendar.is_closing(period));
    let (old, new) = (serves(was), serves(is));
    let Some(full) = old.or(new).map(|period| period.full) else { return Ok(None) };
    let mut first = None;
    for Difference { days, was: before, is: after } in differences(&was.active(old), &is.active(new)) {
        let period = ServicePeriod { service: days, full };
        first = first.into_iter().chain([days.start()]).min();
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
    Ok(first)
}

/// Usage, what is billed once, and minimums that count what was used or all of the contract: the whole of it
/// is credited and charged when it comes out otherwise. Of a discount the difference is one line a tax rate.
fn as_a_whole(
    adjusted: &mut Vec<Adjusted>,
    was: &Side<'_>,
    is: &Side<'_>,
    (start, first): (NaiveDate, Option<NaiveDate>),
) -> Result<(), Failure> {
    let (mut old, mut new) = (was.whole(start)?, is.whole(start)?);
    old.charges.retain(|charge| {
        let same = new.charges.iter().position(|other| comes_to_the_same(&charge.line, &other.line));
        same.map(|same| new.charges.swap_remove(same)).is_none()
    });
    for (side, charges, credit) in [(was, old.charges, true), (is, new.charges, false)] {
        adjusted.extend(
            charges.into_iter().filter_map(|charge| adjust(charge.line, credit)).filter_map(|line| side.whole_of(line, start)),
        );
    }
    for line in discounted(old.discounts, new.discounts, first)? {
        adjusted.extend(was.whole_of(line.clone(), start).or_else(|| is.whole_of(line, start)));
    }
    Ok(())
}

/// What a discount takes more (below zero) or less than it did, by discount and tax rate; under the days from `first`
/// on, on which it differs.
fn discounted(old: Vec<Taken>, new: Vec<Taken>, first: Option<NaiveDate>) -> Result<Vec<InvoiceLine>, Failure> {
    let mut by_rate: BTreeMap<(DiscountId, TaxCategory, Decimal), InvoiceLine> = BTreeMap::new();
    for ((id, line), credit) in old.into_iter().map(|taken| (taken, true)).chain(new.into_iter().map(|taken| (taken, false))) {
        let change = if credit { line.amount.negated() } else { line.amount };
        match by_rate.entry((id, line.tax_category, line.tax_rate)) {
            Entry::Vacant(entry) => drop(entry.insert(InvoiceLine { amount: change, ..line })),
            Entry::Occupied(mut entry) => {
                let sum = entry.get_mut();
                let error = |error| Failure::Amount { line: format!("discount {}", sum.description), error };
                sum.amount = sum.amount.checked_add(change).map_err(|_| error(AmountError::TooLarge(change.currency())))?;
                let days = (sum.period.start().min(line.period.start()), sum.period.end().max(line.period.end()));
                sum.period = Period::new(days.0, days.1).unwrap_or(sum.period);
            }
        }
    }
    // As with every credit the quantity is below zero, and the price is not.
    let line = |line: InvoiceLine| {
        let price = line.amount.to_decimal();
        let quantity = if price.is_sign_negative() { -Decimal::ONE } else { Decimal::ONE };
        let from = first.filter(|first| line.period.contains(*first)).unwrap_or(line.period.start());
        let period = Period::new(from, line.period.end()).unwrap_or(line.period);
        InvoiceLine { quantity, unit_price: price.abs(), details: Vec::new(), period, ..line }
    };
    Ok(by_rate.into_values().filter(|line| !line.amount.is_zero()).map(line).collect())
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
        let active = |segment: &Segment<'_>| {
            let (item, days) = (segment.item.clone(), segment.days);
            let code = tax_code(self.taxing.company, item.tax_code.as_ref(), self.taxing.seller);
            let rate = self.taxing.reference.taxes().find(&self.taxing.seller.seller_id, code, days.last_day());
            let tax = rate.ok().map(|rate| (rate.category, rate.rate));
            Active { item, days, tax }
        };
        found.iter().filter(|segment| goes_by_days(segment.item)).map(active).collect()
    }

    /// The period that was billed from this day on, as the contract has it; the last one of a metered contract
    /// that is billed in advance serves nothing itself.
    fn period(&self, start: NaiveDate) -> Option<ServicePeriod> {
        self.calendar.beginning_on(start)
    }

    /// What an item costs on some days of a period.
    fn on_days(&self, active: &Active, period: &ServicePeriod) -> Result<Vec<Charge<'a>>, Failure> {
        let facts = ContractFacts {
            contract: self.facts.contract.clone(),
            items: vec![active.item.clone()],
            pauses: Vec::new(),
            discounts: Vec::new(),
            usage: Vec::new(),
            next_start: self.facts.next_start,
            billed: Vec::new(),
        };
        agreed(self.taxing, &facts, &self.calendar, period)
    }

    /// What of a billed period does not go by days.
    fn whole(&self, start: NaiveDate) -> Result<Whole<'a>, Failure> {
        let Some(period) = self.period(start) else { return Ok(Whole::default()) };
        let mut charges = charges(self.taxing, self.facts, &self.calendar, &period)?;
        let own = charges.len();
        let applied = apply(&mut charges, self.facts, &self.calendar, &period)?;
        let taken = |(id, range): (DiscountId, std::ops::Range<usize>)| {
            charges[range].iter().map(|charge| (id.clone(), charge.line.clone())).collect::<Vec<_>>()
        };
        let discounts = applied.into_iter().flat_map(taken).collect();
        charges.truncate(own);
        charges.retain(|charge| match charge.line.kind {
            LineKind::Usage | LineKind::OneTime => true,
            LineKind::Minimum => !self.is_of_days(&charge.line),
            LineKind::Recurring | LineKind::Item | LineKind::Adjustment | LineKind::Manual | LineKind::Discount => false,
        });
        Ok(Whole { charges, discounts })
    }

    /// Whether the version of an item that a line is for goes by days.
    fn is_of_days(&self, line: &InvoiceLine) -> bool {
        let versions = segments(&self.facts.items, line.period);
        versions.iter().any(|segment| line.item_id.as_ref() == Some(&segment.item.item_id) && goes_by_days(segment.item))
    }

    /// A line of a whole period; a discount of the contract is kept with its first item, and taxed by its own code.
    fn whole_of(&self, line: InvoiceLine, start: NaiveDate) -> Option<Adjusted> {
        let item = self.facts.items.iter().find(|item| line.item_id.as_ref().is_none_or(|id| *id == item.item_id))?;
        let is_by_default = line.item_id.is_some() && item.tax_code.is_none();
        let tax_code = Some(line.tax_code.clone()).filter(|_| !is_by_default);
        let (item_id, supplied_on) = (item.item_id.clone(), line.period.last_day());
        Some(Adjusted { adjusts: start, item_id, line, supplied_on, tax_code })
    }
}

/// What of a billed period does not go by days.
#[derive(Default)]
struct Whole<'a> {
    charges: Vec<Charge<'a>>,
    discounts: Vec<Taken>,
}

/// What a discount took, in one tax rate.
type Taken = (DiscountId, InvoiceLine);

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
    /// By the last of its days, which is the day of supply.
    tax: Option<(TaxCategory, Decimal)>,
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
                // Cut short before the day on which a rate changed, what is left was supplied at the other one.
                (Some(was), Some(is)) => costs_the_same(&was.item, &is.item) && was.tax == is.tax,
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
