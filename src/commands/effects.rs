//! `finops effects`: acts on the outside world, what became of them, and what a person decides.

use super::job::{open_for, run_job};
use crate::context::Context;
use crate::engine::{RunOptions, host};
use crate::error::{Error, ExitCode, Result};
use crate::jobs::JobKind;
use crate::jobs::{deliverer, messages::sent_by_name, settle::Settle};
use crate::model::{CompanyId, EffectKind, EffectState};
use crate::operations::effects::{self as operations, Retried, Verdict};
use crate::store::effects::{self, Attempt, Effect, Filter};
use crate::store::{Db, Tx};
use crate::ui::{Column, Table};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Show, retry and settle acts on the outside world: PDFs, uploads, webhooks.
///
/// An effect is planned with what caused it, carried out after that is recorded, and kept with its
/// outcome: planned, sending, succeeded, failed (never again by itself), unknown (the answer was
/// lost: it is looked up), needs_human (only you can tell), abandoned (by you, or for it is over).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops effects list --state failed")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List effects that are not over: what needs you first, then what is due soonest.
    #[command(after_help = "Example:\n  finops effects list --kind document.pdf --state failed")]
    List(ListArgs),
    /// Show one effect with its failed attempts.
    #[command(after_help = "Example:\n  finops effects show document.pdf:acme:INV-2026-000001")]
    Show(OneArgs),
    /// Have effects tried again by the next run, at once and with all their attempts anew.
    #[command(after_help = "Example:\n  finops effects retry --failed --kind document.pdf")]
    Retry(RetryArgs),
    /// Carry out what is due and look up what has no known outcome; or, with a key, say what became of it.
    #[command(
        after_help = "Example:\n  finops effects settle\n  finops effects settle webhook.completion:0199fd5c --as abandoned"
    )]
    Settle(SettleArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only effects of this kind.
    #[arg(long)]
    kind: Option<EffectKind>,
    /// Only effects in this state.
    #[arg(long)]
    state: Option<EffectState>,
    /// Only effects of this company; `_system` for those of none.
    #[arg(long, value_name = "ID")]
    company_id: Option<String>,
    /// Those that are over as well: succeeded, abandoned.
    #[arg(long)]
    all: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The effect's key, as `list` shows it.
    key: String,
    /// The company, when several have an effect under this key.
    #[arg(long, value_name = "ID")]
    company_id: Option<String>,
}

#[derive(Debug, clap::Args)]
struct RetryArgs {
    /// The effects' keys.
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    keys: Vec<String>,
    /// All that failed for good.
    #[arg(long)]
    failed: bool,
    /// Of them, only this kind.
    #[arg(long, requires = "failed")]
    kind: Option<EffectKind>,
    /// Only effects of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<String>,
}

#[derive(Debug, clap::Args)]
struct SettleArgs {
    /// An effect's key, to say what became of it.
    #[arg(requires = "verdict")]
    key: Option<String>,
    /// What became of it.
    #[arg(long = "as", value_name = "VERDICT", requires = "key")]
    verdict: Option<VerdictArg>,
    /// What the other side calls it: a charge's id, a message's id.
    #[arg(long = "ref", value_name = "REFERENCE", requires = "key", default_value = "")]
    reference: String,
    /// The company, when several have an effect under this key.
    #[arg(long, value_name = "ID", requires = "key")]
    company_id: Option<String>,
    /// Only effects of this kind.
    #[arg(long, conflicts_with = "key")]
    kind: Option<EffectKind>,
    /// Show what would be carried out, and do nothing.
    #[arg(long, conflicts_with = "key")]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VerdictArg {
    /// It was done.
    Succeeded,
    /// It was not done: it is planned again.
    NotDone,
    /// It is not to be done any more.
    Abandoned,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = match &args.verb {
        Verb::Settle(args) if args.key.is_none() => open_for(JobKind::EffectsSettle, args.dry_run, ctx)?,
        _ => ctx.open_db()?,
    };
    match &args.verb {
        Verb::List(args) => list(args, ctx, &mut db),
        Verb::Show(args) => show(args, ctx, &mut db),
        Verb::Retry(args) => retry(args, ctx, &mut db),
        Verb::Settle(args) => match (&args.key, args.verdict) {
            (Some(key), Some(verdict)) => settle_one(key, verdict, args, ctx, &mut db),
            _ => settle(args, ctx, &mut db),
        },
    }
}

fn company(text: Option<&String>) -> Option<CompanyId> {
    text.map(|text| CompanyId::stored(text))
}

