//! `finops.toml` and the environment, read once into typed values; the only reader of the environment.
//!
//! Every mistake is told in one go, with line and column. Relative paths count from the folder of
//! the file, so that cron's working directory does not matter.

mod database;
mod secret;

pub use database::DatabaseUrl;
pub use secret::{REDACTED, Secret};

use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set, valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was read; none when `--database` alone was given.
    pub file: Option<PathBuf>,
    pub database: DatabaseConfig,
    pub documents: DocumentsConfig,
    pub billing: BillingConfig,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    pub url: DatabaseUrl,
    /// How long one statement may take on Postgres before it is given up.
    pub statement_timeout: Duration,
}

/// `[documents]`
#[derive(Debug, Clone)]
pub struct DocumentsConfig {
    /// Where PDFs are written.
    pub folder: PathBuf,
    /// Font files for what the built-in font lacks (such as Chinese), tried in this order.
    pub fallback_fonts: Vec<PathBuf>,
}

/// `[billing]`
#[derive(Debug, Clone)]
pub struct BillingConfig {
    /// A contract that missed more periods than this is skipped as `too_many_missed` until `--yes`.
    pub max_missed_periods: u32,
}
