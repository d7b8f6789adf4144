//! `finops doctor`: is everything in order for the jobs to run?
//!
//! Each check is a function that adds what it found to the [`Report`]; none of them stops the
//! others. What the checks look at: `machine` the files, folders and programs, `channels` the ways
//! that messages take, `books` the rows.

mod books;
mod channels;
mod machine;
mod routes;

use crate::config::Config;
use crate::context::{Context, Shell};
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::ui::Ui;
use serde::Serialize;

/// Check configuration, machine, database and books, and say what to do.
///
/// Changes nothing. Off a terminal it tells only what is wrong (everything with -v or --json), so
/// that cron mails nothing while all is well. Exit 1 when there is a problem, 78 when it lies in
/// the configuration; warnings and notes do not count.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops doctor --full")]
pub struct Args {
    /// Read every PDF that was written and compare its SHA-256, instead of looking for some of them.
    #[arg(long)]
    full: bool,
    /// Do not even try to write into the folder of documents.
    #[arg(long)]
    dry_run: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Worth knowing; it may be meant so.
    Note,
    /// The jobs run, and somebody should look.
    Warning,
    /// Something does not work, or the books are in danger.
    Problem,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What one check found.
#[derive(Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// All that was found.
#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
    /// A problem lies in the configuration.
    misconfigured: bool,
}

impl Report {
    fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.findings.push(Finding { check, state: State::Ok, message: message.into(), hint: None });
    }

    fn add(&mut self, check: &'static str, state: State, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Finding { check, state, message: message.into(), hint: Some(hint.into()) });
    }

    /// What a command would have ended with.
    fn error(&mut self, check: &'static str, error: Error) {
        self.misconfigured |= error.kind == ErrorKind::Config;
        self.findings.push(Finding { check, state: State::Problem, message: error.message, hint: error.hint });
    }

    fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }
}

#[derive(Serialize)]
struct Summary {
    job: &'static str,
    ok: usize,
    notes: usize,
    warnings: usize,
    problems: usize,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    // Nothing else can be checked without it: its mistakes are told as by `config check`.
    let ctx = Context::new(shell)?;
    let mut report = Report::default();
    configuration(&ctx.config, &mut report);
    channels::templates(&ctx, &mut report);
    routes::check(&ctx.config.routing, &mut report);
    machine::documents(&ctx, args.dry_run, &mut report);
    machine::fonts(&ctx, &mut report);
    machine::disk(&ctx, &mut report);
    machine::crontab(&mut report);
    channels::mail(&ctx, &mut report);
    match ctx.open_db() {
        Ok(mut db) => {
            machine::database_file(&ctx, &mut report);
            books::check(&ctx, &mut db, args.full, &mut report);
        }
        Err(error) => report.error("database", error),
    }
    tell(&ctx.ui, &report);
    Ok(match report.count(State::Problem) {
        0 => ExitCode::Done,
        _ if report.misconfigured => ExitCode::Config,
        _ => ExitCode::Failed,
    })
}

fn configuration(config: &Config, report: &mut Report) {
    const CHECK: &str = "configuration";
    match &config.file {
        Some(file) if machine::mode(file).is_some_and(|mode| mode & 0o022 != 0) => {
            let file = file.display();
            report.add(
                CHECK,
                State::Warning,
                format!("{file} can be changed by other users: they decide where the books are"),
                format!("chmod go-w {file}"),
            );
        }
        Some(file) => report.ok(CHECK, format!("{}: no mistakes", file.display())),
        None => report.ok(CHECK, "no file, only --database"),
    }
}

fn tell(ui: &Ui, report: &Report) {
    for finding in &report.findings {
        let text = || {
            let line = format!("{:<8} {:<14} {}", finding.state.word(), finding.check, finding.message);
            finding.hint.iter().fold(line, |line, hint| format!("{line}\n{:24}do: {hint}", ""))
        };
        if ui.is_terminal() || ui.shows_units() || finding.state >= State::Warning {
            ui.item(finding, text);
        }
    }
    let count = |state| report.count(state);
    let (ok, notes) = (count(State::Ok), count(State::Note));
    let (warnings, problems) = (count(State::Warning), count(State::Problem));
    let summary = Summary { job: "doctor", ok, notes, warnings, problems };
    let counted = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let text = || match problems + warnings {
        0 => "doctor: all is well".to_owned(),
        _ => format!("doctor: {}, {}", counted(problems, "problem"), counted(warnings, "warning")),
    };
    ui.summary(&summary, text, problems + warnings > 0);
}
