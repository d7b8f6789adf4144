//! What the items of a contract cost in one period.
//!
//! An item is a row of versions; each holds until the next one or its own end. A version that holds
//! for a part of the full period only is prorated by days: amount × days ÷ days of the full period
//! (semantics.md, contracts and prices). Each line is rounded once.

use super::exact::{AmountError, add, divide_rounded, multiply, number, parts, power_of_ten, share_out, to_money};
use super::tiers::{self, TierLines};
use crate::model::invoice::{LineDetail, Proration};
use crate::model::text::natural;
use crate::model::tiers::scaled;
use crate::model::{Contract, ContractItem, Currency, Meter, Money, Period, PriceModel, Tiers, UsageDay};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One version of an item, and the days of a period on which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    pub item: &'a ContractItem,
    pub days: Period,
}

/// What is active in a service period, by item (`item-2` before `item-10`) and then by date. The versions may come in
/// any order.
pub fn segments(versions: &[ContractItem], service: Period) -> Vec<Segment<'_>> {
    let mut versions: Vec<&ContractItem> = versions.iter().collect();
    let by_item = |a: &ContractItem, b: &ContractItem| natural(a.item_id.as_str(), b.item_id.as_str());
    versions.sort_by(|a, b| by_item(a, b).then(a.valid_from.cmp(&b.valid_from)));
    let mut active = Vec::with_capacity(versions.len());
    for (index, item) in versions.iter().enumerate() {
        let next = versions.get(index + 1).filter(|next| next.item_id == item.item_id);
        let until = [Some(service.end()), item.end, next.map(|next| next.valid_from)].into_iter().flatten().min();
        let days = until.and_then(|until| Period::new(service.start().max(item.valid_from), until).ok());
        active.extend(days.map(|days| Segment { item, days }));
    }
    active
}

/// Whether what is used on a day is billed, or free by what was agreed (a trial, a pause, what another system billed);
/// false when no item would ever bill it. `versions` are all of all the contract's items.
pub fn is_agreed_usage(contract: &Contract, versions: &[ContractItem], meter: &Meter, day: NaiveDate) -> bool {
    let is_served = contract.start <= day && contract.end.is_none_or(|end| day < end);
    is_served && (day < contract.billed_from() || is_metered_on(versions, meter, day))
}

/// Whether an item with this meter holds on a day. The versions may come in any order.
fn is_metered_on(versions: &[ContractItem], meter: &Meter, day: NaiveDate) -> bool {
    let holds = |item: &ContractItem| item.valid_from <= day && item.end.is_none_or(|end| day < end);
    let is_latest = |item: &ContractItem| {
        let later = |other: &ContractItem| other.item_id == item.item_id && item.valid_from < other.valid_from;
        !versions.iter().any(|other| later(other) && other.valid_from <= day)
    };
    versions.iter().any(|item| item.terms.meter.as_ref() == Some(meter) && holds(item) && is_latest(item))
}

/// Days billed of the days in the full period; None when the whole of it is billed.
pub fn proration(days: Period, full: Period) -> Option<Proration> {
    (days != full).then(|| Proration { days: days.days(), of_days: full.days() })
}

/// What an item is charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The quantity that was agreed, for these days: the amount is prorated.
    Agreed,
    /// What was used on these days: only what is included is prorated.
    Used(Decimal),
}

/// One printed line: quantity × unit price × days of days = amount, with the exception of what is
/// rounded once for several lines together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub proration: Option<Proration>,
    pub details: Vec<LineDetail>,
    pub amount: Money,
}

/// The lines of an item for one segment; none of a model that does not stand alone (minimum, plan).
pub fn price(
    item: &ContractItem,
    count: Count,
    proration: Option<Proration>,
    currency: Currency,
) -> Result<Vec<Priced>, AmountError> {
    let (quantity, days) = match count {
        Count::Agreed => (item.quantity, proration),
        Count::Used(quantity) => (quantity, None),
    };
    let included = match count {
        Count::Agreed => item.terms.included,
        Count::Used(_) => prorated_units(item.terms.included, proration)?,
    };
    let units = add(quantity, -included)?.max(Decimal::ZERO);
    let mut details = Vec::new();
    if !included.is_zero() {
        details.push(LineDetail::Included { units: quantity.normalize(), included });
    }
    let one = |quantity: Decimal, unit: String, days, details| -> Result<Vec<Priced>, AmountError> {
        let amount = amount(quantity, item.unit_price, days, currency)?;
        Ok(vec![Priced { quantity, unit, unit_price: item.unit_price, proration: days, details, amount }])
    };
    let unit = || item.unit.clone();
    match item.price_model {
        PriceModel::Flat => one(Decimal::ONE, unit(), days, Vec::new()),
        PriceModel::PerUnit => one(if included.is_zero() { quantity } else { units }, unit(), days, details),
        PriceModel::OneTime => one(item.quantity, unit(), None, Vec::new()),
        PriceModel::Package => {
            let size = item.terms.package_size.unwrap_or(Decimal::ONE).normalize();
            details.push(LineDetail::Package { units, size });
            one(blocks(units, size)?, format!("× {size} {}", item.unit).trim_end().to_owned(), days, details)
        }
        PriceModel::Graduated => tiered(item, tiers::graduated, units, days, details, currency),
        PriceModel::Volume => tiered(item, tiers::volume, units, days, details, currency),
        PriceModel::Minimum | PriceModel::Plan => Ok(Vec::new()),
    }
}

