//! What is put aside to be told in one message with others. It belongs to whoever is told, and so to no
//! company.

use super::value::Kind::Text;
use super::{Bulk, StoreError, Tx, Val};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::EventFacts;

static PUT: Bulk<4> = Bulk {
    table: "digest_entries",
    columns: [("company_id", Text), ("digest_key", Text), ("entry_key", Text), ("facts", Text)],
    on_conflict: "ON CONFLICT (company_id, digest_key, entry_key) DO NOTHING",
};

/// Puts things aside for a digest, each once per key.
pub fn put(tx: &mut Tx, digest_key: &str, entries: &[(String, &EventFacts)]) -> Result<(), StoreError> {
    let facts = entries.iter().map(|(_, facts)| serde_json::to_string(facts)).collect::<Result<Vec<_>, _>>();
    let facts = facts.map_err(|error| StoreError::Other(format!("an entry of a digest cannot be written: {error}")))?;
    let rows = entries
        .iter()
        .zip(&facts)
        .map(|((key, _), facts)| -> [Val; 4] { [SYSTEM_COMPANY.into(), digest_key.into(), key.into(), facts.into()] });
    tx.insert(&PUT, rows).map(drop)
}

/// What a digest tells, in the order in which it happened.
pub fn entries(tx: &mut Tx, digest_key: &str) -> Result<Vec<EventFacts>, StoreError> {
    const SQL: &str = "SELECT facts FROM digest_entries WHERE company_id = $1 AND digest_key = $2 ORDER BY entry_key";
    let mut entries = tx.query(SQL, &[SYSTEM_COMPANY.into(), digest_key.into()], |row| {
        let facts = row.text(0)?;
        serde_json::from_str::<EventFacts>(facts).map_err(|error| StoreError::Corrupt {
            column: 0,
            value: facts.to_owned(),
            reason: format!("an entry of digest {digest_key} cannot be read: {error}"),
        })
    })?;
    entries.sort_by_key(|facts| facts.at);
    Ok(entries)
}
