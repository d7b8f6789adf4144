//! The run of a job: find a page of work, claim it, plan it, record it in one transaction, go on.
//!
//! A page is planned and recorded in the same transaction, so a plan is never older than what it
//! was made from. If one unit makes the transaction fail, it is rolled back and the page is
//! replayed one unit a transaction, so that one bad unit never stops the others.

mod ending;
mod sharing;

use self::sharing::{CLAIM, EXTEND_EVERY};
use super::job::{Decided, Failed, Job, Plan, RunOptions};
use super::lock;
use super::outbox::{self, Deliver, Delivery};
use super::signals::Signals;
use super::summary::Summary;
use super::witness::{self, Witness};
use super::{alerts, doubts, host, items};
use crate::context::Context;
use crate::crash;
use crate::error::{Error, ErrorKind, Result};
use crate::model::RunId;
use crate::store::audit::{self, Author, Moved};
use crate::store::runs::{self, Run};
use crate::store::{Db, StoreError, Transient, Tx, claims, schema};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Instant;

/// Runs a job to its end, and returns how it ended and what it did until then.
pub fn run<J: Job>(job: &mut J, ctx: &Context, db: &mut Db, options: &RunOptions) -> (Summary, Result<()>) {
    let started = Instant::now();
    let mut run = Runner::new(job.name(), ctx, options);
    let result = if options.dry_run { run.look(job, db) } else { run.work(job, db) };
    run.summary.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let finished = run.finish(db, &result);
    if !options.dry_run && finished.is_ok() {
        run.notify(db);
    }
    (run.summary, result.and(finished))
}

struct Runner<'c> {
    ctx: &'c Context,
    options: &'c RunOptions,
    summary: Summary,
    signals: Signals,
    /// Batches of this run that are recorded.
    batches: i64,
}

/// What a recorded batch adds to the summary, once it is committed.
struct Recorded<P> {
    decided: Decided<P>,
    moved: Vec<Moved>,
    /// For each failure, whether it is new.
    news: Vec<bool>,
}

impl<'c> Runner<'c> {
    fn new(job: &'static str, ctx: &'c Context, options: &'c RunOptions) -> Self {
        Self { ctx, options, summary: Summary::new(job, ctx.as_of, options.dry_run), signals: Signals::listen(), batches: 0 }
    }

    /// The same pages and plans, shown, and nothing written.
    fn look<J: Job>(&mut self, job: &mut J, db: &mut Db) -> Result<()> {
        doubts::tell_only(self.ctx, db)?;
        let mut is_ready = false;
        while let Some(limit) = self.room() {
            let keys = db.read(|tx| job.due(tx, limit))?;
            if keys.is_empty() {
                break;
            }
            // It reads templates and fonts: no transaction stays open for that.
            ready(job, &mut is_ready)?;
            let (decided, standing) = db.read(|tx| {
                let decided = job.plan(tx, &keys)?;
                let standing = runs::items_of(tx, job.name(), &companies_of::<J>(&keys))?;
                Ok::<_, Error>((decided, standing))
            })?;
            let news = decided.failed.iter().map(|failed| items::is_news(items::before(&standing, failed))).collect();
            let looked_at = Recorded { decided, moved: Vec::new(), news };
            self.tell(&looked_at, true);
            job.recorded(&looked_at.decided);
            self.stop_if_asked()?;
        }
        job.deliverers().into_iter().try_for_each(|deliverer| outbox::look(deliverer, self.ctx, db, &mut self.summary))
    }

    fn work<J: Job>(&mut self, job: &mut J, db: &mut Db) -> Result<()> {
        let _lock = match db.file() {
            Some(file) => Some(lock::acquire(file, job.name(), self.ctx.lock_wait, &|| self.stop_if_asked())?),
            None => None,
        };
        self.ctx.refuse_a_future(db)?;
        if let Err(error) = doubts::refuse(self.ctx, db) {
            alerts::note_doubt(self.ctx, db, job.name(), &error);
            return Err(error);
        }
        let total = if self.ctx.ui.shows_progress() { db.read(|tx| job.count(tx))? } else { 0 };
        let progress = self.ctx.ui.progress(job.name(), total);
        let mut is_ready = false;
        while let Some(limit) = self.room() {
            let keys = db.read(|tx| job.due(tx, limit))?;
            if keys.is_empty() {
                break;
            }
            ready(job, &mut is_ready)?;
            self.begin(db)?;
            let keys = self.claim(db, job.name(), keys, J::company)?;
            crash::point("page.claimed");
            self.page(job, db, &keys)?;
            progress.inc(keys.len() as u64);
            self.stop_if_asked()?;
        }
        progress.finish();
        self.deliver_all(&job.deliverers(), db)
    }

