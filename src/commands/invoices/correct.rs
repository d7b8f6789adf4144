//! `invoices credit`, `invoices void`, `invoices uncollectible` and `invoices edit`: putting right what is wrong.

use super::OneArgs;
use crate::context::Context;
use crate::engine::doubts;
use crate::error::{Error, ExitCode, Result};
use crate::jobs::documents::load_fonts;
use crate::model::calendar::parse_date;
use crate::model::money::parse_decimal;
use crate::model::{FullInvoice, Invalid, InvoiceId, InvoiceState, TaxCode};
use crate::operations::credit_notes::{self, Made, Request};
use crate::operations::edit::{self, Change};
use crate::operations::invoices as operations;
use crate::rules::edit::{Edit, Fields};
use crate::store::{Db, Tx};
use chrono::NaiveDate;
use clap::ArgGroup;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

fn decimal(text: &str) -> Result<Decimal, Invalid> {
    parse_decimal(text)
}

fn date(text: &str) -> Result<NaiveDate, Invalid> {
    parse_date(text)
}

#[derive(Debug, clap::Args)]
pub(super) struct CreditArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Only this line, as `invoices show` numbers it; may be given several times.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u32>)]
    line: Vec<u32>,
    /// Only so much, tax included, in the invoice's currency: 59.50.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true)]
    amount: Option<Decimal>,
    /// Why; printed on the credit note.
    #[arg(long, default_value = "")]
    reason: String,
    /// Your own reference: the same command again makes no second credit note.
    #[arg(long = "ref", value_name = "REFERENCE", default_value = "")]
    reference: String,
    /// Check it and show what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was credited, with where its PDF lies.
#[derive(Serialize)]
struct Credited<'a> {
    dry_run: bool,
    #[serde(flatten)]
    made: &'a Made,
    pdf: Option<String>,
}

pub(super) fn credit(args: &CreditArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let fonts = load_fonts(ctx)?;
    let request = Request {
        id: Some(InvoiceId::from(ctx.ids.uuid())),
        lines: args.line.clone(),
        amount: args.amount,
        reason: args.reason.clone(),
        key: args.reference.clone(),
    };
    let work = |tx: &mut Tx| {
        let invoice = operations::find(tx, &args.one.invoice, args.one.company_id.as_ref())?;
        credit_notes::credit(tx, ctx, &fonts, &invoice, &request)
    };
    if args.dry_run {
        let mut made = db.rehearse(work)?;
        // It was not given.
        made.note.head.number = None;
        ctx.ui.item(&Credited { dry_run: true, made: &made, pdf: None }, || told(&made, true));
        return Ok(ExitCode::Done);
    }
    // It gives a number: an older copy of the database would give one that was given already.
    ctx.refuse_a_future(db)?;
    doubts::refuse(ctx, db)?;
    // A COMMIT whose answer is lost must not lead to a second one.
    let made = db.write_surely(work)?;
    let pdf = credit_notes::write_pdf(ctx, db, &made.note.head)?.map(|file| super::show::place_of(ctx, file));
    ctx.ui.done(&Credited { dry_run: false, made: &made, pdf: pdf.clone() }, || match &pdf {
        Some(pdf) => format!("{}\n{pdf}", told(&made, false)),
        None => told(&made, false),
    });
    Ok(ExitCode::Done)
}

fn told(made: &Made, dry_run: bool) -> String {
    let Made { invoice, settled, credited, balance, invoice_state, note, .. } = made;
    let head = &note.head;
    let (currency, number, total) = (head.currency, head.label(), head.total);
    if made.already_made {
        return format!("credit note {number} over {total} {currency} was made already for invoice {invoice}: nothing changed");
    }
    let mut text = match dry_run {
        true => format!("a credit note over {total} {currency} would be made for invoice {invoice}"),
        false => format!("credit note {number} over {total} {currency} for invoice {invoice}"),
    };
    for tax in &note.taxes {
        text.push_str(&format!("\n  {} on {}: {}", tax.name, tax.net, tax.tax));
    }
    if !settled.is_zero() {
        text.push_str(&format!("\n{settled} {currency} lower what remains to be paid"));
    }
    if !credited.is_zero() {
        text.push_str(&format!(
            "\n{credited} {currency} become credit of company {}: its next invoice uses it up",
            head.company_id
        ));
    }
    match invoice_state {
        InvoiceState::Paid => text.push_str("\nthe invoice is paid"),
        _ => text.push_str(&format!("\n{balance} {currency} of the invoice remain")),
    }
    text
}

#[derive(Debug, clap::Args)]
pub(super) struct VoidArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
    /// Check it and show who would be told, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn void(args: &VoidArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let dry_run = args.dry_run;
    let work = |tx: &mut Tx| {
        let invoice = operations::find(tx, &args.one.invoice, args.one.company_id.as_ref())?;
        let voided = operations::void(tx, ctx, &invoice, &args.reason)?;
        Ok::<_, Error>((invoice, voided))
    };
    let (invoice, voided) = if dry_run {
        db.rehearse(work)?
    } else {
        doubts::tell(ctx, db)?;
        db.write(work)?
    };
    let state = if dry_run { invoice.state } else { InvoiceState::Void };
    let item = json!({ "dry_run": dry_run, "number": invoice.number, "invoice_id": invoice.invoice_id, "state": state,
        "handed_over": voided.handed_over, "told": voided.told });
    ctx.ui.item(&item, || {
        let (label, company) = (invoice.label(), &invoice.company_id);
        let done = match dry_run {
            true => format!("{label} would be void"),
            false => format!("{label} is void. To bill its periods again: finops invoices regenerate {label}"),
        };
        match (voided.handed_over, voided.told.as_slice()) {
            (false, _) => done,
            (true, []) => format!("{done}\n{company} has it, and no mail tells it of this: tell it not to pay"),
            (true, told) => {
                format!("{done}\n{company} has it; the next finops invoices send tells it not to pay: {}", told.join(", "))
            }
        }
    });
    Ok(ExitCode::Done)
}

