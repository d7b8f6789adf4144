//! `finops invoices`: make drafts, issue them, look at them, put one right.

mod show;

use super::job::open_for;
pub(super) use super::job::run_job;
use crate::context::Context;
use crate::engine::{RunOptions, doubts};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::jobs::JobKind;
use crate::jobs::documents::{Documents, load_logo, parse, relative_path};
use crate::jobs::generate::{Generate, GenerateOptions};
use crate::jobs::issue::Issue;
use crate::jobs::send::Send;
use crate::model::calendar::PeriodFilter;
use crate::model::{Cadence, CompanyId, InvoiceState};
use crate::operations::invoices as operations;
use crate::store::{Db, Tx, documents};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

/// Make, issue, show and correct invoices.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops invoices generate --dry-run")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make drafts of everything that is due and not billed yet.
    ///
    /// Every missed period is billed, oldest first. Running it again changes nothing, but for
    /// drafts whose contracts, items, companies or tax rates changed: those are made anew.
    #[command(after_help = "Example:\n  finops invoices generate --period 2026-10 --dry-run")]
    Generate(GenerateArgs),
    /// Turn drafts into invoices: number, due date, frozen content, PDF.
    ///
    /// What is issued never changes again. PDFs that a crash left unwritten are written by the
    /// next run.
    #[command(after_help = "Example:\n  finops invoices issue --dry-run")]
    Issue(IssueArgs),
    /// Send issued invoices to the customers, each once, with the PDF.
    ///
    /// Who gets them: the billing contacts of the company, else its own address. Invoices that are
    /// named are sent once more.
    #[command(after_help = "Example:\n  finops invoices send --dry-run\n  finops invoices send INV-2026-000001")]
    Send(SendArgs),
    /// List invoices.
    #[command(after_help = "Example:\n  finops invoices list --state open")]
    List(show::ListArgs),
    /// Show one invoice with its lines, taxes and payments.
    #[command(after_help = "Example:\n  finops invoices show INV-2026-000001")]
    Show(OneArgs),
    /// Write an issued invoice's PDF again, always with the same bytes.
    #[command(after_help = "Example:\n  finops invoices pdf INV-2026-000001 --out invoice.pdf")]
    Pdf(PdfArgs),
    /// Void an issued invoice that was not paid. Its number stays in the books.
    #[command(after_help = "Example:\n  finops invoices void INV-2026-000001 --reason 'wrong price'")]
    Void(VoidArgs),
    /// Bill again what a voided invoice billed, from the data as they are now, as a new draft.
    #[command(after_help = "Example:\n  finops invoices regenerate INV-2026-000001")]
    Regenerate(OneArgs),
    /// Delete a draft; what it billed is open again for the next run.
    #[command(after_help = "Example:\n  finops invoices delete 0199fd5c-0000-7000-8000-000000000001")]
    Delete(OneArgs),
}

#[derive(Debug, clap::Args)]
struct GenerateArgs {
    /// Only service periods that start then: 2026-10, 2026-W43, 2026-Q4 or 2026.
    #[arg(long)]
    period: Option<PeriodFilter>,
    /// Only contracts of this cadence.
    #[arg(long, value_parser = ["weekly", "monthly", "quarterly", "yearly"])]
    cadence: Option<String>,
    /// Only this company; may be given several times.
    #[arg(long, value_name = "ID")]
    company_id: Vec<CompanyId>,
    /// Stop after so many companies.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Bill contracts with many missed periods too (see [billing] max_missed_periods).
    #[arg(long)]
    yes: bool,
    /// Show what would be billed and why, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct IssueArgs {
    /// Only this company; may be given several times.
    #[arg(long, value_name = "ID")]
    company_id: Vec<CompanyId>,
    /// Stop after so many invoices.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show what would be issued, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    /// Only these, by number or id, whether or not they were sent before.
    invoice: Vec<String>,
    /// Only this company; may be given several times.
    #[arg(long, value_name = "ID")]
    company_id: Vec<CompanyId>,
    /// Stop after so many invoices.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show who would get what, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The invoice's number, or its id.
    invoice: String,
    /// The company, when two sellers use the same number.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
}

#[derive(Debug, clap::Args)]
struct PdfArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Where to write it [default: its place in the folder of documents].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct VoidArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = match &args.verb {
        Verb::Generate(args) => open_for(JobKind::InvoicesGenerate, args.dry_run, ctx)?,
        Verb::Issue(args) => open_for(JobKind::InvoicesIssue, args.dry_run, ctx)?,
        Verb::Send(args) => open_for(JobKind::InvoicesSend, args.dry_run, ctx)?,
        _ => ctx.open_db()?,
    };
    match &args.verb {
        Verb::Generate(args) => generate(args, ctx, &mut db),
        Verb::Issue(args) => issue(args, ctx, &mut db),
        Verb::Send(args) => send(args, ctx, &mut db),
        Verb::List(args) => show::list(args, ctx, &mut db),
        Verb::Show(one) => show::show(one, ctx, &mut db),
        Verb::Pdf(args) => pdf(args, ctx, &mut db),
        Verb::Void(args) => void(args, ctx, &mut db),
        Verb::Regenerate(one) => regenerate(one, ctx, &mut db),
        Verb::Delete(one) => delete(one, ctx, &mut db),
    }
}

