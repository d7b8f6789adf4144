//! sketch
use crate::model::{Company, Invalid, Seller, SellerId, TaxCode, TaxRate};
use chrono::NaiveDate;

/// The tax rates of all sellers; a rate is found by binary search.
#[derive(Debug, Clone, Default)]
pub struct TaxTable(Vec<TaxRate>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seller {seller} has no rate for tax code {code} on {on}")]
pub struct MissingRate {
    pub seller: SellerId,
    pub code: TaxCode,
    /// The supply date.
    pub on: NaiveDate,
}

impl TaxTable {
    pub fn new(rates: Vec<TaxRate>) -> Self {
        Self(rates)
    }

    pub fn find(&self, _seller: &SellerId, _code: &TaxCode, _on: NaiveDate) -> Result<&TaxRate, MissingRate> {
        let _ = &self.0;
        todo!()
    }
}

/// The code that applies.
pub fn tax_code<'a>(company: &'a Company, item: Option<&'a TaxCode>, seller: &'a Seller) -> &'a TaxCode {
    company.tax_code.as_ref().or(item).unwrap_or(&seller.tax_code)
}

/// For the import: refuses a rate that its category does not allow.
pub fn check_rate(_rate: &TaxRate) -> Result<(), Invalid> {
    todo!()
}
