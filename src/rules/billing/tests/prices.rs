//! Several models in one contract: usage after its period, minimums, discounts, trial, setup.

use super::*;
use crate::model::invoice::LineDetail;
use crate::model::{Discount, LineKind, Off, Pause, PriceTerms, UsageDay};
use crate::rules::pauses::served;

/// The contract of [`contract`], never billed yet, with these items.
fn new_contract(items: Vec<ContractItem>) -> ContractFacts {
    ContractFacts { items, next_start: date("2026-01-01"), ..contract("c") }
}

fn item(id: &str, price_model: PriceModel, quantity: i64, price: &str) -> ContractItem {
    ContractItem {
        item_id: id.parse().unwrap(),
        description: id.to_owned(),
        price_model,
        quantity: quantity.into(),
        ..version("c", "2026-01-01", price)
    }
}

/// A hundred calls free, then 0.50 each.
fn calls() -> ContractItem {
    let terms = PriceTerms { included: 100.into(), meter: Some("api".parse().unwrap()), ..PriceTerms::default() };
    ContractItem { terms, ..item("calls", PriceModel::PerUnit, 1, "0.50") }
}

fn usage(days: &[(&str, i64)]) -> Vec<UsageDay> {
    let day =
        |(on, quantity): &(&str, i64)| UsageDay { meter: "api".parse().unwrap(), on: date(on), quantity: (*quantity).into() };
    days.iter().map(day).collect()
}

fn discount(id: &str, item: Option<&str>, off: Off, from: &str, periods: Option<u16>) -> Discount {
    Discount {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        discount_id: id.parse().unwrap(),
        item_id: item.map(|item| item.parse().unwrap()),
        valid_from: date(from),
        periods,
        off,
        description: id.to_owned(),
    }
}

/// All lines that are due until a day, as `due: kind description quantity × price = amount, days`.
fn billed(contract: &ContractFacts, until: &str) -> Vec<String> {
    let facts = facts(vec![contract.clone()], Vec::new());
    let plan = plan_company(&facts, &reference(), &Options { allow_many_missed: true, ..at(&format!("{until}T12:00:00Z")) });
    assert_eq!(plan.failed, Vec::new());
    let line = |due: &NaiveDate, line: &InvoiceLine| {
        let InvoiceLine { kind, description, quantity, unit_price, amount, period, .. } = line;
        format!("{due}: {kind} {description} {quantity} × {unit_price} = {amount}, {period}")
    };
    plan.invoices.iter().flat_map(|invoice| invoice.lines.iter().map(|l| line(&invoice.due, l))).collect()
}

#[test]
fn usage_follows_its_period_when_billed_in_advance() {
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "20"), calls()]);
    contract.usage = usage(&[("2026-01-15", 90), ("2026-01-31", 60), ("2026-02-01", 130), ("2026-03-02", 500)]);
    contract.contract.end = Some(date("2026-03-11"));
    let expected = [
        "2026-01-01: recurring base 1 × 20 = 20.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: recurring base 1 × 20 = 20.00, 2026-02-01 to 2026-02-28",
        "2026-02-01: usage calls 50 × 0.50 = 25.00, 2026-01-01 to 2026-01-31",
        "2026-03-01: recurring base 1 × 20 = 6.45, 2026-03-01 to 2026-03-10",
        "2026-03-01: usage calls 30 × 0.50 = 15.00, 2026-02-01 to 2026-02-28",
        // The last usage has an invoice of its own; of the 100 that are included, 10 days of 31 have 32.
        "2026-03-11: usage calls 468 × 0.50 = 234.00, 2026-03-01 to 2026-03-10",
    ];
    assert_eq!(billed(&contract, "2026-12-31"), expected);
    // Without usage in the last period there is nothing to close.
    contract.usage.pop();
    assert_eq!(billed(&contract, "2026-12-31"), expected[..5]);
    let facts = facts(vec![contract], Vec::new());
    assert_eq!(
        pointers(&plan_company(&facts, &reference(), &Options { allow_many_missed: true, ..at("2026-12-31T12:00:00Z") })),
        ["c -"]
    );
}

