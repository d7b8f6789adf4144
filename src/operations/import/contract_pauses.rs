//! Pauses of contracts. What they change must not be billed yet: in periods that are, a person says it with
//! `contracts pause`, which credits the days.

use super::standing::{self, ContractKey, History, Scope, contracts_changed};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Kind, Located};
use crate::model::{Contract, Pause};
use crate::store::{Tx, pauses};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contract_pause", added: "contract_pause.added", changed: "contract_pause.changed" };

/// The pauses of a contract, by first day.
type Paused = BTreeMap<NaiveDate, Pause>;

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Pause>>) -> Result<()> {
    let keys: Vec<ContractKey> = rows.iter().map(|row| (row.value.company_id.clone(), row.value.contract_id.clone())).collect();
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let contracts = scope.contracts(tx)?;
    let histories = scope.history(tx)?;
    let mut standing: BTreeMap<ContractKey, Paused> = BTreeMap::new();
    let of: Vec<(&str, &str)> = keys.iter().map(|key| (key.0.as_str(), key.1.as_str())).collect();
    for pause in pauses::of_contracts(tx, &of)? {
        standing.entry((pause.company_id.clone(), pause.contract_id.clone())).or_default().insert(pause.from, pause);
    }
    let none = History::default();
    let (mut written, mut changed) = (Vec::new(), BTreeSet::new());
    for (Located { value: pause, source }, key) in rows.into_iter().zip(&keys) {
        let Some(contract) = contracts.get(key) else {
            work.missing(&source, "contract_id", Kind::Contracts, &[key.0.as_str(), key.1.as_str()]);
            continue;
        };
        let paused = standing.entry(key.clone()).or_default();
        let before = paused.get(&pause.from);
        if before == Some(&pause) {
            work.count(Outcome::Unchanged);
            continue;
        }
        if let Err((field, reason)) = check(contract, histories.get(key).unwrap_or(&none), paused, &pause) {
            work.refuse(&source, field, "", reason);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let id = format!("{}/{}", pause.contract_id, pause.from);
        work.note(pause.company_id.as_str(), &WORDS, outcome, id, pauses::change(before, &pause));
        paused.insert(pause.from, pause.clone());
        written.push(pause);
        changed.insert(key.clone());
    }
    pauses::upsert(tx, &written.iter().collect::<Vec<_>>())?;
    standing::reschedule(tx, &scope, &contracts, &histories, &changed)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

fn check(contract: &Contract, history: &History, paused: &Paused, pause: &Pause) -> Result<(), (&'static str, String)> {
    let Pause { contract_id, from, until, .. } = pause;
    if *from < contract.start {
        return Err(("from", format!("the contract begins on {}", contract.start)));
    }
    let overlaps = |other: &&Pause| {
        let is_real = other.until != Some(other.from) && other.from != *from;
        is_real && other.until.is_none_or(|end| *from < end) && until.is_none_or(|until| other.from < until)
    };
    if let Some(other) = paused.values().find(overlaps) {
        return Err((
            "from",
            format!("the contract is paused from {} already: one pause ends before the next begins", other.from),
        ));
    }
    // The first day that is otherwise than before.
    let first = match paused.get(from) {
        Some(before) => before.until.into_iter().chain(*until).min(),
        None => Some(*from),
    };
    match history.issued_until().zip(first).filter(|(issued, first)| first < issued) {
        Some((issued, _)) => Err((
            "from",
            format!(
                "service until {issued} (not included) is issued already: finops contracts pause {contract_id} --on {from} \
                 pauses it all the same, and credits what is billed"
            ),
        )),
        None => Ok(()),
    }
}
