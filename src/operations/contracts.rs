//! What a person does to one contract: find it, and amend it from a day on, also in the middle of a
//! period that is billed already.
//!
//! Billed is what stands on an issued invoice (`billed_periods`). What a change costs there is the
//! difference between the agreement before and after (`rules::billing::adjustments`), and becomes
//! billable items, which the next invoice takes up. Both are written in one transaction that holds the
//! company, so the same command said again finds no difference, and does nothing. A draft is not billed
//! yet: it is made anew.

mod corrected;
mod record;
mod taxes;
mod voided;

pub use record::{MOVED, PREFIX};
pub use voided::forget_adjustments;

use crate::context::Ids;
use crate::error::{Error, Result};
use crate::jobs::generate::{Plans, agreed_facts};
use crate::model::{
    BillableItem, Company, CompanyId, Contract, ContractId, Currency, InvoiceId, Meter, Money, Pause, Period, PlanId, SourceKey,
    UsageDay, text,
};
use crate::rules::amend::{Agreement, Amendment, Refusal, Terms};
use crate::rules::billing::{Adjusted, Failure, Reference, adjustments, unserved};
use crate::rules::pricing::check_item_countable;
use crate::rules::schedule::today;
use crate::store::audit::Author;
use crate::store::{Tx, billing, companies, contracts, items, pauses, plans, sellers};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

/// What is wanted of which contract.
#[derive(Debug, Clone)]
pub struct Order {
    pub contract: String,
    /// Needed when two companies have a contract of this id.
    pub company: Option<CompanyId>,
    /// First day on which the change holds; of an end that is taken back it is the seller's today.
    pub on: NaiveDate,
    pub amendment: Amendment,
    /// What is credited or charged becomes a draft at once, rather than lines of the next invoice.
    pub at_once: bool,
    /// Credit also what has credit notes or was edited by hand: those were about something else.
    pub despite_corrections: bool,
    /// Why, for the audit log.
    pub reason: String,
    /// When notice of the end was given, for the audit log.
    pub notice: Option<NaiveDate>,
}

/// Who amends, and when.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub author: &'a Author,
    pub as_of: DateTime<Utc>,
    pub ids: &'a Ids,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amended {
    pub company_id: CompanyId,
    pub contract_id: String,
    pub action: &'static str,
    pub on: NaiveDate,
    /// It was so before: nothing was done.
    pub unchanged: bool,
    /// What is credited and charged in billed periods, without tax (with it where prices include it).
    pub lines: Vec<Line>,
    pub currency: Currency,
    /// The sum of `lines`; None without any.
    pub total: Option<Money>,
    /// The draft that has them, when it was made at once.
    pub draft: Option<InvoiceId>,
    /// Seller's local date on which the next invoice takes them up, when it was not.
    pub billed_on: Option<NaiveDate>,
    /// Drafts that the next `invoices generate` makes anew.
    pub stale_drafts: u64,
    /// Usage on days that are not served any more, by meter: it is not billed.
    pub unbilled_usage: Vec<UnbilledUsage>,
}

/// What was used of a meter, in its own unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnbilledUsage {
    pub meter: Meter,
    /// The first day of it.
    pub from: NaiveDate,
    pub quantity: Decimal,
}

/// One credit or charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub source_key: SourceKey,
    pub item_id: String,
    pub description: String,
    pub period: Period,
    pub days: u32,
    pub of_days: u32,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub amount: Money,
}

impl Line {
    /// None for an item that no change of a contract made.
    fn of(item: &BillableItem) -> Option<Self> {
        let adjustment = item.adjustment.as_ref()?;
        let whole = adjustment.period.days();
        let (days, of_days) = adjustment.proration.map_or((whole, whole), |part| (part.days, part.of_days));
        Some(Self {
            source_key: item.source_key.clone(),
            item_id: adjustment.item_id.to_string(),
            description: item.description.clone(),
            period: adjustment.period,
            days,
            of_days,
            quantity: item.quantity,
            unit_price: item.unit_price,
            amount: adjustment.amount,
        })
    }
}

/// The word for an amendment, in output and in the audit log.
pub const fn action(amendment: &Amendment) -> &'static str {
    match amendment {
        Amendment::Change(..) => "contract.item_changed",
        Amendment::Add(..) => "contract.item_added",
        Amendment::Remove(_) => "contract.item_removed",
        Amendment::Plan(..) => "contract.plan_changed",
        Amendment::Pause(_) => "contract.paused",
        Amendment::Resume => "contract.resumed",
        Amendment::Cancel => "contract.cancelled",
        Amendment::Reinstate => "contract.reinstated",
    }
}

