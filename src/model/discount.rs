//! Discounts on a contract or on one of its items.

use super::{CompanyId, ContractId, DiscountId, ItemId};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// Of what is billed: above 0, up to 100.
    Percent(Decimal),
    /// In the contract's currency, of a full period: above 0; never more than is billed.
    Amount(Decimal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub discount_id: DiscountId,
    /// None: all that the contract bills.
    pub item_id: Option<ItemId>,
    /// It begins with the period that has this day.
    pub valid_from: NaiveDate,
    /// For so many periods; None: for ever.
    pub periods: Option<u16>,
    pub off: Off,
    pub description: String,
}
