//! The outbox: acts on the outside world, planned in the transaction that decided them.
//!
//! Who may send an act is settled by its own row: `start` raises `attempts` from what the caller has
//! read, so of two processes one finds it changed. A result is recorded by (act, attempt), and so
//! cannot overwrite that of a later attempt.

/// As `read_effect` reads them.
macro_rules! effect_columns {
    () => {
        "company_id, idempotency_key, kind, subject, state, attempts, retried_from, class, error, provider_ref,
      content_sha256, payload, recipient, planned_at, next_at, sending_at, settled_at, owner"
    };
}

mod again;
mod attempts;
mod byhand;
mod in_turn;
mod rates;

pub use again::{Mailed, mailed, outstanding_before, sent_again, supersede, unsent_to};
pub use attempts::{Attempt, attempts_of, keep_attempts};
pub use byhand::{Backlog, Filter, attention, backlog, decide, list, named, of_message, plan_again, retry, undelivered};
pub use in_turn::{call, give_back};
pub use rates::{keep_rate, rate};

use super::value::Kind::{Int, Text};
use super::{Bulk, Kind, Row, StoreError, Tx, Val, value};
use crate::model::{CompanyId, EffectKind, EffectState, FailureClass};
use chrono::{DateTime, Utc};

/// An act to be planned.
#[derive(Debug, Clone)]
pub struct NewEffect {
    pub company_id: CompanyId,
    /// Derived from what the act is, never from a clock or a row id.
    pub key: String,
    /// What it is about: an invoice's id, a run's.
    pub subject: String,
    /// SHA-256 (hex) of what is to be done: the same key with other content is an error.
    pub content_sha256: String,
    /// What the act needs besides its subject; '' when that says it all.
    pub payload: String,
    /// Whom the rate limit protects: a mail address; '' when there is nobody.
    pub recipient: String,
    /// It is not due before this; None: at once.
    pub not_before: Option<DateTime<Utc>>,
}

/// An act as it stands.
#[derive(Debug, Clone)]
pub struct Effect {
    pub company_id: CompanyId,
    pub key: String,
    pub kind: EffectKind,
    pub subject: String,
    pub state: EffectState,
    /// How often it was begun: the number of the attempt in hand, or of the last one.
    pub attempts: u32,
    /// Of which so many were made when a person had it tried again.
    pub retried_from: u32,
    pub class: Option<FailureClass>,
    pub error: String,
    pub provider_ref: String,
    pub content_sha256: String,
    pub payload: String,
    pub recipient: String,
    pub planned_at: DateTime<Utc>,
    /// Not before this; None: at once.
    pub next_at: Option<DateTime<Utc>>,
    /// When the last attempt began.
    pub sending_at: Option<DateTime<Utc>>,
    pub settled_at: Option<DateTime<Utc>>,
    /// The run that made the last attempt.
    pub owner: String,
}

fn read_effect(row: &Row) -> Result<Effect, StoreError> {
    let instant = |column: usize| match row.opt_text(column)? {
        None | Some("") => Ok(None),
        Some(_) => row.instant(column).map(Some),
    };
    Ok(Effect {
        company_id: CompanyId::stored(row.text(0)?),
        key: row.string(1)?,
        kind: row.parse(2)?,
        subject: row.string(3)?,
        state: row.parse(4)?,
        attempts: row.number(5)?,
        retried_from: row.number(6)?,
        class: if row.text(7)?.is_empty() { None } else { Some(row.parse(7)?) },
        error: row.string(8)?,
        provider_ref: row.string(9)?,
        content_sha256: row.string(10)?,
        payload: row.string(11)?,
        recipient: row.string(12)?,
        planned_at: row.instant(13)?,
        next_at: instant(14)?,
        sending_at: instant(15)?,
        settled_at: instant(16)?,
        owner: row.string(17)?,
    })
}

const PLAN_COLUMNS: [(&str, Kind); 13] = [
    ("company_id", Text),
    ("idempotency_key", Text),
    ("kind", Text),
    ("subject", Text),
    ("state", Text),
    ("attempts", Int),
    ("error", Text),
    ("provider_ref", Text),
    ("planned_at", Text),
    ("content_sha256", Text),
    ("payload", Text),
    ("recipient", Text),
    ("next_at", Text),
];

static PLAN: Bulk<13> =
    Bulk { table: "effects", columns: PLAN_COLUMNS, on_conflict: "ON CONFLICT (company_id, idempotency_key) DO NOTHING" };

