//! `finops invoices`: make drafts, issue them, look at them, put one right.

mod correct;
mod list;
mod preview;
mod show;

use super::job::open_for;
pub(super) use super::job::run_job;
use super::job::run_job_and;
use crate::context::Context;
use crate::engine::{RunOptions, Summary, doubts};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::jobs::JobKind;
use crate::jobs::documents::{Documents, load_logo, parse, relative_path};
use crate::jobs::generate::{Generate, GenerateOptions};
use crate::jobs::issue::Issue;
use crate::jobs::named::check_companies;
use crate::jobs::send::Send;
use crate::model::calendar::PeriodFilter;
use crate::model::money::parse_decimal;
use crate::model::{Cadence, CompanyId, Invalid};
use crate::operations::invoices as operations;
use crate::rules::billing::SkipReason;
use crate::store::{Db, documents, openings};
use clap::Subcommand;
use rust_decimal::Decimal;
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
    /// List invoices: by state, company, period, dates, amount or words.
    #[command(after_help = "Example:\n  finops invoices list --overdue --sort total --desc\n  \
                            finops invoices list --issued-from 2026-10-01 --issued-to 2026-10-31 --currency EUR --total-from 1000")]
    List(list::ListArgs),
    /// Show one invoice with its lines, taxes, credit notes and payments.
    #[command(after_help = "Example:\n  finops invoices show INV-2026-000001")]
    Show(OneArgs),
    /// Write an issued invoice's PDF again, always with the same bytes.
    #[command(after_help = "Example:\n  finops invoices pdf INV-2026-000001 --out invoice.pdf")]
    Pdf(PdfArgs),
    /// Change the lines of a draft; its sums follow.
    ///
    /// A draft that was edited is never made anew: when its inputs change, it is reported as stale.
    #[command(after_help = "Example:\n  \
        finops invoices edit 0199fd5c-0000-7000-8000-000000000001 --set 2 --quantity 3 --dry-run\n  \
        finops invoices edit 0199fd5c-0000-7000-8000-000000000001 --remove 1 --add --description 'Discount' --unit-price -20")]
    Edit(correct::EditArgs),
    /// Credit an issued invoice, whole or in part, by a credit note with a number of its own.
    ///
    /// It lowers what remains to be paid; what exceeds that becomes the company's credit, which its
    /// next invoice uses up. All credit notes of an invoice together never exceed it, in any tax rate.
    #[command(after_help = "Example:\n  \
        finops invoices credit INV-2026-000001 --reason 'cancelled' --ref ticket-4711\n  \
        finops invoices credit INV-2026-000001 --line 2 --dry-run\n  \
        finops invoices credit INV-2026-000001 --amount 59.50")]
    Credit(correct::CreditArgs),
    /// Write an open invoice off: nobody expects it to be paid any more.
    #[command(after_help = "Example:\n  finops invoices uncollectible INV-2026-000001 --reason 'insolvent'")]
    Uncollectible(correct::UncollectibleArgs),
    /// Void an issued invoice that was neither paid nor credited. Its number stays in the books.
    #[command(after_help = "Example:\n  finops invoices void INV-2026-000001 --reason 'wrong price'")]
    Void(correct::VoidArgs),
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
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u64>)]
    limit: Option<u64>,
    /// Bill contracts with many missed periods too (see [billing] max_missed_periods).
    #[arg(long)]
    yes: bool,
    /// Show what would be billed and why, and write nothing.
    ///
    /// At the end, the run against what was billed for the period before, company by company: new,
    /// gone, or changed by more than the threshold, and why.
    #[arg(long)]
    dry_run: bool,
    /// How many percent an amount may move before it is told of.
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, default_value = "20")]
    threshold: Decimal,
    /// Write the comparison of every company into this CSV file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn parse_percent(text: &str) -> Result<Decimal, Invalid> {
    let percent = parse_decimal(text)?;
    if percent < Decimal::ZERO { Err(Invalid::new("write a number from 0")) } else { Ok(percent) }
}

