//! Lists of invoices: every filter, every order, page by page, against a list made by hand.

use crate::fixtures::{day, draft, invoice_id, read, seed, write};
use crate::support::each_engine;
use finops::model::{Invoice, InvoiceState, Money, Period};
use finops::store::billing::{self, BilledPeriod};
use finops::store::invoices::{self, Days, Filter, Sort};

const STATES: [InvoiceState; 5] =
    [InvoiceState::Draft, InvoiceState::Open, InvoiceState::Paid, InvoiceState::Void, InvoiceState::Uncollectible];

/// Sixty invoices that differ in all that a list goes by.
fn sample() -> Vec<Invoice> {
    let made = (0..60_u32).map(|n| {
        let company = ["a", "b", "b/c", "ü"][n as usize % 4];
        let state = STATES[n as usize % 5];
        let currency = if n % 7 == 0 { "JPY" } else { "EUR" }.parse().unwrap();
        let money = |minor| Money::from_minor(minor, currency);
        let start = day("2026-01-01") + chrono::Days::new(u64::from(n * 11 % 40));
        let issued = (state != InvoiceState::Draft).then(|| start + chrono::Days::new(u64::from(n % 3)));
        Invoice {
            invoice_id: invoice_id(100 - n),
            state,
            currency,
            seller_id: ["seller", "other"][n as usize % 2].parse().unwrap(),
            contract_id: (n % 3 > 0).then(|| format!("c{}", n % 3).parse().unwrap()),
            period: Period::new(start, start + chrono::Days::new(30)).unwrap(),
            number: issued.map(|_| format!("INV-{:03}", n * 37 % 60)),
            issued_on: issued,
            due_on: issued.map(|on| on + chrono::Days::new(u64::from(n * 5 % 30))),
            net: money(i64::from(n * 13 % 50) - 10),
            tax: money(0),
            total: money(i64::from(n * 13 % 50) - 10),
            ..draft(company, n).head
        }
    });
    made.collect()
}

/// What they bill: every fourth a period of its contract, or of two that it consolidates, after what else it takes up.
fn billed(all: &[Invoice]) -> Vec<BilledPeriod> {
    let fourth = all.iter().step_by(4).enumerate();
    let made = fourth.flat_map(|(n, invoice)| {
        let start = invoice.period.start() + chrono::Days::new(9);
        let contracts = invoice.contract_id.as_ref().map_or_else(|| vec!["c1", "c7"], |id| vec![id.as_str()]);
        contracts.into_iter().enumerate().map(move |(after, contract_id)| {
            let start = start + chrono::Days::new(3 * after as u64);
            BilledPeriod {
                company_id: invoice.company_id.clone(),
                contract_id: contract_id.parse().unwrap(),
                start,
                end: start + chrono::Days::new(30),
                revision: u32::try_from(n).unwrap(),
                invoice_id: invoice.invoice_id.clone(),
            }
        })
    });
    made.collect()
}

fn key(invoice: &Invoice, sort: Sort) -> (String, i64) {
    let text = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    match sort {
        Sort::Company => (String::new(), 0),
        Sort::Number => (invoice.number.clone().unwrap_or_default(), 0),
        Sort::Issued => (text(invoice.issued_on), 0),
        Sort::Due => (text(invoice.due_on), 0),
        Sort::Period => (invoice.period.start().to_string(), 0),
        Sort::Total => (invoice.currency.to_string(), invoice.total.minor()),
    }
}

fn within(day: Option<chrono::NaiveDate>, days: Days) -> bool {
    days == Days::default()
        || day.is_some_and(|day| days.from.is_none_or(|from| from <= day) && days.to.is_none_or(|to| day <= to))
}

