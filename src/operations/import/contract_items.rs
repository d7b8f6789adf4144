//! Versions of contract items: a changed price or quantity holds from `valid_from` on, and service
//! that is issued already never changes (semantics.md, contracts and prices).

use super::standing::{ContractKey, History, Scope, contracts_changed, key_of};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{ContractItemRow, Kind, Located, Source, keep};
use crate::model::{Contract, ContractItem, ItemId};
use crate::rules::periods::BillingCalendar;
use crate::rules::pricing::{billed_quantity, check_countable};
use crate::rules::schedule::next_unbilled;
use crate::store::billing::{self, Next, ScheduleChange};
use crate::store::{Tx, contracts};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contract_item", added: "contract_item.added", changed: "contract_item.changed" };

/// The versions of one item, by their first day.
type Versions = BTreeMap<NaiveDate, ContractItem>;

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<ContractItemRow>>) -> Result<()> {
    let rows_of = rows.clone();
    let scope = Scope::of(rows_of.iter().map(|row| (row.value.company_id.as_str(), row.value.contract_id.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let contracts = scope.contracts(tx)?;
    let mut items: BTreeMap<(ContractKey, ItemId), Versions> = BTreeMap::new();
    for version in contracts::items_of_companies(tx, &scope.companies, scope.range)? {
        let key = ((version.company_id.clone(), version.contract_id.clone()), version.item_id.clone());
        items.entry(key).or_default().insert(version.valid_from, version);
    }
    let mut differing = Vec::new();
    for row in rows {
        let (item, source) = (&row.value, &row.source);
        let key = (item.company_id.clone(), item.contract_id.clone());
        let Some(contract) = contracts.get(&key) else {
            let contract = [item.company_id.as_str(), item.contract_id.as_str()];
            work.missing(source, "contract_id", Kind::Contracts, &contract);
            continue;
        };
        let versions = items.get(&(key, item.item_id.clone()));
        if versions.is_some_and(|versions| stands_already(versions, &row)) {
            work.count(Outcome::Unchanged);
        } else {
            differing.push((contract, row));
        }
    }
    change(tx, work, differing, items)
}

/// Whether the row surely changes nothing, without a look at what is billed: on a rerun nearly all do.
fn stands_already(versions: &Versions, row: &Located<ContractItemRow>) -> bool {
    match row.value.valid_from {
        Some(day) => versions.get(&day).is_some_and(|version| same(version, row)),
        None => versions.len() == 1 && versions.values().all(|version| same(version, row)),
    }
}

/// The same content, whenever it holds from.
fn same(version: &ContractItem, row: &Located<ContractItemRow>) -> bool {
    version_of(row, version.valid_from, Some(version)) == *version
}

/// The row as a version that follows or replaces `before`.
fn version_of(row: &Located<ContractItemRow>, valid_from: NaiveDate, before: Option<&ContractItem>) -> ContractItem {
    let mut version = row.value.clone().valid_from(valid_from);
    if let Some(before) = before {
        keep::contract_item(&mut version, before, &row.source);
    }
    version
}

fn change(
    tx: &mut Tx,
    work: &mut Work,
    rows: Vec<(&Contract, Located<ContractItemRow>)>,
    mut items: BTreeMap<(ContractKey, ItemId), Versions>,
) -> Result<()> {
    let touched: Vec<&Contract> = rows.iter().map(|(contract, _)| *contract).collect();
    let scope = Scope::of(touched.iter().map(|c| (c.company_id.as_str(), c.contract_id.as_str())));
    let histories = scope.history(tx)?;
    let by_key: BTreeMap<ContractKey, &Contract> = touched.iter().map(|c| (key_of(c), *c)).collect();
    let none = History::default();
    let mut written: BTreeMap<(ContractKey, ItemId, NaiveDate), ContractItem> = BTreeMap::new();
    for (contract, row) in rows {
        let key = key_of(contract);
        let history = histories.get(&key).unwrap_or(&none);
        let versions = items.entry((key.clone(), row.value.item_id.clone())).or_default();
        let (source, named) = (&row.source, row.value.valid_from.is_some());
        match place(contract, history, versions, &row) {
            Ok(None) => work.count(Outcome::Unchanged),
            Ok(Some(version)) => {
                if let Err(error) = check_countable(billed_quantity(&version), version.unit_price, contract.currency) {
                    work.refuse(source, "unit_price", "", format!("quantity × unit_price: {error}"));
                    continue;
                }
                let slot = (key, version.item_id.clone(), version.valid_from);
                if written.contains_key(&slot) {
                    let reason = format!("another row of this file says what holds from {} on", version.valid_from);
                    work.refuse(source, "valid_from", "", reason);
                    continue;
                }
                // A first day that the file names makes a row of its own; without one, the item itself changes.
                let is_new = versions.is_empty() || named && !versions.contains_key(&version.valid_from);
                let outcome = if is_new { Outcome::Added } else { Outcome::Changed };
                let before = versions.get(&version.valid_from).or_else(|| holding(versions, version.valid_from));
                let payload = contracts::item_change(before, &version);
                let id = format!("{}/{}/{}", version.contract_id, version.item_id, version.valid_from);
                work.note(version.company_id.as_str(), &WORDS, outcome, id, payload);
                versions.insert(version.valid_from, version.clone());
                written.insert(slot, version);
            }
            Err((field, reason)) => work.refuse(source, field, "", reason),
        }
    }
    contracts::upsert_items(tx, &written.values().collect::<Vec<_>>())?;
    let changed: BTreeSet<ContractKey> = written.into_keys().map(|(contract, ..)| contract).collect();
    // A period that was passed over, since no item was active in it, may have something to bill now.
    let schedules = scope.schedules(tx)?;
    let mut moved = Vec::with_capacity(changed.len());
    for key in &changed {
        let (Some(contract), Some(schedule)) = (by_key.get(key), schedules.get(key)) else { continue };
        let billed = histories.get(key).map(History::starts).unwrap_or_default();
        // The contract was accepted by the same rule.
        let next = next_unbilled(contract, None, &billed).ok().flatten();
        moved
            .push(ScheduleChange { next: next.map(|n| Next { start: n.next_start, due_on: n.next_due_on }), ..schedule.clone() });
    }
    billing::move_schedules(tx, &moved)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

/// The version that holds on a day: the last that began, or else the first.
fn holding(versions: &Versions, on: NaiveDate) -> Option<&ContractItem> {
    versions.range(..=on).next_back().or_else(|| versions.iter().next()).map(|(_, version)| version)
}

/// The version that the row makes, with its first day; None when that is what holds already. Errors:
/// the column and the reason, when the row would change service that is issued.
fn place(
    contract: &Contract,
    history: &History,
    versions: &Versions,
    row: &Located<ContractItemRow>,
) -> Result<Option<ContractItem>, (&'static str, String)> {
    let issued_until = history.issued_until();
    let first_open = match issued_until {
        None => contract.bill_from.map_or(contract.start, |from| from.max(contract.start)),
        // Between the last issued period and the next there is no gap, and after the last period of
        // an ended contract nothing is billed any more.
        Some(until) => BillingCalendar::new(contract)
            .ok()
            .and_then(|calendar| calendar.first_from(until))
            .map_or(until, |period| period.service.start()),
    };
    if let Some(day) = row.value.valid_from {
        let holds = holding(versions, day);
        if holds.is_some_and(|version| version.valid_from <= day && same(version, row)) {
            return Ok(None);
        }
        let version = version_of(row, day, holds);
        check_kept_end(&version, holds, &row.source)?;
        check_issued(issued_until, versions, &version, first_open)?;
        return Ok(Some(version));
    }
    let holds = holding(versions, first_open);
    if holds.is_some_and(|version| same(version, row)) {
        return Ok(None);
    }
    let day = match (issued_until, holds) {
        (None, Some(version)) => version.valid_from,
        (None, None) => contract.start,
        (Some(_), _) => first_open,
    };
    let version = version_of(row, day, holds);
    check_kept_end(&version, holds, &row.source)?;
    check_issued(issued_until, versions, &version, first_open)?;
    Ok(Some(version))
}

/// Refuses a version that would begin after the item's end: a file without that column may neither
/// take the end away nor add what would never be billed.
fn check_kept_end(version: &ContractItem, before: Option<&ContractItem>, source: &Source) -> Result<(), (&'static str, String)> {
    let follows = before.is_some_and(|before| before.valid_from != version.valid_from);
    match version.end.filter(|end| follows && !source.has("end") && *end <= version.valid_from) {
        Some(end) => {
            let reason = format!("this item ended on {end}: to begin it again, add the column end, empty or with a later day");
            Err(("end", reason))
        }
        None => Ok(()),
    }
}

/// Refuses a version that changes a day which is issued: one that begins before, or an end that
/// moves on such days.
fn check_issued(
    issued_until: Option<NaiveDate>,
    versions: &Versions,
    version: &ContractItem,
    first_open: NaiveDate,
) -> Result<(), (&'static str, String)> {
    let Some(until) = issued_until else { return Ok(()) };
    let command = "finops contracts change";
    let told = |what: &str| {
        format!(
            "service until {until} (not included) is issued already: {what}, or change it there and credit the old with \
             {command} {} --item {} --on DATE",
            version.contract_id, version.item_id
        )
    };
    let ends_early = |end: Option<NaiveDate>| end.is_some_and(|end| end < until);
    let mut moves_early = ends_early(version.end);
    if version.valid_from < until {
        let before = versions.get(&version.valid_from);
        let only_the_end = before.filter(|before| ContractItem { end: before.end, ..version.clone() } == **before);
        let Some(before) = only_the_end else {
            return Err(("valid_from", told(&format!("let this hold from {first_open} on"))));
        };
        moves_early |= ends_early(before.end);
    }
    if moves_early {
        return Err(("end", told(&format!("end on {first_open} or later"))));
    }
    Ok(())
}
