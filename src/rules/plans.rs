//! Items of a contract that come from its plan, beside and below its own.
//!
//! A contract is on one version of a plan from a day on, until it is moved. From the first day of an
//! own item of the same id on, that one takes over, for good; one of the model `plan` keeps the plan's
//! price and has a quantity of its own.

use crate::model::{ContractItem, ContractPlan, PlanId, PlanItem, PriceModel};
use chrono::NaiveDate;
use std::collections::HashMap;

/// The items of all versions of all plans.
#[derive(Debug, Clone, Default)]
pub struct PlanTable(HashMap<(PlanId, NaiveDate), Vec<PlanItem>>);

impl PlanTable {
    pub fn new(items: Vec<PlanItem>) -> Self {
        let mut table: HashMap<_, Vec<PlanItem>> = HashMap::new();
        for item in items {
            table.entry((item.plan_id.clone(), item.version)).or_default().push(item);
        }
        Self(table)
    }

    fn items(&self, on: &ContractPlan) -> &[PlanItem] {
        on.plan.as_ref().and_then(|plan| self.0.get(plan)).map_or(&[], Vec::as_slice)
    }
}

/// The versions of all items of a contract, with those of its plans. `own` holds those that it has
/// itself, `plans` what it was on, both in any order. An own item whose price no plan says keeps the
/// model `plan`, and cannot be billed.
pub fn resolve(mut own: Vec<ContractItem>, mut plans: Vec<ContractPlan>, table: &PlanTable) -> Vec<ContractItem> {
    if plans.is_empty() {
        return own;
    }
    plans.sort_by_key(|on| on.valid_from);
    own.sort_by(|a, b| (&a.item_id, a.valid_from).cmp(&(&b.item_id, b.valid_from)));
    let mut items = Vec::with_capacity(own.len() + 4 * plans.len());
    for (index, on) in plans.iter().enumerate() {
        for item in table.items(on) {
            let taken_over = own.iter().find(|own| own.item_id == item.item_id).map(|own| own.valid_from);
            let moved = plans.get(index + 1).map(|next| next.valid_from);
            let end = moved.into_iter().chain(taken_over).min();
            if end.is_none_or(|end| on.valid_from < end) {
                items.push(of_plan(on, item, end));
            }
        }
    }
    for (index, version) in own.iter().enumerate() {
        if version.price_model == PriceModel::Plan {
            let next = own.get(index + 1).filter(|next| next.item_id == version.item_id).map(|next| next.valid_from);
            items.extend(by_plans(version, version.end.into_iter().chain(next).min(), &plans, table));
        } else {
            items.push(version.clone());
        }
    }
    items
}

/// A version of the model `plan`, cut where the contract was moved from one plan to the next.
fn by_plans(version: &ContractItem, until: Option<NaiveDate>, plans: &[ContractPlan], table: &PlanTable) -> Vec<ContractItem> {
    let before_any = plans.first().is_some_and(|first| version.valid_from < first.valid_from);
    let mut cut = if before_any { vec![version.clone()] } else { Vec::new() };
    for (index, on) in plans.iter().enumerate() {
        let from = version.valid_from.max(on.valid_from);
        let moved = plans.get(index + 1).map(|next| next.valid_from);
        if until.into_iter().chain(moved).all(|until| from < until) {
            let found = table.items(on).iter().find(|item| item.item_id == version.item_id);
            let unpriced = || ContractItem { valid_from: from, ..version.clone() };
            cut.push(found.map_or_else(unpriced, |item| priced(version, from, item)));
        }
    }
    cut
}

fn of_plan(on: &ContractPlan, item: &PlanItem, end: Option<NaiveDate>) -> ContractItem {
    ContractItem {
        company_id: on.company_id.clone(),
        contract_id: on.contract_id.clone(),
        item_id: item.item_id.clone(),
        valid_from: on.valid_from,
        end,
        description: item.description.clone(),
        price_model: item.price_model,
        quantity: item.quantity,
        unit: item.unit.clone(),
        unit_price: item.unit_price,
        terms: item.terms.clone(),
        tax_code: item.tax_code.clone(),
    }
}

