//! Contracts, and the schedule that finds what of them is due.

use super::standing::{ContractKey, History, Scope, contracts_changed, key_of};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Kind, Located, Source, keep};
use crate::model::Contract;
use crate::rules::periods::BillingCalendar;
use crate::rules::schedule::next_unbilled;
use crate::store::billing::{self, Next, ScheduleChange};
use crate::store::{Tx, companies, contracts};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contract", added: "contract.added", changed: "contract.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, mut rows: Vec<Located<Contract>>) -> Result<()> {
    let keys: Vec<ContractKey> = rows.iter().map(|row| key_of(&row.value)).collect();
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let known = companies::known(tx, &scope.companies)?;
    let standing = scope.contracts(tx)?;
    let mut added = Vec::new();
    let mut differing = Vec::new();
    for (row, key) in rows.iter_mut().zip(&keys) {
        if let Some(before) = standing.get(key) {
            keep::contract(&mut row.value, before, &row.source);
        }
    }
    for (row, key) in rows.iter().zip(&keys) {
        let contract = &row.value;
        let has_seller = work.has_seller(&row.source, &contract.seller_id);
        if !known.contains(contract.company_id.as_str()) {
            work.missing(&row.source, "company_id", Kind::Companies, &[contract.company_id.as_str()]);
        } else if has_seller {
            match standing.get(key) {
                Some(before) if before == contract => work.count(Outcome::Unchanged),
                Some(before) => differing.push((row, before)),
                None => added.push(row),
            }
        }
    }
    add(tx, work, &added)?;
    change(tx, work, &differing)
}

fn add(tx: &mut Tx, work: &mut Work, rows: &[&Located<Contract>]) -> Result<()> {
    let mut written = Vec::new();
    let mut schedules = Vec::new();
    for row in rows {
        let contract = &row.value;
        if let Some(schedule) = schedule(work, &row.source, contract, (&History::default(), false), 0) {
            schedules.push(schedule);
            note(work, Outcome::Added, None, contract);
            written.push(contract);
        }
    }
    contracts::upsert(tx, &written)?;
    billing::move_schedules(tx, &schedules)?;
    Ok(())
}

fn change(tx: &mut Tx, work: &mut Work, rows: &[(&Located<Contract>, &Contract)]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let scope = Scope::of(rows.iter().map(|(row, _)| (row.value.company_id.as_str(), row.value.contract_id.as_str())));
    let mut histories = scope.history(tx)?;
    let revisions: BTreeMap<ContractKey, ScheduleChange> = scope.schedules(tx)?;
    let metered = scope.metered(tx)?;
    let on_plans = scope.on_plans(tx)?;
    let mut written = Vec::new();
    let mut schedules = Vec::new();
    let mut changed = BTreeSet::new();
    for (row, before) in rows {
        let contract = &row.value;
        let key = key_of(contract);
        let history = histories.remove(&key).unwrap_or_default();
        let revision = revisions.get(&key).map_or(0, |schedule| schedule.revision);
        if !may_change(work, &row.source, before, contract, &history) {
            continue;
        }
        if before.currency != contract.currency && on_plans.contains(&key) {
            let reason = format!("this is {} and the contract is on a plan in it: begin a new contract", before.currency);
            work.refuse(&row.source, "currency", contract.currency.code(), reason);
            continue;
        }
        if let Some(schedule) = schedule(work, &row.source, contract, (&history, metered.contains(&key)), revision) {
            schedules.push(schedule);
            note(work, Outcome::Changed, Some(before), contract);
            written.push(contract);
            // The policy of reminders shows in no price and on no document: it is read when a reminder is due.
            if **before != (Contract { reminder_policy: before.reminder_policy.clone(), ..contract.clone() }) {
                changed.insert(key);
            }
        }
    }
    contracts::upsert(tx, &written)?;
    billing::move_schedules(tx, &schedules)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

fn note(work: &mut Work, outcome: Outcome, before: Option<&Contract>, contract: &Contract) {
    let payload = contracts::change(before, contract);
    work.note(contract.company_id.as_str(), &WORDS, outcome, contract.contract_id.to_string(), payload);
}

/// Where the contract's billing stands by the rules; told when they refuse the contract.
fn schedule(
    work: &mut Work,
    source: &Source,
    contract: &Contract,
    (history, metered): (&History, bool),
    revision: i64,
) -> Option<ScheduleChange> {
    match next_unbilled(contract, metered, &history.starts()) {
        Ok(next) => Some(ScheduleChange {
            company_id: contract.company_id.clone(),
            contract_id: contract.contract_id.clone(),
            next: next.map(|row| Next { start: row.next_start, due_on: row.next_due_on }),
            revision,
        }),
        Err(invalid) => {
            work.refuse(source, "contract_id", contract.contract_id.as_str(), invalid.0);
            None
        }
    }
}

/// Whether what is billed already would still be right; all that stands against it is told.
fn may_change(work: &mut Work, source: &Source, before: &Contract, after: &Contract, history: &History) -> bool {
    let mut fixed = Vec::new();
    if let Some(first) = history.first_start() {
        for (column, differs, stands) in fixed_terms(before, after) {
            if differs {
                let reason = format!(
                    "this is {stands} and billed from {first} on, so it cannot change any more: \
                     end this contract and import a new one under another contract_id"
                );
                fixed.push((column, reason));
            }
        }
    }
    if fixed.is_empty() && before.end != after.end {
        fixed.extend(check_end(after, history).map(|reason| ("end", reason)));
    }
    let may = fixed.is_empty();
    work.problems_of(source, fixed);
    may
}

/// What the periods and amounts of a contract follow from.
fn fixed_terms(before: &Contract, after: &Contract) -> [(&'static str, bool, String); 10] {
    let optional = |value: Option<String>| value.unwrap_or_else(|| "empty".to_owned());
    [
        ("seller_id", before.seller_id != after.seller_id, before.seller_id.to_string()),
        ("currency", before.currency != after.currency, before.currency.to_string()),
        ("cadence", before.interval.cadence != after.interval.cadence, before.interval.cadence.to_string()),
        ("every", before.interval.every != after.interval.every, before.interval.every.to_string()),
        ("timing", before.timing != after.timing, before.timing.to_string()),
        ("anchor_day", before.anchor_day != after.anchor_day, optional(before.anchor_day.map(|day| day.to_string()))),
        ("start", before.start != after.start, before.start.to_string()),
        ("bill_from", before.bill_from != after.bill_from, optional(before.bill_from.map(|day| day.to_string()))),
        ("trial_end", before.trial_end != after.trial_end, optional(before.trial_end.map(|day| day.to_string()))),
        (
            "tax_inclusive",
            before.tax_inclusive != after.tax_inclusive,
            if before.tax_inclusive { "yes" } else { "no" }.to_owned(),
        ),
    ]
}

/// Why an end cannot be: service after it is issued already; or the last issued period was cut
/// short by the end that stood before, and the days between would never be billed.
fn check_end(after: &Contract, history: &History) -> Option<String> {
    let last = history.last_issued()?.period;
    if let Some(end) = after.end.filter(|end| *end < last.end()) {
        let until = last.end();
        return Some(format!(
            "service until {until} (not included) is issued already, which is after {end}: end on {until} or later, \
             or void that invoice first"
        ));
    }
    let whole = BillingCalendar::new(after).ok()?.containing(last.start())?.service;
    (whole.end() != last.end()).then(|| {
        format!(
            "the last period, {last}, is issued as the contract's end cut it: begin a new contract on {}, or void that invoice first",
            last.end()
        )
    })
}