    /// One side that refuses what it is called with ends the run, once the others had their turn: they may be
    /// what tells of it.
    fn deliver_all(&mut self, deliverers: &[&dyn Deliver], db: &mut Db) -> Result<()> {
        let mut refused = None;
        for deliverer in deliverers {
            match self.deliver(*deliverer, db) {
                Err(error) if error.kind == ErrorKind::Config => refused = refused.or(Some(error)),
                ended => ended?,
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Carries out what is due of one kind of effect.
    fn deliver(&mut self, deliverer: &dyn Deliver, db: &mut Db) -> Result<()> {
        if !outbox::is_ready(deliverer, self.ctx, db)? {
            return Ok(());
        }
        let run_id = self.begin(db)?;
        let signals = self.signals.clone();
        let stop = move || signals.asked_to_stop().map_or(Ok(()), Err);
        let summary = &mut self.summary;
        outbox::deliver(deliverer, &mut Delivery { ctx: self.ctx, db, summary, run_id, stop: &stop })
    }

    /// How many units may still be taken; None when `--limit` is reached.
    fn room(&self) -> Option<u32> {
        match self.options.limit {
            None => Some(self.ctx.batch),
            Some(limit) => match limit.saturating_sub(self.summary.done) {
                0 => None,
                left => Some(u32::try_from(left).unwrap_or(u32::MAX).min(self.ctx.batch)),
            },
        }
    }

    fn stop_if_asked(&self) -> Result<()> {
        match self.signals.asked_to_stop() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The run's row, once there is work.
    fn begin(&mut self, db: &mut Db) -> Result<RunId> {
        if let Some(run_id) = &self.summary.run_id {
            return Ok(run_id.clone());
        }
        let now = self.ctx.clock.now();
        let run_id = RunId::from(self.ctx.ids.uuid());
        let run = Run {
            run_id: run_id.clone(),
            job: self.summary.job.to_owned(),
            scope: self.options.scope.clone(),
            as_of: self.ctx.as_of,
            started_by: if self.ctx.ui.is_terminal() { "terminal" } else { "script" }.to_owned(),
            host: host::name(),
            pid: std::process::id(),
            process: host::process(),
            started_at: now,
            heartbeat_at: now,
            finished_at: None,
            outcome: "running".to_owned(),
            summary: "{}".to_owned(),
        };
        let new = self.ctx.ids.uuid().to_string();
        let database_id = db.write_surely(|tx| {
            runs::begin(tx, &run)?;
            schema::database_id(tx, &new)
        })?;
        self.summary.run_id = Some(run_id.clone());
        crash::point("run.begun");
        witness::write(self.ctx, &Witness::of(&run, &database_id));
        Ok(run_id)
    }

    fn page<J: Job>(&mut self, job: &mut J, db: &mut Db, keys: &[J::Key]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        match self.batch(job, db, keys, Claims::GivenBack) {
            Ok(recorded) => self.count(job, &recorded),
            Err(error) if blames_a_unit(&error) => {
                let companies = companies_of::<J>(keys);
                let mut extended = Instant::now();
                for key in keys {
                    self.single(job, db, key)?;
                    self.stop_if_asked()?;
                    if extended.elapsed() > EXTEND_EVERY {
                        self.keep(db, job.name(), &companies)?;
                        extended = Instant::now();
                    }
                }
                self.give_back(db, job.name(), &companies)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn single<J: Job>(&mut self, job: &mut J, db: &mut Db, key: &J::Key) -> Result<()> {
        match self.batch(job, db, std::slice::from_ref(key), Claims::Kept) {
            Ok(recorded) => self.count(job, &recorded),
            Err(error) if blames_a_unit(&error) => {
                let failed = Failed {
                    company_id: J::company(key).clone(),
                    subject: items::REFUSED.to_owned(),
                    period: String::new(),
                    reason: items::REFUSED,
                    message: error.message.clone(),
                    hint: "the unit was rolled back; finops db check may tell more".to_owned(),
                };
                let decided = Decided::<J::Plan> { failed: vec![failed], ..Decided::default() };
                let company = [J::company(key).as_str()];
                let at = self.ctx.clock.now();
                let news = self.once(db, at, |tx, _| items::note(tx, self.ctx, job.name(), &company, &decided, at))?;
                self.count(job, &Recorded { decided, moved: Vec::new(), news });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Plans and records units in one transaction.
    fn batch<J: Job>(&mut self, job: &J, db: &mut Db, keys: &[J::Key], then: Claims) -> Result<Recorded<J::Plan>> {
        let companies = companies_of::<J>(keys);
        let shares = db.shares_work();
        let at = self.ctx.clock.now();
        let mut author = Author { run_id: self.summary.run_id.clone(), ..Author::person(self.summary.job, at) };
        let owner = self.summary.run_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let recorded = self.once(db, at, |tx, batch| {
            author.batch = batch;
            // What is decided stays true until it is recorded: whoever imports, edits or corrects is waited for, and waits.
            tx.hold_sellers()?;
            tx.hold_companies(&companies)?;
            let mut decided = job.plan(tx, keys)?;
            let entries = job.record(tx, &mut decided.plans)?;
            let moved = audit::append(tx, &author, &entries)?;
            let news = items::note(tx, self.ctx, job.name(), &companies, &decided, at)?;
            let still_ours = match then {
                _ if !shares => true,
                Claims::GivenBack => claims::release(tx, job.name(), &owner, &companies)?,
                Claims::Kept => claims::extend(tx, job.name(), &owner, &companies, at + CLAIM)?,
            };
            // Someone else took over: their work stands, this one is rolled back.
            if !still_ours {
                return Err(StoreError::Busy("another run took over these companies".to_owned()).into());
            }
            crash::point("batch.written");
            Ok(Recorded { decided, moved, news })
        })?;
        crash::point("batch.committed");
        Ok(recorded)
    }

    /// Does the work of one batch in one transaction, and once: when the connection is lost during
    /// the commit, the run's row tells on the next one whether it got through.
    fn once<R>(&mut self, db: &mut Db, at: DateTime<Utc>, mut work: impl FnMut(&mut Tx, i64) -> Result<R>) -> Result<R> {
        let Some(run_id) = &self.summary.run_id else { return Err(Error::failed("a batch needs a run that has begun")) };
        let batch = self.batches + 1;
        let mut result = None;
        db.write_surely(|tx| {
            if runs::count_batch(tx, run_id, batch, at)? {
                result = Some(work(tx, batch)?);
            }
            Ok::<_, Error>(())
        })?;
        self.batches = batch;
        result.ok_or_else(|| {
            Error::failed(format!("the run {run_id} is no longer in the database")).hint("finops doctor tells more")
        })
    }

    fn count<J: Job>(&mut self, job: &mut J, recorded: &Recorded<J::Plan>) {
        self.summary.add_audit(&recorded.moved);
        self.tell(recorded, false);
        job.recorded(&recorded.decided);
    }

    fn tell<P: Plan>(&mut self, recorded: &Recorded<P>, asked_for: bool) {
        let Recorded { decided, news, .. } = recorded;
        let ui = &self.ctx.ui;
        let shown = asked_for || ui.shows_units();
        let (job, at) = (self.summary.job, self.ctx.clock.now());
        let plans = || decided.plans.iter().filter(|plan| plan.counts());
        for plan in plans() {
            plan.amounts().into_iter().for_each(|amount| self.summary.add_total(amount));
            if shown {
                let mut item = plan.item();
                if let (true, Some(fields)) = (self.options.dry_run, item.as_object_mut()) {
                    fields.insert("dry_run".to_owned(), true.into());
                }
                ui.item(&item, || plan.text());
            }
        }
        for skipped in &decided.skipped {
            self.summary.add_skipped(skipped.reason);
            if shown {
                ui.item(&Told { outcome: "skipped", body: skipped }, || {
                    format!("skip      {:<20} {:<20} {}", skipped.company_id, skipped.subject, skipped.message)
                });
            }
        }
        for (failed, new) in decided.failed.iter().zip(news) {
            if ui.is_json() {
                ui.item(&Told { outcome: if *new { "failed" } else { "waiting" }, body: failed }, String::new);
            }
            if *new || shown {
                ui.warn(format!("{} {}: {}\nhint: {}", failed.company_id, failed.subject, failed.message, failed.hint));
            }
            match new {
                true => self.summary.add_failed(|| alerts::of_item(job, failed, false, at)),
                false => self.summary.waiting += 1,
            }
        }
        let done = plans().count();
        self.summary.done += done as u64;
        self.summary.due += (done + decided.skipped.len() + decided.failed.len()) as u64;
    }
}

/// Asks once, when there is something to plan, whether it could be carried out.
fn ready(job: &impl Job, is_ready: &mut bool) -> Result<()> {
    if !*is_ready {
        job.deliverers().into_iter().try_for_each(Deliver::ready)?;
        *is_ready = true;
    }
    Ok(())
}

/// What becomes of the claims once a transaction has recorded its units.
#[derive(Clone, Copy)]
enum Claims {
    GivenBack,
    Kept,
}

/// The companies of these units, ascending, each once.
fn companies_of<J: Job>(keys: &[J::Key]) -> Vec<&str> {
    let companies: BTreeSet<&str> = keys.iter().map(|k| J::company(k).as_str()).collect();
    companies.into_iter().collect()
}

#[derive(Serialize)]
struct Told<'a, T: Serialize> {
    outcome: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

/// Whether the error can be one unit's fault (its rows were refused), rather than everybody's.
fn blames_a_unit(error: &Error) -> bool {
    let store = error.source.as_ref().and_then(|s| s.downcast_ref::<StoreError>());
    debug_assert!(!error.is_transient() || store.is_some(), "only the store says that a transaction may be replayed");
    store.is_some_and(StoreError::refuses_a_row)
}
