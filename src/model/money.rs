//! Money: integers in the currency's minor unit, with the currency beside them.
//!
//! The number of decimals comes from ISO 4217 through `iso_currency`, never from a literal 100
//! (InvoicePlane #1677: a customer billed in JPY was charged 100 times too much). No float
//! touches an amount anywhere.

use super::Invalid;
use rust_decimal::{Decimal, RoundingStrategy};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency that has a minor unit (or, like JPY, needs none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    inner: iso_currency::Currency,
    exponent: u32,
}

impl Currency {
    /// A unit price as it is shown: with the currency's decimals, or more where it is finer.
    pub fn price(self, price: Decimal) -> Decimal {
        let mut shown = price.normalize();
        shown.rescale(shown.scale().max(self.exponent()));
        shown
    }

    /// ISO 4217 alphabetic code: `EUR`.
    pub fn code(self) -> &'static str {
        self.inner.code()
    }

    /// Digits after the decimal point: EUR 2, JPY 0, KWD 3.
    pub const fn exponent(self) -> u32 {
        self.exponent
    }
}

impl FromStr for Currency {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let inner = iso_currency::Currency::from_code(s)
            .ok_or_else(|| Invalid::new(format!("currency must be an ISO 4217 code such as EUR, not {s:?}")))?;
        let exponent = inner
            .exponent()
            .ok_or_else(|| Invalid::new(format!("{s} has no minor unit in ISO 4217, so nothing can be billed in it")))?;
        Ok(Self { inner, exponent: u32::from(exponent) })
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}
impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}
impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What can go wrong when amounts meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("amounts in {0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
    #[error("the amount is too large for {0}: finops counts up to 9,223,372,036,854,775,807 minor units")]
    Overflow(Currency),
}

/// An amount in minor units of its currency: EUR 1234 is 12.34 euros.
///
/// Two currencies do not add up:
/// ```compile_fail
/// use finops::model::Money;
/// fn sum(a: Money, b: Money) -> Money { a + b }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The amount as a count of minor units (cents for EUR, yen for JPY).
    pub const fn minor(self) -> i64 {
        self.minor
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Rounds once to the minor unit, half away from zero (semantics.md, order of rounding).
    pub fn round(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let rounded = amount.round_dp_with_strategy(currency.exponent(), RoundingStrategy::MidpointAwayFromZero);
        Self::exact(rounded, currency).map_err(|_| MoneyError::Overflow(currency))
    }

    /// Reads an amount that has no more decimals than the currency.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, Invalid> {
        let amount = amount.normalize();
        let places = currency.exponent();
        if amount.scale() > places {
            return Err(Invalid::new(format!("{amount} has more than the {places} decimals of {currency}")));
        }
        let mut scaled = amount;
        scaled.rescale(places);
        let minor = if scaled.scale() == places { i64::try_from(scaled.mantissa()).ok() } else { None };
        match minor {
            Some(minor) => Ok(Self { minor, currency }),
            None => Err(Invalid::new(MoneyError::Overflow(currency).to_string())),
        }
    }

    /// The amount in major units: 12.34.
    pub fn to_decimal(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.minor), self.currency.exponent())
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow(self.currency))?;
        Ok(Self { minor, ..self })
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }

    pub const fn negated(self) -> Self {
        Self { minor: self.minor.saturating_neg(), ..self }
    }

    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Splits by weight so that the parts add up to the whole exactly: largest remainder, ties to
    /// the earlier part. Weights must not be negative; if all are zero the first part takes all.
    pub fn split(self, weights: &[u64]) -> Vec<Self> {
        let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        let size = u128::from(self.minor.unsigned_abs());
        let sign = self.minor.signum();
        let mut parts: Vec<(u128, u128)> = match total {
            0 => weights.iter().enumerate().map(|(i, _)| (if i == 0 { size } else { 0 }, 0)).collect(),
            _ => weights
                .iter()
                .map(|w| {
                    let exact = size * u128::from(*w);
                    (exact / total, exact % total)
                })
                .collect(),
        };
        let given: u128 = parts.iter().map(|p| p.0).sum();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|a, b| parts[*b].1.cmp(&parts[*a].1).then(a.cmp(b)));
        for index in order.into_iter().take(usize::try_from(size - given).unwrap_or(0)) {
            parts[index].0 += 1;
        }
        parts.into_iter().map(|(minor, _)| Self { minor: sign * i64::try_from(minor).unwrap_or(i64::MAX), ..self }).collect()
    }
}

