//! Exact arithmetic on amounts: products and quotients stay integers until the one rounding.
//!
//! `Decimal` rounds silently at its 28th digit, so a product or quotient of it could be rounded
//! twice; an `i128` with checked operations is either exact or an error.

use crate::model::tiers::scaled;
use crate::model::{Currency, Money};
use rust_decimal::Decimal;
use std::cmp::Reverse;

/// Why an amount could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount has more digits than finops can count exactly (38)")]
    TooManyDigits,
    #[error("the amount is too large for {0}: finops counts up to 9,223,372,036,854,775,807 minor units")]
    TooLarge(Currency),
    #[error("its prices are in tiers, but it has none")]
    NoTiers,
}

/// The integer and the number of decimals that make up a number: 1.50 is (15, 1).
pub(super) fn parts(number: Decimal) -> (i128, u32) {
    let number = number.normalize();
    (number.mantissa(), number.scale())
}

pub(super) fn multiply(a: i128, b: i128) -> Result<i128, AmountError> {
    a.checked_mul(b).ok_or(AmountError::TooManyDigits)
}

/// a + b, exactly.
pub(super) fn add(a: Decimal, b: Decimal) -> Result<Decimal, AmountError> {
    let scale = a.normalize().scale().max(b.normalize().scale());
    let sum = scaled(a, scale).zip(scaled(b, scale)).and_then(|(a, b)| a.checked_add(b)).ok_or(AmountError::TooManyDigits)?;
    number(sum, scale)
}

/// The number that so many of 10^-decimals make.
pub(super) fn number(mantissa: i128, decimals: u32) -> Result<Decimal, AmountError> {
    Decimal::try_from_i128_with_scale(mantissa, decimals).map(|number| number.normalize()).map_err(|_| AmountError::TooManyDigits)
}

pub(super) fn power_of_ten(exponent: u32) -> Result<i128, AmountError> {
    10_i128.checked_pow(exponent).ok_or(AmountError::TooManyDigits)
}

/// The quotient, rounded once, half away from zero. The divisor is positive.
pub(super) fn divide_rounded(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, (dividend % divisor).abs());
    if rest >= divisor - rest { quotient + dividend.signum() } else { quotient }
}

/// Rounds a sum of fractions once, and shares it out to whole parts that add up to it: every fraction
/// is cut down to a whole one, and what is missing goes to the largest cuts (on a tie to the
/// earlier). So it holds for negative fractions, and for those that sum to zero, as well. The
/// divisor is positive.
pub(super) fn share_out(dividends: &[i128], divisor: i128) -> Result<Vec<i128>, AmountError> {
    let sum = dividends.iter().try_fold(0_i128, |sum, part| sum.checked_add(*part)).ok_or(AmountError::TooManyDigits)?;
    let mut shares: Vec<i128> = dividends.iter().map(|part| part.div_euclid(divisor)).collect();
    let missing = divide_rounded(sum, divisor) - shares.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|index| Reverse(dividends[*index].rem_euclid(divisor)));
    for (_, index) in (0..missing).zip(order) {
        shares[index] += 1;
    }
    Ok(shares)
}

pub(super) fn to_money(minor: i128, currency: Currency) -> Result<Money, AmountError> {
    i64::try_from(minor).map(|minor| Money::from_minor(minor, currency)).map_err(|_| AmountError::TooLarge(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        assert_eq!(share_out(&[1, 1, 1], 3).unwrap(), [1, 0, 0]);
        assert_eq!(share_out(&[10, -10], 4).unwrap(), [3, -3]);
        assert_eq!(share_out(&[-1, -1, -2], 3).unwrap(), [0, 0, -1]);
        assert_eq!(share_out(&[i128::MAX, 1], 3), Err(AmountError::TooManyDigits));
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (dividend, divisor, rounded) in
            [(1, 2, 1), (-1, 2, -1), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (4, 2, 2), (0, 7, 0), (i128::MAX, 1, i128::MAX)]
        {
            assert_eq!(divide_rounded(dividend, divisor), rounded, "{dividend} / {divisor}");
        }
    }
}
