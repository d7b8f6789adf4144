//! What can end a run: its kind, what a person can do about it, and the exit code that scripts see.
//!
//! Typed errors (`StoreError`, `MoneyError`, …) stay inside the module where someone decides on
//! them; at the edge they become this one. The exit codes are a contract, listed in the README.

use crate::model::text_enum;
use std::fmt;

/// The result of everything that a command calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Exit codes as scripts and cron see them (reliability.md). A contract: never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed; nothing half-written.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Finished, but in this run something newly failed or was parked.
    Partly = 3,
    /// Try again later: lock held, database down, clock in doubt.
    TryLater = 75,
    /// Configuration.
    Config = 78,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

text_enum! {
    /// Why a run ended. Each kind has one exit code, and one word in `{"type":"error","kind":…}`.
    pub enum ErrorKind ("kind of error") {
        /// Something broke: disk, corruption, an invariant.
        Failed = "failed",
        /// Data that a person brought is wrong; nothing was changed.
        Input = "input",
        /// What was named does not exist.
        NotFound = "not_found",
        /// The state of things does not allow it (an issued invoice cannot be deleted).
        Refused = "refused",
        /// Flags or arguments are wrong.
        Usage = "usage",
        /// A lock is held, the database is down, the clock is in doubt.
        TryLater = "try_later",
        /// The configuration or the environment is wrong.
        Config = "config",
        /// Stopped by SIGINT.
        Interrupted = "interrupted",
        /// Stopped by SIGTERM.
        Terminated = "terminated",
    }
}

impl ErrorKind {
    /// Whether the run failed by itself. One that waits for its turn, or was stopped by a person, did not.
    pub const fn is_a_failure(self) -> bool {
        match self {
            Self::Failed | Self::Input | Self::NotFound | Self::Refused | Self::Config => true,
            Self::Usage | Self::TryLater | Self::Interrupted | Self::Terminated => false,
        }
    }

    pub const fn exit_code(self) -> ExitCode {
        match self {
            Self::Failed | Self::Input | Self::NotFound | Self::Refused => ExitCode::Failed,
            Self::Usage => ExitCode::Usage,
            Self::TryLater => ExitCode::TryLater,
            Self::Config => ExitCode::Config,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Terminated => ExitCode::Terminated,
        }
    }
}

/// One mistake in a file that a person wrote, with its place. Files are checked whole: all
/// mistakes are told in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// As the person named it.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// The key or column: `time_zone`.
    pub field: String,
    /// What stands there, shortened; empty when nothing does, or when it is secret.
    pub value: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// `companies.csv:3:17: country "Germany": write …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}", self.field)?;
            if !self.value.is_empty() {
                write!(f, " {:?}", self.value)?;
            }
            write!(f, ": ")?;
        }
        f.write_str(&self.reason)
    }
}

/// An error on its way to the person: what is wrong, where, and what to do.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    /// What to do about it, as a sentence or a command.
    pub hint: Option<String>,
    /// Mistakes with their places, when a file was checked.
    pub problems: Vec<Problem>,
    /// How many mistakes there are, when not all of them are in `problems`.
    pub problems_total: usize,
    /// What lies beneath, for `-v`.
    pub source: Option<anyhow::Error>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, problems: Vec::new(), problems_total: 0, source: None }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    pub fn try_later(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TryLater, message)
    }

    /// Data that a person brought is wrong: all the places, and nothing changed.
    pub fn input(message: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self { problems_total: problems.len(), problems, ..Self::new(ErrorKind::Input, message) }
    }

    /// What is wrong with the first places of it, where nothing but one text can tell: an alert, a mail, a ping.
    pub fn whole(&self) -> String {
        const NAMED: usize = 3;
        let total = self.problems_total.max(self.problems.len());
        let named = self.problems.iter().take(NAMED).map(ToString::to_string);
        let more = total.checked_sub(NAMED).filter(|more| *more > 0).map(|more| format!("and {more} more"));
        let places: Vec<String> = named.chain(more).collect();
        if places.is_empty() { self.message.clone() } else { format!("{}: {}", self.message, places.join("; ")) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A file of the user's that could not be read or written, named.
pub fn io_error(doing: &str, path: &std::path::Path, error: std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull => Some("free some space, then run the same command again"),
        std::io::ErrorKind::NotFound => Some("check the path: it starts from the folder in which finops runs"),
        std::io::ErrorKind::PermissionDenied => Some("check the owner and the mode of the file and of its folder"),
        _ => None,
    };
    let told = Error::failed(format!("cannot {doing} {}: {error}", path.display())).caused_by(error);
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}
