//! Which tax a line carries: the code that applies, and the seller's rate for it on the supply date.
//!
//! The supply date is the last day of a line's service period (semantics.md, time). A company's code
//! goes before the item's (reverse charge, export), and that before the seller's default.

use crate::model::{Company, Invalid, Seller, SellerId, TaxCode, TaxRate};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The rates of all sellers, sorted, so that one is found by binary search.
#[derive(Debug, Clone, Default)]
pub struct TaxTable(Vec<TaxRate>);

/// There is no rate for this seller and code on this supply date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seller {seller} has no tax rate for code {code} on {on}")]
pub struct MissingRate {
    pub seller: SellerId,
    pub code: TaxCode,
    /// The supply date.
    pub on: NaiveDate,
}

impl MissingRate {
    pub fn hint(&self) -> String {
        format!("import a tax rate of seller {} for tax_code {} with valid_from {} or earlier", self.seller, self.code, self.on)
    }
}

impl TaxTable {
    /// The rates, in any order, as `check_rate` let them in.
    pub fn new(mut rates: Vec<TaxRate>) -> Self {
        rates.sort_by(|a, b| key(a).cmp(&key(b)));
        Self(rates)
    }

    /// The rate in force on the supply date.
    pub fn find(&self, seller: &SellerId, code: &TaxCode, on: NaiveDate) -> Result<&TaxRate, MissingRate> {
        let after = self.0.partition_point(|rate| key(rate) <= (seller, code, on));
        let latest = after.checked_sub(1).map(|index| &self.0[index]);
        latest.filter(|rate| rate.seller_id == *seller && rate.tax_code == *code).ok_or_else(|| MissingRate {
            seller: seller.clone(),
            code: code.clone(),
            on,
        })
    }
}

fn key(rate: &TaxRate) -> (&SellerId, &TaxCode, NaiveDate) {
    (&rate.seller_id, &rate.tax_code, rate.valid_from)
}

/// The code that applies to a line.
pub fn tax_code<'a>(company: &'a Company, item: Option<&'a TaxCode>, seller: &'a Seller) -> &'a TaxCode {
    company.tax_code.as_ref().or(item).unwrap_or(&seller.tax_code)
}

/// Refuses a rate that its category cannot have: above zero for standard (EN 16931 BR-S-05), zero for
/// every other (BR-Z-05, BR-E-05, BR-AE-05, BR-IC-05, BR-G-05, BR-O-05).
pub fn check_rate(rate: &TaxRate) -> Result<(), Invalid> {
    let percent = rate.rate.normalize();
    if percent < Decimal::ZERO {
        return Err(Invalid::new(format!("a tax rate cannot be negative, but it is {percent}")));
    }
    match (rate.category.allows_rate(), percent.is_zero()) {
        (true, true) => Err(Invalid::new(format!(
            "category {} is for rates above 0 (EN 16931 BR-S-05): write Z for a zero rate, E for an exemption, O outside the scope",
            rate.category
        ))),
        (false, false) => Err(Invalid::new(format!("category {} has no rate (EN 16931): write 0, not {percent}", rate.category))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaxCategory;
    use crate::model::calendar::parse_date;
    use crate::model::money::parse_decimal;

    fn rate(seller: &str, code: &str, from: &str, percent: &str) -> TaxRate {
        TaxRate {
            seller_id: seller.parse().unwrap(),
            tax_code: code.parse().unwrap(),
            valid_from: parse_date(from).unwrap(),
            category: TaxCategory::Standard,
            rate: parse_decimal(percent).unwrap(),
            name: String::new(),
            note: String::new(),
        }
    }

    /// The German rate of 2020: 19 %, 16 % from July, 19 % again from 2021 (Zweites Corona-Steuerhilfegesetz, art. 3).
    #[test]
    fn the_rate_of_the_supply_date_counts() {
        let table = TaxTable::new(vec![
            rate("de", "standard", "2021-01-01", "19"),
            rate("de", "standard", "2007-01-01", "19"),
            rate("de", "standard", "2020-07-01", "16"),
            rate("de", "reduced", "2020-07-01", "5"),
            rate("at", "standard", "2016-01-01", "20"),
        ]);
        let find = |seller: &str, code: &str, on: &str| {
            let found = table.find(&seller.parse().unwrap(), &code.parse().unwrap(), parse_date(on).unwrap());
            found.map(|rate| rate.rate.to_string()).map_err(|missing| missing.to_string())
        };
        for (on, percent) in [("2020-06-30", "19"), ("2020-07-01", "16"), ("2020-12-31", "16"), ("2021-01-01", "19")] {
            assert_eq!(find("de", "standard", on).as_deref(), Ok(percent), "{on}");
        }
        assert_eq!(find("at", "standard", "2026-01-01").as_deref(), Ok("20"));
        for (seller, code, on) in
            [("de", "standard", "2006-12-31"), ("de", "export", "2026-01-01"), ("fr", "standard", "2026-01-01")]
        {
            assert_eq!(find(seller, code, on), Err(format!("seller {seller} has no tax rate for code {code} on {on}")));
        }
    }

    #[test]
    fn only_the_standard_category_has_a_rate() {
        for category in TaxCategory::ALL.iter().copied() {
            let of = |percent| TaxRate { category, ..rate("de", "x", "2026-01-01", percent) };
            assert_eq!(check_rate(&of("19")).is_ok(), category == TaxCategory::Standard, "{category}");
            assert_eq!(check_rate(&of("0.00")).is_ok(), category != TaxCategory::Standard, "{category}");
            assert!(check_rate(&of("-1")).is_err());
        }
    }
}
