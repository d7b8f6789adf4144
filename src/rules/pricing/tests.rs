//! Prices and versions of items, case by case, with the pages that publish them.

use super::*;
use crate::model::PriceTerms;
use crate::model::calendar::parse_date;
use crate::model::money::parse_decimal;

fn version(id: &str, from: &str, end: Option<&str>) -> ContractItem {
    ContractItem {
        company_id: "acme".parse().unwrap(),
        contract_id: "c-1".parse().unwrap(),
        item_id: id.parse().unwrap(),
        valid_from: parse_date(from).unwrap(),
        end: end.map(|end| parse_date(end).unwrap()),
        description: String::new(),
        price_model: PriceModel::PerUnit,
        quantity: Decimal::ONE,
        unit: String::new(),
        unit_price: Decimal::ONE_HUNDRED,
        terms: PriceTerms::default(),
        tax_code: None,
    }
}

fn period(start: &str, end: &str) -> Period {
    Period::new(parse_date(start).unwrap(), parse_date(end).unwrap()).unwrap()
}

fn priced(quantity: &str, price: &str, part: Option<(u32, u32)>, currency: &str) -> Result<String, AmountError> {
    let proration = part.map(|(days, of_days)| Proration { days, of_days });
    let decimal = |text| parse_decimal(text).unwrap();
    Ok(amount(decimal(quantity), decimal(price), proration, currency.parse().unwrap())?.to_string())
}

/// Numbers of published rules, with the page that shows them.
#[test]
fn published_prorations() {
    for (price, days, of_days, amount) in [
        // Stripe, docs.stripe.com/billing/subscriptions/prorations: from 10 to 20 USD halfway through the month.
        ("-10", 15, 30, "-5.00"),
        ("20", 15, 30, "10.00"),
        // Chargebee, chargebee.com/docs/proration-old.html: $60 from 1 April, downgraded to $30 on the 21st.
        ("60", 20, 30, "40.00"),
        ("30", 10, 30, "10.00"),
        // Lago's documentation of upgrades: 14 of the 31 days of a €100 plan.
        ("100", 14, 31, "45.16"),
    ] {
        assert_eq!(priced("1", price, Some((days, of_days)), "EUR").as_deref(), Ok(amount));
    }
}

#[test]
fn rounds_once_in_the_currencys_decimals() {
    for (quantity, price, part, currency, amount) in [
        ("3", "0.335", None, "EUR", "1.01"), // 1.005: half away from zero
        ("-3", "0.335", None, "EUR", "-1.01"),
        ("1", "0.5", None, "JPY", "1"),
        ("1", "1000", Some((1, 3)), "JPY", "333"),
        ("1", "10", Some((1, 3)), "KWD", "3.333"),
        ("7", "1234", None, "KWD", "8638.000"),
        ("1000000", "0.000125", None, "EUR", "125.00"),
        ("0", "99.99", None, "EUR", "0.00"),
        // 0.00499… in 28 digits rounds up to 0.005, and then to 0.01: it must not.
        ("0.0149999999999999999999999997", "1", Some((1, 3)), "EUR", "0.00"),
    ] {
        assert_eq!(priced(quantity, price, part, currency).as_deref(), Ok(amount), "{quantity} × {price} {currency}");
    }
}

#[test]
fn what_cannot_be_counted_is_an_error() {
    let huge = "9999999999999999999999999999";
    assert_eq!(priced(huge, huge, None, "EUR"), Err(AmountError::TooManyDigits));
    assert_eq!(priced(huge, "1", None, "EUR"), Err(AmountError::TooLarge("EUR".parse().unwrap())));
    let fine = "0.0000000000000000000000000001";
    assert_eq!(priced(fine, fine, None, "EUR"), Err(AmountError::TooManyDigits));
}

#[test]
fn a_version_holds_until_the_next_or_its_end() {
    let versions = [
        version("seats", "2026-10-11", None),
        version("seats", "2026-01-01", None),
        version("backup", "2026-01-01", Some("2026-10-05")),
        version("later", "2026-11-01", None),
        version("gone", "2026-01-01", Some("2026-10-01")),
        // Ended by a version that holds for no day.
        version("ended", "2026-01-01", None),
        version("ended", "2026-02-01", Some("2026-02-01")),
    ];
    let found: Vec<(&str, String)> = segments(&versions, period("2026-10-01", "2026-11-01"))
        .into_iter()
        .map(|segment| (segment.item.item_id.as_str(), segment.days.to_string()))
        .collect();
    let expected =
        [("backup", "2026-10-01 to 2026-10-04"), ("seats", "2026-10-01 to 2026-10-10"), ("seats", "2026-10-11 to 2026-10-31")];
    assert_eq!(found, expected.map(|(id, days)| (id, days.to_owned())));
}

#[test]
fn only_a_part_is_prorated() {
    let full = period("2026-10-01", "2026-11-01");
    assert_eq!(proration(full, full), None);
    assert_eq!(proration(period("2026-10-18", "2026-11-01"), full), Some(Proration { days: 14, of_days: 31 }));
}