/// `1234.56`: plain digits, a point, as many decimals as the currency has. What JSON and CSV carry.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_decimal().to_string())
    }
}

/// Amounts are decimal strings in JSON; the currency stands in a field of its own.
impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.to_decimal())
    }
}

/// Reads a decimal as people write it in CSV: `12.5`, `-3`, never `1,234.50`, `1e3` or ` 5`.
pub fn parse_decimal(s: &str) -> Result<Decimal, Invalid> {
    let digits = s.strip_prefix('-').unwrap_or(s);
    let well_formed = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().filter(|b| *b == b'.').count() <= 1
        && !digits.starts_with('.')
        && !digits.ends_with('.');
    if !well_formed {
        return Err(Invalid::new(format!("{s:?} is not a number: write digits with a point, such as 1234.50")));
    }
    Decimal::from_str_exact(s).map_err(|_| Invalid::new(format!("{s:?} has more digits than finops can count exactly (28)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::from_minor(minor, "EUR".parse().unwrap())
    }

    #[test]
    fn decimals_come_from_iso_4217() {
        for (code, text, minor) in [("EUR", "12.34", 1234), ("JPY", "1234", 1234), ("KWD", "1.234", 1234)] {
            let currency: Currency = code.parse().unwrap();
            let money = Money::exact(parse_decimal(text).unwrap(), currency).unwrap();
            assert_eq!((money.minor(), money.to_string().as_str()), (minor, text));
        }
        assert!(Money::exact(parse_decimal("1.5").unwrap(), "JPY".parse().unwrap()).is_err());
        assert!("XAU".parse::<Currency>().is_err(), "gold has no minor unit");
    }

    #[test]
    fn rounds_half_away_from_zero() {
        let currency = "EUR".parse().unwrap();
        for (text, minor) in [("0.005", 1), ("-0.005", -1), ("0.0049", 0), ("2.675", 268), ("-2.675", -268)] {
            assert_eq!(Money::round(parse_decimal(text).unwrap(), currency).unwrap().minor(), minor, "{text}");
        }
    }

    #[test]
    fn too_large_is_an_error_not_a_number() {
        let huge = parse_decimal("99999999999999999999999999").unwrap();
        assert!(Money::round(huge, "EUR".parse().unwrap()).is_err());
        assert!(eur(i64::MAX).checked_add(eur(1)).is_err());
    }

    #[test]
    fn splits_add_up() {
        assert_eq!(eur(100).split(&[1, 1, 1]).iter().map(|m| m.minor()).collect::<Vec<_>>(), [34, 33, 33]);
        assert_eq!(eur(-5).split(&[1, 1]).iter().map(|m| m.minor()).collect::<Vec<_>>(), [-3, -2]);
        assert_eq!(eur(5).split(&[0, 0]).iter().map(|m| m.minor()).collect::<Vec<_>>(), [5, 0]);
    }

    #[test]
    fn numbers_are_read_strictly() {
        for good in ["0", "-1.5", "0012.50", "0.000125"] {
            assert!(parse_decimal(good).is_ok(), "{good}");
        }
        for bad in ["", "-", ".5", "5.", "1,5", "1e3", " 1", "+1", "1_000", "١", "0.00000000000000000000000000001"] {
            assert!(parse_decimal(bad).is_err(), "{bad}");
        }
    }
}