#[test]
fn usage_alone_begins_with_its_first_period_over() {
    let mut contract = new_contract(vec![calls()]);
    contract.usage = usage(&[("2026-01-15", 300)]);
    assert_eq!(billed(&contract, "2026-01-31"), Vec::<String>::new());
    assert_eq!(billed(&contract, "2026-02-01"), ["2026-02-01: usage calls 200 × 0.50 = 100.00, 2026-01-01 to 2026-01-31"]);
    let facts = facts(vec![contract], Vec::new());
    let plan = plan(&facts, "2026-01-31");
    assert_eq!((pointers(&plan), reasons(&plan)), (vec!["c 2026-02-01 2026-02-01".to_owned()], vec![]));
}

#[test]
fn usage_in_arrears_goes_with_its_period() {
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "20"), calls()]);
    contract.contract.timing = Timing::Arrears;
    contract.usage = usage(&[("2026-01-15", 300), ("2026-02-01", 1)]);
    let expected = [
        "2026-02-01: recurring base 1 × 20 = 20.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: usage calls 200 × 0.50 = 100.00, 2026-01-01 to 2026-01-31",
    ];
    assert_eq!(billed(&contract, "2026-02-28"), expected);
}

#[test]
fn a_price_that_changes_counts_the_usage_of_its_own_days() {
    let mut dearer = ContractItem { valid_from: date("2026-01-11"), unit_price: 1.into(), ..calls() };
    dearer.terms.included = 0.into();
    let mut contract = new_contract(vec![calls(), dearer]);
    contract.usage = usage(&[("2026-01-10", 40), ("2026-01-11", 7)]);
    // 100 included × 10 ÷ 31 days = 32.
    let expected = [
        "2026-02-01: usage calls 8 × 0.50 = 4.00, 2026-01-01 to 2026-01-10",
        "2026-02-01: usage calls 7 × 1 = 7.00, 2026-01-11 to 2026-01-31",
    ];
    assert_eq!(billed(&contract, "2026-02-01"), expected);
}

#[test]
fn what_is_missing_to_a_minimum_is_a_line() {
    let mut seats = item("seats", PriceModel::PerUnit, 3, "10");
    seats.terms.minimum = Some(50.into());
    let mut contract = new_contract(vec![seats, item("floor", PriceModel::Minimum, 1, "80")]);
    let expected = [
        "2026-01-01: recurring seats 3 × 10 = 30.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: minimum seats 1 × 20.00 = 20.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: minimum floor 1 × 30.00 = 30.00, 2026-01-01 to 2026-01-31",
    ];
    assert_eq!(billed(&contract, "2026-01-01"), expected);
    // Ten days of 31 have their part of each.
    contract.contract.end = Some(date("2026-01-11"));
    let expected = [
        "2026-01-01: recurring seats 3 × 10 = 9.68, 2026-01-01 to 2026-01-10",
        "2026-01-01: minimum seats 1 × 6.45 = 6.45, 2026-01-01 to 2026-01-10",
        "2026-01-01: minimum floor 1 × 9.68 = 9.68, 2026-01-01 to 2026-01-10",
    ];
    assert_eq!(billed(&contract, "2026-01-31"), expected);
}

#[test]
fn a_minimum_of_the_contract_counts_the_usage_and_what_went_before() {
    let once = item("setup", PriceModel::OneTime, 1, "500");
    let floor = item("floor", PriceModel::Minimum, 1, "100");
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "20"), calls(), once, floor]);
    contract.usage = usage(&[("2026-01-15", 150)]);
    let expected = [
        "2026-01-01: recurring base 1 × 20 = 20.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: one_time setup 1 × 500 = 500.00, 2026-01-01 to 2026-01-01",
        "2026-02-01: recurring base 1 × 20 = 20.00, 2026-02-01 to 2026-02-28",
        "2026-02-01: usage calls 50 × 0.50 = 25.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: minimum floor 1 × 55.00 = 55.00, 2026-01-01 to 2026-01-31",
    ];
    assert_eq!(billed(&contract, "2026-02-28"), expected);
    contract.usage = usage(&[("2026-01-15", 260)]);
    assert_eq!(billed(&contract, "2026-02-28").len(), 4, "20 + 80 reach it");
}

