//! Delivering effects: what a transaction planned is carried out after its commit, and the outcome
//! is recorded by (effect, attempt). What a crash leaves, the next run settles first.
//!
//! An attempt is begun in a transaction of its own (`sending`, with its number and its owner), then
//! the call is made, then its result is recorded, whoever owns the effect by then. Where a repetition
//! does no harm, effects go in blocks; elsewhere one at a time, and a lost answer is looked up
//! before anything new. The effect's own row is what two processes meet on: the later one finds the
//! attempt's number taken. Cost: three statements a block, and nothing that grows with history.

mod in_a_row;
mod in_turn;
mod settle;

use self::in_a_row::InARow;
use super::host;
use crate::context::Context;
use crate::crash;
use crate::engine::summary::Summary;
use crate::error::{Error, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::{EffectKind, EffectState, Failure, Receipt, RunId, WorkClass};
use crate::rules::retry::{self, Rate, Repeat};
use crate::store::effects::{self, Effect, Place};
use crate::store::{Db, Tx, runs};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// A run on another machine that has not been heard of for so long is dead: longer than any call may take
/// (the answer to a mail is waited for 10 minutes at most).
pub(super) const SILENCE: TimeDelta = TimeDelta::minutes(15);

/// The longest that a run waits for a provider's rate limit; what is left then is the next run's.
const RATE_WAIT: TimeDelta = TimeDelta::seconds(30);

/// What carries out one kind of effect.
pub trait Deliver {
    fn kind(&self) -> EffectKind;
    /// The other side, as messages and rate limits name it.
    fn provider(&self) -> &str;
    fn policy(&self) -> Policy;
    /// Whether it minds this act; others of its kind are left alone.
    fn takes(&self, _effect: &Effect) -> bool {
        true
    }
    /// Looks for outcomes that are gone, and plans them again. Its cost must not grow with history.
    fn look_for_lost(&self, _db: &mut Db) -> Result<()> {
        Ok(())
    }
    /// Whether it can do its work as it is configured, found without calling anybody. Asked before work is planned for it,
    /// and before what is due is carried out; it costs nothing the second time.
    ///
    /// # Errors
    /// Exit 78: nothing is planned or tried, and what is due stays due.
    fn ready(&self) -> Result<()> {
        Ok(())
    }
    /// Everything that was due was tried.
    fn finish(&self, _db: &mut Db) -> Result<()> {
        Ok(())
    }
    /// Makes ready a block whose calls are about to be made in turn, such as by rendering it on all
    /// cores, and may begin with the one after it, which is planned still. Both may be in vain.
    fn prepare(&self, _db: &mut Db, _coming: &[Effect], _then: &[Effect]) -> Result<()> {
        Ok(())
    }
    /// Makes the calls, in any order, and says what became of each, in the order given. It may be
    /// called again for those of them that are worth another try in the same run.
    ///
    /// # Errors
    /// What concerns all of them, and ends the run (a full disk).
    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>>;
    /// Asks the other side what became of an act whose answer was lost. Not called where a
    /// repetition is harmless.
    fn look_up(&self, _db: &mut Db, _effect: &Effect) -> Result<std::result::Result<Found, Failure>> {
        Ok(Ok(Found::NotDone))
    }
    /// What becomes of an act whose answer was lost, in words.
    fn after_a_lost_answer(&self) -> &'static str {
        "the next run looks up what became of it"
    }
    /// Writes the business rows that follow from what was done, in the transaction that records it.
    /// It may be called twice for one act, and must then change nothing.
    fn record(&self, _tx: &mut Tx, _done: &[(&Effect, &Receipt)]) -> Result<()> {
        Ok(())
    }
}

/// What became of a call.
pub type Outcome = std::result::Result<Receipt, Failure>;

/// How a kind of effect is delivered.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whose schedule of retries it has.
    pub class: WorkClass,
    pub repeat: Repeat,
    /// Effects that are begun, and recorded, in one transaction.
    pub block: u32,
    /// How the calls of a block are made.
    pub calls: Calls,
}

