//! Discounts of contracts and their items. One that is on issued invoices stays as it is; only for
//! how long it goes on may still change.

use super::standing::{ContractKey, History, Scope, contracts_changed, first_open};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{DiscountRow, Kind, Located, NEEDS_OFF, keep};
use crate::model::{Contract, Discount};
use crate::rules::periods::BillingCalendar;
use crate::store::{Tx, usage};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "discount", added: "discount.added", changed: "discount.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<DiscountRow>>>) -> Result<()> {
    let keys: Vec<ContractKey> = rows.iter().map(|row| (row.value.company_id.clone(), row.value.contract_id.clone())).collect();
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let contracts = scope.contracts(tx)?;
    let histories = scope.history(tx)?;
    let items = scope.items(tx)?;
    let standing = usage::discounts_of_companies(tx, &scope.companies, scope.range)?;
    let standing: BTreeMap<_, Discount> =
        standing.into_iter().map(|d| ((d.company_id.clone(), d.contract_id.clone(), d.discount_id.clone()), d)).collect();
    let none = History::default();
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    for (Located { value: mut row, source }, key) in rows.into_iter().zip(&keys) {
        let Some(contract) = contracts.get(key) else {
            work.missing(&source, "contract_id", Kind::Contracts, &[key.0.as_str(), key.1.as_str()]);
            continue;
        };
        let before = standing.get(&(key.0.clone(), key.1.clone(), row.discount_id.clone()));
        if let Some(before) = before {
            keep::discount(&mut row, before, &source);
        }
        let Some(off) = row.off else {
            work.refuse(&source, "percent", "", NEEDS_OFF);
            continue;
        };
        if let Some(item) = &row.item_id
            && !items.get(key).is_some_and(|items| items.iter().any(|own| own.item_id == *item))
        {
            work.refuse(&source, "item_id", item.as_str(), "the contract has no such item, neither of its own nor of its plan");
            continue;
        }
        let history = histories.get(key).unwrap_or(&none);
        let discount = Discount {
            company_id: row.company_id,
            contract_id: row.contract_id,
            discount_id: row.discount_id,
            item_id: row.item_id,
            valid_from: row.valid_from.or(before.map(|b| b.valid_from)).unwrap_or_else(|| first_open(contract, history)),
            periods: row.periods,
            off,
            description: row.description,
        };
        if before == Some(&discount) {
            work.count(Outcome::Unchanged);
        } else if let Err((field, reason)) = check_issued(contract, history, before, &discount) {
            work.refuse(&source, field, "", reason);
        } else {
            let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
            let id = format!("{}/{}", discount.contract_id, discount.discount_id);
            work.note(discount.company_id.as_str(), &WORDS, outcome, id, usage::discount_change(before, &discount));
            changed.insert(key.clone());
            written.push(discount);
        }
    }
    usage::upsert_discounts(tx, &written)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

/// Refuses what would be other than on issued invoices.
fn check_issued(
    contract: &Contract,
    history: &History,
    before: Option<&Discount>,
    after: &Discount,
) -> Result<(), (&'static str, String)> {
    let (Some(last), Ok(calendar)) = (history.last_issued(), BillingCalendar::new(contract)) else { return Ok(()) };
    let Some(last) = calendar.containing(last.period.start()) else { return Ok(()) };
    // How many of its periods are issued.
    let issued = |discount: &Discount| calendar.index_of(&last) - calendar.first_index(discount.valid_from) + 1;
    let goes_on = |discount: &Discount| discount.periods.is_none_or(|periods| i64::from(periods) >= issued(discount));
    let open = first_open(contract, history);
    let told =
        |what: String| format!("service before {open} is issued already and cannot change: {what}, or void the invoice first");
    match before {
        Some(before) if issued(before) > 0 => {
            let same = Discount { periods: before.periods, ..after.clone() } == *before;
            if !same {
                return Err(("discount_id", told("end it by its periods, and begin another discount".to_owned())));
            }
            if !goes_on(before) || !goes_on(after) {
                let what = format!("{} of its periods are, so let it have that many or more", issued(after));
                return Err(("periods", told(what)));
            }
            Ok(())
        }
        _ if issued(after) > 0 => Err(("valid_from", told(format!("let it begin on {open}")))),
        _ => Ok(()),
    }
}
