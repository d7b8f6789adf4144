//! What was used. A count may be corrected until its period is on an issued invoice.

use super::standing::{self, ContractKey, History, Scope, contracts_changed};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Kind, Located, Source};
use crate::model::{Contract, ContractItem, Usage};
use crate::rules::pricing::is_agreed_usage;
use crate::store::{Tx, usage};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "usage", added: "usage.added", changed: "usage.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Usage>>) -> Result<()> {
    let by_key: Vec<_> = rows.iter().map(|row| (row.value.company_id.clone(), row.value.usage_key.clone())).collect();
    let wanted: Vec<(&str, &str)> = by_key.iter().map(|key| (key.0.as_str(), key.1.as_str())).collect();
    let companies: BTreeSet<&str> = wanted.iter().map(|key| key.0).collect();
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&companies.into_iter().collect::<Vec<_>>())?;
    let standing = usage::of_keys(tx, &wanted)?;
    let standing: BTreeMap<_, Usage> = standing.into_iter().map(|u| ((u.company_id.clone(), u.usage_key.clone()), u)).collect();
    let mut differing = Vec::new();
    for (row, key) in rows.into_iter().zip(&by_key) {
        match standing.get(key) {
            Some(before) if *before == row.value => work.count(Outcome::Unchanged),
            before => differing.push((row, before)),
        }
    }
    let mut keys: Vec<ContractKey> =
        differing.iter().map(|(row, _)| (row.value.company_id.clone(), row.value.contract_id.clone())).collect();
    // A count that is moved from one contract to another changes both.
    keys.extend(differing.iter().filter_map(|(_, before)| before.map(|b| (b.company_id.clone(), b.contract_id.clone()))));
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    let (contracts, histories, items) = (scope.contracts(tx)?, scope.history(tx)?, scope.items(tx)?);
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    for (Located { value: count, source }, before) in differing {
        let key = (count.company_id.clone(), count.contract_id.clone());
        let Some(contract) = contracts.get(&key) else {
            work.missing(&source, "contract_id", Kind::Contracts, &[key.0.as_str(), key.1.as_str()]);
            continue;
        };
        let items = items.get(&key).map_or(&[][..], Vec::as_slice);
        let moved_from = before.map(|before| (before.company_id.clone(), before.contract_id.clone()));
        if !is_counted(work, &source, contract, items, &count)
            || !is_open(work, &source, contract, histories.get(&key), count.used_on)
            || before.zip(moved_from.as_ref()).is_some_and(|(before, key)| {
                contracts.get(key).is_some_and(|from| !is_open(work, &source, from, histories.get(key), before.used_on))
            })
        {
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        work.note(count.company_id.as_str(), &WORDS, outcome, count.usage_key.to_string(), usage::change(before, &count));
        changed.insert(key);
        changed.extend(moved_from);
        written.push(count);
    }
    usage::upsert(tx, &written)?;
    standing::reschedule(tx, &scope, &contracts, &histories, &changed)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

/// Whether an item of the contract bills the count; told when it would never be billed.
fn is_counted(work: &mut Work, source: &Source, contract: &Contract, items: &[ContractItem], count: &Usage) -> bool {
    let mut with_meter = items.iter().filter(|item| item.terms.meter.as_ref() == Some(&count.meter)).peekable();
    if with_meter.peek().is_some() && is_agreed_usage(contract, items, &count.meter, count.used_on) {
        return true;
    }
    if contract.end.is_some_and(|end| count.used_on >= end) || count.used_on < contract.start {
        let until = contract.end.map_or_else(String::new, |end| format!(" until {end} (not included)"));
        let reason = format!("the contract is served from {}{until}: this would never be billed", contract.start);
        work.refuse(source, "used_on", &count.used_on.to_string(), reason);
        return false;
    }
    if with_meter.peek().is_none() {
        let reason = "no item of the contract or of its plan has this meter: this would never be billed";
        work.refuse(source, "meter", count.meter.as_str(), reason);
        return false;
    }
    let first = with_meter.map(|item| item.valid_from).min().filter(|first| count.used_on < *first);
    let when = first.map_or_else(|| "any more on that day".to_owned(), |first| format!("before {first}"));
    let reason =
        format!("no item of the contract or of its plan has the meter {} {when}: this would never be billed", count.meter);
    work.refuse(source, "used_on", &count.used_on.to_string(), reason);
    false
}

/// Whether the usage of a day is on no issued invoice; told when it is.
fn is_open(work: &mut Work, source: &Source, contract: &Contract, history: Option<&History>, used_on: NaiveDate) -> bool {
    let Some(issued) = history.and_then(|history| history.usage_issued(contract, used_on)) else { return true };
    let reason = format!(
        "the usage of {issued} is issued already and cannot change: void that invoice first, \
         or bill the difference as an item of its own (billable_items)"
    );
    work.refuse(source, "used_on", &used_on.to_string(), reason);
    false
}
