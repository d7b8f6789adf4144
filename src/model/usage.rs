//! What customers used, counted by meters.

use super::{CompanyId, ContractId, Meter, UsageKey};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One count, recorded once under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub company_id: CompanyId,
    pub usage_key: UsageKey,
    pub contract_id: ContractId,
    pub meter: Meter,
    /// Seller's local date.
    pub used_on: NaiveDate,
    pub quantity: Decimal,
}

/// All that a contract used of a meter on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageDay {
    pub meter: Meter,
    pub on: NaiveDate,
    pub quantity: Decimal,
}
