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
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-45.16", "67.74", "-2.26"]);
    let after = from_the_18th(&facts, dearer);
    let adjusted = adjustments(&company(), &reference(), &facts, &after, &[date("2026-10-01")]).unwrap();
    assert_eq!(adjusted[2].line.period.to_string(), "2026-10-18 to 2026-10-31", "the days that differ");
    // A fixed one on the contract stays with a price, and goes by the days that are served.
    facts.discounts = vec![discount(Off::Amount(decimal("31")))];
    assert_eq!(amounts(&facts, &from_the_18th(&facts, dearer)), ["-45.16", "67.74"]);
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-45.16", "14.00"]);
}

/// Which discount is taken first decides, and none takes more than there is.
#[test]
fn discounts_are_taken_back_in_their_order_and_within_what_there_is() {
    let named = |id: &str, off: &str| {
        let off = off.strip_suffix('%').map_or_else(|| Off::Amount(decimal(off)), |percent| Off::Percent(decimal(percent)));
        Discount { discount_id: id.parse().unwrap(), ..discount(off) }
    };
    let mut facts = contract("c");
    // 100 − 10 − 31 = 59.00; 54.84 − 5.48 − 17.00 = 32.36.
    facts.discounts = vec![named("a", "10%"), named("b", "31")];
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-45.16", "4.52", "14.00"]);
    // 100 − 31 − 6.90 = 62.10; 54.84 − 17.00 − 3.78 = 34.06.
    facts.discounts = vec![named("a", "31"), named("b", "10%")];
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-45.16", "14.00", "3.12"]);
    // 10 a month until the 15th and 100 from then on, and at most 50 off: 56.78 − 50.00; 4.84 + 6.45 (two days) − 11.29.
    let item = facts.items[0].item_id.clone();
    facts.discounts = vec![Discount { item_id: Some(item), ..named("a", "50") }];
    facts.items = vec![version("c", "2026-01-01", "10"), version("c", "2026-10-16", "100")];
    assert_eq!(amounts(&facts, &ends_on_the_18th(&facts)), ["-45.16", "38.71"]);
}

/// A discount of the contract is taken back in the tax rates that it was taken in.
#[test]
fn a_discount_of_the_contract_is_taxed_as_what_it_is_taken_from() {
    let mut facts = contract("c");
    let reduced = ContractItem {
        tax_code: Some("reduced".parse().unwrap()),
        ..another("book", PriceModel::Flat, 1, "100", PriceTerms::default())
    };
    facts.items.push(reduced);
    facts.discounts = vec![discount(Off::Amount(decimal("10")))];
    let adjusted = adjustments(&company(), &reference(), &facts, &ends_on_the_18th(&facts), &[date("2026-10-01")]).unwrap();
    let told = |one: &Adjusted| {
        let code = one.tax_code.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        format!("{} {} {code}", one.line.description, one.line.amount)
    };
    let less: Vec<String> = adjusted.iter().map(told).filter(|line| line.starts_with("Less")).collect();
    assert_eq!(less, ["Less 2.26 reduced", "Less 2.26 standard"]);
}

/// A contract that is billed in advance and has a meter ends with an invoice for its last usage, which is no service.
#[test]
fn the_last_usage_is_no_period_of_service() {
    let terms = PriceTerms { meter: Some("api".parse().unwrap()), ..PriceTerms::default() };
    let used = |on: &str, quantity: i64| UsageDay { meter: "api".parse().unwrap(), on: date(on), quantity: quantity.into() };
    let mut facts = contract("c");
    facts.items.push(another("calls", PriceModel::PerUnit, 1, "0.10", terms));
    facts.usage = vec![used("2026-09-05", 70), used("2026-10-05", 100), used("2026-11-05", 900)];
    let ended = ends_on_the_18th(&facts);
    let billed = |before: &ContractFacts, after: &ContractFacts, starts: &[&str]| -> Vec<String> {
        let starts: Vec<NaiveDate> = starts.iter().map(|start| date(start)).collect();
        let adjusted = adjustments(&company(), &reference(), before, after, &starts).unwrap();
        adjusted.iter().map(|one| one.line.amount.to_string()).collect()
    };
    // The end is taken back: the rest of October is charged, and its usage comes with November.
    assert_eq!(billed(&ended, &facts, &["2026-10-01", "2026-10-18"]), ["45.16", "-10.00"]);
    assert_eq!(billed(&facts, &ended, &["2026-10-01", "2026-10-18"]), ["-45.16", "10.00"]);
    // It ends on the first day of a period that is billed: all of that is credited, and October's usage stays.
    let contract = Contract { end: Some(date("2026-11-01")), ..facts.contract.clone() };
    let on_the_first = ContractFacts { contract, ..facts.clone() };
    assert_eq!(billed(&facts, &on_the_first, &["2026-10-01", "2026-11-01"]), ["-100.00"]);
    assert_eq!(billed(&on_the_first, &facts, &["2026-10-01", "2026-11-01"]), ["100.00"]);
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
