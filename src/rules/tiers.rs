//! What a quantity costs in tiers: one binary search, whatever the number of tiers.
//!
//! Graduated: each unit at the price of the tier that it falls into, and the fee of each tier that is
//! reached. Volume: all units at the price of the tier that the quantity reaches, and its fee. The
//! first tier is always reached, so that its fee is charged for no units too, as Stripe does.

use super::exact::{AmountError, multiply, number, power_of_ten};
use crate::model::invoice::LineDetail;
use crate::model::tiers::{Tier, Tiers, scaled};
use rust_decimal::Decimal;

/// Tiers that are printed line by line; those below them share one line, so that a long table does
/// not make a long invoice.
const PRINTED: usize = 10;

/// One printed line: quantity × unit price, exactly `exact` of 10^-decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TierLine {
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub exact: i128,
    pub detail: LineDetail,
    /// Whether it is for units, and not a fee.
    pub counts_units: bool,
}

/// The lines, and the decimals of their exact amounts.
pub(super) type TierLines = (Vec<TierLine>, u32);

pub(super) fn graduated(tiers: &Tiers, quantity: Decimal) -> Result<TierLines, AmountError> {
    let last = tiers.place_of(quantity);
    let first = (last + 1).saturating_sub(PRINTED);
    let scale = Scale::of(tiers, quantity);
    let mut lines = Vec::with_capacity(2 * (last - first) + 3);
    if first > 0 {
        let (below, decimals) = tiers.below(first);
        let exact = multiply(below, power_of_ten(scale.decimals() - decimals)?)?;
        let detail = LineDetail::Tiers { to: tiers.start_of(first) };
        let unit_price = number(below, decimals)?;
        lines.push(TierLine { quantity: Decimal::ONE, unit_price, exact, detail, counts_units: false });
    }
    for (place, tier) in tiers.as_slice().iter().enumerate().take(last + 1).skip(first) {
        let from = tiers.start_of(place);
        let end = tier.up_to.filter(|limit| *limit < quantity).unwrap_or(quantity);
        scale.push(&mut lines, tier, (from, end), |to| LineDetail::Tier { from, to })?;
    }
    Ok((lines, scale.decimals()))
}

pub(super) fn volume(tiers: &Tiers, quantity: Decimal) -> Result<TierLines, AmountError> {
    let place = tiers.place_of(quantity);
    let scale = Scale::of(tiers, quantity);
    let mut lines = Vec::with_capacity(2);
    let from = tiers.start_of(place);
    let tier = &tiers.as_slice()[place];
    scale.push(&mut lines, tier, (Decimal::ZERO, quantity), |to| LineDetail::Volume { from, to })?;
    Ok((lines, scale.decimals()))
}

/// Decimals that units and prices of a calculation have in common.
#[derive(Clone, Copy)]
struct Scale {
    units: u32,
    prices: u32,
}

impl Scale {
    fn of(tiers: &Tiers, quantity: Decimal) -> Self {
        Self { units: tiers.limit_scale().max(quantity.normalize().scale()), prices: tiers.price_scale() }
    }

    const fn decimals(self) -> u32 {
        self.units + self.prices
    }

    /// The line of a tier's units, and that of its fee; a tier that is nothing but a fee has only that.
    fn push(
        self,
        lines: &mut Vec<TierLine>,
        tier: &Tier,
        (from, end): (Decimal, Decimal),
        detail: impl Fn(Option<Decimal>) -> LineDetail,
    ) -> Result<(), AmountError> {
        let scaled = |number, scale| scaled(number, scale).ok_or(AmountError::TooManyDigits);
        let units = scaled(end, self.units)? - scaled(from, self.units)?;
        if !tier.unit_price.is_zero() || tier.flat_fee.is_zero() {
            let exact = multiply(units, scaled(tier.unit_price, self.prices)?)?;
            let quantity = number(units, self.units)?;
            lines.push(TierLine { quantity, unit_price: tier.unit_price, exact, detail: detail(tier.up_to), counts_units: true });
        }
        if !tier.flat_fee.is_zero() {
            let exact = scaled(tier.flat_fee, self.decimals())?;
            let detail = match detail(tier.up_to) {
                LineDetail::Tier { from, to } | LineDetail::Volume { from, to } => LineDetail::TierFee { from, to },
                other => other,
            };
            let (quantity, unit_price) = (Decimal::ONE, tier.flat_fee);
            lines.push(TierLine { quantity, unit_price, exact, detail, counts_units: false });
        }
        Ok(())
    }
}
