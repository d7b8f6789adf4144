//! The sums of an invoice against exact fractions: EN 16931 BR-CO-10, 13, 14, 15, 17 and BR-S-08.

use crate::fixtures::{RATES, company, item, reference};
use crate::proration::rounded;
use finops::model::{BillableItem, TaxCategory};
use finops::rules::billing::{PlannedInvoice, build_invoice};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// (rate's place in `RATES`, amount in minor units). Small amounts and cancelling ones are frequent.
fn any_lines() -> impl Strategy<Value = Vec<(usize, i64)>> {
    let amount = prop_oneof![-20_i64..=20, -1_000_000_000_i64..=1_000_000_000, Just(0), Just(100), Just(-100)];
    prop::collection::vec((0..RATES.len(), amount), 1..30)
}

fn invoice(lines: &[(usize, i64)], currency: (&str, u32), inclusive: bool) -> PlannedInvoice {
    let one = |(key, (rate, minor)): (usize, &(usize, i64))| {
        item(key, currency.0, RATES[*rate].0, Decimal::new(*minor, currency.1), inclusive)
    };
    let items: Vec<BillableItem> = lines.iter().enumerate().map(one).collect();
    build_invoice(&company(), &reference(chrono_tz::UTC), &[], &items.iter().collect::<Vec<_>>()).unwrap().unwrap()
}

/// A rate in thousandths of a percent, so that it is an integer.
fn thousandths(percent: &str) -> i128 {
    let mut percent: Decimal = percent.parse().unwrap();
    percent.rescale(3);
    percent.mantissa()
}

/// Amounts as priced, by (category, rate in thousandths).
fn groups(lines: &[(usize, i64)]) -> BTreeMap<(TaxCategory, i128), Vec<i128>> {
    let mut groups: BTreeMap<_, Vec<i128>> = BTreeMap::new();
    for (rate, minor) in lines {
        let (_, category, percent) = RATES[*rate];
        groups.entry((category, thousandths(percent))).or_default().push(i128::from(*minor));
    }
    groups
}

fn any_currency() -> impl Strategy<Value = (&'static str, u32)> {
    prop::sample::select(vec![("EUR", 2), ("JPY", 0), ("KWD", 3)])
}

proptest! {
    #[test]
    fn sums_follow_the_order_of_rounding(lines in any_lines(), currency in any_currency(), inclusive in any::<bool>()) {
        let invoice = invoice(&lines, currency, inclusive);
        let expected = groups(&lines).into_iter().map(|((category, rate), amounts)| {
            let sum: i128 = amounts.iter().sum();
            let (net, tax) = if inclusive {
                let net = rounded(sum * 100_000, 100_000 + rate);
                (net, sum - net)
            } else {
                (sum, rounded(sum * rate, 100_000))
            };
            (category, rate, net, tax)
        });
        let made = invoice.taxes.iter().map(|tax| {
            (tax.category, thousandths(&tax.rate.to_string()), i128::from(tax.net.minor()), i128::from(tax.tax.minor()))
        });
        prop_assert_eq!(made.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn printed_figures_add_up(lines in any_lines(), currency in any_currency(), inclusive in any::<bool>()) {
        let invoice = invoice(&lines, currency, inclusive);
        let total = |amounts: Vec<i64>| amounts.into_iter().sum::<i64>();
        let net = total(invoice.lines.iter().map(|line| line.net.minor()).collect());
        prop_assert_eq!(net, invoice.net.minor(), "BR-CO-10, BR-CO-13");
        for group in &invoice.taxes {
            let of_group = invoice.lines.iter().filter(|line| (line.tax_category, line.tax_rate) == (group.category, group.rate));
            prop_assert_eq!(total(of_group.map(|line| line.net.minor()).collect()), group.net.minor(), "BR-S-08");
        }
        prop_assert_eq!(total(invoice.taxes.iter().map(|tax| tax.net.minor()).collect()), invoice.net.minor());
        prop_assert_eq!(total(invoice.taxes.iter().map(|tax| tax.tax.minor()).collect()), invoice.tax.minor(), "BR-CO-14");
        prop_assert_eq!(invoice.net.minor() + invoice.tax.minor(), invoice.total.minor(), "BR-CO-15");
        if inclusive {
            let gross = total(lines.iter().map(|(_, minor)| *minor).collect());
            prop_assert_eq!(invoice.total.minor(), gross, "what was priced is what is paid");
        }
    }

    /// No line is more than one unit from its exact net, and lines of equal price differ by at most one.
    #[test]
    fn inclusive_nets_are_given_out_fairly(lines in any_lines(), currency in any_currency()) {
        for line in &invoice(&lines, currency, true).lines {
            let divisor = 100_000 + thousandths(&line.tax_rate.to_string());
            let exact = i128::from(line.amount.minor()) * 100_000;
            prop_assert!((i128::from(line.net.minor()) * divisor - exact).abs() < divisor, "{:?}", line);
        }
    }
}
