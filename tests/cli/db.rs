use crate::sums::databases::TestDb;
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

/// A database is a test for good, and books that were billed from do not become one by a slip.
#[test]
fn a_database_that_is_marked_as_a_test_takes_any_day() {
    let mut environment = crate::terminal::imported();
    let ahead = ["invoices", "generate", "--now", "2026-11-02T12:00:00Z"];
    let refused = environment.finops(&ahead);
    assert!(refused.code == 2 && refused.stderr.contains("finops db mark-test"), "{refused}");
    for (seed, verb) in [("1", "generate"), ("2", "issue")] {
        environment.set("FINOPS_TEST_SEED", seed);
        let said = environment.finops(&["invoices", verb]);
        assert_eq!(said.code, 0, "{said}");
    }
    let refused = environment.finops(&["db", "mark-test"]);
    assert!(refused.code == 1 && refused.stderr.contains("mark with --yes"), "{refused}");
    assert!(!environment.finops(&["db", "status"]).stdout.contains("test:"));
    for already in [false, true] {
        let marked = environment.finops(&["db", "mark-test", "--yes", "--json"]).json();
        assert_eq!(marked[0]["already_marked"], already);
    }
    assert!(environment.finops(&["db", "status"]).stdout.contains("\ntest: any --now is taken"));
    environment.set("FINOPS_TEST_SEED", "3");
    let ran = environment.finops(&ahead);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(environment.finops(&["audit", "list", "--company-id", "_system"]).stdout.contains("database.marked_test"));
}

#[test]
fn what_breaks_a_rule_is_found() {
    let environment = TestEnvironment::new();
    let run = |args: &[&str]| environment.finops(&[args, &DATABASE].concat());
    assert_eq!(run(&["db", "migrate"]).code, 0);
    let mut db = Db::open(Target::Sqlite(&environment.path("books.db")), Duration::from_secs(5)).expect("it opens");
    let broken = db.write(|tx| {
        for sql in [
            "INSERT INTO companies VALUES ('acme', 'Acme', '', '', '', '', '', '', 'DE', '', '', '', '', NULL, 0, 1, '', '', 'email',
              '', '')",
            "INSERT INTO contracts VALUES ('acme', 'lost', 'de', 'EUR', 'monthly', 1, 'advance', NULL, '2026-01-01', NULL, NULL,
              NULL, 0, '', '', '', NULL)",
            "INSERT INTO contracts VALUES ('acme', 'late', 'de', 'EUR', 'monthly', 1, 'advance', NULL, '2026-01-01', NULL, NULL,
              NULL, 0, '', '', '', NULL)",
            "INSERT INTO billing_schedule VALUES ('acme', 'late', '2026-02-01', '2026-02-01', 0)",
            "INSERT INTO invoices VALUES ('acme', 'i1', 'draft', 'de', 'EUR', 'late', '2026-01-01', '2026-02-01', 0, NULL, NULL,
              NULL, 14, 0, '', 100, 19, 119, 0, 0, 'invoice', '', '', '')",
            "INSERT INTO invoice_lines VALUES ('acme', 'i1', 1, 'recurring', 'late', 'seats', '', '', '1', '', '0.99',
              '2026-01-01', '2026-02-01', 0, 0, 'standard', 'S', '19', 99, 99, 0, '')",
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
            "INSERT INTO billable_items (company_id, source_key, seller_id, currency, dated, description, quantity, unit, unit_price,
              tax_inclusive, tax_code, stand_alone_on, invoice_id) VALUES ('acme', 'ticket:1', 'de', 'EUR', '2026-01-01', '', '1', '', '1', 0, '',
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

/// Periods without an active item are passed over; the check knows, and an item that begins earlier
/// after all brings them back.
#[test]
fn a_period_that_was_passed_over_is_in_order_and_comes_back() {
    let mut env = TestEnvironment::new();
    env.set("FINOPS_CONFIG", "finops.toml");
    let good = |env: &TestEnvironment, args: &[&str]| {
        let said = env.finops(args);
        assert_eq!(said.code, 0, "{args:?}: {said}");
        said.stdout
    };
    good(&env, &["init"]);
    for kind in ["sellers", "tax_rates", "companies"] {
        let template = good(&env, &["import", "--template", kind]);
        env.write(&format!("{kind}.csv"), template);
    }
    env.write(
        "contracts.csv",
        "company_id,contract_id,seller_id,currency,cadence,timing,start\nC-1001,k,acme,EUR,monthly,advance,2026-08-01\n",
    );
    let item = |env: &TestEnvironment, from: &str| {
        env.write(
            "contract_items.csv",
            format!("company_id,contract_id,item_id,valid_from,description,unit_price\nC-1001,k,i,{from},Late,10\n"),
        );
        good(env, &["import", "."]);
    };
    let drafts = |env: &mut TestEnvironment, seed: &str| {
        env.set("FINOPS_TEST_SEED", seed);
        good(env, &["invoices", "generate"]);
        good(env, &["db", "check"]);
        good(env, &["invoices", "list", "--json"]).lines().count()
    };
    item(&env, "2026-10-01");
    assert_eq!(drafts(&mut env, "2"), 1, "August and September have nothing to bill");
    item(&env, "2026-08-01");
    assert_eq!(drafts(&mut env, "3"), 3, "now they have");
}

#[test]
fn one_place_cannot_be_spread() {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["db", "migrate", "--database", "sqlite:books.db"]).code, 0);
    assert_snapshot!("db_distribute_sqlite", environment.finops(&["db", "distribute", "--database", "sqlite:books.db"]));
    if let Some(db) = TestDb::postgres() {
        let run = |args: &[&str]| environment.finops(&[args, &["--database", &db.url()]].concat());
        assert_eq!(run(&["db", "migrate"]).code, 0);
        let refused = run(&["db", "distribute", "--dry-run"]);
        assert!(refused.code == 78 && refused.stderr.contains("CREATE EXTENSION citus"), "{refused}");
        assert!(!run(&["db", "status"]).stdout.contains("distributed"), "there is nothing to tell");
    }
}

