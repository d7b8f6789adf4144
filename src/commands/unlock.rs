//! `finops unlock`: who holds the locks of jobs, and giving back what a dead run left.

use crate::context::Context;
use crate::engine::{host, lock};
use crate::error::{Error, ExitCode, Result};
use crate::jobs::JobKind;
use crate::model::ids::SYSTEM_COMPANY;
use crate::store::audit::{self, Entry};
use crate::store::claims::{self, Holder};
use crate::store::runs::{self, Run};
use crate::store::{Db, Tx};
use crate::ui::Column;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// Show who works on what, and give back what a run that died left locked.
///
/// On Postgres a run claims companies, which others then leave alone. Claims run out by themselves
/// after 2 minutes, and those of a dead process of this machine are taken over at once, so this is
/// rarely needed. On SQLite a job's lock is the kernel's, and goes with its process.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops unlock invoices.generate --yes")]
pub struct Args {
    /// Only this job, or the run with this id or this start of it.
    #[arg(value_name = "JOB|RUN")]
    what: Option<String>,
    /// Give the claims back, without asking.
    #[arg(long)]
    yes: bool,
    /// Even those of a run that is alive on this machine. It cannot record what it has in hand.
    #[arg(long)]
    force: bool,
    /// Show only who holds what.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// A run that holds claims.
#[derive(Serialize)]
struct Shown {
    job: String,
    run_id: String,
    companies: u64,
    /// `alive` or `gone` on this machine, `unknown` elsewhere, `expired` when the claims have run out.
    state: &'static str,
    host: String,
    pid: Option<u32>,
    started_at: Option<String>,
    heartbeat_at: Option<String>,
    claimed_at: String,
    expires_at: String,
}

impl Shown {
    fn new(holder: &Holder, run: Option<&Run>, now: DateTime<Utc>) -> Self {
        let state = match run.map_or(host::Life::Unknown, |run| host::life(&run.process)) {
            host::Life::Alive => "alive",
            host::Life::Gone => "gone",
            host::Life::Unknown if holder.until < now => "expired",
            host::Life::Unknown => "unknown",
        };
        Self {
            job: holder.job.clone(),
            run_id: holder.owner.clone(),
            companies: holder.companies,
            state,
            host: run.map(|run| run.host.clone()).unwrap_or_default(),
            pid: run.map(|run| run.pid),
            started_at: run.map(|run| rfc3339(run.started_at)),
            heartbeat_at: run.map(|run| rfc3339(run.heartbeat_at)),
            claimed_at: rfc3339(holder.since),
            expires_at: rfc3339(holder.until),
        }
    }
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    if let Some(file) = db.file().map(Path::to_owned) {
        return of_files(args, ctx, &file);
    }
    let holders = db.read(|tx| holders(tx, args.what.as_deref(), ctx.clock.now()))?;
    let columns = [
        Column::left("Job"),
        Column::left("Run"),
        Column::left("State"),
        Column::right("Companies"),
        Column::left("Host"),
        Column::right("Process"),
        Column::left("Started"),
        Column::left("Last sign of life"),
        Column::left("Expires"),
    ];
    ctx.ui.list(&columns, &holders, |holder| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            holder.job.clone(),
            holder.run_id.clone(),
            holder.state.to_owned(),
            holder.companies.to_string(),
            holder.host.clone(),
            holder.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            text(&holder.started_at),
            text(&holder.heartbeat_at),
            holder.expires_at.clone(),
        ]
    });
    if holders.is_empty() {
        ctx.ui.note("no run holds any claim");
        return Ok(ExitCode::Done);
    }
    if args.dry_run || !(args.yes || ctx.ui.confirm("Give these claims back?")) {
        ctx.ui.note("nothing was changed; --yes gives the claims back");
        return Ok(ExitCode::Done);
    }
    give_back(args, ctx, &mut db, &holders)
}

/// Who holds claims, of the job or the run that is asked for.
fn holders(tx: &mut Tx, what: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for holder in claims::holders(tx)? {
        if what.is_some_and(|what| holder.job != what && !holder.owner.starts_with(&what.to_ascii_lowercase())) {
            continue;
        }
        let run = runs::find(tx, &holder.owner)?.pop();
        shown.push(Shown::new(&holder, run.as_ref(), now));
    }
    Ok(shown)
}

fn give_back(args: &Args, ctx: &Context, db: &mut Db, holders: &[Shown]) -> Result<ExitCode> {
    if let Some(alive) = holders.iter().find(|holder| holder.state == "alive" && !args.force) {
        let pid = alive.pid.unwrap_or_default();
        return Err(Error::refused(format!("the run {} of {} is alive on this machine: process {pid}", alive.run_id, alive.job))
            .hint(format!("stop it first: kill {pid}; or add --force, and it fails when it records what it has in hand")));
    }
    let author = host::author(ctx);
    let entry = |holder: &Shown| Entry {
        company_id: SYSTEM_COMPANY.to_owned(),
        action: "claims.released",
        entity: "run",
        entity_id: holder.run_id.clone(),
        payload: json!({ "job": holder.job, "companies": holder.companies, "host": holder.host, "state": holder.state })
            .to_string(),
    };
    let entries: Vec<Entry> = holders.iter().map(entry).collect();
    let given_back = db.write(|tx| {
        audit::append(tx, &author, &entries)?;
        holders.iter().try_fold(0, |sum, holder| Ok::<_, Error>(sum + claims::expire(tx, &holder.job, &holder.run_id)?))
    })?;
    let told = Released { claims: given_back, runs: holders.len() };
    ctx.ui.done(&told, || format!("{given_back} claims were given back: the next run takes the companies up"));
    Ok(ExitCode::Done)
}

#[derive(Serialize)]
struct Released {
    claims: u64,
    runs: usize,
}

/// The lock of a job on SQLite.
#[derive(Serialize)]
struct Lock {
    job: JobKind,
    held: bool,
    pid: Option<u32>,
}

fn of_files(args: &Args, ctx: &Context, database: &Path) -> Result<ExitCode> {
    let wanted = |job: &&JobKind| args.what.as_deref().is_none_or(|what| what == job.as_str());
    let lock = |job: &JobKind| {
        let pid = lock::holder(database, job.as_str());
        Lock { job: *job, held: pid.is_some(), pid }
    };
    let locks: Vec<Lock> = JobKind::ALL.iter().filter(wanted).map(lock).collect();
    if locks.is_empty() {
        return Err(Error::usage(format!("{} is no job", args.what.as_deref().unwrap_or_default()))
            .hint("on SQLite a job holds one lock: finops unlock, or finops unlock invoices.generate"));
    }
    let columns = [Column::left("Job"), Column::left("Lock"), Column::right("Process")];
    ctx.ui.list(&columns, &locks, |lock| {
        let state = if lock.held { "held" } else { "free" };
        vec![lock.job.as_str().to_owned(), state.to_owned(), lock.pid.map(|pid| pid.to_string()).unwrap_or_default()]
    });
    if locks.iter().any(|lock| lock.held) {
        ctx.ui.note("the kernel frees a lock when its process ends, however it ends: there is nothing to give back");
    }
    Ok(ExitCode::Done)
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
