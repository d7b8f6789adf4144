//! The legal entity that bills.

use super::{SellerId, TaxCode};
use serde::{Deserialize, Serialize};

/// A postal address, as it is printed: empty lines are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub line1: String,
    pub line2: String,
    pub postal_code: String,
    pub city: String,
    pub region: String,
    /// ISO 3166-1 alpha-2: `DE`.
    pub country: String,
}

/// Where the customer pays to. Printed on every invoice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankDetails {
    pub bank_name: String,
    pub iban: String,
    pub bic: String,
    /// Account details of countries without IBAN, as they are to be printed.
    pub account: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    pub seller_id: SellerId,
    pub name: String,
    pub address: Address,
    /// VAT or sales-tax registration number.
    pub tax_id: String,
    /// Number in the register of companies.
    pub registration: String,
    pub email: String,
    pub phone: String,
    pub website: String,
    pub bank: BankDetails,
    /// IANA zone. Due dates, issue dates and the year in a number go by it.
    pub time_zone: chrono_tz::Tz,
    /// BCP 47 language of its documents, unless the company asks for another.
    pub language: String,
    /// Days from issue to due date, unless the company or the contract says otherwise.
    pub payment_terms_days: u16,
    /// The number series its invoices are drawn from; sellers may share one.
    pub series_id: String,
    /// `INV-{year}-{seq:06}`: see `rules::numbering`.
    pub number_format: String,
    /// The number series of its credit notes, and how their numbers look.
    pub credit_series_id: String,
    pub credit_number_format: String,
    /// The tax code of items that name none.
    pub tax_code: TaxCode,
    /// SHA-256 (hex) of the logo in `assets`, or empty.
    pub logo_sha256: String,
    /// Printed at the foot of each page.
    pub footer: String,
}
