//! `finops payments`: money that arrived.

use crate::context::{Context, Shell};
use crate::engine::{doubts, host};
use crate::error::{Error, ExitCode, Result};
use crate::model::CompanyId;
use crate::model::calendar::parse_date;
use crate::model::money::parse_decimal;
use crate::model::{Invalid, InvoiceState, Money, Payment};
use crate::operations::invoices::find;
use crate::operations::payments::{Desk, Recorded, record};
use crate::store::{Tx, payments};
use crate::ui::Column;
use chrono::NaiveDate;
use clap::Subcommand;
use rust_decimal::Decimal;
use serde::Serialize;

/// Record and show payments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops payments record INV-2026-000042 --amount 119.00 --date 2026-11-20 --ref TX1")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Record(RecordArgs),
    /// Show the payments that settle an invoice.
    #[command(after_help = "Example:\n  finops payments list INV-2026-000042")]
    List {
        /// The invoice's number or id.
        invoice: String,

        /// The company, when two sellers use the same number.
        #[arg(long, value_name = "ID")]
        company_id: Option<CompanyId>,
    },
}

/// Record a payment of an invoice, once per reference.
///
/// An invoice that is paid in full becomes paid; what exceeds its balance becomes the company's
/// credit. The same payment again changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops payments record INV-2026-000042 --amount 119.00 --date 2026-11-20 --ref TX1")]
struct RecordArgs {
    /// The invoice's number or id.
    invoice: String,

    /// The company, when two sellers use the same number.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,

    /// What arrived, in the invoice's currency: 119.00.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true)]
    amount: Decimal,

    /// The day on which it arrived: 2026-11-20.
    #[arg(long, value_parser = date)]
    date: NaiveDate,

    /// The bank's or the provider's own reference of this payment.
    #[arg(long = "ref", value_name = "REFERENCE")]
    reference: String,

    /// Who took the money: manual, bank, stripe …
    #[arg(long, default_value = "manual")]
    provider: String,

    /// Keep what came on a void invoice as the company's credit.
    #[arg(long)]
    as_credit: bool,

    /// Check it and show what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

fn decimal(text: &str) -> Result<Decimal, Invalid> {
    parse_decimal(text)
}

fn date(text: &str) -> Result<NaiveDate, Invalid> {
    parse_date(text)
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let ctx = Context::new(shell)?;
    match &args.verb {
        Verb::Record(args) => run_record(args, &ctx),
        Verb::List { invoice, company_id } => list(invoice, company_id.as_ref(), &ctx),
    }
}

#[derive(Serialize)]
struct Told<'a> {
    dry_run: bool,
    #[serde(flatten)]
    recorded: &'a Recorded,
}

fn run_record(args: &RecordArgs, ctx: &Context) -> Result<ExitCode> {
    let author = host::author(ctx);
    let mut db = ctx.open_db()?;
    let work = |tx: &mut Tx| {
        let desk = Desk::open(tx, &author, ctx.as_of)?.telling(Some(ctx)).keeping_as_credit(args.as_credit);
        record_one(tx, &desk, args)
    };
    let recorded = if args.dry_run {
        db.rehearse(work)?
    } else {
        ctx.refuse_a_future(&mut db)?;
        doubts::tell(ctx, &mut db)?;
        db.write(work)?
    };
    let told = Told { dry_run: args.dry_run, recorded: &recorded };
    if args.dry_run {
        ctx.ui.item(&told, || text(&recorded, true));
    } else {
        ctx.ui.done(&told, || text(&recorded, false));
    }
    Ok(ExitCode::Done)
}

fn record_one(tx: &mut Tx, desk: &Desk, args: &RecordArgs) -> Result<Recorded> {
    let invoice = find(tx, &args.invoice, args.company_id.as_ref())?;
    let amount = Money::exact(args.amount, invoice.currency).map_err(|invalid| Error::usage(format!("--amount: {invalid}")))?;
    let payment = Payment {
        company_id: invoice.company_id.clone(),
        provider: args.provider.clone(),
        reference: args.reference.clone(),
        amount,
        received_on: args.date,
    };
    Ok(record(tx, desk, &invoice, &payment)?)
}

fn text(recorded: &Recorded, dry_run: bool) -> String {
    let Recorded { amount, currency, invoice, settled, credited, balance, state, reference, .. } = recorded;
    if recorded.already_recorded {
        return format!("payment {reference} of {amount} {currency} is already recorded for invoice {invoice}: nothing changed");
    }
    let would = if dry_run { "would be recorded" } else { "recorded" };
    let mut text = format!("{amount} {currency} {would} for invoice {invoice}");
    if settled.minor() == 0 {
        text.push_str(&format!(", which is {state} already: all of it becomes credit of company {}", recorded.company_id));
    } else if credited.minor() > 0 {
        text.push_str(&format!(
            ", of which {credited} {currency} beyond its balance become credit of company {}",
            recorded.company_id
        ));
    }
    match state {
        InvoiceState::Paid if settled.minor() > 0 => text.push_str("; it is paid"),
        InvoiceState::Open | InvoiceState::Uncollectible => text.push_str(&format!("; {balance} {currency} remain")),
        _ => {}
    }
    text
}

#[derive(Serialize)]
struct Listed {
    provider: String,
    reference: String,
    received_on: NaiveDate,
    amount: Money,
    currency: &'static str,
}

fn list(invoice: &str, company_id: Option<&CompanyId>, ctx: &Context) -> Result<ExitCode> {
    let listed = ctx.open_db()?.read(|tx| {
        let invoice = find(tx, invoice, company_id)?;
        let found = payments::of_invoice(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
        let listed = found.into_iter().map(|a| Listed {
            provider: a.provider,
            reference: a.reference,
            received_on: a.received_on,
            amount: a.amount,
            currency: invoice.currency.code(),
        });
        Ok::<Vec<Listed>, Error>(listed.collect())
    })?;
    let columns = [
        Column::left("Received"),
        Column::right("Amount"),
        Column::left("Currency"),
        Column::left("Provider"),
        Column::left("Reference"),
    ];
    ctx.ui.list(&columns, &listed, |l| {
        vec![l.received_on.to_string(), l.amount.to_string(), l.currency.to_owned(), l.provider.clone(), l.reference.clone()]
    });
    Ok(ExitCode::Done)
}
