//! Amendments: how a contract becomes another from a day on. What that costs where it is billed already
//! is told by [`adjustments`](super::billing::adjustments).
//!
//! A day is always the first on which the change holds. An item that changes gets a version from that
//! day on, which holds until the next one that there is already.

use crate::model::{Contract, ContractItem, ContractPlan, ItemId, Pause, PlanId, PriceModel, PriceTerms, TaxCode};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A contract as it was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub contract: Contract,
    /// Every version of its own items, by (item, first day).
    pub items: Vec<ContractItem>,
    /// Which version of which plan it is on, by first day.
    pub plans: Vec<ContractPlan>,
    /// By first day.
    pub pauses: Vec<Pause>,
}

/// What is said of an item; None: as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub unit_price: Option<Decimal>,
    pub quantity: Option<Decimal>,
    pub price_model: Option<PriceModel>,
    pub unit: Option<String>,
    pub description: Option<String>,
    pub tax_code: Option<TaxCode>,
}

/// What a person wants of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amendment {
    /// Other terms for an item; None: for the only one there is.
    Change(Option<ItemId>, Terms),
    /// One more item.
    Add(ItemId, Terms),
    /// An item is no longer agreed.
    Remove(ItemId),
    /// It is on this version of this plan (its first day of offer); None: on the one that holds, or the latest.
    Plan(PlanId, Option<NaiveDate>),
    /// Nothing is served or billed, until that day or until it is resumed.
    Pause(Option<NaiveDate>),
    Resume,
    /// The contract ends; the day is the first that is not served.
    Cancel,
    /// The contract has no end after all.
    Reinstate,
}

/// Why an amendment cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub message: String,
    pub hint: String,
}

fn refuse<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), hint: hint.into() })
}

impl Agreement {
    /// The agreement from then on; equal to what it was when it says so already.
    pub fn amend(&self, on: NaiveDate, amendment: &Amendment) -> Result<Self, Refusal> {
        self.check_day(on, amendment)?;
        let mut after = self.clone();
        match amendment {
            Amendment::Change(item_id, terms) => after.change(on, item_id.as_ref(), terms)?,
            Amendment::Add(item_id, terms) => after.add(on, item_id, terms)?,
            Amendment::Remove(item_id) => after.remove(on, item_id)?,
            Amendment::Plan(plan_id, version) => after.plan(on, plan_id, *version),
            Amendment::Pause(until) => after.pause(on, *until)?,
            Amendment::Resume => after.resume(on)?,
            Amendment::Cancel => after.contract.end = Some(on),
            Amendment::Reinstate => after.contract.end = None,
        }
        after.items.sort_by(|a, b| (&a.item_id, a.valid_from).cmp(&(&b.item_id, b.valid_from)));
        after.plans.sort_by_key(|plan| plan.valid_from);
        after.pauses.sort_by_key(|pause| pause.from);
        Ok(after)
    }

    fn check_day(&self, on: NaiveDate, amendment: &Amendment) -> Result<(), Refusal> {
        let Contract { contract_id, start, end, .. } = &self.contract;
        if on < *start && *amendment != Amendment::Reinstate {
            return refuse(
                format!("contract {contract_id} begins on {start}, after {on}"),
                format!("name {start} or a later day"),
            );
        }
        let ends = matches!(amendment, Amendment::Cancel | Amendment::Reinstate);
        match end.filter(|end| !ends && *end <= on) {
            Some(end) => refuse(
                format!("contract {contract_id} ends on {end}: nothing of it is served on {on}"),
                "take the end back with finops contracts cancel --undo, or name an earlier day",
            ),
            None => Ok(()),
        }
    }

    /// The version of an item that holds on a day.
    fn holding(&self, item_id: &ItemId, on: NaiveDate) -> Option<&ContractItem> {
        let begun = self.items.iter().filter(|item| item.item_id == *item_id && item.valid_from <= on);
        begun.max_by_key(|item| item.valid_from).filter(|item| item.end.is_none_or(|end| on < end))
    }

    fn put(&mut self, version: ContractItem) {
        let place = |item: &ContractItem| item.item_id == version.item_id && item.valid_from == version.valid_from;
        self.items.retain(|item| !place(item));
        self.items.push(version);
    }