fn generate(args: &GenerateArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let cadence = args.cadence.as_deref().map(str::parse::<Cadence>).transpose().map_err(|e| Error::usage(e.0))?;
    let options = GenerateOptions {
        companies: args.company_id.clone(),
        period: args.period.clone(),
        cadence,
        allow_many_missed: args.yes,
        dry_run: args.dry_run,
    };
    let mut scope = scope(&args.company_id, args.limit);
    scope.extend(args.period.as_ref().map(|p| format!("--period {p}")));
    scope.extend(args.cadence.as_ref().map(|c| format!("--cadence {c}")));
    scope.extend(args.yes.then(|| "--yes".to_owned()));
    let mut job = Generate::new(ctx, db, &options)?;
    let run = RunOptions { dry_run: args.dry_run, scope: scope.join(" "), limit: args.limit };
    run_job(&mut job, ctx, db, &run)
}

fn issue(args: &IssueArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let mut job = Issue::new(ctx, &args.company_id);
    let run = RunOptions { dry_run: args.dry_run, scope: scope(&args.company_id, args.limit).join(" "), limit: args.limit };
    run_job(&mut job, ctx, db, &run)
}

fn send(args: &SendArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    if ctx.config.mail.is_none() {
        // Cron calls it all the same, where nobody wants invoices by mail.
        let missing = "invoices are sent by mail, and the configuration has no [mail]";
        if !args.invoice.is_empty() {
            let hint = "set it up as finops.toml explains; finops notify test --channel email --to YOU tries it";
            return Err(Error::config(missing).hint(hint));
        }
        ctx.ui.note(format!("{missing}: nothing is sent"));
    }
    let run = RunOptions { dry_run: args.dry_run, scope: scope(&args.company_id, args.limit).join(" "), limit: args.limit };
    if args.invoice.is_empty() {
        return run_job(&mut Send::new(ctx, &args.company_id, None), ctx, db, &run);
    }
    let company = match args.company_id.as_slice() {
        [] => None,
        [company] => Some(company),
        [..] => {
            return Err(Error::usage("with invoices that are named, --company-id may be given once")
                .hint("it says whose invoice is meant where two sellers use the same number"));
        }
    };
    let again = |tx: &mut Tx| operations::send_again(tx, ctx, &args.invoice, company);
    if args.dry_run {
        let mut job = db.rehearse(|tx| again(tx).and_then(|only| Send::rehearsal(ctx, tx, only)))?;
        return run_job(&mut job, ctx, db, &run);
    }
    doubts::tell(ctx, db)?;
    let only = db.write(again)?;
    run_job(&mut Send::new(ctx, &[], Some(only)), ctx, db, &run)
}

pub(super) fn scope(companies: &[CompanyId], limit: Option<u64>) -> Vec<String> {
    let mut scope: Vec<String> = companies.iter().map(|c| format!("--company-id {c}")).collect();
    scope.extend(limit.map(|n| format!("--limit {n}")));
    scope
}

fn pdf(args: &PdfArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let writer = Documents::new(ctx);
    let (document, logo) = db.read(|tx| {
        let invoice = operations::find(tx, &args.one.invoice, args.one.company_id.as_ref())?;
        let Some((content, _)) = documents::find(tx, &invoice.company_id, &invoice.invoice_id)? else {
            return Err(Error::refused(format!("invoice {} is a draft, and has no document yet", invoice.label()))
                .hint("finops invoices issue makes it one"));
        };
        let document = parse(&invoice.invoice_id, &content)?;
        let logo = load_logo(tx, &document.logo_sha256)?;
        Ok((document, logo))
    })?;
    let bytes = writer.render(&document, logo.as_ref())?;
    let path = match &args.out {
        Some(path) => {
            crate::providers::folder::write_private(path, &bytes).map_err(|e| io_error("write", path, e))?;
            path.clone()
        }
        None => {
            let folder = &ctx.config.documents.folder;
            crate::providers::folder::put(folder, &relative_path(&document), &bytes)
                .map_err(|e| io_error("write to", folder, e))?
        }
    };
    ctx.ui.item(&json!({ "number": document.number, "path": path, "bytes": bytes.len() }), || path.display().to_string());
    Ok(ExitCode::Done)
}

fn void(args: &VoidArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let invoice = db.write(|tx| {
        let invoice = operations::find(tx, &args.one.invoice, args.one.company_id.as_ref())?;
        operations::void(tx, ctx, &invoice, &args.reason)?;
        Ok::<_, Error>(invoice)
    })?;
    let label = invoice.label().to_owned();
    ctx.ui.item(&json!({ "number": invoice.number, "invoice_id": invoice.invoice_id, "state": InvoiceState::Void }), || {
        format!("{label} is void. To bill its periods again: finops invoices regenerate {label}")
    });
    Ok(ExitCode::Done)
}

fn regenerate(one: &OneArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let new = db.write(|tx| {
        let voided = operations::find(tx, &one.invoice, one.company_id.as_ref())?;
        operations::regenerate(tx, ctx, &voided)
    })?;
    ctx.ui.item(&new, || {
        let head = &new.head;
        format!("draft {} of {} {}; finops invoices issue gives it a number", head.invoice_id, head.total, head.currency)
    });
    Ok(ExitCode::Done)
}

fn delete(one: &OneArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let invoice = db.write(|tx| {
        let invoice = operations::find(tx, &one.invoice, one.company_id.as_ref())?;
        operations::delete_draft(tx, ctx, &invoice)?;
        Ok::<_, Error>(invoice)
    })?;
    ctx.ui.item(&json!({ "invoice_id": invoice.invoice_id, "deleted": true }), || {
        let then = match invoice.revision {
            0 => "what it billed is open again",
            _ => "its periods wait for regenerate of the voided invoice; its items are open again",
        };
        format!("draft {} is deleted; {then}", invoice.invoice_id)
    });
    Ok(ExitCode::Done)
}
