//! What became of attempts: those that just ended, and those whose end nobody saw.

use super::super::{alerts, notice};
use super::in_a_row::InARow;
use super::{Deliver, Delivery, Flow, Found, Outcome, SILENCE, host};
use crate::crash;
use crate::error::{Error, Result};
use crate::model::{EffectKind, EffectState, Failure, FailureClass, Receipt, Routing, RunId};
use crate::rules::retry::{self, Next, Repeat, Tried};
use crate::store::effects::{self, Attempt, Effect, Place, Settled};
use crate::store::runs::{self, Run};
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::HashMap;

/// An act whose sender is gone.
pub(super) struct Orphan {
    effect: Effect,
    /// The sender ended on this machine as it runs now, so that all it wrote is there.
    ended_here: bool,
}

/// Effects whose sender is gone. `own` is the run that asks, which knows what it is doing.
pub(super) fn orphans(tx: &mut Tx, kind: EffectKind, now: DateTime<Utc>, own: Option<&str>) -> Result<Vec<Orphan>, StoreError> {
    let mut senders: HashMap<String, Sender> = HashMap::new();
    let mut orphans = Vec::new();
    for effect in effects::sending(tx, kind)? {
        let sender = match senders.get(&effect.owner) {
            Some(sender) => *sender,
            None => {
                let sender = match runs::find(tx, &effect.owner)?.first() {
                    _ if Some(effect.owner.as_str()) == own => Sender::Alive,
                    Some(run) => sender(run, now),
                    None => sender_without_run(&effect, now),
                };
                senders.insert(effect.owner.clone(), sender);
                sender
            }
        };
        if sender != Sender::Alive {
            orphans.push(Orphan { effect, ended_here: sender == Sender::EndedHere });
        }
    }
    Ok(orphans)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Alive,
    EndedHere,
    Silent,
}

/// Exactly known of a process of this machine; of others, by when they were last heard of.
fn sender(run: &Run, now: DateTime<Utc>) -> Sender {
    match host::life(&run.process) {
        host::Life::Alive => Sender::Alive,
        host::Life::Gone => Sender::EndedHere,
        host::Life::Unknown if run.heartbeat_at + SILENCE > now => Sender::Alive,
        host::Life::Unknown => Sender::Silent,
    }
}

/// Whoever sends beside a run names its process as the owner.
fn sender_without_run(effect: &Effect, now: DateTime<Utc>) -> Sender {
    match host::life(&effect.owner) {
        host::Life::Alive => Sender::Alive,
        host::Life::Gone => Sender::EndedHere,
        host::Life::Unknown if effect.sending_at.is_some_and(|at| at + SILENCE > now) => Sender::Alive,
        host::Life::Unknown => Sender::Silent,
    }
}

/// Takes over what a dead run was sending: planned again where that is harmless, else unknown.
pub(super) fn take_over(deliverer: &dyn Deliver, run: &mut Delivery, now: DateTime<Utc>) -> Result<()> {
    let (kind, own) = (deliverer.kind(), run.run_id.clone());
    let mut orphans = run.db.read(|tx| orphans(tx, kind, now, Some(own.as_str())))?;
    orphans.retain(|orphan| deliverer.takes(&orphan.effect));
    if orphans.is_empty() {
        return Ok(());
    }
    let state = unseen(deliverer.policy().repeat);
    // That a call was about to be made is not flushed on SQLite: a power cut may have taken it back.
    let is_flushed = run.db.shares_work();
    let (called, waiting): (Vec<&Orphan>, Vec<&Orphan>) =
        orphans.iter().partition(|orphan| orphan.effect.sending_at.is_some() || !(orphan.ended_here || is_flushed));
    let message = "the process that made the call ended before it recorded the answer";
    run.db.write_surely(|tx| {
        for page in called.chunks(500) {
            // What is waited for has a beginning, also where a power cut took back when the call was made.
            for orphan in page.iter().filter(|orphan| orphan.effect.sending_at.is_none()) {
                effects::call(tx, &orphan.effect, now)?;
            }
            let settled: Vec<Settled> = page.iter().map(|orphan| unsettled(&orphan.effect, state, message)).collect();
            effects::settle(tx, &settled, now)?;
            let kept: Vec<_> = settled.iter().map(|s| (s.effect, attempt(s, EffectState::Unknown.as_str(), now))).collect();
            effects::keep_attempts(tx, &kept)?;
        }
        Ok::<_, Error>(waiting.iter().try_for_each(|orphan| effects::give_back(tx, &orphan.effect))?)
    })?;
    crash::point("effects.taken_over");
    Ok(())
}

