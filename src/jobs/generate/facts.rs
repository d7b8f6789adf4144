//! What a page of companies is decided from: a handful of statements for all of them.

use super::{Key, Source};
use crate::error::Result;
use crate::model::{BillableItem, CompanyId, Contract, ContractId, ContractItem, ContractPlan, FullInvoice, Pause};
use crate::rules::billing::{CompanyFacts, ContractFacts, Reference};
use crate::rules::pauses::served;
use crate::rules::periods::BillingCalendar;
use crate::rules::plans::{PlanTable, resolve};
use crate::store::billing::{self, BilledPeriod, DueContract};
use crate::store::{Tx, companies, contracts, invoices, items, pauses, plans as store_plans, sellers, usage};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// The facts of a page.
pub(super) struct Page {
    pub reference: Reference,
    pub companies: Vec<Facts>,
}

/// The facts of one company.
pub(super) struct Facts {
    pub billing: CompanyFacts,
    /// The schedule's revision of each contract in `billing`.
    pub revisions: BTreeMap<ContractId, i64>,
    pub stale: Vec<StaleDraft>,
}

/// A draft whose inputs changed, with what it bills.
pub(super) struct StaleDraft {
    pub invoice: FullInvoice,
    pub periods: Vec<BilledPeriod>,
    /// The contracts that it bills, as they are now.
    pub contracts: Vec<ContractFacts>,
    /// The items that it took up.
    pub items: Vec<BillableItem>,
}

/// Loads the page, without the companies that were done at an earlier place.
pub(super) fn load(tx: &mut Tx, keys: &[Key], until: NaiveDate) -> Result<Page> {
    let reference = Reference::new(sellers::all(tx)?, sellers::tax_rates(tx)?);
    let ids: Vec<&str> = keys.iter().map(|k| k.company_id.as_str()).collect();
    let due = by_company(billing::due_contracts(tx, &ids, until)?, |d| &d.contract.company_id);
    let stale = by_company(invoices::stale_drafts(tx, &ids)?, |i| &i.head.company_id);
    let wanted = at_their_first_day(tx, keys.iter().filter(|k| is_first_place(k, &due, &stale)).collect())?;
    let ids: Vec<&str> = wanted.iter().map(|k| k.company_id.as_str()).collect();

    let mut open = by_company(items::open(tx, &ids)?, |i| &i.company_id);
    let revisions = |d: &DueContract| (d.contract.contract_id.clone(), d.revision);
    let mut revisions: BTreeMap<_, BTreeMap<_, _>> =
        due.iter().map(|(id, due)| (id.clone(), due.iter().map(revisions).collect())).collect();
    let mut plans = Plans::default();
    let mut contracts = due_facts(tx, &ids, until, due, &mut plans)?;
    let mut stale = stale;
    let mut page = Page { reference, companies: Vec::with_capacity(wanted.len()) };
    for company in companies::by_ids(tx, &ids)? {
        let id = company.company_id.clone();
        let contracts = contracts.remove(&id).unwrap_or_default();
        let revisions = revisions.remove(&id).unwrap_or_default();
        let stale = stale.remove(&id).unwrap_or_default();
        let stale = stale.into_iter().map(|draft| stale_draft(tx, draft, &mut plans)).collect::<Result<_>>()?;
        let items = open.remove(&id).unwrap_or_default();
        page.companies.push(Facts { billing: CompanyFacts { company, contracts, items }, revisions, stale });
    }
    Ok(page)
}

/// A company that has work in several places is done at the first: in the schedule before stale
/// drafts before items, and in the schedule under its earliest contract (among the items: see
/// `at_their_first_day`). What is done there leaves the sources; a dry run, in which nothing leaves them,
/// would otherwise meet it again.
fn is_first_place(key: &Key, due: &BTreeMap<CompanyId, Vec<DueContract>>, stale: &BTreeMap<CompanyId, Vec<FullInvoice>>) -> bool {
    let earliest =
        due.get(&key.company_id).and_then(|contracts| contracts.iter().map(|d| (d.next.due_on, &d.contract.contract_id)).min());
    match &key.source {
        Source::Named => true,
        Source::Schedule { due_on, contract_id } => {
            earliest.is_some_and(|(day, contract)| day.to_string() == *due_on && contract.as_str() == contract_id)
        }
        Source::StaleDrafts => earliest.is_none(),
        Source::Items { .. } => earliest.is_none() && !stale.contains_key(&key.company_id),
    }
}

