use super::*;
use crate::model::calendar::parse_date;
use crate::model::{Invoice, InvoiceKind, InvoiceState, LineKind, Period, TaxCategory, TaxRate};
use crate::rules::totals::add_up;
use rust_decimal::Decimal;

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, "EUR".parse().unwrap())
}

/// An invoice of lines as (amount as priced in cents, percent).
fn invoice(lines: &[(i64, &str)], tax_inclusive: bool) -> FullInvoice {
    let period = Period::new(parse_date("2026-10-01").unwrap(), parse_date("2026-11-01").unwrap()).unwrap();
    let rates: Vec<TaxRate> = lines.iter().map(|(_, percent)| rate(percent)).collect();
    let mut lines: Vec<InvoiceLine> = lines.iter().zip(&rates).map(|((minor, _), rate)| line(*minor, rate, period)).collect();
    let totals = add_up(&mut lines, &rates.iter().collect::<Vec<_>>(), "EUR".parse().unwrap(), tax_inclusive).unwrap();
    let head = Invoice {
        company_id: "acme".parse().unwrap(),
        invoice_id: "0199a000-0000-7000-8000-000000000001".parse().unwrap(),
        kind: InvoiceKind::Invoice,
        state: InvoiceState::Open,
        seller_id: "de".parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        contract_id: None,
        period,
        revision: 0,
        number: Some("1".to_owned()),
        issued_on: None,
        due_on: None,
        payment_terms_days: 14,
        tax_inclusive,
        reference: String::new(),
        net: totals.net,
        tax: totals.tax,
        total: totals.total,
        stale: false,
        edited: false,
    };
    FullInvoice { head, lines, taxes: totals.taxes }
}

fn rate(percent: &str) -> TaxRate {
    TaxRate {
        seller_id: "de".parse().unwrap(),
        tax_code: "x".parse().unwrap(),
        valid_from: parse_date("2020-01-01").unwrap(),
        category: TaxCategory::Standard,
        rate: percent.parse().unwrap(),
        name: "VAT".to_owned(),
        note: String::new(),
    }
}

fn line(minor: i64, rate: &TaxRate, period: Period) -> InvoiceLine {
    InvoiceLine {
        kind: LineKind::Item,
        contract_id: None,
        item_id: None,
        source_key: None,
        description: "Work".to_owned(),
        quantity: Decimal::TWO,
        unit: "h".to_owned(),
        unit_price: Decimal::ONE,
        period,
        proration: None,
        details: Vec::new(),
        tax_code: rate.tax_code.clone(),
        tax_category: rate.category,
        tax_rate: rate.rate,
        net: euro(0),
        amount: euro(minor),
        corrects_line: None,
    }
}

/// As a credit note of the invoice.
fn note(of: &FullInvoice, credited: &Credited) -> FullInvoice {
    let Credited { lines, taxes, net, tax, total } = credited.clone();
    FullInvoice { head: Invoice { net, tax, total, ..of.head.clone() }, lines, taxes }
}

fn wanted(lines: &[u32], amount: Option<i64>) -> Wanted {
    Wanted { lines: lines.to_vec(), amount: amount.map(euro) }
}

/// (line, amount, net) of each line, (net, tax) of each group, and the total, in cents.
type Figures = (Vec<(u32, i64, i64)>, Vec<(i64, i64)>, i64);

fn figures(credited: &Credited) -> Figures {
    let lines = credited.lines.iter().map(|l| (l.corrects_line.unwrap(), l.amount.minor(), l.net.minor()));
    let taxes = credited.taxes.iter().map(|t| (t.net.minor(), t.tax.minor()));
    (lines.collect(), taxes.collect(), credited.total.minor())
}

#[test]
fn the_whole_is_what_was_billed() {
    let of = invoice(&[(10_000, "19"), (2_500, "7"), (333, "19")], false);
    let credited = split(&of, &[], &Wanted::default()).unwrap();
    let lines: Vec<InvoiceLine> =
        (1..).zip(&of.lines).map(|(n, line)| InvoiceLine { corrects_line: Some(n), ..line.clone() }).collect();
    assert_eq!((&credited.lines, &credited.taxes, credited.total), (&lines, &of.taxes, of.head.total));
    let notes = [note(&of, &credited)];
    assert_eq!(left(&of, &notes), euro(0));
    assert_eq!(split(&of, &notes, &Wanted::default()), Err(Uncreditable::NothingLeft));
}

#[test]
fn a_line_takes_its_share_of_the_tax_and_the_last_one_the_rest() {
    // 3 × 0.03 at 19 %: 0.02 of tax in all, of which a line has 0.0057.
    let of = invoice(&[(3, "19"), (3, "19"), (3, "19")], false);
    assert_eq!(of.head.tax, euro(2));
    let mut notes = Vec::new();
    for (line, expected) in [(1, (3, 1)), (2, (3, 1)), (3, (3, 0))] {
        let credited = split(&of, &notes, &wanted(&[line], None)).unwrap();
        assert_eq!(figures(&credited), (vec![(line, 3, 3)], vec![expected], expected.0 + expected.1));
        notes.push(note(&of, &credited));
    }
    assert_eq!(left(&of, &notes), euro(0));
}