const fn unsettled<'e>(effect: &'e Effect, state: EffectState, error: &'e str) -> Settled<'e> {
    Settled { effect, state, class: Some(FailureClass::NoAnswer), error, provider_ref: "", next_at: None, counts: true }
}

/// Gives back acts that were begun and not called.
pub(super) fn give_back(run: &mut Delivery, begun: &[Effect]) -> Result<()> {
    run.db.write_surely(|tx| begun.iter().try_for_each(|effect| effects::give_back(tx, effect)).map_err(Error::from))
}

/// Where an act is left whose outcome nobody saw.
const fn unseen(repeat: Repeat) -> EffectState {
    match repeat {
        Repeat::Harmless => EffectState::Planned,
        Repeat::LookUp => EffectState::Unknown,
    }
}

/// Leaves a block for the next run, when something ended this one in the middle of it (a full disk, a
/// database that is gone). That is no failure of these acts, and counts for none of them.
pub(super) fn leave(deliverer: &dyn Deliver, run: &mut Delivery, begun: &[Effect], why: &str) -> Result<()> {
    let (now, state) = (run.ctx.clock.now(), unseen(deliverer.policy().repeat));
    let settled: Vec<Settled> = begun.iter().map(|e| Settled { counts: false, ..unsettled(e, state, why) }).collect();
    run.db.write_surely(|tx| effects::settle(tx, &settled, now).map(drop).map_err(Error::from))
}

/// Asks about each act whose outcome is unknown.
pub(super) fn look_up_unknown(deliverer: &dyn Deliver, run: &mut Delivery, until: DateTime<Utc>) -> Result<Flow> {
    let (mut place, mut in_a_row) = (Place::default(), InARow::default());
    loop {
        let page = run.db.read(|tx| effects::due(tx, deliverer.kind(), EffectState::Unknown, until, &place, 100))?;
        let Some(last) = page.last() else { return Ok(Flow::On) };
        place = Place::after(last);
        for effect in page.iter().filter(|effect| deliverer.takes(effect)) {
            let found = deliverer.look_up(run.db, effect)?;
            crash::point("effects.looked_up");
            settle_found(deliverer, run, effect, &found)?;
            in_a_row.heed(deliverer, run, effect, found.as_ref().err())?;
            if in_a_row.is_enough() {
                return Ok(Flow::Stop);
            }
            (run.stop)()?;
        }
    }
}

fn settle_found(
    deliverer: &dyn Deliver,
    run: &mut Delivery,
    effect: &Effect,
    found: &std::result::Result<Found, Failure>,
) -> Result<()> {
    let now = run.ctx.clock.now();
    let of = |state, class, error, next_at| Settled { effect, state, class, error, provider_ref: "", next_at, counts: true };
    let lost = Some(FailureClass::NoAnswer);
    match found {
        Ok(Found::Done(receipt)) => record(deliverer, run, std::slice::from_ref(effect), &[Ok(receipt.clone())]),
        Ok(Found::NotDone) => keep(run, &of(EffectState::Planned, lost, "it was not done: sent again", None), now),
        Ok(Found::NotYet(pause)) => {
            run.summary.waiting += 1;
            keep(run, &of(EffectState::Unknown, lost, "the other side cannot tell yet", Some(now + *pause)), now)
        }
        Ok(Found::Undecidable(why)) => {
            let (job, left) = (run.summary.job, of(EffectState::NeedsHuman, lost, why, None));
            match notice::is_mail(effect) {
                true => run.summary.add_failed_notice(),
                false => run.summary.add_failed(|| alerts::of_effect(job, &left, now)),
            }
            run.ctx.ui.warn(format!(
                "{}: nobody can tell whether it was done ({why})\nhint: look it up, then finops effects settle {} --as …",
                effect.key, effect.key
            ));
            keep(run, &of(EffectState::NeedsHuman, lost, why, None), now)
        }
        // The question failed, not the act: it stays unknown, and is asked again by schedule.
        Err(failure) => {
            run.summary.waiting += 1;
            let schedule = run.ctx.config.retry.of(deliverer.policy().class);
            let tried = Tried { failure, attempts: 1, planned_at: now, repeat: Repeat::Harmless };
            let next_at = match retry::next(tried, &schedule, now, run.ctx.ids.chance()) {
                Next::Again(at) | Next::LookUp(at) => at,
                Next::Never | Next::Drop => now + schedule.longest,
            };
            keep(run, &of(EffectState::Unknown, Some(failure.class), &failure.message, Some(next_at)), now)
        }
    }
}

