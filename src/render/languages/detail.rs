//! How the figures of a line came about, in words.

use super::Language;
use super::texts::fill;
use crate::model::LineDetail;
use rust_decimal::Decimal;

/// In English and plain digits: for a terminal.
pub fn plain_detail(detail: &LineDetail) -> String {
    // The first language is always there: a test reads every file.
    super::find("en").map(|english| english.detail(detail, &|amount| amount.to_string())).unwrap_or_default()
}

impl Language {
    /// `amount` writes an amount with the decimals of its currency.
    pub fn detail(&self, detail: &LineDetail, amount: &dyn Fn(Decimal) -> String) -> String {
        let words = &self.document.detail;
        let number = |value: Decimal| self.number(value, 0);
        let range = |from: Decimal, to: Option<Decimal>| {
            let pattern = match (from.is_zero(), to) {
                (true, Some(_)) => &words.up_to,
                (false, Some(_)) => &words.between,
                (true, None) => &words.any,
                (false, None) => &words.above,
            };
            fill(pattern, &[("from", &number(from)), ("to", &to.map(number).unwrap_or_default())])
        };
        match *detail {
            LineDetail::Tier { from, to } => range(from, to),
            LineDetail::TierFee { from, to } => fill(&words.tier_fee, &[("range", &range(from, to))]),
            LineDetail::Tiers { to } => fill(&words.tiers, &[("to", &number(to))]),
            LineDetail::Volume { from, to } => fill(&words.volume, &[("range", &range(from, to))]),
            LineDetail::Package { units, size } => fill(&words.package, &[("units", &number(units)), ("size", &number(size))]),
            LineDetail::Included { units, included } => {
                fill(&words.included, &[("units", &number(units)), ("included", &number(included))])
            }
            LineDetail::Minimum { minimum, reached } => {
                fill(&words.minimum, &[("minimum", &amount(minimum)), ("reached", &amount(reached))])
            }
            LineDetail::Percent { percent, of } => fill(&words.percent, &[("percent", &self.rate(percent)), ("of", &amount(of))]),
        }
    }
}
