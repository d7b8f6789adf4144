//! `finops contracts`: what was agreed, and how it changes.

mod show;

use crate::context::Context;
use crate::engine::{doubts, host};
use crate::error::{Error, ExitCode, Result};
use crate::model::calendar::parse_date;
use crate::model::money::parse_decimal;
use crate::model::{CompanyId, Invalid, ItemId, PlanId, PriceModel, TaxCode};
use crate::operations::contracts::{Amended, Desk, Order, UnbilledUsage, amend};
use crate::rules::amend::{Amendment, Terms};
use crate::store::Tx;
use chrono::NaiveDate;
use clap::Subcommand;
use rust_decimal::Decimal;
use serde::Serialize;

/// Show contracts and change them, also in the middle of a billed period.
///
/// A change in service that is billed already credits the unused days of the old and charges the
/// remaining days of the new, both as lines of the next invoice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops contracts change care --item seats --price 120 --on 2026-10-18 --dry-run")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List contracts.
    #[command(after_help = "Example:\n  finops contracts list --state paused")]
    List(show::ListArgs),
    /// Show one contract with its items, pauses, and what is still to be credited or charged.
    #[command(after_help = "Example:\n  finops contracts show care")]
    Show(Which),
    Change(Box<ChangeArgs>),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Cancel(CancelArgs),
}

/// Which contract.
#[derive(Debug, Clone, clap::Args)]
struct Which {
    /// The contract's id.
    contract: String,

    /// The company, when several have a contract of this id.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
}

/// How to do it.
#[derive(Debug, Clone, clap::Args)]
struct How {
    /// Bill what is credited or charged at once, as a draft of its own, rather than with the next invoice.
    #[arg(long)]
    at_once: bool,

    /// Credit billed periods though their invoices have credit notes or were edited by hand: that was about something else.
    #[arg(long)]
    despite_corrections: bool,

    /// Why; the audit log keeps it.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,

    /// Show the lines that would come, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Change what is agreed from a day on: an item's price or quantity, an item more or less, or the plan.
///
/// An item holds until the next change of it that is known already. Said again, it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops contracts change care --item seats --price 120 --on 2026-10-18 --dry-run\n  \
                        finops contracts change care --add backup --price 15 --quantity 3 --on 2026-10-18\n  \
                        finops contracts change care --plan pro --on 2026-10-18 --dry-run")]
struct ChangeArgs {
    #[command(flatten)]
    which: Which,

    /// First day on which it holds: 2026-10-18.
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: NaiveDate,

    /// The item; may be left out when the contract has only one.
    #[arg(long, value_name = "ID", conflicts_with_all = ["add", "remove"])]
    item: Option<ItemId>,

    /// Add an item under this id.
    #[arg(long, value_name = "ID", conflicts_with = "remove", requires = "price")]
    add: Option<ItemId>,

    /// Remove this item.
    #[arg(long, value_name = "ID", conflicts_with_all = ["price", "quantity", "model", "unit", "description", "tax_code"])]
    remove: Option<ItemId>,

    /// Move the contract to this plan (an upgrade, a downgrade): what is billed by the old one is credited.
    #[arg(long, value_name = "ID", conflicts_with_all = ["item", "add", "remove", "price", "quantity", "model", "unit", "description", "tax_code"])]
    plan: Option<PlanId>,

    /// The version of the plan, by its first day [default: the one it is on, else the latest of that day].
    #[arg(long, value_name = "DATE", value_parser = date, requires = "plan")]
    plan_version: Option<NaiveDate>,

    /// Its new price for a full period, in the contract's currency: 120.00.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true)]
    price: Option<Decimal>,

    /// Its new quantity.
    #[arg(long, value_parser = decimal, allow_negative_numbers = true)]
    quantity: Option<Decimal>,

    /// Its new price model: flat, per_unit.
    #[arg(long, value_name = "MODEL")]
    model: Option<PriceModel>,

    /// What stands beside the quantity: seat, device, GB.
    #[arg(long)]
    unit: Option<String>,

