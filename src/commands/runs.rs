//! `finops runs`: what the jobs did, from the rows that they leave behind.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, ExitCode, Result};
use crate::jobs::JobKind;
use crate::store::runs::{self, Run};
use crate::store::{Db, StoreError, Tx};
use crate::ui::{Column, Table};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;

/// Show what the jobs did.
///
/// A run is kept when its job found work; `finops status` tells when each job last looked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops runs list --job invoices.issue")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the latest runs, newest first.
    #[command(after_help = "Example:\n  finops runs list --limit 5")]
    List(ListArgs),
    /// Show one run and its summary.
    #[command(after_help = "Example:\n  finops runs show 0199fd5c-0000-7000-8000-000000000001")]
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only runs of this job, such as invoices.generate.
    #[arg(long)]
    job: Option<JobKind>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The run's id, or as much of its start as no other run shares.
    run: String,
}

/// A run as JSON. `outcome` is told as a person would: a run that died is `broken_off`.
#[derive(Serialize)]
struct Shown<'a> {
    run_id: &'a str,
    job: &'a str,
    scope: &'a str,
    outcome: &'a str,
    as_of: String,
    started_by: &'a str,
    host: &'a str,
    pid: u32,
    started_at: String,
    heartbeat_at: String,
    finished_at: Option<String>,
    summary: Value,
}

impl<'a> Shown<'a> {
    fn new(run: &'a Run, ctx: &Context) -> Result<Self> {
        let summary = serde_json::from_str(&run.summary).map_err(|error| {
            let corrupt = StoreError::Corrupt { column: 11, value: run.summary.clone(), reason: error.to_string() };
            Error::from(corrupt)
        })?;
        Ok(Self {
            run_id: run.run_id.as_str(),
            job: &run.job,
            scope: &run.scope,
            outcome: outcome(run, ctx.clock.now()),
            as_of: rfc3339(run.as_of),
            started_by: &run.started_by,
            host: &run.host,
            pid: run.pid,
            started_at: rfc3339(run.started_at),
            heartbeat_at: rfc3339(run.heartbeat_at),
            finished_at: run.finished_at.map(rfc3339),
            summary,
        })
    }

    fn count(&self, field: &str) -> String {
        self.summary.get(field).map(ToString::to_string).unwrap_or_default()
    }

    fn totals(&self) -> String {
        let totals = self.summary.get("totals").and_then(Value::as_object).into_iter().flatten();
        totals.map(|(currency, amount)| format!("{} {currency}", text_of(amount))).collect::<Vec<_>>().join(", ")
    }
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    match &args.verb {
        Verb::List(args) => list(args, ctx, &mut db),
        Verb::Show(args) => show(args, ctx, &mut db),
    }
}

fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let found = db.read(|tx| runs::list(tx, args.job.map_or("", JobKind::as_str), args.limit))?;
    let shown = found.iter().map(|run| Shown::new(run, ctx)).collect::<Result<Vec<_>>>()?;
    let columns = [
        Column::left("Started"),
        Column::left("Job"),
        Column::state("Outcome"),
        Column::right("Done"),
        Column::right("Failed"),
        Column::right("Waiting"),
        Column::right("Seconds"),
        Column::left("Run"),
    ];
    ctx.ui.list(&columns, &shown, |run| {
        vec![
            run.started_at.clone(),
            run.job.to_owned(),
            run.outcome.replace('_', " "),
            run.count("done"),
            run.count("failed"),
            run.count("waiting"),
            run.count("seconds"),
            run.run_id.to_owned(),
        ]
    });
    if found.is_empty() {
        ctx.ui.note("no run has found work yet; `finops status` tells when each job last looked");
    }
    Ok(ExitCode::Done)
}

fn show(args: &ShowArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let run = db.read(|tx| find(tx, &args.run))?;
    let shown = Shown::new(&run, ctx)?;
    let mut table = Table::new(&[Column::left("What"), Column::left("Value")]);
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            table.row(vec![name.to_owned(), value]);
        }
    };
    row("Narrowed by", shown.scope.to_owned());
    row("As of", shown.as_of.clone());
    row("Started", shown.started_at.clone());
    row("Finished", shown.finished_at.clone().unwrap_or_default());
    row("By", format!("{}, process {} on {}", shown.started_by, shown.pid, shown.host));
    row("Totals", shown.totals());
    for field in ["due", "done", "skipped", "failed", "waiting", "delivered", "seconds", "audit_digest"] {
        match shown.summary.get(field) {
            Some(Value::Object(reasons)) => {
                reasons.iter().for_each(|(reason, count)| row(&format!("{} as {reason}", titled(field)), text_of(count)));
            }
            None | Some(Value::Null) => {}
            Some(value) => row(&titled(field), text_of(value)),
        }
    }
    ctx.ui.item(&shown, || format!("{} {}: {}", shown.job, shown.run_id, shown.outcome.replace('_', " ")));
    ctx.ui.table(&table);
    Ok(ExitCode::Done)
}

/// The run that an id, or the start of one, names.
fn find(tx: &mut Tx, asked: &str) -> Result<Run> {
    let prefix = asked.to_ascii_lowercase();
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Err(Error::not_found(format!("{asked:?} is no run's id")).hint("finops runs list shows the ids"));
    }
    let mut found = runs::find(tx, &prefix)?;
    match (found.pop(), found.pop()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => {
            Err(Error::usage(format!("several runs' ids start with {asked}")).hint("give more of it: finops runs list"))
        }
        (None, _) => Err(Error::not_found(format!("there is no run {asked}")).hint("finops runs list shows the latest")),
    }
}

/// Without a sign of life for so long, a run that cannot be seen from here is taken for dead.
const SILENT: TimeDelta = TimeDelta::hours(1);

/// How a run ended. A killed process cannot say so itself: its row still says `running`.
fn outcome(run: &Run, now: DateTime<Utc>) -> &str {
    let gone = match host::life(&run.process) {
        host::Life::Alive => false,
        host::Life::Gone => true,
        host::Life::Unknown => now - run.heartbeat_at > SILENT,
    };
    if run.finished_at.is_none() && gone { "broken_off" } else { &run.outcome }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A JSON value as people write it: a text without its quotes.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `audit_digest` as `Audit digest`.
fn titled(field: &str) -> String {
    let mut words = field.replace('_', " ");
    words.get_mut(..1).map(str::make_ascii_uppercase);
    words
}
