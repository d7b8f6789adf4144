//! Any credit notes of any invoice: together they never take back more than was billed, in any tax group,
//! and the last one takes what is left, to the minor unit.

use crate::fixtures::{RATES, company, day, item, reference};
use finops::model::{BillableItem, FullInvoice, Invoice, InvoiceKind, InvoiceState, InvoiceTax, Money, Period};
use finops::rules::billing::build_invoice;
use finops::rules::credit::{Credited, Uncreditable, Wanted, left, split};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// (rate's place in `RATES`, amount in minor units): mostly above zero, with lines that give back.
fn any_lines() -> impl Strategy<Value = Vec<(usize, i64)>> {
    let amount = prop_oneof![4 => 1_i64..=50, 4 => 1_i64..=1_000_000, 1 => -500_i64..=0, 1 => Just(0)];
    prop::collection::vec((0..RATES.len(), amount), 1..8)
}

/// Lines that are named (as bits), and a share of what is left of them, in thousandths; 1000 or more: all.
fn any_requests() -> impl Strategy<Value = Vec<(u8, u32)>> {
    prop::collection::vec((any::<u8>(), prop_oneof![1_u32..1_000, Just(1_000)]), 0..6)
}

fn invoice(lines: &[(usize, i64)], currency: (&str, u32), inclusive: bool) -> FullInvoice {
    let one = |(key, (rate, minor)): (usize, &(usize, i64))| {
        item(key, currency.0, RATES[*rate].0, Decimal::new(*minor, currency.1), inclusive)
    };
    let items: Vec<BillableItem> = lines.iter().enumerate().map(one).collect();
    let made = build_invoice(&company(), &reference(chrono_tz::UTC), &[], &items.iter().collect::<Vec<_>>()).unwrap().unwrap();
    let head = Invoice {
        company_id: made.company_id,
        invoice_id: "0199a000-0000-7000-8000-000000000001".parse().unwrap(),
        kind: InvoiceKind::Invoice,
        state: InvoiceState::Open,
        seller_id: made.seller_id,
        currency: made.currency,
        contract_id: None,
        period: Period::new(day(2026, 10, 1), day(2026, 10, 2)).unwrap(),
        revision: 0,
        number: None,
        issued_on: None,
        due_on: None,
        payment_terms_days: 0,
        tax_inclusive: inclusive,
        reference: String::new(),
        net: made.net,
        tax: made.tax,
        total: made.total,
        stale: false,
        edited: false,
    };
    FullInvoice { head, lines: made.lines, taxes: made.taxes }
}

fn note(of: &FullInvoice, credited: &Credited) -> FullInvoice {
    let Credited { lines, taxes, net, tax, total } = credited.clone();
    FullInvoice { head: Invoice { net, tax, total, ..of.head.clone() }, lines, taxes }
}

fn sum(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.map(Money::minor).sum()
}

/// A credit note adds up as an invoice does (EN 16931 BR-CO-10, 13 to 15, BR-S-08).
fn adds_up(credited: &Credited, inclusive: bool) -> Result<(), TestCaseError> {
    prop_assert!(credited.total.minor() > 0);
    prop_assert_eq!(sum(credited.lines.iter().map(|l| l.net)), credited.net.minor());
    prop_assert_eq!(sum(credited.taxes.iter().map(|t| t.net)), credited.net.minor());
    prop_assert_eq!(sum(credited.taxes.iter().map(|t| t.tax)), credited.tax.minor());
    prop_assert_eq!(credited.net.minor() + credited.tax.minor(), credited.total.minor());
    for group in &credited.taxes {
        let of = || credited.lines.iter().filter(|l| (l.tax_category, l.tax_rate) == (group.category, group.rate));
        prop_assert!(of().count() > 0, "a group without a line");
        prop_assert_eq!(sum(of().map(|l| l.net)), group.net.minor());
        let priced = if inclusive { group.net.minor() + group.tax.minor() } else { group.net.minor() };
        prop_assert_eq!(sum(of().map(|l| l.amount)), priced);
    }
    Ok(())
}

/// Between nothing and what was billed, whichever its sign.
fn within(part: i64, whole: i64) -> bool {
    (whole.min(0)..=whole.max(0)).contains(&part)
}

fn never_beyond(of: &FullInvoice, notes: &[FullInvoice]) -> Result<(), TestCaseError> {
    for group in &of.taxes {
        let credited = |amount: fn(&InvoiceTax) -> Money| {
            let taxes = notes.iter().flat_map(|n| &n.taxes);
            sum(taxes.filter(|t| (t.category, t.rate) == (group.category, group.rate)).map(amount))
        };
        let (net, tax) = (credited(|t| t.net), credited(|t| t.tax));
        prop_assert!(within(net, group.net.minor()), "net {net} of {group:?}");
        prop_assert!(within(tax, group.tax.minor()), "tax {tax} of {group:?}");
        prop_assert!(within(net + tax, group.net.minor() + group.tax.minor()), "gross {} of {group:?}", net + tax);
    }
    Ok(())
}

proptest! {
    #[test]
    fn credit_notes_never_exceed_their_invoice_and_close_it(
        lines in any_lines(),
        currency in prop::sample::select(vec![("EUR", 2), ("JPY", 0), ("KWD", 3)]),
        inclusive in any::<bool>(),
        requests in any_requests(),
    ) {
        let of = invoice(&lines, currency, inclusive);
        let mut notes: Vec<FullInvoice> = Vec::new();
        for (named, share) in requests {
            let mut wanted = Wanted::default();
            // Every fourth names no line, which is all of them.
            if named % 4 != 0 {
                wanted.lines = (1..).zip(&lines).map(|(n, _)| n).filter(|n| named >> (n % 8) & 1 == 1).collect();
            }
            let all = match split(&of, &notes, &wanted) {
                Ok(all) => all,
                Err(Uncreditable::NothingLeft | Uncreditable::MoreThanItsGroup { .. }) => continue,
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            };
            let amount = (all.total.minor() * i64::from(share) / 1_000).max(1);
            wanted.amount = (share < 1_000).then(|| Money::from_minor(amount, of.head.currency));
            let credited = split(&of, &notes, &wanted).unwrap();
            adds_up(&credited, inclusive)?;
            if let Some(amount) = wanted.amount {
                prop_assert_eq!(credited.total, amount);
            }
            notes.push(note(&of, &credited));
            never_beyond(&of, &notes)?;
            let more = Money::from_minor(left(&of, &notes).minor() + 1, of.head.currency);
            let too_much = Wanted { lines: Vec::new(), amount: Some(more) };
            prop_assert!(split(&of, &notes, &too_much).is_err());
        }
        // What is left is taken back to the last unit, in each group.
        match split(&of, &notes, &Wanted::default()) {
            Ok(rest) => {
                adds_up(&rest, inclusive)?;
                notes.push(note(&of, &rest));
            }
            Err(why) => {
                prop_assert_eq!(why, Uncreditable::NothingLeft);
                return Ok(());
            }
        }
        never_beyond(&of, &notes)?;
        prop_assert_eq!(left(&of, &notes).minor(), 0);
        for group in &of.taxes {
            let of_group = || notes.iter().flat_map(|n| &n.taxes).filter(|t| (t.category, t.rate) == (group.category, group.rate));
            prop_assert_eq!((sum(of_group().map(|t| t.net)), sum(of_group().map(|t| t.tax))), (group.net.minor(), group.tax.minor()));
        }
    }
}
