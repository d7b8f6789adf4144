//! Billable items: whatever else is to be billed, once per source key.

use super::standing::companies_changed;
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Kind, Located, keep};
use crate::model::{BillableItem, Company, InvoiceState};
use crate::operations::contracts::{MOVED, PREFIX};
use crate::rules::pricing::check_countable;
use crate::rules::schedule::alone_on;
use crate::store::{Tx, companies, items};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "billable_item", added: "billable_item.added", changed: "billable_item.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<BillableItem>>) -> Result<()> {
    let keys: Vec<_> = rows.iter().map(|row| (row.value.company_id.clone(), row.value.source_key.clone())).collect();
    let keys: Vec<(&str, &str)> = keys.iter().map(|key| (key.0.as_str(), key.1.as_str())).collect();
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.0).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&ids)?;
    let companies = companies::by_ids(tx, &ids)?;
    let companies: BTreeMap<&str, &Company> = companies.iter().map(|c| (c.company_id.as_str(), c)).collect();
    let found = items::of_keys(tx, &keys)?;
    let standing: BTreeMap<_, _> = found.iter().map(|(item, taken)| (key(item), (item, *taken))).collect();
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    for Located { value: mut item, source } in rows {
        let known = work.has_seller(&source, &item.seller_id);
        let Some(company) = companies.get(item.company_id.as_str()) else {
            work.missing(&source, "company_id", Kind::Companies, &[item.company_id.as_str()]);
            continue;
        };
        if !known {
            continue;
        }
        if item.source_key.as_str().starts_with(PREFIX) {
            let reason = format!("keys that begin with {PREFIX} are of what finops contracts credits and charges");
            work.refuse(&source, "source_key", item.source_key.as_str(), reason);
            continue;
        }
        let before = standing.get(&key(&item)).copied();
        if let Some((before, _)) = before {
            keep::billable_item(&mut item, before, &source);
        }
        if before.is_some_and(|(before, _)| *before == item) || was_moved_from_here(tx, &item)? {
            work.count(Outcome::Unchanged);
            continue;
        }
        if let Err(error) = check_countable(item.quantity, item.unit_price, item.currency) {
            work.refuse(&source, "unit_price", "", format!("quantity × unit_price: {error}"));
            continue;
        }
        if let Some((_, Some(InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible))) = before {
            let reason = "this item is on an issued invoice and cannot change: void that invoice first, \
                          or bill the difference as an item of its own";
            work.refuse(&source, "source_key", item.source_key.as_str(), reason);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let alone = alone_on(&item, company.billing_day);
        let payload = items::change(before.map(|(before, _)| before), &item, alone);
        work.note(item.company_id.as_str(), &WORDS, outcome, item.source_key.to_string(), payload);
        changed.insert(item.company_id.clone());
        written.push((item, alone));
    }
    items::upsert(tx, &written.iter().map(|(item, alone)| (item, *alone)).collect::<Vec<_>>())?;
    // An open draft may take a new item up.
    work.summary.stale_drafts += companies_changed(tx, &changed)?;
    Ok(())
}

/// What a change of a contract has left to bill, given back to the database that bills it.
fn was_moved_from_here(tx: &mut Tx, item: &BillableItem) -> Result<bool> {
    let origin = item.source_key.as_str().strip_prefix(MOVED).filter(|origin| origin.starts_with(PREFIX));
    let Some(origin) = origin.and_then(|origin| origin.parse().ok()) else { return Ok(false) };
    Ok(items::find(tx, &item.company_id, &origin)?.is_some())
}

fn key(item: &BillableItem) -> (&str, &str) {
    (item.company_id.as_str(), item.source_key.as_str())
}
