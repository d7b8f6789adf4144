//! Which version of which plan a contract is on. It keeps that version until a row moves it.

use super::standing::{self, ContractKey, History, Scope, contracts_changed};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{ContractPlanRow, Kind, Located};
use crate::model::{Contract, ContractPlan, Plan, PlanId};
use crate::store::{Tx, plans};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contract_plan", added: "contract_plan.added", changed: "contract_plan.changed" };

/// What a contract was on, by the first day of each.
type Moves = BTreeMap<NaiveDate, ContractPlan>;

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<ContractPlanRow>>) -> Result<()> {
    let keys: Vec<ContractKey> = rows.iter().map(|row| (row.value.company_id.clone(), row.value.contract_id.clone())).collect();
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let contracts = scope.contracts(tx)?;
    let histories = scope.history(tx)?;
    let offered = plans::all(tx)?;
    let mut moves: BTreeMap<ContractKey, Moves> = BTreeMap::new();
    for on in plans::of_companies(tx, &scope.companies, scope.range)? {
        let key = (on.company_id.clone(), on.contract_id.clone());
        moves.entry(key).or_default().insert(on.valid_from, on);
    }
    let none = History::default();
    let mut written: BTreeMap<(ContractKey, NaiveDate), ContractPlan> = BTreeMap::new();
    for (Located { value: row, source }, key) in rows.into_iter().zip(&keys) {
        let Some(contract) = contracts.get(key) else {
            work.missing(&source, "contract_id", Kind::Contracts, &[key.0.as_str(), key.1.as_str()]);
            continue;
        };
        if let (Some(plan_id), Some(version)) = (&row.plan_id, row.version)
            && !offered.iter().any(|plan| plan.plan_id == *plan_id && plan.valid_from == version)
        {
            work.missing(&source, "version", Kind::Plans, &[plan_id.as_str(), &version.to_string()]);
            continue;
        }
        let history = histories.get(key).unwrap_or(&none);
        let moves = moves.entry(key.clone()).or_default();
        match place(contract, history, moves, &offered, &row) {
            Ok(None) => work.count(Outcome::Unchanged),
            Ok(Some(on)) if written.contains_key(&(key.clone(), on.valid_from)) => {
                work.refuse(
                    &source,
                    "valid_from",
                    "",
                    format!("another row of this file says what holds from {} on", on.valid_from),
                );
            }
            Ok(Some(on)) => {
                let before = moves.get(&on.valid_from);
                let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
                let id = format!("{}/{}", on.contract_id, on.valid_from);
                work.note(on.company_id.as_str(), &WORDS, outcome, id, plans::contract_change(before, &on));
                moves.insert(on.valid_from, on.clone());
                written.insert((key.clone(), on.valid_from), on);
            }
            Err((field, reason)) => work.refuse(&source, field, "", reason),
        }
    }
    plans::upsert_contracts(tx, &written.values().collect::<Vec<_>>())?;
    let changed: BTreeSet<ContractKey> = written.into_keys().map(|(contract, _)| contract).collect();
    standing::reschedule(tx, &scope, &contracts, &histories, &changed)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

/// The row as it is kept; None when that is what holds already. Errors: the column and the reason.
fn place(
    contract: &Contract,
    history: &History,
    moves: &Moves,
    offered: &[Plan],
    row: &ContractPlanRow,
) -> Result<Option<ContractPlan>, (&'static str, String)> {
    let first_open = standing::first_open(contract, history);
    let holds = moves.range(..=row.valid_from.unwrap_or(first_open)).next_back().map(|(_, on)| on);
    let day = row.valid_from.unwrap_or_else(|| match (history.issued_until(), holds) {
        (None, Some(on)) => on.valid_from,
        (None, None) => contract.start,
        (Some(_), _) => first_open,
    });
    let stands = holds.and_then(|on| on.plan.as_ref());
    let plan = match (&row.plan_id, row.version) {
        (None, _) => None,
        (Some(plan_id), Some(version)) => Some((plan_id.clone(), version)),
        // A row without a version moves no contract to a newer one.
        (Some(plan_id), None) => match stands.filter(|(stands, _)| stands == plan_id) {
            Some(stands) => Some(stands.clone()),
            None => Some((plan_id.clone(), latest(offered, plan_id, day.max(first_open))?)),
        },
    };
    if stands == plan.as_ref() && (holds.is_some() || plan.is_none()) {
        return Ok(None);
    }
    if let Some((plan_id, version)) = &plan
        && let Some(other) = offered.iter().find(|p| p.plan_id == *plan_id && p.valid_from == *version)
        && other.currency != contract.currency
    {
        let reason = format!("this plan is in {}, and the contract is in {}", other.currency, contract.currency);
        return Err(("plan_id", reason));
    }
    if let Some(until) = history.issued_until().filter(|until| day < *until) {
        let reason = format!(
            "service until {until} (not included) is issued already and cannot change: let this hold from {first_open} on, \
             or void the invoice first"
        );
        return Err(("valid_from", reason));
    }
    let (company_id, contract_id) = (contract.company_id.clone(), contract.contract_id.clone());
    Ok(Some(ContractPlan { company_id, contract_id, valid_from: day, plan }))
}

/// The version of a plan that is offered on a day.
fn latest(offered: &[Plan], plan_id: &PlanId, day: NaiveDate) -> Result<NaiveDate, (&'static str, String)> {
    let of_plan = offered.iter().filter(|plan| plan.plan_id == *plan_id);
    let latest = of_plan.map(|plan| plan.valid_from).filter(|version| *version <= day).max();
    latest.ok_or_else(|| {
        ("plan_id", format!("no version of this plan is offered on {day}: import one (plans), or name the version"))
    })
}
