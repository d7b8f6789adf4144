//! The mails of a message, whenever it was sent: what went before one that was sent once more by name, what came after
//! it, and what a later one follows up.

use super::{Effect, read_effect};
use crate::model::message::{Channel, Message, time_of_key, times_of};
use crate::model::{CompanyId, EffectKind, EffectState, FailureClass};
use crate::store::{Row, StoreError, Tx};
use chrono::{DateTime, Utc};

/// A mail of a message, as far as it matters to what follows it up.
#[derive(Debug, Clone)]
pub struct Mailed {
    pub message_key: String,
    /// The address.
    pub recipient: String,
    pub state: EffectState,
    pub class: Option<FailureClass>,
    pub payload: String,
}

/// Where the mails of a message lie: keys go on with ':' and the recipient, or with '#', the time and then those. ';'
/// comes next after ':', '$' after '#'.
fn ranges(base: &str) -> [(String, String); 2] {
    let channel = Channel::Email;
    [(':', ';'), ('#', '$')].map(|(from, to)| (format!("{channel}:{base}{from}"), format!("{channel}:{base}{to}")))
}

/// The mails of these messages, whenever they were sent; which is whose, [`times_of`] tells.
pub fn mailed(tx: &mut Tx, company_id: &CompanyId, bases: &[&str]) -> Result<Vec<Mailed>, StoreError> {
    const SQL: &str = "SELECT idempotency_key, recipient, state, class, payload
      FROM effects WHERE company_id = $1 AND idempotency_key >= $2 AND idempotency_key < $3";
    let ranges: Vec<(String, String)> = bases.iter().flat_map(|base| ranges(base)).collect();
    let read = |row: &Row| {
        let (key, recipient) = (row.text(0)?, row.string(1)?);
        let of_channel = key.strip_prefix(Channel::Email.as_str()).and_then(|key| key.strip_prefix(':'));
        let message_key = of_channel.and_then(|key| key.strip_suffix(recipient.as_str())?.strip_suffix(':'));
        Ok(Mailed {
            message_key: message_key.unwrap_or_default().to_owned(),
            recipient,
            state: row.parse(2)?,
            class: if row.text(3)?.is_empty() { None } else { Some(row.parse(3)?) },
            payload: row.string(4)?,
        })
    };
    tx.query_ranges(SQL, company_id.as_str(), &ranges, read)
}

/// The mails of a message, whenever it was sent, each with its time: first those of the first time.
fn all_times(tx: &mut Tx, company_id: &CompanyId, base: &str) -> Result<Vec<(u32, Effect)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE company_id = $1 AND idempotency_key >= $2 AND idempotency_key < $3"
    );
    let found = tx.query_ranges(SQL, company_id.as_str(), &ranges(base), read_effect)?;
    let timed = found.into_iter().filter_map(|effect| Some((times_of(&message_key(&effect)?, base)?, effect)));
    let mut timed: Vec<(u32, Effect)> = timed.collect();
    timed.sort_by(|(a, one), (b, other)| (a, &one.key).cmp(&(b, &other.key)));
    Ok(timed)
}

/// A mail by which the same was sent later, because somebody asked for it by name; None when there is
/// none, or nothing is to come of it.
pub fn sent_again(tx: &mut Tx, effect: &Effect) -> Result<Option<Effect>, StoreError> {
    let Some(key) = message_key(effect).filter(|_| effect.kind == EffectKind::of(Channel::Email)) else { return Ok(None) };
    let own = std::iter::once((key.as_str(), 1));
    for (base, times) in own.chain(time_of_key(&key)) {
        let all = all_times(tx, &effect.company_id, base)?.into_iter();
        let mut later = all.filter(|(n, later)| *n > times && later.subject == effect.subject);
        if let Some((_, later)) = later.find(|(_, later)| later.state != EffectState::Abandoned) {
            return Ok(Some(later));
        }
    }
    Ok(None)
}

/// Acts of a kind that a company has open to one recipient, and that nobody has in hand: planned, or failed for good. Each of the
/// two asks an index that holds nothing else.
pub fn unsent_to(tx: &mut Tx, kind: EffectKind, company_id: &CompanyId, recipient: &str) -> Result<Vec<Effect>, StoreError> {
    const PLANNED: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('planned', 'unknown') AND kind = $1 AND state = 'planned' AND company_id = $2 AND recipient = $3
      ORDER BY next_at, company_id, idempotency_key"
    );
    const FAILED: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects WHERE state IN ('failed', 'needs_human') AND kind = $1 AND state = 'failed' AND company_id = $2 AND recipient = $3
      ORDER BY company_id, idempotency_key"
    );
    let params = [kind.as_str().into(), company_id.as_str().into(), recipient.into()];
    let mut found = tx.query(PLANNED, &params, read_effect)?;
    found.extend(tx.query(FAILED, &params, read_effect)?);
    Ok(found)
}

/// What is known of the mails of a message that it is sent in place of, and that are not over.
pub fn outstanding_before(tx: &mut Tx, company_id: &CompanyId, key: &str, subject: &str) -> Result<Vec<Effect>, StoreError> {
    let Some((base, times)) = time_of_key(key) else { return Ok(Vec::new()) };
    let all = all_times(tx, company_id, base)?.into_iter();
    let before = all.filter(|(n, effect)| *n < times && effect.subject == subject);
    Ok(before.map(|(_, effect)| effect).filter(|effect| may_be_given_up(effect.state)).collect())
}

/// Neither over nor in somebody's hands.
const fn may_be_given_up(state: EffectState) -> bool {
    match state {
        EffectState::Planned | EffectState::Unknown | EffectState::Failed | EffectState::NeedsHuman => true,
        EffectState::Sending | EffectState::Succeeded | EffectState::Abandoned => false,
    }
}

/// An act is not to be done any more, since another took its place. Of one that was perhaps done it stays known that
/// its answer was lost. False when it is being done now or has changed since it was read.
pub fn supersede(tx: &mut Tx, effect: &Effect, why: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET state = 'abandoned', class = $4, error = $5, next_at = '', settled_at = $6
      WHERE company_id = $1 AND idempotency_key = $2 AND attempts = $3 AND state = $7 AND state <> 'sending'";
    let in_doubt = matches!(effect.state, EffectState::Unknown | EffectState::NeedsHuman);
    let class = if in_doubt { FailureClass::NoAnswer } else { FailureClass::Obsolete };
    let params = [
        effect.company_id.as_str().into(),
        (&effect.key).into(),
        effect.attempts.into(),
        class.as_str().into(),
        why.into(),
        at.into(),
        effect.state.as_str().into(),
    ];
    Ok(tx.execute(SQL, &params)? > 0)
}

fn message_key(effect: &Effect) -> Option<String> {
    Message::of_payload(&effect.payload).ok().map(|message| message.message_key)
}
