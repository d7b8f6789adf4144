//! Anything else that is to be billed: ticket work, overage, a domain renewal, a one-off item.
//! The invoice generator does not know where they came from.

use super::invoice::Proration;
use super::{CompanyId, ContractId, Currency, ItemId, Money, Period, SellerId, SourceKey, TaxCode};
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
    /// Some when it is the credit or the charge of a contract that changed in a billed period.
    pub adjustment: Option<Adjustment>,
}

/// Which days of which billed period an item credits or charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pub contract_id: ContractId,
    pub item_id: ItemId,
    /// First day of the billed period.
    pub adjusts: NaiveDate,
    /// The days credited or charged.
    pub period: Period,
    /// None when they are the whole of the period.
    pub proration: Option<Proration>,
    /// As the contract's prices have it, rounded once; negative for a credit.
    pub amount: Money,
    /// Decides the tax rate: the last day of the service that is credited or charged, as a line of its own
    /// period would have it.
    pub supplied_on: NaiveDate,
    /// The day on which it stands alone when no invoice took it up before.
    pub alone_on: NaiveDate,
}
