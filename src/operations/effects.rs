//! What a person decides about effects: have them tried again, or say what became of them.

use crate::engine::outbox::Deliver;
use crate::error::{Error, Result};
use crate::jobs::messages::{give_up, sent_by_name};
use crate::model::{CompanyId, EffectState, Receipt};
use crate::rules::retry::Repeat;
use crate::store::Tx;
use crate::store::audit::{self, Author, Entry};
use crate::store::effects::{self, Effect};
use serde_json::json;

/// The effect that a key names; `company_id` when several companies have one under it.
pub fn find(tx: &mut Tx, key: &str, company_id: Option<&CompanyId>) -> Result<Effect> {
    let missing = || Error::not_found(format!("there is no effect {key}")).hint("finops effects list --all shows the keys");
    if let Some(company_id) = company_id {
        return effects::find(tx, company_id, key)?.ok_or_else(missing);
    }
    let mut found = effects::named(tx, key)?;
    match (found.pop(), found.pop()) {
        (Some(effect), None) => Ok(effect),
        (Some(_), Some(_)) => Err(Error::usage(format!("several companies have an effect {key}")).hint("add --company-id")),
        (None, _) => Err(missing()),
    }
}

/// Has an effect tried again by the next run, at once and with all its attempts anew.
///
/// # Errors
/// Refused when it is over, is being sent, when only a person can tell whether it was done, or when another mail
/// took its place.
pub fn retry(tx: &mut Tx, effect: &Effect, author: &Author) -> Result<EffectState> {
    if effect.state == EffectState::NeedsHuman {
        return Err(Error::refused(format!("nobody knows whether {} was done: {}", effect.key, effect.error))
            .hint(format!("look it up, then finops effects settle {} --as succeeded, or --as not-done", effect.key)));
    }
    refuse_superseded(tx, effect)?;
    if !effects::retry(tx, effect, author.at)? {
        return Err(not_now(effect));
    }
    tell(tx, author, "effect.retried", effect, json!({ "state": effect.state, "attempts": effect.attempts }))?;
    Ok(if effect.state == EffectState::Unknown { EffectState::Unknown } else { EffectState::Planned })
}

/// What became of an effect that was to be tried again with all the others that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    Again(EffectState),
    /// Given up: the same was sent since by the effect of this key.
    Superseded(String),
}

/// Has one of all effects that failed tried again, unless another mail took its place: then it is given up.
pub fn retry_failed(tx: &mut Tx, effect: &Effect, author: &Author) -> Result<Retried> {
    let Some(later) = effects::sent_again(tx, effect)? else { return retry(tx, effect, author).map(Retried::Again) };
    let entry = give_up(tx, effect, &later.key, author.at)?.ok_or_else(|| not_now(effect))?;
    audit::append(tx, author, &[entry])?;
    Ok(Retried::Superseded(later.key))
}

/// A mail that goes once more has a new effect; the one in whose place that is would be another copy.
fn refuse_superseded(tx: &mut Tx, effect: &Effect) -> Result<()> {
    match effects::sent_again(tx, effect)? {
        None => Ok(()),
        Some(later) => Err(Error::refused(format!("{} is not sent: {}", effect.key, sent_by_name(&later.key)))
            .hint("to send it once more: finops invoices send with the number, or finops companies statement --mail")),
    }
}

/// What a person says of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Succeeded,
    /// Planned again.
    NotDone,
    /// Not to be done any more.
    Abandoned,
}

/// Records what became of an effect, with all that follows from a success.
///
/// # Errors
/// Refused when it is over, or is being sent now.
pub fn settle(
    tx: &mut Tx,
    effect: &Effect,
    verdict: Verdict,
    provider_ref: &str,
    deliverer: Option<&dyn Deliver>,
    author: &Author,
) -> Result<EffectState> {
    let state = match verdict {
        Verdict::Succeeded => EffectState::Succeeded,
        Verdict::NotDone => EffectState::Planned,
        Verdict::Abandoned => EffectState::Abandoned,
    };
    // What was done is done, where doing it again would do harm.
    let repeatable = deliverer.is_some_and(|d| d.policy().repeat == Repeat::Harmless);
    let may_change = match effect.state {
        EffectState::Planned | EffectState::Unknown | EffectState::Failed | EffectState::NeedsHuman => true,
        EffectState::Abandoned => verdict == Verdict::NotDone,
        EffectState::Succeeded => verdict == Verdict::NotDone && repeatable,
        EffectState::Sending => false,
    };
    if verdict == Verdict::NotDone && may_change {
        refuse_superseded(tx, effect)?;
    }
    if !may_change || !effects::decide(tx, effect, state, provider_ref, author.at)? {
        return Err(not_now(effect));
    }
    if let (EffectState::Succeeded, Some(deliverer)) = (state, deliverer) {
        let receipt = Receipt { provider_ref: provider_ref.to_owned(), sha256: String::new(), bytes: 0 };
        deliverer.record(tx, &[(effect, &receipt)])?;
    }
    tell(tx, author, "effect.settled", effect, json!({ "before": effect.state, "after": state, "provider_ref": provider_ref }))?;
    Ok(state)
}

fn not_now(effect: &Effect) -> Error {
    let Effect { key, state, .. } = effect;
    match state {
        EffectState::Sending => Error::refused(format!("{key} is being sent now"))
            .hint("wait for it; if its process died, finops effects settle takes it over"),
        EffectState::Succeeded | EffectState::Abandoned => Error::refused(format!("{key} is over: {state}"))
            .hint("to have it done again: finops effects settle with its key and --as not-done"),
        EffectState::Planned | EffectState::Failed | EffectState::Unknown | EffectState::NeedsHuman => {
            Error::try_later(format!("{key} changed meanwhile")).hint("look again: finops effects show")
        }
    }
}

fn tell(tx: &mut Tx, author: &Author, action: &'static str, effect: &Effect, payload: serde_json::Value) -> Result<()> {
    let entry = Entry {
        company_id: effect.company_id.to_string(),
        action,
        entity: "effect",
        entity_id: effect.key.clone(),
        payload: payload.to_string(),
    };
    Ok(audit::append(tx, author, &[entry]).map(drop)?)
}
