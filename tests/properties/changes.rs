//! What a change credits and charges, against the same contract billed before and after.

use crate::fixtures::{any_contract, company, facts, reference, version};
use chrono::{Days, NaiveDate};
use finops::model::{Contract, ContractItem, Pause};
use finops::rules::billing::{Adjusted, ContractFacts, adjustments, build_invoice};
use finops::rules::pauses::served;
use finops::rules::periods::BillingCalendar;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// How a contract stands: prices from days on, pauses, an end; all counted in days from its start.
#[derive(Debug, Clone)]
struct Stand {
    prices: Vec<(u64, i64)>,
    pauses: Vec<(u64, u64)>,
    end: Option<u64>,
}

fn any_stand() -> impl Strategy<Value = Stand> {
    let prices = prop::collection::vec((0_u64..200, 0_i64..100_000), 1..4);
    let pauses = prop::collection::vec((0_u64..200, 1_u64..40), 0..3);
    (prices, pauses, prop::option::of(0_u64..250)).prop_map(|(prices, pauses, end)| Stand { prices, pauses, end })
}

fn stand(contract: &Contract, stand: &Stand) -> ContractFacts {
    let day = |days: u64| contract.start + Days::new(days);
    let mut items: Vec<ContractItem> =
        stand.prices.iter().map(|(from, price)| version(day(*from), Decimal::ONE, Decimal::new(*price, 2))).collect();
    items.sort_by_key(|item| item.valid_from);
    items.dedup_by_key(|item| item.valid_from);
    let pause = |(from, days): &(u64, u64)| Pause {
        company_id: contract.company_id.clone(),
        contract_id: contract.contract_id.clone(),
        from: day(*from),
        until: Some(day(from + days)),
    };
    let pauses: Vec<Pause> = stand.pauses.iter().map(pause).collect();
    let contract = Contract { end: stand.end.map(day), ..contract.clone() };
    ContractFacts { items: served(items, &pauses), ..facts(contract) }
}

/// The first periods of a contract without an end: what may be billed.
fn billed(contract: &Contract) -> Vec<NaiveDate> {
    let endless = Contract { end: None, ..contract.clone() };
    BillingCalendar::new(&endless).unwrap().periods().take(4).map(|period| period.service.start()).collect()
}

fn change(before: &ContractFacts, after: &ContractFacts, billed: &[NaiveDate]) -> Vec<Adjusted> {
    adjustments(&company(), &reference(chrono_tz::UTC), before, after, billed).unwrap()
}

fn sum(adjusted: &[Adjusted]) -> i64 {
    adjusted.iter().map(|adjusted| adjusted.line.amount.minor()).sum()
}

/// What the billed periods cost as the contract stands, in cents, and of how many lines.
fn cost(facts: &ContractFacts, billed: &[NaiveDate]) -> (i64, i64) {
    let calendar = BillingCalendar::new(&facts.contract).unwrap();
    let periods = billed.iter().filter_map(|start| calendar.containing(*start));
    let invoices =
        periods.filter_map(|period| build_invoice(&company(), &reference(chrono_tz::UTC), &[(facts, period)], &[]).unwrap());
    invoices
        .fold((0, 0), |(sum, lines), invoice| (sum + invoice.net.minor(), lines + i64::try_from(invoice.lines.len()).unwrap()))
}

proptest! {
    /// What was billed, and what the change makes of it, is what the new agreement costs; each line may be
    /// off by half a cent, of what was billed, credited, charged, and would be billed.
    #[test]
    fn billed_and_adjusted_is_what_it_costs_now(contract in any_contract(), before in any_stand(), after in any_stand()) {
        let periods = billed(&contract);
        let (before, after) = (stand(&contract, &before), stand(&contract, &after));
        let adjusted = change(&before, &after, &periods);
        let ((was, was_lines), (is, is_lines)) = (cost(&before, &periods), cost(&after, &periods));
        let lines = was_lines + is_lines + i64::try_from(adjusted.len()).unwrap();
        prop_assert!(2 * (was + sum(&adjusted) - is).abs() <= lines, "{} + {} against {}", was, sum(&adjusted), is);
    }

    #[test]
    fn there_and_back_is_nothing_to_the_cent(contract in any_contract(), before in any_stand(), after in any_stand()) {
        let periods = billed(&contract);
        let (before, after) = (stand(&contract, &before), stand(&contract, &after));
        prop_assert_eq!(change(&before, &before, &periods), []);
        prop_assert_eq!(sum(&change(&before, &after, &periods)) + sum(&change(&after, &before, &periods)), 0);
    }

    /// Two changes are the sum of both, but for the rounding of the days between them.
    #[test]
    fn two_changes_add_up(contract in any_contract(), a in any_stand(), b in any_stand(), c in any_stand()) {
        let periods = billed(&contract);
        let [a, b, c] = [a, b, c].map(|s| stand(&contract, &s));
        let (first, second, direct) = (change(&a, &b, &periods), change(&b, &c, &periods), change(&a, &c, &periods));
        let lines = i64::try_from(first.len() + second.len() + direct.len()).unwrap();
        prop_assert!(2 * (sum(&first) + sum(&second) - sum(&direct)).abs() <= lines);
    }

    /// Every day of a billed period is credited at most once, and charged at most once.
    #[test]
    fn no_day_is_credited_twice(contract in any_contract(), before in any_stand(), after in any_stand()) {
        let periods = billed(&contract);
        let mut seen = BTreeSet::new();
        for Adjusted { line, adjusts, .. } in change(&stand(&contract, &before), &stand(&contract, &after), &periods) {
            prop_assert_eq!(line.amount.minor() < 0, line.quantity < Decimal::ZERO);
            let days = line.proration.map_or(line.period.days(), |part| part.days);
            prop_assert_eq!(days, line.period.days());
            prop_assert!(periods.contains(&adjusts) && adjusts <= line.period.start());
            for day in line.period.start().iter_days().take_while(|day| line.period.contains(*day)) {
                prop_assert!(seen.insert((day, line.amount.minor() < 0)), "{} twice", day);
            }
        }
    }
}