/// An effect as JSON.
#[derive(Serialize)]
struct Shown<'e> {
    company_id: &'e CompanyId,
    key: &'e str,
    kind: EffectKind,
    subject: &'e str,
    state: EffectState,
    attempts: u32,
    reason: Option<&'static str>,
    message: &'e str,
    provider_ref: &'e str,
    recipient: &'e str,
    content_sha256: &'e str,
    planned_at: String,
    next_at: Option<String>,
    sending_at: Option<String>,
    settled_at: Option<String>,
    run_id: &'e str,
}

impl<'e> From<&'e Effect> for Shown<'e> {
    fn from(e: &'e Effect) -> Self {
        Self {
            company_id: &e.company_id,
            key: &e.key,
            kind: e.kind,
            subject: &e.subject,
            state: e.state,
            attempts: e.attempts,
            reason: e.class.map(|c| c.as_str()),
            message: &e.error,
            provider_ref: &e.provider_ref,
            recipient: &e.recipient,
            content_sha256: &e.content_sha256,
            planned_at: rfc3339(e.planned_at),
            next_at: e.next_at.map(rfc3339),
            sending_at: e.sending_at.map(rfc3339),
            settled_at: e.settled_at.map(rfc3339),
            run_id: &e.owner,
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let over = args.state.is_some_and(|state| matches!(state, EffectState::Succeeded | EffectState::Abandoned));
    let filter =
        Filter { kind: args.kind, state: args.state, company_id: company(args.company_id.as_ref()), all: args.all || over };
    let found = db.read(|tx| effects::list(tx, &filter, args.limit))?;
    let shown: Vec<Shown> = found.iter().map(Shown::from).collect();
    let columns = [
        Column::left("Company"),
        Column::left("Effect"),
        Column::state("State"),
        Column::right("Attempts"),
        Column::left("Next"),
        Column::left("Why"),
    ];
    ctx.ui.list(&columns, &shown, |e| {
        vec![
            e.company_id.to_string(),
            e.key.to_owned(),
            e.state.to_string(),
            e.attempts.to_string(),
            e.next_at.clone().unwrap_or_default(),
            e.message.to_owned(),
        ]
    });
    if found.is_empty() && !filter.all {
        ctx.ui.note("no effect waits; --all lists those that are over");
    }
    if found.len() == args.limit as usize {
        ctx.ui.note(format!("the first {}; --limit shows more", args.limit));
    }
    Ok(ExitCode::Done)
}

/// One attempt as JSON.
#[derive(Serialize)]
struct ShownAttempt<'a> {
    attempt: u32,
    outcome: &'a str,
    reason: &'a str,
    message: &'a str,
    provider_ref: &'a str,
    started_at: Option<String>,
    ended_at: String,
    run_id: &'a str,
}

impl<'a> From<&'a Attempt> for ShownAttempt<'a> {
    fn from(a: &'a Attempt) -> Self {
        Self {
            attempt: a.attempt,
            outcome: &a.outcome,
            reason: &a.class,
            message: &a.message,
            provider_ref: &a.provider_ref,
            started_at: a.started_at.map(rfc3339),
            ended_at: rfc3339(a.ended_at),
            run_id: &a.run_id,
        }
    }
}

#[derive(Serialize)]
struct Detailed<'e> {
    #[serde(flatten)]
    effect: Shown<'e>,
    failed_attempts: Vec<ShownAttempt<'e>>,
}

fn show(args: &OneArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let (effect, attempts) = db.read(|tx| {
        let effect = operations::find(tx, &args.key, company(args.company_id.as_ref()).as_ref())?;
        let attempts = effects::attempts_of(tx, &effect)?;
        Ok::<_, Error>((effect, attempts))
    })?;
    let detailed = Detailed { effect: Shown::from(&effect), failed_attempts: attempts.iter().map(ShownAttempt::from).collect() };
    let e = &detailed.effect;
    ctx.ui.item(&detailed, || format!("{} of {}: {}", e.key, e.company_id, e.state));
    let mut facts = Table::new(&[Column::left("What"), Column::left("Value")]);
    let texts = [("Subject", e.subject), ("Why", e.message), ("Reference", e.provider_ref), ("Recipient", e.recipient)];
    let instants = [("Planned", Some(e.planned_at.clone())), ("Next", e.next_at.clone()), ("Last begun", e.sending_at.clone())];
    let rows = texts.into_iter().map(|(name, value)| (name, value.to_owned()));
    let rows = rows.chain(instants.into_iter().filter_map(|(name, value)| Some((name, value?))));
    for (name, value) in rows.chain(e.settled_at.clone().map(|at| ("Settled", at))).chain([("Attempts", e.attempts.to_string())])
    {
        if !value.is_empty() {
            facts.row(vec![name.to_owned(), value]);
        }
    }
    ctx.ui.table(&facts);
    let columns = [Column::right("Attempt"), Column::left("Ended"), Column::state("Outcome"), Column::left("Why")];
    let mut table = Table::new(&columns);
    for a in &detailed.failed_attempts {
        table.row(vec![a.attempt.to_string(), a.ended_at.clone(), a.outcome.to_owned(), a.message.to_owned()]);
    }
    if !detailed.failed_attempts.is_empty() {
        ctx.ui.say("");
        ctx.ui.table(&table);
    }
    Ok(ExitCode::Done)
}

