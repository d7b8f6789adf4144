//! What a database refuses because of how it is set up: told as what it is, with what to do, and with
//! the exit code that scripts see.

use crate::support::{TestDb, now, postgres};
use finops::error::Error;
use finops::store::{Db, Setup, StoreError, Target, schema};
use std::path::Path;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(10);

#[track_caller]
fn refused<T>(result: Result<T, StoreError>) -> StoreError {
    result.err().expect("it is refused")
}

/// Exit 78, and the hint.
#[track_caller]
fn is_setup(error: StoreError, expected: Setup) {
    assert!(matches!(error, StoreError::Setup(setup, _) if setup == expected), "{error:?}");
    let told = Error::from(error);
    assert_eq!((told.kind.exit_code() as u8, told.hint.is_some()), (78, true), "{told:?}");
}

fn open(url: &str) -> Result<Db, StoreError> {
    Db::open(Target::Postgres(url), TIMEOUT)
}

#[test]
fn a_login_that_the_server_refuses_is_a_matter_of_configuration() {
    let prepare = |folder: &Path| {
        let path = folder.join("data/pg_hba.conf");
        let rest = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("host all locked all scram-sha-256\nhost all banned all reject\n{rest}")).unwrap();
    };
    let Some(server) = postgres::start(&[], prepare) else { return };
    server.client("postgres").batch_execute("CREATE ROLE locked LOGIN PASSWORD 'right'; CREATE ROLE banned LOGIN").unwrap();
    let url = server.url("postgres");
    for user in ["locked:wrong", "locked", "banned", "nobody-at-all"] {
        is_setup(refused(open(&url.replace("finops@", &format!("{user}@")))), Setup::Login);
    }
    assert!(open(&url.replace("finops@", "locked:right@")).is_ok());
}

#[test]
fn what_the_server_lacks_is_told() {
    let Some(server) = postgres::server() else { return };
    let missing = refused(open(&server.url("nothing")));
    assert!(missing.to_string().contains("nothing"), "{missing}");
    is_setup(missing, Setup::NoDatabase);
    let admin = |sql: &str| server.client("postgres").batch_execute(sql).unwrap();
    for (encoding, name) in [("LATIN1", "latin"), ("SQL_ASCII", "bytes")] {
        admin(&format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"));
        is_setup(refused(open(&server.url(name))), Setup::Encoding);
        server.drop(name);
    }
}

#[test]
fn what_the_user_may_not_do_is_told() {
    let Some(db) = TestDb::postgres() else { return };
    schema::migrate(&mut db.open(), now()).unwrap();
    db.execute("CREATE ROLE guest LOGIN").unwrap();
    let mut guest = open(&db.url().replace("finops@", "guest@")).unwrap();
    is_setup(refused(guest.read(|tx| schema::meta(tx, "schema_version"))), Setup::Denied);
    drop(guest);
    db.execute("DROP ROLE guest").unwrap();
}

#[test]
fn a_statement_that_takes_too_long_may_be_tried_later() {
    let Some(db) = TestDb::postgres() else { return };
    let mut hasty = db.try_open(Duration::from_millis(100)).unwrap();
    let slow = refused(hasty.read(|tx| tx.query_opt("SELECT 1 FROM pg_sleep(10)", &[], |_| Ok::<_, StoreError>(()))));
    assert!(matches!(slow, StoreError::Timeout(_)), "{slow:?}");
    let told = Error::from(slow);
    assert_eq!(told.kind.exit_code() as u8, 75);
    assert!(told.hint.is_some_and(|hint| hint.contains("statement_timeout_s")));
}

#[test]
fn a_url_that_cannot_be_read_is_told_without_its_password() {
    for url in [
        "postgres://joe:canary@h:99999/d",
        "postgres://joe:canary@h/d?sslmode=bogus",
        "postgres://joe:canary@h/d?canary-option=1",
        "postgres:///d",
    ] {
        let error = refused(open(url));
        assert!(!error.to_string().contains("canary"), "{error}");
        is_setup(error, Setup::Url);
    }
}

#[test]
fn the_wait_for_another_writer_is_bounded_in_all() {
    let db = TestDb::sqlite();
    schema::migrate(&mut db.open(), now()).unwrap();
    let mut patient = db.try_open(Duration::from_millis(1800)).unwrap();
    let other = db.rusqlite();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let busy = refused(patient.write(|tx| schema::set_meta(tx, "k", "v")));
    let waited = started.elapsed();
    assert!(matches!(busy, StoreError::Busy(_)), "{busy:?}");
    assert!((Duration::from_millis(1700)..Duration::from_secs(6)).contains(&waited), "{waited:?}");
}

/// A database of another program.
fn foreign(db: &TestDb) {
    db.execute("CREATE TABLE meta (name TEXT, version TEXT); CREATE TABLE companies (id TEXT)").unwrap();
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let db = TestDb::sqlite();
    foreign(&db);
    let path = db.open().file().unwrap().to_owned();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(db.open().read(schema::status).unwrap(), schema::Status::Foreign);
    assert_eq!(schema::migrate(&mut db.open(), now()).unwrap(), Vec::<&str>::new());
    assert!(std::fs::read(&path).unwrap() == before, "not even its journal is another");
    if let Some(db) = TestDb::postgres() {
        foreign(&db);
        assert_eq!(db.open().read(schema::status).unwrap(), schema::Status::Foreign);
        assert_eq!(schema::migrate(&mut db.open(), now()).unwrap(), Vec::<&str>::new());
    }
}

#[test]
fn a_new_database_keeps_a_wal() {
    let db = TestDb::sqlite();
    schema::migrate(&mut db.open(), now()).unwrap();
    let facts = db.open().read(schema::engine_facts).unwrap();
    assert_eq!(facts.journal_mode.as_deref(), Some("wal"));
}

#[test]
fn what_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.db");
    for content in [&b"x"[..], &[b'x'; 4096]] {
        std::fs::write(&path, content).unwrap();
        let error = refused(Db::open(Target::Sqlite(&path), TIMEOUT).and_then(|mut db| db.read(schema::status)));
        assert!(matches!(&error, StoreError::Damaged(text) if text.contains("letter.db")), "{error:?}");
        assert!(Error::from(error).hint.is_some());
    }
    is_setup(refused(Db::open(Target::Sqlite(folder.path()), TIMEOUT).and_then(|mut db| db.read(schema::status))), Setup::File);
    let lost = folder.path().join("no/books.db");
    is_setup(refused(Db::open(Target::Sqlite(&lost), TIMEOUT)), Setup::NoFile);
    is_setup(refused(Db::open_or_create(Target::Sqlite(&lost), TIMEOUT)), Setup::NoFolder);
}
