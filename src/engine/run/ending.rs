//! The end of a run: how it ended is written down, and who is to hear of it is noted in the same transaction.

use super::Runner;
use crate::engine::notice::{self, CompletionNotices};
use crate::engine::outbox::{self, Delivery};
use crate::engine::summary::Summary;
use crate::engine::{alerts, host};
use crate::error::{Error, ErrorKind, Result};
use crate::model::RunId;
use crate::store::{Db, Tx, claims, runs};

impl Runner<'_> {
    /// Writes down how the run ended, also when it ended badly.
    pub(super) fn finish(&mut self, db: &mut Db, result: &Result<()>) -> Result<()> {
        // One that never began is no run; one that was taken over is, and must not seem to be running.
        let never_began = self.summary.run_id.is_none() && matches!(result, Err(error) if error.kind == ErrorKind::TryLater);
        if self.options.dry_run || never_began {
            return Ok(());
        }
        let outcome = match result {
            Ok(()) => self.summary.outcome(),
            Err(error) => error.kind.as_str(),
        };
        let failed = alerts::run_failed(self.ctx, &self.summary, result);
        let told = !self.options.by_the_way && notice::is_wanted(self.ctx.config.notify.as_ref(), &self.summary, result);
        if told {
            self.begin(db)?;
        }
        let now = self.ctx.clock.now();
        let body = serde_json::to_string(&self.summary).unwrap_or_default();
        let job = self.summary.job;
        let shares = db.shares_work();
        let written = match &self.summary.run_id {
            Some(run_id) => {
                let work = |tx: &mut Tx| {
                    // What it had claimed when it was broken off waits for nobody.
                    if shares && result.is_err() {
                        claims::expire(tx, job, run_id.as_str())?;
                    }
                    runs::finish(tx, run_id, now, outcome, &body)?;
                    runs::heartbeat(tx, job, now, outcome)?;
                    if let Some(error) = failed {
                        alerts::note_run(tx, self.ctx, &self.summary, error, now)?;
                    }
                    if told {
                        let end = notice::End { run_id, summary: &self.summary, outcome, error: result.as_ref().err() };
                        notice::plan(tx, self.ctx, end, now)?;
                    }
                    Ok::<_, Error>(())
                };
                // After an error, which may be a lost connection, one try must do.
                if result.is_ok() { db.write_surely(work) } else { db.write(work) }
            }
            None if failed.is_some() => db.write(|tx| {
                failed.map_or(Ok(()), |error| alerts::note_run(tx, self.ctx, &self.summary, error, now))?;
                Ok::<_, Error>(runs::heartbeat(tx, job, now, outcome)?)
            }),
            // Nothing was done: a tick of cron that costs a few milliseconds, disk included.
            None if self.ctx.config.notify.is_some() => db.write_surely(|tx| Ok(runs::heartbeat(tx, job, now, outcome)?)),
            // What is told at once goes over this connection.
            None if result.is_err() => db.write(|tx| Ok(runs::heartbeat(tx, job, now, outcome)?)),
            None => db.last_write_unflushed(|tx| Ok(runs::heartbeat(tx, job, now, outcome)?)),
        };
        // The error that ended the run is the one to tell.
        if result.is_ok() { written } else { Ok(()) }
    }

    /// Sends the notice of this run, and those of earlier ones that are due. The job is over: what becomes of a
    /// notice changes nothing of it, and is told on stderr. A run that had nothing to do of its own leaves no row for
    /// that either: one that nobody ended would look like a run that broke off.
    pub(super) fn notify(&self, db: &mut Db) {
        let Some(notices) = CompletionNotices::new(self.ctx) else { return };
        if let Err(error) = self.send(&notices, db) {
            self.ctx.ui.warn(format!("the completion notice: {}", error.message));
        }
    }

    fn send(&self, notices: &CompletionNotices, db: &mut Db) -> Result<()> {
        if !outbox::is_ready(notices, self.ctx, db)? {
            return Ok(());
        }
        // There may be no run that others could look up: then the process itself says that it lives.
        let run_id = self.summary.run_id.clone().unwrap_or_else(|| RunId::of_process(&host::process()));
        let stop = || self.stop_if_asked();
        let mut summary = Summary::new(self.summary.job, self.ctx.as_of, false);
        outbox::deliver(notices, &mut Delivery { ctx: self.ctx, db, summary: &mut summary, run_id, stop: &stop })
    }
}
