//! Creating a database, moving it to the schema of this build, and refusing a newer one.
//!
//! A new database is made from `schema.sql`; an older one goes through the steps it lacks. A test
//! proves that both ways lead to the same schema.

use super::{Db, StoreError, Tx, Val, statistics};
use chrono::{DateTime, Utc};

/// The whole schema, as it is now.
pub(super) const SCHEMA: &str = include_str!("../../schema.sql");

/// One step: append-only, never edited once released.
struct Step {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const STEPS: &[Step] = &[
    Step { version: 1, name: "initial", sql: include_str!("migrations/0001_initial.sql") },
    Step { version: 2, name: "effects", sql: include_str!("migrations/0002_effects.sql") },
    Step { version: 3, name: "messages", sql: include_str!("migrations/0003_messages.sql") },
    Step { version: 4, name: "corrections", sql: include_str!("migrations/0004_corrections.sql") },
    Step { version: 5, name: "prices", sql: include_str!("migrations/0005_prices.sql") },
    Step { version: 6, name: "moving", sql: include_str!("migrations/0006_moving.sql") },
    Step { version: 7, name: "changes", sql: include_str!("migrations/0007_changes.sql") },
    Step { version: 8, name: "history", sql: include_str!("migrations/0008_history.sql") },
    Step { version: 9, name: "steps", sql: include_str!("migrations/0009_steps.sql") },
    Step { version: 10, name: "closings", sql: include_str!("migrations/0010_closings.sql") },
];

/// The schema that this build works with.
pub const VERSION: i64 = STEPS[STEPS.len() - 1].version;

/// What stands in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No table at all.
    Empty,
    /// Tables of something else, and not finops': hands off.
    Foreign,
    /// Older than this build: `finops db migrate` brings it up.
    Older(i64),
    Current,
    /// Made by a newer build; this one must not touch it.
    Newer(i64),
}

/// Compares a database with this build.
pub fn status(tx: &mut Tx) -> Result<Status, StoreError> {
    let tables = tables(tx)?;
    if !OWN.iter().all(|own| tables.iter().any(|table| table == own)) {
        return Ok(if tables.is_empty() { Status::Empty } else { Status::Foreign });
    }
    let version = meta(tx, "schema_version")?.and_then(|v| v.parse().ok()).unwrap_or(0);
    Ok(match version {
        VERSION => Status::Current,
        older if older < VERSION => Status::Older(older),
        newer => Status::Newer(newer),
    })
}

/// What every database of finops holds since the first step.
const OWN: [&str; 2] = ["meta", "migrations"];

/// The names of the tables where finops looks for its own.
fn tables(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    // The engines list their tables in different places; this is the one question asked of them.
    const SQLITE: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'";
    // An extension (PostGIS) may keep tables of its own in any schema.
    const POSTGRES: &str =
        "SELECT CAST(c.relname AS TEXT) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = CURRENT_SCHEMA AND c.relkind IN ('r', 'p') AND NOT EXISTS
        (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'e')";
    tx.query(if tx.is_sqlite() { SQLITE } else { POSTGRES }, &[], |row| row.string(0))
}

/// What the engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// `3.54.1`, `15.18 (Debian …)`.
    pub version: String,
    /// SQLite's: `wal`.
    pub journal_mode: Option<String>,
}

/// The engine's version and, on SQLite, how it keeps its journal.
pub fn engine_facts(tx: &mut Tx) -> Result<EngineFacts, StoreError> {
    const SQLITE: &str = "SELECT sqlite_version()";
    const POSTGRES: &str = "SELECT current_setting('server_version')";
    const JOURNAL: &str = "PRAGMA journal_mode";
    let sqlite = tx.is_sqlite();
    let version = tx.query_opt(if sqlite { SQLITE } else { POSTGRES }, &[], |row| row.string(0))?.unwrap_or_default();
    let journal_mode = if sqlite { tx.query_opt(JOURNAL, &[], |row| row.string(0))? } else { None };
    Ok(EngineFacts { version, journal_mode })
}

/// A fact about the database.
pub fn meta(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT value FROM meta WHERE key = $1";
    tx.query_opt(SQL, &[key.into()], |row| row.string(0))
}