/// An item of a model, with its tiers as the database writes them.
fn priced_item(price_model: PriceModel, unit_price: &str, terms: PriceTerms) -> ContractItem {
    ContractItem { price_model, unit_price: parse_decimal(unit_price).unwrap(), terms, ..version("calls", "2026-01-01", None) }
}

fn tiered_item(price_model: PriceModel, tiers: &str) -> ContractItem {
    priced_item(price_model, "0", PriceTerms { tiers: Some(tiers.parse().unwrap()), ..PriceTerms::default() })
}

/// (quantity, unit price, amount) of each line for a quantity that was agreed.
fn lines(item: &ContractItem, quantity: &str, part: Option<(u32, u32)>) -> Vec<(String, String, String)> {
    let item = ContractItem { quantity: parse_decimal(quantity).unwrap(), ..item.clone() };
    let part = part.map(|(days, of_days)| Proration { days, of_days });
    let priced = price(&item, Count::Agreed, part, "USD".parse().unwrap()).unwrap();
    priced.into_iter().map(|p| (p.quantity.to_string(), p.unit_price.to_string(), p.amount.to_string())).collect()
}

fn total(item: &ContractItem, quantity: &str, part: Option<(u32, u32)>) -> String {
    let amounts = lines(item, quantity, part).into_iter().map(|line| parse_decimal(&line.2).unwrap());
    format!("{:.2}", amounts.sum::<Decimal>())
}

/// Graduated and volume prices of published examples, with the pages that show them.
#[test]
fn published_tiers() {
    use PriceModel::{Graduated, Volume};
    for (model, tiers, quantity, expected) in [
        // Stripe, docs.stripe.com/products-prices/pricing-models (tiered pricing): 1–5 at 7, 6–10 at 6.50, from 11 on at 6.
        (Volume, "5:7:0 10:6.5:0 *:6:0", "5", "35.00"),
        (Volume, "5:7:0 10:6.5:0 *:6:0", "6", "39.00"),
        (Volume, "5:7:0 10:6.5:0 *:6:0", "20", "120.00"),
        (Graduated, "5:7:0 10:6.5:0 *:6:0", "5", "35.00"),
        (Graduated, "5:7:0 10:6.5:0 *:6:0", "6", "41.50"),
        (Graduated, "5:7:0 10:6.5:0 *:6:0", "20", "127.50"),
        // Lago, getlago.com/docs/guide/plans/charges/charge-models/volume: 65,000 calls, with a fixed fee.
        (Volume, "10000:0.0010:10 50000:0.0008:10 100000:0.0006:10 *:0.0004:10", "65000", "49.00"),
        // Lago, …/charge-models/graduated: 1.00 to 100 calls, 0.50 for the next 100, then 0.10.
        (Graduated, "100:1:0 200:0.5:0 *:0.1:0", "250", "155.00"),
        // Zuora, docs.zuora.com, "Example: Tiered pricing mode" (RatingDetail schema): 130 used, 100 free, then 2.00.
        (Graduated, "100:0:0 *:2:0", "130", "60.00"),
        // Autumn, docs.useautumn.com/documentation/modelling-pricing/graduated-pricing.
        (Graduated, "1000:0.01:0 10000:0.008:0 *:0.005:0", "15000", "107.00"),
        // Zuplo, zuplo.com/docs/articles/monetization/pricing-models.
        (Graduated, "1000:0.10:0 10000:0.05:0 *:0.01:0", "15000", "600.00"),
        (Volume, "1000:0.10:0 10000:0.05:0 *:0.01:0", "15000", "150.00"),
        // Stripe, "Set up a flat fee and overages pricing model": 1,000 within the fee, then 0.04.
        (Graduated, "1000:0:0 *:0.04:0", "1500", "20.00"),
        // Chargebee's stairstep: a price for the step that is reached, whatever the units in it.
        (Volume, "100:0:49 500:0:99 *:0:199", "101", "99.00"),
        // The fee of the first tier is a base fee: charged for no units too.
        (Graduated, "10:1:5 *:0.5:0", "0", "5.00"),
        (Volume, "10:1:5 *:0.5:0", "0", "5.00"),
    ] {
        assert_eq!(total(&tiered_item(model, tiers), quantity, None), expected, "{model} {tiers}: {quantity}");
    }
}

