//! Exact arithmetic on amounts: products and quotients are integers until the one rounding.

use crate::model::Currency;

/// Why an amount could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount has more digits than finops can count exactly (38)")]
    TooManyDigits,
    #[error("the amount is too large for {0}: finops counts up to 9,223,372,036,854,775,807 minor units")]
    TooLarge(Currency),
}
