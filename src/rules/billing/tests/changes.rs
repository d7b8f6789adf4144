//! What changes cost in periods that are billed already.

use super::*;
use crate::model::Pause;
use crate::rules::amend::{Agreement, Amendment, Terms};
use crate::rules::pauses::served;

fn agreement(facts: &ContractFacts) -> Agreement {
    Agreement { contract: facts.contract.clone(), items: facts.items.clone(), plans: Vec::new(), pauses: Vec::new() }
}

fn facts_of(agreed: &Agreement) -> ContractFacts {
    let items = served(agreed.items.clone(), &agreed.pauses);
    ContractFacts {
        contract: agreed.contract.clone(),
        items,
        pauses: Vec::new(),
        discounts: Vec::new(),
        usage: Vec::new(),
        next_start: agreed.contract.start,
        billed: Vec::new(),
    }
}

fn price(price: &str) -> Amendment {
    Amendment::Change(None, Terms { unit_price: Some(parse_decimal(price).unwrap()), ..Terms::default() })
}

/// `2026-10-18 to 2026-10-31, 14 of 31: -1 × 100 = -45.16`
fn told(adjusted: &[Adjusted]) -> Vec<String> {
    let told = |Adjusted { line, .. }: &Adjusted| {
        let part = line.proration.map_or_else(|| "whole".to_owned(), |part| format!("{} of {}", part.days, part.of_days));
        format!("{}, {part}: {} × {} = {}", line.period, line.quantity, line.unit_price, line.amount)
    };
    adjusted.iter().map(told).collect()
}

/// Amends step by step, with September and October 2026 billed; the lines of each step.
fn steps(steps: &[(&str, Amendment)]) -> (Agreement, Vec<Vec<Adjusted>>) {
    let mut agreed = agreement(&contract("c"));
    let billed = [date("2026-09-01"), date("2026-10-01")];
    let mut lines = Vec::new();
    for (on, step) in steps {
        let after = agreed.amend(date(on), step).unwrap();
        lines.push(adjustments(&company(), &reference(), &facts_of(&agreed), &facts_of(&after), &billed).unwrap());
        agreed = after;
    }
    (agreed, lines)
}

fn once(on: &str, step: Amendment) -> Vec<String> {
    told(&steps(&[(on, step)]).1[0])
}

fn sum(lines: &[Vec<Adjusted>]) -> i64 {
    lines.iter().flatten().map(|adjusted| adjusted.line.amount.minor()).sum()
}

/// Lago, docs.getlago.com (plans, upgrades): €100 a month, 14 of 31 days left, credit €45.16.
#[test]
fn a_price_change_credits_the_old_and_charges_the_new() {
    let lines = once("2026-10-18", price("150"));
    let expected =
        ["2026-10-18 to 2026-10-31, 14 of 31: -1 × 100 = -45.16", "2026-10-18 to 2026-10-31, 14 of 31: 1 × 150 = 67.74"];
    assert_eq!(lines, expected);
    // From the first day on, and in a period that is not billed yet: the whole of it, and nothing.
    assert_eq!(
        once("2026-10-01", price("150")),
        ["2026-10-01 to 2026-10-31, whole: -1 × 100 = -100.00", "2026-10-01 to 2026-10-31, whole: 1 × 150 = 150.00"]
    );
    assert!(once("2026-11-01", price("150")).is_empty());
}

/// Stripe, docs.stripe.com/billing/subscriptions/prorations: from 10 to 20 USD halfway through the month,
/// -5 and +10. Chargebee, chargebee.com/docs/proration-old.html: $60 to $30 with 10 of 30 days left, -20 and +10.
#[test]
fn published_changes() {
    for (old, new, on, credit, charge) in [("10", "20", "2026-09-16", -500, 1000), ("60", "30", "2026-09-21", -2000, 1000)] {
        let mut facts = contract("c");
        facts.items = vec![version("c", "2026-01-01", old)];
        let agreed = agreement(&facts);
        let after = agreed.amend(date(on), &price(new)).unwrap();
        let after = facts_of(&after);
        let lines = adjustments(&company(), &reference(), &facts, &after, &[date("2026-09-01")]).unwrap();
        assert_eq!(lines.iter().map(|adjusted| adjusted.line.amount.minor()).collect::<Vec<_>>(), [credit, charge]);
    }
}

#[test]
fn a_change_that_is_dated_back_is_made_in_every_billed_period() {
    assert_eq!(
        once("2026-09-16", price("150")),
        [
            "2026-09-16 to 2026-09-30, 15 of 30: -1 × 100 = -50.00",
            "2026-09-16 to 2026-09-30, 15 of 30: 1 × 150 = 75.00",
            "2026-10-01 to 2026-10-31, whole: -1 × 100 = -100.00",
            "2026-10-01 to 2026-10-31, whole: 1 × 150 = 150.00",
        ]
    );
}