    /// What the invoice calls it.
    #[arg(long)]
    description: Option<String>,

    /// Its tax code, one of the seller's.
    #[arg(long, value_name = "CODE")]
    tax_code: Option<TaxCode>,

    #[command(flatten)]
    how: How,
}

/// Pause a contract: nothing is served or billed until it is resumed.
///
/// Its billing periods stay where they are. What is billed of the pause already is credited.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops contracts pause care --on 2026-12-20 --until 2027-01-07")]
struct PauseArgs {
    #[command(flatten)]
    which: Which,

    /// First day that is not served: 2026-12-20.
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: NaiveDate,

    /// First day that is served again, when it is known.
    #[arg(long, value_name = "DATE", value_parser = date)]
    until: Option<NaiveDate>,

    #[command(flatten)]
    how: How,
}

/// Resume a paused contract, or end a pause earlier than planned.
///
/// In the middle of a period the rest of it is billed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops contracts resume care --on 2027-01-04")]
struct ResumeArgs {
    #[command(flatten)]
    which: Which,

    /// First day that is served again: 2027-01-04.
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: NaiveDate,

    #[command(flatten)]
    how: How,
}

/// End a contract, also on a day that is billed already; what is billed beyond it is credited.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops contracts cancel care --on 2026-10-18 --notice-given 2026-09-30")]
struct CancelArgs {
    #[command(flatten)]
    which: Which,

    /// First day that is not served: 2026-10-18.
    #[arg(long, value_name = "DATE", value_parser = date, required_unless_present = "undo", conflicts_with = "undo")]
    on: Option<NaiveDate>,

    /// The day on which notice was given; the audit log keeps it.
    #[arg(long, value_name = "DATE", value_parser = date)]
    notice_given: Option<NaiveDate>,

    /// Take the end back: the contract goes on, and what was credited is charged again.
    #[arg(long)]
    undo: bool,

    #[command(flatten)]
    how: How,
}

fn decimal(text: &str) -> Result<Decimal, Invalid> {
    parse_decimal(text)
}

fn date(text: &str) -> Result<NaiveDate, Invalid> {
    parse_date(text)
}

pub fn run(args: Args, ctx: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List(args) => show::list(&args, ctx),
        Verb::Show(which) => show::show(&which, ctx),
        Verb::Change(args) => {
            let (which, on, how) = (args.which.clone(), args.on, args.how.clone());
            order(ctx, which, on, amendment(*args)?, how, None)
        }
        Verb::Pause(args) => order(ctx, args.which, args.on, Amendment::Pause(args.until), args.how, None),
        Verb::Resume(args) => order(ctx, args.which, args.on, Amendment::Resume, args.how, None),
        Verb::Cancel(CancelArgs { which, on: Some(on), notice_given, how, .. }) => {
            order(ctx, which, on, Amendment::Cancel, how, notice_given)
        }
        Verb::Cancel(CancelArgs { which, on: None, notice_given, how, .. }) => {
            order(ctx, which, ctx.as_of.date_naive(), Amendment::Reinstate, how, notice_given)
        }
    }
}

fn amendment(args: ChangeArgs) -> Result<Amendment> {
    let ChangeArgs { item, add, remove, plan, plan_version, price, quantity, model, unit, description, tax_code, .. } = args;
    if let Some(plan_id) = plan {
        return Ok(Amendment::Plan(plan_id, plan_version));
    }
    let terms = Terms { unit_price: price, quantity, price_model: model, unit, description, tax_code };
    Ok(match (add, remove) {
        (Some(item), _) => Amendment::Add(item, terms),
        (None, Some(item)) => Amendment::Remove(item),
        (None, None) if terms == Terms::default() => {
            return Err(Error::usage("nothing is said to change")
                .hint("say what changes: --price, --quantity, --add ID, --remove ID, --plan ID; see --help"));
        }
        (None, None) => Amendment::Change(item, terms),
    })
}