/// Of the companies that were met among the items, those that were met under the earliest of their billing days, as
/// these are stored.
fn at_their_first_day<'k>(tx: &mut Tx, wanted: Vec<&'k Key>) -> Result<Vec<&'k Key>> {
    let day = |key: &&Key| match &key.source {
        Source::Items { stand_alone_on } => Some(stand_alone_on.clone()),
        _ => None,
    };
    let ids: Vec<&str> = wanted.iter().filter(|key| day(key).is_some()).map(|key| key.company_id.as_str()).collect();
    let first = if ids.is_empty() { BTreeMap::new() } else { items::first_days(tx, &ids)? };
    let is_first = |key: &&Key| day(key).is_none_or(|met| first.get(&key.company_id).is_some_and(|day| day.to_string() == met));
    Ok(wanted.into_iter().filter(is_first).collect())
}

fn by_company<T>(rows: Vec<T>, company: impl Fn(&T) -> &CompanyId) -> BTreeMap<CompanyId, Vec<T>> {
    let mut groups: BTreeMap<CompanyId, Vec<T>> = BTreeMap::new();
    for row in rows {
        match groups.get_mut(company(&row)) {
            Some(group) => group.push(row),
            None => {
                groups.insert(company(&row).clone(), vec![row]);
            }
        }
    }
    groups
}

/// The items of plans, read when the first contract on a plan is met.
#[derive(Default)]
pub(crate) struct Plans(Option<PlanTable>);

impl Plans {
    /// The versions of the items of a contract, with those of its plans.
    fn resolve(&mut self, tx: &mut Tx, own: Vec<ContractItem>, on: Vec<ContractPlan>) -> Result<Vec<ContractItem>> {
        if on.is_empty() {
            return Ok(own);
        }
        if self.0.is_none() {
            self.0 = Some(PlanTable::new(store_plans::items(tx)?));
        }
        Ok(resolve(own, on, self.0.get_or_insert_default()))
    }
}

/// The due contracts of a page with all that they are priced by, by company and contract.
fn due_facts(
    tx: &mut Tx,
    ids: &[&str],
    until: NaiveDate,
    due: BTreeMap<CompanyId, Vec<DueContract>>,
    plans: &mut Plans,
) -> Result<BTreeMap<CompanyId, Vec<ContractFacts>>> {
    let mut versions = by_company(billing::due_items(tx, ids, until)?, |i| &i.company_id);
    let mut billed = by_company(billing::due_billed(tx, ids, until)?, |b| &b.0);
    let mut on_plans = by_company(store_plans::of_due(tx, ids, until)?, |p| &p.company_id);
    let mut discounts = by_company(usage::discounts_of_due(tx, ids, until)?, |d| &d.company_id);
    let mut paused = by_company(pauses::of_due(tx, ids, until)?, |p| &p.company_id);
    let mut companies = BTreeMap::new();
    for (id, due) in due {
        // All are in the order of contract ids.
        let mut versions = versions.remove(&id).unwrap_or_default().into_iter().peekable();
        let mut on_plans = on_plans.remove(&id).unwrap_or_default().into_iter().peekable();
        let mut discounts = discounts.remove(&id).unwrap_or_default().into_iter().peekable();
        let paused = paused.remove(&id).unwrap_or_default();
        let billed = billed.remove(&id).unwrap_or_default();
        let mut facts = Vec::with_capacity(due.len());
        for DueContract { contract, next, .. } in due {
            let until = &contract.contract_id;
            let own = std::iter::from_fn(|| versions.next_if(|v| v.contract_id <= *until)).collect();
            let on = std::iter::from_fn(|| on_plans.next_if(|p| p.contract_id <= *until)).collect();
            let discounts = std::iter::from_fn(|| discounts.next_if(|d| d.contract_id <= *until)).collect();
            let billed = billed.iter().filter(|b| b.1 == *until).map(|b| b.2).collect();
            let paused: Vec<Pause> = paused.iter().filter(|p| p.contract_id == *until).cloned().collect();
            let items = served(plans.resolve(tx, own, on)?, &paused);
            let (next_start, usage) = (next.start, Vec::new());
            facts.push(ContractFacts { contract, items, pauses: paused, discounts, usage, next_start, billed });
        }
        companies.insert(id, facts);
    }
    let metered = |facts: &&ContractFacts| facts.items.iter().any(|item| item.terms.meter.is_some());
    if let Some(from) = companies.values().flatten().filter(metered).map(|f| usage_from(f, [f.next_start])).min() {
        let ids: Vec<&str> = companies.iter().filter(|(_, f)| f.iter().any(|f| metered(&f))).map(|(id, _)| id.as_str()).collect();
        let mut used = usage::of_due(tx, &ids, until, from)?;
        for facts in companies.values_mut().flatten() {
            let key = (facts.contract.company_id.clone(), facts.contract.contract_id.clone());
            facts.usage = used.remove(&key).unwrap_or_default();
        }
    }
    Ok(companies)
}

