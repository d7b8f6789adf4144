//! A connection to Postgres that is lost: what goes on by itself, and what is told.

use crate::support::{TestDb, now};
use finops::error::Error;
use finops::store::{Db, StoreError, Tx, Val, schema};

fn database() -> Option<TestDb> {
    let db = TestDb::postgres()?;
    schema::migrate(&mut db.open(), now()).unwrap();
    Some(db)
}

/// Ends every connection to this database but the one that asks.
fn cut(db: &TestDb) {
    db.rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

fn put(tx: &mut Tx, value: &'static str) -> Result<(), StoreError> {
    schema::set_meta(tx, "k", value)
}

fn setting(conn: &mut Db, name: &'static str) -> String {
    let sql = "SELECT current_setting($1)";
    conn.read(|tx| tx.query_opt(sql, &[Val::from(name)], |row| row.string(0))).unwrap().unwrap()
}

#[test]
fn one_that_was_lost_while_idle_is_made_anew() {
    let Some(db) = database() else { return };
    let mut conn = db.open();
    conn.write(|tx| put(tx, "1")).unwrap();
    cut(&db);
    conn.write(|tx| put(tx, "2")).unwrap();
    cut(&db);
    assert_eq!(conn.read(|tx| schema::meta(tx, "k")).unwrap().as_deref(), Some("2"));
}

#[test]
fn a_write_is_told_and_one_that_must_get_in_gets_in() {
    let Some(db) = database() else { return };
    let mut conn = db.open();
    let mut runs = 0;
    let lost = conn.write(|tx| {
        runs += 1;
        put(tx, "1")?;
        cut(&db);
        put(tx, "1")
    });
    assert!(matches!(lost, Err(StoreError::Connection(_))), "{lost:?}");
    assert_eq!((runs, Error::from(lost.unwrap_err()).kind.exit_code() as u8), (1, 75));
    assert_eq!(db.value("SELECT COUNT(*) FROM meta WHERE key = 'k'"), "0");
    runs = 0;
    conn.write_surely(|tx| {
        runs += 1;
        put(tx, "2")?;
        if runs < 3 {
            cut(&db);
        }
        put(tx, "2")
    })
    .unwrap();
    assert_eq!((runs, db.value("SELECT value FROM meta WHERE key = 'k'")), (3, "2".to_owned()));
}

#[test]
fn the_new_one_is_set_up_as_the_old_one_was() {
    let Some(db) = database() else { return };
    let mut conn = db.open();
    conn.last_write_unflushed(|tx| put(tx, "1")).unwrap();
    let set = ["statement_timeout", "idle_in_transaction_session_timeout", "TimeZone", "synchronous_commit", "application_name"];
    let before = set.map(|name| setting(&mut conn, name));
    assert_eq!(before, ["30s", "5min", "UTC", "off", "finops"]);
    cut(&db);
    assert_eq!(set.map(|name| setting(&mut conn, name)), before);
}