fn order(
    ctx: &Context,
    which: Which,
    on: NaiveDate,
    amendment: Amendment,
    how: How,
    notice: Option<NaiveDate>,
) -> Result<ExitCode> {
    let How { at_once, despite_corrections, reason, dry_run } = how;
    let Which { contract, company_id: company } = which;
    let order = Order { contract, company, on, amendment, at_once, despite_corrections, reason, notice };
    let author = host::author(ctx);
    let mut db = ctx.open_db()?;
    let work = |tx: &mut Tx| amend(tx, Desk { author: &author, as_of: ctx.as_of, ids: &ctx.ids }, &order);
    let amended = if dry_run {
        db.rehearse(work)?
    } else {
        ctx.refuse_a_future(&mut db)?;
        doubts::tell(ctx, &mut db)?;
        db.write(work)?
    };
    let told = Told { dry_run, amended: &amended };
    if dry_run {
        ctx.ui.item(&told, || text(&amended, &order, true));
    } else {
        ctx.ui.done(&told, || text(&amended, &order, false));
    }
    Ok(ExitCode::Done)
}

#[derive(Serialize)]
struct Told<'a> {
    dry_run: bool,
    #[serde(flatten)]
    amended: &'a Amended,
}

fn text(amended: &Amended, order: &Order, dry_run: bool) -> String {
    let Amended { company_id, contract_id, lines, currency, .. } = amended;
    let what = said(order);
    if amended.unchanged {
        return format!("contract {contract_id} of company {company_id} {what} already: nothing changed");
    }
    let (before, after) = if dry_run { ("if ", ":") } else { ("", "") };
    let mut text = format!("{before}contract {contract_id} of company {company_id} {what}{after}");
    for line in lines {
        let kind = if line.amount.minor() < 0 { "credit" } else { "charge" };
        text.push_str(&format!(
            "\n  {kind}  {}, {}, {}{} × {}: {} {currency}",
            line.description,
            line.period,
            if line.days == line.of_days { String::new() } else { format!("{} of {} days, ", line.days, line.of_days) },
            line.quantity.normalize(),
            currency.price(line.unit_price),
            line.amount
        ));
    }
    if let Some(total) = amended.total {
        let place = match (&amended.draft, amended.billed_on) {
            (Some(_), _) if dry_run => "as a draft of its own, at once".to_owned(),
            (Some(draft), _) => format!("as draft {draft}"),
            (None, Some(on)) => format!("on the next invoice, from {on}"),
            (None, None) => String::new(),
        };
        text.push_str(&format!("\n  in all {total} {currency} before tax, {place}"));
        if total.minor() < 0 && amended.draft.is_some() {
            text.push_str("\n  issued, it is the company's credit: finops credit apply INVOICE uses it on one that is open");
        }
    }
    for UnbilledUsage { meter, from, quantity } in &amended.unbilled_usage {
        let quantity = quantity.normalize();
        text.push_str(&format!("\n  not billed: {quantity} of {meter} used from {from} on, when it is not served any more"));
    }
    if amended.stale_drafts > 0 {
        let drafts = if amended.stale_drafts == 1 { "open draft is" } else { "open drafts are" };
        let count = amended.stale_drafts;
        text.push_str(&format!("\n  {count} {drafts} made anew by the next finops invoices generate, unless edited by hand"));
    }
    text
}

/// What the contract is after the order, as the rest of a sentence.
fn said(order: &Order) -> String {
    let on = order.on;
    match &order.amendment {
        Amendment::Change(Some(item), _) => format!("has item {item} as said from {on} on"),
        Amendment::Change(None, _) => format!("has its item as said from {on} on"),
        Amendment::Add(item, _) => format!("has an item {item} from {on} on"),
        Amendment::Remove(item) => format!("has no item {item} from {on} on"),
        Amendment::Plan(plan_id, _) => format!("is on plan {plan_id} from {on} on"),
        Amendment::Pause(None) => format!("is paused from {on} on"),
        Amendment::Pause(Some(until)) => format!("is paused from {on} until {until}"),
        Amendment::Resume => format!("is resumed on {on}"),
        Amendment::Cancel => format!("ends on {on}"),
        Amendment::Reinstate => "has no end".to_owned(),
    }
}
