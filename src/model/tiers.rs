//! Price tiers: what a unit costs by how many there are.
//!
//! The sums of all tiers below each are made once, when tiers are read, so that a price is one binary
//! search and one product, however many tiers there are.

use super::Invalid;
use rust_decimal::Decimal;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Units above the tier before, up to and including `up_to`; None: without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    pub up_to: Option<Decimal>,
    /// In the currency of the contract; may be finer than its minor unit.
    pub unit_price: Decimal,
    /// Charged once a period as soon as the tier is reached.
    pub flat_fee: Decimal,
}

/// Tiers in ascending order, the last one without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers(Arc<Table>);

#[derive(Debug, PartialEq, Eq)]
struct Table {
    tiers: Vec<Tier>,
    /// Decimals of the finest limit and of the finest price.
    limit_scale: u32,
    price_scale: u32,
    /// What all units and fees of the tiers before each one come to, in 10^-(limit_scale + price_scale).
    before: Vec<i128>,
}

const TOO_FINE: &str = "the tiers have more digits than finops can count exactly (38)";

impl Tiers {
    /// Tiers in any order. Refused: none, two of the same limit, a limit of 0 or less, no open end.
    pub fn new(mut tiers: Vec<Tier>) -> Result<Self, Invalid> {
        tiers.sort_by_key(|tier| (tier.up_to.is_none(), tier.up_to));
        for pair in tiers.windows(2) {
            if pair[0].up_to == pair[1].up_to {
                let limit = pair[0].up_to.map_or_else(|| "an empty up_to".to_owned(), |limit| format!("up_to {limit}"));
                return Err(Invalid::new(format!("two tiers have {limit}")));
            }
        }
        if let Some(limit) = tiers.iter().filter_map(|tier| tier.up_to).find(|limit| *limit <= Decimal::ZERO) {
            return Err(Invalid::new(format!("a tier ends at {limit}, but tiers begin at 0")));
        }
        if tiers.last().is_none_or(|last| last.up_to.is_some()) {
            return Err(Invalid::new("the last tier needs an empty up_to, so that any quantity has a price"));
        }
        let scale = |of: &dyn Fn(&Tier) -> Decimal| tiers.iter().map(|tier| of(tier).normalize().scale()).max().unwrap_or(0);
        let limit_scale = scale(&|tier| tier.up_to.unwrap_or_default());
        let price_scale = scale(&|tier| tier.unit_price).max(scale(&|tier| tier.flat_fee));
        let before = sums(&tiers, limit_scale, price_scale).ok_or_else(|| Invalid::new(TOO_FINE))?;
        Ok(Self(Arc::new(Table { tiers, limit_scale, price_scale, before })))
    }

    pub fn as_slice(&self) -> &[Tier] {
        &self.0.tiers
    }

    /// The place of the tier that a quantity reaches: the first that ends at it or later.
    pub fn place_of(&self, quantity: Decimal) -> usize {
        self.0.tiers.partition_point(|tier| tier.up_to.is_some_and(|limit| limit < quantity))
    }

    /// Where a tier begins: the units of it are those above this.
    pub fn start_of(&self, place: usize) -> Decimal {
        place.checked_sub(1).and_then(|below| self.0.tiers.get(below)?.up_to).unwrap_or_default()
    }

    /// What all tiers below one come to in full, as an integer and its decimals.
    pub fn below(&self, place: usize) -> (i128, u32) {
        (self.0.before.get(place).copied().unwrap_or_default(), self.0.limit_scale + self.0.price_scale)
    }

    /// Decimals of the finest price and fee.
    pub fn price_scale(&self) -> u32 {
        self.0.price_scale
    }

    /// Decimals of the finest limit.
    pub fn limit_scale(&self) -> u32 {
        self.0.limit_scale
    }
}

fn sums(tiers: &[Tier], limit_scale: u32, price_scale: u32) -> Option<Vec<i128>> {
    let mut before = Vec::with_capacity(tiers.len());
    let (mut sum, mut start) = (0_i128, 0_i128);
    for tier in tiers {
        before.push(sum);
        let Some(limit) = tier.up_to else { break };
        let end = scaled(limit, limit_scale)?;
        let units = end.checked_sub(start)?.checked_mul(scaled(tier.unit_price, price_scale)?)?;
        let fee = scaled(tier.flat_fee, price_scale + limit_scale)?;
        sum = sum.checked_add(units)?.checked_add(fee)?;
        start = end;
    }
    Some(before)
}

/// A number as an integer of 10^-scale; None when it has more decimals, or more digits than fit.
pub fn scaled(number: Decimal, scale: u32) -> Option<i128> {
    let number = number.normalize();
    number.mantissa().checked_mul(10_i128.checked_pow(scale.checked_sub(number.scale())?)?)
}

/// `10:5:0 50:4.5:0 *:3:20`: limit, unit price and fee of each tier, as the database keeps them.
impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Tier { up_to, unit_price, flat_fee }) in self.0.tiers.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            match up_to {
                Some(limit) => write!(f, "{gap}{limit}:{unit_price}:{flat_fee}")?,
                None => write!(f, "{gap}*:{unit_price}:{flat_fee}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Tiers {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(format!("{s:?} is no list of tiers: limit:price:fee of each, the last limit *"));
        let decimal = |text: &str| super::money::parse_decimal(text);
        let one = |text: &str| {
            let mut parts = text.split(':');
            let (Some(limit), Some(price), Some(fee), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
                return Err(wrong());
            };
            let up_to = if limit == "*" { None } else { Some(decimal(limit)?) };
            Ok(Tier { up_to, unit_price: decimal(price)?, flat_fee: decimal(fee)? })
        };
        Self::new(s.split(' ').map(one).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_sorted_and_complete() {
        let tiers: Tiers = "*:3:0 10:5:0 50:4.25:1".parse().unwrap();
        assert_eq!(tiers.to_string(), "10:5:0 50:4.25:1 *:3:0");
        assert_eq!(tiers.to_string().parse::<Tiers>().unwrap(), tiers);
        for bad in
            ["", "10:5:0", "10:5:0 10:4:0 *:3:0", "*:3:0 *:4:0", "0:5:0 *:3:0", "-1:5:0 *:3:0", "10:5 *:3:0", "10:5:0:0 *:1:0"]
        {
            assert!(bad.parse::<Tiers>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_belongs_to_its_tier() {
        let tiers: Tiers = "10:5:0 50.5:4:0 *:3:0".parse().unwrap();
        for (quantity, place) in [("0", 0), ("10", 0), ("10.01", 1), ("50.5", 1), ("51", 2), ("1000000", 2)] {
            assert_eq!(tiers.place_of(quantity.parse().unwrap()), place, "{quantity}");
        }
        assert_eq!((tiers.below(2), tiers.start_of(2)), ((2120, 1), "50.5".parse().unwrap())); // 10 × 5 + 40.5 × 4 = 212.0
    }
}