/// Lines of tiers: their sum is rounded once, and the lines add up to it.
fn tiered(
    item: &ContractItem,
    lines: fn(&Tiers, Decimal) -> Result<TierLines, AmountError>,
    units: Decimal,
    days: Option<Proration>,
    details: Vec<LineDetail>,
    currency: Currency,
) -> Result<Vec<Priced>, AmountError> {
    let Some(tiers) = &item.terms.tiers else { return Err(AmountError::NoTiers) };
    let (lines, decimals) = lines(tiers, units)?;
    let (part, of) = days.map_or((1, 1), |days| (i128::from(days.days), i128::from(days.of_days.max(1))));
    let exponent = currency.exponent();
    let factor = multiply(part, power_of_ten(exponent.saturating_sub(decimals))?)?;
    let divisor = multiply(of, power_of_ten(decimals.saturating_sub(exponent))?)?;
    let exact = lines.iter().map(|line| multiply(line.exact, factor)).collect::<Result<Vec<_>, _>>()?;
    let shares = share_out(&exact, divisor)?;
    let mut priced = Vec::with_capacity(lines.len());
    for (index, (line, share)) in lines.into_iter().zip(shares).enumerate() {
        let mut own = if index == 0 { details.clone() } else { Vec::new() };
        own.push(line.detail);
        priced.push(Priced {
            quantity: line.quantity,
            unit: if line.counts_units { item.unit.clone() } else { String::new() },
            unit_price: line.unit_price,
            proration: days,
            details: own,
            amount: to_money(share, currency)?,
        });
    }
    Ok(priced)
}

/// Blocks that are begun.
fn blocks(units: Decimal, size: Decimal) -> Result<Decimal, AmountError> {
    let scale = units.normalize().scale().max(size.normalize().scale());
    let scaled = |number| scaled(number, scale).ok_or(AmountError::TooManyDigits);
    let (units, size) = (scaled(units)?, scaled(size)?.max(1));
    number(units / size + i128::from(units % size > 0), 0)
}

/// Units × days ÷ days, with the decimals that they have.
fn prorated_units(units: Decimal, proration: Option<Proration>) -> Result<Decimal, AmountError> {
    let Some(Proration { days, of_days }) = proration else { return Ok(units.normalize()) };
    let (mantissa, decimals) = parts(units);
    number(divide_rounded(multiply(mantissa, i128::from(days))?, i128::from(of_days.max(1))), decimals)
}

/// What was used of a meter on the days of a period. `usage` is sorted by meter and day.
pub fn used(usage: &[UsageDay], meter: &Meter, days: Period) -> Result<Decimal, AmountError> {
    let from = usage.partition_point(|day| (&day.meter, day.on) < (meter, days.start()));
    let of_period = usage[from..].iter().take_while(|day| day.meter == *meter && day.on < days.end());
    of_period.map(|day| day.quantity).try_fold(Decimal::ZERO, add)
}

/// Quantity × unit price, of which the prorated part, rounded once to the minor unit.
pub fn amount(
    quantity: Decimal,
    unit_price: Decimal,
    proration: Option<Proration>,
    currency: Currency,
) -> Result<Money, AmountError> {
    let (quantity, quantity_decimals) = parts(quantity);
    let (price, price_decimals) = parts(unit_price);
    let (days, of_days) = proration.map_or((1, 1), |part| (i128::from(part.days), i128::from(part.of_days.max(1))));
    let product = multiply(multiply(quantity, price)?, days)?;
    let decimals = quantity_decimals + price_decimals;
    let minor = match decimals.checked_sub(currency.exponent()) {
        Some(finer) => divide_rounded(product, multiply(of_days, power_of_ten(finer)?)?),
        None => divide_rounded(multiply(product, power_of_ten(currency.exponent() - decimals)?)?, of_days),
    };
    to_money(minor, currency)
}

/// The longest period: 999 years (`Interval`).
const DAYS: u32 = 999 * 366;

/// Refuses a price that could not be counted, however long the period of which it is billed a part.
pub fn check_countable(quantity: Decimal, unit_price: Decimal, currency: Currency) -> Result<(), AmountError> {
    amount(quantity, unit_price, Some(Proration { days: DAYS, of_days: DAYS }), currency).map(|_| ())
}

/// The same for an item of any model. Tiers that are still missing are no mistake here.
pub fn check_item_countable(item: &ContractItem, currency: Currency) -> Result<(), AmountError> {
    let whole = Some(Proration { days: DAYS, of_days: DAYS });
    check_countable(Decimal::ONE, item.terms.minimum.unwrap_or(item.unit_price), currency)?;
    match price(item, Count::Agreed, whole, currency) {
        Err(AmountError::NoTiers) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
