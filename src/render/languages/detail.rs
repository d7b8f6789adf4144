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
            LineDetail::Tier { from, to } => fill(&words.tier, &[("range", &range(from, to))]),
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

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;
    use crate::model::money::parse_decimal;

    #[test]
    fn details_are_words_that_customers_read() {
        let decimal = |text: &str| parse_decimal(text).unwrap();
        let (from, to) = (decimal("1000"), Some(decimal("2500.5")));
        let english = find("en").unwrap();
        for (detail, text) in [
            (LineDetail::Tier { from: Decimal::ZERO, to }, "units up to 2,500.5"),
            (LineDetail::Tier { from, to }, "units above 1,000, up to 2,500.5"),
            (LineDetail::TierFee { from, to: None }, "fee of the tier above 1,000"),
            (LineDetail::Tiers { to: from }, "all tiers up to 1,000"),
            (LineDetail::Volume { from: Decimal::ZERO, to: None }, "price for units in any number"),
            (LineDetail::Package { units: decimal("1750"), size: from }, "1,750 in packages of 1,000"),
            (LineDetail::Included { units: decimal("1750"), included: from }, "1,750, of which 1,000 are included"),
            (LineDetail::Minimum { minimum: from, reached: decimal("62.3") }, "minimum 1,000.00, reached 62.30"),
            (LineDetail::Percent { percent: decimal("12.5"), of: from }, "12.5% of 1,000.00"),
        ] {
            assert_eq!(english.detail(&detail, &|amount| english.number(amount, 2)), text);
        }
    }
}
