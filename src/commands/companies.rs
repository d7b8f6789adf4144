//! `finops companies`: who is billed, what they owe, and their statements of account.

mod statement;

use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::model::dunning::Hold;
use crate::model::{Company, CompanyId, Contact, Money};
use crate::operations::companies::{Balance, balances};
use crate::store::{Db, companies, contacts, credit, dunning, invoices};
use crate::ui::{Column, Table};
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};

/// Companies that are read at a time.
const PAGE: u32 = 500;

/// Look at companies, what they owe, and their statements of account.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops companies show acme")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List companies with what they owe.
    #[command(after_help = "Example:\n  finops companies list --owing")]
    List(ListArgs),
    /// Show one company with its contacts, what it owes, and what is held back.
    #[command(after_help = "Example:\n  finops companies show acme")]
    Show {
        /// The company's id.
        #[arg(value_name = "ID")]
        company_id: CompanyId,
    },
    /// Make a statement of account: what moved it, and the balance after each entry.
    ///
    /// Without --from it begins with the oldest invoice that is not paid.
    #[command(
        after_help = "Example:\n  finops companies statement acme\n  finops companies statement acme --pdf statement.pdf\n  \
                            finops companies statement acme --from 2026-01-01 --mail"
    )]
    Statement(statement::StatementArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only those that owe something.
    #[arg(long)]
    owing: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    match &args.verb {
        Verb::List(args) => list(args, ctx, &mut db),
        Verb::Show { company_id } => show(company_id, ctx, &mut db),
        Verb::Statement(args) => statement::run(args, ctx, &mut db),
    }
}

#[derive(Serialize)]
struct Listed {
    company_id: CompanyId,
    name: String,
    country: String,
    balances: Vec<Balance>,
}

fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let limit = args.limit as usize;
    let (mut found, mut after, mut more) = (Vec::new(), Some(String::new()), false);
    while let Some(from) = after.take().filter(|_| found.len() <= limit) {
        let page = db.read(|tx| {
            let page = companies::page(tx, &from, PAGE)?;
            let ids: Vec<&str> = page.iter().map(|company| company.company_id.as_str()).collect();
            let balances = balances(tx, &ids, ctx.as_of)?;
            Ok::<_, Error>((page, balances))
        })?;
        let (page, mut balances) = page;
        after = page.last().filter(|_| page.len() == PAGE as usize).map(|last| last.company_id.to_string());
        for Company { company_id, name, address, .. } in page {
            let balances = balances.remove(&company_id).unwrap_or_default();
            if !args.owing || !balances.is_empty() {
                found.push(Listed { company_id, name, country: address.country, balances });
            }
        }
    }
    if found.len() > limit {
        found.truncate(limit);
        more = true;
    }
    let columns =
        [Column::left("Company"), Column::left("Name"), Column::left("Country"), Column::right("Open"), Column::right("Overdue")];
    ctx.ui.list(&columns, &found, |listed| {
        let sums = |of: fn(&Balance) -> Money| {
            let sums = listed.balances.iter().filter(|balance| !of(balance).is_zero());
            sums.map(|balance| format!("{} {}", of(balance), balance.currency)).collect::<Vec<_>>().join(" + ")
        };
        vec![
            listed.company_id.to_string(),
            listed.name.clone(),
            listed.country.clone(),
            sums(|balance| balance.open),
            sums(|balance| balance.overdue),
        ]
    });
    if more {
        ctx.ui.note(format!("only the first {limit} are shown; --limit N shows more"));
    }
    Ok(ExitCode::Done)
}

fn show(company_id: &CompanyId, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let id = company_id.as_str();
    let about = db.read(|tx| {
        let company = companies::by_ids(tx, &[id])?.pop().ok_or_else(|| {
            Error::not_found(format!("there is no company {id}")).hint("check the id: finops companies list shows them")
        })?;
        let mut holds = Vec::new();
        for hold in dunning::holds(tx, &[id])? {
            let invoice = match &hold.invoice_id {
                Some(invoice_id) => invoices::head(tx, company_id, invoice_id)?.map(|invoice| invoice.label().to_owned()),
                None => None,
            };
            holds.push((hold, invoice));
        }
        Ok::<_, Error>(About {
            company,
            contacts: contacts::of_companies(tx, &[id])?,
            balances: balances(tx, &[id], ctx.as_of)?.remove(company_id).unwrap_or_default(),
            credit: credit::balances(tx, &[id])?.into_iter().map(|balance| balance.amount).collect(),
            holds,
        })
    })?;
    ctx.ui.item(&shown(&about), || heading(&about.company));
    ctx.ui.table(&facts(&about));
    ctx.ui.table(&people(&about.contacts));
    ctx.ui.table(&sums(&about.balances));
    Ok(ExitCode::Done)
}

