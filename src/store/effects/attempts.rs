//! Attempts that were not plainly a success, for `effects show` and whoever wonders.

use super::Effect;
use crate::store::value::Kind::{Int, Text};
use crate::store::{Bulk, StoreError, Tx, Val, value};
use chrono::{DateTime, Utc};

/// An attempt that was not plainly a success.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub attempt: u32,
    /// A state (`planned`: it is tried again), or `late` for a result that came too late.
    pub outcome: String,
    pub class: String,
    pub message: String,
    pub provider_ref: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: DateTime<Utc>,
    pub run_id: String,
}

static ATTEMPT: Bulk<10> = Bulk {
    table: "effect_attempts",
    columns: [
        ("company_id", Text),
        ("idempotency_key", Text),
        ("attempt", Int),
        ("outcome", Text),
        ("class", Text),
        ("message", Text),
        ("provider_ref", Text),
        ("started_at", Text),
        ("ended_at", Text),
        ("run_id", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, idempotency_key, attempt, outcome) DO UPDATE SET class = excluded.class,
      message = excluded.message, provider_ref = excluded.provider_ref, ended_at = excluded.ended_at",
};

/// Keeps attempts that were not plainly a success, each with what is known of it.
pub fn keep_attempts(tx: &mut Tx, attempts: &[(&Effect, Attempt)]) -> Result<(), StoreError> {
    let rows = attempts.iter().map(|(e, a)| -> [Val; 10] {
        [
            e.company_id.as_str().into(),
            (&e.key).into(),
            a.attempt.into(),
            (&a.outcome).into(),
            (&a.class).into(),
            (&a.message).into(),
            (&a.provider_ref).into(),
            a.started_at.map(value::instant).unwrap_or_default().into(),
            a.ended_at.into(),
            (&a.run_id).into(),
        ]
    });
    tx.insert(&ATTEMPT, rows).map(drop)
}

/// The kept attempts of an act, the latest hundred of them, oldest first.
pub fn attempts_of(tx: &mut Tx, effect: &Effect) -> Result<Vec<Attempt>, StoreError> {
    const SQL: &str = "SELECT attempt, outcome, class, message, provider_ref, started_at, ended_at, run_id FROM effect_attempts
      WHERE company_id = $1 AND idempotency_key = $2 ORDER BY attempt DESC, ended_at DESC LIMIT 100";
    let mut found = tx.query(SQL, &[effect.company_id.as_str().into(), (&effect.key).into()], |row| {
        Ok(Attempt {
            attempt: row.number(0)?,
            outcome: row.string(1)?,
            class: row.string(2)?,
            message: row.string(3)?,
            provider_ref: row.string(4)?,
            started_at: if row.text(5)?.is_empty() { None } else { Some(row.instant(5)?) },
            ended_at: row.instant(6)?,
            run_id: row.string(7)?,
        })
    })?;
    found.reverse();
    Ok(found)
}
