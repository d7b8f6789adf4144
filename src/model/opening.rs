//! What stood open in the system that was used before.

use super::{CompanyId, InvoiceId, Money, SellerId};
use chrono::NaiveDate;
use sha2::{Digest, Sha256};

/// An invoice of that system which is still to be paid. It keeps its number, which is none of our
/// series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningInvoice {
    pub company_id: CompanyId,
    /// As it was given there.
    pub number: String,
    pub seller_id: SellerId,
    /// What is still to be paid of it, tax included; above zero.
    pub amount: Money,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub reference: String,
}

impl OpeningInvoice {
    /// Derived from what names it, so that the same file again finds the same invoice: a UUIDv8
    /// (RFC 9562) of the SHA-256 over company, seller and number, each with its length before it.
    pub fn invoice_id(&self) -> InvoiceId {
        let mut hash = Sha256::new();
        for part in [self.company_id.as_str(), self.seller_id.as_str(), &self.number] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        InvoiceId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// Money of a company that was not used up there: the next invoices do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningCredit {
    pub company_id: CompanyId,
    /// What it is called there, unique within the company.
    pub reference: String,
    pub seller_id: SellerId,
    /// Above zero.
    pub amount: Money,
    pub dated: NaiveDate,
    pub reason: String,
}
