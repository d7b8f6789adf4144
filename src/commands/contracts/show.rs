//! `contracts list` and `contracts show`.

use super::Which;
use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::model::{BillableItem, CompanyId, Contract, ContractItem, ContractPlan, Pause, SellerId};
use crate::operations::contracts::{agreement, find, paused_on};
use crate::rules::amend::Agreement;
use crate::rules::schedule::today;
use crate::store::{Db, billing, contracts, items, pauses, sellers};
use crate::ui::{Column, Table};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::HashMap;

/// Rows that are read at a time.
const PAGE: u32 = 500;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only in this state today.
    #[arg(long, value_parser = ["upcoming", "active", "paused", "ended"])]
    state: Option<String>,
    /// Only of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

#[derive(Serialize)]
struct Listed {
    company_id: String,
    contract_id: String,
    state: &'static str,
    seller_id: String,
    currency: &'static str,
    cadence: String,
    every: u16,
    timing: &'static str,
    start: NaiveDate,
    end: Option<NaiveDate>,
    next_due_on: Option<NaiveDate>,
}

/// What a contract is on a day.
fn state(contract: &Contract, pauses: &[Pause], day: NaiveDate) -> &'static str {
    if day < contract.start {
        "upcoming"
    } else if contract.end.is_some_and(|end| end <= day) {
        "ended"
    } else if paused_on(pauses, day).is_some() {
        "paused"
    } else {
        "active"
    }
}

/// Each seller's today.
fn todays(ctx: &Context, db: &mut Db) -> Result<HashMap<SellerId, NaiveDate>> {
    let sellers = db.read(|tx| Ok::<_, Error>(sellers::all(tx)?))?;
    Ok(sellers.into_iter().map(|seller| (seller.seller_id, today(ctx.as_of, seller.time_zone))).collect())
}

/// Lists contracts by company and id.
pub(super) fn list(args: &ListArgs, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let todays = todays(ctx, &mut db)?;
    let company = args.company_id.as_ref().map_or("", CompanyId::as_str);
    let mut after = (String::new(), String::new());
    let mut listed: Vec<Listed> = Vec::new();
    let limit = args.limit as usize;
    while listed.len() < limit {
        let page = db.read(|tx| {
            let page = contracts::list(tx, company, (&after.0, &after.1), PAGE)?;
            let mut ids: Vec<&str> = page.iter().map(|(contract, _)| contract.company_id.as_str()).collect();
            ids.dedup();
            let paused = pauses::of_companies(tx, &ids)?;
            Ok::<_, Error>((page, paused))
        })?;
        let (page, paused) = page;
        let Some((last, _)) = page.last() else { break };
        after = (last.company_id.to_string(), last.contract_id.to_string());
        for (contract, next) in page {
            let own: Vec<Pause> = paused.iter().filter(|p| is_of(p, &contract)).cloned().collect();
            let day = todays.get(&contract.seller_id).copied().unwrap_or_else(|| ctx.as_of.date_naive());
            let state = state(&contract, &own, day);
            if args.state.as_deref().is_none_or(|wanted| wanted == state) && listed.len() < limit {
                listed.push(row(&contract, state, next));
            }
        }
    }
    let columns = ["Contract", "Company", "State", "Billed", "Start", "End", "Next due"].map(Column::left);
    ctx.ui.list(&columns, &listed, |l| {
        let every = if l.every == 1 { l.cadence.clone() } else { format!("{} × {}", l.every, l.cadence) };
        let billed = format!("{every}, {}", l.timing);
        let (end, due) = (optional(l.end), optional(l.next_due_on));
        vec![l.contract_id.clone(), l.company_id.clone(), l.state.to_owned(), billed, l.start.to_string(), end, due]
    });
    if listed.len() == limit {
        ctx.ui.note(format!("only the first {limit} are shown; --limit N shows more"));
    }
    Ok(ExitCode::Done)
}

fn is_of(pause: &Pause, contract: &Contract) -> bool {
    pause.company_id == contract.company_id && pause.contract_id == contract.contract_id
}

fn row(contract: &Contract, state: &'static str, next_due_on: Option<NaiveDate>) -> Listed {
    Listed {
        company_id: contract.company_id.to_string(),
        contract_id: contract.contract_id.to_string(),
        state,
        seller_id: contract.seller_id.to_string(),
        currency: contract.currency.code(),
        cadence: contract.interval.cadence.to_string(),
        every: contract.interval.every.get(),
        timing: contract.timing.as_str(),
        start: contract.start,
        end: contract.end,
        next_due_on,
    }
}

fn optional(day: Option<NaiveDate>) -> String {
    day.map_or_else(String::new, |day| day.to_string())
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    contract: Listed,
    description: String,
    reference: String,
    plans: Vec<OnPlan>,
    items: Vec<Version>,
    pauses: Vec<Paused>,
    /// Credits and charges that no invoice has taken up.
    open_adjustments: Vec<Open>,
}

#[derive(Serialize)]
struct Version {
    item_id: String,
    valid_from: NaiveDate,
    end: Option<NaiveDate>,
    description: String,
    price_model: &'static str,
    quantity: String,
    unit: String,
    unit_price: String,
    tax_code: Option<String>,
}

