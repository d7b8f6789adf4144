//! What a chunk of rows is compared with: read once a chunk, by company.

use crate::model::{CompanyId, Contract, ContractId, ContractItem, ContractPlan, Period, Timing};
use crate::rules::periods::BillingCalendar;
use crate::rules::plans::{PlanTable, resolve};
use crate::rules::schedule::next_unbilled;
use crate::store::billing::{self, Billed, Next, ScheduleChange};
use crate::store::{StoreError, Tx, contracts, invoices, plans, runs};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

use crate::jobs::JobKind;

/// A contract's key.
pub type ContractKey = (CompanyId, ContractId);

pub fn key_of(contract: &Contract) -> ContractKey {
    (contract.company_id.clone(), contract.contract_id.clone())
}

/// The companies and the range of ids of contracts that a chunk is about: all of its rows lie within, so
/// that one company with very many contracts is not read whole for each chunk. For keys of which there
/// are more with each month (usage, items) a range would hold ever more: those are looked up one by one.
pub struct Scope<'a> {
    pub companies: Vec<&'a str>,
    pub range: (&'a str, &'a str),
}

impl<'a> Scope<'a> {
    pub fn of(keys: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let companies: BTreeSet<&str> = keys.clone().map(|key| key.0).collect();
        let ids = keys.map(|key| key.1);
        let range = (ids.clone().min().unwrap_or_default(), ids.max().unwrap_or_default());
        Self { companies: companies.into_iter().collect(), range }
    }

    pub fn contracts(&self, tx: &mut Tx) -> Result<BTreeMap<ContractKey, Contract>, StoreError> {
        let found = contracts::of_companies(tx, &self.companies, self.range)?;
        Ok(found.into_iter().map(|contract| (key_of(&contract), contract)).collect())
    }

    pub fn schedules(&self, tx: &mut Tx) -> Result<BTreeMap<ContractKey, ScheduleChange>, StoreError> {
        let found = billing::schedules_of_companies(tx, &self.companies, self.range)?;
        Ok(found.into_iter().map(|row| ((row.company_id.clone(), row.contract_id.clone()), row)).collect())
    }

    /// The contracts that are billed by usage.
    pub fn metered(&self, tx: &mut Tx) -> Result<BTreeSet<ContractKey>, StoreError> {
        Ok(plans::metered(tx, &self.companies, self.range)?.into_iter().collect())
    }

    /// The contracts that are, or were, on a plan.
    pub fn on_plans(&self, tx: &mut Tx) -> Result<BTreeSet<ContractKey>, StoreError> {
        let on = plans::of_companies(tx, &self.companies, self.range)?;
        Ok(on.into_iter().map(|row| (row.company_id, row.contract_id)).collect())
    }

    /// Every version of the items of the contracts, with those of their plans.
    pub fn items(&self, tx: &mut Tx) -> Result<BTreeMap<ContractKey, Vec<ContractItem>>, StoreError> {
        let on = plans::of_companies(tx, &self.companies, self.range)?;
        let table = if on.is_empty() { PlanTable::default() } else { PlanTable::new(plans::items(tx)?) };
        let mut found: BTreeMap<ContractKey, (Vec<ContractItem>, Vec<ContractPlan>)> = BTreeMap::new();
        for item in contracts::items_of_companies(tx, &self.companies, self.range)? {
            found.entry((item.company_id.clone(), item.contract_id.clone())).or_default().0.push(item);
        }
        for plan in on {
            found.entry((plan.company_id.clone(), plan.contract_id.clone())).or_default().1.push(plan);
        }
        Ok(found.into_iter().map(|(key, (own, on))| (key, resolve(own, on, &table))).collect())
    }

    pub fn history(&self, tx: &mut Tx) -> Result<BTreeMap<ContractKey, History>, StoreError> {
        let mut histories: BTreeMap<ContractKey, History> = BTreeMap::new();
        for billed in billing::billed_of_companies(tx, &self.companies, self.range)? {
            let key = (billed.company_id.clone(), billed.contract_id.clone());
            histories.entry(key).or_default().0.push(billed);
        }
        Ok(histories)
    }
}

