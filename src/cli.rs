//! The command line: global flags and the list of nouns. What a noun can do stands in its file
//! under [`crate::commands`].

use crate::commands::Command;
use crate::config::{Environment, Overrides};
use crate::ui::UiOptions;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{ArgAction, Args, Parser};
use std::path::PathBuf;
use std::time::Duration;

/// The billing back office of a business, run from cron.
///
/// One binary, one configuration file, one database. Every job can be run by hand, by cron, twice,
/// or after a crash, and the books come out the same.
#[derive(Debug, Parser)]
#[command(name = "finops", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
#[command(max_term_width = 100, after_help = EXAMPLE, after_long_help = AFTER_LONG_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLE: &str = "Example:\n  finops invoices generate --dry-run";

const AFTER_LONG_HELP: &str = "\
Exit codes:
  0    done, or nothing to do
  1    failed; nothing is half-written
  2    wrong usage
  3    finished, but in this run something newly failed or was parked
  75   try again later: a lock is held, the database is down, the clock or the database is in doubt
  78   the configuration is wrong
  130  interrupted (SIGINT)
  143  terminated (SIGTERM, SIGHUP)

Example:
  finops invoices generate --dry-run";

/// Flags that every command takes, before or after its name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The configuration file [default: $FINOPS_CONFIG, else ./finops.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The database, in place of the configured one: sqlite:PATH or postgres://…
    ///
    /// Other users of the machine can see it: keep passwords in the configuration.
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,

    /// Write JSON lines to stdout, with stable names: items, and an error as the last line.
    ///
    /// Each has a "type": "item" for every thing that was asked for or done, "summary" as the last
    /// line of a job, an import or a check (lists and shows have items only), "error" for what
    /// ended the command.
    #[arg(long, global = true)]
    pub json: bool,

    /// Show nothing but what was asked for, and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show every unit of work, and what lies beneath an error.
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub verbose: bool,

    /// Decide what is due as of this instant, with its zone: 2026-10-31T09:00:00Z.
    ///
    /// Recorded times still come from the clock. An instant in the future needs --dry-run, or a
    /// database that is marked as a test (finops db mark-test).
    #[arg(long, global = true, value_name = "RFC3339", value_parser = parse_instant)]
    pub now: Option<DateTime<Utc>>,

    /// How long to wait while another run holds the lock: 30s, 5m, 1h.
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration, default_value = "0s")]
    pub lock_wait: Duration,

    /// Vouch for the clock of this machine, after a run refused because it seems wrong.
    ///
    /// Jobs refuse when the clock stands more than 5 minutes behind the last sign of life of any
    /// job, or more than 45 days ahead of it. The audit log keeps who said that it is right.
    #[arg(long, global = true)]
    pub accept_clock: bool,
}

impl Globals {
    pub fn overrides(&self) -> Overrides {
        Overrides { file: self.config.clone(), database: self.database.clone() }
    }

    pub fn ui_options(&self, environment: &Environment) -> UiOptions {
        let Self { json, quiet, verbose, .. } = *self;
        let width = environment.columns().or_else(terminal_width);
        UiOptions { json, quiet, verbose, no_color: environment.no_color(), width }
    }
}

/// What the terminal itself says: shells seldom export COLUMNS.
fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// An instant with its zone. A bare date is refused: midnight where?
fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Ok(instant.to_utc()),
        Err(_) if text.parse::<NaiveDate>().is_ok() => {
            Err(format!("a date alone says neither the time nor the zone; write {text}T09:00:00Z"))
        }
        Err(error) => Err(format!("{error}; write it as 2026-10-31T09:00:00Z or 2026-10-31T09:00:00+01:00")),
    }
}

/// A whole number of seconds, minutes or hours.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 30s, 5m or 1h".to_owned();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
    let seconds_each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds_each)).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn an_instant_needs_its_zone() {
        assert_eq!(parse_instant("2026-10-31T09:00:00+01:00").unwrap().to_rfc3339(), "2026-10-31T08:00:00+00:00");
        assert!(parse_instant("2026-10-31").unwrap_err().contains("2026-10-31T09:00:00Z"));
        assert!(parse_instant("2026-10-31T09:00:00").is_err());
    }

    #[test]
    fn durations_name_their_unit() {
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        for bad in ["", "5", "m", "5d", "-1s", "99999999999999999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
