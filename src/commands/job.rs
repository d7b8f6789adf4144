//! Running a job as cron does: whoever watches hears that it begins and how it ends, it says at its end
//! what it did, and who must hear of that at once does.

use crate::context::Context;
use crate::engine::{self, Job, RunOptions, Summary};
use crate::error::{Error, ExitCode, Result};
use crate::jobs::{JobKind, alerts};
use crate::model::Failure;
use crate::providers::ping::Ping;
use crate::store::Db;

/// Opens the database for a run of a job. When it cannot be, who watches hears of that too.
pub fn open_for(kind: JobKind, dry_run: bool, ctx: &Context) -> Result<Db> {
    ctx.open_db().inspect_err(|error| {
        let mut watch = Watch::start(kind, dry_run, ctx);
        watch.end(error.kind.exit_code(), &told(error));
    })
}

/// Runs a job to its end.
pub fn run_job<J: Job>(job: &mut J, ctx: &Context, db: &mut Db, options: &RunOptions) -> Result<ExitCode> {
    run_job_and(job, ctx, db, options, |_, _| Ok(()), |_| Ok(()))
}

/// Runs a job to its end, shows what there is to show before its summary, and takes the run for failed
/// when `check` does.
pub fn run_job_and<J: Job>(
    job: &mut J,
    ctx: &Context,
    db: &mut Db,
    options: &RunOptions,
    show: impl FnOnce(&mut J, &mut Db) -> Result<()>,
    check: impl FnOnce(&Summary) -> Result<()>,
) -> Result<ExitCode> {
    let verb = job.verb();
    let mut watch = match job.name().parse() {
        Ok(kind) => Watch::start(kind, options.dry_run, ctx),
        Err(_) => Watch::nobody(ctx),
    };
    let (summary, ended) = engine::run(job, ctx, db, options);
    let shown = show(job, db);
    // A run that was broken off tells what it did until then; one that never began has only its error.
    if ended.is_ok() || summary.something_happened() {
        let text = || if ctx.ui.is_terminal() { summary.text(verb) } else { summary.anchored_text(verb) };
        ctx.ui.summary(&summary, text, summary.something_happened());
    }
    let ended = ended.and(shown).and_then(|()| check(&summary));
    if !options.dry_run && (ended.is_err() || is_mailed(ctx, &summary)) {
        alerts::tell_at_once(ctx, db);
    }
    let mut body = summary.anchored_text(verb);
    let code = match &ended {
        Ok(()) => summary.exit_code(),
        Err(error) => {
            body.push_str(&format!("\n{}", told(error)));
            error.kind.exit_code()
        }
    };
    watch.end(code, &body);
    ended.map(|()| code)
}

/// Whether a mail that tells of this run may be waiting.
fn is_mailed(ctx: &Context, summary: &Summary) -> bool {
    summary.run_id.is_some() && ctx.config.notify.as_ref().is_some_and(|notify| notify.email.is_some())
}

fn told(error: &Error) -> String {
    let hint = error.hint.iter().map(|hint| format!("\nhint: {hint}"));
    hint.fold(format!("error: {}", error.whole()), |text, hint| text + &hint)
}

/// Who watches over a run. That nobody hears it is a warning, and changes nothing.
struct Watch<'c> {
    ctx: &'c Context,
    ping: Option<Ping>,
}

impl<'c> Watch<'c> {
    const fn nobody(ctx: &'c Context) -> Self {
        Self { ctx, ping: None }
    }

    fn start(kind: JobKind, dry_run: bool, ctx: &'c Context) -> Self {
        let settings = ctx.config.ping.as_ref().filter(|_| !dry_run);
        let mut watch = Self { ctx, ping: settings.and_then(|settings| Ping::of(settings, kind, ctx.ids.uuid())) };
        if let Some(Err(failure)) = watch.ping.as_mut().map(Ping::start) {
            watch.unheard(&failure);
        }
        watch
    }

    fn end(&mut self, code: ExitCode, body: &str) {
        if let Some(Err(failure)) = self.ping.as_mut().map(|ping| ping.end(code as u8, body)) {
            self.unheard(&failure);
        }
    }

    fn unheard(&self, failure: &Failure) {
        self.ctx.ui.warn(format!("the ping was not heard: {}", failure.message));
    }
}
