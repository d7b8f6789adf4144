//! Versions of contract items: a changed price or quantity holds from `valid_from` on, and service
//! that is issued already never changes (semantics.md, contracts and prices).

use super::standing::{self, ContractKey, History, Scope, contracts_changed};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{ContractItemRow, FLAT_HAS_NO_QUANTITY, Kind, Located, RowKey, Source, has_none, keep};
use crate::model::{Contract, ContractItem, ItemId, PriceTerms, Tiers};
use crate::rules::pricing::check_item_countable;
use crate::store::{Tx, contracts as store};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contract_item", added: "contract_item.added", changed: "contract_item.changed" };

/// The versions of one item, by their first day.
type Versions = BTreeMap<NaiveDate, ContractItem>;

/// What rows of a file want of an item.
pub struct Edit {
    pub item: (ContractKey, ItemId),
    /// None: the first day that is not billed yet.
    pub valid_from: Option<NaiveDate>,
    pub source: Source,
    pub wanted: Wanted,
    /// How many rows say so.
    pub rows: u64,
}

pub enum Wanted {
    /// All of it but its tiers.
    Item(Box<ContractItemRow>),
    /// Its tiers; the rest stays.
    Tiers(Tiers),
}

impl Edit {
    /// A version that follows or replaces `before`; None when there is nothing that tiers could be of.
    fn version(&self, valid_from: NaiveDate, before: Option<&ContractItem>) -> Option<ContractItem> {
        match (&self.wanted, before) {
            (Wanted::Item(row), before) => {
                let mut version = ContractItemRow::clone(row).valid_from(valid_from);
                if let Some(before) = before {
                    keep::contract_item(&mut version, before, &self.source);
                }
                if !version.price_model.has_price() {
                    version.unit_price = Decimal::ZERO;
                }
                Some(version)
            }
            (Wanted::Tiers(tiers), Some(before)) => {
                let terms = PriceTerms { tiers: Some(tiers.clone()), ..before.terms.clone() };
                Some(ContractItem { valid_from, terms, ..before.clone() })
            }
            (Wanted::Tiers(_), None) => None,
        }
    }

    /// Whether a version says so already, whenever it holds from.
    fn is(&self, version: &ContractItem) -> bool {
        let wanted = self.version(version.valid_from, Some(version));
        wanted.is_some_and(|wanted| has_its_quantity(&wanted) && wanted == *version)
    }

    /// Whether it surely changes nothing, without a look at what is billed: on a rerun nearly all do.
    fn stands_already(&self, versions: &Versions) -> bool {
        match self.valid_from {
            Some(day) => versions.get(&day).is_some_and(|version| self.is(version)),
            None => versions.len() == 1 && versions.values().all(|version| self.is(version)),
        }
    }
}

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<ContractItemRow>>>) -> Result<()> {
    let edit = |Located { value, source }: Located<Box<ContractItemRow>>| Edit {
        item: ((value.company_id.clone(), value.contract_id.clone()), value.item_id.clone()),
        valid_from: value.valid_from,
        source,
        wanted: Wanted::Item(value),
        rows: 1,
    };
    edit_items(tx, work, rows.into_iter().map(edit).collect())
}

/// Changes items as rows of a file want it.
pub fn edit_items(tx: &mut Tx, work: &mut Work, edits: Vec<Edit>) -> Result<()> {
    let keys: Vec<ContractKey> = edits.iter().map(|edit| edit.item.0.clone()).collect();
    let scope = Scope::of(keys.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&scope.companies)?;
    let contracts = scope.contracts(tx)?;
    let mut items: BTreeMap<(ContractKey, ItemId), Versions> = BTreeMap::new();
    for version in store::items_of_companies(tx, &scope.companies, scope.range)? {
        let key = ((version.company_id.clone(), version.contract_id.clone()), version.item_id.clone());
        items.entry(key).or_default().insert(version.valid_from, version);
    }
    let mut differing = Vec::new();
    for edit in edits {
        let (company_id, contract_id) = &edit.item.0;
        let versions = items.get(&edit.item);
        if !contracts.contains_key(&edit.item.0) {
            work.missing(&edit.source, "contract_id", Kind::Contracts, &[company_id.as_str(), contract_id.as_str()]);
        } else if versions.is_some_and(|versions| edit.stands_already(versions)) {
            work.count_rows(Outcome::Unchanged, edit.rows);
        } else {
            differing.push(edit);
        }
    }
    change(tx, work, &contracts, differing, items)
}