#[test]
fn a_trial_is_free_and_setup_comes_with_the_first_period_billed() {
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "31"), item("setup", PriceModel::OneTime, 2, "50")]);
    contract.contract.trial_end = Some(date("2026-02-15"));
    let expected = [
        "2026-02-15: recurring base 1 × 31 = 15.50, 2026-02-15 to 2026-02-28",
        "2026-02-15: one_time setup 2 × 50 = 100.00, 2026-02-15 to 2026-02-15",
        "2026-03-01: recurring base 1 × 31 = 31.00, 2026-03-01 to 2026-03-31",
    ];
    assert_eq!(billed(&contract, "2026-03-01"), expected);
    // What was set up before this system bills is not billed by it.
    contract.contract.bill_from = Some(date("2026-03-01"));
    assert_eq!(billed(&contract, "2026-03-01"), expected[2..]);
}

#[test]
fn what_is_billed_once_waits_for_the_end_of_a_pause() {
    let setup = item("setup", PriceModel::OneTime, 1, "50");
    let cheaper = ContractItem { valid_from: date("2026-01-20"), ..item("setup", PriceModel::OneTime, 1, "40") };
    let paused = |from: &str, until: &str| {
        let contract = new_contract(Vec::new());
        let ContractItem { company_id, contract_id, .. } = setup.clone();
        let pause = Pause { company_id, contract_id, from: date(from), until: Some(date(until)) };
        ContractFacts { items: served(vec![setup.clone(), cheaper.clone()], &[pause]), ..contract }
    };
    // The first version is never served.
    let of_the_second = ["2026-02-01: one_time setup 1 × 40 = 40.00, 2026-02-10 to 2026-02-10"];
    assert_eq!(billed(&paused("2026-01-01", "2026-02-10"), "2026-03-01"), of_the_second);
    // The trial ends while it is paused.
    let mut on_trial = paused("2026-01-10", "2026-02-10");
    on_trial.contract.trial_end = Some(date("2026-01-15"));
    assert_eq!(billed(&on_trial, "2026-03-01"), of_the_second);
    // Served before the pause, and billed then.
    let before = ["2026-01-01: one_time setup 1 × 50 = 50.00, 2026-01-01 to 2026-01-01"];
    assert_eq!(billed(&paused("2026-01-02", "2026-02-10"), "2026-03-01"), before);
}

#[test]
fn percentages_end_after_their_periods() {
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "20"), item("seats", PriceModel::PerUnit, 3, "10")]);
    contract.discounts = vec![
        discount("a-tenth", None, Off::Percent(10.into()), "2026-01-01", Some(2)),
        discount("half-seats", Some("seats"), Off::Percent(50.into()), "2026-02-10", None),
    ];
    let expected = [
        "2026-01-01: recurring base 1 × 20 = 20.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: recurring seats 3 × 10 = 30.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: discount a-tenth 1 × -5.00 = -5.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: recurring base 1 × 20 = 20.00, 2026-02-01 to 2026-02-28",
        "2026-02-01: recurring seats 3 × 10 = 30.00, 2026-02-01 to 2026-02-28",
        // The item's comes first, and the contract's takes from what it left.
        "2026-02-01: discount half-seats 1 × -15.00 = -15.00, 2026-02-01 to 2026-02-28",
        "2026-02-01: discount a-tenth 1 × -3.50 = -3.50, 2026-02-01 to 2026-02-28",
        "2026-03-01: recurring base 1 × 20 = 20.00, 2026-03-01 to 2026-03-31",
        "2026-03-01: recurring seats 3 × 10 = 30.00, 2026-03-01 to 2026-03-31",
        "2026-03-01: discount half-seats 1 × -15.00 = -15.00, 2026-03-01 to 2026-03-31",
    ];
    assert_eq!(billed(&contract, "2026-03-01"), expected);
}

