//! `finops credit`: what companies have to their credit.

use crate::context::Context;
use crate::engine::doubts;
use crate::error::{Error, ExitCode, Result};
use crate::model::money::parse_decimal;
use crate::model::{CompanyId, Currency, Invalid, Money, SellerId};
use crate::operations::credit::{self, Applied, Refund, Refunded};
use crate::operations::invoices::find;
use crate::store::credit::{Balance, Entry, balances, companies, of_company};
use crate::store::{Db, Tx};
use crate::ui::{Column, Table};
use clap::Subcommand;
use rust_decimal::Decimal;
use serde::Serialize;

/// Companies that are read at a time.
const PAGE: u32 = 500;

/// Show companies' credit, use it, pay it out.
///
/// Credit comes from credit notes, over-payments and invoices below zero. The next invoice of the same
/// company, seller and currency uses it up when it is issued.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops credit list")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show who has credit; with a company, where it came from and where it went.
    #[command(after_help = "Example:\n  finops credit list --company-id acme")]
    List {
        /// Only this company, with its entries.
        #[arg(long, value_name = "ID")]
        company_id: Option<CompanyId>,
    },
    /// Use the company's credit on an invoice that is open already, as far as it goes.
    ///
    /// A later invoice does so by itself. Again, it does nothing.
    #[command(after_help = "Example:\n  finops credit apply INV-2026-000001 --dry-run")]
    Apply {
        /// The invoice's number, or its id.
        invoice: String,
        /// The company, when two sellers use the same number.
        #[arg(long, value_name = "ID")]
        company_id: Option<CompanyId>,
        /// Show what it would do, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    Refund(RefundArgs),
}

/// Record that credit was paid out, once per reference.
///
/// The money itself moves outside of finops. The same payout again changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops credit refund --company-id acme --amount 59.50 --ref TX9")]
struct RefundArgs {
    /// The company.
    #[arg(long, value_name = "ID")]
    company_id: CompanyId,
    /// What was paid out: 59.50.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true)]
    amount: Decimal,
    /// The bank's or the provider's own reference of the payout.
    #[arg(long = "ref", value_name = "REFERENCE")]
    reference: String,
    /// The seller, when the company has credit with several.
    #[arg(long, value_name = "ID")]
    seller_id: Option<SellerId>,
    /// The currency, when it has credit in several.
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    /// Check it and show what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

fn decimal(text: &str) -> Result<Decimal, Invalid> {
    parse_decimal(text)
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    match &args.verb {
        Verb::List { company_id: Some(company_id) } => entries(company_id, ctx, &mut db),
        Verb::List { company_id: None } => list(ctx, &mut db),
        Verb::Apply { invoice, company_id, dry_run } => apply(invoice, company_id.as_ref(), *dry_run, ctx, &mut db),
        Verb::Refund(args) => refund(args, ctx, &mut db),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    company_id: &'a CompanyId,
    seller_id: &'a SellerId,
    credit: Money,
    currency: Currency,
}

fn listed(balance: &Balance) -> Listed<'_> {
    let Balance { company_id, seller_id, amount } = balance;
    Listed { company_id, seller_id, credit: *amount, currency: amount.currency() }
}

fn list(ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let mut found: Vec<Balance> = Vec::new();
    let mut after = String::new();
    loop {
        let page = db.read(|tx| {
            let page = companies(tx, &after, PAGE)?;
            let ids: Vec<&str> = page.iter().map(String::as_str).collect();
            let balances = balances(tx, &ids)?;
            Ok::<_, Error>(page.last().cloned().map(|last| (last, balances)))
        })?;
        let Some((last, balances)) = page else { break };
        (after, _) = (last, found.extend(balances));
    }
    let rows: Vec<Listed> = found.iter().map(listed).collect();
    let columns = [Column::left("Company"), Column::left("Seller"), Column::right("Credit"), Column::left("Currency")];
    ctx.ui.list(&columns, &rows, |row| {
        vec![row.company_id.to_string(), row.seller_id.to_string(), row.credit.to_string(), row.currency.to_string()]
    });
    Ok(ExitCode::Done)
}

/// One company's entries, and what they add up to.
#[derive(Serialize)]
struct OfCompany<'a> {
    company_id: &'a CompanyId,
    balances: Vec<Listed<'a>>,
    entries: &'a [Entry],
}

