//! The figures of some 2,000 invoices, made by the binary from generated CSV, each computed once more
//! here in exact fractions, by code that shares nothing with `finops`.

#[path = "../support/mod.rs"]
pub mod databases;

mod business;
mod figures;

use crate::support::TestEnvironment;
use business::Business;
use databases::TestDb;
use figures::{check, minor};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const COMPANIES: usize = 1_800;

/// Where the business lies, and the flag that names its database.
struct Books {
    environment: TestEnvironment,
    url: String,
    business: Business,
}

impl Books {
    fn new(db: &TestDb, seed: u64) -> Self {
        let (environment, business) = (TestEnvironment::new(), Business::generate(seed, COMPANIES));
        for (name, text) in business.files() {
            environment.write(&format!("data/{name}.csv"), text);
        }
        let books = Self { environment, url: db.url(), business };
        books.run(&["db", "migrate"]);
        books.run(&["import", "data"]);
        books
    }

    /// The JSON lines of a command that must succeed, with their ids.
    fn run(&self, args: &[&str]) -> Vec<Value> {
        let output = self.environment.command(args).args(["--json", "--database", &self.url]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text.lines().last().unwrap_or_default());
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        // What a run is compared with is no invoice.
        lines.filter(|line: &Value| !line["type"].as_str().unwrap().starts_with("comparison")).collect()
    }
}

/// Everything of an invoice but its id, so that a plan can be held against what became of it.
fn without_id(invoice: &Value) -> Value {
    let mut invoice = invoice.clone();
    // A dry run says so in each item, and the ids that it makes up are its own.
    for of_the_run in ["invoice_id", "dry_run"] {
        invoice.as_object_mut().unwrap().remove(of_the_run);
    }
    invoice
}

fn sorted(invoices: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = invoices.iter().map(|i| without_id(i).to_string()).collect();
    all.sort();
    all
}

/// The invoices of a run, once their figures and the sums of its summary were checked.
fn checked(books: &Books, lines: &[Value]) -> Vec<Value> {
    let (summary, invoices) = lines.split_last().unwrap();
    let expected = books.business.invoices();
    let mut found = BTreeSet::new();
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for invoice in invoices {
        assert_eq!(invoice["outcome"], "drafted", "{invoice}");
        assert!(found.insert(check(&books.business, invoice)), "billed twice: {invoice}");
        let currency = invoice["currency"].as_str().unwrap();
        *sums.entry(currency.to_owned()).or_default() += minor(&invoice["total"], currency);
    }
    assert_eq!(found, expected, "each period of each contract has one invoice");
    let items: usize = invoices.iter().map(|i| figures::lines(i).filter(|l| !l["source_key"].is_null()).count()).sum();
    assert_eq!(items, books.business.billable_items(), "each item is billed once");
    assert_eq!((&summary["type"], &summary["done"]), (&"summary".into(), &expected.len().into()));
    assert_eq!((&summary["failed"], &summary["skipped"]), (&0.into(), &Value::Object(Default::default())));
    let told = summary["totals"].as_object().unwrap();
    let told: BTreeMap<String, i128> = told.iter().map(|(currency, sum)| (currency.clone(), minor(sum, currency))).collect();
    assert_eq!(told, sums, "the summary adds up");
    invoices.to_vec()
}

fn every_figure_is_right(db: &TestDb, seed: u64) {
    let mut books = Books::new(db, seed);
    let planned = checked(&books, &books.run(&["invoices", "generate", "--dry-run"]));
    assert!(planned.len() >= 2_000, "{} invoices", planned.len());
    books.environment.set("FINOPS_TEST_BATCH", "7");
    let in_small_pages = checked(&books, &books.run(&["invoices", "generate", "--dry-run"]));
    assert_eq!(sorted(&planned), sorted(&in_small_pages), "the size of a page changes nothing");
    books.environment.set("FINOPS_TEST_BATCH", "500");
    assert_eq!(books.run(&["invoices", "list"]).len(), 0, "a dry run writes nothing");

    let drafted = checked(&books, &books.run(&["invoices", "generate"]));
    assert_eq!(sorted(&planned), sorted(&drafted), "what was planned is what was done");
    listed_and_shown(&books, &drafted);

    books.environment.set("FINOPS_TEST_SEED", "2");
    let again = books.run(&["invoices", "generate"]);
    assert_eq!((again.len(), &again[0]["due"], &again[0]["totals"]), (1, &0.into(), &Value::Object(Default::default())));
    assert!(books.run(&["db", "check"]).iter().all(|line| line["type"] == "summary"), "the books are in order");
    issued(&books, &drafted);
}

fn listed_and_shown(books: &Books, drafted: &[Value]) {
    let by_id: BTreeMap<&str, &Value> = drafted.iter().map(|i| (i["invoice_id"].as_str().unwrap(), i)).collect();
    let listed = books.run(&["invoices", "list", "--limit", "100000"]);
    assert_eq!(listed.len(), by_id.len());
    for head in &listed {
        let drafted = by_id[head["invoice_id"].as_str().unwrap()];
        for (field, value) in head.as_object().unwrap().iter().filter(|(field, _)| *field != "type") {
            assert_eq!(&drafted[field], value, "{field} of {head}");
        }
    }
    for drafted in drafted.iter().step_by(97) {
        let shown = books.run(&["invoices", "show", drafted["invoice_id"].as_str().unwrap()]).remove(0);
        check(&books.business, &shown);
        for field in ["lines", "taxes", "net", "tax", "total"] {
            assert_eq!(shown[field], drafted[field], "{field} of {shown}");
        }
        assert_eq!(shown["balance"], Value::Null, "a draft is no debt: {shown}");
    }
}

/// The number and the dates come; no figure changes.
fn issued(books: &Books, drafted: &[Value]) {
    let chosen: Vec<&Value> = drafted.iter().step_by(drafted.len() / 4).collect();
    let flags = chosen.iter().flat_map(|draft| ["--company-id", draft["company_id"].as_str().unwrap()]);
    books.run(&["invoices", "issue"].into_iter().chain(flags).collect::<Vec<_>>());
    for drafted in chosen {
        let shown = books.run(&["invoices", "show", drafted["invoice_id"].as_str().unwrap()]).remove(0);
        let currency = drafted["currency"].as_str().unwrap();
        // What asks for no money is settled: what it gives back is credit, which the company's others use up.
        let balance = (minor(&drafted["total"], currency) - minor(&shown["credited"], currency)).max(0);
        let state = if balance > 0 { "open" } else { "paid" };
        assert_eq!((&shown["state"], minor(&shown["balance"], currency)), (&state.into(), balance), "{shown}");
        for field in ["lines", "taxes", "net", "tax", "total", "period"] {
            assert_eq!(shown[field], drafted[field], "{field} of {shown}");
        }
    }
}

#[test]
fn every_figure_of_two_thousand_invoices_is_right() {
    every_figure_is_right(&TestDb::sqlite(), 1);
}

#[test]
fn every_figure_is_right_on_postgres_too() {
    if let Some(db) = TestDb::postgres() {
        every_figure_is_right(&db, 2);
    }
}
