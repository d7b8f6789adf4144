//! Sellers, their tax rates and their logos: the reference tables.

use super::value::Kind::{Blob, Text};
use super::{Bulk, Kind, Row, StoreError, Tx, Val};
use crate::model::seller::{Address, BankDetails};
use crate::model::{Seller, SellerId, TaxCode, TaxRate};

const SELECT: &str =
    "SELECT seller_id, name, address_line1, address_line2, postal_code, city, region, country, tax_id, registration,
  email, phone, website, bank_name, iban, bic, bank_account, time_zone, language, payment_terms_days, series_id, number_format,
  tax_code, logo_sha256, footer, credit_series_id, credit_number_format FROM sellers ORDER BY seller_id";

static UPSERT: Bulk<27> = Bulk {
    table: "sellers",
    columns: [
        ("seller_id", Text),
        ("name", Text),
        ("address_line1", Text),
        ("address_line2", Text),
        ("postal_code", Text),
        ("city", Text),
        ("region", Text),
        ("country", Text),
        ("tax_id", Text),
        ("registration", Text),
        ("email", Text),
        ("phone", Text),
        ("website", Text),
        ("bank_name", Text),
        ("iban", Text),
        ("bic", Text),
        ("bank_account", Text),
        ("time_zone", Text),
        ("language", Text),
        ("payment_terms_days", Kind::Int),
        ("series_id", Text),
        ("number_format", Text),
        ("tax_code", Text),
        ("logo_sha256", Text),
        ("footer", Text),
        ("credit_series_id", Text),
        ("credit_number_format", Text),
    ],
    on_conflict: "ON CONFLICT (seller_id) DO UPDATE SET name = excluded.name, address_line1 = excluded.address_line1,
      address_line2 = excluded.address_line2, postal_code = excluded.postal_code, city = excluded.city, region = excluded.region,
      country = excluded.country, tax_id = excluded.tax_id, registration = excluded.registration, email = excluded.email,
      phone = excluded.phone, website = excluded.website, bank_name = excluded.bank_name, iban = excluded.iban, bic = excluded.bic,
      bank_account = excluded.bank_account, time_zone = excluded.time_zone, language = excluded.language,
      payment_terms_days = excluded.payment_terms_days, series_id = excluded.series_id, number_format = excluded.number_format,
      tax_code = excluded.tax_code, logo_sha256 = excluded.logo_sha256, footer = excluded.footer,
      credit_series_id = excluded.credit_series_id, credit_number_format = excluded.credit_number_format",
};

/// Every seller, by id. There are few.
pub fn all(tx: &mut Tx) -> Result<Vec<Seller>, StoreError> {
    tx.query(SELECT, &[], read_seller)
}

pub fn find(tx: &mut Tx, seller_id: &str) -> Result<Option<Seller>, StoreError> {
    Ok(all(tx)?.into_iter().find(|seller| seller.seller_id.as_str() == seller_id))
}

fn read_seller(row: &Row) -> Result<Seller, StoreError> {
    Ok(Seller {
        seller_id: SellerId::stored(row.text(0)?),
        name: row.string(1)?,
        address: read_address(row, 2)?,
        tax_id: row.string(8)?,
        registration: row.string(9)?,
        email: row.string(10)?,
        phone: row.string(11)?,
        website: row.string(12)?,
        bank: BankDetails { bank_name: row.string(13)?, iban: row.string(14)?, bic: row.string(15)?, account: row.string(16)? },
        time_zone: row.parse(17)?,
        language: row.string(18)?,
        payment_terms_days: row.number(19)?,
        series_id: row.string(20)?,
        number_format: row.string(21)?,
        tax_code: TaxCode::stored(row.text(22)?),
        logo_sha256: row.string(23)?,
        footer: row.string(24)?,
        credit_series_id: row.string(25)?,
        credit_number_format: row.string(26)?,
    })
}

/// Six neighbouring columns: line1, line2, postal code, city, region, country.
pub(super) fn read_address(row: &Row, at: usize) -> Result<Address, StoreError> {
    Ok(Address {
        line1: row.string(at)?,
        line2: row.string(at + 1)?,
        postal_code: row.string(at + 2)?,
        city: row.string(at + 3)?,
        region: row.string(at + 4)?,
        country: row.string(at + 5)?,
    })
}

