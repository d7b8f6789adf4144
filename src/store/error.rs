//! What a database can say, sorted by what can be done about it, and what a person is told to do.

use crate::error::{Error, ErrorKind};

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
    /// The connection was lost while a COMMIT was under way: it may be in, or not.
    #[error("the connection to the database was lost during a commit, so it is not known whether this was recorded: {0}")]
    Unanswered(String),
    /// A statement took longer than it may.
    #[error("the database took too long: {0}")]
    Timeout(String),
    /// The database cannot be used as it is set up; a person has to change that.
    #[error("{1}")]
    Setup(Setup, String),
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The file is no database, or no longer a sound one.
    #[error("{0}")]
    Damaged(String),
    /// A chain of the audit log was changed by something else.
    #[error("{0}")]
    Chain(String),
    /// A stored value cannot be what it should be.
    #[error("column {column} holds {value:?}: {reason}")]
    Corrupt { column: usize, value: String, reason: String },
    /// Anything else, in the engine's words.
    #[error("{0}")]
    Other(String),
}

/// What of the setup is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// The URL cannot be read by the driver.
    Url,
    /// Wrong user or password, or the server does not let this machine in.
    Login,
    /// The server has no database of that name.
    NoDatabase,
    /// TLS was asked for, and the server offers none.
    NoTls,
    /// The user may not do it.
    Denied,
    /// A database that cannot hold every text.
    Encoding,
    /// The engine keeps everything in one place.
    NoCluster,
    /// Postgres without the extension that makes a cluster of it.
    NoCitus,
    /// A table is spread over the cluster by something else than `finops db distribute` does it by.
    SpreadOtherwise,
    /// There is no SQLite file.
    NoFile,
    /// There is no folder for the SQLite file.
    NoFolder,
    /// The SQLite file, or its folder, cannot be opened or written to.
    File,
}

impl Setup {
    const fn hint(self) -> &'static str {
        match self {
            Self::Url => {
                "postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require; in a user or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25"
            }
            Self::Login => "check user and password in the URL of the database, and pg_hba.conf on the server",
            Self::NoDatabase => "make it on the server (createdb --encoding=UTF8 --template=template0 NAME), or correct the URL",
            Self::NoTls => "switch TLS on at the server (ssl = on); sslmode=disable is for a network that you trust",
            Self::Denied => "let the user of the URL own the database, or grant it what is missing",
            Self::Encoding => "make another one: createdb --encoding=UTF8 --template=template0 NAME",
            Self::NoCluster => "README, \"From a file to a cluster\": first move to Postgres, then to Postgres with Citus",
            Self::NoCitus => {
                "on every node: shared_preload_libraries = 'citus', a restart, CREATE EXTENSION citus in this database; then tell this one of the others (README, \"From a file to a cluster\")"
            }
            Self::SpreadOtherwise => "bring it back, SELECT undistribute_table('TABLE'), and run the same command again",
            Self::NoFile => "finops db migrate makes it; or check the path in finops.toml",
            Self::NoFolder => "make the folder first (mkdir -p), or correct the path in finops.toml",
            Self::File => {
                "check the owner and the mode of the file and of its folder, for the user that runs finops: SQLite writes beside it too"
            }
        }
    }
}

impl StoreError {
    /// Whether the same transaction may succeed when it is replayed.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) => true,
            Self::Constraint(_)
            | Self::Connection(_)
            | Self::Unanswered(_)
            | Self::Timeout(_)
            | Self::Setup(..)
            | Self::Full(_)
            | Self::Damaged(_)
            | Self::Chain(_)
            | Self::Corrupt { .. }
            | Self::Other(_) => false,
        }
    }

    /// Whether the connection is gone, so that it takes another one to go on.
    pub const fn is_lost_connection(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Unanswered(_) => true,
            Self::Busy(_)
            | Self::Constraint(_)
            | Self::Timeout(_)
            | Self::Setup(..)
            | Self::Full(_)
            | Self::Damaged(_)
            | Self::Chain(_)
            | Self::Corrupt { .. }
            | Self::Other(_) => false,
        }
    }

    /// Whether certain rows were refused, and others may pass; else the whole database is in the way.
    pub const fn refuses_a_row(&self) -> bool {
        match self {
            Self::Constraint(_) | Self::Chain(_) | Self::Corrupt { .. } => true,
            Self::Busy(_)
            | Self::Connection(_)
            | Self::Unanswered(_)
            | Self::Timeout(_)
            | Self::Setup(..)
            | Self::Full(_)
            | Self::Damaged(_)
            | Self::Other(_) => false,
        }
    }
}

/// Whether an error is about the database as a whole, so that whatever else is tried would fare no better.
pub fn is_of_the_database(error: &Error) -> bool {
    of_store(error).is_some_and(|error| match error {
        StoreError::Busy(_)
        | StoreError::Connection(_)
        | StoreError::Unanswered(_)
        | StoreError::Timeout(_)
        | StoreError::Setup(..)
        | StoreError::Full(_)
        | StoreError::Damaged(_) => true,
        StoreError::Constraint(_) | StoreError::Chain(_) | StoreError::Corrupt { .. } | StoreError::Other(_) => false,
    })
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
            StoreError::Unanswered(_) => (
                ErrorKind::TryLater,
                Some("run the same command again: nothing is done twice, and what was recorded already it finds, or says so"),
            ),
            StoreError::Timeout(_) => (
                ErrorKind::TryLater,
                Some("run it again when the server has less to do, or raise statement_timeout_s in [database] of finops.toml"),
            ),
            StoreError::Setup(setup, _) => (ErrorKind::Config, Some(setup.hint())),
            StoreError::Full(_) => {
                (ErrorKind::Failed, Some("nothing was half-written: free some space, then run the same command again"))
            }
            StoreError::Damaged(_) => (
                ErrorKind::Failed,
                Some(
                    "if it is the right file, stop the jobs and restore the latest backup; while it can be opened, finops db check names what is damaged",
                ),
            ),
            StoreError::Chain(_) => (
                ErrorKind::Failed,
                Some("the database was changed by something else: finops audit verify names what; other companies go on"),
            ),
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

/// An error that knows what can be done about it.
pub trait Transient {
    /// Whether the same transaction may be replayed at once.
    fn is_transient(&self) -> bool;
    /// Whether it takes another connection to go on.
    fn is_lost_connection(&self) -> bool;
}

impl Transient for StoreError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn is_lost_connection(&self) -> bool {
        Self::is_lost_connection(self)
    }
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        of_store(self).is_some_and(StoreError::is_transient)
    }

    fn is_lost_connection(&self) -> bool {
        of_store(self).is_some_and(StoreError::is_lost_connection)
    }
}

fn of_store(error: &Error) -> Option<&StoreError> {
    error.source.as_ref().and_then(|s| s.downcast_ref())
}
