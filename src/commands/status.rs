//! `finops status`: how things stand, in one look.

use crate::context::Context;
use crate::engine::doubts::{self, Doubt};
use crate::error::{ExitCode, Result};
use crate::jobs::JobKind;
use crate::model::message::Severity;
use crate::model::{EffectKind, EffectState, InvoiceState, Money};
use crate::store::runs::RunItem;
use crate::store::{Db, Tx, alerts, effects, invoices, notifications, runs};
use crate::ui::{Column, Ui};
use chrono::SecondsFormat;
use serde::Serialize;

/// Show how things stand: jobs, what waits for somebody, invoices.
///
/// When each job last ran and how it ended, what could not be done and what to do about it, how
/// many invoices there are in each state, and what is still to be written. Exit 0 whenever it
/// could look.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops status --json")]
pub struct Args {}

/// Of what waits for the same reason, so many are told in words.
const TOLD: u32 = 3;

/// When a job last looked for work.
#[derive(Serialize)]
struct JobRow {
    section: &'static str,
    job: JobKind,
    /// None: it never ran on this database.
    last_run: Option<String>,
    outcome: Option<String>,
}

/// Things that wait for the same reason.
#[derive(Serialize)]
struct WaitingRow {
    section: &'static str,
    job: String,
    reason: String,
    count: u64,
    parked: u64,
    first: Vec<FirstRow>,
}

#[derive(Serialize)]
struct FirstRow {
    company_id: String,
    subject: String,
    period: String,
    message: String,
}

/// Invoices in one state and currency.
#[derive(Serialize)]
struct InvoicesRow {
    section: &'static str,
    state: String,
    currency: &'static str,
    count: i64,
    total: Money,
}

/// Things that are wrong now, of those that somebody wants to hear of.
#[derive(Serialize)]
struct AlertsRow {
    section: &'static str,
    severity: Severity,
    count: u64,
}

/// What a recipient in another application has not read.
#[derive(Serialize)]
struct UnreadRow {
    section: &'static str,
    recipient: String,
    count: u64,
}

/// Acts of one kind in one state that are not over.
#[derive(Serialize)]
struct EffectsRow {
    section: &'static str,
    kind: EffectKind,
    state: EffectState,
    count: u64,
    /// Why one of them failed; empty when none did.
    error: String,
}

/// Drafts that were edited by hand, and whose inputs changed since: no job touches them.
#[derive(Serialize)]
struct StaleRow {
    section: &'static str,
    count: u64,
}

/// Why jobs refuse to run.
#[derive(Serialize)]
struct DoubtRow<'a> {
    section: &'static str,
    #[serde(flatten)]
    doubt: &'a Doubt,
}

struct Status {
    jobs: Vec<JobRow>,
    waiting: Vec<WaitingRow>,
    invoices: Vec<InvoicesRow>,
    effects: Vec<EffectsRow>,
    alerts: Vec<AlertsRow>,
    unread: Vec<UnreadRow>,
    stale: Option<StaleRow>,
}

pub fn run(_args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let status = db.read(look)?;
    let ui = &ctx.ui;
    for doubt in doubts::find(ctx, &mut db)? {
        let row = DoubtRow { section: "doubt", doubt: &doubt };
        ui.item(&row, || format!("{}\nUntil then the jobs refuse to run. {}\n", doubt.message, doubt.hint));
    }
    let columns = [Column::left("Job"), Column::left("Last run"), Column::state("Outcome")];
    ui.list(&columns, &status.jobs, |row| {
        let last_run = row.last_run.clone().unwrap_or_else(|| "never".to_owned());
        vec![row.job.to_string(), last_run, row.outcome.clone().unwrap_or_default()]
    });
    if !status.invoices.is_empty() {
        ui.say("");
    }
    show_invoices(ui, &status.invoices);
    waiting(ctx, &status.waiting);
    for row in &status.effects {
        ui.item(row, || backlog(row));
    }
    for row in &status.alerts {
        let (count, severity) = (row.count, row.severity);
        ui.item(row, || format!("\nWrong now, {severity}: {count}; finops alerts list shows since when"));
    }
    for row in &status.unread {
        ui.item(row, || format!("\nUnread by {}: {}; finops notifications list shows them", row.recipient, row.count));
    }
    if let Some(row) = &status.stale {
        let text = || {
            let count = row.count;
            format!(
                "\nDrafts that were edited by hand and are stale since: {count}; finops invoices list --state draft shows them"
            )
        };
        ui.item(row, text);
    }
    if status.stale.is_none() && status.waiting.is_empty() && status.effects.is_empty() && status.alerts.is_empty() {
        ui.say("\nNothing waits.");
    }
    Ok(ExitCode::Done)
}

