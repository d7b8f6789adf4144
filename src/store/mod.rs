//! The two engines behind one small `Db` and `Tx`, and the SQL: each statement once, beside its
//! function, one file an aggregate.
//!
//! A statement is a `const` with `$1` placeholders that both engines understand; what must differ
//! is a named method in the engine's own file, with the reason. Writing transactions are
//! `BEGIN IMMEDIATE` on SQLite; whole transactions are replayed when the engine says that two met
//! (SQLITE_BUSY, SQLSTATE 40001 and 40P01), so a closure given to `Db::write` may run more than
//! once and must do nothing but read and write through its `Tx`.

mod postgres;
mod sqlite;
mod tls;
mod value;

pub mod audit;
pub mod billing;
pub mod check;
pub mod claims;
pub mod companies;
pub mod contracts;
pub mod documents;
pub mod effects;
pub mod invoices;
pub mod items;
pub mod numbers;
pub mod payments;
pub mod runs;
pub mod schema;
pub mod sellers;

pub use value::{Bulk, Kind, Row, Val};

use crate::error::{Error, ErrorKind};
use std::path::Path;
use std::time::Duration;

/// Which database to open.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Sqlite(&'a Path),
    /// The whole URL, with its password.
    Postgres(&'a str),
}

/// What the database said, sorted by what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Two writers met; the transaction may be replayed.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A unique, foreign key or check constraint, or the immutability guard, refused a row.
    #[error("the database refused it: {0}")]
    Constraint(String),
    /// No connection, or it was lost.
    #[error("no connection to the database: {0}")]
    Connection(String),
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// A stored value cannot be what it should be.
    #[error("column {column} holds {value:?}: {reason}")]
    Corrupt { column: usize, value: String, reason: String },
    /// Anything else, in the engine's words.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// Whether the same transaction may succeed when it is replayed.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) => true,
            Self::Constraint(_) | Self::Connection(_) | Self::Full(_) | Self::Corrupt { .. } | Self::Other(_) => false,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let (kind, hint) = match &error {
            StoreError::Busy(_) => {
                (ErrorKind::TryLater, Some("another process is writing; run the same command again in a moment"))
            }
            StoreError::Connection(_) => {
                (ErrorKind::TryLater, Some("check that the database server runs and that the URL is right: finops doctor"))
            }
            StoreError::Full(_) => {
                (ErrorKind::Failed, Some("nothing was half-written: free some space, then run the same command again"))
            }
            StoreError::Corrupt { .. } => {
                (ErrorKind::Failed, Some("the database was changed by something else: finops db check tells more"))
            }
            StoreError::Constraint(_) | StoreError::Other(_) => (ErrorKind::Failed, None),
        };
        let told = Self::new(kind, error.to_string()).caused_by(error);
        match hint {
            Some(hint) => told.hint(hint),
            None => told,
        }
    }
}

/// One connection to the database.
pub struct Db {
    engine: Engine,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(Box<postgres::Postgres>),
}

/// A transaction. Dropped without a commit (an error, a panic), it is rolled back.
pub struct Tx<'a> {
    engine: TxEngine<'a>,
}

enum TxEngine<'a> {
    Sqlite(&'a mut sqlite::Sqlite),
    Postgres(&'a mut postgres::Postgres),
}

/// Replays of a transaction that met another one, before the caller is told (reliability.md).
const REPLAYS: u32 = 5;

impl Db {
    /// Opens an existing database and leaves its schema as it is. `statement_timeout` is set on
    /// every Postgres connection; on SQLite it is how long a writer waits for another.
    pub fn open(target: Target, statement_timeout: Duration) -> Result<Self, StoreError> {
        let engine = match target {
            Target::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, statement_timeout)?),
            Target::Postgres(url) => Engine::Postgres(Box::new(postgres::Postgres::connect(url, statement_timeout)?)),
        };
        Ok(Self { engine })
    }

    /// Opens a database to set it up: a SQLite file that is not there is made, readable by its
    /// owner alone. A Postgres database must exist; its server is the one to make it.
    pub fn open_or_create(target: Target, statement_timeout: Duration) -> Result<Self, StoreError> {
        if let Target::Sqlite(path) = target {
            sqlite::create_file(path)?;
        }
        Self::open(target, statement_timeout)
    }

    /// Whether several processes share the work of one job (by claims on companies). On SQLite one
    /// works at a time, since there is one writer anyway.
    pub const fn shares_work(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// The file beside which locks are kept, on SQLite.
    pub fn file(&self) -> Option<&Path> {
        match &self.engine {
            Engine::Sqlite(engine) => Some(engine.path()),
            Engine::Postgres(_) => None,
        }
    }

    /// What the engine's own check of the whole database finds; empty when all is well.
    pub fn integrity_problems(&mut self) -> Result<Vec<String>, StoreError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.integrity_problems(),
            // Postgres checks its pages itself (data checksums, amcheck); there is no such statement.
            Engine::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// `sqlite` or `postgres`.
    pub const fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Runs `work` in one transaction that only reads, over one state of the database.
    pub fn read<R, E: From<StoreError>>(&mut self, work: impl FnOnce(&mut Tx) -> Result<R, E>) -> Result<R, E> {
        self.begin(false)?;
        let result = work(&mut self.tx());
        // Nothing was written: a rollback ends it just as well, and cannot fail in a way that matters.
        let ended = self.end(false);
        let value = result?;
        ended?;
        Ok(value)
    }

    /// Runs `work` in one writing transaction: committed when it returns `Ok`, rolled back when it
    /// returns an error, replayed (five times, with growing pauses) when it met another one.
    pub fn write<R, E: From<StoreError> + Transient>(&mut self, work: impl FnMut(&mut Tx) -> Result<R, E>) -> Result<R, E> {
        self.replayed(true, work)
    }

    /// The same, rolled back in any case: what `--dry-run` calls where the plan is the writing itself.
    pub fn rehearse<R, E: From<StoreError> + Transient>(&mut self, work: impl FnMut(&mut Tx) -> Result<R, E>) -> Result<R, E> {
        self.replayed(false, work)
    }

    fn replayed<R, E: From<StoreError> + Transient>(
        &mut self,
        commit: bool,
        mut work: impl FnMut(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut attempt = 0;
        loop {
            let result = self.try_write(commit, &mut work);
            match result {
                Err(error) if error.is_transient() && attempt < REPLAYS => {
                    attempt += 1;
                    std::thread::sleep(Duration::from_millis(20 << attempt));
                }
                other => return other,
            }
        }
    }

    /// A write whose loss at a power cut does no harm (a heartbeat): nothing waits for the disk.
    /// The connection stays so, and is for nothing else any more.
    pub fn last_write_unflushed<R, E: From<StoreError> + Transient>(
        &mut self,
        work: impl FnMut(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.stop_flushing()?,
            Engine::Postgres(engine) => engine.stop_flushing()?,
        }
        self.write(work)
    }

    fn try_write<R, E: From<StoreError>>(
        &mut self,
        commit: bool,
        work: &mut impl FnMut(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        self.begin(true)?;
        match work(&mut self.tx()) {
            Ok(value) => {
                self.end(commit)?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to tell; a failed rollback means that the connection is gone.
                let _ = self.end(false);
                Err(error)
            }
        }
    }

    fn tx(&mut self) -> Tx<'_> {
        let engine = match &mut self.engine {
            Engine::Sqlite(engine) => TxEngine::Sqlite(engine),
            Engine::Postgres(engine) => TxEngine::Postgres(engine),
        };
        Tx { engine }
    }

    fn begin(&mut self, writing: bool) -> Result<(), StoreError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.begin(writing),
            Engine::Postgres(engine) => engine.begin(writing),
        }
    }

    fn end(&mut self, commit: bool) -> Result<(), StoreError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.end(commit),
            Engine::Postgres(engine) => engine.end(commit),
        }
    }
}