/// On a Postgres that refuses what Citus refuses: spread, and then worked on as if it were a cluster.
#[test]
fn it_is_spread_and_the_jobs_go_on() {
    let Some(db) = TestDb::citus_stub() else { return };
    let environment = TestEnvironment::new();
    let run = |args: &[&str]| environment.finops(&[args, &["--database", &db.url()]].concat());
    assert_eq!(run(&["db", "migrate"]).code, 0);
    assert!(run(&["db", "status"]).stdout.contains("distributed: no"));
    let claim = "('a', 'invoices.generate', 'r', 1, '2026-10-31T11:59:00.000Z', '2026-10-31T12:01:00.000Z')";
    db.execute(&format!("INSERT INTO claims VALUES {claim}")).unwrap();
    let beside = run(&["db", "distribute"]);
    assert!(beside.code == 75 && beside.stderr.contains("stop the cron lines"), "{beside}");
    db.execute("TRUNCATE claims").unwrap();

    assert_snapshot!("db_distribute_dry_run", run(&["db", "distribute", "--dry-run"]));
    let done = run(&["db", "distribute", "--json"]);
    assert_eq!((done.code, &done.json().pop().unwrap()["statements"]), (0, &(done.json().len() - 1).into()), "{done}");
    assert_eq!(run(&["db", "distribute"]).all(), "");
    assert!(run(&["db", "status"]).stdout.contains("distributed: yes"));
    // As if a newer schema had brought one more table.
    db.execute("DELETE FROM stub.spread WHERE relation = 'rate_limits'::regclass").unwrap();
    assert!(run(&["db", "status", "--json"]).stdout.contains("\"distributed\":\"partly\""));
    assert_eq!(run(&["db", "migrate"]).code, 0);
    assert!(run(&["db", "status", "--json"]).stdout.contains("\"distributed\":\"yes\""));

    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    for (seed, args) in ["2", "3", "4", "5"].iter().zip([
        &["import", data][..],
        &["invoices", "generate"],
        &["invoices", "issue"],
        &["db", "check"],
    ]) {
        let mut command = environment.command(args);
        let said = environment.said(command.args(["--database", &db.url()]).env("FINOPS_TEST_SEED", seed).output().unwrap());
        assert_eq!(said.code, 0, "{args:?}: {said}");
    }
    let issued = db.value("SELECT COUNT(*) FROM invoices WHERE state <> 'draft'");
    assert_eq!(db.value("SELECT COUNT(*) FROM document_numbers"), issued);
    assert!(issued.parse::<u32>().unwrap() > 10, "{issued}");
}

#[test]
fn everything_moves_to_another_database() {
    let mut environment = crate::terminal::imported();
    for (seed, args) in [
        ("1", &["invoices", "generate"][..]),
        ("2", &["invoices", "issue"]),
        ("3", &["payments", "record", "INV-2026-000001", "--amount", "1.00", "--date", "2026-10-31", "--ref", "TX1"]),
    ] {
        environment.set("FINOPS_TEST_SEED", seed);
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
    let tried = environment.finops(&["db", "copy", "--to", "sqlite:moved.db", "--dry-run", "--json"]).json();
    assert!(tried[0]["rows"].as_u64().unwrap() > 500 && !environment.path("moved.db").exists(), "{tried:?}");
    let said = environment.finops(&["db", "copy", "--to", "sqlite:moved.db", "--json"]);
    assert_eq!(said.code, 0, "{said}");
    let lines = said.json();
    assert_eq!(lines.last().unwrap()["rows"], tried[0]["rows"]);
    let invoices = lines.iter().find(|line| line["table"] == "invoices").unwrap();
    assert_eq!(invoices["rows"], 18);
    let moved = ["--database", "sqlite:moved.db"];
    for args in [&["db", "check"][..], &["audit", "verify"]] {
        let said = environment.finops(&[args, &moved].concat());
        assert_eq!(said.code, 0, "{said}");
    }
    let list = |flags: &[&str]| environment.finops(&[&["invoices", "list", "--json"], flags].concat()).stdout;
    assert_eq!(list(&moved), list(&[]));
    environment.set("FINOPS_TEST_SEED", "4");
    let rest = environment.finops(&[&["invoices", "generate", "--json"][..], &moved].concat()).json();
    assert_eq!(rest.last().unwrap()["done"], 0, "the jobs go on there, and bill nothing twice");

    for (args, code, told) in [
        (&["--to", "sqlite:moved.db"][..], 1, "holds data already"),
        (&["--to", "sqlite:finops.db"], 2, "the database itself"),
        (&["--to", "mysql://x"], 2, "--to"),
        (&[], 2, "--to"),
    ] {
        let said = environment.finops(&[&["db", "copy"][..], args].concat());
        assert!(said.code == code && said.stderr.contains(told), "{args:?}: {said}");
    }
}