    fn change(&mut self, on: NaiveDate, named: Option<&ItemId>, terms: &Terms) -> Result<(), Refusal> {
        let item_id = match named {
            Some(item_id) => item_id.clone(),
            None => self.only_item(on)?,
        };
        let Some(holds) = self.holding(&item_id, on) else { return self.no_item(on, &item_id) };
        let version = with(holds, terms);
        check_model(&version, terms)?;
        check_version(&version, terms)?;
        if version != *holds {
            self.put(ContractItem { valid_from: on, ..version });
        }
        Ok(())
    }

    /// The plan that holds on a day.
    pub fn plan_on(&self, on: NaiveDate) -> Option<&(PlanId, NaiveDate)> {
        let begun = self.plans.iter().filter(|plan| plan.valid_from <= on);
        begun.max_by_key(|plan| plan.valid_from).and_then(|on| on.plan.as_ref())
    }

    /// Without a version that is the one that it is on, which stays.
    fn plan(&mut self, on: NaiveDate, plan_id: &PlanId, version: Option<NaiveDate>) {
        let holds = self.plan_on(on).filter(|(holds, _)| holds == plan_id).map(|(_, version)| *version);
        let Some(version) = version.or(holds).filter(|version| Some(*version) != holds) else { return };
        let Contract { company_id, contract_id, .. } = self.contract.clone();
        self.plans.retain(|plan| plan.valid_from != on);
        self.plans.push(ContractPlan { company_id, contract_id, valid_from: on, plan: Some((plan_id.clone(), version)) });
    }

    fn only_item(&self, on: NaiveDate) -> Result<ItemId, Refusal> {
        match self.active(on).as_slice() {
            [item_id] => Ok((*item_id).clone()),
            _ => refuse(
                format!("contract {} does not have exactly one item on {on}", self.contract.contract_id),
                format!("name the item with --item: {}", self.told(on)),
            ),
        }
    }

    fn active(&self, on: NaiveDate) -> Vec<&ItemId> {
        let mut ids: Vec<&ItemId> = self.items.iter().map(|item| &item.item_id).collect();
        ids.dedup();
        ids.retain(|id| self.holding(id, on).is_some());
        ids
    }

    fn told(&self, on: NaiveDate) -> String {
        let ids: Vec<&str> = self.active(on).iter().map(|id| id.as_str()).collect();
        if ids.is_empty() { "it has none".to_owned() } else { ids.join(", ") }
    }

    fn no_item<T>(&self, on: NaiveDate, item_id: &ItemId) -> Result<T, Refusal> {
        refuse(
            format!("contract {} has no item {item_id} of its own on {on}", self.contract.contract_id),
            format!("its items on that day: {}; one more is added with --add", self.told(on)),
        )
    }

    fn add(&mut self, on: NaiveDate, item_id: &ItemId, terms: &Terms) -> Result<(), Refusal> {
        if let Some(holds) = self.holding(item_id, on) {
            if with(holds, terms) == *holds {
                return Ok(());
            }
            return refuse(
                format!("contract {} has an item {item_id} since {} already", self.contract.contract_id, holds.valid_from),
                format!("change it with --item {item_id}, or add one under another id"),
            );
        }
        let last = self.items.iter().rfind(|item| item.item_id == *item_id);
        let Some(unit_price) = terms.unit_price else {
            return refuse(format!("item {item_id} is new and has no price"), "say what it costs with --price");
        };
        let (company_id, contract_id) = (self.contract.company_id.clone(), self.contract.contract_id.clone());
        let new = ContractItem {
            company_id,
            contract_id,
            item_id: item_id.clone(),
            valid_from: on,
            end: None,
            description: last.map_or_else(|| item_id.to_string(), |last| last.description.clone()),
            price_model: PriceModel::PerUnit,
            quantity: Decimal::ONE,
            unit: last.map_or_else(String::new, |last| last.unit.clone()),
            unit_price,
            terms: PriceTerms::default(),
            tax_code: last.and_then(|last| last.tax_code.clone()),
        };
        let new = with(&new, terms);
        check_model(&new, terms)?;
        check_version(&new, terms)?;
        self.put(new);
        Ok(())
    }

    fn remove(&mut self, on: NaiveDate, item_id: &ItemId) -> Result<(), Refusal> {
        if !self.items.iter().any(|item| item.item_id == *item_id) {
            return self.no_item(on, item_id);
        }
        self.items.retain(|item| item.item_id != *item_id || item.valid_from <= on);
        let last = self.items.iter_mut().filter(|item| item.item_id == *item_id).max_by_key(|item| item.valid_from);
        match last {
            Some(last) if last.end.is_none_or(|end| on < end) => last.end = Some(on),
            Some(_) => {}
            None => return self.no_item(on, item_id),
        }
        Ok(())
    }