#[derive(Debug, clap::Args)]
pub(super) struct UncollectibleArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Why, for the audit log.
    #[arg(long)]
    reason: String,
}

pub(super) fn uncollectible(args: &UncollectibleArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    doubts::tell(ctx, db)?;
    let (invoice, balance) = db.write(|tx| {
        let invoice = operations::find(tx, &args.one.invoice, args.one.company_id.as_ref())?;
        let invoice = operations::uncollectible(tx, ctx, &invoice, &args.reason)?;
        let balance = operations::balance(tx, &invoice)?;
        Ok::<_, Error>((invoice, balance))
    })?;
    let item = json!({ "number": invoice.number, "invoice_id": invoice.invoice_id, "state": invoice.state,
        "balance": balance, "currency": invoice.currency });
    ctx.ui.item(&item, || {
        let balance = balance.map(|b| format!("; {b} {} are written off", invoice.currency)).unwrap_or_default();
        format!("{} is uncollectible{balance}. A payment that comes all the same makes it paid", invoice.label())
    });
    Ok(ExitCode::Done)
}

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("line").args(["add", "set"])))]
#[command(group(ArgGroup::new("what").args(["add", "set", "remove"]).required(true).multiple(true)))]
pub(super) struct EditArgs {
    /// The draft's id.
    draft: String,
    /// Its company; not needed, since ids are unique.
    #[arg(long, value_name = "ID")]
    company_id: Option<crate::model::CompanyId>,
    /// Add a line, which needs --description and --unit-price.
    #[arg(long)]
    add: bool,
    /// Change this line, as `invoices show` numbers it.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u32>)]
    set: Option<u32>,
    /// Remove this line; may be given several times. A billable item on it is open again.
    #[arg(long, value_name = "N", value_parser = crate::commands::count::<u32>)]
    remove: Vec<u32>,
    /// What the line says.
    #[arg(long, value_name = "TEXT", requires = "line")]
    description: Option<String>,
    /// How many; 1 for a new line.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true, requires = "line")]
    quantity: Option<Decimal>,
    /// Printed beside the quantity.
    #[arg(long, value_name = "TEXT", requires = "line")]
    unit: Option<String>,
    /// In the draft's currency; may be finer than a cent; negative gives money back.
    #[arg(long, value_name = "PRICE", value_parser = decimal, allow_negative_numbers = true, requires = "line")]
    unit_price: Option<Decimal>,
    /// The tax code; of a new line the company's, or else the seller's.
    #[arg(long, value_name = "CODE", requires = "line")]
    tax_code: Option<TaxCode>,
    /// The day of supply; of a new line the last day of the draft's period.
    #[arg(long, value_name = "DAY", value_parser = date, requires = "line")]
    date: Option<NaiveDate>,
    /// Show the draft before and after, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The draft before and after.
#[derive(Serialize)]
struct Edited<'a> {
    dry_run: bool,
    invoice_id: &'a str,
    before: &'a FullInvoice,
    after: &'a FullInvoice,
    /// Billable items that are open again.
    released: Vec<&'a str>,
}

pub(super) fn edit(args: &EditArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let fields = Fields {
        description: args.description.clone(),
        quantity: args.quantity,
        unit: args.unit.clone(),
        unit_price: args.unit_price,
        tax_code: args.tax_code.clone(),
        dated: args.date,
    };
    if args.set.is_some() && fields == Fields::default() {
        return Err(Error::usage("--set needs what to set").hint("give --description, --quantity, --unit-price …"));
    }
    let wanted =
        Edit { remove: args.remove.clone(), set: args.set.map(|line| (line, fields.clone())), add: args.add.then_some(fields) };
    let work = |tx: &mut Tx| {
        let draft = operations::find(tx, &args.draft, args.company_id.as_ref())?;
        edit::edit(tx, ctx, &draft, &wanted)
    };
    let change = if args.dry_run {
        db.rehearse(work)?
    } else {
        doubts::tell(ctx, db)?;
        db.write(work)?
    };
    show(&change, args.dry_run, ctx);
    Ok(ExitCode::Done)
}

fn show(change: &Change, dry_run: bool, ctx: &Context) {
    let Change { before, edited } = change;
    let after = &edited.invoice;
    let released: Vec<&str> = edited.released.iter().map(crate::model::SourceKey::as_str).collect();
    let invoice_id = before.head.invoice_id.as_str();
    let (was, is, currency) = (before.head.total, after.head.total, after.head.currency);
    let text = || {
        let mut text = format!("draft {invoice_id}: {was} → {is} {currency}");
        if dry_run {
            text.push_str(", if it were changed so");
        }
        for key in &released {
            text.push_str(&format!("\nitem {key} is open again: the next run bills it, unless it is removed"));
        }
        text
    };
    ctx.ui.item(&Edited { dry_run, invoice_id, before, after, released: released.clone() }, text);
    if dry_run {
        ctx.ui.table(&super::show::lines(before));
    }
    ctx.ui.table(&super::show::lines(after));
}
