//! A connection to Postgres that is lost: what goes on by itself, and what is told.

use crate::support::{Fault, Plan, Proxy, TestDb, now};
use finops::error::Error;
use finops::store::{Db, StoreError, Target, Tx, Val, schema};
use std::time::Duration;

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

/// Both ends of a COMMIT that was cut: the server has it, or not, or gets it later.
#[test]
fn a_commit_without_an_answer_says_so_and_is_found_or_done_again() {
    let Some(db) = database() else { return };
    // The connection's settings, BEGIN, and the statement (prepared, run) come before.
    let at = 5;
    let late = Fault::Late(Duration::from_millis(400));
    for fault in [Fault::NotSent, Fault::AnswerLost, late] {
        let plan = Plan { at, fault, refused_for: Duration::from_millis(250) };
        db.execute("DELETE FROM meta WHERE key IN ('k', 'surely')").unwrap();
        let proxy = Proxy::start(&db.url(), &[plan]);
        let unanswered = open(&proxy).write(|tx| put(tx, "1"));
        assert!(matches!(unanswered, Err(StoreError::Unanswered(_))), "{fault:?}: {unanswered:?}");
        assert_eq!(proxy.trips().last().map(String::as_str), Some("COMMIT"));
        let told = Error::from(unanswered.unwrap_err());
        assert_eq!(told.kind.exit_code() as u8, 75);

        let proxy = Proxy::start(&db.url(), &[plan]);
        let mut runs = 0;
        let insert = "INSERT INTO meta (key, value) VALUES ('surely', 'once') ON CONFLICT (key) DO NOTHING";
        let new = open(&proxy).write_surely(|tx| {
            runs += 1;
            tx.execute(insert, &[])
        });
        assert_eq!((runs, new.unwrap()), (2, u64::from(fault == Fault::NotSent)), "{fault:?}: what is in is found");
        assert_eq!(db.value("SELECT value FROM meta WHERE key = 'surely'"), "once");
        assert!(proxy.has_struck());
    }
}

#[test]
fn a_stalled_line_is_waited_for() {
    let Some(db) = database() else { return };
    let plan = Plan { at: 5, fault: Fault::Stalled(Duration::from_millis(300)), refused_for: Duration::ZERO };
    let proxy = Proxy::start(&db.url(), &[plan]);
    open(&proxy).write(|tx| put(tx, "1")).unwrap();
    assert!(proxy.has_struck());
    assert_eq!(db.value("SELECT value FROM meta WHERE key = 'k'"), "1");
}

fn open(proxy: &Proxy) -> Db {
    Db::open(Target::Postgres(proxy.url()), Duration::from_secs(30)).unwrap()
}
