//! Discounts on what a contract is charged: a line a tax group, so that what is taken off is taxed as
//! what it is taken from (semantics.md, money).
//!
//! Each takes from what the ones before have left: those of items before those of the contract, then
//! by id. A percentage goes by the period that a line is for, so that usage billed later is discounted as
//! its own period was; a fixed amount goes by the invoice's own period, is prorated by the days of it that are
//! served as a price is, and never takes more than there is.

use super::charges::Charge;
use super::{ContractFacts, Failure};
use crate::model::invoice::{LineDetail, Proration};
use crate::model::{Currency, Discount, DiscountId, InvoiceLine, LineKind, Money, Off, Period};
use crate::rules::exact::{AmountError, multiply, parts, power_of_ten, share_out, to_money};
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::rules::pricing::{amount, segments};
use rust_decimal::Decimal;
use std::ops::Range;

/// Adds the lines of all discounts that hold. Returns which of the charges each of them is, in order.
pub(super) fn apply(
    charges: &mut Vec<Charge<'_>>,
    facts: &ContractFacts,
    calendar: &BillingCalendar,
    period: &ServicePeriod,
) -> Result<Vec<(DiscountId, Range<usize>)>, Failure> {
    let mut added = Vec::new();
    let mut discounts: Vec<&Discount> = facts.discounts.iter().collect();
    discounts.sort_by(|a, b| (a.item_id.is_none(), &a.discount_id).cmp(&(b.item_id.is_none(), &b.discount_id)));
    for discount in discounts {
        let taken = Taking { discount, facts, calendar, period, currency: facts.contract.currency };
        let error = |error| Failure::Amount {
            line: format!("contract {}, discount {}", discount.contract_id, discount.discount_id),
            error,
        };
        let lines = taken.lines(charges).map_err(error)?;
        if !lines.is_empty() {
            added.push((discount.discount_id.clone(), charges.len()..charges.len() + lines.len()));
            charges.extend(lines);
        }
    }
    Ok(added)
}

struct Taking<'d> {
    discount: &'d Discount,
    facts: &'d ContractFacts,
    calendar: &'d BillingCalendar,
    period: &'d ServicePeriod,
    currency: Currency,
}

/// What is taxed alike, in minor units, and a charge that shows how.
struct Group<'c, 'a> {
    sum: i128,
    like: &'c Charge<'a>,
    days: Period,
}

impl Taking<'_> {
    fn lines<'a>(&self, charges: &[Charge<'a>]) -> Result<Vec<Charge<'a>>, AmountError> {
        let groups = self.groups(charges);
        let whole: i128 = groups.iter().map(|group| group.sum).sum();
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let (taken, percent) = match self.discount.off {
            Off::Percent(percent) => {
                let (percent_mantissa, decimals) = parts(percent);
                let exact: Result<Vec<i128>, _> = groups.iter().map(|group| multiply(-group.sum, percent_mantissa)).collect();
                (share_out(&exact?, multiply(100, power_of_ten(decimals)?)?)?, Some(percent.normalize()))
            }
            Off::Amount(off) => {
                let off = i128::from(amount(Decimal::ONE, off, Some(self.days(charges)), self.currency)?.minor()).min(whole);
                if off <= 0 {
                    return Ok(Vec::new());
                }
                let exact: Result<Vec<i128>, _> = groups.iter().map(|group| multiply(-group.sum, off)).collect();
                (share_out(&exact?, whole)?, None)
            }
        };
        let lines = groups.iter().zip(taken).filter(|(_, taken)| *taken != 0);
        lines.map(|(group, taken)| self.line(group, taken, percent)).collect()
    }

    /// What the discount is taken from, by category and rate.
    fn groups<'c, 'a>(&self, charges: &'c [Charge<'a>]) -> Vec<Group<'c, 'a>> {
        let mut groups: Vec<Group<'c, 'a>> = Vec::new();
        for charge in charges.iter().filter(|charge| self.is_taken_from(charge)) {
            let sum = i128::from(charge.line.amount.minor());
            let key = (charge.rate.category, charge.rate.rate);
            match groups.iter_mut().find(|group| (group.like.rate.category, group.like.rate.rate) == key) {
                Some(group) => {
                    group.sum += sum;
                    let (start, end) = (group.days.start(), group.days.end());
                    let line = charge.line.period;
                    group.days = Period::new(start.min(line.start()), end.max(line.end())).unwrap_or(group.days);
                }
                None => groups.push(Group { sum, like: charge, days: charge.line.period }),
            }
        }
        groups
    }

    fn is_taken_from(&self, charge: &Charge<'_>) -> bool {
        let of_item = self.discount.item_id.as_ref().is_none_or(|item| charge.line.item_id.as_ref() == Some(item));
        let holds = match self.discount.off {
            Off::Percent(_) => self.holds_in(charge.period),
            Off::Amount(_) => !self.calendar.is_closing(self.period) && self.holds_in(self.calendar.index_of(self.period)),
        };
        of_item && holds
    }

    fn holds_in(&self, period: i64) -> bool {
        let first = self.calendar.first_index(self.discount.valid_from);
        period >= first && self.discount.periods.is_none_or(|periods| period < first + i64::from(periods))
    }

    /// The part of the period for which a fixed amount is taken off: the days of the item, or those on which the
    /// contract serves any.
    fn days(&self, charges: &[Charge<'_>]) -> Proration {
        let of_days = self.period.full.days();
        if self.discount.item_id.is_none() {
            return Proration { days: self.served_days(), of_days };
        }
        let mut seen: Vec<(Period, Proration)> = Vec::new();
        for charge in charges.iter().filter(|charge| self.is_taken_from(charge) && charge.line.kind != LineKind::Discount) {
            if charge.line.kind == LineKind::OneTime {
                return Proration { days: of_days, of_days };
            }
            if !seen.iter().any(|(days, _)| *days == charge.line.period) {
                seen.push((charge.line.period, charge.days));
            }
        }
        let days = seen.iter().map(|(_, part)| part.days).sum();
        let of_days = seen.first().map_or(of_days, |(_, part)| part.of_days);
        Proration { days, of_days }
    }

    fn served_days(&self) -> u32 {
        let mut served: Vec<Period> =
            segments(&self.facts.items, self.period.service).into_iter().map(|segment| segment.days).collect();
        served.sort_by_key(|days| days.start());
        let mut until = self.period.service.start();
        let mut days = 0;
        for one in served {
            days += Period::new(one.start().max(until), one.end()).map_or(0, |days| days.days());
            until = until.max(one.end());
        }
        days
    }

    fn line<'a>(&self, group: &Group<'_, 'a>, taken: i128, percent: Option<Decimal>) -> Result<Charge<'a>, AmountError> {
        let amount = to_money(taken, self.currency)?;
        let of = to_money(group.sum, self.currency)?.to_decimal();
        let line = InvoiceLine {
            kind: LineKind::Discount,
            item_id: self.discount.item_id.clone(),
            description: self.discount.description.clone(),
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: amount.to_decimal(),
            period: group.days,
            proration: None,
            details: percent.map(|percent| LineDetail::Percent { percent, of }).into_iter().collect(),
            net: Money::zero(self.currency),
            amount,
            ..group.like.line.clone()
        };
        Ok(Charge { line, rate: group.like.rate, period: group.like.period, days: group.like.days })
    }
}
