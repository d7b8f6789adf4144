//! `finops audit`: who did what, whether the log still says what it said, and the log itself.

mod export;

use crate::context::Context;
use crate::error::{Error, ExitCode, Result, io_error};
use crate::model::CompanyId;
use crate::model::digest::hex;
use crate::operations::audit::{self as operations, Claimed, Finding, Request, Verified};
use crate::store::Tx;
use crate::store::audit::{self, Filter, Logged};
use crate::ui::Column;
use chrono::{DateTime, NaiveDate, Utc};
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Show, prove and export the audit log.
///
/// Everything that changes money, documents or access is in it: when, who, what, before and after. Each
/// company has a chain of its own, in which every row holds the hash of the one before; what
/// belongs to no company is in the chain of `_system`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops audit list --company-id weber --limit 5")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what happened, newest first.
    ///
    /// With --company-id only that company's chain is read, else the whole log. With --json, each
    /// with its payload: what was before and after.
    #[command(after_help = "Example:\n  finops audit list --entity invoice --action invoice.voided")]
    List(ListArgs),
    /// Prove that the log, the issued documents and the digests of runs are as they were; exit 1 when not.
    ///
    /// Give the summaries that cron kept outside the database with --digests: who can write to the
    /// database could rewrite a chain from end to end, but not those.
    #[command(after_help = "Example:\n  finops audit verify --digests /var/log/finops.jsonl")]
    Verify(VerifyArgs),
    /// Write the log as JSON lines, with all that it takes to prove it elsewhere.
    #[command(after_help = "Example:\n  finops audit export --since 2026-10-01 --out audit.jsonl")]
    Export(export::Args),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only what concerns this company; `_system` for what concerns none.
    #[arg(long, value_name = "ID")]
    company_id: Option<String>,
    /// Only things of this kind: invoice, payment, contract, seller …
    #[arg(long)]
    entity: Option<String>,
    /// Only the thing with this id.
    #[arg(long, value_name = "ID")]
    entity_id: Option<String>,
    /// Only this: invoice.issued, payment.recorded …
    #[arg(long)]
    action: Option<String>,
    /// Only what this run did, by its whole id.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// From this day or instant on (UTC): 2026-10-01, or 2026-10-01T09:00:00Z.
    #[arg(long, value_parser = parse_since)]
    since: Option<DateTime<Utc>>,
    /// Before this day or instant (UTC).
    #[arg(long, value_parser = parse_since)]
    until: Option<DateTime<Utc>>,
    /// At most so many; for more, narrow it, or export the log.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// Only the chain and the documents of this company.
    #[arg(long, value_name = "ID", conflicts_with = "digests")]
    company_id: Option<CompanyId>,
    /// What the jobs printed, as it was kept outside the database; - for the standard input.
    #[arg(long, value_name = "FILE")]
    digests: Option<PathBuf>,
}

/// A day is the midnight at its start.
fn parse_since(text: &str) -> Result<DateTime<Utc>, String> {
    match (DateTime::parse_from_rfc3339(text), text.parse::<NaiveDate>()) {
        (Ok(instant), _) => Ok(instant.to_utc()),
        (_, Ok(day)) => Ok(day.and_time(chrono::NaiveTime::MIN).and_utc()),
        (Err(error), _) => Err(format!("{error}; write 2026-10-01, or 2026-10-01T09:00:00Z")),
    }
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    match &args.verb {
        Verb::List(args) => list(args, ctx),
        Verb::Verify(args) => verify(args, ctx),
        Verb::Export(args) => export::run(args, ctx),
    }
}

/// A row as JSON, which is also a line of an export (README, "Audit").
#[derive(Serialize)]
struct Shown<'a> {
    company_id: &'a str,
    seq: i64,
    at: &'a str,
    actor: &'a str,
    action: &'a str,
    entity: &'a str,
    entity_id: &'a str,
    /// Outside runs: null.
    run_id: Option<&'a str>,
    batch: i64,
    payload_sha256: String,
    hash: String,
    /// As it was hashed, or null when it was erased.
    payload: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(row: &'a Logged) -> Self {
        Self {
            company_id: &row.company_id,
            seq: row.seq,
            at: &row.at,
            actor: &row.actor,
            action: &row.action,
            entity: &row.entity,
            entity_id: &row.entity_id,
            run_id: Some(row.run_id.as_str()).filter(|id| !id.is_empty()),
            batch: row.batch,
            payload_sha256: hex(&row.payload_sha256),
            hash: hex(&row.hash),
            payload: row.payload.as_deref(),
        }
    }
}

