//! Who is billed: the customer.

use super::seller::Address;
use super::{CompanyId, TaxCode, text_enum};

text_enum! {
    /// How a company gets its invoices.
    pub enum Delivery ("delivery") {
        /// By mail to its billing contacts.
        Email = "email",
        /// Not by finops.
        None = "none",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    pub company_id: CompanyId,
    pub name: String,
    /// Department or person, printed under the name.
    pub attention: String,
    pub address: Address,
    pub tax_id: String,
    pub email: String,
    /// IANA zone; it only sets when messages reach the company. None: the seller's.
    pub time_zone: Option<chrono_tz::Tz>,
    /// BCP 47 language of its documents and messages; empty: the seller's.
    pub language: String,
    /// Overrides the seller's terms.
    pub payment_terms_days: Option<u16>,
    /// One invoice for all contracts of the same due date, seller and currency.
    pub consolidate: bool,
    /// Day of the month (1..=31, clamped to the month's end) on which items without a contract stand alone.
    pub billing_day: u8,
    /// Taxes every line of this company by this code of the seller (reverse charge, export), whatever the item says.
    pub tax_code: Option<TaxCode>,
    /// The customer's own reference (purchase order), printed on its invoices.
    pub reference: String,
    pub delivery: Delivery,
    /// The mail address of whoever looks after this customer, copied from a level of reminders on; may be empty.
    pub account_manager: String,
    /// The name of a policy of reminders (`[reminders.policies]`), or `none`; empty: `default`.
    pub reminder_policy: String,
}
