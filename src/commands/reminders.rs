//! `finops reminders`: remind customers of what they owe, hold that back, and look at it.

mod show;

use super::invoices::scope;
use super::job::{open_for, run_job};
use crate::context::Context;
use crate::engine::{RunOptions, doubts};
use crate::error::{Error, ExitCode, Result};
use crate::jobs::reminders::Reminders;
use crate::model::calendar::parse_date;
use crate::model::dunning::{HoldKind, ReminderKind};
use crate::model::{CompanyId, Invalid};
use crate::operations::invoices::find;
use crate::operations::reminders::{self as operations, Subject};
use crate::store::{Db, Tx};
use chrono::NaiveDate;
use clap::Subcommand;
use serde_json::json;

/// Remind customers of what they owe, or hold that back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops reminders send --kind overdue --dry-run")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Send the reminders of one kind that are due.
    ///
    /// Each invoice is reminded of once a level, ever, one step after the other: none comes sooner after
    /// the last one that arrived than the levels are apart. One mail a company has all its invoices that
    /// are worded alike.
    #[command(after_help = "Example:\n  finops reminders send --kind overdue --dry-run")]
    Send(SendArgs),
    /// Hold back reminders of an invoice, or of all of a company.
    #[command(after_help = "Example:\n  finops reminders hold INV-2026-000001 --kind dispute --reason 'wrong quantity'\n  \
                            finops reminders hold INV-2026-000001 --kind promise --until 2026-12-01\n  \
                            finops reminders hold --company-id acme --kind pause")]
    Hold(HoldArgs),
    /// Let reminders go on.
    #[command(after_help = "Example:\n  finops reminders release INV-2026-000001")]
    Release(ReleaseArgs),
    /// List who was reminded of what, or what is held back.
    #[command(after_help = "Example:\n  finops reminders list --company-id acme\n  finops reminders list --held")]
    List(show::ListArgs),
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    /// upcoming: before the due date; overdue: soon after it; escalation: later ones.
    #[arg(long)]
    kind: ReminderKind,
    /// Only this company; may be given several times.
    #[arg(long, value_name = "ID")]
    company_id: Vec<CompanyId>,
    /// Stop after so many mails.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u64>)]
    limit: Option<u64>,
    /// Show who would get what, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

/// An invoice, or a company.
#[derive(Debug, clap::Args)]
struct SubjectArgs {
    /// The invoice's number, or its id.
    invoice: Option<String>,
    /// All of this company; with an invoice: its company, when two sellers use the same number.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
}

impl SubjectArgs {
    fn find(&self, tx: &mut Tx) -> Result<Subject> {
        match (&self.invoice, &self.company_id) {
            (Some(invoice), company_id) => Ok(Subject::Invoice(Box::new(find(tx, invoice, company_id.as_ref())?))),
            (None, Some(company_id)) => Subject::company(tx, company_id),
            (None, None) => {
                Err(Error::usage("of which invoice, or which company?").hint("name an invoice, or give --company-id ID"))
            }
        }
    }
}

#[derive(Debug, clap::Args)]
struct HoldArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// pause: by our own choice; dispute: the customer contests it; promise: the customer has promised to pay.
    #[arg(long)]
    kind: HoldKind,
    /// The first day on which reminders go on: 2026-12-01 [default: when it is released].
    #[arg(long, value_name = "DATE", value_parser = date)]
    until: Option<NaiveDate>,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct ReleaseArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Only what holds them for this reason [default: whatever does].
    #[arg(long)]
    kind: Option<HoldKind>,
}

fn date(text: &str) -> Result<NaiveDate, Invalid> {
    parse_date(text)
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = match &args.verb {
        Verb::Send(args) => open_for(args.kind.job(), args.dry_run, ctx)?,
        _ => ctx.open_db()?,
    };
    match &args.verb {
        Verb::Send(args) => send(args, ctx, &mut db),
        Verb::Hold(args) => hold(args, ctx, &mut db),
        Verb::Release(args) => release(args, ctx, &mut db),
        Verb::List(args) => show::list(args, ctx, &mut db),
    }
}

fn send(args: &SendArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    if ctx.config.mail.is_none() {
        // Cron calls it all the same, where nobody wants reminders.
        ctx.ui.note("reminders are sent by mail, and the configuration has no [mail]: nothing is sent");
    }
    let mut job = Reminders::new(ctx, db, args.kind, &args.company_id, args.dry_run)?;
    let run = RunOptions {
        dry_run: args.dry_run,
        scope: scope(&args.company_id, args.limit).join(" "),
        limit: args.limit,
        by_the_way: false,
    };
    run_job(&mut job, ctx, db, &run)
}

fn hold(args: &HoldArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let (subject, hold) = db.write(|tx| {
        let subject = args.subject.find(tx)?;
        let hold = operations::hold(tx, ctx, &subject, args.kind, args.until, &args.reason)?;
        Ok::<_, Error>((subject, hold))
    })?;
    let item = json!({
        "company_id": hold.company_id, "invoice_id": hold.invoice_id, "kind": hold.kind, "until": hold.until, "reason": hold.reason,
    });
    ctx.ui.item(&item, || {
        let until = hold.until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {until}"));
        format!("reminders of {} are held back ({}) {until}", subject.label(), hold.kind)
    });
    Ok(ExitCode::Done)
}

fn release(args: &ReleaseArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let (subject, released) = db.write(|tx| {
        let subject = args.subject.find(tx)?;
        let released = operations::release(tx, ctx, &subject, args.kind)?;
        Ok::<_, Error>((subject, released))
    })?;
    let invoice_id = match &subject {
        Subject::Invoice(invoice) => Some(&invoice.invoice_id),
        Subject::Company(_) => None,
    };
    ctx.ui.item(&json!({ "company_id": subject.company_id(), "invoice_id": invoice_id, "released": released }), || {
        let kinds: Vec<&str> = released.iter().map(|kind| kind.as_str()).collect();
        format!("reminders of {} go on (released: {})", subject.label(), kinds.join(", "))
    });
    Ok(ExitCode::Done)
}
