//! Company credit: entries that only ever come to, and add up per seller and currency. What settles an
//! invoice names it.

use super::{Row, StoreError, Tx, Val};
use crate::model::{CompanyId, Currency, InvoiceId, Money, SellerId};
use chrono::NaiveDate;
use serde::Serialize;

/// A change of a company's credit with one seller.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    pub company_id: &'a CompanyId,
    /// Derived from where it comes from: `payment:bank:TX1`, `invoice:…`.
    pub key: &'a str,
    pub seller_id: &'a SellerId,
    /// Negative when credit is used.
    pub amount: Money,
    pub reason: &'a str,
    pub entered_on: NaiveDate,
    /// The invoice that it settles, or that it was taken back from.
    pub invoice_id: Option<&'a InvoiceId>,
}

/// Adds an entry. False if its key is known already.
pub fn add(tx: &mut Tx, entry: NewEntry) -> Result<bool, StoreError> {
    const SQL: &str =
        "INSERT INTO credit_entries (company_id, entry_key, seller_id, currency, amount_minor, reason, entered_on, invoice_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (company_id, entry_key) DO NOTHING";
    let NewEntry { company_id, key, seller_id, amount, reason, entered_on, invoice_id } = entry;
    let params: [Val; 8] = [
        company_id.as_str().into(),
        key.into(),
        seller_id.as_str().into(),
        amount.currency().into(),
        amount.into(),
        reason.into(),
        entered_on.into(),
        invoice_id.map_or("", InvoiceId::as_str).into(),
    ];
    Ok(tx.execute(SQL, &params)? == 1)
}

/// What a company has with one seller in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub company_id: CompanyId,
    pub seller_id: SellerId,
    pub amount: Money,
}

fn read_balance(row: &Row) -> Result<Balance, StoreError> {
    let currency: Currency = row.parse(2)?;
    Ok(Balance {
        company_id: CompanyId::stored(row.text(0)?),
        seller_id: SellerId::stored(row.text(1)?),
        amount: row.money(3, currency)?,
    })
}

/// The credit of these companies (ids ascending), by company, seller and currency; what is used up is
/// left out.
pub fn balances(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Balance>, StoreError> {
    const SQL: &str = "SELECT company_id, seller_id, currency, CAST(SUM(amount_minor) AS BIGINT) FROM credit_entries
      WHERE company_id = $1 GROUP BY company_id, seller_id, currency HAVING SUM(amount_minor) <> 0
      ORDER BY company_id, seller_id, currency";
    tx.query_companies(SQL, companies, &[], read_balance)
}

/// A page of the companies that have credit, after `after`.
pub fn companies(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT DISTINCT company_id FROM credit_entries WHERE company_id > $1 ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| row.string(0))
}

/// What credit has settled of an invoice, in its currency: credit notes, and credit that it used up.
pub fn settled(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId, currency: Currency) -> Result<Money, StoreError> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(-amount_minor), 0) AS BIGINT) FROM credit_entries
      WHERE company_id = $1 AND invoice_id = $2 AND invoice_id <> ''";
    let minor = tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| row.int(0))?;
    Ok(Money::from_minor(minor.unwrap_or(0), currency))
}

/// An entry, for showing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub key: String,
    pub seller_id: SellerId,
    pub amount: Money,
    pub currency: Currency,
    pub reason: String,
    pub entered_on: NaiveDate,
    /// The invoice that it settles.
    pub invoice_id: Option<String>,
}

macro_rules! columns {
    () => {
        "entry_key, seller_id, currency, amount_minor, reason, entered_on, invoice_id"
    };
}

fn read_entry(row: &Row) -> Result<Entry, StoreError> {
    let currency: Currency = row.parse(2)?;
    Ok(Entry {
        key: row.string(0)?,
        seller_id: SellerId::stored(row.text(1)?),
        currency,
        amount: row.money(3, currency)?,
        reason: row.string(4)?,
        entered_on: row.date(5)?,
        invoice_id: Some(row.string(6)?).filter(|id| !id.is_empty()),
    })
}

/// The entries of a company, by date.
pub fn of_company(tx: &mut Tx, company_id: &CompanyId) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM credit_entries WHERE company_id = $1 ORDER BY entered_on, entry_key");
    tx.query(SQL, &[company_id.as_str().into()], read_entry)
}

/// The entries that settle an invoice, by date.
pub fn of_invoice(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM credit_entries WHERE company_id = $1 AND invoice_id = $2 AND invoice_id <> '' ORDER BY entered_on, entry_key"
    );
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], read_entry)
}

/// The entry with this key.
pub fn find(tx: &mut Tx, company_id: &CompanyId, key: &str) -> Result<Option<Entry>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM credit_entries WHERE company_id = $1 AND entry_key = $2");
    tx.query_opt(SQL, &[company_id.as_str().into(), key.into()], read_entry)
}