/// The first day whose usage is billed with the earliest of these periods.
fn usage_from(facts: &ContractFacts, starts: impl IntoIterator<Item = NaiveDate>) -> NaiveDate {
    let earliest = starts.into_iter().min().unwrap_or(facts.contract.start);
    let Ok(calendar) = BillingCalendar::new(&facts.contract).map(|calendar| calendar.metered(true)) else { return earliest };
    let of = calendar.first_from(earliest).and_then(|period| calendar.usage_of(&period));
    of.map_or(earliest, |of| of.service.start().min(earliest))
}

/// One contract with all that it is priced by, for the periods that begin on these days.
pub(crate) fn contract_facts(tx: &mut Tx, contract: Contract, starts: &[NaiveDate], plans: &mut Plans) -> Result<ContractFacts> {
    let own = contracts::items(tx, &contract.company_id, &contract.contract_id)?;
    let paused = pauses::of_contract(tx, &contract.company_id, &contract.contract_id)?;
    let range = (contract.contract_id.as_str(), contract.contract_id.as_str());
    let on = store_plans::of_companies(tx, &[contract.company_id.as_str()], range)?;
    agreed_facts(tx, (contract, own, on, &paused), starts, plans)
}

/// The same of a contract as it is agreed: with these items of its own, these plans, and these pauses.
pub(crate) fn agreed_facts(
    tx: &mut Tx,
    (contract, own, on, paused): (Contract, Vec<ContractItem>, Vec<ContractPlan>, &[Pause]),
    starts: &[NaiveDate],
    plans: &mut Plans,
) -> Result<ContractFacts> {
    let (company_id, contract_id) = (contract.company_id.clone(), contract.contract_id.clone());
    let (companies, range) = ([company_id.as_str()], (contract_id.as_str(), contract_id.as_str()));
    let items = served(plans.resolve(tx, own, on)?, paused);
    let discounts = usage::discounts_of_companies(tx, &companies, range)?;
    let next_start = contract.start;
    let pauses = paused.to_vec();
    let mut facts = ContractFacts { contract, items, pauses, discounts, usage: Vec::new(), next_start, billed: Vec::new() };
    if facts.items.iter().any(|item| item.terms.meter.is_some()) {
        facts.usage = usage::of_contract(tx, &company_id, &contract_id, usage_from(&facts, starts.iter().copied()))?;
    }
    Ok(facts)
}

fn stale_draft(tx: &mut Tx, invoice: FullInvoice, plans: &mut Plans) -> Result<StaleDraft> {
    let (company_id, invoice_id) = (invoice.head.company_id.clone(), invoice.head.invoice_id.clone());
    let periods = billing::of_invoice(tx, &company_id, &invoice_id)?;
    let items = items::of_invoice(tx, &company_id, &invoice_id)?;
    let mut facts = Vec::with_capacity(1);
    for of_contract in periods.chunk_by(|a, b| a.contract_id == b.contract_id) {
        if let Some(contract) = contracts::find(tx, &company_id, &of_contract[0].contract_id)? {
            let starts: Vec<_> = of_contract.iter().map(|period| period.start).collect();
            facts.push(contract_facts(tx, contract, &starts, plans)?);
        }
    }
    Ok(StaleDraft { invoice, periods, contracts: facts, items })
}