/// Lago, lago-api, spec/services/credit_notes: 20 % of 68.33 are 13.67 on each note, and the last takes the rest.
#[test]
fn each_note_has_the_tax_of_its_own_net() {
    let of = invoice(&[(6_833, "20"), (6_833, "20"), (6_833, "20"), (6_833, "20")], false);
    assert_eq!(of.head.tax, euro(5_466));
    let mut notes = Vec::new();
    for (line, tax) in [(1, 1_367), (2, 1_367), (3, 1_367), (4, 1_365)] {
        let credited = split(&of, &notes, &wanted(&[line], None)).unwrap();
        assert_eq!(figures(&credited).1, [(6_833, tax)]);
        notes.push(note(&of, &credited));
    }
    assert_eq!(left(&of, &notes), euro(0));
}

#[test]
fn an_amount_is_split_over_the_groups_by_largest_remainder() {
    // 119.00 at 19 % and 107.00 at 7 %: of 100.00, 52.654… and 47.345….
    let of = invoice(&[(10_000, "19"), (10_000, "7")], false);
    let credited = split(&of, &[], &wanted(&[], Some(10_000))).unwrap();
    assert_eq!(figures(&credited), (vec![(1, 4_424, 4_424), (2, 4_425, 4_425)], vec![(4_425, 310), (4_424, 841)], 10_000));
    let part = &credited.lines[0];
    assert_eq!((part.quantity, part.unit.as_str(), part.unit_price.to_string().as_str()), (Decimal::ONE, "", "44.24"));
    // The rest closes both groups.
    let notes = [note(&of, &credited)];
    let rest = split(&of, &notes, &Wanted::default()).unwrap();
    assert_eq!(figures(&rest).1, [(5_575, 390), (5_576, 1_059)]);
}

#[test]
fn prices_with_tax_are_credited_as_they_were_printed() {
    let of = invoice(&[(1_190, "19"), (1_000, "19"), (999, "7")], true);
    let credited = split(&of, &[], &wanted(&[1], None)).unwrap();
    assert_eq!(figures(&credited), (vec![(1, 1_190, 1_000)], vec![(1_000, 190)], 1_190));
    let more = split(&of, &[note(&of, &credited)], &wanted(&[2, 3], Some(1_001))).unwrap();
    assert_eq!(more.total, euro(1_001));
    assert_eq!(more.lines.iter().map(|line| line.amount.minor()).sum::<i64>(), 1_001);
}

#[test]
fn what_was_given_back_on_the_invoice_is_not_given_back_again() {
    // 100.00 less a discount of 20.00: the first line alone is more than all.
    let of = invoice(&[(10_000, "19"), (-2_000, "19"), (500, "7")], false);
    let refused = split(&of, &[], &wanted(&[1], None));
    let expected = Uncreditable::MoreThanItsGroup { asked: euro(10_000), left: euro(8_000), rate: "19".to_owned() };
    assert_eq!(refused, Err(expected));
    assert_eq!(split(&of, &[], &wanted(&[1, 2], None)).unwrap().total, euro(9_520));
    assert_eq!(split(&of, &[], &Wanted::default()).unwrap().total, of.head.total);
    // Lines that cancel are taken back together, and with no part of it.
    let of = invoice(&[(500, "19"), (-500, "19"), (100, "7")], false);
    assert_eq!(split(&of, &[], &Wanted::default()).unwrap().lines.len(), 3);
    assert_eq!(figures(&split(&of, &[], &wanted(&[], Some(50))).unwrap()).0, [(3, 47, 47)]);
}

#[test]
fn what_cannot_be_credited() {
    let of = invoice(&[(10_000, "19")], false);
    for (wanted, why) in [
        (wanted(&[2], None), "it has the lines 1 to 1, and no line 2"),
        (wanted(&[0], None), "it has the lines 1 to 1, and no line 0"),
        (wanted(&[], Some(11_901)), "119.00 is left to be credited, and 119.01 is more"),
        (wanted(&[], Some(0)), "a credit is above 0, not 0.00"),
        (wanted(&[], Some(-1)), "a credit is above 0, not -0.01"),
    ] {
        assert_eq!(split(&of, &[], &wanted).unwrap_err().to_string(), why);
    }
    for asks_for_nothing in [invoice(&[(-100, "19")], false), invoice(&[(0, "19")], false), invoice(&[], false)] {
        assert_eq!(split(&asks_for_nothing, &[], &Wanted::default()), Err(Uncreditable::NothingLeft));
    }
}
