use crate::support::TestEnvironment;
use finops::store::{Db, StoreError, Target};
use insta::assert_snapshot;
use std::time::Duration;

const DATABASE: [&str; 2] = ["--database", "sqlite:books.db"];

#[test]
fn it_is_set_up_once_and_shown() {
    let environment = TestEnvironment::new();
    let run = |args: &[&str]| environment.finops(&[args, &DATABASE].concat());
    let status = run(&["db", "status"]);
    assert!(status.code == 78 && status.stderr.contains("db migrate"), "{status}");
    assert!(!environment.path("books.db").exists(), "looking makes nothing");
    assert_snapshot!("db_migrate", run(&["db", "migrate"]));
    assert_eq!(run(&["db", "migrate"]).all(), "");
    assert_snapshot!("db_migrate_again_json", run(&["db", "migrate", "--json"]));
    assert_snapshot!("db_status", run(&["db", "status"]));
    assert_eq!((run(&["db", "check"]).code, run(&["db", "check"]).all()), (0, String::new()));
}

#[test]
fn what_breaks_a_rule_is_found() {
    let environment = TestEnvironment::new();
    let run = |args: &[&str]| environment.finops(&[args, &DATABASE].concat());
    assert_eq!(run(&["db", "migrate"]).code, 0);
    let mut db = Db::open(Target::Sqlite(&environment.path("books.db")), Duration::from_secs(5)).expect("it opens");
    let broken = db.write(|tx| {
        for sql in [
            "INSERT INTO companies VALUES ('acme', 'Acme', '', '', '', '', '', '', 'DE', '', '', '', '', NULL, 0, 1, '', '')",
            "INSERT INTO contracts VALUES ('acme', 'lost', 'de', 'EUR', 'monthly', 1, 'advance', NULL, '2026-01-01', NULL, NULL,
              NULL, 0, '', '')",
            "INSERT INTO contracts VALUES ('acme', 'late', 'de', 'EUR', 'monthly', 1, 'advance', NULL, '2026-01-01', NULL, NULL,
              NULL, 0, '', '')",
            "INSERT INTO billing_schedule VALUES ('acme', 'late', '2026-02-01', '2026-02-01', 0)",
            "INSERT INTO invoices VALUES ('acme', 'i1', 'draft', 'de', 'EUR', 'late', '2026-01-01', '2026-02-01', 0, NULL, NULL,
              NULL, 14, 0, '', 100, 19, 119, 0, 0)",
            "INSERT INTO invoice_lines VALUES ('acme', 'i1', 1, 'recurring', 'late', 'seats', '', '', '1', '', '0.99',
              '2026-01-01', '2026-02-01', 0, 0, 'standard', 'S', '19', 99, 99)",
            "INSERT INTO invoice_taxes VALUES ('acme', 'i1', 1, 'S', '19', 'VAT', '', 100, 18)",
            "INSERT INTO invoice_documents VALUES ('acme', 'i1', 'ab', '{}')",
            "UPDATE invoices SET state = 'open', number = 'R-2' WHERE invoice_id = 'i1'",
            "INSERT INTO series_counters VALUES ('main', 2026, 3, '2026-10-01')",
            "INSERT INTO document_numbers VALUES ('main', 2026, 2, 'acme', 'i1')",
            "INSERT INTO document_numbers VALUES ('main', 2026, 1, 'acme', 'gone')",
            "INSERT INTO document_numbers VALUES ('side', 0, 1, 'acme', 'i1')",
            "INSERT INTO series_counters VALUES ('side', 0, 3, '2026-10-01')",
            "INSERT INTO payments VALUES ('acme', 'bank', 'tx', 'EUR', 100, '2026-10-01', 'i1')",
            "INSERT INTO payment_allocations VALUES ('acme', 'i1', 'bank', 'tx', 200)",
            "INSERT INTO billable_items VALUES ('acme', 'ticket:1', 'de', 'EUR', '2026-01-01', '', '1', '', '1', 0, '',
              '2026-02-01', 'gone')",
        ] {
            tx.execute(sql, &[])?;
        }
        Ok::<_, StoreError>(())
    });
    broken.expect("the rows are written");
    drop(db);
    let said = run(&["db", "check", "--json"]);
    assert_eq!(said.code, 1);
    assert_snapshot!("db_check_broken", said);
}
