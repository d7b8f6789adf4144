//! What a person sees and decides: the backlog, a list, trying again, saying what became of an act.

use super::{Effect, read_effect};
use crate::model::{CompanyId, EffectKind, EffectState};
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};

/// Acts of one kind in one state that are not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub kind: EffectKind,
    pub state: EffectState,
    pub count: u64,
    /// Why one of them failed; empty when none did.
    pub error: String,
}

/// What is not over, by kind and state. Each of the three asks an index that holds nothing else.
pub fn backlog(tx: &mut Tx) -> Result<Vec<Backlog>, StoreError> {
    const DUE: &str = "SELECT kind, state, COUNT(*), MAX(error) FROM effects WHERE state IN ('planned', 'unknown')
      GROUP BY kind, state ORDER BY kind, state";
    const SENDING: &str = "SELECT kind, state, COUNT(*), MAX(error) FROM effects WHERE state = 'sending'
      GROUP BY kind, state ORDER BY kind, state";
    const ATTENTION: &str = "SELECT kind, state, COUNT(*), MAX(error) FROM effects WHERE state IN ('failed', 'needs_human')
      GROUP BY kind, state ORDER BY kind, state";
    let mut all = Vec::new();
    for sql in [ATTENTION, DUE, SENDING] {
        all.extend(tx.query(sql, &[], |row| {
            Ok(Backlog { kind: row.parse(0)?, state: row.parse(1)?, count: row.number(2)?, error: row.string(3)? })
        })?);
    }
    Ok(all)
}

/// Which acts to list; an empty text or None leaves it open.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kind: Option<EffectKind>,
    pub state: Option<EffectState>,
    pub company_id: Option<CompanyId>,
    /// Those that are over as well: a scan of the table unless a company is named.
    pub all: bool,
}

macro_rules! filtered {
    () => {
        " AND ($1 = '' OR kind = $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR company_id = $3)
      AND (company_id, idempotency_key) > ($4, $5)"
    };
}

/// Acts by company and key, of what is not over or of all.
pub fn list(tx: &mut Tx, filter: &Filter, after: (&str, &str), limit: u32) -> Result<Vec<Effect>, StoreError> {
    // Each part asks an index that holds nothing else.
    const OPEN: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('planned', 'unknown')",
        filtered!(),
        " UNION ALL SELECT ",
        effect_columns!(),
        " FROM effects WHERE state = 'sending'",
        filtered!(),
        " UNION ALL SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('failed', 'needs_human')",
        filtered!(),
        " ORDER BY company_id, idempotency_key LIMIT $6"
    );
    const ALL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE 1 = 1",
        filtered!(),
        " ORDER BY company_id, idempotency_key LIMIT $6"
    );
    let params = [
        filter.kind.map_or("", EffectKind::as_str).into(),
        filter.state.map_or("", EffectState::as_str).into(),
        filter.company_id.as_ref().map_or("", CompanyId::as_str).into(),
        after.0.into(),
        after.1.into(),
        limit.into(),
    ];
    tx.query(if filter.all { ALL } else { OPEN }, &params, read_effect)
}

/// Acts with this key, of whatever company; at most two are read.
pub fn named(tx: &mut Tx, key: &str) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", effect_columns!(), " FROM effects WHERE idempotency_key = $1 ORDER BY company_id LIMIT 2");
    tx.query(SQL, &[key.into()], read_effect)
}

/// A person has it tried again, at once and with all its attempts anew. False when the act is in no
/// state for that: over, being sent, or such that only a person can tell whether it was done.
pub fn retry(tx: &mut Tx, effect: &Effect) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET state = CASE WHEN state = 'unknown' THEN 'unknown' ELSE 'planned' END,
      retried_from = attempts, next_at = '', settled_at = NULL
      WHERE company_id = $1 AND idempotency_key = $2 AND attempts = $3 AND state IN ('failed', 'planned', 'unknown')";
    let params = [effect.company_id.as_str().into(), (&effect.key).into(), effect.attempts.into()];
    Ok(tx.execute(SQL, &params)? > 0)
}

/// A person says what became of it: done, not done (planned again) or not to be done. False when it
/// is being sent now or has changed since it was read.
pub fn decide(
    tx: &mut Tx,
    effect: &Effect,
    state: EffectState,
    provider_ref: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET state = $4, provider_ref = $5, retried_from = attempts, next_at = '',
      settled_at = CASE WHEN $4 = 'planned' THEN NULL ELSE $6 END, error = '', class = ''
      WHERE company_id = $1 AND idempotency_key = $2 AND attempts = $3
      AND state IN ('failed', 'planned', 'unknown', 'needs_human')";
    let params = [
        effect.company_id.as_str().into(),
        (&effect.key).into(),
        effect.attempts.into(),
        state.as_str().into(),
        provider_ref.into(),
        at.into(),
    ];
    Ok(tx.execute(SQL, &params)? > 0)
}

/// What was done is to be done again: its outcome is gone.
pub fn plan_again(tx: &mut Tx, kind: EffectKind, company_id: &CompanyId, subject: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE effects SET state = 'planned', retried_from = attempts, next_at = '', settled_at = NULL
      WHERE company_id = $1 AND kind = $2 AND subject = $3 AND state = 'succeeded'";
    tx.execute(SQL, &[company_id.as_str().into(), kind.as_str().into(), subject.into()]).map(drop)
}