fn change(
    tx: &mut Tx,
    work: &mut Work,
    contracts: &BTreeMap<ContractKey, Contract>,
    edits: Vec<Edit>,
    mut items: BTreeMap<(ContractKey, ItemId), Versions>,
) -> Result<()> {
    let touched: BTreeSet<ContractKey> = edits.iter().map(|edit| edit.item.0.clone()).collect();
    let scope = Scope::of(touched.iter().map(|key| (key.0.as_str(), key.1.as_str())));
    let histories = scope.history(tx)?;
    let none = History::default();
    let mut written: BTreeMap<(ContractKey, ItemId, NaiveDate), ContractItem> = BTreeMap::new();
    for edit in edits {
        let Some(contract) = contracts.get(&edit.item.0) else { continue };
        let history = histories.get(&edit.item.0).unwrap_or(&none);
        let versions = items.entry(edit.item.clone()).or_default();
        match place(contract, history, versions, &edit) {
            Ok(None) => work.count_rows(Outcome::Unchanged, edit.rows),
            Ok(Some(version)) => {
                if let Err(error) = check_item_countable(&version, contract.currency) {
                    work.refuse(&edit.source, "unit_price", "", format!("quantity × unit_price: {error}"));
                    continue;
                }
                let slot = (edit.item.0.clone(), version.item_id.clone(), version.valid_from);
                if written.contains_key(&slot) {
                    let reason = format!("another row of this file says what holds from {} on", version.valid_from);
                    work.refuse(&edit.source, "valid_from", "", reason);
                    continue;
                }
                note(work, &edit, versions, &version);
                versions.insert(version.valid_from, version.clone());
                written.insert(slot, version);
            }
            Err((field, reason)) => work.refuse(&edit.source, field, "", reason),
        }
    }
    store::upsert_items(tx, &written.values().collect::<Vec<_>>())?;
    let changed: BTreeSet<ContractKey> = written.into_keys().map(|(contract, ..)| contract).collect();
    standing::reschedule(tx, &scope, contracts, &histories, &changed)?;
    work.summary.stale_drafts += contracts_changed(tx, &changed)?;
    Ok(())
}

fn note(work: &mut Work, edit: &Edit, versions: &Versions, version: &ContractItem) {
    // A first day that the file names makes a row of its own; without one, the item itself changes.
    let is_new = versions.is_empty() || edit.valid_from.is_some() && !versions.contains_key(&version.valid_from);
    let before = versions.get(&version.valid_from).or_else(|| holding(versions, version.valid_from));
    let had_tiers = before.is_some_and(|before| before.terms.tiers.is_some());
    let is_new = is_new || matches!(edit.wanted, Wanted::Tiers(_)) && !had_tiers;
    let outcome = if is_new { Outcome::Added } else { Outcome::Changed };
    let payload = store::item_change(before, version);
    let id = format!("{}/{}/{}", version.contract_id, version.item_id, version.valid_from);
    let named = RowKey::of(&[version.company_id.as_str(), &id]);
    if version.price_model.has_tiers() && version.terms.tiers.is_none() {
        work.without_tiers.insert(named, edit.source.spot("price_model"));
    } else {
        work.without_tiers.remove(&named);
    }
    work.note(version.company_id.as_str(), &WORDS, outcome, id, payload);
    work.count_rows(outcome, edit.rows - 1);
}

/// The version that holds on a day: the last that began, or else the first.
fn holding(versions: &Versions, on: NaiveDate) -> Option<&ContractItem> {
    versions.range(..=on).next_back().or_else(|| versions.iter().next()).map(|(_, version)| version)
}

/// The version that the row makes, with its first day; None when that is what holds already. Errors:
/// the column and the reason, when the row would change service that is issued, or cannot be at all.
fn place(
    contract: &Contract,
    history: &History,
    versions: &Versions,
    edit: &Edit,
) -> Result<Option<ContractItem>, (&'static str, String)> {
    let issued_until = history.issued_until();
    let first_open = standing::first_open(contract, history);
    let holds = holding(versions, edit.valid_from.unwrap_or(first_open));
    let begun = |version: &&ContractItem| edit.valid_from.is_none_or(|day| version.valid_from <= day);
    if holds.filter(begun).is_some_and(|version| edit.is(version)) {
        return Ok(None);
    }
    let day = edit.valid_from.unwrap_or(match (issued_until, holds) {
        (None, Some(version)) => version.valid_from,
        (None, None) => contract.start,
        (Some(_), _) => first_open,
    });
    let version = edit.version(day, holds).ok_or_else(|| {
        ("item_id", "the contract has no item of its own by this id: import it first (contract_items)".to_owned())
    })?;
    check_kept_end(&version, holds, &edit.source)?;
    check_prices(&version, holds, edit)?;
    check_issued(issued_until, versions, &version, first_open)?;
    Ok(Some(version))
}

/// Whether its quantity is one that its model has.
fn has_its_quantity(version: &ContractItem) -> bool {
    version.price_model.quantity(version.quantity) == version.quantity
}

/// Refuses a price that nothing says, and a quantity or tiers that the model has not.
fn check_prices(version: &ContractItem, before: Option<&ContractItem>, edit: &Edit) -> Result<(), (&'static str, String)> {
    let model = version.price_model;
    match &edit.wanted {
        Wanted::Item(_) => {
            if !has_its_quantity(version) {
                return Err(("quantity", FLAT_HAS_NO_QUANTITY.to_owned()));
            }
            if let Some(column) = version.terms.beyond(model).next() {
                return Err((column, has_none(model)));
            }
            let priced = edit.source.has("unit_price") || before.is_some_and(|before| before.price_model.has_price());
            if model.has_price() && !priced {
                return Err(("unit_price", format!("an item of price_model {model} needs a price: add the column unit_price")));
            }
        }
        Wanted::Tiers(_) if !model.has_tiers() => {
            let reason = format!("this item's price_model is {model}, which has no tiers: make it graduated or volume first");
            return Err(("item_id", reason));
        }
        Wanted::Tiers(_) => {}
    }
    Ok(())
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