/// The one contract that a person means. Ids are unique within a company only.
pub fn find(tx: &mut Tx, contract_id: &str, company: Option<&CompanyId>) -> Result<Contract> {
    if let Some(company) = company {
        let id = contract_id.parse::<ContractId>().ok();
        let found = id.map(|id| contracts::find(tx, company, &id)).transpose()?.flatten();
        return found.ok_or_else(|| {
            Error::not_found(format!("company {company} has no contract {contract_id:?}"))
                .hint("finops contracts list shows them")
        });
    }
    let mut found = contracts::by_id(tx, contract_id)?;
    match found.len() {
        0 => Err(Error::not_found(format!("there is no contract {contract_id:?}")).hint("finops contracts list shows them")),
        1 => Ok(found.remove(0)),
        _ => {
            let owners: Vec<&str> = found.iter().map(|contract| contract.company_id.as_str()).collect();
            Err(Error::usage(format!("{contract_id} is the id of contracts of several companies: {}", owners.join(", ")))
                .hint("name the company with --company-id"))
        }
    }
}

/// A contract with its items and pauses.
pub fn agreement(tx: &mut Tx, contract: Contract) -> Result<Agreement> {
    let items = contracts::items(tx, &contract.company_id, &contract.contract_id)?;
    let range = (contract.contract_id.as_str(), contract.contract_id.as_str());
    let plans = plans::of_companies(tx, &[contract.company_id.as_str()], range)?;
    let pauses = pauses::of_contract(tx, &contract.company_id, &contract.contract_id)?;
    Ok(Agreement { contract, items, plans, pauses })
}

/// Amends a contract, with all that follows from it. In a transaction of its own.
pub fn amend(tx: &mut Tx, desk: Desk<'_>, order: &Order) -> Result<Amended> {
    check_texts(order)?;
    tx.hold_sellers()?;
    let company_id = find(tx, &order.contract, order.company.as_ref())?.company_id;
    tx.hold_companies(&[company_id.as_str()])?;
    // As it is once nobody else can change it.
    let contract = find(tx, &order.contract, Some(&company_id))?;
    let before = agreement(tx, contract)?;
    let reference = Reference::new(sellers::all(tx)?, sellers::tax_rates(tx)?);
    let today = today(desk.as_of, reference.seller(&before.contract.seller_id).map_err(failed)?.time_zone);
    // An end is taken back today, whatever day that was.
    let order = &match order.amendment {
        Amendment::Reinstate => Order { on: today, ..order.clone() },
        Amendment::Plan(ref plan_id, version) => {
            let version = offered(tx, &before, order.on, plan_id, version)?;
            Order { amendment: Amendment::Plan(plan_id.clone(), version), ..order.clone() }
        }
        _ => order.clone(),
    };
    if let Some(notice) = order.notice.filter(|notice| *notice > today) {
        return Err(Error::refused(format!("notice was given on {notice}, and today is {today}"))
            .hint("name the day on which it came: --notice-given"));
    }
    let after = before.amend(order.on, &order.amendment).map_err(refused)?;
    if after == before {
        return Ok(nothing(&before, order));
    }
    check_prices(&before, &after)?;
    let company = companies::by_ids(tx, &[company_id.as_str()])?;
    let company = company.first().ok_or_else(|| Error::failed(format!("company {company_id} is gone")))?;
    let (adjusted, unserved) = adjusted(tx, company, &reference, (&before, &after), order)?;
    let work = record::Work { desk, order, company, reference: &reference, today, before: &before, after: &after };
    let unbilled_usage = unserved.into_iter().map(|UsageDay { meter, on, quantity }| UnbilledUsage { meter, from: on, quantity });
    Ok(Amended { unbilled_usage: unbilled_usage.collect(), ..work.record(tx, &adjusted)? })
}

