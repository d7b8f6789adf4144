//! Anything else that is to be billed: ticket work, overage, a domain renewal, a one-off item.
//! The invoice generator does not know where they came from.

use super::{CompanyId, Currency, SellerId, SourceKey, TaxCode};
use chrono::NaiveDate;
use rust_decimal::Decimal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillableItem {
    pub company_id: CompanyId,
    /// Unique within the company: the same source is never billed twice.
    pub source_key: SourceKey,
    pub seller_id: SellerId,
    pub currency: Currency,
    /// Its supply date; the next invoice whose period ends after it takes the item up.
    pub dated: NaiveDate,
    pub description: String,
    pub quantity: Decimal,
    pub unit: String,
    /// In `currency`; may be finer than its minor unit; negative gives money back.
    pub unit_price: Decimal,
    pub tax_inclusive: bool,
    pub tax_code: Option<TaxCode>,
}