/// Package prices of published examples.
#[test]
fn published_packages() {
    let package = |price, size: &str, included: &str| {
        let (size, included) = (size.parse().unwrap(), included.parse().unwrap());
        priced_item(PriceModel::Package, price, PriceTerms { package_size: Some(size), included, ..PriceTerms::default() })
    };
    // Stripe, stripe.com/docs/billing/subscriptions/quantity-transformation: 10 USD for every 5 users or portion thereof.
    for (quantity, expected) in [("1", "10.00"), ("3", "10.00"), ("5", "10.00"), ("6", "20.00"), ("7", "20.00"), ("0", "0.00")] {
        assert_eq!(total(&package("10", "5", "0"), quantity, None), expected, "{quantity} users");
    }
    // Lago, getlago.com/docs/guide/plans/charges/charge-models/package: 5 USD per 100 units, the first 100 free.
    for (quantity, expected) in [("201", "10.00"), ("200", "5.00"), ("100", "0.00"), ("100.5", "5.00")] {
        assert_eq!(total(&package("5", "100", "100"), quantity, None), expected, "{quantity} units");
    }
    let line = &lines(&package("5", "100", "100"), "201", None)[0];
    assert_eq!((line.0.as_str(), line.1.as_str(), line.2.as_str()), ("2", "5", "10.00"));
}

#[test]
fn each_tier_is_a_line_that_multiplies() {
    let line = |quantity: &str, price: &str, amount: &str| (quantity.to_owned(), price.to_owned(), amount.to_owned());
    let item = tiered_item(PriceModel::Graduated, "100:0:0 500:0.20:10 *:0.105:0");
    let expected =
        [line("100", "0", "0.00"), line("400", "0.20", "80.00"), line("1", "10", "10.00"), line("51", "0.105", "5.36")];
    assert_eq!(lines(&item, "551", None), expected);
    // In part, the sum of the exact amounts is rounded once: 95.355 × 14 ÷ 31 = 43.0635…, and the lines add up to it.
    let part = lines(&item, "551", Some((14, 31)));
    assert_eq!(part.iter().map(|line| line.2.as_str()).collect::<Vec<_>>(), ["0.00", "36.13", "4.51", "2.42"]);
    assert_eq!(total(&item, "551", Some((14, 31))), "43.06");
}

#[test]
fn many_tiers_share_a_line() {
    let limits: Vec<String> = (1..=1000).map(|n| format!("{}:{}:0", n * 10, 1000 - n)).collect();
    let item = tiered_item(PriceModel::Graduated, &format!("{} *:0.5:7", limits.join(" ")));
    let found = lines(&item, "9995", None);
    assert_eq!(found.len(), 11);
    // Tiers 1 to 990 in full: Σ 10 × (1000 − n).
    assert_eq!(found[0], ("1".to_owned(), "4994550".to_owned(), "4994550.00".to_owned()));
    assert_eq!(found[10], ("5".to_owned(), "0".to_owned(), "0.00".to_owned()));
    let whole: i64 = (1..=1000).map(|n| 10 * (1000 - n)).sum();
    assert_eq!(total(&item, "10002", None), format!("{}.00", whole + 1 + 7));
}

#[test]
fn what_is_included_costs_nothing() {
    let terms = PriceTerms { included: 1000.into(), ..PriceTerms::default() };
    let item = priced_item(PriceModel::PerUnit, "0.012", terms);
    let used = |used: &str, part: Option<(u32, u32)>| {
        let part = part.map(|(days, of_days)| Proration { days, of_days });
        let priced = price(&item, Count::Used(used.parse().unwrap()), part, "USD".parse().unwrap()).unwrap();
        assert_eq!(priced.len(), 1);
        (priced[0].quantity.to_string(), priced[0].amount.to_string(), priced[0].proration)
    };
    assert_eq!(used("1750", None), ("750".to_owned(), "9.00".to_owned(), None));
    assert_eq!(used("999.5", None), ("0".to_owned(), "0.00".to_owned(), None));
    // What was used is billed in full; what is included is for a full period: 1000 × 14 ÷ 31 = 451.6…
    assert_eq!(used("1750", Some((14, 31))), ("1298".to_owned(), "15.58".to_owned(), None));
}

#[test]
fn usage_is_summed_over_its_days() {
    let day = |meter: &str, on: &str, quantity: &str| UsageDay {
        meter: meter.parse().unwrap(),
        on: parse_date(on).unwrap(),
        quantity: parse_decimal(quantity).unwrap(),
    };
    let usage = [
        day("api", "2026-09-30", "1"),
        day("api", "2026-10-01", "0.0000000000000000000000000001"),
        day("api", "2026-10-01", "2"),
        day("api", "2026-10-31", "4"),
        day("api", "2026-11-01", "8"),
        day("gb", "2026-10-15", "16"),
    ];
    let sum = |meter: &str| used(&usage, &meter.parse().unwrap(), period("2026-10-01", "2026-11-01")).map(|sum| sum.to_string());
    assert_eq!(sum("api"), Ok("6.0000000000000000000000000001".to_owned()));
    assert_eq!(sum("gb"), Ok("16".to_owned()));
    assert_eq!(sum("none"), Ok("0".to_owned()));
}

#[test]
fn tiers_that_are_missing_are_told() {
    let item = priced_item(PriceModel::Volume, "0", PriceTerms::default());
    assert_eq!(price(&item, Count::Agreed, None, "USD".parse().unwrap()), Err(AmountError::NoTiers));
    assert_eq!(check_item_countable(&item, "USD".parse().unwrap()), Ok(()), "they may come with the next file");
}