#[derive(Debug, clap::Args)]
struct IssueArgs {
    /// Only this company; may be given several times.
    #[arg(long, value_name = "ID")]
    company_id: Vec<CompanyId>,
    /// Stop after so many invoices.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u64>)]
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
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u64>)]
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
        Verb::List(args) => list::list(args, ctx, &mut db),
        Verb::Show(one) => show::show(one, ctx, &mut db),
        Verb::Pdf(args) => pdf(args, ctx, &mut db),
        Verb::Edit(args) => correct::edit(args, ctx, &mut db),
        Verb::Credit(args) => correct::credit(args, ctx, &mut db),
        Verb::Uncollectible(args) => correct::uncollectible(args, ctx, &mut db),
        Verb::Void(args) => correct::void(args, ctx, &mut db),
        Verb::Regenerate(one) => regenerate(one, ctx, &mut db),
        Verb::Delete(one) => delete(one, ctx, &mut db),
    }
}

fn generate(args: &GenerateArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let cadence = args.cadence.as_deref().map(str::parse::<Cadence>).transpose().map_err(|e| Error::usage(e.0))?;
    let options =
        GenerateOptions { companies: args.company_id.clone(), period: args.period.clone(), cadence, allow_many_missed: args.yes };
    let mut scope = scope(&args.company_id, args.limit);
    scope.extend(args.period.as_ref().map(|p| format!("--period {p}")));
    scope.extend(args.cadence.as_ref().map(|c| format!("--cadence {c}")));
    scope.extend(args.yes.then(|| "--yes".to_owned()));
    let mut job = Generate::new(ctx, db, &options)?;
    let run = RunOptions { dry_run: args.dry_run, scope: scope.join(" "), limit: args.limit, ..RunOptions::default() };
    let compare = |job: &mut Generate, db: &mut Db| {
        let compared = if args.dry_run { job.compared_with_ended(db)? } else { job.compared() };
        if args.dry_run {
            preview::show(ctx, &compared, args.threshold);
        } else {
            preview::tell_far_off(ctx, &compared, args.threshold);
        }
        args.out.as_ref().map_or(Ok(()), |file| preview::write(file, &compared, args.threshold))
    };
    run_job_and(&mut job, ctx, db, &run, compare, made_something)
}

/// A run for which something was due, and that made nothing of it, is no success. What failed makes it
/// exit 3 by itself, also when a run before it made all the others and was killed.
fn made_something(summary: &Summary) -> Result<()> {
    let skipped = |reason: SkipReason| summary.skipped.get(reason.as_str()).copied().unwrap_or(0);
    let not_made = skipped(SkipReason::NoItems) + skipped(SkipReason::NothingToBill);
    if summary.dry_run || summary.done > 0 || summary.failed > 0 || not_made == 0 {
        return Ok(());
    }
    Err(Error::failed(format!("{not_made} due, and not one invoice was made"))
        .hint("see what is wrong with each above; finops invoices generate --dry-run looks again"))
}

fn issue(args: &IssueArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    db.read(|tx| check_companies(tx, &args.company_id))?;
    let mut job = Issue::new(ctx, &args.company_id);
    let run = RunOptions {
        dry_run: args.dry_run,
        scope: scope(&args.company_id, args.limit).join(" "),
        limit: args.limit,
        ..RunOptions::default()
    };
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
    db.read(|tx| check_companies(tx, &args.company_id))?;
    let run = RunOptions {
        dry_run: args.dry_run,
        scope: scope(&args.company_id, args.limit).join(" "),
        limit: args.limit,
        ..RunOptions::default()
    };
    if args.invoice.is_empty() {
        return run_job(&mut Send::new(ctx, &args.company_id), ctx, db, &run);
    }
    let company = match args.company_id.as_slice() {
        [] => None,
        [company] => Some(company),
        [..] => {
            return Err(Error::usage("with invoices that are named, --company-id may be given once")
                .hint("it says whose invoice is meant where two sellers use the same number"));
        }
    };
    let asked = db.read(|tx| operations::send_again(tx, &args.invoice, company))?;
    run_job(&mut Send::of(ctx, asked), ctx, db, &run)
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
            if openings::is_opening(tx, &invoice.company_id, &invoice.invoice_id)? {
                return Err(Error::refused(format!("invoice {} was issued by another system", invoice.label()))
                    .hint("its document is there; here is only what is still to be paid of it"));
            }
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
