//! `finops alerts`: what is wrong, and who is told of it.

use super::job::{open_for, run_job};
use crate::context::Context;
use crate::engine::RunOptions;
use crate::error::{ExitCode, Result};
use crate::jobs::JobKind;
use crate::jobs::alerts::Dispatch;
use crate::model::message::{MessageKind, Severity};
use crate::store::alerts::{self, After, Alert};
use crate::ui::Column;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use serde::Serialize;

/// Tell your own people what is wrong, and show it.
///
/// Who hears of what stands in the configuration: [people.NAME] and [[routes]]. Without routes,
/// nothing is noted here; `finops status` shows what waits all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops alerts list")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell what went wrong, what is over, and what else is wanted, to whom the routes name.
    ///
    /// Each thing is told once, however often it fails. What comes in somebody's quiet hours, or is to
    /// be told as a digest, waits for its time.
    #[command(after_help = "Example:\n  finops alerts dispatch --dry-run")]
    Dispatch(DispatchArgs),
    /// List what is wrong now, and since when.
    #[command(after_help = "Example:\n  finops alerts list --all --json")]
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct DispatchArgs {
    /// Stop after so many things that were told.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u64>)]
    limit: Option<u64>,
    /// Show who would hear what, and when, and tell nobody.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// What is over as well, the latest first.
    #[arg(long)]
    all: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    match &args.verb {
        Verb::Dispatch(args) => dispatch(args, ctx),
        Verb::List(args) => list(args, ctx),
    }
}

fn dispatch(args: &DispatchArgs, ctx: &Context) -> Result<ExitCode> {
    let mut db = open_for(JobKind::AlertsDispatch, args.dry_run, ctx)?;
    let scope = args.limit.map(|n| format!("--limit {n}")).unwrap_or_default();
    let run = RunOptions { dry_run: args.dry_run, scope, limit: args.limit, ..RunOptions::default() };
    run_job(&mut Dispatch::new(ctx), ctx, &mut db, &run)
}

/// An alert as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    company_id: &'a str,
    key: &'a str,
    kind: MessageKind,
    severity: Severity,
    job: &'a str,
    subject: &'a str,
    period: &'a str,
    message: &'a str,
    hint: &'a str,
    since: String,
    last_at: String,
    over_at: Option<String>,
    times: u32,
}

impl<'a> From<&'a Alert> for Shown<'a> {
    fn from(alert: &'a Alert) -> Self {
        let noted = &alert.noted;
        Self {
            company_id: noted.company_id.as_str(),
            key: &noted.key,
            kind: noted.kind,
            severity: noted.severity,
            job: &noted.job,
            subject: &noted.subject,
            period: &noted.period,
            message: &noted.facts.message,
            hint: &noted.facts.hint,
            since: rfc3339(alert.since),
            last_at: rfc3339(alert.last_at),
            over_at: alert.over_at.map(rfc3339),
            times: alert.times,
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn list(args: &ListArgs, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let found =
        db.read(|tx| if args.all { alerts::all(tx, args.limit) } else { alerts::open(tx, &After::default(), args.limit) })?;
    let shown: Vec<Shown> = found.iter().map(Shown::from).collect();
    let columns = [
        Column::left("Since"),
        Column::left("Severity"),
        Column::left("What"),
        Column::left("Company"),
        Column::left("Subject"),
        Column::right("Times"),
        Column::left("Over"),
        Column::left("Why"),
    ];
    ctx.ui.list(&columns, &shown, |a| {
        let subject = if a.subject.is_empty() { a.job } else { a.subject };
        vec![
            a.since.clone(),
            a.severity.to_string(),
            a.kind.to_string(),
            a.company_id.to_owned(),
            subject.to_owned(),
            a.times.to_string(),
            a.over_at.clone().unwrap_or_default(),
            a.message.to_owned(),
        ]
    });
    match found.len() {
        0 if ctx.config.routing.routes.is_empty() => {
            ctx.ui.note("nothing is noted while the configuration has no [[routes]]; finops status shows what waits");
        }
        0 if !args.all => ctx.ui.note("nothing is wrong; --all lists what is over"),
        n if n == args.limit as usize => ctx.ui.note(format!("the first {n}; --limit shows more")),
        _ => {}
    }
    Ok(ExitCode::Done)
}