/// Plans acts, each once per key. An act that is there with the same content is left as it stands.
///
/// # Errors
/// `Constraint` when a key is there with other content: it would be another act under its name.
pub fn plan(tx: &mut Tx, kind: EffectKind, effects: &[NewEffect], at: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = effects.iter().map(|e| -> [Val; 13] {
        [
            e.company_id.as_str().into(),
            (&e.key).into(),
            kind.as_str().into(),
            (&e.subject).into(),
            EffectState::Planned.as_str().into(),
            Val::Int(0),
            "".into(),
            "".into(),
            at.into(),
            (&e.content_sha256).into(),
            (&e.payload).into(),
            (&e.recipient).into(),
            e.not_before.map(value::instant).unwrap_or_default().into(),
        ]
    });
    if tx.insert(&PLAN, rows)? == effects.len() as u64 {
        return Ok(());
    }
    for effect in effects {
        let there = find(tx, &effect.company_id, &effect.key)?;
        if there.is_none_or(|there| there.content_sha256 != effect.content_sha256) {
            return Err(StoreError::Constraint(format!("effect {} was planned before with other content", effect.key)));
        }
    }
    Ok(())
}

/// One act by its key.
pub fn find(tx: &mut Tx, company_id: &CompanyId, key: &str) -> Result<Option<Effect>, StoreError> {
    const SQL: &str = concat!("SELECT ", effect_columns!(), " FROM effects WHERE company_id = $1 AND idempotency_key = $2");
    tx.query_opt(SQL, &[company_id.as_str().into(), key.into()], read_effect)
}

/// Where a page of due acts ended.
#[derive(Debug, Clone, Default)]
pub struct Place {
    next_at: String,
    company_id: String,
    key: String,
}

impl Place {
    pub fn after(effect: &Effect) -> Self {
        let next_at = effect.next_at.map(value::instant).unwrap_or_default();
        Self { next_at, company_id: effect.company_id.to_string(), key: effect.key.clone() }
    }
}

/// A page of acts in a state (planned, unknown) that are due by `until`, after `place`: one range of
/// an index that holds nothing else.
pub fn due(
    tx: &mut Tx,
    kind: EffectKind,
    state: EffectState,
    until: DateTime<Utc>,
    place: &Place,
    limit: u32,
) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('planned', 'unknown') AND kind = $1 AND state = $2 AND next_at <= $3
      AND (next_at, company_id, idempotency_key) > ($4, $5, $6) ORDER BY next_at, company_id, idempotency_key LIMIT $7"
    );
    let params = [
        kind.as_str().into(),
        state.as_str().into(),
        until.into(),
        (&place.next_at).into(),
        (&place.company_id).into(),
        (&place.key).into(),
        limit.into(),
    ];
    tx.query(SQL, &params, read_effect)
}

/// How many acts of a kind are due by an instant, for the progress bar.
pub fn count_due(tx: &mut Tx, kind: EffectKind, until: DateTime<Utc>) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM effects WHERE state IN ('planned', 'unknown') AND kind = $1 AND state = 'planned' AND next_at <= $2";
    Ok(tx.query_opt(SQL, &[kind.as_str().into(), until.into()], |row| row.number(0))?.unwrap_or(0))
}

/// Acts that are being sent now, or were when their run died: as few as are in flight.
pub fn sending(tx: &mut Tx, kind: EffectKind) -> Result<Vec<Effect>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state = 'sending' AND kind = $1 ORDER BY company_id, idempotency_key"
    );
    tx.query(SQL, &[kind.as_str().into()], read_effect)
}

const START_COLUMNS: [(&str, Kind); 11] = [
    ("company_id", Text),
    ("idempotency_key", Text),
    ("kind", Text),
    ("subject", Text),
    ("state", Text),
    ("attempts", Int),
    ("error", Text),
    ("provider_ref", Text),
    ("planned_at", Text),
    ("sending_at", Text),
    ("owner", Text),
];

/// Many updates in one statement: the rows are there, so each meets its own key. An attempt that is
/// there already is the caller's own, whose COMMIT was lost.
static START: Bulk<11> = Bulk {
    table: "effects",
    columns: START_COLUMNS,
    on_conflict: "ON CONFLICT (company_id, idempotency_key) DO UPDATE SET state = 'sending', attempts = excluded.attempts,
      sending_at = excluded.sending_at, owner = excluded.owner
      WHERE (effects.attempts = excluded.attempts - 1 AND effects.state = 'planned')
         OR (effects.attempts = excluded.attempts AND effects.state = 'sending' AND effects.owner = excluded.owner)",
};

/// Begins an attempt at each of these acts, and returns those that are the owner's now: where
/// another process was first, the act is left out. `at` is when the call is made; None: not yet, and
/// [`call`] tells when.
pub fn start(tx: &mut Tx, effects: &[Effect], owner: &str, at: Option<DateTime<Utc>>) -> Result<Vec<Effect>, StoreError> {
    let begun = |e: &Effect| Effect {
        state: EffectState::Sending,
        attempts: e.attempts + 1,
        sending_at: at,
        owner: owner.to_owned(),
        ..e.clone()
    };
    let rows = effects.iter().map(|e| -> [Val; 11] {
        [
            e.company_id.as_str().into(),
            (&e.key).into(),
            e.kind.as_str().into(),
            (&e.subject).into(),
            EffectState::Sending.as_str().into(),
            (e.attempts + 1).into(),
            "".into(),
            "".into(),
            e.planned_at.into(),
            at.map(value::instant).unwrap_or_default().into(),
            owner.into(),
        ]
    });
    if tx.insert(&START, rows)? == effects.len() as u64 {
        return Ok(effects.iter().map(begun).collect());
    }
    let mut won = Vec::with_capacity(effects.len());
    for effect in effects {
        let begun = begun(effect);
        let there = find(tx, &effect.company_id, &effect.key)?;
        if there.is_some_and(|t| t.state == EffectState::Sending && t.owner == owner && t.attempts == begun.attempts) {
            won.push(begun);
        }
    }
    Ok(won)
}

