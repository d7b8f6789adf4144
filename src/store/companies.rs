//! Companies: who is billed.

use super::sellers::read_address;
use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{Company, CompanyId};
use std::collections::BTreeSet;

macro_rules! columns {
    () => {
        "company_id, name, attention, address_line1, address_line2, postal_code, city, region, country, tax_id, email, time_zone, \
         language, payment_terms_days, consolidate, billing_day, tax_code, reference, delivery, account_manager, reminder_policy"
    };
}

const SELECT: &str = concat!("SELECT ", columns!(), " FROM companies WHERE company_id = $1");

static UPSERT: Bulk<21> = Bulk {
    table: "companies",
    columns: [
        ("company_id", Text),
        ("name", Text),
        ("attention", Text),
        ("address_line1", Text),
        ("address_line2", Text),
        ("postal_code", Text),
        ("city", Text),
        ("region", Text),
        ("country", Text),
        ("tax_id", Text),
        ("email", Text),
        ("time_zone", Text),
        ("language", Text),
        ("payment_terms_days", Int),
        ("consolidate", Int),
        ("billing_day", Int),
        ("tax_code", Text),
        ("reference", Text),
        ("delivery", Text),
        ("account_manager", Text),
        ("reminder_policy", Text),
    ],
    on_conflict: "ON CONFLICT (company_id) DO UPDATE SET name = excluded.name, attention = excluded.attention,
      address_line1 = excluded.address_line1, address_line2 = excluded.address_line2, postal_code = excluded.postal_code,
      city = excluded.city, region = excluded.region, country = excluded.country, tax_id = excluded.tax_id, email = excluded.email,
      time_zone = excluded.time_zone, language = excluded.language, payment_terms_days = excluded.payment_terms_days,
      consolidate = excluded.consolidate, billing_day = excluded.billing_day, tax_code = excluded.tax_code,
      reference = excluded.reference, delivery = excluded.delivery, account_manager = excluded.account_manager,
      reminder_policy = excluded.reminder_policy",
};

/// These companies, in the order of their ids (which must ascend). Ids that do not exist are left out.
pub fn by_ids(tx: &mut Tx, ids: &[&str]) -> Result<Vec<Company>, StoreError> {
    tx.query_companies(SELECT, ids, &[], read_company)
}

/// A page of companies after `after`, by id.
pub fn page(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<Company>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM companies WHERE company_id > $1 ORDER BY company_id LIMIT $2");
    tx.query(SQL, &[after.into(), limit.into()], read_company)
}

/// A page of companies' ids, after `after`.
pub fn ids(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT company_id FROM companies WHERE company_id > $1 ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| row.string(0))
}

/// Which of these companies (ids ascending) exist.
pub fn known(tx: &mut Tx, ids: &[&str]) -> Result<BTreeSet<String>, StoreError> {
    const SQL: &str = "SELECT company_id FROM companies WHERE company_id = $1";
    Ok(tx.query_companies(SQL, ids, &[], |row| row.string(0))?.into_iter().collect())
}

/// A company's tax id, and where the company is.
#[derive(Debug, Clone)]
pub struct TaxIdOf {
    pub company_id: CompanyId,
    /// ISO 3166-1.
    pub country: String,
    pub tax_id: String,
}

/// A page of the companies that have a tax id, after `after`.
pub fn tax_ids(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<TaxIdOf>, StoreError> {
    const SQL: &str = "SELECT company_id, country, tax_id FROM companies WHERE company_id > $1 AND tax_id <> ''
      ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| {
        Ok(TaxIdOf { company_id: CompanyId::stored(row.text(0)?), country: row.string(1)?, tax_id: row.string(2)? })
    })
}

/// A page of the companies that name a language, after `after`, each with it.
pub fn languages(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
    const SQL: &str = "SELECT company_id, language FROM companies WHERE company_id > $1 AND language <> ''
      ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| Ok((row.string(0)?, row.string(1)?)))
}

fn read_company(row: &Row) -> Result<Company, StoreError> {
    Ok(Company {
        company_id: CompanyId::stored(row.text(0)?),
        name: row.string(1)?,
        attention: row.string(2)?,
        address: read_address(row, 3)?,
        tax_id: row.string(9)?,
        email: row.string(10)?,
        time_zone: row.parse_opt(11)?,
        language: row.string(12)?,
        payment_terms_days: row.opt_number(13)?,
        consolidate: row.flag(14)?,
        billing_day: row.number(15)?,
        tax_code: row.parse_opt(16)?,
        reference: row.string(17)?,
        delivery: row.parse(18)?,
        account_manager: row.string(19)?,
        reminder_policy: row.string(20)?,
    })
}

fn values(c: &Company) -> [Val<'_>; 21] {
    [
        c.company_id.as_str().into(),
        (&c.name).into(),
        (&c.attention).into(),
        (&c.address.line1).into(),
        (&c.address.line2).into(),
        (&c.address.postal_code).into(),
        (&c.address.city).into(),
        (&c.address.region).into(),
        (&c.address.country).into(),
        (&c.tax_id).into(),
        (&c.email).into(),
        c.time_zone.map_or("", |z| z.name()).into(),
        (&c.language).into(),
        c.payment_terms_days.into(),
        c.consolidate.into(),
        c.billing_day.into(),
        c.tax_code.as_ref().map_or("", |t| t.as_str()).into(),
        (&c.reference).into(),
        c.delivery.as_str().into(),
        (&c.account_manager).into(),
        (&c.reminder_policy).into(),
    ]
}

/// Adds or replaces companies.
pub fn upsert(tx: &mut Tx, companies: &[&Company]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, companies.iter().map(|c| values(c))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Company>, after: &Company) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}