/// An error that knows whether the same transaction may be replayed.
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for StoreError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        self.source.as_ref().and_then(|s| s.downcast_ref::<StoreError>()).is_some_and(StoreError::is_transient)
    }
}

impl Tx<'_> {
    /// Runs one statement and returns how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Val]) -> Result<u64, StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.execute(sql, params),
            TxEngine::Postgres(engine) => engine.execute(sql, params),
        }
    }

    /// Reads all rows of one statement.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Val],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.for_each(sql, params, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Reads the first row of one statement, if there is one.
    pub fn query_opt<T>(
        &mut self,
        sql: &'static str,
        params: &[Val],
        read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, params, read)?.into_iter().next())
    }

    fn for_each(
        &mut self,
        sql: &'static str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each(sql, params, each),
            TxEngine::Postgres(engine) => engine.for_each(sql, params, each),
        }
    }

    /// Reads the rows of many companies. The statement says `company_id = $1` and starts with that
    /// column; rows come company by company, in the order of `companies`, which must ascend.
    pub fn query_companies<T>(
        &mut self,
        sql: &'static str,
        companies: &[&str],
        params: &[Val],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let each = &mut |row: &Row| {
            rows.push(read(row)?);
            Ok(())
        };
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each_company(sql, companies, params, each),
            TxEngine::Postgres(engine) => engine.for_each_company(sql, companies, params, each),
        }?;
        Ok(rows)
    }

    /// Writes many rows by one statement and returns how many were written (fewer than were given
    /// when the conflict clause left some out).
    pub fn insert<'v, const N: usize>(
        &mut self,
        bulk: &'static Bulk<N>,
        rows: impl IntoIterator<Item = [Val<'v>; N]>,
    ) -> Result<u64, StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.insert(bulk, rows),
            TxEngine::Postgres(engine) => engine.insert(bulk, rows),
        }
    }

    /// Runs a script of several statements without parameters (schema, migrations).
    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.script(sql),
            TxEngine::Postgres(engine) => engine.script(sql),
        }
    }

    /// Whether this engine runs on SQLite, for the few places where a choice is the engine's.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.engine, TxEngine::Sqlite(_))
    }

    /// Keeps what is known of these companies (ids ascending) from changing under a plan: whoever
    /// bills, imports or corrects holds them first, and then reads. SQLite has one writer anyway.
    pub fn hold_companies(&mut self, companies: &[&str]) -> Result<(), StoreError> {
        const SQL: &str = "SELECT company_id FROM companies WHERE company_id = $1 FOR NO KEY UPDATE";
        match &mut self.engine {
            TxEngine::Sqlite(_) => Ok(()),
            TxEngine::Postgres(engine) => engine.for_each_company(SQL, companies, &[], &mut |_| Ok(())),
        }
    }

    /// Keeps these sellers and their tax rates as they are until the transaction ends, so that a
    /// plan and an import that changes what it was made from cannot pass each other. SQLite has
    /// one writer at a time anyway.
    pub fn hold_sellers(&mut self) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(_) => Ok(()),
            TxEngine::Postgres(engine) => engine.script("SELECT 1 FROM sellers ORDER BY seller_id FOR SHARE"),
        }
    }
}
