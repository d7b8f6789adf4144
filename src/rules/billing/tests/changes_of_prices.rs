//! What changes cost in billed periods where prices have tiers, discounts, minimums or meters. Figures
//! are computed by hand.

use super::*;
use crate::model::{Discount, Off, PriceTerms, Tier, Tiers, Timing, UsageDay};

fn decimal(text: &str) -> rust_decimal::Decimal {
    parse_decimal(text).unwrap()
}

fn discount(off: Off) -> Discount {
    Discount {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        discount_id: "less".parse().unwrap(),
        item_id: None,
        valid_from: date("2026-01-01"),
        periods: None,
        off,
        description: "Less".to_owned(),
    }
}

fn another(id: &str, price_model: PriceModel, quantity: i64, price: &str, terms: PriceTerms) -> ContractItem {
    let quantity = quantity.into();
    ContractItem { item_id: id.parse().unwrap(), price_model, quantity, terms, ..version("c", "2026-01-01", price) }
}

/// The item as it is from 18 October on, beside what it was.
fn from_the_18th(facts: &ContractFacts, change: impl Fn(ContractItem) -> ContractItem) -> ContractFacts {
    let mut after = facts.clone();
    let last = after.items[0].clone();
    after.items.push(ContractItem { valid_from: date("2026-10-18"), ..change(last) });
    after
}

fn ends_on_the_18th(facts: &ContractFacts) -> ContractFacts {
    let contract = Contract { end: Some(date("2026-10-18")), ..facts.contract.clone() };
    ContractFacts { contract, ..facts.clone() }
}

/// Amounts of what is credited and charged, with October billed; nothing for what is not changed.
fn amounts(before: &ContractFacts, after: &ContractFacts) -> Vec<String> {
    let october = [date("2026-10-01")];
    assert_eq!(adjustments(&company(), &reference(), before, before, &october), Ok(Vec::new()));
    let adjusted = adjustments(&company(), &reference(), before, after, &october).unwrap();
    adjusted.iter().map(|one| one.line.amount.to_string()).collect()
}

#[test]
fn tiers_are_credited_and_charged_line_by_line() {
    let tier = |up_to: Option<i64>, price: i64| Tier {
        up_to: up_to.map(Into::into),
        unit_price: price.into(),
        flat_fee: rust_decimal::Decimal::ZERO,
    };
    let tiers = Tiers::new(vec![tier(Some(10), 5), tier(None, 4)]).ok();
    let item = |model| another("seats", model, 15, "0", PriceTerms { tiers: tiers.clone(), ..PriceTerms::default() });
    let more = |item| ContractItem { quantity: 25.into(), ..item };
    let mut facts = contract("c");
    facts.items = vec![item(PriceModel::Graduated)];
    // 14 of 31 days of 10 × 5 + 5 × 4, then of 10 × 5 + 15 × 4.
    assert_eq!(amounts(&facts, &from_the_18th(&facts, more)), ["-22.58", "-9.03", "22.58", "27.10"]);
    facts.items = vec![item(PriceModel::Volume)];
    // Of 15 × 4, then of 25 × 4.
    assert_eq!(amounts(&facts, &from_the_18th(&facts, more)), ["-27.10", "45.16"]);
}

#[test]
fn discounts_are_taken_back_with_what_they_were_taken_from() {
    let dearer = |item| ContractItem { unit_price: 150.into(), ..item };
    let mut facts = contract("c");
    facts.discounts = vec![discount(Off::Percent(decimal("10")))];
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-45.16", "4.52", "67.74", "-6.77"]);
    // A fixed one on the contract stays with a price, and goes by the days that are served.
    facts.discounts = vec![discount(Off::Amount(decimal("31")))];
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-45.16", "67.74"]);
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-45.16", "31.00", "-17.00"]);
}

#[test]
fn a_minimum_of_the_contract_is_compared_with_all_of_it() {
    let mut facts = contract("c");
    facts.items.push(another("floor", PriceModel::Minimum, 1, "150", PriceTerms::default()));
    // 54.84 and 58.71 instead of 100.00: 36.45 are missing, and no longer 50.00.
    let dearer = |item| ContractItem { unit_price: 130.into(), ..item };
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-45.16", "58.71", "-50.00", "36.45"]);
}

#[test]
fn what_was_used_is_billed_as_it_is_now() {
    let terms = PriceTerms { meter: Some("api".parse().unwrap()), ..PriceTerms::default() };
    let used = |on: &str, quantity: i64| UsageDay { meter: "api".parse().unwrap(), on: date(on), quantity: quantity.into() };
    let mut facts = contract("c");
    facts.contract.timing = Timing::Arrears;
    facts.items = vec![another("calls", PriceModel::PerUnit, 1, "0.10", terms)];
    facts.usage = vec![used("2026-10-05", 100), used("2026-10-20", 50)];
    let dearer = |item| ContractItem { unit_price: decimal("0.20"), ..item };
    // 150 × 0.10; then 100 × 0.10 and 50 × 0.20.
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-15.00", "10.00", "10.00"]);
    // What was used after the end was not agreed.
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-15.00", "10.00"]);
}

#[test]
fn what_is_billed_once_is_charged_once() {
    let facts = contract("c");
    let mut after = facts.clone();
    let setup = another("setup", PriceModel::OneTime, 1, "80", PriceTerms::default());
    after.items.push(ContractItem { valid_from: date("2026-10-18"), ..setup });
    assert_eq!(amounts(&facts, &after), ["80.00"]);
    assert_eq!(amounts(&after, &facts), ["-80.00"]);
    assert_eq!(amounts(&after, &ends_on_the_18th(&after)), ["-45.16", "-80.00"]);
}
