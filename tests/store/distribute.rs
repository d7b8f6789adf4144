//! From one Postgres to a cluster: on one that only knows what Citus would refuse (tests/support/citus.sql),
//! and on a real cluster where one is named (tests/support/citus.rs).

use crate::fixtures::*;
use crate::support::database::TestDb;
use crate::support::{each_engine, now};
use finops::store::distribute::{Place, Spread, TABLES, distribute, plan, spread};
use finops::store::{Setup, StoreError, companies, contracts, schema};
use std::collections::BTreeSet;

/// A Postgres that takes itself for a cluster, with the schema and some rows.
fn stub() -> Option<TestDb> {
    let db = TestDb::citus_stub()?;
    schema::migrate(&mut db.open(), now()).unwrap();
    seed(&mut db.open(), &["a", "b"]);
    Some(db)
}

fn how_far(db: &TestDb) -> Spread {
    db.open().read(spread).unwrap()
}

/// A new table is decided on in one list, or nothing passes.
#[test]
fn every_table_has_its_place() {
    each_engine(|db| {
        let declared: BTreeSet<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
        assert_eq!(declared.len(), TABLES.len(), "each once");
        assert_eq!(db.tables().into_iter().collect::<BTreeSet<_>>(), declared);
        let tables: Vec<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
        for ((table, place), columns) in TABLES.iter().zip(db.columns(&tables)) {
            match place.column() {
                Some(column) => assert_eq!(columns[0], column, "{table}"),
                None => assert!(!columns.contains(&"company_id".to_owned()), "{table} belongs to companies"),
            }
        }
    });
}

#[test]
fn one_place_is_no_cluster() {
    for (db, setup) in [(Some(TestDb::sqlite()), Setup::NoCluster), (TestDb::postgres(), Setup::NoCitus)] {
        let Some(db) = db else { continue };
        schema::migrate(&mut db.open(), now()).unwrap();
        assert_eq!(how_far(&db), Spread::Impossible);
        let refused = distribute(&mut db.open(), |_| panic!("nothing is done"));
        assert!(matches!(&refused, Err(StoreError::Setup(kind, _)) if *kind == setup), "{refused:?}");
    }
}

#[test]
fn it_is_spread_as_citus_demands_and_once() {
    let Some(db) = stub() else { return };
    let rows = |of: &str| db.rows(&format!("SELECT to_jsonb(x)::text FROM {of} x ORDER BY 1"));
    let (companies, contracts) = (rows("companies"), rows("contracts"));
    assert!(!companies.is_empty() && how_far(&db) == Spread::NotYet);
    let planned = db.open().read(plan).unwrap();
    let mut done = Vec::new();
    let count = distribute(&mut db.open(), |statement| done.push(statement.to_owned())).unwrap();
    assert_eq!((count, &done), (planned.len(), &planned));
    assert_eq!(how_far(&db), Spread::Complete);
    assert_eq!(distribute(&mut db.open(), |_| {}).unwrap(), 0, "again, there is nothing to do");
    for (table, place) in TABLES {
        let kept = db.rows(&format!("SELECT kind, by_column FROM stub.spread WHERE relation = '{table}'::regclass"));
        let expected: Vec<Vec<&str>> = match place {
            Place::Company | Place::Series => vec![vec!["distributed", place.column().unwrap()]],
            Place::Everywhere => vec![vec!["reference", "<none>"]],
            Place::Coordinator => vec![],
        };
        assert_eq!(kept, expected, "{table}");
    }
    assert_eq!(db.value("SELECT COUNT(DISTINCT colocation) FROM stub.spread WHERE kind = 'distributed'"), "2");
    for (table, before) in [("companies", companies), ("contracts", contracts)] {
        let moved = format!("SELECT content::text FROM stub.rows WHERE relation = '{table}'::regclass ORDER BY 1");
        assert_eq!(db.rows(&moved), before);
        assert_eq!(db.value(&format!("SELECT COUNT(*) FROM {table}")), "0", "what was moved is removed here");
    }
}

/// Its connection is cut at each statement in turn.
#[test]
fn a_run_that_died_is_gone_on_with() {
    let Some(db) = stub() else { return };
    let all = db.open().read(plan).unwrap();
    let calls = all.iter().filter(|s| s.starts_with("SELECT ")).count();
    // After the last one nothing is left to do.
    for last in (1..calls).step_by(5) {
        let db = db.copy_of_stub();
        db.execute(&format!("INSERT INTO stub.fuse VALUES ({last})")).unwrap();
        let mut first = Vec::new();
        let died = distribute(&mut db.open(), |statement| first.push(statement.to_owned()));
        assert!(matches!(died, Err(StoreError::Connection(_))), "{died:?}");
        assert_eq!(how_far(&db), if last == 1 { Spread::NotYet } else { Spread::Partly });
        let mut then = Vec::new();
        distribute(&mut db.open(), |statement| then.push(statement.to_owned())).unwrap();
        assert_eq!(how_far(&db), Spread::Complete);
        // Removing the rows of one table here can take those of others along.
        first.pop();
        let carried_out: Vec<String> = [first, then].concat();
        assert!(all.iter().filter(|s| s.contains("create_")).eq(carried_out.iter().filter(|s| s.contains("create_"))));
    }
}