/// How the calls of a block are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// All of them, and then they are recorded.
    Together,
    /// One after the other; of each it is recorded that it is being made, and what came of it, before
    /// the next one. So a process that dies leaves one act in doubt, not a block.
    InTurn,
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub enum Found {
    Done(Receipt),
    /// It was not done and will not be: it may be sent again.
    NotDone,
    /// Too early to tell: look again after so long.
    NotYet(TimeDelta),
    /// The other side cannot tell.
    Undecidable(String),
}

/// What a delivery works with.
pub struct Delivery<'r> {
    pub ctx: &'r Context,
    pub db: &'r mut Db,
    pub summary: &'r mut Summary,
    pub run_id: RunId,
    /// Errs once the process was asked to stop.
    pub stop: &'r dyn Fn() -> Result<()>,
}

/// Whether there is anything to deliver or to settle, lost outcomes included.
pub fn has_work(deliverer: &dyn Deliver, ctx: &Context, db: &mut Db) -> Result<bool> {
    deliverer.look_for_lost(db)?;
    let (kind, until) = (deliverer.kind(), ctx.clock.now());
    let found = db.read(|tx| {
        let planned = effects::due(tx, kind, EffectState::Planned, until, &Place::default(), 1)?;
        let unknown = effects::due(tx, kind, EffectState::Unknown, until, &Place::default(), 1)?;
        Ok::<_, Error>(!planned.is_empty() || !unknown.is_empty() || !settle::orphans(tx, kind, until, None)?.is_empty())
    })?;
    if !found {
        deliverer.finish(db)?;
    }
    Ok(found)
}

/// Whether there is anything for a deliverer to do; then it is made ready for that.
pub fn is_ready(deliverer: &dyn Deliver, ctx: &Context, db: &mut Db) -> Result<bool> {
    let found = has_work(deliverer, ctx, db)?;
    if found {
        deliverer.ready()?;
    }
    Ok(found)
}

/// What would be carried out, shown.
pub fn look(deliverer: &dyn Deliver, ctx: &Context, db: &mut Db, summary: &mut Summary) -> Result<()> {
    let (kind, until) = (deliverer.kind(), ctx.clock.now());
    for state in [EffectState::Unknown, EffectState::Planned] {
        let mut place = Place::default();
        loop {
            let page = db.read(|tx| effects::due(tx, kind, state, until, &place, ctx.batch))?;
            let Some(last) = page.last() else { break };
            place = Place::after(last);
            for effect in page.iter().filter(|effect| deliverer.takes(effect)) {
                let item = json!({ "outcome": "due", "kind": kind, "company_id": effect.company_id, "key": effect.key,
                    "subject": effect.subject, "state": state, "attempts": effect.attempts, "dry_run": true });
                ctx.ui.item(&item, || format!("deliver   {:<20} {}", effect.company_id, effect.key));
            }
            summary.deliverable += page.len() as u64;
        }
    }
    Ok(())
}

/// Settles what an earlier run left, then carries out all that is due.
pub fn deliver(deliverer: &dyn Deliver, run: &mut Delivery) -> Result<()> {
    let until = run.ctx.clock.now();
    settle::take_over(deliverer, run, until)?;
    if let Flow::On = settle::look_up_unknown(deliverer, run, until)? {
        send(deliverer, run, until)?;
    }
    deliverer.finish(run.db)
}

/// How a page of due effects is to go on.
enum Flow {
    On,
    /// Enough for this run.
    Stop,
}