/// The version of a plan that is meant: the one that is named, or that the contract is on, or the latest on that day.
fn offered(
    tx: &mut Tx,
    agreed: &Agreement,
    on: NaiveDate,
    plan_id: &PlanId,
    version: Option<NaiveDate>,
) -> Result<Option<NaiveDate>> {
    let mut known = plans::all(tx)?;
    known.retain(|plan| plan.plan_id == *plan_id);
    if known.is_empty() {
        return Err(Error::not_found(format!("there is no plan {plan_id}")).hint("import it first: finops import plans FILE"));
    }
    let holds = agreed.plan_on(on).filter(|(holds, _)| holds == plan_id).map(|(_, version)| *version);
    let latest = known.iter().map(|plan| plan.valid_from).filter(|offered| *offered <= on).max();
    let Some(version) = version.or(holds).or(latest) else {
        return Err(Error::refused(format!("no version of plan {plan_id} is offered on {on}"))
            .hint("name the version with --plan-version"));
    };
    let Some(plan) = known.iter().find(|plan| plan.valid_from == version) else {
        let versions: Vec<String> = known.iter().map(|plan| plan.valid_from.to_string()).collect();
        return Err(
            Error::not_found(format!("plan {plan_id} has no version {version}")).hint(format!("it has {}", versions.join(", ")))
        );
    };
    let Contract { contract_id, currency, .. } = &agreed.contract;
    if plan.currency != *currency {
        return Err(Error::refused(format!("plan {plan_id} is in {}, and contract {contract_id} in {currency}", plan.currency))
            .hint("name a plan in the contract's currency"));
    }
    Ok(Some(version))
}

/// What the amendment credits and charges in the periods that are on issued invoices, and the usage that is served no more.
fn adjusted(
    tx: &mut Tx,
    company: &Company,
    reference: &Reference,
    (before, after): (&Agreement, &Agreement),
    order: &Order,
) -> Result<(Vec<Adjusted>, Vec<UsageDay>)> {
    let contract = &after.contract;
    let Contract { company_id, contract_id, .. } = contract;
    let id = contract_id.as_str();
    let billed = billing::billed_of_companies(tx, &[company_id.as_str()], (id, id))?;
    let issued: Vec<NaiveDate> = billed.iter().filter(|b| b.is_issued()).map(|b| b.period.start()).collect();
    let mut plans = Plans::default();
    let mut facts = |agreed: &Agreement| {
        let Agreement { contract, items, plans: on, pauses } = agreed.clone();
        agreed_facts(tx, (contract, items, on, &pauses), &issued, &mut plans)
    };
    let (before, after) = (facts(before)?, facts(after)?);
    let mut adjusted = adjustments(company, reference, &before, &after, &issued).map_err(failed)?;
    let made = items::adjustments(tx, company_id, contract_id)?;
    corrected::check(tx, (contract, order), &billed, &made, &adjusted)?;
    taxes::as_billed(tx, (company_id, contract_id), &billed, &made, &mut adjusted)?;
    Ok((adjusted, unserved(&before, &after)))
}

fn nothing(agreed: &Agreement, order: &Order) -> Amended {
    Amended {
        company_id: agreed.contract.company_id.clone(),
        contract_id: agreed.contract.contract_id.to_string(),
        action: action(&order.amendment),
        on: order.on,
        unchanged: true,
        lines: Vec::new(),
        currency: agreed.contract.currency,
        total: None,
        draft: None,
        billed_on: None,
        stale_drafts: 0,
        unbilled_usage: Vec::new(),
    }
}

/// Refuses new prices that could not be counted.
fn check_prices(before: &Agreement, after: &Agreement) -> Result<()> {
    for item in after.items.iter().filter(|item| !before.items.contains(item)) {
        check_item_countable(item, after.contract.currency).map_err(|error| {
            Error::refused(format!("item {}: quantity × unit price: {error}", item.item_id)).hint("check --price and --quantity")
        })?;
    }
    Ok(())
}

fn check_texts(order: &Order) -> Result<()> {
    let mut texts = vec![("the reason", order.reason.as_str())];
    if let Amendment::Change(_, terms) | Amendment::Add(_, terms) = &order.amendment {
        let Terms { unit, description, .. } = terms;
        texts.extend(unit.as_deref().map(|unit| ("--unit", unit)));
        texts.extend(description.as_deref().map(|description| ("--description", description)));
    }
    for (what, value) in texts {
        text::check(value)
            .map_err(|invalid| Error::refused(format!("{what} cannot be kept: {invalid}")).hint("say it in other words"))?;
    }
    Ok(())
}

fn refused(refusal: Refusal) -> Error {
    Error::refused(refusal.message).hint(refusal.hint)
}

fn failed(failure: Failure) -> Error {
    Error::refused(failure.to_string()).hint(failure.hint())
}

/// Whether a contract is paused on a day, and since when.
pub fn paused_on(pauses: &[Pause], day: NaiveDate) -> Option<&Pause> {
    pauses.iter().find(|pause| pause.from <= day && pause.until.is_none_or(|until| day < until))
}