#[test]
fn saying_it_again_costs_nothing_and_taking_it_back_gives_it_back() {
    let (_, lines) = steps(&[("2026-10-18", price("150")), ("2026-10-18", price("150")), ("2026-10-18", price("100"))]);
    assert!(lines[1].is_empty());
    assert_eq!(sum(&lines), 0);
    assert_eq!(sum(&steps(&[("2026-10-18", price("100"))]).1), 0, "the same price");
    // Two changes are the sum of both: B until the 24th, C from the 25th on.
    let (_, lines) = steps(&[("2026-10-18", price("150")), ("2026-10-25", price("310"))]);
    assert_eq!(
        told(&lines[1]),
        ["2026-10-25 to 2026-10-31, 7 of 31: -1 × 150 = -33.87", "2026-10-25 to 2026-10-31, 7 of 31: 1 × 310 = 70.00"]
    );
}

#[test]
fn an_end_credits_what_is_left_and_a_later_end_charges_it() {
    assert_eq!(once("2026-10-18", Amendment::Cancel), ["2026-10-18 to 2026-10-31, 14 of 31: -1 × 100 = -45.16"]);
    let (_, lines) = steps(&[
        ("2026-10-18", Amendment::Cancel),
        ("2026-10-25", Amendment::Cancel),
        ("2026-09-16", Amendment::Cancel),
        ("2026-09-16", Amendment::Reinstate),
    ]);
    assert_eq!(told(&lines[1]), ["2026-10-18 to 2026-10-24, 7 of 31: 1 × 100 = 22.58"]);
    let back = ["2026-09-16 to 2026-09-30, 15 of 30: -1 × 100 = -50.00", "2026-10-01 to 2026-10-24, 24 of 31: -1 × 100 = -77.42"];
    assert_eq!(told(&lines[2]), back);
    assert_eq!(
        told(&lines[3]),
        ["2026-09-16 to 2026-09-30, 15 of 30: 1 × 100 = 50.00", "2026-10-01 to 2026-10-31, whole: 1 × 100 = 100.00"]
    );
    assert_eq!(sum(&lines), 0);
}

#[test]
fn a_pause_credits_its_days_and_resuming_bills_the_rest() {
    assert_eq!(
        once("2026-10-10", Amendment::Pause(Some(date("2026-10-20")))),
        ["2026-10-10 to 2026-10-19, 10 of 31: -1 × 100 = -32.26"]
    );
    let (agreed, lines) = steps(&[("2026-10-10", Amendment::Pause(None)), ("2026-11-20", Amendment::Resume)]);
    assert_eq!(told(&lines[0]), ["2026-10-10 to 2026-10-31, 22 of 31: -1 × 100 = -70.97"]);
    assert!(lines[1].is_empty(), "November is not billed");
    // November bills its rest, as a part of the same full period.
    let mut paused = facts_of(&agreed);
    paused.next_start = date("2026-11-01");
    let plan = plan_company(&facts(vec![paused], Vec::new()), &reference(), &at("2026-11-20T12:00:00Z"));
    let line = &plan.invoices[0].lines[0];
    assert_eq!((line.period.to_string(), line.amount.minor()), ("2026-11-20 to 2026-11-30".to_owned(), 3667));
    assert_eq!(plan.invoices[0].claims[0].period.to_string(), "2026-11-01 to 2026-11-30");
}

#[test]
fn an_item_more_is_charged_and_one_less_credited() {
    let seat = Terms { unit_price: Some(31.into()), quantity: Some(2.into()), ..Terms::default() };
    let (_, lines) = steps(&[
        ("2026-10-18", Amendment::Add("seat".parse().unwrap(), seat)),
        ("2026-10-31", Amendment::Remove("seat".parse().unwrap())),
    ]);
    assert_eq!(told(&lines[0]), ["2026-10-18 to 2026-10-31, 14 of 31: 2 × 31 = 28.00"]);
    assert_eq!(told(&lines[1]), ["2026-10-31 to 2026-10-31, 1 of 31: -2 × 31 = -2.00"]);
}

/// What is credited was taxed by the last day of its own line, whatever day it ends on.
#[test]
fn the_supply_date_is_that_of_the_service() {
    let pause = Pause {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        from: date("2026-10-10"),
        until: Some(date("2026-10-20")),
    };
    let before = contract("c");
    let after = ContractFacts { items: served(before.items.clone(), &[pause]), ..before.clone() };
    let lines = adjustments(&company(), &reference(), &before, &after, &[date("2026-10-01")]).unwrap();
    assert_eq!((lines[0].line.period.last_day(), lines[0].supplied_on), (date("2026-10-19"), date("2026-10-31")));
}