#[derive(Serialize)]
struct Changed<'e> {
    company_id: &'e CompanyId,
    key: &'e str,
    before: EffectState,
    state: EffectState,
}

/// Effects a transaction.
const PAGE: u32 = 500;

fn retry(args: &RetryArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let author = host::author(ctx);
    let company_id = company(args.company_id.as_ref());
    if !args.failed {
        let keys: BTreeSet<&String> = args.keys.iter().collect();
        let retried = db.write(|tx| {
            let retry = |key: &&String| {
                let effect = operations::find(tx, key, company_id.as_ref())?;
                let state = operations::retry(tx, &effect, &author)?;
                Ok((effect, state))
            };
            keys.iter().map(retry).collect::<Result<Vec<_>>>()
        })?;
        retried.iter().for_each(|(effect, state)| told(ctx, effect, *state));
        return Ok(ExitCode::Done);
    }
    for kind in EffectKind::ALL.iter().filter(|kind| args.kind.is_none_or(|only| only == **kind)) {
        let mut place = (String::new(), String::new());
        loop {
            let (last, retried) = db.write(|tx| {
                let page = effects::attention(tx, *kind, EffectState::Failed, (&place.0, &place.1), PAGE)?;
                let last = page.last().map(|last| (last.company_id.to_string(), last.key.clone()));
                let wanted = page.into_iter().filter(|effect| company_id.as_ref().is_none_or(|only| *only == effect.company_id));
                let retried = wanted.map(|effect| Ok((operations::retry_failed(tx, &effect, &author)?, effect)));
                Ok::<_, Error>((last, retried.collect::<Result<Vec<_>>>()?))
            })?;
            for (became, effect) in &retried {
                match became {
                    Retried::Again(state) => told(ctx, effect, *state),
                    Retried::Superseded(by) => told_superseded(ctx, effect, by),
                }
            }
            let Some(last) = last else { break };
            place = last;
        }
    }
    Ok(ExitCode::Done)
}

fn told_superseded(ctx: &Context, effect: &Effect, by: &str) {
    let Effect { company_id, key, .. } = effect;
    let changed = json!({ "company_id": company_id, "key": key, "before": effect.state, "state": EffectState::Abandoned,
        "superseded_by": by });
    ctx.ui.done(&changed, || format!("{key} ({company_id}) is not tried again: {}", sent_by_name(by)));
}

fn told(ctx: &Context, effect: &Effect, state: EffectState) {
    let changed = Changed { company_id: &effect.company_id, key: &effect.key, before: effect.state, state };
    ctx.ui.done(&changed, || match state {
        EffectState::Planned | EffectState::Unknown => {
            format!("{} ({}) is tried again by the next run, or by finops effects settle", effect.key, effect.company_id)
        }
        _ => format!("{} ({}) is {state}", effect.key, effect.company_id),
    });
}

fn settle_one(key: &str, verdict: VerdictArg, args: &SettleArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let author = host::author(ctx);
    let verdict = match verdict {
        VerdictArg::Succeeded => Verdict::Succeeded,
        VerdictArg::NotDone => Verdict::NotDone,
        VerdictArg::Abandoned => Verdict::Abandoned,
    };
    let (effect, state) = db.write(|tx: &mut Tx| {
        let effect = operations::find(tx, key, company(args.company_id.as_ref()).as_ref())?;
        let deliverer = deliverer(effect.kind, ctx);
        let state = operations::settle(tx, &effect, verdict, &args.reference, deliverer.as_deref(), &author)?;
        Ok::<_, Error>((effect, state))
    })?;
    told(ctx, &effect, state);
    Ok(ExitCode::Done)
}

fn settle(args: &SettleArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let scope = args.kind.map(|kind| format!("--kind {kind}")).unwrap_or_default();
    let run = RunOptions { dry_run: args.dry_run, scope, ..RunOptions::default() };
    run_job(&mut Settle::new(ctx, args.kind), ctx, db, &run)
}