fn send(deliverer: &dyn Deliver, run: &mut Delivery, until: DateTime<Utc>) -> Result<()> {
    let (kind, block) = (deliverer.kind(), deliverer.policy().block);
    let (mut place, mut in_a_row, mut tried) = (Place::default(), InARow::default(), false);
    let total = if run.ctx.ui.shows_progress() { run.db.read(|tx| effects::count_due(tx, kind, until))? } else { 0 };
    let progress = run.ctx.ui.progress(kind.as_str(), total);
    // One page of reading feeds many single sendings.
    let page_size = block.max(100).min(run.ctx.batch);
    loop {
        let mut page = run.db.read(|tx| effects::due(tx, kind, EffectState::Planned, until, &place, page_size))?;
        let Some(last) = page.last() else { break };
        place = Place::after(last);
        page.retain(|effect| deliverer.takes(effect));
        let mut rest = page.as_slice();
        while !rest.is_empty() {
            // No more at a time than may fail in a row, until one has succeeded.
            let most = if tried { block.max(1) } else { block.clamp(1, retry::GIVE_UP_AFTER) };
            let (now, later) = rest.split_at(rest.len().min(most as usize));
            let next = &later[..later.len().min(block as usize)];
            if let Flow::Stop = send_block(deliverer, run, now, next, &mut in_a_row)? {
                return Ok(());
            }
            (rest, tried) = (later, !in_a_row.has_begun());
            progress.inc(now.len() as u64);
            (run.stop)()?;
        }
    }
    progress.finish();
    Ok(())
}

fn send_block(
    deliverer: &dyn Deliver,
    run: &mut Delivery,
    block: &[Effect],
    next: &[Effect],
    in_a_row: &mut InARow,
) -> Result<Flow> {
    let mut rest = block;
    while !rest.is_empty() {
        let begun = begin(deliverer, run, rest)?;
        crash::point("effects.begun");
        if begun.won.is_empty() {
            // Others have them, or they wait for their recipient's rate.
        } else if deliverer.policy().calls == Calls::InTurn {
            if let Flow::Stop = in_turn::send(deliverer, run, &begun.won, next, in_a_row)? {
                return Ok(Flow::Stop);
            }
        } else {
            let outcomes = carry_out(deliverer, run, &begun.won);
            crash::point("effects.carried_out");
            let ended = record(deliverer, run, &begun.won, &outcomes, in_a_row);
            crash::point("effects.settled");
            // What ended the run is the one to tell.
            outcomes?;
            let ended = ended?;
            if let Flow::Stop = ended {
                return Ok(Flow::Stop);
            }
        }
        rest = &rest[begun.taken..];
        let Some(free_at) = begun.provider_free_at else { continue };
        let wait = free_at - run.ctx.clock.now();
        if wait > RATE_WAIT {
            run.ctx.ui.warn(format!("{} is at its rate limit until {free_at}; the next run goes on", deliverer.provider()));
            return Ok(Flow::Stop);
        }
        pause(run, wait)?;
    }
    Ok(Flow::On)
}

/// What of a block could be begun.
struct Begun {
    won: Vec<Effect>,
    /// How many of the block are dealt with: begun, another's, or put off.
    taken: usize,
    /// The provider's rate limit ended the block.
    provider_free_at: Option<DateTime<Utc>>,
}