#[test]
fn a_fixed_discount_is_prorated_and_never_takes_more_than_there_is() {
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "31"), item("seats", PriceModel::PerUnit, 1, "5")]);
    contract.discounts = vec![
        discount("off", None, Off::Amount(62.into()), "2026-01-01", Some(1)),
        discount("seat-off", Some("seats"), Off::Amount(2.into()), "2026-01-01", None),
    ];
    contract.contract.start = date("2026-01-01");
    contract.contract.end = Some(date("2026-02-15"));
    let expected = [
        "2026-01-01: recurring base 1 × 31 = 31.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: recurring seats 1 × 5 = 5.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: discount seat-off 1 × -2.00 = -2.00, 2026-01-01 to 2026-01-31",
        "2026-01-01: discount off 1 × -34.00 = -34.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: recurring base 1 × 31 = 15.50, 2026-02-01 to 2026-02-14",
        "2026-02-01: recurring seats 1 × 5 = 2.50, 2026-02-01 to 2026-02-14",
        "2026-02-01: discount seat-off 1 × -1.00 = -1.00, 2026-02-01 to 2026-02-14",
    ];
    assert_eq!(billed(&contract, "2026-12-31"), expected);
}

#[test]
fn usage_is_discounted_as_its_own_period_was() {
    let mut contract = new_contract(vec![calls()]);
    contract.usage = usage(&[("2026-01-15", 300), ("2026-02-15", 300)]);
    contract.discounts = vec![discount("first", None, Off::Percent(20.into()), "2026-01-01", Some(1))];
    let expected = [
        "2026-02-01: usage calls 200 × 0.50 = 100.00, 2026-01-01 to 2026-01-31",
        "2026-02-01: discount first 1 × -20.00 = -20.00, 2026-01-01 to 2026-01-31",
        "2026-03-01: usage calls 200 × 0.50 = 100.00, 2026-02-01 to 2026-02-28",
    ];
    assert_eq!(billed(&contract, "2026-03-01"), expected);
}

/// A discount on the whole is split over the tax groups by largest remainder, before tax.
#[test]
fn what_is_taken_off_is_taxed_as_what_it_is_taken_from() {
    let reduced = ContractItem { tax_code: Some("reduced".parse().unwrap()), ..item("book", PriceModel::Flat, 1, "10.01") };
    let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "20.02"), reduced]);
    contract.discounts = vec![discount("off", None, Off::Amount("10".parse().unwrap()), "2026-01-01", None)];
    let facts = facts(vec![contract], Vec::new());
    let invoice = &plan(&facts, "2026-01-01").invoices[0];
    let off: Vec<_> = invoice.lines.iter().filter(|line| line.kind == LineKind::Discount).collect();
    // −10 × 20.02 ÷ 30.03 = −6.666…, and −3.333…
    assert_eq!(
        off.iter().map(|line| (line.tax_rate.to_string(), line.net.to_string())).collect::<Vec<_>>(),
        [("19".to_owned(), "-6.67".to_owned()), ("7".to_owned(), "-3.33".to_owned()),]
    );
    let groups: Vec<_> = invoice.taxes.iter().map(|tax| (tax.net.to_string(), tax.tax.to_string())).collect();
    assert_eq!(groups, [("6.68".to_owned(), "0.47".to_owned()), ("13.35".to_owned(), "2.54".to_owned())]);
    assert_eq!(invoice.total.to_string(), "23.04");
}

