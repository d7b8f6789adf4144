//! What a person sees and decides: the backlog, a list, trying again, saying what became of an act.

use super::{Effect, read_effect};
use crate::model::message::Channel;
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

/// Which acts to list; None leaves it open.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kind: Option<EffectKind>,
    pub state: Option<EffectState>,
    pub company_id: Option<CompanyId>,
    /// Those that are over as well: a scan of the table unless a company is named.
    pub all: bool,
}

impl Filter {
    fn takes(&self, effect: &Effect) -> bool {
        self.kind.is_none_or(|kind| kind == effect.kind) && self.state.is_none_or(|state| state == effect.state)
    }
}

/// What is not over, by how much it needs somebody.
const OPEN: [EffectState; 5] =
    [EffectState::NeedsHuman, EffectState::Failed, EffectState::Unknown, EffectState::Sending, EffectState::Planned];

/// At most so many acts: of one company or with those that are over, by company and key; else what is
/// not over, that which needs a person first and of the rest what is due soonest.
pub fn list(tx: &mut Tx, filter: &Filter, limit: u32) -> Result<Vec<Effect>, StoreError> {
    if filter.all || filter.company_id.is_some() {
        return scan(tx, filter, limit);
    }
    let mut found = Vec::new();
    for state in OPEN.into_iter().filter(|state| filter.state.is_none_or(|only| only == *state)) {
        for kind in EffectKind::ALL.iter().filter(|kind| filter.kind.is_none_or(|only| only == **kind)) {
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if left == 0 {
                return Ok(found);
            }
            found.extend(match state {
                EffectState::Failed | EffectState::NeedsHuman => attention(tx, *kind, state, ("", ""), left)?,
                EffectState::Planned | EffectState::Unknown => waiting(tx, *kind, state, left)?,
                EffectState::Sending => super::sending(tx, *kind)?.into_iter().take(left as usize).collect(),
                EffectState::Succeeded | EffectState::Abandoned => Vec::new(),
            });
        }
    }
    Ok(found)
}

/// A page of acts of a kind that wait for a person (failed, needs_human), after (company, key).
pub fn attention(
    tx: &mut Tx,
    kind: EffectKind,
    state: EffectState,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('failed', 'needs_human') AND kind = $1 AND state = $2
      AND (company_id, idempotency_key) > ($3, $4) ORDER BY company_id, idempotency_key LIMIT $5"
    );
    let params = [kind.as_str().into(), state.as_str().into(), after.0.into(), after.1.into(), limit.into()];
    tx.query(SQL, &params, read_effect)
}

fn waiting(tx: &mut Tx, kind: EffectKind, state: EffectState, limit: u32) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('planned', 'unknown') AND kind = $1 AND state = $2
      ORDER BY next_at, company_id, idempotency_key LIMIT $3"
    );
    tx.query(SQL, &[kind.as_str().into(), state.as_str().into(), limit.into()], read_effect)
}

/// By company and key, page by page, since what a company has is not indexed by its state.
fn scan(tx: &mut Tx, filter: &Filter, limit: u32) -> Result<Vec<Effect>, StoreError> {
    const OF_ONE: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE company_id = $1 AND idempotency_key > $2 ORDER BY company_id, idempotency_key LIMIT $3"
    );
    const OF_ALL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE (company_id, idempotency_key) > ($1, $2) ORDER BY company_id, idempotency_key LIMIT $3"
    );
    const PAGE: u32 = 1000;
    let mut after = (filter.company_id.as_ref().map_or(String::new(), ToString::to_string), String::new());
    let mut found = Vec::new();
    loop {
        let sql = if filter.company_id.is_some() { OF_ONE } else { OF_ALL };
        let page = tx.query(sql, &[(&after.0).into(), (&after.1).into(), PAGE.into()], read_effect)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = (last.company_id.to_string(), last.key.clone());
        let open = |effect: &Effect| filter.all || OPEN.contains(&effect.state);
        found.extend(page.into_iter().filter(|effect| filter.takes(effect) && open(effect)));
        if found.len() >= limit as usize {
            found.truncate(limit as usize);
            return Ok(found);
        }
    }
}

/// Acts with this key, of whatever company; at most two are read.
pub fn named(tx: &mut Tx, key: &str) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", effect_columns!(), " FROM effects WHERE idempotency_key = $1 ORDER BY company_id LIMIT 2");
    tx.query(SQL, &[key.into()], read_effect)
}

/// A message to each of its recipients, by any channel.
pub fn of_message(tx: &mut Tx, company_id: &CompanyId, message_key: &str) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects
      WHERE company_id = $1 AND idempotency_key >= $2 AND idempotency_key < $3 ORDER BY idempotency_key"
    );
    let mut found = Vec::new();
    for channel in Channel::ALL {
        // Keys go on with ':' and the recipient; ';' comes next after ':'.
        let (from, to) = (format!("{channel}:{message_key}:"), format!("{channel}:{message_key};"));
        let params = [company_id.as_str().into(), from.into(), to.into()];
        found.extend(tx.query(SQL, &params, read_effect)?);
    }
    Ok(found)
}

/// Acts of a kind and of these companies (ids ascending) that were not begun, or failed for good.
pub fn undelivered(tx: &mut Tx, kind: EffectKind, companies: &[&str]) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE company_id = $1 AND kind = $2 AND state IN ('planned', 'failed')
      ORDER BY company_id, idempotency_key"
    );
    tx.query_companies(SQL, companies, &[kind.as_str().into()], read_effect)
}

/// A person has it tried again, at once and with all its attempts anew, as if it were planned now.
/// False when the act is in no state for that: over, being sent, or such that only a person can tell
/// whether it was done.
pub fn retry(tx: &mut Tx, effect: &Effect, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET state = CASE WHEN state = 'unknown' THEN 'unknown' ELSE 'planned' END,
      retried_from = attempts, next_at = '', settled_at = NULL, planned_at = $4
      WHERE company_id = $1 AND idempotency_key = $2 AND attempts = $3 AND state IN ('failed', 'planned', 'unknown')";
    let params = [effect.company_id.as_str().into(), (&effect.key).into(), effect.attempts.into(), at.into()];
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
      settled_at = CASE WHEN $4 = 'planned' THEN NULL ELSE $6 END, error = '', class = '',
      planned_at = CASE WHEN $4 = 'planned' THEN $6 ELSE planned_at END
      WHERE company_id = $1 AND idempotency_key = $2 AND attempts = $3 AND state = $7 AND state <> 'sending'";
    let params = [
        effect.company_id.as_str().into(),
        (&effect.key).into(),
        effect.attempts.into(),
        state.as_str().into(),
        provider_ref.into(),
        at.into(),
        effect.state.as_str().into(),
    ];
    Ok(tx.execute(SQL, &params)? > 0)
}

/// What was done is to be done again: its outcome is gone.
pub fn plan_again(tx: &mut Tx, company_id: &CompanyId, key: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE effects SET state = 'planned', retried_from = attempts, next_at = '', settled_at = NULL, planned_at = $3
      WHERE company_id = $1 AND idempotency_key = $2 AND state = 'succeeded'";
    tx.execute(SQL, &[company_id.as_str().into(), key.into(), at.into()]).map(drop)
}
