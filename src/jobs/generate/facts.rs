//! What a page of companies is decided from: a handful of statements for all of them.

use super::{Key, Source};
use crate::error::Result;
use crate::model::{BillableItem, Company, CompanyId, ContractId, FullInvoice, Pause};
use crate::rules::billing::{CompanyFacts, ContractFacts, Reference};
use crate::rules::pauses::served;
use crate::rules::schedule::alone_on;
use crate::store::billing::{self, BilledPeriod, DueContract};
use crate::store::{Tx, companies, contracts, invoices, items, pauses, sellers};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashSet};

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
    let wanted: Vec<&Key> = keys.iter().filter(|k| is_first_place(k, &due, &stale)).collect();
    let ids: Vec<&str> = wanted.iter().map(|k| k.company_id.as_str()).collect();

    let mut versions = by_company(billing::due_items(tx, &ids, until)?, |i| &i.company_id);
    let mut paused = by_company(pauses::of_due(tx, &ids, until)?, |p| &p.company_id);
    let mut billed = by_company(billing::due_billed(tx, &ids, until)?, |b| &b.0);
    let mut open = by_company(items::open(tx, &ids)?, |i| &i.company_id);
    let (mut due, mut stale) = (due, stale);
    let mut page = Page { reference, companies: Vec::with_capacity(wanted.len()) };
    for company in companies::by_ids(tx, &ids)? {
        let id = company.company_id.clone();
        let due = due.remove(&id).unwrap_or_default();
        let revisions = due.iter().map(|d| (d.contract.contract_id.clone(), d.revision)).collect();
        let (versions, paused) = (versions.remove(&id).unwrap_or_default(), paused.remove(&id).unwrap_or_default());
        let contracts = contract_facts(due, versions, &paused, billed.remove(&id).unwrap_or_default());
        let stale =
            stale.remove(&id).unwrap_or_default().into_iter().map(|draft| stale_draft(tx, draft)).collect::<Result<_>>()?;
        let items = open.remove(&id).unwrap_or_default();
        if !is_first_day(&company, &items, keys) {
            continue;
        }
        page.companies.push(Facts { billing: CompanyFacts { company, contracts, items }, revisions, stale });
    }
    Ok(page)
}

/// A company that has work in several places is done at the first: in the schedule before stale
/// drafts before items, and in the schedule under its earliest contract (among the items: see
/// `is_first_day`). What is done there leaves the sources; a dry run, in which nothing leaves them,
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

/// Whether a company that was met among the items was met under the earliest of their billing days.
fn is_first_day(company: &Company, items: &[BillableItem], keys: &[Key]) -> bool {
    let key = keys.binary_search_by(|k| k.company_id.cmp(&company.company_id)).map(|at| &keys[at].source);
    match key {
        Ok(Source::Items { stand_alone_on: met }) => {
            items.iter().map(|i| alone_on(i, company.billing_day)).min().is_some_and(|day| day.to_string() == *met)
        }
        _ => true,
    }
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

fn contract_facts(
    due: Vec<DueContract>,
    versions: Vec<crate::model::ContractItem>,
    paused: &[Pause],
    billed: Vec<(CompanyId, ContractId, NaiveDate)>,
) -> Vec<ContractFacts> {
    let mut versions = versions.into_iter().peekable();
    let mut facts = Vec::with_capacity(due.len());
    for DueContract { contract, next, .. } in due {
        // Both are in the order of contract ids.
        let mut items = Vec::new();
        while let Some(item) = versions.next_if(|v| v.contract_id <= contract.contract_id) {
            items.push(item);
        }
        let paused: Vec<Pause> = paused.iter().filter(|p| p.contract_id == contract.contract_id).cloned().collect();
        let items = served(items, &paused);
        let billed = billed.iter().filter(|b| b.1 == contract.contract_id).map(|b| b.2).collect();
        facts.push(ContractFacts { contract, items, next_start: next.start, billed });
    }
    facts
}

fn stale_draft(tx: &mut Tx, invoice: FullInvoice) -> Result<StaleDraft> {
    let (company_id, invoice_id) = (invoice.head.company_id.clone(), invoice.head.invoice_id.clone());
    let periods = billing::of_invoice(tx, &company_id, &invoice_id)?;
    let items = items::of_invoice(tx, &company_id, &invoice_id)?;
    let ids: HashSet<&ContractId> = periods.iter().map(|p| &p.contract_id).collect();
    let mut facts = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(contract) = contracts::find(tx, &company_id, id)? {
            let paused = pauses::of_contract(tx, &company_id, id)?;
            let items = served(contracts::items(tx, &company_id, id)?, &paused);
            facts.push(ContractFacts { next_start: contract.start, contract, items, billed: Vec::new() });
        }
    }
    Ok(StaleDraft { invoice, periods, contracts: facts, items })
}
