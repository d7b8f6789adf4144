//! Price models against the plainest way to count: unit by unit, in exact fractions. And the sums of
//! EN 16931 (BR-CO-10, 13, 14, 15, 17, BR-S-08) on invoices of many models, discounts and tax rates.

use crate::fixtures::{RATES, company, contract, day, facts, reference, version};
use crate::proration::rounded;
use chrono::{Days, NaiveDate};
use finops::model::{Cadence, ContractItem, Discount, LineKind, Off, PriceModel, PriceTerms, Tier, Tiers, Timing, UsageDay};
use finops::rules::billing::{ContractFacts, PlannedInvoice, build_invoice, calendar};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Limits, and (price, fee) of each tier in 1/10,000; the last is without limit.
#[derive(Debug, Clone)]
struct Table {
    limits: Vec<i64>,
    prices: Vec<(i64, i64)>,
}

fn any_table() -> impl Strategy<Value = Table> {
    let fee = prop_oneof![3 => Just(0_i64), 1 => 0_i64..1_000_000];
    let prices = prop::collection::vec((0_i64..50_000, fee), 14);
    (prop::collection::btree_set(1_i64..400, 0..13), prices).prop_map(|(limits, mut prices)| {
        prices.truncate(limits.len() + 1);
        Table { limits: limits.into_iter().collect(), prices }
    })
}

impl Table {
    fn tiers(&self) -> Tiers {
        let limits = self.limits.iter().map(|limit| Some(Decimal::from(*limit))).chain([None]);
        let tier = |(up_to, (price, fee)): (_, &(i64, i64))| Tier {
            up_to,
            unit_price: Decimal::new(*price, 4),
            flat_fee: Decimal::new(*fee, 4),
        };
        Tiers::new(limits.zip(&self.prices).map(tier).collect()).unwrap()
    }

    /// The tier of the n-th unit.
    fn of_unit(&self, unit: i64) -> (i64, i64) {
        let place = self.limits.iter().position(|limit| unit <= *limit).unwrap_or(self.limits.len());
        self.prices[place]
    }

    /// What a quantity comes to in 1/10,000, counted unit by unit.
    fn graduated(&self, quantity: i64) -> i128 {
        let units: i64 = (1..=quantity).map(|unit| self.of_unit(unit).0).sum();
        let reached = 1 + self.limits.iter().filter(|limit| **limit < quantity).count();
        let fees: i64 = self.prices.iter().take(reached).map(|price| price.1).sum();
        i128::from(units + fees)
    }

    fn volume(&self, quantity: i64) -> i128 {
        let (price, fee) = self.of_unit(quantity);
        i128::from(quantity * price + fee)
    }
}

fn item(id: &str, price_model: PriceModel, quantity: i64, unit_price: Decimal, terms: PriceTerms) -> ContractItem {
    ContractItem {
        item_id: id.parse().unwrap(),
        price_model,
        terms,
        ..version(day(2026, 1, 1), Decimal::from(quantity), unit_price)
    }
}

/// The first invoice of a contract from January 2026, which ends on a day of it.
fn january(items: Vec<ContractItem>, days: u64) -> PlannedInvoice {
    let mut facts = facts(contract(Cadence::Monthly, 1, day(2026, 1, 1)));
    facts.contract.end = Some(day(2026, 1, 1) + Days::new(days));
    facts.items = items;
    bill(&facts, day(2026, 1, 1))
}

fn bill(facts: &ContractFacts, start: NaiveDate) -> PlannedInvoice {
    let period = calendar(facts).unwrap().beginning_on(start).unwrap();
    build_invoice(&company(), &reference(chrono_tz::UTC), &[(facts, period)], &[]).unwrap().unwrap()
}

fn total(invoice: &PlannedInvoice) -> i128 {
    i128::from(invoice.net.minor())
}

fn any_currency() -> impl Strategy<Value = (&'static str, u32)> {
    prop::sample::select(vec![("EUR", 2), ("JPY", 0), ("KWD", 3)])
}

/// An item of any model but those that look at others.
fn any_item(id: usize) -> impl Strategy<Value = ContractItem> {
    let model = prop::sample::select(vec![
        PriceModel::Flat,
        PriceModel::PerUnit,
        PriceModel::Graduated,
        PriceModel::Volume,
        PriceModel::Package,
        PriceModel::OneTime,
    ]);
    let terms = (any_table(), 1_i64..50, 0_i64..20, prop::option::of(0_i64..100_000), any::<bool>());
    let code = prop::sample::select(&RATES[..]);
    let from = (0_u64..40, prop::option::of(1_u64..60));
    (model, 0_i64..300, -2_000_000_i64..20_000_000, terms, code, from).prop_map(
        move |(model, quantity, price, (table, size, included, minimum, metered), code, (from, end))| {
            let from = day(2026, 1, 1) + Days::new(from.saturating_sub(10));
            let terms = PriceTerms {
                package_size: Some(size.into()),
                included: included.into(),
                meter: metered.then(|| "api".parse().unwrap()),
                minimum: minimum.map(|minimum| Decimal::new(minimum, 2)),
                tiers: Some(table.tiers()),
            };
            let code = Some(code.0.parse().unwrap());
            let end = end.map(|days| from + Days::new(days));
            let item = item(&format!("i{id}"), model, quantity, Decimal::new(price, 4), terms.of_model(model));
            ContractItem { valid_from: from, end, tax_code: code, ..item }
        },
    )
}

