//! SQLite: one file, one writer at a time.
//!
//! WAL with `synchronous=FULL`: a committed transaction survives a power cut. Every writing
//! transaction is `BEGIN IMMEDIATE`, since a deferred one that upgrades fails at once with
//! SQLITE_BUSY_SNAPSHOT instead of waiting.

use super::copy::{Cell, Table, insert_sql};
use super::keys::ByKey;
use super::value::Address;
use super::value::Inner;
use super::{Bulk, Row, Setup, StoreError, Val};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A database has a page of at least so many bytes (sqlite.org/fileformat.html).
const HEADER_BYTES: u64 = 512;

pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// `$1` rewritten to `?1`: SQLite would otherwise number them by first appearance.
    rewritten: HashMap<Address, String>,
}

impl Sqlite {
    /// Opens the file, which must exist: a mistyped path must not become a new, empty business. It
    /// may be another program's, so nothing is set but what concerns this connection alone.
    /// `busy_timeout` is how long one statement waits for another writer.
    pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Setup(Setup::NoFile, format!("there is no database at sqlite:{}", path.display())));
        }
        // SQLite takes a fragment of a header for an empty database, and would write over it.
        if std::fs::metadata(path).is_ok_and(|file| file.is_file() && (1..HEADER_BYTES).contains(&file.len())) {
            return Err(StoreError::Damaged(format!("{}: file is not a database", path.display())));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(told_of(path))?;
        connection.busy_timeout(busy_timeout).map_err(told_of(path))?;
        connection.set_prepared_statement_cache_capacity(256);
        // The plan that the tests look at is the one that runs; else SQLite would plan anew for each value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(told_of(path))?;
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768;
                 PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
            )
            .map_err(told_of(path))?;
        Ok(Self { connection, path: path.to_owned(), rewritten: HashMap::new() })
    }

    /// The mode is kept in the file: it is written once.
    pub(super) fn keep_wal(&mut self) -> Result<(), StoreError> {
        let mode: String = self.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(told_of(&self.path))?;
        if mode == "wal" { Ok(()) } else { self.script("PRAGMA journal_mode = WAL") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn integrity_problems(&mut self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        for (pragma, columns) in [("PRAGMA integrity_check", 1), ("PRAGMA foreign_key_check", 4)] {
            let mut statement = self.connection.prepare(pragma).map_err(told_of(&self.path))?;
            let mut rows = statement.query([]).map_err(told_of(&self.path))?;
            while let Some(row) = rows.next().map_err(told_of(&self.path))? {
                let cells: Vec<String> =
                    (0..columns).map(|c| row.get::<_, Value>(c).map(|v| shown(&v)).unwrap_or_default()).collect();
                problems.push(cells.join(" "));
            }
        }
        problems.retain(|p| p != "ok");
        Ok(problems)
    }

    /// In WAL mode, NORMAL leaves out the flush at each commit; without a checkpoint at closing,
    /// the frames wait in the WAL for the next run that has work. Both stay consistent in a crash.
    pub(super) fn stop_flushing(&mut self) -> Result<(), StoreError> {
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(told_of(&self.path))?;
        self.script("PRAGMA synchronous = NORMAL")
    }

    /// Whether a commit waits for the disk. Only between transactions.
    pub(super) fn flush_commits(&mut self, flush: bool) -> Result<(), StoreError> {
        self.script(if flush { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" })
    }

    pub(super) fn begin(&mut self, writing: bool) -> Result<(), StoreError> {
        self.execute(if writing { "BEGIN IMMEDIATE" } else { "BEGIN" }, &[]).map(drop)
    }

    pub(super) fn end(&mut self, commit: bool) -> Result<(), StoreError> {
        if commit {
            let committed = self.execute("COMMIT", &[]).map(drop);
            if committed.is_err() {
                // A failed COMMIT (disk full) leaves the transaction open.
                let _ = self.script("ROLLBACK");
            }
            return committed;
        }
        // Some errors (disk full) have rolled back already.
        if self.connection.is_autocommit() { Ok(()) } else { self.script("ROLLBACK") }
    }

    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(told_of(&self.path))
    }

    pub(super) fn execute(&mut self, sql: &'static str, params: &[Val]) -> Result<u64, StoreError> {
        let sql = rewrite(&mut self.rewritten, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        let changed = statement.execute(rusqlite::params_from_iter(params)).map_err(told_of(&self.path))?;
        Ok(changed as u64)
    }

    pub(super) fn for_each(
        &mut self,
        sql: &'static str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = rewrite(&mut self.rewritten, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(told_of(&self.path))?;
        while let Some(row) = rows.next().map_err(told_of(&self.path))? {
            each(&Row(Inner::Sqlite(row)))?;
        }
        Ok(())
    }

    /// A loop of prepared look-ups: in one process that costs less than any list of keys.
    pub(super) fn for_each_company(
        &mut self,
        sql: &'static str,
        companies: &[&str],
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = rewrite(&mut self.rewritten, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        for company in companies {
            statement.raw_bind_parameter(1, *company).map_err(told_of(&self.path))?;
            for (index, value) in params.iter().enumerate() {
                statement.raw_bind_parameter(index + 2, value).map_err(told_of(&self.path))?;
            }
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().map_err(told_of(&self.path))? {
                each(&Row(Inner::Sqlite(row)))?;
            }
        }
        Ok(())
    }

    /// A loop of prepared look-ups of keys that ascend; none where nothing lies between the first and the last
    /// of a company, as when keys ascend from one import to the next.
    pub(super) fn for_each_key(
        &mut self,
        sql: &'static str,
        keys: &[(&str, &str)],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let any_between = ByKey::of(sql).map(|by_key| by_key.any_between());
        let sql = rewrite(&mut self.rewritten, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        for of_company in keys.chunk_by(|one, next| one.0 == next.0) {
            if let (Some(any), [first, .., last]) = (&any_between, of_company) {
                let mut any = self.connection.prepare_cached(any).map_err(told_of(&self.path))?;
                if !any.exists([first.0, first.1, last.1]).map_err(told_of(&self.path))? {
                    continue;
                }
            }
            for (company, key) in of_company {
                statement.raw_bind_parameter(1, *company).map_err(told_of(&self.path))?;
                statement.raw_bind_parameter(2, *key).map_err(told_of(&self.path))?;
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next().map_err(told_of(&self.path))? {
                    each(&Row(Inner::Sqlite(row)))?;
                }
            }
        }
        Ok(())
    }

    /// A loop of prepared look-ups, as of companies.
    pub(super) fn for_each_range(
        &mut self,
        sql: &'static str,
        company: &str,
        ranges: &[(String, String)],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = rewrite(&mut self.rewritten, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        for (from, to) in ranges {
            for (index, value) in [company, from, to].into_iter().enumerate() {
                statement.raw_bind_parameter(index + 1, value).map_err(told_of(&self.path))?;
            }
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().map_err(told_of(&self.path))? {
                each(&Row(Inner::Sqlite(row)))?;
            }
        }
        Ok(())
    }

    /// One prepared statement, executed row by row.
    pub(super) fn insert<'v, const N: usize>(
        &mut self,
        bulk: &'static Bulk<N>,
        rows: impl IntoIterator<Item = [Val<'v>; N]>,
    ) -> Result<u64, StoreError> {
        let sql = self.rewritten.entry(bulk.address()).or_insert_with(|| {
            let places = (1..=N).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
            format!("INSERT INTO {} ({}) VALUES ({places}) {}", bulk.table, bulk.column_names(), bulk.on_conflict)
        });
        let mut statement = self.connection.prepare_cached(sql).map_err(told_of(&self.path))?;
        let mut written = 0;
        for row in rows {
            for (index, value) in row.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, value).map_err(told_of(&self.path))?;
            }
            written += statement.raw_execute().map_err(told_of(&self.path))? as u64;
        }
        Ok(written)
    }
}

impl Sqlite {
    /// A statement that is no constant (`copy`).
    pub(super) fn for_each_of(
        &mut self,
        sql: &str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(&sql.replace('$', "?")).map_err(told_of(&self.path))?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(told_of(&self.path))?;
        while let Some(row) = rows.next().map_err(told_of(&self.path))? {
            each(&Row(Inner::Sqlite(row)))?;
        }
        Ok(())
    }

    pub(super) fn insert_into(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        let places = (1..=table.columns.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let sql = insert_sql(table, &format!("VALUES ({places})"));
        let mut statement = self.connection.prepare_cached(&sql).map_err(told_of(&self.path))?;
        for row in rows {
            for (index, cell) in row.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, cell.as_val()).map_err(told_of(&self.path))?;
            }
            statement.raw_execute().map_err(told_of(&self.path))?;
        }
        Ok(())
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
    }
}

/// Makes an empty file that only its owner can read, if there is none: it will hold customers' data.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path).display();
            Err(StoreError::Setup(Setup::NoFolder, format!("there is no folder {folder} for the database")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Err(StoreError::Full(error.to_string())),
        Err(error) => Err(StoreError::Setup(Setup::File, format!("cannot create {}: {error}", path.display()))),
    }
}

/// Statements are constants, so their address names them: the text is rewritten once.
fn rewrite<'c>(cache: &'c mut HashMap<Address, String>, sql: &'static str) -> &'c str {
    cache.entry(Address::of(sql)).or_insert_with(|| sql.replace('$', "?"))
}

impl rusqlite::ToSql for Val<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Val::Null => ToSqlOutput::Owned(Value::Null),
            Val::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Val::Text(Cow::Borrowed(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Val::Text(Cow::Owned(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Val::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// The same error with the file that it is about, where the file is to blame.
fn told_of(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    move |error| {
        let text = || format!("{}: {error}", path.display());
        match error.sqlite_error_code() {
            _ if is_full(&error) => StoreError::Full(text()),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StoreError::Setup(Setup::File, text())
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged(text()),
            Some(ErrorCode::SystemIoFailure) => StoreError::Other(text()),
            _ => store_error(error),
        }
    }
}

pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(text),
        Some(ErrorCode::ConstraintViolation) => StoreError::Constraint(text),
        _ if is_full(&error) => StoreError::Full(text),
        _ => StoreError::Other(text),
    }
}

/// Also where no room is left for the index of the WAL, which SQLite calls an I/O error.
fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) || extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
