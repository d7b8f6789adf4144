//! The whole decision for a company: everything due is billed once, whatever goes together.

use crate::fixtures::{any_contract, company, facts, item, reference};
use chrono::{DateTime, Days, NaiveDate, Utc};
use finops::model::{BillableItem, Contract};
use finops::rules::billing::{CompanyFacts, CompanyPlan, Options, plan_company};
use finops::rules::periods::BillingCalendar;
use finops::rules::schedule::stand_alone_on;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Up to four contracts, up to six items around the start of the first, and a day to bill on.
fn any_business() -> impl Strategy<Value = (CompanyFacts, NaiveDate)> {
    let contracts = prop::collection::vec((any_contract(), prop::option::of(1_u16..3)), 1..5);
    let items = prop::collection::vec((0_u64..400, any::<bool>()), 0..7);
    (contracts, items, 1_u8..=31, 0_u64..400).prop_map(|(contracts, items, billing_day, days)| {
        let start = contracts[0].0.start;
        let named = |(index, (contract, terms)): (usize, (Contract, Option<u16>))| {
            facts(Contract { contract_id: format!("c{index}").parse().unwrap(), payment_terms_days: terms, ..contract })
        };
        let dated = |(key, (days, inclusive)): (usize, (u64, bool))| BillableItem {
            dated: start + Days::new(days),
            ..item(key, "EUR", "standard", Decimal::ONE, inclusive)
        };
        let contracts = contracts.into_iter().enumerate().map(named).collect();
        let items = items.into_iter().enumerate().map(dated).collect();
        let mut company = company();
        company.billing_day = billing_day;
        (CompanyFacts { company, contracts, items }, start + Days::new(days))
    })
}

fn plan(facts: &CompanyFacts, on: NaiveDate) -> CompanyPlan {
    let as_of: DateTime<Utc> = on.and_hms_opt(12, 0, 0).unwrap().and_utc();
    let options = Options { as_of, period: None, cadence: None, max_missed: 3, allow_many_missed: true };
    plan_company(facts, &reference(chrono_tz::UTC), &options)
}

/// Contract and start of each period billed, and a failure when one is billed twice.
fn claims(plan: &CompanyPlan) -> BTreeSet<(String, NaiveDate)> {
    let all = plan.invoices.iter().flat_map(|invoice| &invoice.claims);
    let all: Vec<_> = all.map(|claim| (claim.contract_id.to_string(), claim.period.start())).collect();
    let set: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "a period is billed twice");
    set
}

/// The facts as they are after the plan was carried out.
fn apply(facts: &mut CompanyFacts, plan: &CompanyPlan) {
    for (id, next) in &plan.schedule {
        match next {
            Some(next) => {
                let mut contracts = facts.contracts.iter_mut();
                contracts.find(|facts| facts.contract.contract_id == *id).unwrap().next_start = next.next_start;
            }
            None => facts.contracts.retain(|facts| facts.contract.contract_id != *id),
        }
    }
    let takes: BTreeSet<_> = plan.invoices.iter().flat_map(|invoice| &invoice.takes).collect();
    facts.items.retain(|item| !takes.contains(&item.source_key));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_due_is_billed_once_and_a_second_run_does_nothing((mut facts, on) in any_business(), consolidate in any::<bool>()) {
        facts.company.consolidate = consolidate;
        let plan = plan(&facts, on);
        let mut due = BTreeSet::new();
        for contract in facts.contracts.iter().map(|facts| &facts.contract) {
            let calendar = BillingCalendar::new(contract).unwrap();
            let starts = calendar.periods().take_while(|period| calendar.due_on(period) <= on);
            due.extend(starts.map(|period| (contract.contract_id.to_string(), period.service.start())));
        }
        prop_assert_eq!(claims(&plan), due);
        prop_assert!(plan.invoices.is_sorted_by_key(|invoice| invoice.due));
        if !consolidate {
            prop_assert!(plan.invoices.iter().all(|invoice| invoice.claims.len() <= 1), "one invoice a contract and period");
        }
        apply(&mut facts, &plan);
        prop_assert_eq!(self::plan(&facts, on), CompanyPlan::default());
    }

    #[test]
    fn an_item_goes_onto_the_earliest_invoice_that_may_take_it((facts, on) in any_business()) {
        let plan = plan(&facts, on);
        for item in &facts.items {
            let takers: Vec<usize> =
                (0..plan.invoices.len()).filter(|index| plan.invoices[*index].takes.contains(&item.source_key)).collect();
            let may_take = |index: &usize| {
                let invoice = &plan.invoices[*index];
                invoice.tax_inclusive == item.tax_inclusive && invoice.claims.iter().any(|claim| item.dated < claim.period.end())
            };
            match (0..plan.invoices.len()).find(may_take) {
                Some(earliest) => prop_assert_eq!(takers, [earliest]),
                None => {
                    let stands_alone = stand_alone_on(item.dated, facts.company.billing_day) <= on;
                    prop_assert_eq!(takers.len(), usize::from(stands_alone));
                    prop_assert!(takers.iter().all(|index| plan.invoices[*index].claims.is_empty()));
                }
            }
        }
    }
}