#[test]
fn lines_say_how_they_came_about() {
    let mut seats = item("seats", PriceModel::Graduated, 12, "0");
    seats.terms.tiers = Some("10:5:0 *:4:0".parse().unwrap());
    let contract = new_contract(vec![seats]);
    let facts = facts(vec![contract], Vec::new());
    let lines = &plan(&facts, "2026-01-01").invoices[0].lines;
    let tier = |from: i64, to: Option<i64>| vec![LineDetail::Tier { from: from.into(), to: to.map(Into::into) }];
    assert_eq!(lines.iter().map(|line| line.details.clone()).collect::<Vec<_>>(), [tier(0, Some(10)), tier(10, None)]);
    let json = serde_json::to_string(&lines[1].details).unwrap();
    assert_eq!(json, r#"[{"kind":"tier","from":"10","to":null}]"#);
}

#[test]
fn a_price_that_nobody_says_fails_and_says_what_to_do() {
    let contract = new_contract(vec![item("seats", PriceModel::Plan, 3, "0")]);
    let failed = plan(&facts(vec![contract], Vec::new()), "2026-01-01").failed;
    assert!(failed[0].problem.to_string().contains("contract c, item seats: its price is to come from a plan"));
    let contract = new_contract(vec![item("seats", PriceModel::Volume, 3, "0")]);
    let failed = plan(&facts(vec![contract], Vec::new()), "2026-01-01").failed;
    assert!(failed[0].problem.hint().contains("price_tiers"));
}

/// A running contract that was taken over: what has run out elsewhere is not granted again.
#[test]
fn the_periods_of_a_discount_count_from_its_day_whoever_billed_them() {
    let taken_over = |from: &str, periods: u16| {
        let mut contract = new_contract(vec![item("base", PriceModel::Flat, 1, "100")]);
        contract.contract.bill_from = Some(date("2026-03-01"));
        contract.discounts = vec![discount("half", None, Off::Percent(50.into()), from, Some(periods))];
        billed(&contract, "2026-05-01").iter().filter(|line| line.contains("discount")).count()
    };
    assert_eq!(taken_over("2026-01-01", 2), 0);
    assert_eq!(taken_over("2026-01-01", 3), 1);
    assert_eq!(taken_over("2026-02-11", 3), 2);
    assert_eq!(taken_over("2025-01-01", 3), 1, "not before the contract");
    // A trial is not paid for: it takes none of them.
    let mut on_trial = new_contract(vec![item("base", PriceModel::Flat, 1, "100")]);
    on_trial.contract.trial_end = Some(date("2026-02-01"));
    on_trial.discounts = vec![discount("half", None, Off::Percent(50.into()), "2026-01-01", Some(2))];
    assert_eq!(billed(&on_trial, "2026-05-01").iter().filter(|line| line.contains("discount")).count(), 2);
}

#[test]
fn an_amount_off_the_contract_goes_by_the_days_that_are_served() {
    let off = |items: Vec<ContractItem>, pauses: &[Pause]| {
        let mut contract = new_contract(served(items, pauses));
        contract.discounts = vec![discount("rebate", None, Off::Amount(31.into()), "2026-01-01", None)];
        let billed = billed(&contract, "2026-01-01");
        billed.iter().find_map(|line| Some(line.split_once(" = ")?.1.to_owned()).filter(|_| line.contains("discount"))).unwrap()
    };
    let base = item("base", PriceModel::Flat, 1, "310");
    let ContractItem { company_id, contract_id, .. } = base.clone();
    let pause = Pause { company_id, contract_id, from: date("2026-01-18"), until: Some(date("2026-02-01")) };
    assert_eq!(off(vec![base.clone()], &[]), "-31.00, 2026-01-01 to 2026-01-31");
    // 17 of 31 days, as with an end on that day.
    assert_eq!(off(vec![base.clone()], &[pause]), "-17.00, 2026-01-01 to 2026-01-17");
    // One item or the other on 11 + 10 days, some of them both.
    let first = ContractItem { end: Some(date("2026-01-12")), ..base.clone() };
    let later = |id: &str| ContractItem { valid_from: date("2026-01-22"), ..item(id, PriceModel::Flat, 1, "31") };
    assert_eq!(off(vec![first, later("a"), later("b")], &[]), "-21.00, 2026-01-01 to 2026-01-31");
}