fn any_discount(id: usize) -> impl Strategy<Value = Discount> {
    let off = prop_oneof![
        (1_i64..=10_000).prop_map(|percent| Off::Percent(Decimal::new(percent, 2))),
        (1_i64..10_000_000).prop_map(|amount| Off::Amount(Decimal::new(amount, 3))),
    ];
    (off, prop::option::of(0_usize..5), prop::option::of(1_u16..4)).prop_map(move |(off, item, periods)| Discount {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        discount_id: format!("d{id}").parse().unwrap(),
        item_id: item.map(|item| format!("i{item}").parse().unwrap()),
        valid_from: day(2026, 1, 1),
        periods,
        off,
        description: String::new(),
    })
}

/// A contract of many models, in a currency, with usage and discounts.
fn any_business() -> impl Strategy<Value = ContractFacts> {
    let items = (any_item(0), any_item(1), any_item(2), any_item(3), any_item(4), 1_usize..=5);
    let discounts = (any_discount(0), any_discount(1), any_discount(2), 0_usize..=3);
    let usage = prop::collection::vec((0_u64..60, 0_i64..5_000), 0..8);
    let floor = prop::option::of(0_i64..1_000_000);
    (items, discounts, usage, floor, any_currency(), any::<bool>(), any::<bool>()).prop_map(
        |((a, b, c, d, e, count), (x, y, z, off), mut usage, floor, currency, inclusive, advance)| {
            let mut facts = facts(contract(Cadence::Monthly, 1, day(2026, 1, 1)));
            facts.contract.currency = currency.0.parse().unwrap();
            facts.contract.tax_inclusive = inclusive;
            facts.contract.timing = if advance { Timing::Advance } else { Timing::Arrears };
            facts.items = vec![a, b, c, d, e];
            facts.items.truncate(count);
            facts.items.push(item("base", PriceModel::Flat, 1, Decimal::new(4_999, 2), PriceTerms::default()));
            let floor = floor.map(|floor| item("floor", PriceModel::Minimum, 1, Decimal::new(floor, 2), PriceTerms::default()));
            facts.items.extend(floor);
            facts.discounts = vec![x, y, z];
            facts.discounts.truncate(off);
            usage.sort_unstable();
            let day_of = |(at, quantity): (u64, i64)| UsageDay {
                meter: "api".parse().unwrap(),
                on: day(2026, 1, 1) + Days::new(at),
                quantity: Decimal::new(quantity, 1),
            };
            facts.usage = usage.into_iter().map(day_of).collect();
            facts
        },
    )
}

