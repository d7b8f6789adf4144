//! Acts whose calls are made one after the other, such as mails over one connection.
//!
//! A block is begun in one transaction. Then, for each act, one transaction records what came of the
//! call before and that this one's is being made; then the call is made. On SQLite that transaction
//! does not wait for the disk: a killed process leaves it in, and only the one act whose call was
//! being made is in doubt. After a power cut, which may take such transactions back, every act of
//! the block is. So nothing is lost, and nothing is done twice without its look-up first, at two
//! flushes a block in place of two an act (which is most of the time that a mail takes).

use super::in_a_row::InARow;
use super::settle::{self, Results};
use super::{Deliver, Delivery, Flow, Outcome, carry_out};
use crate::crash;
use crate::error::{Error, Result};
use crate::store::effects::{self, Effect};

/// An act whose call was made, and is not recorded yet.
struct Called {
    effect: [Effect; 1],
    outcome: [Outcome; 1],
}

/// Makes the calls of a block that was begun. `next` are those after it, planned still.
pub(super) fn send(
    deliverer: &dyn Deliver,
    run: &mut Delivery,
    begun: &[Effect],
    next: &[Effect],
    in_a_row: &mut InARow,
) -> Result<Flow> {
    if let Err(error) = deliverer.prepare(run.db, begun, next) {
        settle::give_back(run, begun)?;
        return Err(error);
    }
    let mut last: Option<Called> = None;
    for (at, effect) in begun.iter().enumerate() {
        if let Some(end) = end(deliverer, run, last.as_ref(), in_a_row) {
            record(deliverer, run, last.as_ref())?;
            settle::give_back(run, &begun[at..])?;
            return end;
        }
        let Some(effect) = begin_call(deliverer, run, last.take(), effect)? else { continue };
        crash::point("effects.called");
        let effect = [effect];
        let made = carry_out(deliverer, run, &effect);
        crash::point("effects.carried_out");
        match made {
            Ok(outcomes) => {
                let outcome = outcomes.into_iter().next();
                let outcome = outcome.ok_or_else(|| Error::failed("a call was made, and nothing said what came of it"))?;
                last = Some(Called { effect, outcome: [outcome] });
            }
            Err(error) => {
                settle::leave(deliverer, run, &effect, &error.message)?;
                settle::give_back(run, &begun[at + 1..])?;
                return Err(error);
            }
        }
    }
    let end = end(deliverer, run, last.as_ref(), in_a_row);
    record(deliverer, run, last.as_ref())?;
    crash::point("effects.settled");
    end.unwrap_or(Ok(Flow::On))
}

/// Whether the last call, or a signal, ends the block, and how. It is asked once a call.
fn end(deliverer: &dyn Deliver, run: &Delivery, last: Option<&Called>, in_a_row: &mut InARow) -> Option<Result<Flow>> {
    if let Some(Called { effect, outcome }) = last {
        if let Err(error) = in_a_row.heed(deliverer, run, &effect[0], outcome[0].as_ref().err()) {
            return Some(Err(error));
        }
        if in_a_row.is_enough() {
            return Some(Ok(Flow::Stop));
        }
    }
    (run.stop)().err().map(Err)
}

/// Records the call before, and that this one is being made. None when the act is another's by now.
fn begin_call(deliverer: &dyn Deliver, run: &mut Delivery, last: Option<Called>, effect: &Effect) -> Result<Option<Effect>> {
    let results = last.as_ref().map(|last| Results::of(deliverer, run, &last.effect, &last.outcome));
    let (now, run_id) = (run.ctx.clock.now(), run.run_id.clone());
    let is_ours = run.db.write_unflushed(|tx| {
        if let Some(results) = &results {
            results.write(tx, deliverer, &run_id)?;
        }
        Ok::<_, Error>(effects::call(tx, effect, now)?)
    })?;
    if let Some(results) = &results {
        results.tell(deliverer, run);
    }
    Ok(is_ours.then(|| Effect { sending_at: Some(now), ..effect.clone() }))
}

fn record(deliverer: &dyn Deliver, run: &mut Delivery, last: Option<&Called>) -> Result<()> {
    let Some(Called { effect, outcome }) = last else { return Ok(()) };
    settle::record(deliverer, run, effect, outcome)
}
