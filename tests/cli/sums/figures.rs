//! The figures of one invoice from its inputs, in exact fractions (semantics.md, money): each line is
//! rounded once, each tax group once, and the total is the sum of what is printed.

use super::business::{Billed, Business, CURRENCIES, Contract, PRICE_DECIMALS, Priced, QUANTITY_DECIMALS, day};
use chrono::NaiveDate;
use serde_json::Value;
use std::collections::BTreeMap;

/// Rounded half away from zero; the divisor is positive.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    dividend.signum() * ((2 * dividend.abs() + divisor) / (2 * divisor))
}

fn exponent(currency: &str) -> u32 {
    CURRENCIES.iter().find(|c| c.0 == currency).unwrap().1
}

/// An amount in JSON, with exactly the currency's decimals, in minor units.
#[track_caller]
pub fn minor(amount: &Value, currency: &str) -> i128 {
    scaled(amount, exponent(currency), true)
}

/// A decimal string as an integer of that many decimals.
#[track_caller]
fn scaled(text: &Value, decimals: u32, exactly: bool) -> i128 {
    let text = text.as_str().unwrap_or_else(|| panic!("{text} is no string"));
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let width = decimals as usize;
    assert!(rest.len() == width || !exactly, "{text} has not {decimals} decimals");
    assert!(rest.len() <= width || rest[width..].chars().all(|c| c == '0'), "{text} has more than {decimals} decimals");
    let rest: String = rest.chars().chain("0".repeat(width).chars()).take(width).collect();
    let value: i128 = format!("{}{rest}", whole.trim_start_matches('-')).parse().unwrap();
    if text.starts_with('-') { -value } else { value }
}

fn date(value: &Value) -> NaiveDate {
    day(value.as_str().unwrap())
}

pub fn lines(invoice: &Value) -> impl Iterator<Item = &Value> {
    invoice["lines"].as_array().unwrap().iter()
}

/// A line as it must be.
struct Line {
    amount: i128,
    /// Days billed; 0 when it is not prorated.
    days: i128,
    of_days: i128,
    group: (&'static str, i128),
}

/// What an item costs for its days in a period; None when it has none there.
fn recurring(item: &Priced, period: &Billed, currency: &str) -> Option<(NaiveDate, Line)> {
    let (start, end) = (period.start.max(item.from), period.end.min(item.until.unwrap_or(period.end)));
    let days = i128::from((end - start).num_days());
    (days > 0).then(|| {
        let quantity = if item.flat { 10_i128.pow(QUANTITY_DECIMALS) } else { item.quantity };
        let amount = amount(quantity, item.price, days, period.of_days, currency);
        let whole = days == period.of_days;
        let group = Business::rate(item.code, end.pred_opt().unwrap());
        let (days, of_days) = if whole { (0, 0) } else { (days, period.of_days) };
        (start, Line { amount, days, of_days, group })
    })
}

fn amount(quantity: i128, price: i128, days: i128, of_days: i128, currency: &str) -> i128 {
    let fine = 10_i128.pow(QUANTITY_DECIMALS + PRICE_DECIMALS);
    rounded(quantity * price * days * 10_i128.pow(exponent(currency)), fine * of_days)
}

/// The lines of a contract's period, by (item, first day).
fn expected(contract: &Contract, period: &Billed) -> BTreeMap<(String, NaiveDate), Line> {
    let of = |item: &Priced| recurring(item, period, contract.currency).map(|(start, line)| ((item.id.clone(), start), line));
    contract.items.iter().filter_map(of).collect()
}

/// Checks an invoice's lines, groups and totals, and tells which one it is: company and period.
pub fn check(business: &Business, invoice: &Value) -> (String, NaiveDate) {
    let company = invoice["company_id"].as_str().unwrap();
    let contract = &business.contracts[company];
    let currency = contract.currency;
    assert_eq!((&invoice["currency"], &invoice["tax_inclusive"]), (&currency.into(), &contract.inclusive.into()), "{invoice}");
    let served = lines(invoice).filter(|l| l["source_key"].is_null()).map(|l| date(&l["period"]["start"])).min().unwrap();
    let period = contract.periods.iter().find(|p| p.start <= served && served < p.end).unwrap();
    let mut expected = expected(contract, period);
    // By group: the sum of amounts, and the (amount, net) of each line.
    let mut groups: Groups = BTreeMap::new();
    for line in lines(invoice) {
        let (item, must) = match line["source_key"].as_str() {
            Some(key) => {
                let item = contract.billables.iter().find(|b| b.id == key).unwrap();
                let amount = amount(item.quantity, item.price, 1, 1, currency);
                (item, Line { amount, days: 0, of_days: 0, group: Business::rate(item.code, item.from) })
            }
            None => {
                let (id, start) = (line["item_id"].as_str().unwrap(), date(&line["period"]["start"]));
                let must = expected.remove(&(id.to_owned(), start)).unwrap_or_else(|| panic!("not to be billed: {line}"));
                let held = |i: &&Priced| i.id == id && i.from <= start && i.until.is_none_or(|until| start < until);
                (contract.items.iter().find(held).unwrap(), must)
            }
        };
        let quantity = if item.flat { 10_i128.pow(QUANTITY_DECIMALS) } else { item.quantity };
        assert_eq!(scaled(&line["quantity"], QUANTITY_DECIMALS, false), quantity, "{line}");
        assert_eq!(scaled(&line["unit_price"], PRICE_DECIMALS, false), item.price, "{line}");
        let part = |name: &str| line["proration"].get(name).and_then(Value::as_i64).unwrap_or(0);
        assert_eq!((i128::from(part("days")), i128::from(part("of_days"))), (must.days, must.of_days), "{line}");
        let told = (line["tax_category"].as_str().unwrap(), scaled(&line["tax_rate"], 3, false));
        assert_eq!(told, must.group, "{line}");
        assert_eq!(minor(&line["amount"], currency), must.amount, "{line}");
        let (sum, members) = groups.entry(must.group).or_default();
        *sum += must.amount;
        members.push((must.amount, minor(&line["net"], currency)));
    }
    assert!(expected.is_empty(), "{} items are missing on {invoice}", expected.len());
    check_sums(invoice, contract, &groups);
    (company.to_owned(), period.start)
}

/// (category, rate) → (Σ amounts, lines).
type Groups<'a> = BTreeMap<(&'a str, i128), (i128, Vec<(i128, i128)>)>;

