//! Delivering effects: what a transaction planned is carried out after its commit, and the outcome
//! is recorded. What a crash leaves planned, the next run carries out.

use crate::context::Context;
use crate::crash;
use crate::engine::summary::Summary;
use crate::error::{Error, Result};
use crate::model::EffectKind;
use crate::store::documents::{self, DocumentFile};
use crate::store::effects::{self, Effect};
use crate::store::{Db, Tx};

/// Effects a block: carried out side by side, recorded in one transaction.
const BLOCK: u32 = 200;

/// After so many failures in a row the other side is down, and is left alone for this run.
const GIVE_UP_AFTER: usize = 10;

/// What carries out one kind of effect.
pub trait Deliver {
    fn kind(&self) -> EffectKind;
    /// Looks for outcomes that are gone, and plans them again. Its cost must not grow with history.
    fn look_for_lost(&self, db: &mut Db) -> Result<()>;
    /// Everything planned was tried.
    fn finish(&self, db: &mut Db) -> Result<()>;
    /// Carries them out, in any order, and returns what became of each, in the order given.
    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>>;
}

/// What became of an effect: a receipt, or why not.
pub type Outcome = std::result::Result<Receipt, String>;

/// Proof that it was done.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// What the other side calls it: a path, an id.
    pub provider_ref: String,
    /// The file that was written, if that was the act.
    pub file: Option<DocumentFile>,
}

/// Whether there is anything to deliver, lost outcomes included.
pub fn has_work(deliverer: &dyn Deliver, db: &mut Db) -> Result<bool> {
    deliverer.look_for_lost(db)?;
    let planned = !db.read(|tx| effects::planned(tx, deliverer.kind(), ("", ""), 1))?.is_empty();
    if !planned {
        deliverer.finish(db)?;
    }
    Ok(planned)
}

/// Carries out all that is planned. `stop` is asked between blocks.
pub fn deliver(
    deliverer: &dyn Deliver,
    ctx: &Context,
    db: &mut Db,
    summary: &mut Summary,
    stop: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let mut place = (String::new(), String::new());
    let mut in_a_row = 0;
    let total = if ctx.ui.shows_progress() { db.read(|tx| effects::count_planned(tx, deliverer.kind()))? } else { 0 };
    let progress = ctx.ui.progress(deliverer.kind().as_str(), total);
    loop {
        let block = db.read(|tx| effects::planned(tx, deliverer.kind(), (&place.0, &place.1), BLOCK.min(ctx.batch)))?;
        let Some(last) = block.last() else { break };
        place = (last.company_id.to_string(), last.key.clone());
        let outcomes = deliverer.carry_out(db, &block)?;
        crash::point("effects.carried_out");
        db.write(|tx| settle(tx, ctx, deliverer.kind(), &block, &outcomes))?;
        crash::point("effects.settled");
        for (effect, outcome) in block.iter().zip(&outcomes) {
            match outcome {
                Ok(_) => (summary.delivered, in_a_row) = (summary.delivered + 1, 0),
                Err(reason) => {
                    in_a_row += 1;
                    let new = effect.attempts == 0;
                    *(if new { &mut summary.failed } else { &mut summary.waiting }) += 1;
                    if in_a_row <= GIVE_UP_AFTER {
                        ctx.ui.warn(format!("{} for {}: {reason}; the next run tries again", deliverer.kind(), effect.subject));
                    }
                }
            }
        }
        if in_a_row >= GIVE_UP_AFTER {
            return Err(Error::failed(format!("{} failed {in_a_row} times in a row", deliverer.kind()))
                .hint("mend the cause and run the same command again: it carries out what is still planned"));
        }
        progress.inc(block.len() as u64);
        stop()?;
    }
    progress.finish();
    deliverer.finish(db)
}

fn settle(tx: &mut Tx, ctx: &Context, kind: EffectKind, block: &[Effect], outcomes: &[Outcome]) -> Result<()> {
    let now = ctx.clock.now();
    let files: Vec<DocumentFile> = outcomes.iter().filter_map(|o| o.as_ref().ok()?.file.clone()).collect();
    documents::put_pdfs(tx, &files, now)?;
    let settled: Vec<_> = block
        .iter()
        .zip(outcomes)
        .map(|(e, o)| (e, o.as_ref().map(|r| r.provider_ref.as_str()).map_err(String::as_str)))
        .collect();
    Ok(effects::settle(tx, kind, &settled, now)?)
}
