//! The outbox: acts on the outside world, planned in the transaction that decided them.

use super::value::Kind::{Int, Text};
use super::{Bulk, Kind, StoreError, Tx, Val};
use crate::model::{CompanyId, EffectKind};
use chrono::{DateTime, Utc};

/// An act to be done.
#[derive(Debug, Clone)]
pub struct Effect {
    pub company_id: CompanyId,
    /// Derived from what the act is, never from a clock or a row id.
    pub key: String,
    /// What it is about: an invoice's id.
    pub subject: String,
    /// How often it was tried.
    pub attempts: u32,
}

const COLUMNS: [(&str, Kind); 10] = [
    ("company_id", Text),
    ("idempotency_key", Text),
    ("kind", Text),
    ("subject", Text),
    ("state", Text),
    ("attempts", Int),
    ("error", Text),
    ("provider_ref", Text),
    ("planned_at", Text),
    ("settled_at", Text),
];

static PLAN: Bulk<10> =
    Bulk { table: "effects", columns: COLUMNS, on_conflict: "ON CONFLICT (company_id, idempotency_key) DO NOTHING" };

/// Many updates in one statement: the rows are there, so each meets its own key.
static SETTLE: Bulk<10> = Bulk {
    table: "effects",
    columns: COLUMNS,
    on_conflict:
        "ON CONFLICT (company_id, idempotency_key) DO UPDATE SET state = excluded.state, attempts = effects.attempts + 1,
      error = excluded.error, provider_ref = excluded.provider_ref, settled_at = excluded.settled_at
      WHERE effects.state = 'planned'",
};

/// Plans acts, each once per key.
pub fn plan(tx: &mut Tx, kind: EffectKind, effects: &[Effect], at: DateTime<Utc>) -> Result<(), StoreError> {
    let planned = Standing { state: "planned", error: "", provider_ref: "", settled_at: None };
    let rows = effects.iter().map(|e| row(e, kind, at, &planned));
    tx.insert(&PLAN, rows).map(drop)
}

/// Where an act stands.
struct Standing<'e> {
    state: &'static str,
    error: &'e str,
    provider_ref: &'e str,
    settled_at: Option<DateTime<Utc>>,
}

fn row<'e>(e: &'e Effect, kind: EffectKind, planned_at: DateTime<Utc>, standing: &Standing<'e>) -> [Val<'e>; 10] {
    [
        e.company_id.as_str().into(),
        (&e.key).into(),
        kind.as_str().into(),
        (&e.subject).into(),
        standing.state.into(),
        e.attempts.into(),
        standing.error.into(),
        standing.provider_ref.into(),
        planned_at.into(),
        standing.settled_at.into(),
    ]
}

/// A page of planned acts of a kind after (company, key).
pub fn planned(tx: &mut Tx, kind: EffectKind, after: (&str, &str), limit: u32) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = "SELECT company_id, idempotency_key, subject, attempts FROM effects
      WHERE state = 'planned' AND kind = $1 AND (company_id, idempotency_key) > ($2, $3)
      ORDER BY company_id, idempotency_key LIMIT $4";
    tx.query(SQL, &[kind.as_str().into(), after.0.into(), after.1.into(), limit.into()], |row| {
        Ok(Effect {
            company_id: CompanyId::stored(row.text(0)?),
            key: row.string(1)?,
            subject: row.string(2)?,
            attempts: row.number(3)?,
        })
    })
}

/// Acts of one kind that are still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub kind: EffectKind,
    pub count: u64,
    /// Those of them that failed at least once.
    pub failed: u64,
    /// Why one of them failed; empty when none did.
    pub error: String,
}

/// What is still to be done, by kind.
pub fn backlog(tx: &mut Tx) -> Result<Vec<Backlog>, StoreError> {
    const SQL: &str = "SELECT kind, COUNT(*), CAST(SUM(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS BIGINT), MAX(error)
      FROM effects WHERE state = 'planned' GROUP BY kind ORDER BY kind";
    tx.query(SQL, &[], |row| {
        Ok(Backlog { kind: row.parse(0)?, count: row.number(1)?, failed: row.number(2)?, error: row.string(3)? })
    })
}

/// How many acts of a kind are planned.
pub fn count_planned(tx: &mut Tx, kind: EffectKind) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM effects WHERE state = 'planned' AND kind = $1";
    Ok(tx.query_opt(SQL, &[kind.as_str().into()], |row| row.number(0))?.unwrap_or(0))
}

/// Records what became of acts: the other side's reference, or why it failed. What failed stays
/// planned, and the next run tries again.
pub fn settle(
    tx: &mut Tx,
    kind: EffectKind,
    outcomes: &[(&Effect, Result<&str, &str>)],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows = outcomes.iter().map(|(effect, outcome)| {
        let standing = match *outcome {
            Ok(provider_ref) => Standing { state: "succeeded", error: "", provider_ref, settled_at: Some(at) },
            Err(error) => Standing { state: "planned", error, provider_ref: "", settled_at: None },
        };
        row(effect, kind, at, &standing)
    });
    tx.insert(&SETTLE, rows).map(drop)
}

/// What was done is to be done again: its outcome is gone.
pub fn plan_again(tx: &mut Tx, kind: EffectKind, company_id: &CompanyId, subject: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE effects SET state = 'planned', attempts = 0, settled_at = NULL
      WHERE company_id = $1 AND kind = $2 AND subject = $3 AND state = 'succeeded'";
    tx.execute(SQL, &[company_id.as_str().into(), kind.as_str().into(), subject.into()]).map(drop)
}