/// The plan's price for the contract's own quantity.
fn priced(version: &ContractItem, from: NaiveDate, item: &PlanItem) -> ContractItem {
    ContractItem {
        valid_from: from,
        price_model: item.price_model,
        unit: if version.unit.is_empty() { item.unit.clone() } else { version.unit.clone() },
        unit_price: item.unit_price,
        terms: item.terms.clone(),
        tax_code: version.tax_code.clone().or_else(|| item.tax_code.clone()),
        ..version.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PriceTerms;
    use crate::model::calendar::parse_date;

    fn own(id: &str, from: &str, end: Option<&str>, price_model: PriceModel) -> ContractItem {
        ContractItem {
            company_id: "acme".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            item_id: id.parse().unwrap(),
            valid_from: parse_date(from).unwrap(),
            end: end.map(|end| parse_date(end).unwrap()),
            description: "own".to_owned(),
            price_model,
            quantity: 7.into(),
            unit: String::new(),
            unit_price: 1.into(),
            terms: PriceTerms::default(),
            tax_code: None,
        }
    }

    fn on(from: &str, plan: Option<&str>) -> ContractPlan {
        let version = parse_date("2026-01-01").unwrap();
        ContractPlan {
            company_id: "acme".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            valid_from: parse_date(from).unwrap(),
            plan: plan.map(|plan| (plan.parse().unwrap(), version)),
        }
    }

    /// Plan p has seats at 10 and a base at 50, plan q seats at 20.
    fn table() -> PlanTable {
        let item = |plan: &str, id: &str, price: i64| PlanItem {
            plan_id: plan.parse().unwrap(),
            version: parse_date("2026-01-01").unwrap(),
            item_id: id.parse().unwrap(),
            description: "plan".to_owned(),
            price_model: PriceModel::PerUnit,
            quantity: 1.into(),
            unit: "seat".to_owned(),
            unit_price: price.into(),
            terms: PriceTerms::default(),
            tax_code: None,
        };
        PlanTable::new(vec![item("p", "seats", 10), item("p", "base", 50), item("q", "seats", 20)])
    }

    fn told(own: Vec<ContractItem>, plans: Vec<ContractPlan>) -> Vec<String> {
        let mut items = resolve(own, plans, &table());
        items.sort_by(|a, b| (&a.item_id, a.valid_from).cmp(&(&b.item_id, b.valid_from)));
        let end = |item: &ContractItem| item.end.map_or_else(String::new, |end| format!("..{end}"));
        let one = |item: &ContractItem| {
            format!(
                "{} {}{} {} × {} {}",
                item.item_id,
                item.valid_from,
                end(item),
                item.quantity,
                item.unit_price,
                item.price_model
            )
        };
        items.iter().map(one).collect()
    }

    #[test]
    fn a_contract_has_the_items_of_its_plan_until_it_is_moved() {
        let plans = || vec![on("2026-06-01", Some("q")), on("2026-02-01", Some("p")), on("2026-09-01", None)];
        let expected = [
            "base 2026-02-01..2026-06-01 1 × 50 per_unit",
            "seats 2026-02-01..2026-06-01 1 × 10 per_unit",
            "seats 2026-06-01..2026-09-01 1 × 20 per_unit",
        ];
        assert_eq!(told(Vec::new(), plans()), expected);
    }

    #[test]
    fn an_own_item_takes_over() {
        let plans = || vec![on("2026-02-01", Some("p")), on("2026-06-01", Some("q"))];
        // A price of its own from March on stays, although the plan changes in June.
        let flat = own("seats", "2026-03-01", None, PriceModel::Flat);
        let expected = [
            "base 2026-02-01..2026-06-01 1 × 50 per_unit",
            "seats 2026-02-01..2026-03-01 1 × 10 per_unit",
            "seats 2026-03-01 7 × 1 flat",
        ];
        assert_eq!(told(vec![flat.clone()], plans()), expected);
        // A quantity of its own goes by the price of each plan; before the first there is none.
        let seats = own("seats", "2026-01-01", None, PriceModel::Plan);
        let expected = [
            "base 2026-02-01..2026-06-01 1 × 50 per_unit",
            "seats 2026-01-01 7 × 1 plan",
            "seats 2026-02-01 7 × 10 per_unit",
            "seats 2026-06-01 7 × 20 per_unit",
        ];
        assert_eq!(told(vec![seats.clone()], plans()), expected);
        // Ended, or followed by a price of its own, it does not come back with the next plan.
        let ended = own("seats", "2026-02-01", Some("2026-06-01"), PriceModel::Plan);
        assert_eq!(told(vec![ended], plans())[1..], ["seats 2026-02-01..2026-06-01 7 × 10 per_unit"]);
        let expected = ["seats 2026-01-01 7 × 1 plan", "seats 2026-02-01 7 × 10 per_unit", "seats 2026-03-01 7 × 1 flat"];
        assert_eq!(told(vec![seats, flat], plans())[1..], expected);
    }

    #[test]
    fn without_a_plan_nothing_changes() {
        let items = vec![own("seats", "2026-01-01", None, PriceModel::Plan)];
        assert_eq!(resolve(items.clone(), Vec::new(), &table()), items);
    }
}