fn values(s: &Seller) -> [Val<'_>; 27] {
    [
        s.seller_id.as_str().into(),
        (&s.name).into(),
        (&s.address.line1).into(),
        (&s.address.line2).into(),
        (&s.address.postal_code).into(),
        (&s.address.city).into(),
        (&s.address.region).into(),
        (&s.address.country).into(),
        (&s.tax_id).into(),
        (&s.registration).into(),
        (&s.email).into(),
        (&s.phone).into(),
        (&s.website).into(),
        (&s.bank.bank_name).into(),
        (&s.bank.iban).into(),
        (&s.bank.bic).into(),
        (&s.bank.account).into(),
        s.time_zone.name().into(),
        (&s.language).into(),
        s.payment_terms_days.into(),
        (&s.series_id).into(),
        (&s.number_format).into(),
        s.tax_code.as_str().into(),
        (&s.logo_sha256).into(),
        (&s.footer).into(),
        (&s.credit_series_id).into(),
        (&s.credit_number_format).into(),
    ]
}

/// Adds or replaces sellers.
pub fn upsert(tx: &mut Tx, sellers: &[&Seller]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, sellers.iter().map(|s| values(s))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Seller>, after: &Seller) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}

const SELECT_RATES: &str =
    "SELECT seller_id, tax_code, valid_from, category, rate, name, note FROM tax_rates ORDER BY seller_id, tax_code, valid_from";

static UPSERT_RATES: Bulk<7> = Bulk {
    table: "tax_rates",
    columns: [
        ("seller_id", Text),
        ("tax_code", Text),
        ("valid_from", Text),
        ("category", Text),
        ("rate", Text),
        ("name", Text),
        ("note", Text),
    ],
    on_conflict: "ON CONFLICT (seller_id, tax_code, valid_from) DO UPDATE SET category = excluded.category, rate = excluded.rate,
      name = excluded.name, note = excluded.note",
};

/// Every tax rate, by (seller, code, valid_from).
pub fn tax_rates(tx: &mut Tx) -> Result<Vec<TaxRate>, StoreError> {
    tx.query(SELECT_RATES, &[], |row| {
        Ok(TaxRate {
            seller_id: SellerId::stored(row.text(0)?),
            tax_code: TaxCode::stored(row.text(1)?),
            valid_from: row.date(2)?,
            category: row.parse(3)?,
            rate: row.decimal(4)?,
            name: row.string(5)?,
            note: row.string(6)?,
        })
    })
}

fn rate_values(r: &TaxRate) -> [Val<'_>; 7] {
    [
        r.seller_id.as_str().into(),
        r.tax_code.as_str().into(),
        r.valid_from.into(),
        r.category.as_str().into(),
        r.rate.into(),
        (&r.name).into(),
        (&r.note).into(),
    ]
}

/// Adds or replaces tax rates.
pub fn upsert_tax_rates(tx: &mut Tx, rates: &[&TaxRate]) -> Result<(), StoreError> {
    tx.insert(&UPSERT_RATES, rates.iter().map(|r| rate_values(r))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn rate_change(before: Option<&TaxRate>, after: &TaxRate) -> String {
    UPSERT_RATES.change(before.map(rate_values).as_ref(), &rate_values(after))
}

static INSERT_ASSET: Bulk<2> =
    Bulk { table: "assets", columns: [("sha256", Text), ("content", Blob)], on_conflict: "ON CONFLICT (sha256) DO NOTHING" };

/// Keeps a file under the SHA-256 of its content. The same content is kept once.
pub fn put_asset(tx: &mut Tx, sha256: &str, content: &[u8]) -> Result<(), StoreError> {
    tx.insert(&INSERT_ASSET, [[sha256.into(), content.into()]]).map(drop)
}

/// A file that was kept under this SHA-256.
pub fn asset(tx: &mut Tx, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    const SQL: &str = "SELECT content FROM assets WHERE sha256 = $1";
    tx.query_opt(SQL, &[sha256.into()], |row| row.blob(0).map(<[u8]>::to_vec))
}