fn keep(run: &mut Delivery, settled: &Settled, now: DateTime<Utc>) -> Result<()> {
    let (routing, job) = (&run.ctx.config.routing, run.summary.job);
    run.db.write_surely(|tx| {
        effects::settle(tx, std::slice::from_ref(settled), now)?;
        alerts::note_effects(tx, routing, job, std::slice::from_ref(settled), now)?;
        Ok(effects::keep_attempts(tx, &[(settled.effect, attempt(settled, settled.state.as_str(), now))])?)
    })
}

fn attempt(settled: &Settled, outcome: &str, ended_at: DateTime<Utc>) -> Attempt {
    Attempt {
        attempt: settled.effect.attempts,
        outcome: outcome.to_owned(),
        class: settled.class.map_or("", FailureClass::as_str).to_owned(),
        message: settled.error.to_owned(),
        provider_ref: settled.provider_ref.to_owned(),
        started_at: settled.effect.sending_at,
        ended_at,
        run_id: settled.effect.owner.clone(),
    }
}

/// Records the results of calls, with all that follows from them, and tells what failed.
pub(super) fn record(deliverer: &dyn Deliver, run: &mut Delivery, begun: &[Effect], outcomes: &[Outcome]) -> Result<()> {
    let results = Results::of(deliverer, run, begun, outcomes);
    let run_id = run.run_id.clone();
    run.db.write_surely(|tx| results.write(tx, deliverer, &run_id))?;
    results.tell(deliverer, run);
    Ok(())
}

/// Results of calls on their way into the database.
pub(super) struct Results<'e> {
    settled: Vec<Settled<'e>>,
    outcomes: &'e [Outcome],
    at: DateTime<Utc>,
    routing: &'e Routing,
    job: &'static str,
}

impl<'e> Results<'e> {
    pub(super) fn of(deliverer: &dyn Deliver, run: &Delivery<'e>, begun: &'e [Effect], outcomes: &'e [Outcome]) -> Self {
        let at = run.ctx.clock.now();
        let settled = begun.iter().zip(outcomes).map(|(e, o)| settled(deliverer, run, e, o, at)).collect();
        Self { settled, outcomes, at, routing: &run.ctx.config.routing, job: run.summary.job }
    }

    /// In the transaction that the caller has open.
    pub(super) fn write(&self, tx: &mut Tx, deliverer: &dyn Deliver, run_id: &RunId) -> Result<()> {
        let results = self.settled.iter().zip(self.outcomes);
        let done: Vec<(&Effect, &Receipt)> =
            results.filter_map(|(s, outcome)| Some((s.effect, outcome.as_ref().ok()?))).collect();
        deliverer.record(tx, &done)?;
        let mut kept: Vec<(&Effect, Attempt)> = Vec::new();
        for late in effects::settle(tx, &self.settled, self.at)? {
            // It was done, whoever has the act in hand by now.
            if late.state != EffectState::Succeeded || effects::settle_late_success(tx, late, self.at)? {
                kept.push((late.effect, attempt(late, "late", self.at)));
            }
        }
        // What concerns all acts alike stands with the act, and in the log of the run.
        let failed = self.settled.iter().filter(|s| s.state != EffectState::Succeeded && s.counts);
        kept.extend(failed.map(|s| (s.effect, attempt(s, s.state.as_str(), self.at))));
        effects::keep_attempts(tx, &kept)?;
        alerts::note_effects(tx, self.routing, self.job, &self.settled, self.at)?;
        Ok(runs::beat(tx, run_id, self.at)?)
    }