/// When a step of the schema was applied.
pub fn applied_at(tx: &mut Tx, version: i64) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT applied_at FROM migrations WHERE version = $1";
    tx.query_opt(SQL, &[version.into()], |row| row.instant(0))
}

/// Writes a fact about the database.
pub fn set_meta(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(SQL, &[key.into(), value.into()]).map(drop)
}

/// Whether the database is one to try things out in: it takes any clock.
pub fn is_test(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(meta(tx, TEST)?.as_deref() == Some("true"))
}

/// Makes it one, for good.
pub fn mark_as_test(tx: &mut Tx) -> Result<(), StoreError> {
    set_meta(tx, TEST, "true")
}

const TEST: &str = "test";

/// The fact under which the database's own id stands.
pub const DATABASE_ID: &str = "database_id";

/// The database's own id. It goes with every copy; one that has none yet (made by an older build)
/// is given `new`.
pub fn database_id(tx: &mut Tx, new: &str) -> Result<String, StoreError> {
    const SQL: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    if let Some(id) = meta(tx, DATABASE_ID)? {
        return Ok(id);
    }
    tx.execute(SQL, &[DATABASE_ID.into(), new.into()])?;
    Ok(meta(tx, DATABASE_ID)?.unwrap_or_default())
}

/// Names of steps that were applied, in order; empty when there was nothing to do, or nothing that
/// may be done: a newer database, or one of something else, is left alone.
pub fn migrate(db: &mut Db, now: DateTime<Utc>) -> Result<Vec<&'static str>, StoreError> {
    match db.read(status)? {
        Status::Current | Status::Newer(_) | Status::Foreign => Ok(Vec::new()),
        Status::Empty => {
            db.keep_wal()?;
            db.write(|tx| create(tx, now))?;
            Ok(vec!["schema.sql"])
        }
        Status::Older(version) => {
            db.keep_wal()?;
            let mut applied = Vec::new();
            for step in STEPS.iter().filter(|s| s.version > version) {
                db.write(|tx| apply(tx, step, now))?;
                applied.push(step.name);
            }
            Ok(applied)
        }
    }
}

fn create(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.script(&for_engine(SCHEMA, tx.is_sqlite()))?;
    set_meta(tx, "created_at", &super::value::instant(now))?;
    for step in STEPS {
        note(tx, step, now)?;
    }
    statistics::put(tx)
}

fn apply(tx: &mut Tx, step: &Step, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.script(&for_engine(step.sql, tx.is_sqlite()))?;
    note(tx, step, now)?;
    // They are of the schema as it is now.
    if step.version == VERSION { statistics::put(tx) } else { Ok(()) }
}

fn note(tx: &mut Tx, step: &Step, now: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO migrations (version, name, applied_at) VALUES ($1, $2, $3)";
    tx.execute(SQL, &[Val::Int(step.version), step.name.into(), now.into()])?;
    set_meta(tx, "schema_version", &step.version.to_string())
}

/// The text of the schema for one engine: the sections of the other one are left out, and for
/// Postgres the types are put into its words. Keys are compared byte by byte (`COLLATE "C"`),
/// since a page that starts after a key must mean the same on both.
pub(super) fn for_engine(sql: &str, sqlite: bool) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut keep = true;
    let mut portable = true;
    for line in sql.lines() {
        match line.trim_end() {
            "-- @sqlite" => (keep, portable) = (sqlite, false),
            "-- @postgres" => (keep, portable) = (!sqlite, false),
            "-- @end" => (keep, portable) = (true, true),
            _ if !keep => {}
            line if portable && !sqlite && !line.starts_with("--") => {
                text.push_str(&postgres_words(line));
                text.push('\n');
            }
            line => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn postgres_words(line: &str) -> String {
    line.replace(" INTEGER", " BIGINT")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
        .replace(" BLOB", " BYTEA")
        .replace(") STRICT, WITHOUT ROWID;", ");")
        .replace(") STRICT;", ");")
}

/// Makes a database by its steps alone, up to a version: for the tests that compare it with
/// `schema.sql`, and that bring an older one up.
pub fn create_by_steps(db: &mut Db, version: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
    for step in STEPS.iter().filter(|step| step.version <= version) {
        db.write(|tx| apply(tx, step, now))?;
    }
    Ok(())
}
