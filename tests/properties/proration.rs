//! Prices and parts of periods against exact fractions.

use crate::fixtures::{any_contract, company, contract, facts, reference, version};
use finops::model::{Cadence, ContractItem};
use finops::rules::billing::{ContractFacts, build_invoice};
use finops::rules::periods::{BillingCalendar, ServicePeriod};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Half away from zero, without division of negative numbers: floor(|n| ÷ d + ½) with the sign of n.
pub fn rounded(numerator: i128, denominator: i128) -> i128 {
    numerator.signum() * ((2 * numerator.abs() + denominator) / (2 * denominator))
}

/// The nets of the lines of one period, in cents.
fn nets(facts: &ContractFacts, period: ServicePeriod) -> Vec<i64> {
    let invoice = build_invoice(&company(), &reference(chrono_tz::UTC), &[(facts, period)], &[]).unwrap().unwrap();
    invoice.lines.iter().map(|line| line.net.minor()).collect()
}

/// (units, decimals): a number of up to six decimals.
fn any_number() -> impl Strategy<Value = (i64, u32)> {
    (-10_000_000_i64..10_000_000, 0_u32..=6)
}

proptest! {
    #[test]
    fn a_line_is_the_exact_fraction_rounded_once(contract in any_contract(), quantity in any_number(), price in any_number()) {
        let mut facts = facts(contract);
        facts.items = vec![version(facts.contract.start, Decimal::new(quantity.0, quantity.1), Decimal::new(price.0, price.1))];
        let calendar = BillingCalendar::new(&facts.contract).unwrap();
        for period in calendar.periods().take(3) {
            let days = i128::from((period.service.end() - period.service.start()).num_days());
            let of_days = i128::from((period.full.end() - period.full.start()).num_days());
            let numerator = i128::from(quantity.0) * i128::from(price.0) * days * 100;
            let expected = rounded(numerator, of_days * 10_i128.pow(quantity.1 + price.1));
            prop_assert_eq!(nets(&facts, period).into_iter().map(i128::from).collect::<Vec<_>>(), [expected]);
        }
    }

    /// The price is the same in every part, so that only the rounding can differ: half a cent a line.
    #[test]
    fn the_parts_of_a_period_add_up_to_the_whole(contract in any_contract(), price in 0_i64..1_000_000, cuts in prop::collection::vec(0_u64..400, 0..5)) {
        let mut facts = facts(contract);
        let Some(period) = BillingCalendar::new(&facts.contract).unwrap().periods().next() else { return Ok(()) };
        let from = |date| version(date, Decimal::ONE, Decimal::new(price, 2));
        facts.items = vec![from(facts.contract.start)];
        let whole: i64 = nets(&facts, period).iter().sum();

        let mut dates: Vec<_> = cuts.into_iter().map(|cut| period.service.start() + chrono::Days::new(cut)).collect();
        dates.push(facts.contract.start);
        dates.sort();
        dates.dedup();
        facts.items = dates.into_iter().rev().map(from).collect::<Vec<ContractItem>>();
        let parts = nets(&facts, period);
        let lines = i64::try_from(parts.len()).unwrap();
        prop_assert!(2 * (parts.iter().sum::<i64>() - whole).abs() <= lines + 1, "{:?} against {}", parts, whole);
    }

    #[test]
    fn a_full_period_costs_the_price_exactly(cadence in prop::sample::select(Cadence::ALL), start in crate::fixtures::any_day(), price in any::<i32>()) {
        let mut facts = facts(contract(cadence, 1, start));
        facts.items = vec![version(start, Decimal::ONE, Decimal::new(i64::from(price), 2))];
        for period in BillingCalendar::new(&facts.contract).unwrap().periods().take(6) {
            prop_assert_eq!(nets(&facts, period), [i64::from(price)]);
        }
    }
}
