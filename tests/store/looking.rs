//! What people look at: the questions of `status` and `doctor`, across companies.

use crate::fixtures::{AWKWARD, contract, day, draft, invoice_id, item, read, seed, write};
use crate::support::{each_engine, now};
use finops::model::CompanyId;
use finops::store::documents::{self, DocumentFile};
use finops::store::runs::{self, ItemCount, RunItem};
use finops::store::{contracts, invoices, schema};

fn waiting(company: &str, class: &str, parked: bool) -> RunItem {
    RunItem {
        company_id: company.parse().unwrap(),
        job: "job".to_owned(),
        subject: AWKWARD.to_owned(),
        period: String::new(),
        class: class.to_owned(),
        message: AWKWARD.to_owned(),
        attempts: 1,
        parked,
    }
}

#[test]
fn what_waits_is_counted_by_reason() {
    each_engine(|db| {
        let mut db = db.open();
        assert!(read(&mut db, runs::item_counts).is_empty());
        let items = [waiting("a", "x", true), waiting("b", "x", false), waiting("c", "y", false)];
        write(&mut db, |tx| runs::put_items(tx, &items, now()));
        let count = |class: &str, count, parked| ItemCount { job: "job".to_owned(), class: class.to_owned(), count, parked };
        assert_eq!(read(&mut db, runs::item_counts), [count("x", 2, 1), count("y", 1, 0)]);
        assert_eq!(read(&mut db, |tx| runs::items_of_class(tx, "job", "x", 1)), [items[0].clone()]);
        assert_eq!(read(&mut db, |tx| runs::items_of_class(tx, "job", "y", 9)), [items[2].clone()]);
    });
}

#[test]
fn a_contract_without_items_is_found_until_it_ends() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let ended = finops::model::Contract { end: Some(day("2026-10-01")), ..contract("b", "ended") };
        write(&mut db, |tx| contracts::upsert(tx, &[&contract("a", "full"), &contract("a", "empty"), &ended]));
        write(&mut db, |tx| contracts::upsert_items(tx, &[&item("a", "full", "i", "2026-01-01")]));
        let empty = |db: &mut _, on: &str| -> Vec<String> {
            let found = read(db, |tx| contracts::without_items(tx, day(on), 9));
            found.iter().map(|(company, contract)| format!("{company} {contract}")).collect()
        };
        assert!(empty(&mut db, "2026-10-01").contains(&"a empty".to_owned()));
        assert!(!empty(&mut db, "2026-10-01").iter().any(|found| found == "b ended" || found == "a full"));
        assert!(empty(&mut db, "2026-09-30").contains(&"b ended".to_owned()));
    });
}

#[test]
fn pdfs_come_in_pages() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let drafts = [draft("a", 1), draft("b", 2), draft("b", 3)];
        write(&mut db, |tx| invoices::insert(tx, drafts.iter()));
        let file = |company: &str, n| DocumentFile {
            company_id: company.parse::<CompanyId>().unwrap(),
            invoice_id: invoice_id(n),
            path: format!("{n}.pdf"),
            place: String::new(),
            sha256: "cd".to_owned(),
            bytes: 1,
        };
        write(&mut db, |tx| documents::put_pdfs(tx, &[file("a", 1), file("b", 2), file("b", 3)], now()));
        let first = read(&mut db, |tx| documents::pdfs(tx, ("", ""), 2));
        let place = |file: &DocumentFile| (file.company_id.to_string(), file.invoice_id.to_string());
        let (company, invoice) = place(&first[1]);
        let rest = read(&mut db, |tx| documents::pdfs(tx, (&company, &invoice), 2));
        let paths: Vec<String> = first.into_iter().chain(rest).map(|file| file.path).collect();
        assert_eq!(paths, ["1.pdf", "2.pdf", "3.pdf"]);
    });
}

#[test]
fn the_engine_tells_about_itself() {
    each_engine(|db| {
        let mut db = db.open();
        let facts = read(&mut db, schema::engine_facts);
        assert!(facts.version.starts_with(|c: char| c.is_ascii_digit()), "{facts:?}");
        let expected = if db.engine_name() == "sqlite" { Some("wal") } else { None };
        assert_eq!(facts.journal_mode.as_deref(), expected);
    });
}