/// All of it from one state of the database.
fn look(tx: &mut Tx) -> Result<Status> {
    let heartbeats = runs::heartbeats(tx)?;
    let jobs = JobKind::ALL.iter().map(|&job| {
        let last = heartbeats.iter().find(|(name, ..)| name == job.as_str());
        JobRow {
            section: "job",
            job,
            last_run: last.map(|(_, at, _)| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            outcome: last.map(|(.., outcome)| outcome.clone()),
        }
    });
    let mut waiting = Vec::new();
    for counted in runs::item_counts(tx)? {
        let first = runs::items_of_class(tx, &counted.job, &counted.class, TOLD)?;
        waiting.push(WaitingRow {
            section: "waiting",
            job: counted.job,
            reason: counted.class,
            count: counted.count,
            parked: counted.parked,
            first: first.into_iter().map(first_row).collect(),
        });
    }
    let effects = effects::backlog(tx)?.into_iter().map(|backlog| EffectsRow {
        section: "effects",
        kind: backlog.kind,
        state: backlog.state,
        count: backlog.count,
        error: backlog.error,
    });
    let alerts = alerts::counts(tx)?.into_iter().map(|(severity, count)| AlertsRow { section: "alerts", severity, count });
    let unread = notifications::unread_counts(tx)?.into_iter();
    let unread = unread.map(|(recipient, count)| UnreadRow { section: "notifications", recipient, count });
    let (alerts, unread) = (alerts.collect(), unread.collect());
    let stale = Some(invoices::count_stale_edited(tx)?).filter(|count| *count > 0);
    let stale = stale.map(|count| StaleRow { section: "stale", count });
    Ok(Status { jobs: jobs.collect(), waiting, invoices: count_invoices(tx)?, effects: effects.collect(), alerts, unread, stale })
}

fn count_invoices(tx: &mut Tx) -> Result<Vec<InvoicesRow>> {
    let invoices = invoices::counts(tx)?.into_iter().map(|(state, currency, count, minor)| InvoicesRow {
        section: "invoices",
        state,
        currency: currency.code(),
        count,
        total: Money::from_minor(minor, currency),
    });
    Ok(invoices.collect())
}

/// How many invoices there are, and what they add up to, by state and currency.
pub(super) fn show_invoices_of(ctx: &Context, db: &mut Db) -> Result<()> {
    show_invoices(&ctx.ui, &db.read(count_invoices)?);
    Ok(())
}

fn show_invoices(ui: &Ui, rows: &[InvoicesRow]) {
    let columns = [Column::left("Invoices"), Column::right("Count"), Column::right("Total"), Column::left("")];
    ui.list(&columns, rows, |row| vec![shown_state(row), row.count.to_string(), row.total.to_string(), row.currency.to_owned()]);
}

/// Credit notes are issued once, and that is all that becomes of them.
fn shown_state(row: &InvoicesRow) -> String {
    if row.state == InvoiceState::Issued.as_str() { "credit notes".to_owned() } else { row.state.clone() }
}

fn first_row(item: RunItem) -> FirstRow {
    let RunItem { company_id, subject, period, message, .. } = item;
    FirstRow { company_id: company_id.to_string(), subject, period, message }
}

/// What waits, each reason with its first cases in words.
fn waiting(ctx: &Context, rows: &[WaitingRow]) {
    for row in rows {
        ctx.ui.item(row, || {
            let parked = if row.parked > 0 { format!(", {} of them parked", row.parked) } else { String::new() };
            let mut text = format!("\nWaiting in {} as {}: {}{parked}", row.job, row.reason, row.count);
            for first in &row.first {
                let place = [&first.company_id, &first.subject, &first.period];
                let mut place: Vec<&str> = place.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
                place.dedup();
                // Messages quote imported data: a newline must not look like another case.
                text.push_str(&format!("\n  {}: {}", place.join(" "), first.message.replace(char::is_control, " ")));
            }
            let left = row.count.saturating_sub(row.first.len() as u64);
            if left > 0 {
                text.push_str(&format!("\n  and {left} more"));
            }
            text
        });
    }
}

fn backlog(row: &EffectsRow) -> String {
    let EffectsRow { kind, state, count, error, .. } = row;
    let then = match state {
        EffectState::Failed => "finops effects list --state failed shows them, finops effects retry has them tried again",
        EffectState::NeedsHuman => {
            "finops effects list --state needs_human shows them, finops effects settle says what became of them"
        }
        EffectState::Planned | EffectState::Unknown | EffectState::Sending | EffectState::Succeeded | EffectState::Abandoned => {
            "finops effects settle carries out what is due"
        }
    };
    let why = if error.is_empty() { String::new() } else { format!(" ({})", error.replace(char::is_control, " ")) };
    format!("\nEffects {state}: {count} of {kind}{why}; {then}")
}
