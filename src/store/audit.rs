//! The audit log: a hash chain per company, so that what was recorded cannot be changed unnoticed.
//!
//! hash = SHA-256(previous hash ‖ seq ‖ at ‖ actor ‖ action ‖ entity ‖ entity id ‖ payload digest),
//! each field length-prefixed (u32, big endian) so that no two different rows hash alike. Payloads
//! lie apart, so that personal data can be erased without breaking the chain.
//!
//! The digest of a run, which its summary prints so that it lies outside the database too, is made
//! from the heads that its batches moved. It starts with 32 zero bytes; each committed batch that
//! wrote to the log, in order, makes it SHA-256(digest ‖ SHA-256(for each chain that the batch
//! moved, by company id ascending: company id ‖ seq ‖ hash of the chain's last row in that batch)),
//! each field within the inner one length-prefixed as above. The rows hold the run and the ordinal
//! of its batch, so that anybody can compute it again; the inner hash is there so that one pass over
//! the chains will do.

mod log;

pub use log::{Filter, HeadRow, IssuedDocument, Logged, heads, issued_documents, length, list, page};

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
    /// The job's name, or the person as the operating system knows them.
    pub actor: String,
    pub run_id: Option<RunId>,
    /// The ordinal of the run's committed batch, from 1; 0 outside runs.
    pub batch: i64,
    pub at: DateTime<Utc>,
}

impl Author {
    /// What is done outside runs.
    pub fn person(actor: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self { actor: actor.into(), run_id: None, batch: 0, at }
    }
}

/// A chain that grew, and its last row now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub company_id: String,
    pub seq: i64,
    pub hash: [u8; 32],
}

/// Takes the chains that a batch moved, by company id ascending, into the digest of its run.
pub fn digest(before: [u8; 32], moved: &[Moved]) -> [u8; 32] {
    let mut batch = BatchDigest::default();
    moved.iter().for_each(|Moved { company_id, seq, hash }| batch.take(company_id, *seq, hash));
    batch.follow(before)
}

/// The chains that one batch moved, as they come.
#[derive(Debug, Clone, Default)]
pub struct BatchDigest(Sha256);

impl BatchDigest {
    pub fn take(&mut self, company_id: &str, seq: i64, hash: &[u8]) {
        for field in [company_id.as_bytes(), &seq.to_be_bytes(), hash] {
            update(&mut self.0, field);
        }
    }

    /// The digest of the run after this batch.
    pub fn follow(self, before: [u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(before).chain_update(self.0.finalize()).finalize().into()
    }
}

struct Head {
    seq: i64,
    hash: [u8; 32],
}

/// The first hash of every chain follows this one.
pub const GENESIS: [u8; 32] = [0; 32];

static INSERT: Bulk<11> = Bulk {
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
        ("batch", Int),
    ],
    // So that a row that is there already is told from a transaction that is broken: see `met`.
    on_conflict: "ON CONFLICT (company_id, seq) DO NOTHING",
};

static INSERT_PAYLOADS: Bulk<3> =
    Bulk { table: "audit_payloads", columns: [("company_id", Text), ("seq", Int), ("payload", Text)], on_conflict: "" };

static PUT_HEADS: Bulk<3> = Bulk {
    table: "audit_heads",
    columns: [("company_id", Text), ("seq", Int), ("hash", Blob)],
    on_conflict: "ON CONFLICT (company_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
};

/// Appends to the chains, and returns those that grew, by company id ascending. Two writers of one
/// chain meet on its key; the later transaction is replayed.
///
/// # Errors
/// `StoreError::Chain` when a head does not fit its log: no replay would help.
pub fn append(tx: &mut Tx, author: &Author, entries: &[Entry]) -> Result<Vec<Moved>, StoreError> {
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
        let Entry { action, entity, entity_id, .. } = entry;
        let texts = [at.as_str(), &author.actor, action, entity, entity_id];
        head.hash = link(&head.hash, head.seq, texts, &payload_sha256);
        rows.push((head.seq, payload_sha256, head.hash));
    }
    let run_id = author.run_id.as_ref().map_or("", RunId::as_str);
    let log = entries.iter().zip(&rows).map(|(e, (seq, payload, hash))| -> [Val; 11] {
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
            author.batch.into(),
        ]
    });
    if tx.insert(&INSERT, log)? != entries.len() as u64 {
        return Err(met(tx, entries, &rows)?);
    }
    let payloads = entries
        .iter()
        .zip(&rows)
        .map(|(e, (seq, ..))| -> [Val; 3] { [(&e.company_id).into(), (*seq).into(), (&e.payload).into()] });
    tx.insert(&INSERT_PAYLOADS, payloads)?;
    let moved =
        heads.iter().map(|(company, head)| -> [Val; 3] { [(*company).into(), head.seq.into(), head.hash.as_slice().into()] });
    tx.insert(&PUT_HEADS, moved)?;
    let moved = heads.into_iter();
    Ok(moved.map(|(company, Head { seq, hash })| Moved { company_id: company.to_owned(), seq, hash }).collect())
}

/// Why a row of a chain was there already. Another transaction that appended first has moved the
/// head too, and this one is replayed; where the head stands still, it lies behind its log, and
/// would for ever.
fn met(tx: &mut Tx, entries: &[Entry], rows: &[(i64, [u8; 32], [u8; 32])]) -> Result<StoreError, StoreError> {
    const ROW: &str = "SELECT hash FROM audit_log WHERE company_id = $1 AND seq = $2";
    let heads = load_heads(tx, entries)?;
    for (Entry { company_id, .. }, (seq, _, hash)) in entries.iter().zip(rows) {
        let stands_still = heads.get(company_id.as_str()).map_or(0, |head| head.seq) + 1 == *seq;
        let there = tx.query_opt(ROW, &[company_id.into(), (*seq).into()], |row| Ok(row.blob(0)? == hash))?;
        if stands_still && there == Some(false) {
            return Ok(StoreError::Chain(format!(
                "the audit chain of company {company_id} is damaged: its log goes beyond its head, which stands at row {}",
                seq - 1
            )));
        }
    }
    Ok(StoreError::Busy("another transaction wrote to the same audit chain".to_owned()))
}

/// Where these entries' chains stand.
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

/// The hash of a row: `texts` are at, actor, action, entity and entity id.
pub fn link(previous: &[u8; 32], seq: i64, texts: [&str; 5], payload_sha256: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new().chain_update(previous);
    update(&mut hasher, &seq.to_be_bytes());
    texts.into_iter().for_each(|text| update(&mut hasher, text.as_bytes()));
    update(&mut hasher, payload_sha256);
    hasher.finalize().into()
}

fn update(hasher: &mut Sha256, field: &[u8]) {
    hasher.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(field);
}