fn entries(company_id: &CompanyId, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let (balances, entries) =
        db.read(|tx| Ok::<_, Error>((balances(tx, &[company_id.as_str()])?, of_company(tx, company_id)?)))?;
    let shown = OfCompany { company_id, balances: balances.iter().map(listed).collect(), entries: &entries };
    ctx.ui.item(&shown, || {
        let told: Vec<String> =
            balances.iter().map(|b| format!("{} {} with {}", b.amount, b.amount.currency(), b.seller_id)).collect();
        let told = if told.is_empty() { "no credit".to_owned() } else { told.join(", ") };
        format!("company {company_id}: {told}")
    });
    let columns =
        [Column::left("Date"), Column::left("Seller"), Column::right("Amount"), Column::left("Currency"), Column::left("For")];
    let mut table = Table::new(&columns);
    for entry in &entries {
        let what = if entry.invoice_id.is_some() && entry.amount.minor() < 0 { "settles: " } else { "" };
        table.row(vec![
            entry.entered_on.to_string(),
            entry.seller_id.to_string(),
            entry.amount.to_string(),
            entry.currency.to_string(),
            format!("{what}{}", entry.reason),
        ]);
    }
    ctx.ui.table(&table);
    Ok(ExitCode::Done)
}

#[derive(Serialize)]
struct Told<'a, T> {
    dry_run: bool,
    #[serde(flatten)]
    done: &'a T,
}

fn apply(invoice: &str, company: Option<&CompanyId>, dry_run: bool, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let work = |tx: &mut Tx| {
        let invoice = find(tx, invoice, company)?;
        credit::apply(tx, ctx, &invoice)
    };
    let applied = if dry_run {
        db.rehearse(work)?
    } else {
        ctx.refuse_a_future(db)?;
        doubts::tell(ctx, db)?;
        db.write_surely(work)?
    };
    let told = Told { dry_run, done: &applied };
    let text = || {
        let Applied { company_id, invoice, amount, currency, balance, left, .. } = &applied;
        if amount.is_zero() {
            return format!(
                "nothing changed: company {company_id} has {left} {currency} of credit, and {balance} {currency} of invoice {invoice} are open"
            );
        }
        let would = if dry_run { "would lower" } else { "lower" };
        format!(
            "{amount} {currency} of credit {would} invoice {invoice}: {balance} {currency} remain, and {left} {currency} of credit"
        )
    };
    if dry_run {
        ctx.ui.item(&told, text);
    } else {
        ctx.ui.done(&told, text);
    }
    Ok(ExitCode::Done)
}

fn refund(args: &RefundArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let RefundArgs { company_id, amount, reference, seller_id, currency, reason, dry_run } = args;
    let wanted = Refund {
        company_id: company_id.clone(),
        seller_id: seller_id.clone(),
        currency: *currency,
        amount: *amount,
        reference: reference.clone(),
        reason: reason.clone(),
    };
    let work = |tx: &mut Tx| credit::refund(tx, ctx, &wanted);
    let refunded = if *dry_run {
        db.rehearse(work)?
    } else {
        ctx.refuse_a_future(db)?;
        doubts::tell(ctx, db)?;
        db.write(work)?
    };
    let told = Told { dry_run: *dry_run, done: &refunded };
    let text = || {
        let Refunded { amount, currency, seller_id, left, already_recorded, .. } = &refunded;
        if *already_recorded {
            return format!("payout {reference} of {amount} {currency} is already recorded: nothing changed");
        }
        let would = if *dry_run { "would be taken" } else { "taken" };
        format!("{amount} {currency} {would} off the credit of company {company_id} with {seller_id}; {left} {currency} are left")
    };
    if *dry_run {
        ctx.ui.item(&told, text)
    } else {
        ctx.ui.done(&told, text)
    }
    Ok(ExitCode::Done)
}