fn list(args: &ListArgs, ctx: &Context) -> Result<ExitCode> {
    let text = |of: &'_ Option<String>| of.clone().unwrap_or_default();
    let (company_id, entity, entity_id) = (text(&args.company_id), text(&args.entity), text(&args.entity_id));
    let (action, run_id) = (text(&args.action), text(&args.run));
    let filter = Filter {
        company_id: &company_id,
        entity: &entity,
        entity_id: &entity_id,
        action: &action,
        run_id: &run_id,
        since: args.since,
        until: args.until,
    };
    let found = ctx.open_db()?.read(|tx| audit::list(tx, &filter, args.limit))?;
    let shown: Vec<Shown> = found.iter().map(Shown::new).collect();
    let columns = [
        Column::left("At"),
        Column::left("Company"),
        Column::right("Row"),
        Column::left("Action"),
        Column::left("Of"),
        Column::left("By"),
        Column::left("What"),
    ];
    ctx.ui.list(&columns, &shown, |row| {
        vec![
            row.at.to_owned(),
            row.company_id.to_owned(),
            row.seq.to_string(),
            row.action.to_owned(),
            row.entity_id.to_owned(),
            row.actor.to_owned(),
            row.payload.map_or_else(|| "(erased)".to_owned(), in_short),
        ]
    });
    if shown.is_empty() {
        ctx.ui.note("nothing of that kind is in the audit log");
    }
    Ok(ExitCode::Done)
}

/// A payload for people: its own fields, without those that hold more than a value.
fn in_short(payload: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(payload) else { return payload.to_owned() };
    let shown = fields.iter().filter_map(|(name, value)| match value {
        Value::Object(_) | Value::Array(_) | Value::Null => None,
        Value::String(text) if text.len() == 64 => None,
        Value::String(text) => Some(format!("{name} {text}")),
        other => Some(format!("{name} {other}")),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
struct Summary {
    job: &'static str,
    #[serde(flatten)]
    verified: Verified,
}

/// A proof of nothing is none: a mistyped company must not pass for a sound one.
fn there_is(tx: &mut Tx, company_id: &str) -> Result<()> {
    match audit::page(tx, Some(company_id), ("", 0), 1)?.is_empty() {
        false => Ok(()),
        true => Err(Error::not_found(format!("the audit log has nothing of a company {company_id}"))
            .hint("finops audit list shows what it has")),
    }
}

fn verify(args: &VerifyArgs, ctx: &Context) -> Result<ExitCode> {
    let claimed = args.digests.as_deref().map(digests).transpose()?.unwrap_or_default();
    let mut db = ctx.open_db()?;
    if let Some(company_id) = &args.company_id {
        db.read(|tx| there_is(tx, company_id.as_str()))?;
    }
    let length = if ctx.ui.shows_progress() { db.read(audit::length)? } else { 0 };
    let bar = ctx.ui.progress("audit verify", length);
    let mut tell = |finding: &Finding| ctx.ui.item(finding, || text(finding));
    let progress = |rows| bar.inc(rows);
    let request = Request { company: args.company_id.as_ref(), claimed: &claimed, found: &mut tell, progress: &progress };
    let verified = operations::verify(&mut db, request)?;
    bar.finish();
    let said = || {
        let Verified { chains, rows, erased, documents, runs, runs_unproven, digests, findings } = verified;
        let mut said = match findings {
            0 => "audit verify: all is well".to_owned(),
            1 => "audit verify: 1 problem".to_owned(),
            n => format!("audit verify: {n} problems"),
        };
        said.push_str(&format!(" ({rows} rows in {chains} chains, {documents} documents, {runs} runs, {digests} kept digests"));
        for (count, what) in [(erased, "payloads erased"), (runs_unproven, "runs from before digests could be proven")] {
            if count > 0 {
                said.push_str(&format!(", {count} {what}"));
            }
        }
        said.push(')');
        said
    };
    ctx.ui.summary(&Summary { job: "audit.verify", verified }, said, verified.findings > 0);
    Ok(if verified.findings == 0 { ExitCode::Done } else { ExitCode::Failed })
}

fn text(finding: &Finding) -> String {
    let Finding { rule, company_id, seq, entity, message, hint } = finding;
    let row = seq.map(|seq| format!("row {seq}")).unwrap_or_default();
    let place: Vec<&str> = [company_id.as_str(), &row, entity.trim()].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{rule:<20} {}: {message}\n{:20} do: {hint}", place.join(", "), "")
}

fn digests(path: &Path) -> Result<Vec<Claimed>> {
    if path.as_os_str() == "-" {
        return operations::claimed(std::io::stdin().lock());
    }
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    operations::claimed(BufReader::new(file))
        .map_err(|error| Error { message: format!("{}: {}", path.display(), error.message), ..error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants() {
        assert_eq!(parse_since("2026-10-01").unwrap(), parse_since("2026-10-01T02:00:00+02:00").unwrap());
        assert!(parse_since("yesterday").unwrap_err().contains("2026-10-01"));
    }

    #[test]
    fn payloads_in_short() {
        assert_eq!(in_short(r#"{"number":"R1","total":"1.00","n":3,"x":null,"before":{"a":1}}"#), "n 3, number R1, total 1.00");
        assert_eq!(in_short("no JSON"), "no JSON");
    }
}
