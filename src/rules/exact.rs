//! Exact arithmetic on amounts: products and quotients stay integers until the one rounding.
//!
//! `Decimal` rounds silently at its 28th digit, so a product or quotient of it could be rounded
//! twice; an `i128` with checked operations is either exact or an error.

use crate::model::{Currency, Money};
use rust_decimal::Decimal;

/// Why an amount could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount has more digits than finops can count exactly (38)")]
    TooManyDigits,
    #[error("the amount is too large for {0}: finops counts up to 9,223,372,036,854,775,807 minor units")]
    TooLarge(Currency),
}

/// The integer and the number of decimals that make up a number: 1.50 is (15, 1).
pub(super) fn parts(number: Decimal) -> (i128, u32) {
    let number = number.normalize();
    (number.mantissa(), number.scale())
}

pub(super) fn multiply(a: i128, b: i128) -> Result<i128, AmountError> {
    a.checked_mul(b).ok_or(AmountError::TooManyDigits)
}

pub(super) fn power_of_ten(exponent: u32) -> Result<i128, AmountError> {
    10_i128.checked_pow(exponent).ok_or(AmountError::TooManyDigits)
}

/// The quotient, rounded once, half away from zero. The divisor is positive.
pub(super) fn divide_rounded(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, (dividend % divisor).abs());
    if rest >= divisor - rest { quotient + dividend.signum() } else { quotient }
}

pub(super) fn to_money(minor: i128, currency: Currency) -> Result<Money, AmountError> {
    i64::try_from(minor).map(|minor| Money::from_minor(minor, currency)).map_err(|_| AmountError::TooLarge(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero() {
        for (dividend, divisor, rounded) in
            [(1, 2, 1), (-1, 2, -1), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (4, 2, 2), (0, 7, 0), (i128::MAX, 1, i128::MAX)]
        {
            assert_eq!(divide_rounded(dividend, divisor), rounded, "{dividend} / {divisor}");
        }
    }
}
