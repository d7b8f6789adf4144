//! What was taken over from the system before: invoices that are still open there, and credit.

use super::value::Kind::Text;
use super::{Bulk, StoreError, Tx};
use crate::model::{CompanyId, Currency, InvoiceId, OpeningCredit, OpeningInvoice, SellerId};

/// Before the references of opening credit, among the keys of all credit.
const CREDIT_KEY: &str = "opening:";

static INSERT: Bulk<2> =
    Bulk { table: "opening_invoices", columns: [("company_id", Text), ("invoice_id", Text)], on_conflict: "" };

/// Marks an invoice as one of another system: it has no document and no number of a series.
pub fn mark(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<(), StoreError> {
    tx.insert(&INSERT, [[company_id.as_str().into(), invoice_id.as_str().into()]]).map(drop)
}

/// Whether an invoice came from another system.
pub fn is_opening(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM opening_invoices WHERE company_id = $1 AND invoice_id = $2";
    Ok(tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |_| Ok(()))?.is_some())
}

/// How many there are.
pub fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM opening_invoices";
    Ok(tx.query_opt(SQL, &[], |row| row.int(0))?.unwrap_or(0))
}

/// How many were written off since.
pub fn count_uncollectible(tx: &mut Tx) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM opening_invoices o
      JOIN invoices i ON i.company_id = o.company_id AND i.invoice_id = o.invoice_id WHERE i.state = 'uncollectible'";
    Ok(tx.query_opt(SQL, &[], |row| row.int(0))?.unwrap_or(0))
}

/// Those of these companies (ids ascending) that were not voided since, as they were taken over: paid, written off or
/// open, they may have payments.
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<OpeningInvoice>, StoreError> {
    const SQL: &str = "SELECT o.company_id, i.number, i.seller_id, i.currency, i.total_minor, i.issued_on, i.due_on, i.reference
      FROM opening_invoices o JOIN invoices i ON i.company_id = o.company_id AND i.invoice_id = o.invoice_id
      WHERE o.company_id = $1 AND i.state <> 'void' ORDER BY o.company_id, i.number, o.invoice_id";
    tx.query_companies(SQL, companies, &[], |row| {
        let currency: Currency = row.parse(3)?;
        Ok(OpeningInvoice {
            company_id: CompanyId::stored(row.text(0)?),
            number: row.string(1)?,
            seller_id: SellerId::stored(row.text(2)?),
            amount: row.money(4, currency)?,
            issued_on: row.date(5)?,
            due_on: row.date(6)?,
            reference: row.string(7)?,
        })
    })
}

/// The key of an opening credit among a company's credit entries.
pub fn credit_key(reference: &str) -> String {
    format!("{CREDIT_KEY}{reference}")
}

/// The opening credit of these companies (ids ascending).
pub fn credits_of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<OpeningCredit>, StoreError> {
    const SQL: &str = "SELECT company_id, entry_key, seller_id, currency, amount_minor, entered_on, reason FROM credit_entries
      WHERE company_id = $1 AND entry_key >= 'opening:' AND entry_key < 'opening;' ORDER BY company_id, entry_key";
    tx.query_companies(SQL, companies, &[], |row| {
        let currency: Currency = row.parse(3)?;
        Ok(OpeningCredit {
            company_id: CompanyId::stored(row.text(0)?),
            reference: row.text(1)?.strip_prefix(CREDIT_KEY).unwrap_or_default().to_owned(),
            seller_id: SellerId::stored(row.text(2)?),
            amount: row.money(4, currency)?,
            dated: row.date(5)?,
            reason: row.string(6)?,
        })
    })
}
