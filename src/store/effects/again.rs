//! Mails that were sent once more by name: what went before one, and what came after it.

use super::{Effect, read_effect};
use crate::model::message::{Channel, Message, time_of_key};
use crate::model::{CompanyId, EffectKind, EffectState, FailureClass};
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};

/// The mails of a message, whenever it was sent, each with its time.
pub fn all_times(tx: &mut Tx, company_id: &CompanyId, base: &str) -> Result<Vec<(u32, Effect)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        effect_columns!(),
        " FROM effects
      WHERE company_id = $1 AND idempotency_key >= $2 AND idempotency_key < $3 ORDER BY idempotency_key"
    );
    let channel = Channel::Email;
    let mut found = Vec::new();
    // Keys go on with ':' and the recipient, or with '#', the time and then those. ';' comes next after ':', '$' after '#'.
    for (from, to) in [(':', ';'), ('#', '$')] {
        let (from, to) = (format!("{channel}:{base}{from}"), format!("{channel}:{base}{to}"));
        found.extend(tx.query(SQL, &[company_id.as_str().into(), from.into(), to.into()], read_effect)?);
    }
    let timed = found.into_iter().filter_map(|effect| {
        let key = message_key(&effect)?;
        let times = if key == base { 1 } else { time_of_key(&key).filter(|(of, _)| *of == base)?.1 };
        Some((times, effect))
    });
    Ok(timed.collect())
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