fn begin(deliverer: &dyn Deliver, run: &mut Delivery, block: &[Effect]) -> Result<Begun> {
    let now = run.ctx.clock.now();
    let limits = &run.ctx.config.rates;
    let provider = limits.of_provider(deliverer.provider());
    // Programs read as fast as they are told.
    let reads = matches!(deliverer.kind(), EffectKind::Mail | EffectKind::Sms | EffectKind::Slack);
    let recipient = reads.then_some(limits.per_recipient);
    let run_id = run.run_id.clone();
    let (begun, put_off) = run.db.write_surely(|tx| {
        let mut admitted = Vec::with_capacity(block.len());
        let (mut taken, mut put_off, mut provider_free_at) = (0, 0_u64, None);
        // Of a COMMIT whose answer was lost: these were admitted, and are not to be asked again.
        let own = if provider.is_some() || recipient.is_some() { effects::sending(tx, deliverer.kind())? } else { Vec::new() };
        for effect in block {
            if own.iter().any(|e| e.owner == run_id.as_str() && e.key == effect.key && e.company_id == effect.company_id) {
                admitted.push(effect.clone());
                taken += 1;
                continue;
            }
            if let Some(rate) = provider
                && let Err(free_at) = admit(tx, SYSTEM_COMPANY, &format!("provider:{}", deliverer.provider()), rate, now)?
            {
                provider_free_at = Some(free_at);
                break;
            }
            taken += 1;
            if let Some(rate) = recipient.filter(|_| !effect.recipient.is_empty())
                && let Err(free_at) =
                    admit(tx, effect.company_id.as_str(), &format!("recipient:{}", effect.recipient), rate, now)?
            {
                effects::postpone(tx, effect, free_at)?;
                put_off += 1;
                continue;
            }
            admitted.push(effect.clone());
        }
        let called_at = (deliverer.policy().calls == Calls::Together).then_some(now);
        let won = effects::start(tx, &admitted, run_id.as_str(), called_at)?;
        runs::beat(tx, &run_id, now)?;
        Ok::<_, Error>((Begun { won, taken, provider_free_at }, put_off))
    })?;
    for _ in 0..put_off {
        run.summary.add_skipped("rate_limited");
    }
    Ok(begun)
}

/// Uses a rate up by one act, or tells from when there will be room.
fn admit(
    tx: &mut Tx,
    company: &str,
    key: &str,
    rate: Rate,
    now: DateTime<Utc>,
) -> Result<std::result::Result<(), DateTime<Utc>>> {
    let before = effects::rate(tx, company, key)?;
    match retry::admit(before, rate, now) {
        Ok(free_at) => Ok(Ok(effects::keep_rate(tx, company, key, before, free_at)?)),
        Err(free_at) => Ok(Err(free_at)),
    }
}

/// The calls, and once more in this run for those where it is worth it.
fn carry_out(deliverer: &dyn Deliver, run: &mut Delivery, begun: &[Effect]) -> Result<Vec<Outcome>> {
    let repeat = deliverer.policy().repeat;
    let mut outcomes = deliverer.carry_out(run.db, begun)?;
    for tries in 1.. {
        let chance = run.ctx.ids.chance();
        let pauses: Vec<(usize, TimeDelta)> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| Some((at, retry::pause_in_run(outcome.as_ref().err()?, tries, repeat, chance)?)))
            .collect();
        let Some(longest) = pauses.iter().map(|p| p.1).max() else { break };
        // Asked to stop: what is known so far is recorded first.
        if pause(run, longest).is_err() {
            break;
        }
        let again: Vec<Effect> = pauses.iter().map(|p| begun[p.0].clone()).collect();
        for ((at, _), outcome) in pauses.iter().zip(deliverer.carry_out(run.db, &again)?) {
            outcomes[*at] = outcome;
        }
    }
    Ok(outcomes)
}

/// Waits, in steps, so that a signal is heard.
fn pause(run: &Delivery, time: TimeDelta) -> Result<()> {
    const STEP: TimeDelta = TimeDelta::milliseconds(100);
    let mut left = time;
    while left > TimeDelta::zero() {
        (run.stop)()?;
        std::thread::sleep(left.min(STEP).to_std().unwrap_or_default());
        left -= STEP;
    }
    (run.stop)()
}

/// Records what became of a block, and tells it.
fn record(
    deliverer: &dyn Deliver,
    run: &mut Delivery,
    begun: &[Effect],
    outcomes: &Result<Vec<Outcome>>,
    in_a_row: &mut InARow,
) -> Result<Flow> {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => return settle::leave(deliverer, run, begun, &error.message).map(|()| Flow::Stop),
    };
    settle::record(deliverer, run, begun, outcomes)?;
    begun.iter().zip(outcomes).try_for_each(|(effect, outcome)| in_a_row.heed(deliverer, run, effect, outcome.as_ref().err()))?;
    Ok(if in_a_row.is_enough() { Flow::Stop } else { Flow::On })
}
