//! The outbox: acts on the outside world, planned in the transaction that decided them.

use super::value::Kind::{Int, Text};
use super::{Bulk, StoreError, Tx, Val};
use crate::model::{CompanyId, text_enum};
use chrono::{DateTime, Utc};

text_enum! {
    /// What kind of act it is.
    pub enum EffectKind ("effect kind") {
        /// An invoice's PDF into the folder of documents. Deterministic bytes under a fixed name,
        /// so doing it again is harmless.
        WritePdf = "document.pdf",
    }
}

/// An act to be done.
#[derive(Debug, Clone)]
pub struct Effect {
    pub company_id: CompanyId,
    /// Derived from what the act is, never from a clock or a row id.
    pub key: String,
    /// What it is about: an invoice's id.
    pub subject: String,
}

static PLAN: Bulk<9> = Bulk {
    table: "effects",
    columns: [
        ("company_id", Text),
        ("idempotency_key", Text),
        ("kind", Text),
        ("subject", Text),
        ("state", Text),
        ("attempts", Int),
        ("error", Text),
        ("provider_ref", Text),
        ("planned_at", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, idempotency_key) DO NOTHING",
};

/// Plans acts, each once per key.
pub fn plan(tx: &mut Tx, kind: EffectKind, effects: &[Effect], at: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = effects.iter().map(|e| -> [Val; 9] {
        [
            e.company_id.as_str().into(),
            (&e.key).into(),
            kind.as_str().into(),
            (&e.subject).into(),
            "planned".into(),
            0_i64.into(),
            "".into(),
            "".into(),
            at.into(),
        ]
    });
    tx.insert(&PLAN, rows).map(drop)
}

/// A page of planned acts of a kind after (company, key).
pub fn planned(tx: &mut Tx, kind: EffectKind, after: (&str, &str), limit: u32) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = "SELECT company_id, idempotency_key, subject FROM effects
      WHERE state = 'planned' AND kind = $1 AND (company_id, idempotency_key) > ($2, $3)
      ORDER BY company_id, idempotency_key LIMIT $4";
    tx.query(SQL, &[kind.as_str().into(), after.0.into(), after.1.into(), limit.into()], |row| {
        Ok(Effect { company_id: CompanyId::stored(row.text(0)?), key: row.string(1)?, subject: row.string(2)? })
    })
}

/// The act was done.
pub fn succeeded(tx: &mut Tx, effect: &Effect, provider_ref: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE effects SET state = 'succeeded', attempts = attempts + 1, error = '', provider_ref = $3, settled_at = $4
      WHERE company_id = $1 AND idempotency_key = $2 AND state = 'planned'";
    tx.execute(SQL, &[effect.company_id.as_str().into(), (&effect.key).into(), provider_ref.into(), at.into()]).map(drop)
}

/// The act failed; it stays planned, and the next run tries again.
pub fn failed(tx: &mut Tx, effect: &Effect, error: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE effects SET attempts = attempts + 1, error = $3 WHERE company_id = $1 AND idempotency_key = $2
      AND state = 'planned'";
    tx.execute(SQL, &[effect.company_id.as_str().into(), (&effect.key).into(), error.into()]).map(drop)
}
