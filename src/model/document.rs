//! The frozen document: all that is printed on an issued invoice, as it was on the day of issue.
//!
//! Its JSON is canonical (fields in the order of declaration, amounts as decimal strings with the
//! currency's decimals) and its SHA-256 is kept, so a later change to a seller, a company or a
//! contract cannot alter what was sent. Rendering needs nothing but this value and the logo.

use super::seller::{Address, BankDetails};
use super::{Currency, InvoiceId, LineDetail, TaxCategory, text_enum};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Raised when a field is added, so that old documents stay readable as they are.
pub const DOCUMENT_VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub version: u32,
    /// Since version 2, as are the other fields that have a default.
    #[serde(default)]
    pub kind: DocumentKind,
    pub invoice_id: InvoiceId,
    pub number: String,
    pub revision: u32,
    pub currency: Currency,
    /// BCP 47.
    pub language: String,
    pub issued_on: NaiveDate,
    /// Of a credit note: the day of issue.
    pub due_on: NaiveDate,
    /// First and last day served (both inclusive).
    pub service_from: NaiveDate,
    pub service_to: NaiveDate,
    pub reference: String,
    pub seller: Party,
    pub buyer: Party,
    pub tax_inclusive: bool,
    pub lines: Vec<DocumentLine>,
    pub taxes: Vec<DocumentTax>,
    /// Sum of the nets of `taxes`.
    pub net: Decimal,
    pub tax: Decimal,
    pub total: Decimal,
    /// The company's credit that this invoice used up when it was issued: what is left to be paid is
    /// `total` − `credit_applied`.
    #[serde(default)]
    pub credit_applied: Decimal,
    /// What a credit note takes back.
    #[serde(default)]
    pub corrects: Option<Corrected>,
    pub payment_terms_days: u16,
    pub bank: BankDetails,
    /// SHA-256 (hex) of the logo in `assets`, or empty.
    pub logo_sha256: String,
    pub footer: String,
}

text_enum! {
    /// What the document is.
    pub enum DocumentKind ("document kind") {
        Invoice = "invoice",
        CreditNote = "credit_note",
    }
}

impl Default for DocumentKind {
    /// Documents of version 1 were invoices.
    fn default() -> Self {
        Self::Invoice
    }
}

/// The invoice that a credit note corrects (EN 16931 BG-3), and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    pub invoice_id: InvoiceId,
    pub number: String,
    pub issued_on: NaiveDate,
    /// May be empty.
    pub reason: String,
    /// What of the credit note lowered what was left to pay of the invoice; the rest is the company's credit. None on
    /// documents that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Decimal>,
    /// It takes back an amount, of whatever the invoice billed: its lines only say how that is spread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_an_amount: bool,
}

/// Seller or buyer, as printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The user's id: `acme`.
    pub id: String,
    pub name: String,
    pub attention: String,
    pub address: Address,
    pub tax_id: String,
    pub registration: String,
    pub email: String,
    pub phone: String,
    pub website: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLine {
    pub description: String,
    /// First and last day served (both inclusive).
    pub service_from: NaiveDate,
    pub service_to: NaiveDate,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    /// Days billed of the days in the full period, when only a part is billed.
    pub prorated: Option<(u32, u32)>,
    /// How the figures came about, beyond quantity × unit price × days. Since version 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<LineDetail>,
    pub tax_category: TaxCategory,
    /// Percent.
    pub tax_rate: Decimal,
    /// As priced: without tax, or with it when `tax_inclusive`.
    pub amount: Decimal,
    pub net: Decimal,
}

impl Document {
    /// What is to be paid once the credit that it used is taken off; a credit note asks for nothing.
    pub fn to_pay(&self) -> Decimal {
        match self.kind {
            DocumentKind::Invoice => self.total - self.credit_applied,
            DocumentKind::CreditNote => Decimal::ZERO,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentTax {
    pub category: TaxCategory,
    /// Percent.
    pub rate: Decimal,
    pub name: String,
    pub note: String,
    pub net: Decimal,
    pub tax: Decimal,
}
