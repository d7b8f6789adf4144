//! Plans, their items and tiers. A version of which service is issued does not change any more: a
//! new version does, and contracts stay on theirs until they are moved.

use super::standing::contracts_changed;
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{FLAT_HAS_NO_QUANTITY, Kind, Located, PlanTierRow, RowKey, Source, has_none, keep};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::{CompanyId, ContractItem, Currency, ItemId, Plan, PlanId, PlanItem, Tiers};
use crate::rules::pricing::check_item_countable;
use crate::store::{Tx, plans, sellers};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

const PLAN: Words = Words { entity: "plan", added: "plan.added", changed: "plan.changed" };
const ITEM: Words = Words { entity: "plan_item", added: "plan_item.added", changed: "plan_item.changed" };

/// Contracts that are marked together.
const PAGE: u32 = 500;

type Version = (PlanId, NaiveDate);

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Plan>>) -> Result<()> {
    let standing: BTreeMap<Version, Plan> = versions(tx)?;
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    for Located { value: plan, source } in rows {
        let key = (plan.plan_id.clone(), plan.valid_from);
        let before = standing.get(&key);
        if before == Some(&plan) {
            work.count(Outcome::Unchanged);
            continue;
        }
        if before.is_some_and(|before| before.currency != plan.currency)
            && let Some((company_id, contract_id)) = plans::contracts_on(tx, &key.0, key.1, ("", ""), 1)?.first()
        {
            let reason = format!("contract {contract_id} of company {company_id} is on this version: import a new one");
            work.refuse(&source, "currency", plan.currency.code(), reason);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        work.note(SYSTEM_COMPANY, &PLAN, outcome, named(&key), plans::change(before, &plan));
        changed.insert(key);
        written.push(plan);
    }
    hold(tx, work)?;
    plans::upsert(tx, &written)?;
    mark(tx, work, &changed)
}

pub fn write_items(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<PlanItem>>>) -> Result<()> {
    let versions = versions(tx)?;
    let mut standing = items(tx)?;
    let mut written = BTreeMap::new();
    for Located { value: mut item, source } in rows {
        let version = (item.plan_id.clone(), item.version);
        let Some(plan) = versions.get(&version) else {
            work.missing(&source, "version", Kind::Plans, &[version.0.as_str(), &version.1.to_string()]);
            continue;
        };
        let key = (version.clone(), item.item_id.clone());
        let before = standing.remove(&key);
        if let Some(before) = &before {
            keep::plan_item(&mut item, before, &source);
        }
        if let Some(column) = item.terms.beyond(item.price_model).next() {
            work.refuse(&source, column, "", has_none(item.price_model));
            continue;
        }
        if item.price_model.quantity(item.quantity) != item.quantity {
            work.refuse(&source, "quantity", "", FLAT_HAS_NO_QUANTITY);
            continue;
        }
        if !item.price_model.has_price() {
            item.unit_price = Decimal::ZERO;
        } else if !source.has("unit_price") && before.is_none() {
            work.refuse(&source, "unit_price", "", "this item needs a price: add the column unit_price");
            continue;
        }
        if before.as_ref() == Some(&item) {
            work.count(Outcome::Unchanged);
        } else if is_countable(work, &source, &item, plan.currency) && !is_fixed(tx, work, &source, "version", &version)? {
            note_item(work, &source, before.as_ref(), &item, 1);
            written.insert(key, *item);
        }
    }
    save(tx, work, written)
}

/// The tiers of items of plans, each with the first of its rows and their number.
pub fn write_tiers(tx: &mut Tx, work: &mut Work, edits: Vec<(Located<PlanTierRow>, Tiers, u64)>) -> Result<()> {
    let mut standing = items(tx)?;
    let versions = versions(tx)?;
    let mut written = BTreeMap::new();
    for (Located { value: row, source }, tiers, rows) in edits {
        let version = (row.plan_id.clone(), row.version);
        let key = (version.clone(), row.item_id.clone());
        let (Some(before), Some(plan)) = (standing.remove(&key), versions.get(&version)) else {
            work.missing(
                &source,
                "item_id",
                Kind::PlanItems,
                &[row.plan_id.as_str(), &row.version.to_string(), row.item_id.as_str()],
            );
            continue;
        };
        if !before.price_model.has_tiers() {
            let reason = format!(
                "this item's price_model is {}, which has no tiers: make it graduated or volume first",
                before.price_model
            );
            work.refuse(&source, "item_id", "", reason);
            continue;
        }
        let mut item = before.clone();
        item.terms.tiers = Some(tiers);
        if item == before {
            work.count_rows(Outcome::Unchanged, rows);
        } else if is_countable(work, &source, &item, plan.currency) && !is_fixed(tx, work, &source, "version", &version)? {
            note_item(work, &source, Some(&before), &item, rows);
            written.insert(key, item);
        }
    }
    save(tx, work, written)
}

fn versions(tx: &mut Tx) -> Result<BTreeMap<Version, Plan>> {
    Ok(plans::all(tx)?.into_iter().map(|plan| ((plan.plan_id.clone(), plan.valid_from), plan)).collect())
}

fn items(tx: &mut Tx) -> Result<BTreeMap<(Version, ItemId), PlanItem>> {
    let key = |item: &PlanItem| ((item.plan_id.clone(), item.version), item.item_id.clone());
    Ok(plans::items(tx)?.into_iter().map(|item| (key(&item), item)).collect())
}

fn named((plan_id, version): &Version) -> String {
    format!("{plan_id}/{version}")
}

fn note_item(work: &mut Work, source: &Source, before: Option<&PlanItem>, item: &PlanItem, rows: u64) {
    let had_tiers = before.is_some_and(|before| before.terms.tiers.is_some());
    let is_new = before.is_none() || !had_tiers && item.terms.tiers.is_some();
    let outcome = if is_new { Outcome::Added } else { Outcome::Changed };
    let id = format!("{}/{}/{}", item.plan_id, item.version, item.item_id);
    if item.price_model.has_tiers() && item.terms.tiers.is_none() {
        work.without_tiers.insert(RowKey::of(&[&id]), source.spot("price_model"));
    } else {
        work.without_tiers.remove(&RowKey::of(&[&id]));
    }
    work.note(SYSTEM_COMPANY, &ITEM, outcome, id, plans::item_change(before, item));
    work.count_rows(outcome, rows - 1);
}

fn is_countable(work: &mut Work, source: &Source, item: &PlanItem, currency: Currency) -> bool {
    // The rule asks for an item of a contract; whose it is makes no difference.
    let of_contract = ContractItem {
        company_id: CompanyId::stored(""),
        contract_id: crate::model::ContractId::stored(""),
        item_id: item.item_id.clone(),
        valid_from: item.version,
        end: None,
        description: String::new(),
        price_model: item.price_model,
        quantity: item.quantity,
        unit: String::new(),
        unit_price: item.unit_price,
        terms: item.terms.clone(),
        tax_code: None,
    };
    match check_item_countable(&of_contract, currency) {
        Ok(()) => true,
        Err(error) => {
            work.refuse(source, "unit_price", "", format!("quantity × unit_price: {error}"));
            false
        }
    }
}

/// Whether service of a version is issued; told then.
fn is_fixed(tx: &mut Tx, work: &mut Work, source: &Source, field: &str, version: &Version) -> Result<bool> {
    let Some((company_id, contract_id)) = plans::issued_on(tx, &version.0, version.1)? else { return Ok(false) };
    let reason = format!(
        "service of this version is issued (contract {contract_id} of company {company_id}) and cannot change: \
         import a new version, and move contracts to it (contract_plans)"
    );
    work.refuse(source, field, "", reason);
    Ok(true)
}

/// A plan under way holds the sellers, and with them the price lists: writing the sellers again, as
/// they are, waits for it. Only then is every draft there to be marked.
fn hold(tx: &mut Tx, work: &Work) -> Result<()> {
    Ok(sellers::upsert(tx, &work.sellers.values().collect::<Vec<_>>())?)
}

fn save(tx: &mut Tx, work: &mut Work, written: BTreeMap<(Version, ItemId), PlanItem>) -> Result<()> {
    hold(tx, work)?;
    plans::upsert_items(tx, written.values())?;
    let changed = written.into_keys().map(|(version, _)| version).collect();
    mark(tx, work, &changed)
}

/// Marks the drafts of all contracts on these versions.
fn mark(tx: &mut Tx, work: &mut Work, changed: &BTreeSet<Version>) -> Result<()> {
    for (plan_id, version) in changed {
        let mut after = (String::new(), String::new());
        loop {
            let page = plans::contracts_on(tx, plan_id, *version, (&after.0, &after.1), PAGE)?;
            let Some((company_id, contract_id)) = page.last() else { break };
            after = (company_id.to_string(), contract_id.to_string());
            work.summary.stale_drafts += contracts_changed(tx, &page.into_iter().collect())?;
        }
    }
    Ok(())
}