    /// Once it is written.
    pub(super) fn tell(&self, deliverer: &dyn Deliver, run: &mut Delivery) {
        for (one, outcome) in self.settled.iter().zip(self.outcomes) {
            match outcome {
                Ok(_) => {
                    run.summary.delivered += 1;
                    run.summary.delivered_notices += u64::from(notice::is_mail(one.effect));
                }
                Err(failure) => tell(deliverer, run, one, failure),
            }
        }
    }
}

fn settled<'e>(
    deliverer: &dyn Deliver,
    run: &Delivery,
    effect: &'e Effect,
    outcome: &'e Outcome,
    now: DateTime<Utc>,
) -> Settled<'e> {
    let failure = match outcome {
        Ok(receipt) => {
            let provider_ref = receipt.provider_ref.as_str();
            let state = EffectState::Succeeded;
            return Settled { effect, state, class: None, error: "", provider_ref, next_at: None, counts: true };
        }
        Err(failure) => failure,
    };
    let policy = deliverer.policy();
    let tried = Tried {
        failure,
        attempts: effect.attempts.saturating_sub(effect.retried_from),
        planned_at: effect.planned_at,
        repeat: policy.repeat,
    };
    let (state, next_at) = match retry::next(tried, &run.ctx.config.retry.of(policy.class), now, run.ctx.ids.chance()) {
        Next::Again(at) => (EffectState::Planned, Some(at)),
        Next::LookUp(at) => (EffectState::Unknown, Some(at)),
        Next::Never => (EffectState::Failed, None),
        Next::Drop => (EffectState::Abandoned, None),
    };
    let counts = failure.class != FailureClass::Denied;
    Settled { effect, state, class: Some(failure.class), error: &failure.message, provider_ref: "", next_at, counts }
}

/// News is what fails for the first time, or for good; the rest waits.
fn tell(deliverer: &dyn Deliver, run: &mut Delivery, settled: &Settled, failure: &Failure) {
    let Settled { effect, state, next_at, .. } = settled;
    let (job, at) = (run.summary.job, run.ctx.clock.now());
    if *state == EffectState::Abandoned {
        run.summary.add_skipped(failure.class.as_str());
        if run.ctx.ui.shows_units() {
            let item = json!({ "outcome": "skipped", "kind": deliverer.kind(), "company_id": effect.company_id, "key": effect.key,
                "subject": effect.subject, "reason": failure.class, "message": failure.message });
            run.ctx.ui.item(&item, || format!("skip      {:<20} {} {}", effect.company_id, effect.key, failure.message));
        }
        return;
    }
    let news = effect.attempts == effect.retried_from + 1 || *state == EffectState::Failed;
    match news {
        true if notice::is_mail(effect) => run.summary.add_failed_notice(),
        true => run.summary.add_failed(|| alerts::of_effect(job, settled, at)),
        false => run.summary.waiting += 1,
    }
    let item = json!({ "outcome": if news { "failed" } else { "waiting" }, "kind": deliverer.kind(), "company_id": effect.company_id,
        "key": effect.key, "subject": effect.subject, "attempt": effect.attempts, "state": state, "reason": failure.class,
        "message": failure.message, "next_at": next_at });
    let ui = &run.ctx.ui;
    if ui.is_json() {
        ui.item(&item, String::new);
    }
    if news || ui.shows_units() {
        let then = match (state, next_at) {
            (EffectState::Failed, _) => {
                format!("it is not tried again by itself; mend the cause, then finops effects retry {}", effect.key)
            }
            (EffectState::Unknown, _) => deliverer.after_a_lost_answer().to_owned(),
            (_, Some(at)) => format!("the next run after {} tries again", at.format("%Y-%m-%d %H:%M:%SZ")),
            (_, None) => "the next run tries again".to_owned(),
        };
        ui.warn(format!("{} ({}): {}; {then}", effect.key, effect.company_id, failure.message));
    }
}
