//! Versions of contract items: what holds from when, and what is issued never changes.

use crate::database::each_engine;
use crate::support::{Books, ITEMS, company, contract};
use finops::import::Kind::{BillableItems, ContractItems, Contracts};
use finops::model::InvoiceState;
use finops::store::contracts;

const HEAD: &str = "company_id,contract_id,item_id,valid_from,end,description,quantity,unit_price\n";

fn row(valid_from: &str, end: &str, price: &str) -> String {
    format!("{HEAD}acme,care,seats,{valid_from},{end},Seats,10,{price}\n")
}

/// (valid_from, end, unit price) of each version.
fn versions(books: &mut Books) -> Vec<(String, String, String)> {
    let items = books.read(|tx| contracts::items(tx, &company(), &contract()));
    let end = |end: Option<chrono::NaiveDate>| end.map_or(String::new(), |day| day.to_string());
    items.into_iter().map(|i| (i.valid_from.to_string(), end(i.end), i.unit_price.to_string())).collect()
}

fn expect(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|r| (r.0.to_owned(), r.1.to_owned(), r.2.to_owned())).collect()
}

#[test]
fn before_anything_is_issued_the_version_that_holds_is_replaced() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let draft = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Draft);
        assert_eq!(books.counts(ContractItems, &row("", "", "6.00")), (0, 1, 0));
        assert_eq!(versions(&mut books), expect(&[("2026-01-01", "", "6.00")]));
        assert!(books.was_marked(&draft));
        assert_eq!(books.counts(ContractItems, &row("", "", "6.0")), (0, 0, 1), "the same number, written otherwise");
        assert_eq!(books.counts(ContractItems, &row("2026-01-01", "2026-06-01", "7.00")), (0, 1, 0));
        assert_eq!(versions(&mut books), expect(&[("2026-01-01", "2026-06-01", "7.00")]));
    });
}

#[test]
fn after_an_issue_a_change_holds_from_the_first_open_period() {
    each_engine(|db| {
        let mut books = Books::new(db);
        books.invoice("2026-01-01", "2026-02-01", InvoiceState::Paid);
        books.invoice("2026-02-01", "2026-03-01", InvoiceState::Open);
        books.invoice("2026-03-01", "2026-04-01", InvoiceState::Draft);
        let (_, revision) = books.schedule();
        assert_eq!(books.counts(ContractItems, ITEMS), (0, 0, 1));
        assert_eq!(books.counts(ContractItems, &row("", "", "6.00")), (0, 1, 0));
        assert_eq!(versions(&mut books), expect(&[("2026-01-01", "", "5.00"), ("2026-03-01", "", "6.00")]));
        assert_eq!(books.counts(ContractItems, &row("", "", "6.00")), (0, 0, 1));
        assert_eq!(books.schedule().1, revision + 1);
        assert_eq!(books.counts(ContractItems, &row("2026-08-15", "", "7.00")), (1, 0, 0));
        assert_eq!(books.counts(ContractItems, &row("2026-08-15", "", "7.00")), (0, 0, 1));
        let new = format!("{HEAD}acme,care,extra,,,Extra,1,9\n");
        assert_eq!(books.counts(ContractItems, &new), (1, 0, 0));
        assert_eq!(versions(&mut books)[0].0, "2026-03-01", "a new item is not owed for what is issued");
    });
}

#[test]
fn issued_service_never_changes() {
    each_engine(|db| {
        let mut books = Books::new(db);
        books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        assert!(books.told(ContractItems, &row("2026-01-01", "", "6.00")).starts_with("valid_from: service until 2026-02-01"));
        assert!(books.told(ContractItems, &row("2026-01-15", "", "6.00")).contains("let this hold from 2026-02-01 on"));
        assert!(books.told(ContractItems, &row("", "2026-01-20", "5.00")).starts_with("end: service until 2026-02-01"));
        assert!(books.told(ContractItems, &row("2026-01-01", "2026-01-20", "5.00")).starts_with("end: "));
        assert_eq!(books.counts(ContractItems, &row("2026-01-10", "", "5.00")), (0, 0, 1), "it says what holds");
        assert_eq!(
            books.counts(ContractItems, &row("2026-01-01", "2026-02-01", "5.00")),
            (0, 1, 0),
            "an end on the first open day"
        );
        assert_eq!(books.counts(ContractItems, &row("2026-01-01", "2026-05-10", "5.00")), (0, 1, 0));
        assert_eq!(versions(&mut books), expect(&[("2026-01-01", "2026-05-10", "5.00")]));
    });
}

#[test]
fn voided_service_may_be_corrected() {
    each_engine(|db| {
        let mut books = Books::new(db);
        books.invoice("2026-01-01", "2026-02-01", InvoiceState::Void);
        assert_eq!(books.counts(ContractItems, &row("2026-01-01", "", "6.00")), (0, 1, 0));
    });
}

#[test]
fn an_item_that_has_ended_stays_as_it_was() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let text = row("", "2026-01-15", "5.00");
        assert_eq!(books.counts(ContractItems, &text), (0, 1, 0));
        books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        books.invoice("2026-02-01", "2026-03-01", InvoiceState::Open);
        assert_eq!(books.counts(ContractItems, &text), (0, 0, 1));
        assert!(books.told(ContractItems, &row("2026-01-01", "", "5.00")).starts_with("end: "), "it would be owed for January");
        assert_eq!(books.counts(ContractItems, &row("", "", "5.00")), (0, 1, 0), "it begins again");
        assert_eq!(versions(&mut books), expect(&[("2026-01-01", "2026-01-15", "5.00"), ("2026-03-01", "", "5.00")]));
    });
}

#[test]
fn what_could_not_be_counted_is_refused() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let price = "9999999999999999999";
        assert!(books.told(ContractItems, &row("", "", price)).starts_with("unit_price: quantity × unit_price: the amount"));
        let head = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price\n";
        let once = |quantity: &str, price: &str| format!("{head}acme,t,de,EUR,2026-01-05,Work,{quantity},{price}\n");
        let told = books.told(BillableItems, &once("99999999999", "99999999999"));
        assert!(told.starts_with("unit_price: quantity × unit_price: the amount is too large"), "{told}");
        assert_eq!(books.counts(BillableItems, &once("1000000", "1000000.000001")), (1, 0, 0));
        let contract = "company_id,contract_id,seller_id,currency,cadence,timing,start,end\n";
        for (dates, told) in [("1989-12-31,", "start: write a day"), ("2026-01-01,2200-01-01", "end: write a day")] {
            let text = format!("{contract}acme,new,de,EUR,monthly,advance,{dates}\n");
            assert!(books.told(Contracts, &text).starts_with(told), "{dates}");
        }
        assert!(books.told(BillableItems, &once("1", "1").replace("2026-01", "2206-01")).starts_with("dated: write a day"));
    });
}

#[test]
fn two_rows_cannot_say_what_one_version_is() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let two = format!("{}acme,care,seats,2026-01-01,,Seats,10,7.00\n", row("", "", "6.00"));
        assert!(books.told(ContractItems, &two).contains("another row of this file"));
    });
}
