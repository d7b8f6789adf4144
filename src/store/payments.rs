//! Payments, and what they settle.

use super::{StoreError, Tx, credit};
use crate::model::{CompanyId, Currency, Invoice, InvoiceId, Money, Payment};
use chrono::NaiveDate;

/// A payment and the invoice that it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayment {
    pub payment: Payment,
    pub invoice_id: InvoiceId,
}

/// The payment that a provider's reference names.
pub fn find(tx: &mut Tx, company_id: &CompanyId, provider: &str, reference: &str) -> Result<Option<StoredPayment>, StoreError> {
    const SQL: &str = "SELECT currency, amount_minor, received_on, invoice_id FROM payments
      WHERE company_id = $1 AND provider = $2 AND reference = $3";
    tx.query_opt(SQL, &[company_id.as_str().into(), provider.into(), reference.into()], |row| {
        let currency: Currency = row.parse(0)?;
        Ok(StoredPayment {
            payment: Payment {
                company_id: company_id.clone(),
                provider: provider.to_owned(),
                reference: reference.to_owned(),
                amount: row.money(1, currency)?,
                received_on: row.date(2)?,
            },
            invoice_id: InvoiceId::stored(row.text(3)?),
        })
    })
}

/// Writes a payment for an invoice. False if its reference is known already.
pub fn insert(tx: &mut Tx, payment: &Payment, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO payments (company_id, provider, reference, currency, amount_minor, received_on, invoice_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (company_id, provider, reference) DO NOTHING";
    let params = [
        payment.company_id.as_str().into(),
        (&payment.provider).into(),
        (&payment.reference).into(),
        payment.amount.currency().into(),
        payment.amount.into(),
        payment.received_on.into(),
        invoice_id.as_str().into(),
    ];
    Ok(tx.execute(SQL, &params)? == 1)
}

/// The key of the company credit that a payment gives where it is more than was owed.
pub fn excess_key(provider: &str, reference: &str) -> String {
    format!("payment:{provider}:{reference}")
}

/// Lets a part of a payment settle an invoice.
pub fn allocate(tx: &mut Tx, payment: &Payment, invoice_id: &InvoiceId, amount: Money) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO payment_allocations (company_id, invoice_id, provider, reference, amount_minor)
      VALUES ($1, $2, $3, $4, $5)";
    let params = [
        payment.company_id.as_str().into(),
        invoice_id.as_str().into(),
        (&payment.provider).into(),
        (&payment.reference).into(),
        amount.into(),
    ];
    tx.execute(SQL, &params).map(drop)
}

/// What payments have settled of an invoice, in its currency.
pub fn paid(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId, currency: Currency) -> Result<Money, StoreError> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payment_allocations
      WHERE company_id = $1 AND invoice_id = $2";
    let minor = tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| row.int(0))?;
    Ok(Money::from_minor(minor.unwrap_or(0), currency))
}

/// A payment's part in an invoice, for showing.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Allocation {
    pub provider: String,
    pub reference: String,
    pub received_on: NaiveDate,
    pub amount: Money,
}

/// The payments that settle an invoice, by date.
pub fn of_invoice(
    tx: &mut Tx,
    company_id: &CompanyId,
    invoice_id: &InvoiceId,
    currency: Currency,
) -> Result<Vec<Allocation>, StoreError> {
    const SQL: &str = "SELECT a.provider, a.reference, p.received_on, a.amount_minor FROM payment_allocations a
      JOIN payments p ON p.company_id = a.company_id AND p.provider = a.provider AND p.reference = a.reference
      WHERE a.company_id = $1 AND a.invoice_id = $2 ORDER BY p.received_on, a.provider, a.reference";
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| {
        Ok(Allocation {
            provider: row.string(0)?,
            reference: row.string(1)?,
            received_on: row.date(2)?,
            amount: row.money(3, currency)?,
        })
    })
}

/// What is open of an issued invoice: total − credited − paid, from the rows.
pub fn open_balance(tx: &mut Tx, invoice: &Invoice) -> Result<Money, StoreError> {
    let paid = paid(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    let credited = credit::settled(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    let settled = paid.minor().saturating_add(credited.minor());
    Ok(Money::from_minor(invoice.total.minor().saturating_sub(settled), invoice.currency))
}

/// A payment, what people call its invoice, and whether that came from another system and is not void.
#[derive(Debug)]
pub struct Paid {
    pub payment: Payment,
    pub invoice: String,
    pub of_opening: bool,
}

/// The payments of these companies (ids ascending).
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Paid>, StoreError> {
    const SQL: &str = "SELECT p.company_id, p.provider, p.reference, p.currency, p.amount_minor, p.received_on,
      COALESCE(i.number, i.invoice_id), o.invoice_id FROM payments p
      JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
      LEFT JOIN opening_invoices o ON o.company_id = p.company_id AND o.invoice_id = p.invoice_id
        AND i.state <> 'void'
      WHERE p.company_id = $1 ORDER BY p.company_id, p.provider, p.reference";
    tx.query_companies(SQL, companies, &[], |row| {
        let currency: Currency = row.parse(3)?;
        let payment = Payment {
            company_id: CompanyId::stored(row.text(0)?),
            provider: row.string(1)?,
            reference: row.string(2)?,
            amount: row.money(4, currency)?,
            received_on: row.date(5)?,
        };
        Ok(Paid { payment, invoice: row.string(6)?, of_opening: row.opt_text(7)?.is_some() })
    })
}