/// Where an attempt leaves its act.
#[derive(Debug, Clone)]
pub struct Settled<'e> {
    /// As `start` returned it, or as it was found.
    pub effect: &'e Effect,
    pub state: EffectState,
    pub class: Option<FailureClass>,
    pub error: &'e str,
    pub provider_ref: &'e str,
    /// For `planned` and `unknown`: from when it is due again. None: at once.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the attempt is one of those that the schedule allows; not when it failed for
    /// something that concerns all effects alike, such as wrong credentials.
    pub counts: bool,
}

static SETTLE: Bulk<15> = Bulk {
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
        ("class", Text),
        ("next_at", Text),
        ("settled_at", Text),
        ("sending_at", Text),
        ("owner", Text),
        ("retried_from", Int),
    ],
    on_conflict: "ON CONFLICT (company_id, idempotency_key) DO UPDATE SET state = excluded.state, error = excluded.error,
      provider_ref = excluded.provider_ref, class = excluded.class, next_at = excluded.next_at, settled_at = excluded.settled_at,
      retried_from = excluded.retried_from
      WHERE effects.attempts = excluded.attempts AND effects.state IN ('sending', 'unknown')",
};

/// Records what became of attempts. Returns those whose act has gone on without them meanwhile
/// (another process took it over): their results are for `late`.
pub fn settle<'s, 'e>(tx: &mut Tx, settled: &'s [Settled<'e>], at: DateTime<Utc>) -> Result<Vec<&'s Settled<'e>>, StoreError> {
    let rows = settled.iter().map(|s| -> [Val; 15] {
        let e = s.effect;
        let is_over = !matches!(s.state, EffectState::Planned | EffectState::Unknown | EffectState::Sending);
        [
            e.company_id.as_str().into(),
            (&e.key).into(),
            e.kind.as_str().into(),
            (&e.subject).into(),
            s.state.as_str().into(),
            e.attempts.into(),
            s.error.into(),
            s.provider_ref.into(),
            e.planned_at.into(),
            s.class.map_or("", FailureClass::as_str).into(),
            s.next_at.map(value::instant).unwrap_or_default().into(),
            if is_over { at.into() } else { Val::Null },
            "".into(),
            "".into(),
            (e.retried_from + u32::from(!s.counts)).into(),
        ]
    });
    if tx.insert(&SETTLE, rows)? == settled.len() as u64 {
        return Ok(Vec::new());
    }
    let mut late = Vec::new();
    for one in settled {
        let there = find(tx, &one.effect.company_id, &one.effect.key)?;
        // It is as it should be when it was written now, or before a COMMIT whose answer was lost.
        if there.is_some_and(|t| t.attempts != one.effect.attempts || t.state != one.state) {
            late.push(one);
        }
    }
    Ok(late)
}

/// A success that came after somebody else had taken the act over: it was done, whatever else is
/// thought of it. Returns whether that was news.
pub fn settle_late_success(tx: &mut Tx, settled: &Settled, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE effects SET state = 'succeeded', class = '', error = '', next_at = '', provider_ref = $3, settled_at = $4
      WHERE company_id = $1 AND idempotency_key = $2 AND state <> 'succeeded'";
    let Effect { company_id, key, .. } = settled.effect;
    Ok(tx.execute(SQL, &[company_id.as_str().into(), key.into(), settled.provider_ref.into(), at.into()])? > 0)
}

/// Keeps an act from being begun until the transaction ends, so that more can be put into what it says.
/// False when it has been begun before, or is not there: then it says what it said.
pub fn hold_planned(tx: &mut Tx, company_id: &CompanyId, key: &str) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET next_at = next_at WHERE company_id = $1 AND idempotency_key = $2
      AND state = 'planned' AND attempts = 0";
    Ok(tx.execute(SQL, &[company_id.as_str().into(), key.into()])? > 0)
}

/// Leaves acts planned, from later on: a rate limit.
pub fn postpone(tx: &mut Tx, effect: &Effect, until: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE effects SET next_at = $3 WHERE company_id = $1 AND idempotency_key = $2 AND state = 'planned'";
    tx.execute(SQL, &[effect.company_id.as_str().into(), (&effect.key).into(), until.into()]).map(drop)
}
