//! The audit log: a hash chain per company, so that what was recorded cannot be changed unnoticed.
//!
//! hash = SHA-256(previous hash ‖ seq ‖ at ‖ actor ‖ action ‖ entity ‖ entity id ‖ payload digest),
//! each field length-prefixed (u32, big endian) so that no two different rows hash alike. Payloads
//! lie apart, so that personal data can be erased without breaking the chain.

use super::value::Kind::{Blob, Int, Text};
use super::{Bulk, StoreError, Tx, Val, value};
use crate::model::RunId;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Entry {
    pub company_id: String,
    /// `invoice.drafted`, `invoice.issued`, `payment.recorded`.
    pub action: &'static str,
    /// `invoice`, `payment`, `contract`.
    pub entity: &'static str,
    pub entity_id: String,
    /// What was before and after, as JSON.
    pub payload: String,
}

/// Who did it, when, and in which run.
#[derive(Debug, Clone)]
pub struct Author {
    pub actor: String,
    pub run_id: Option<RunId>,
    pub at: DateTime<Utc>,
}

struct Head {
    seq: i64,
    hash: [u8; 32],
}

/// The first hash of every chain follows this one.
const GENESIS: [u8; 32] = [0; 32];

static INSERT: Bulk<10> = Bulk {
    table: "audit_log",
    columns: [
        ("company_id", Text),
        ("seq", Int),
        ("at", Text),
        ("actor", Text),
        ("action", Text),
        ("entity", Text),
        ("entity_id", Text),
        ("payload_sha256", Blob),
        ("hash", Blob),
        ("run_id", Text),
    ],
    on_conflict: "",
};

static INSERT_PAYLOADS: Bulk<3> =
    Bulk { table: "audit_payloads", columns: [("company_id", Text), ("seq", Int), ("payload", Text)], on_conflict: "" };

static PUT_HEADS: Bulk<3> = Bulk {
    table: "audit_heads",
    columns: [("company_id", Text), ("seq", Int), ("hash", Blob)],
    on_conflict: "ON CONFLICT (company_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
};

/// Appends to the chains and returns the new rows' hashes in the order of `entries`. Two writers
/// of one chain meet on its key; the later transaction is replayed.
pub fn append(tx: &mut Tx, author: &Author, entries: &[Entry]) -> Result<Vec<[u8; 32]>, StoreError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut heads = load_heads(tx, entries)?;
    let at = value::instant(author.at);
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let head = heads.entry(entry.company_id.as_str()).or_insert(Head { seq: 0, hash: GENESIS });
        let payload_sha256: [u8; 32] = Sha256::digest(entry.payload.as_bytes()).into();
        head.seq += 1;
        head.hash = link(&head.hash, head.seq, &at, &author.actor, entry, &payload_sha256);
        rows.push((head.seq, payload_sha256, head.hash));
    }
    let run_id = author.run_id.as_ref().map_or("", RunId::as_str);
    let log = entries.iter().zip(&rows).map(|(e, (seq, payload, hash))| -> [Val; 10] {
        [
            (&e.company_id).into(),
            (*seq).into(),
            (&at).into(),
            (&author.actor).into(),
            e.action.into(),
            e.entity.into(),
            (&e.entity_id).into(),
            payload.as_slice().into(),
            hash.as_slice().into(),
            run_id.into(),
        ]
    });
    tx.insert(&INSERT, log).map_err(met)?;
    let payloads = entries
        .iter()
        .zip(&rows)
        .map(|(e, (seq, ..))| -> [Val; 3] { [(&e.company_id).into(), (*seq).into(), (&e.payload).into()] });
    tx.insert(&INSERT_PAYLOADS, payloads).map_err(met)?;
    let moved =
        heads.iter().map(|(company, head)| -> [Val; 3] { [(*company).into(), head.seq.into(), head.hash.as_slice().into()] });
    tx.insert(&PUT_HEADS, moved)?;
    Ok(rows.into_iter().map(|(.., hash)| hash).collect())
}

/// A key of the chain that is taken means that another transaction appended first.
fn met(error: StoreError) -> StoreError {
    match error {
        StoreError::Constraint(text) => StoreError::Busy(text),
        other => other,
    }
}

fn load_heads<'e>(tx: &mut Tx, entries: &'e [Entry]) -> Result<BTreeMap<&'e str, Head>, StoreError> {
    const SQL: &str = "SELECT company_id, seq, hash FROM audit_heads WHERE company_id = $1";
    let mut companies: Vec<&str> = entries.iter().map(|e| e.company_id.as_str()).collect();
    companies.sort_unstable();
    companies.dedup();
    let found = tx.query_companies(SQL, &companies, &[], |row| Ok((row.string(0)?, row.int(1)?, hash_of(row.blob(2)?)?)))?;
    let mut heads = BTreeMap::new();
    for (company, seq, hash) in found {
        if let Ok(at) = companies.binary_search(&company.as_str()) {
            heads.insert(companies[at], Head { seq, hash });
        }
    }
    Ok(heads)
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt {
        column: 2,
        value: format!("{} bytes", bytes.len()),
        reason: "a SHA-256 has 32 bytes".to_owned(),
    })
}

fn link(previous: &[u8; 32], seq: i64, at: &str, actor: &str, entry: &Entry, payload_sha256: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    let seq = seq.to_be_bytes();
    let fields: [&[u8]; 7] = [
        &seq,
        at.as_bytes(),
        actor.as_bytes(),
        entry.action.as_bytes(),
        entry.entity.as_bytes(),
        entry.entity_id.as_bytes(),
        payload_sha256,
    ];
    for field in fields {
        hasher.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}