#[test]
fn what_somebody_spread_otherwise_is_refused() {
    let Some(db) = stub() else { return };
    db.execute("INSERT INTO stub.spread VALUES ('runs', 'reference', '<none>', 9)").unwrap();
    let refused = distribute(&mut db.open(), |_| panic!("nothing is done"));
    let Err(StoreError::Setup(Setup::SpreadOtherwise, text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("runs"), "{text}");
}

/// The stub would be worth little if it let pass what Citus does not.
#[test]
fn the_stub_refuses_what_citus_refuses() {
    let Some(db) = stub() else { return };
    let refused = |set_up: &str, call: &str, because: &str| {
        let db = db.copy_of_stub();
        db.execute(set_up).unwrap();
        let said = db.execute(&format!("SELECT {call}")).unwrap_err();
        assert!(said.contains(because), "{call}: {said}");
    };
    let companies = "create_distributed_table('companies', 'company_id', 'none')";
    refused("", "create_distributed_table('audit_log', 'company_id', 'none')", "has triggers");
    refused("", "create_distributed_table('contracts', 'company_id', 'none')", "contracts_company");
    refused("CREATE UNIQUE INDEX one ON companies ((company_id || name))", companies, "distribution column");
    refused(&format!("SELECT {companies}"), companies, "already distributed");
    refused(&format!("SELECT {companies}"), "create_distributed_table('contracts', 'company_id', 'none')", "not colocated");
    refused(&format!("SELECT {companies}"), "truncate_local_data_after_distributing_table('companies')", "local table");
}

#[test]
fn on_a_cluster_rows_keys_and_references_survive() {
    let Some(db) = TestDb::citus() else { return };
    schema::migrate(&mut db.open(), now()).unwrap();
    let ids: Vec<String> = (0..40).map(|n| format!("c{n:02}")).collect();
    seed(&mut db.open(), &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let rows = || ["companies", "contracts", "sellers"].map(|table| db.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2")));
    let before = rows();
    // As far as some tables, and then on.
    for statement in db.open().read(plan).unwrap().iter().take(15) {
        db.execute(statement).unwrap();
    }
    assert_eq!(how_far(&db), Spread::Partly);
    distribute(&mut db.open(), |_| {}).unwrap();
    assert_eq!((how_far(&db), rows()), (Spread::Complete, before));
    assert_eq!(distribute(&mut db.open(), |_| {}).unwrap(), 0);
    let shards = db.value("SELECT COUNT(DISTINCT get_shard_id_for_distribution_column('companies', company_id)) FROM companies");
    assert_eq!(shards, "4", "they are spread");

    let mut conn = db.open();
    let lost = conn.write(|tx| contracts::upsert(tx, &[&contract("nobody", "k")]));
    assert!(matches!(lost, Err(StoreError::Constraint(_))), "{lost:?}");
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Often enough that a plan would be kept.
    for _ in 0..8 {
        write(&mut conn, |tx| {
            tx.hold_companies(&ids)?;
            tx.hold_sellers()
        });
    }
    // Whoever holds a company is waited for.
    conn.write(|tx| {
        tx.hold_companies(&["c07"])?;
        let other = db.client().batch_execute(
            "SET lock_timeout = 0; SET statement_timeout = 300; UPDATE companies SET name = '' WHERE company_id = 'c07'",
        );
        assert!(other.is_err(), "it is held");
        db.execute("UPDATE companies SET name = '' WHERE company_id = 'c08'").unwrap();
        Ok::<_, StoreError>(())
    })
    .unwrap();
    assert_eq!(read(&mut conn, |tx| companies::by_ids(tx, &["c07", "c08"])).len(), 2);
}

/// A newer schema changes tables that are spread already, and brings new ones.
#[test]
fn on_a_cluster_a_migration_goes_through() {
    let Some(db) = TestDb::citus() else { return };
    schema::create_by_steps(&mut db.open(), 1, now()).unwrap();
    distribute(&mut db.open(), |_| {}).unwrap();
    assert_eq!(how_far(&db), Spread::Complete);
    assert!(!schema::migrate(&mut db.open(), now()).unwrap().is_empty());
    assert_eq!(how_far(&db), Spread::Partly, "the new tables");
    distribute(&mut db.open(), |_| {}).unwrap();
    assert_eq!(how_far(&db), Spread::Complete);
    let tables: Vec<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
    let whole = TestDb::postgres().unwrap();
    schema::migrate(&mut whole.open(), now()).unwrap();
    assert_eq!(db.columns(&tables), whole.columns(&tables));
}