/// All that is shown of a company.
struct About {
    company: Company,
    contacts: Vec<Contact>,
    balances: Vec<Balance>,
    credit: Vec<Money>,
    /// Each with the number of its invoice.
    holds: Vec<(Hold, Option<String>)>,
}

fn shown(about: &About) -> Value {
    let About { company, contacts, balances, credit, holds } = about;
    let contacts = contacts.iter().map(|contact| {
        json!({
            "contact_id": contact.contact_id, "name": contact.name, "email": contact.email, "phone": contact.phone,
            "roles": contact.roles, "language": contact.language, "time_zone": contact.time_zone.map(|zone| zone.name()),
        })
    });
    let holds = holds
        .iter()
        .map(|(hold, invoice)| json!({ "invoice": invoice, "kind": hold.kind, "until": hold.until, "reason": hold.reason }));
    json!({
        "company_id": company.company_id,
        "name": company.name,
        "attention": company.attention,
        "country": company.address.country,
        "email": company.email,
        "language": company.language,
        "time_zone": company.time_zone.map(|zone| zone.name()),
        "delivery": company.delivery,
        "account_manager": company.account_manager,
        "reminder_policy": company.reminder_policy,
        "contacts": contacts.collect::<Vec<_>>(),
        "balances": balances,
        "credit": credit.iter().map(|sum| json!({ "amount": sum, "currency": sum.currency() })).collect::<Vec<_>>(),
        "holds": holds.collect::<Vec<_>>(),
    })
}

fn heading(company: &Company) -> String {
    format!("{} {}, {}", company.company_id, company.name, company.address.country)
}

fn facts(about: &About) -> Table {
    let About { company, credit, holds, .. } = about;
    let mut table = Table::new(&[Column::left("What"), Column::left("Value")]);
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            table.row(vec![name.to_owned(), value]);
        }
    };
    row("Email", company.email.clone());
    row("Language", company.language.clone());
    row("Invoices", company.delivery.to_string());
    row("Reminders", company.reminder_policy.clone());
    row("Account manager", company.account_manager.clone());
    for sum in credit.iter().filter(|sum| !sum.is_zero()) {
        row("Credit", format!("{sum} {}", sum.currency()));
    }
    for (hold, invoice) in holds {
        let what = invoice.as_ref().map_or("all reminders".to_owned(), |number| format!("reminders of {number}"));
        let until = hold.until.map_or_else(|| "its release".to_owned(), |until| until.to_string());
        row("Held back", format!("{what}, {} until {until}: {}", hold.kind, hold.reason).trim_end_matches([':', ' ']).to_owned());
    }
    table
}

fn people(contacts: &[Contact]) -> Table {
    let columns = [
        Column::left("Contact"),
        Column::left("Name"),
        Column::left("Roles"),
        Column::left("Email"),
        Column::left("Phone"),
        Column::left("Language"),
    ];
    let mut table = Table::new(&columns);
    for contact in contacts {
        let roles = if contact.roles.is_empty() { "none".to_owned() } else { contact.roles_text() };
        table.row(vec![
            contact.contact_id.to_string(),
            contact.name.clone(),
            roles,
            contact.email.clone(),
            contact.phone.clone(),
            contact.language.clone(),
        ]);
    }
    table
}

fn sums(balances: &[Balance]) -> Table {
    let columns =
        [Column::left("Seller"), Column::right("Invoices"), Column::right("Open"), Column::right("Overdue"), Column::left("")];
    let mut table = Table::new(&columns);
    for balance in balances {
        table.row(vec![
            balance.seller_id.to_string(),
            balance.invoices.to_string(),
            balance.open.to_string(),
            balance.overdue.to_string(),
            balance.currency.to_string(),
        ]);
    }
    table
}
