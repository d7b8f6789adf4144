//! All or nothing, and what is said when it cannot be.

use crate::fixtures::*;
use crate::support::{TestDb, each_engine};
use finops::store::{Db, StoreError, Target, companies, schema};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

#[test]
fn an_error_leaves_nothing_behind() {
    each_engine(|db| {
        let mut conn = db.open();
        let refused: Result<(), StoreError> = conn.write(|tx| {
            companies::upsert(tx, &[&company("a")])?;
            schema::set_meta(tx, "k", "v")?;
            Err(StoreError::Other("no".to_owned()))
        });
        assert!(matches!(refused, Err(StoreError::Other(text)) if text == "no"), "the first error is the one told");
        assert_eq!(db.value("SELECT COUNT(*) FROM companies"), "0");
        write(&mut conn, |tx| companies::upsert(tx, &[&company("a")]));
        assert_eq!(db.value("SELECT COUNT(*) FROM companies"), "1", "the connection goes on");
    });
}

#[test]
fn what_unwinds_leaves_nothing_behind_and_the_connection_goes_on() {
    each_engine(|db| {
        let mut conn = db.open();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            conn.write(|tx| {
                companies::upsert(tx, &[&company("a")])?;
                finops::crash::unwind_at(1);
                finops::crash::point("in a transaction");
                Ok::<_, StoreError>(())
            })
        }));
        assert!(unwound.is_err_and(|payload| payload.is::<finops::crash::Unwound>()));
        assert_eq!(read(&mut conn, |tx| tx.query_opt("SELECT COUNT(*) FROM companies", &[], |row| row.int(0))), Some(0));
        write(&mut conn, |tx| companies::upsert(tx, &[&company("b")]));
        assert_eq!(db.rows("SELECT company_id FROM companies"), [["b"]]);
    });
}

#[test]
fn a_refused_row_is_a_constraint_and_ends_the_transaction() {
    each_engine(|db| {
        let mut conn = db.open();
        seed(&mut conn, &["a"]);
        let refused = conn.write(|tx| {
            companies::upsert(tx, &[&company("b")])?;
            finops::store::contracts::upsert(tx, &[&contract("nobody", "c")])
        });
        assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
        assert_eq!(db.value("SELECT COUNT(*) FROM companies"), "1");
    });
}

#[test]
fn a_reader_sees_one_state() {
    each_engine(|db| {
        let mut conn = db.open();
        let count = "SELECT COUNT(*) FROM companies";
        let (before, after) = read(&mut conn, |tx| {
            let before = tx.query_opt(count, &[], |row| row.int(0))?;
            seed(&mut db.open(), &["a"]);
            Ok((before, tx.query_opt(count, &[], |row| row.int(0))?))
        });
        assert_eq!((before, after), (Some(0), Some(0)));
        assert_eq!(db.value(count), "1");
    });
}

#[test]
fn on_sqlite_a_writer_waits_for_another_and_then_is_told() {
    let db = TestDb::sqlite();
    schema::migrate(&mut db.open(), crate::support::now()).unwrap();
    let mut hasty = db.try_open(Duration::from_millis(1)).unwrap();
    let other = db.rusqlite();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE meta SET value = value").unwrap();
    let refused = hasty.write(|tx| schema::set_meta(tx, "k", "v"));
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| hasty.write(|tx| schema::set_meta(tx, "k", "v")));
        std::thread::sleep(Duration::from_millis(100));
        other.execute_batch("COMMIT").unwrap();
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(db.value("SELECT value FROM meta WHERE key = 'k'"), "v", "replayed until the other was done");
}

/// Two transactions that lock two rows in opposite orders: one of them is the victim (40P01), is
/// replayed, and both are done.
#[test]
fn on_postgres_the_victim_of_a_deadlock_is_replayed() {
    let Some(db) = TestDb::postgres() else { return };
    schema::migrate(&mut db.open(), crate::support::now()).unwrap();
    db.execute("INSERT INTO meta VALUES ('x', ''), ('y', '')").unwrap();
    let (both_hold, tries) = (Barrier::new(2), AtomicU32::new(0));
    let work = |first: &str, second: &str| {
        let mut conn = db.open();
        let mut met = false;
        conn.write(|tx| {
            tries.fetch_add(1, Ordering::Relaxed);
            schema::set_meta(tx, first, "done")?;
            if !std::mem::replace(&mut met, true) {
                both_hold.wait();
            }
            schema::set_meta(tx, second, "done")
        })
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work("y", "x"));
        work("x", "y").unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!(tries.into_inner(), 3, "one of the two was replayed");
    assert_eq!(db.rows("SELECT value FROM meta WHERE key IN ('x', 'y')"), [["done"], ["done"]]);
}

/// The reading transaction of another connection cannot be in the way.
#[test]
fn readers_do_not_hold_up_a_writer() {
    each_engine(|db| {
        let (tell, told) = mpsc::channel();
        let mut reader = db.open();
        read(&mut reader, |tx| {
            schema::meta(tx, "schema_version")?;
            seed(&mut db.open(), &["a"]);
            tell.send(()).unwrap();
            Ok(())
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(1)), Ok(()));
    });
}

#[test]
fn a_server_that_is_not_there_is_a_lost_connection() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = Db::open(Target::Postgres(&format!("postgres://x@127.0.0.1:{port}/x")), Duration::from_secs(1)).err().unwrap();
    assert!(matches!(refused, StoreError::Connection(_)), "{refused:?}");
    let told = finops::error::Error::from(refused);
    assert_eq!(told.kind.exit_code() as u8, 75);
}

#[test]
fn a_file_that_is_not_there_is_not_made_by_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    assert!(Db::open(Target::Sqlite(&path), Duration::ZERO).is_err());
    assert!(!path.exists(), "a mistyped path must not become a new business");
}
