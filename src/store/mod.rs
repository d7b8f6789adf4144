//! The two engines behind one small `Db` and `Tx`, and the SQL: each statement once, beside its
//! function, one file an aggregate.
//!
//! A statement is a `const` with `$1` placeholders that both engines understand; what must differ
//! is a named method in the engine's own file, with the reason. Writing transactions are
//! `BEGIN IMMEDIATE` on SQLite; whole transactions are replayed when the engine says that two met
//! (SQLITE_BUSY, SQLSTATE 40001 and 40P01), so a closure given to `Db::write` may run more than
//! once and must do nothing but read and write through its `Tx`.

pub mod copy;
mod error;
mod keys;
mod postgres;
mod sqlite;
mod statistics;
mod tls;
mod tx;
mod value;

pub mod alerts;
pub mod audit;
pub mod billing;
pub mod check;
pub mod claims;
pub mod companies;
pub mod contacts;
pub mod contracts;
pub mod credit;
pub mod digests;
pub mod distribute;
pub mod documents;
pub mod dunning;
pub mod effects;
pub mod events;
pub mod invoices;
pub mod items;
pub mod notifications;
pub mod numbers;
pub mod openings;
pub mod pauses;
pub mod payments;
pub mod plans;
pub mod runs;
pub mod schema;
pub mod sellers;
pub mod statement;
pub mod usage;

pub use error::{Setup, StoreError, Transient, is_of_the_database};
pub use tls::check_url;
pub use value::{Bulk, Kind, Row, Val};

use std::path::Path;
use std::time::Duration;

/// Which database to open.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Sqlite(&'a Path),
    /// The whole URL, with its password.
    Postgres(&'a str),
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

/// Pauses before each new connection in place of a lost one, in milliseconds: half a minute in all,
/// which is what a restart or a failover of a server takes. The last one waits for the next run of cron.
const RECONNECT_MS: [u64; 9] = [100, 200, 400, 800, 1_500, 3_000, 6_000, 8_000, 10_000];

/// Replays of a transaction that met another one, before the caller is told (reliability.md).
const REPLAYS: u32 = 5;

impl Db {
    /// Opens an existing database and changes nothing in it, since it may be somebody else's.
    /// `timeout` is how long one statement may take on Postgres; on SQLite, how long a writer
    /// waits for another, all replays together.
    pub fn open(target: Target, timeout: Duration) -> Result<Self, StoreError> {
        let engine = match target {
            Target::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, timeout / (REPLAYS + 1))?),
            Target::Postgres(url) => Engine::Postgres(Box::new(postgres::Postgres::connect(url, timeout)?)),
        };
        Ok(Self { engine })
    }

    /// Opens a database to set it up: a SQLite file that is not there is made, readable by its
    /// owner alone. A Postgres database must exist; its server is the one to make it.
    pub fn open_or_create(target: Target, timeout: Duration) -> Result<Self, StoreError> {
        if let Target::Sqlite(path) = target {
            sqlite::create_file(path)?;
        }
        Self::open(target, timeout)
    }

    /// Sees to it that SQLite keeps a WAL, which is a property of the file: only for a database
    /// that is known to be of finops.
    pub fn keep_wal(&mut self) -> Result<(), StoreError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.keep_wal(),
            Engine::Postgres(_) => Ok(()),
        }
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

    /// Writes what must get in, such as the result of a call that was made. As [`Db::write`], and
    /// when the connection is lost, it is made anew (for half a minute) and `work` runs again, also
    /// when nobody knows whether the COMMIT got through. So `work` must find what it did before: by
    /// a key, by a state that it compares, by a counter. It finds it surely when that write is the
    /// first thing that it does: the row lock of a lost transaction that still goes on is waited for.
    pub fn write_surely<R, E: From<StoreError> + Transient>(
        &mut self,
        mut work: impl FnMut(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut pauses = RECONNECT_MS.into_iter().map(Duration::from_millis);
        loop {
            match self.replayed(true, &mut work) {
                Err(error) if error.is_lost_connection() && self.reconnect(&mut pauses) => {}
                result => return result,
            }
        }
    }

    /// As [`Db::write_surely`], but on SQLite nothing waits for the disk: whatever becomes of this
    /// process, it is in; a power cut may take it back. On Postgres it is flushed, since from outside
    /// nobody could tell whether the server lost it.
    pub fn write_unflushed<R, E: From<StoreError> + Transient>(
        &mut self,
        work: impl FnMut(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        if let Engine::Sqlite(engine) = &mut self.engine {
            engine.flush_commits(false)?;
        }
        let written = self.write_surely(work);
        if let Engine::Sqlite(engine) = &mut self.engine {
            engine.flush_commits(true)?;
        }
        written
    }

    /// False when there is no connection to be had within the pauses that are left.
    fn reconnect(&mut self, pauses: &mut impl Iterator<Item = Duration>) -> bool {
        let Engine::Postgres(engine) = &mut self.engine else { return false };
        for pause in pauses {
            std::thread::sleep(pause);
            match engine.reconnect() {
                Err(error) if error.is_lost_connection() => {}
                result => return result.is_ok(),
            }
        }
        false
    }

    /// As [`Db::write`], rolled back in any case: what `--dry-run` calls where the plan is the writing itself.
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
        let result = work(&mut self.tx());
        match result {
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