/// On which price list from which day on; none: on none any more.
#[derive(Serialize)]
struct OnPlan {
    from: NaiveDate,
    plan_id: Option<String>,
    version: Option<NaiveDate>,
}

fn on_plan(on: ContractPlan) -> OnPlan {
    let (plan_id, version) = on.plan.unzip();
    OnPlan { from: on.valid_from, plan_id: plan_id.map(|id| id.to_string()), version }
}

#[derive(Serialize)]
struct Paused {
    from: NaiveDate,
    until: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Open {
    source_key: String,
    description: String,
    period: crate::model::Period,
    amount: crate::model::Money,
    billed_on: NaiveDate,
}

impl Open {
    fn of(item: &BillableItem) -> Option<Self> {
        let adjustment = item.adjustment.as_ref()?;
        Some(Self {
            source_key: item.source_key.to_string(),
            description: item.description.clone(),
            period: adjustment.period,
            amount: adjustment.amount,
            billed_on: adjustment.alone_on,
        })
    }
}

/// Shows one contract.
pub(super) fn show(which: &Which, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let todays = todays(ctx, &mut db)?;
    let shown = db.read(|tx| {
        let found = find(tx, &which.contract, which.company_id.as_ref())?;
        let Agreement { contract, items, plans, pauses } = agreement(tx, found)?;
        let next = billing::schedule(tx, &contract.company_id, &contract.contract_id)?.and_then(|(next, _)| next);
        let adjustments = items::adjustments(tx, &contract.company_id, &contract.contract_id)?;
        let open = adjustments.iter().filter(|(_, taken)| taken.is_none()).filter_map(|(item, _)| Open::of(item)).collect();
        let day = todays.get(&contract.seller_id).copied().unwrap_or_else(|| ctx.as_of.date_naive());
        let real = pauses.iter().filter(|pause| pause.until != Some(pause.from));
        Ok::<_, Error>(Shown {
            contract: row(&contract, state(&contract, &pauses, day), next.map(|next| next.due_on)),
            description: contract.description.clone(),
            reference: contract.reference.clone(),
            plans: plans.into_iter().map(on_plan).collect(),
            items: items.iter().map(version).collect(),
            pauses: real.map(|pause| Paused { from: pause.from, until: pause.until }).collect(),
            open_adjustments: open,
        })
    })?;
    ctx.ui.item(&shown, || heading(&shown));
    ctx.ui.table(&versions(&shown));
    ctx.ui.table(&open(&shown));
    Ok(ExitCode::Done)
}

fn version(item: &ContractItem) -> Version {
    Version {
        item_id: item.item_id.to_string(),
        valid_from: item.valid_from,
        end: item.end,
        description: item.description.clone(),
        price_model: item.price_model.as_str(),
        quantity: item.quantity.normalize().to_string(),
        unit: item.unit.clone(),
        unit_price: item.unit_price.normalize().to_string(),
        tax_code: item.tax_code.as_ref().map(ToString::to_string),
    }
}

fn heading(shown: &Shown) -> String {
    let Listed { company_id, contract_id, state, cadence, timing, start, end, currency, .. } = &shown.contract;
    let mut text = format!("{contract_id} ({state}) of {company_id}, {cadence} in {timing}, in {currency}, from {start}");
    if let Some(end) = end {
        text.push_str(&format!(" until {end}"));
    }
    match shown.contract.next_due_on {
        Some(due) => text.push_str(&format!("\nnext due {due}")),
        None => text.push_str("\nnothing left to bill"),
    }
    for OnPlan { from, plan_id, version } in &shown.plans {
        text.push_str(&match (plan_id, version) {
            (Some(plan_id), Some(version)) => format!("\non plan {plan_id} ({version}) from {from}"),
            _ => format!("\non no plan from {from}"),
        });
    }
    for Paused { from, until } in &shown.pauses {
        let until = until.map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {until}"));
        text.push_str(&format!("\npaused from {from} {until}"));
    }
    text
}

fn versions(shown: &Shown) -> Table {
    let mut columns = ["Item", "From", "Until", "Description", "Model"].map(Column::left).to_vec();
    columns.extend(["Quantity", "Price"].map(Column::right));
    let mut table = Table::new(&columns);
    for v in &shown.items {
        let quantity = format!("{} {}", v.quantity, v.unit).trim_end().to_owned();
        let until = optional(v.end);
        let (from, model) = (v.valid_from.to_string(), v.price_model.to_owned());
        let price = match v.price_model {
            "graduated" | "volume" => "in tiers".to_owned(),
            "plan" => "by its plan".to_owned(),
            _ => v.unit_price.clone(),
        };
        table.row(vec![v.item_id.clone(), from, until, v.description.clone(), model, quantity, price]);
    }
    table
}

fn open(shown: &Shown) -> Table {
    let columns = [Column::left("To be billed"), Column::left("Days"), Column::left("From"), Column::right("Amount")];
    let mut table = Table::new(&columns);
    for o in &shown.open_adjustments {
        table.row(vec![o.description.clone(), o.period.to_string(), o.billed_on.to_string(), o.amount.to_string()]);
    }
    table
}