/// The first day of a contract that is on no issued invoice. Between the last issued period and the
/// next there is no gap, and after the last period of an ended contract nothing is billed any more.
pub fn first_open(contract: &Contract, history: &History) -> NaiveDate {
    let Some(until) = history.issued_until() else { return contract.billed_from() };
    let calendar = BillingCalendar::new(contract).ok();
    calendar.and_then(|calendar| calendar.first_from(until)).map_or(until, |period| period.service.start())
}

/// The billed periods of one contract.
#[derive(Debug, Default)]
pub struct History(Vec<Billed>);

impl History {
    /// The starts of all periods that have an invoice of any state.
    pub fn starts(&self) -> Vec<NaiveDate> {
        self.0.iter().map(|billed| billed.period.start()).collect()
    }

    pub fn first_start(&self) -> Option<NaiveDate> {
        self.0.iter().map(|billed| billed.period.start()).min()
    }

    /// The last period on an issued invoice.
    pub fn last_issued(&self) -> Option<&Billed> {
        self.0.iter().filter(|billed| billed.is_issued()).max_by_key(|billed| billed.period.end())
    }

    /// First day after all service that is issued.
    pub fn issued_until(&self) -> Option<NaiveDate> {
        self.last_issued().map(|billed| billed.period.end())
    }

    /// The period whose usage on a day is on an issued invoice: in advance, on that of the period after.
    pub fn usage_issued(&self, contract: &Contract, day: NaiveDate) -> Option<Period> {
        let calendar = BillingCalendar::new(contract).ok()?.metered(true);
        let used = calendar.containing(day)?;
        let bills = |billed: &&Billed| match contract.timing {
            Timing::Arrears => billed.period.start() == used.service.start(),
            Timing::Advance => billed.period.start() == used.service.end(),
        };
        self.0.iter().filter(|billed| billed.is_issued()).find(bills).map(|_| used.service)
    }
}

/// Sets the schedules of contracts to their first period that is not billed: one that was passed
/// over, since nothing was to be billed in it, may have something now. The contracts were accepted by
/// the same rule.
pub fn reschedule(
    tx: &mut Tx,
    scope: &Scope<'_>,
    contracts: &BTreeMap<ContractKey, Contract>,
    histories: &BTreeMap<ContractKey, History>,
    changed: &BTreeSet<ContractKey>,
) -> Result<(), StoreError> {
    let (schedules, metered) = (scope.schedules(tx)?, scope.metered(tx)?);
    let mut moved = Vec::with_capacity(changed.len());
    for key in changed {
        let (Some(contract), Some(schedule)) = (contracts.get(key), schedules.get(key)) else { continue };
        let billed = histories.get(key).map(History::starts).unwrap_or_default();
        let next = next_unbilled(contract, metered.contains(key), &billed).ok().flatten();
        moved
            .push(ScheduleChange { next: next.map(|n| Next { start: n.next_start, due_on: n.next_due_on }), ..schedule.clone() });
    }
    billing::move_schedules(tx, &moved)
}

/// The contracts changed: their drafts are to be made anew, and what kept them from being billed may
/// be gone. Returns how many drafts were marked.
pub fn contracts_changed(tx: &mut Tx, changed: &BTreeSet<ContractKey>) -> Result<u64, StoreError> {
    let companies: BTreeSet<&str> = changed.iter().map(|key| key.0.as_str()).collect();
    let companies: Vec<&str> = companies.into_iter().collect();
    let with_drafts = invoices::companies_with_fresh_drafts(tx, &companies)?;
    let mut stale = 0;
    for (company_id, contract_id) in changed.iter().filter(|key| with_drafts.contains(&key.0)) {
        stale += invoices::mark_stale_by_contract(tx, company_id, contract_id)?;
    }
    for item in runs::items_of(tx, JobKind::InvoicesGenerate.as_str(), &companies)? {
        if changed.iter().any(|(company, contract)| *company == item.company_id && contract.as_str() == item.subject) {
            runs::clear_item(tx, &item)?;
        }
    }
    Ok(stale)
}

/// Marks all drafts of these companies. Returns how many were marked.
pub fn companies_changed(tx: &mut Tx, changed: &BTreeSet<CompanyId>) -> Result<u64, StoreError> {
    let companies: Vec<&str> = changed.iter().map(CompanyId::as_str).collect();
    let mut stale = 0;
    for company_id in invoices::companies_with_fresh_drafts(tx, &companies)? {
        stale += invoices::mark_stale_by_company(tx, &company_id)?;
    }
    Ok(stale)
}
