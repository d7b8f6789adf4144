//! `finops schedule`: what cron runs, and when.

mod install;

use crate::context::Shell;
use crate::error::{ExitCode, Result};
use crate::ui::Column;
use clap::Subcommand;
use serde::Serialize;

/// The schedule that comes with this version.
const CRONTAB: &str = include_str!("../../crontab.example");

/// Marks the line of a job that does not exist yet.
const LATER: &str = "#later# ";

/// Show what cron runs, and hand it to cron or systemd.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops schedule show")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the recommended crontab: when, what, and which jobs are still to come.
    #[command(after_help = "Example:\n  finops schedule show --json")]
    Show,
    /// Put the jobs into this user's crontab, or write systemd timers.
    ///
    /// Of the crontab, only the block between two marks is written, one for each configuration: your
    /// own lines stay as they are, and running it again changes nothing. After an update it
    /// brings the jobs that are new.
    #[command(after_help = "Example:\n  finops schedule install --dry-run\n  finops schedule install --systemd")]
    Install(install::Args),
}

/// A line of the crontab.
#[derive(Debug, Serialize)]
struct Line {
    /// Five fields, in the machine's zone.
    cron: String,
    command: String,
    /// `exists`, or `planned` when this version does not have the job yet.
    state: &'static str,
    what: String,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    match &args.verb {
        Verb::Show => show(shell),
        Verb::Install(args) => install::run(args, shell),
    }
}

fn show(shell: &Shell) -> Result<ExitCode> {
    let columns = [Column::left("When"), Column::left("Command"), Column::state("State"), Column::left("What")];
    shell.ui.list(&columns, &lines(CRONTAB), |line| {
        vec![line.cron.clone(), line.command.clone(), line.state.to_owned(), line.what.clone()]
    });
    Ok(ExitCode::Done)
}

/// The jobs of a crontab, each explained by the comment right above it. What is neither a job nor
/// a comment (variables, blank lines) ends a comment.
fn lines(crontab: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut comment = "";
    for text in crontab.lines() {
        let (text, state) = match text.strip_prefix(LATER) {
            Some(text) => (text, "planned"),
            None => (text, "exists"),
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        if let Some(about) = text.strip_prefix("# ") {
            comment = about;
        } else if fields.get(5) == Some(&"finops") {
            let (cron, command) = fields.split_at(5);
            lines.push(Line { cron: cron.join(" "), command: command.join(" "), state, what: comment.to_owned() });
        } else {
            comment = "";
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::JobKind;
    use std::collections::BTreeSet;

    #[test]
    fn the_crontab_has_exactly_the_jobs_that_exist() {
        let lines = lines(CRONTAB);
        let existing: Vec<&Line> = lines.iter().filter(|line| line.state == "exists").collect();
        // The doctor is no job: it finds nothing due, and records nothing.
        assert!(existing.iter().any(|line| line.command == "finops doctor"));
        assert_eq!(existing.len(), JobKind::ALL.len() + 1);
        for job in JobKind::ALL {
            let line = existing.iter().find(|line| line.command.starts_with(&job.command()));
            let line = line.unwrap_or_else(|| panic!("crontab.example lacks {job}"));
            assert_eq!((line.cron.as_str(), line.what.as_str()), (job.cron(), job.what()), "{job}");
        }
    }

    #[test]
    fn no_line_breaks_the_rules_that_the_crontab_gives() {
        let lines = lines(CRONTAB);
        let whens: BTreeSet<&str> = lines.iter().map(|line| line.cron.as_str()).collect();
        assert_eq!(whens.len(), lines.len(), "no two at once");
        for Line { cron, command, what, .. } in &lines {
            let fields: Vec<&str> = cron.split(' ').collect();
            assert!(fields[0] != "0" && !fields[0].starts_with('*'), "{cron} {command}");
            assert!(!["1", "2", "3"].contains(&fields[1]), "{cron} {command}: clocks change then");
            assert!(!what.is_empty() && !command.contains('%'), "{command}: cron reads % as a newline");
        }
    }

    #[test]
    fn every_line_is_a_comment_a_variable_or_a_job() {
        let jobs = lines(CRONTAB).len();
        let other = |line: &&str| {
            line.is_empty() || line.starts_with("# ") || *line == "#" || line.contains('=') && !line.contains("finops ")
        };
        assert_eq!(CRONTAB.lines().filter(|line| !other(line)).count(), jobs);
    }
}