fn check_sums(invoice: &Value, contract: &Contract, groups: &Groups) {
    const PERCENT: i128 = 100_000;
    let currency = contract.currency;
    let told = invoice["taxes"].as_array().unwrap();
    assert_eq!(told.len(), groups.len(), "one row a group: {invoice}");
    let (mut net, mut tax) = (0, 0);
    for group in told {
        let rate = scaled(&group["rate"], 3, false);
        let (sum, members) = &groups[&(group["category"].as_str().unwrap(), rate)];
        let (group_net, group_tax) = if contract.inclusive {
            let net = rounded(sum * PERCENT, PERCENT + rate);
            (net, sum - net)
        } else {
            (*sum, rounded(sum * rate, PERCENT))
        };
        assert_eq!((minor(&group["net"], currency), minor(&group["tax"], currency)), (group_net, group_tax), "{invoice}");
        assert_eq!(members.iter().map(|m| m.1).sum::<i128>(), group_net, "the lines' nets add up: {invoice}");
        for (amount, net) in members {
            if contract.inclusive {
                let off = net * (PERCENT + rate) - amount * PERCENT;
                assert!(off.abs() < PERCENT + rate, "a line's net is off by a minor unit or more: {invoice}");
            } else {
                assert_eq!(amount, net, "{invoice}");
            }
        }
        (net, tax) = (net + group_net, tax + group_tax);
    }
    let head = ["net", "tax", "total"].map(|field| minor(&invoice[field], currency));
    assert_eq!(head, [net, tax, net + tax], "{invoice}");
}

#[test]
fn it_rounds_half_away_from_zero_and_reads_strictly() {
    assert_eq!([(5, 10), (-5, 10), (4, 10), (15, 10), (-14, 10)].map(|(a, b)| rounded(a, b)), [1, -1, 0, 2, -1]);
    assert_eq!(["1.50", "-0.05", "12.00"].map(|t| minor(&t.into(), "EUR")), [150, -5, 1200]);
    assert!(std::panic::catch_unwind(|| minor(&"1.5".into(), "EUR")).is_err());
    assert_eq!(scaled(&"7".into(), 3, false), 7000);
}