proptest! {
    #[test]
    fn tiers_are_what_they_are_unit_by_unit(table in any_table(), quantity in 0_i64..500, days in 1_u64..=31) {
        for (model, exact) in [(PriceModel::Graduated, table.graduated(quantity)), (PriceModel::Volume, table.volume(quantity))] {
            let terms = PriceTerms { tiers: Some(table.tiers()), ..PriceTerms::default() };
            let invoice = january(vec![item("i", model, quantity, Decimal::ZERO, terms)], days);
            // Cents from ten-thousandths: × days ÷ (31 × 100), rounded once for all lines together.
            prop_assert_eq!(total(&invoice), rounded(exact * i128::from(days), 31 * 100), "{} {:?} {}", model, table, quantity);
            prop_assert!(invoice.lines.len() <= 22, "a long table makes no long invoice");
            for line in &invoice.lines {
                let (q, p) = (line.quantity.normalize(), line.unit_price.normalize());
                let exact = q.mantissa() * p.mantissa() * i128::from(days) * 100;
                let divisor = 31 * 10_i128.pow(q.scale() + p.scale());
                prop_assert!((i128::from(line.amount.minor()) * divisor - exact).abs() < divisor, "{:?}", line);
            }
        }
    }

    #[test]
    fn packages_are_those_that_are_begun(quantity in 0_i64..5_000, size in 1_i64..700, included in 0_i64..600, price in 0_i64..100_000) {
        let terms = PriceTerms { package_size: Some(size.into()), included: included.into(), ..PriceTerms::default() };
        let invoice = january(vec![item("i", PriceModel::Package, quantity, Decimal::new(price, 2), terms)], 31);
        let blocks = (1..=(quantity - included).max(0)).filter(|unit| (unit - 1) % size == 0).count();
        prop_assert_eq!(total(&invoice), i128::from(price) * i128::try_from(blocks).unwrap());
    }

    #[test]
    fn the_printed_figures_add_up(facts in any_business()) {
        for start in [day(2026, 1, 1), day(2026, 2, 1), day(2026, 3, 1)] {
            let invoice = bill(&facts, start);
            let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.map(i128::from).sum::<i128>();
            let lines = sum(&mut invoice.lines.iter().map(|line| line.net.minor()));
            prop_assert_eq!(lines, total(&invoice), "BR-CO-10, BR-CO-13");
            let mut groups: BTreeMap<_, (i128, i128)> = BTreeMap::new();
            for line in &invoice.lines {
                let group = groups.entry((line.tax_category, line.tax_rate)).or_default();
                group.0 += i128::from(line.net.minor());
                group.1 += i128::from(line.amount.minor());
            }
            prop_assert_eq!(groups.len(), invoice.taxes.len(), "BR-CO-18: each (category, rate) once");
            for tax in &invoice.taxes {
                let (net, amount) = groups[&(tax.category, tax.rate)];
                prop_assert_eq!(net, i128::from(tax.net.minor()), "BR-S-08");
                let mut rate = tax.rate;
                rate.rescale(3);
                let percent = rate.mantissa();
                if facts.contract.tax_inclusive {
                    prop_assert_eq!(net, rounded(amount * 100_000, 100_000 + percent));
                    prop_assert_eq!(amount - net, i128::from(tax.tax.minor()), "what was priced is what is paid");
                } else {
                    prop_assert_eq!(rounded(net * percent, 100_000), i128::from(tax.tax.minor()), "BR-CO-17");
                }
            }
            prop_assert_eq!(sum(&mut invoice.taxes.iter().map(|tax| tax.tax.minor())), i128::from(invoice.tax.minor()), "BR-CO-14");
            prop_assert_eq!(invoice.net.minor() + invoice.tax.minor(), invoice.total.minor(), "BR-CO-15");
        }
    }

    /// Quantity × unit price × days ÷ days is the amount on every line but those of tiers, which are
    /// rounded together, and then on average.
    #[test]
    fn every_line_multiplies(facts in any_business()) {
        let exponent = facts.contract.currency.exponent();
        for line in &bill(&facts, day(2026, 2, 1)).lines {
            let (q, p) = (line.quantity.normalize(), line.unit_price.normalize());
            let (days, of_days) = line.proration.map_or((1, 1), |part| (i128::from(part.days), i128::from(part.of_days)));
            let numerator = q.mantissa() * p.mantissa() * days * 10_i128.pow(exponent);
            let denominator = of_days * 10_i128.pow(q.scale() + p.scale());
            let amount = i128::from(line.amount.minor());
            let tiered = facts.items.iter().any(|item| Some(&item.item_id) == line.item_id.as_ref() && item.price_model.has_tiers());
            if tiered && line.kind != LineKind::Discount {
                prop_assert!((amount * denominator - numerator).abs() < denominator, "{:?}", line);
            } else {
                prop_assert_eq!(amount, rounded(numerator, denominator), "{:?}", line);
            }
        }
    }

    /// A discount never turns a charge into a credit, and takes its percentage of the whole, rounded once.
    #[test]
    fn discounts_take_what_they_say(mut facts in any_business(), percent in 1_i64..=10_000, cents in 1_i64..100_000_000) {
        facts.items.retain(|item| item.unit_price >= Decimal::ZERO);
        facts.discounts.clear();
        facts.contract.currency = "EUR".parse().unwrap();
        let start = day(2026, 2, 1);
        let amount = |facts: &ContractFacts| bill(facts, start).lines.iter().map(|line| i128::from(line.amount.minor())).sum::<i128>();
        let before = amount(&facts);
        let off = |off| Discount { off, ..any_whole() };
        facts.discounts = vec![off(Off::Percent(Decimal::new(percent, 2)))];
        prop_assert_eq!(before - amount(&facts), rounded(before * i128::from(percent), 10_000));
        facts.discounts = vec![off(Off::Amount(Decimal::new(cents, 2)))];
        prop_assert_eq!(amount(&facts), (before - i128::from(cents)).max(0));
    }
}

/// On all that the contract bills, for ever.
fn any_whole() -> Discount {
    Discount {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        discount_id: "all".parse().unwrap(),
        item_id: None,
        valid_from: day(2026, 1, 1),
        periods: None,
        off: Off::Percent(Decimal::ONE),
        description: String::new(),
    }
}
