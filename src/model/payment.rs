//! Money received.

use super::{CompanyId, Money};
use chrono::NaiveDate;

/// One payment, recorded once per (company, provider, reference).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub company_id: CompanyId,
    /// Who took the money: `manual`, `bank`, `stripe`.
    pub provider: String,
    /// The provider's reference (transaction id, statement line).
    pub reference: String,
    pub amount: Money,
    /// Seller's local date on which it arrived.
    pub received_on: NaiveDate,
}