/// A service period that spans a change of the rate is taxed by its last day, all of it; so is what is
/// credited of it later (§ 27 Abs. 1 UStG: the end of the part of the supply).
#[test]
fn a_period_that_spans_a_change_of_the_rate() {
    let from = |day: &str, percent: i64| TaxRate { valid_from: date(day), ..rate("standard", TaxCategory::Standard, percent) };
    let rates = vec![from("2007-01-01", 19), from("2020-07-01", 16), from("2021-01-01", 19)];
    let reference = Reference::new(vec![seller("de", chrono_tz::Europe::Berlin)], rates);
    let mut facts = contract("c");
    facts.contract.start = date("2020-06-15");
    facts.items = vec![version("c", "2020-06-15", "100")];
    let calendar = BillingCalendar::new(&facts.contract).unwrap();
    let taxed = |on: &str| {
        let part = (&facts, calendar.containing(date(on)).unwrap());
        let invoice = build_invoice(&company(), &reference, &[part], &[]).unwrap().unwrap();
        (invoice.period.to_string(), invoice.tax.minor())
    };
    assert_eq!(taxed("2020-06-15"), ("2020-06-15 to 2020-07-14".to_owned(), 1600));
    assert_eq!(taxed("2020-12-31"), ("2020-12-15 to 2021-01-14".to_owned(), 1900));
    // Two versions are two supplies: the first ended while the old rate was in force.
    facts.items.push(version("c", "2020-06-25", "200"));
    let part = (&facts, calendar.containing(date("2020-06-15")).unwrap());
    let invoice = build_invoice(&company(), &reference, &[part], &[]).unwrap().unwrap();
    let rates: Vec<String> = invoice.lines.iter().map(|line| line.tax_rate.to_string()).collect();
    assert_eq!(rates, ["19", "16"]);
}

#[test]
fn an_invoice_is_made_anew_from_the_contract_as_it_is_now() {
    let company = company();
    let mut facts = contract("c");
    facts.items[0].unit_price = 200.into();
    let period = BillingCalendar::new(&facts.contract).unwrap().containing(date("2026-08-01")).unwrap();
    let ticket = item("t", "2026-08-03", "10");
    let again = |facts: &ContractFacts| build_invoice(&company, &reference(), &[(facts, period)], &[&ticket]);
    let invoice = again(&facts).unwrap().unwrap();
    assert_eq!((invoice.total.to_string().as_str(), invoice.due), ("249.90", date("2026-08-01")));

    facts.items[0].end = Some(date("2026-08-01"));
    let invoice = again(&facts).unwrap().unwrap();
    assert_eq!((invoice.claims.len(), invoice.due), (0, date("2026-09-01")), "only the item is left");
    assert_eq!(build_invoice(&company, &reference(), &[(&facts, period)], &[]), Ok(None));

    facts.contract.tax_inclusive = true;
    assert!(again(&facts).unwrap_err().to_string().starts_with("contract c and item t do not fit on one invoice"));
}

/// Germany, from 1 July to 31 December 2020: 16 % instead of 19 % (Zweites Corona-Steuerhilfegesetz). The rate is that of
/// the last day of service, and an end moves that day.
#[test]
fn what_is_left_has_the_rate_of_its_own_last_day() {
    let lowered = TaxRate { valid_from: date("2026-10-20"), rate: 16.into(), ..rate("standard", TaxCategory::Standard, 19) };
    let rates = vec![rate("standard", TaxCategory::Standard, 19), lowered];
    let reference = Reference::new(vec![seller("de", chrono_tz::Europe::Berlin)], rates);
    let before = agreement(&contract("c"));
    let told = |on: &str| {
        let after = before.amend(date(on), &Amendment::Cancel).unwrap();
        let lines = adjustments(&company(), &reference, &facts_of(&before), &facts_of(&after), &[date("2026-10-01")]).unwrap();
        let one = |one: &Adjusted| format!("{} {}, supplied {}", one.line.period, one.line.amount, one.supplied_on);
        lines.iter().map(one).collect::<Vec<_>>()
    };
    let expected = [
        "2026-10-01 to 2026-10-17 -54.84, supplied 2026-10-31",
        "2026-10-01 to 2026-10-17 54.84, supplied 2026-10-17",
        "2026-10-18 to 2026-10-31 -45.16, supplied 2026-10-31",
    ];
    assert_eq!(told("2026-10-18"), expected);
    assert_eq!(told("2026-10-21"), ["2026-10-21 to 2026-10-31 -35.48, supplied 2026-10-31"]);
}