fn wanted(invoice: &Invoice, billed: &[BilledPeriod], filter: &Filter, sort: Sort) -> bool {
    let is = |wanted: &str, text: &str| wanted.is_empty() || wanted == text;
    let mut bills: Vec<(&str, chrono::NaiveDate)> = billed
        .iter()
        .filter(|period| (&period.company_id, &period.invoice_id) == (&invoice.company_id, &invoice.invoice_id))
        .map(|period| (period.contract_id.as_str(), period.start))
        .collect();
    if bills.is_empty() {
        bills.push((invoice.contract_id.as_ref().map_or("-", |id| id.as_str()), invoice.period.start()));
    }
    let dated = matches!(sort, Sort::Number | Sort::Issued | Sort::Due);
    (filter.states.is_empty() || filter.states.contains(&invoice.state))
        && is(&filter.company_id, invoice.company_id.as_str())
        && is(&filter.seller_id, invoice.seller_id.as_str())
        && bills.iter().any(|(id, start)| is(&filter.contract_id, id) && within(Some(*start), filter.starts))
        && filter.currency.is_none_or(|currency| currency == invoice.currency)
        && within(invoice.issued_on, filter.issued)
        && within(invoice.due_on, filter.due)
        && filter.total_minor.0.is_none_or(|from| from <= invoice.total.minor())
        && filter.total_minor.1.is_none_or(|to| invoice.total.minor() <= to)
        && (!dated || invoice.number.is_some())
}

fn filters() -> Vec<Filter> {
    use InvoiceState::{Draft, Open, Paid, Void};
    let days = |from: &str, to: &str| Days { from: Some(day(from)), to: Some(day(to)) };
    let all = Filter::default;
    vec![
        all(),
        Filter { states: vec![Open], ..all() },
        Filter { states: vec![Draft], ..all() },
        Filter { states: vec![Paid, Void], ..all() },
        Filter { company_id: "b".to_owned(), ..all() },
        Filter { company_id: "ü".to_owned(), states: vec![Open], ..all() },
        Filter { company_id: "nobody".to_owned(), ..all() },
        Filter { seller_id: "other".to_owned(), contract_id: "c1".to_owned(), ..all() },
        Filter { contract_id: "c7".to_owned(), ..all() },
        Filter { contract_id: "c1".to_owned(), starts: days("2026-01-10", "2026-01-20"), ..all() },
        Filter { currency: Some("JPY".parse().unwrap()), total_minor: (Some(0), Some(20)), ..all() },
        Filter { total_minor: (None, Some(-1)), ..all() },
        Filter { starts: days("2026-01-10", "2026-01-20"), ..all() },
        Filter { issued: days("2026-01-10", "2026-01-20"), ..all() },
        Filter { due: Days { from: None, to: Some(day("2026-01-31")) }, states: vec![Open], ..all() },
        Filter { due: Days { from: Some(day("2026-01-20")), to: None }, issued: days("2026-01-01", "2026-02-01"), ..all() },
    ]
}

#[test]
fn every_list_is_whole_and_in_order() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b", "b/c", "ü"]);
        let all = sample();
        let whole: Vec<_> =
            all.iter().map(|head| finops::model::FullInvoice { head: head.clone(), lines: vec![], taxes: vec![] }).collect();
        write(&mut db, |tx| invoices::insert(tx, whole.iter()));
        let billed = billed(&all);
        assert!(write(&mut db, |tx| billing::claim(tx, &billed.iter().collect::<Vec<_>>())));
        let mut seen = 0;
        for filter in filters() {
            for sort in [Sort::Company, Sort::Number, Sort::Issued, Sort::Due, Sort::Period, Sort::Total] {
                for descending in [false, true] {
                    let mut expected: Vec<&Invoice> = all.iter().filter(|i| wanted(i, &billed, &filter, sort)).collect();
                    expected.sort_by_key(|i| (key(i, sort), i.company_id.to_string(), i.invoice_id.to_string()));
                    if descending {
                        expected.reverse();
                    }
                    let mut found: Vec<Invoice> = Vec::new();
                    loop {
                        let page = read(&mut db, |tx| invoices::list(tx, &filter, sort, descending, found.last(), 7));
                        if page.is_empty() {
                            break;
                        }
                        found.extend(page);
                    }
                    assert!(found.iter().eq(expected.iter().copied()), "{filter:?} {sort:?} {descending}");
                    seen += found.len();
                }
            }
        }
        assert!(seen > 1000, "the filters leave something: {seen}");
    });
}
