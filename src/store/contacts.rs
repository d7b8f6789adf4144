//! Contacts: people at companies.

use super::value::Kind::Text;
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::message::ContactRole;
use crate::model::{CompanyId, Contact, ContactId};

const SELECT: &str = "SELECT company_id, contact_id, name, email, phone, roles, language, time_zone
  FROM contacts WHERE company_id = $1 ORDER BY company_id, contact_id";

static UPSERT: Bulk<8> = Bulk {
    table: "contacts",
    columns: [
        ("company_id", Text),
        ("contact_id", Text),
        ("name", Text),
        ("email", Text),
        ("phone", Text),
        ("roles", Text),
        ("language", Text),
        ("time_zone", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, contact_id) DO UPDATE SET name = excluded.name, email = excluded.email,
      phone = excluded.phone, roles = excluded.roles, language = excluded.language, time_zone = excluded.time_zone",
};

/// A page of the contacts that name a language, after `after` (company, contact), each with it.
pub fn languages(tx: &mut Tx, after: &(String, String), limit: u32) -> Result<Vec<(String, String, String)>, StoreError> {
    const SQL: &str = "SELECT company_id, contact_id, language FROM contacts
      WHERE (company_id, contact_id) > ($1, $2) AND language <> '' ORDER BY company_id, contact_id LIMIT $3";
    let params = [(&after.0).into(), (&after.1).into(), limit.into()];
    tx.query(SQL, &params, |row| Ok((row.string(0)?, row.string(1)?, row.string(2)?)))
}

/// All contacts of these companies (ids ascending), by (company, contact).
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Contact>, StoreError> {
    tx.query_companies(SELECT, companies, &[], read_contact)
}

fn read_contact(row: &Row) -> Result<Contact, StoreError> {
    let role = |word: &str| {
        word.parse::<ContactRole>().map_err(|error| StoreError::Corrupt { column: 5, value: word.to_owned(), reason: error.0 })
    };
    Ok(Contact {
        company_id: CompanyId::stored(row.text(0)?),
        contact_id: ContactId::stored(row.text(1)?),
        name: row.string(2)?,
        email: row.string(3)?,
        phone: row.string(4)?,
        roles: row.text(5)?.split_ascii_whitespace().map(role).collect::<Result<_, _>>()?,
        language: row.string(6)?,
        time_zone: row.parse_opt(7)?,
    })
}

fn values(c: &Contact) -> [Val<'_>; 8] {
    [
        c.company_id.as_str().into(),
        c.contact_id.as_str().into(),
        (&c.name).into(),
        (&c.email).into(),
        (&c.phone).into(),
        c.roles_text().into(),
        (&c.language).into(),
        c.time_zone.map_or("", |z| z.name()).into(),
    ]
}

/// Adds or replaces contacts.
pub fn upsert(tx: &mut Tx, contacts: &[&Contact]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, contacts.iter().map(|c| values(c))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Contact>, after: &Contact) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}