    fn pause(&mut self, on: NaiveDate, until: Option<NaiveDate>) -> Result<(), Refusal> {
        let contract_id = &self.contract.contract_id;
        if let Some(until) = until.filter(|until| *until <= on) {
            return refuse(format!("a pause from {on} cannot end on {until}"), "--until is the first day that is served again");
        }
        let overlaps = |pause: &&Pause| {
            let real = pause.until != Some(pause.from);
            real && pause.until.is_none_or(|end| on < end) && until.is_none_or(|until| pause.from < until)
        };
        // One from the same day on gets another end.
        match self.pauses.iter().filter(|pause| pause.from != on).find(overlaps) {
            Some(Pause { from, until: Some(until), .. }) => refuse(
                format!("contract {contract_id} is paused from {from} until {until} already"),
                format!("give that one another end with --on {from}, or pause it from {until} on"),
            ),
            Some(Pause { from, .. }) => refuse(
                format!("contract {contract_id} is paused from {from} on already"),
                "say when it goes on with finops contracts resume",
            ),
            None => {
                let Contract { company_id, contract_id, .. } = self.contract.clone();
                self.pauses.retain(|pause| pause.from != on);
                self.pauses.push(Pause { company_id, contract_id, from: on, until });
                Ok(())
            }
        }
    }

    /// The pause of that day ends with it; one that was to begin then is none.
    fn resume(&mut self, on: NaiveDate) -> Result<(), Refusal> {
        let holds = |pause: &&mut Pause| pause.from <= on && pause.until.is_none_or(|until| on < until);
        if let Some(pause) = self.pauses.iter_mut().find(holds) {
            pause.until = Some(on);
            return Ok(());
        }
        if self.pauses.iter().any(|pause| pause.until == Some(on)) {
            return Ok(());
        }
        let next = self.pauses.iter().map(|pause| pause.from).find(|from| on < *from);
        refuse(
            format!("contract {} is not paused on {on}", self.contract.contract_id),
            match next {
                Some(from) => format!("its next pause begins on {from}: resume it on that day to take the pause back"),
                None => "finops contracts show tells its pauses".to_owned(),
            },
        )
    }
}

/// What a model has elsewhere cannot be said here.
fn check_model(version: &ContractItem, terms: &Terms) -> Result<(), Refusal> {
    let (id, model) = (&version.item_id, version.price_model);
    if model.has_tiers() && version.terms.tiers.is_none() {
        return refuse(
            format!("item {id} of model {model} has its prices in tiers, and it has none"),
            "import contract_items and price_tiers together: both may have a valid_from",
        );
    }
    if terms.unit_price.is_some() && !model.has_price() {
        return refuse(
            format!("item {id} of model {model} has no price of its own"),
            "its prices are in price_tiers, or in its plan (contract_plans)",
        );
    }
    Ok(())
}

fn check_version(version: &ContractItem, terms: &Terms) -> Result<(), Refusal> {
    if version.price_model == PriceModel::Flat && terms.quantity.is_some() {
        return refuse(
            format!("item {} has a flat price, whatever the quantity", version.item_id),
            "change its --price, or make it --model per_unit",
        );
    }
    if version.description.trim().is_empty() {
        return refuse(format!("item {} would have no description", version.item_id), "say what it is: --description");
    }
    if version.quantity < Decimal::ZERO {
        return refuse(format!("the quantity {} is below 0", version.quantity), "to give money back, give a negative --price");
    }
    Ok(())
}

/// A version with other terms.
fn with(version: &ContractItem, terms: &Terms) -> ContractItem {
    let Terms { unit_price, quantity, price_model, unit, description, tax_code } = terms.clone();
    let price_model = price_model.unwrap_or(version.price_model);
    ContractItem {
        unit_price: if price_model.has_price() { unit_price.unwrap_or(version.unit_price) } else { Decimal::ZERO },
        quantity: price_model.quantity(quantity.unwrap_or(version.quantity)),
        price_model,
        terms: version.terms.clone().of_model(price_model),
        unit: unit.unwrap_or_else(|| version.unit.clone()),
        description: description.unwrap_or_else(|| version.description.clone()),
        tax_code: tax_code.or_else(|| version.tax_code.clone()),
        ..version.clone()
    }
}

#[cfg(test)]
mod tests;
