//! The only printer: data on stdout, messages on stderr; text, or JSON lines with `--json`.
//!
//! Off a terminal it is silent when nothing was done, so that cron mails only what matters. What it
//! prints may quote imported data and files of any origin: no character in them drives the terminal.

mod clean;
mod progress;
mod table;

pub use progress::Progress;
pub use table::{Align, Column, Table};

use clean::clean;

use crate::error::{Error, ExitCode, Problem, Result};
use indicatif::MultiProgress;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How to print. What the flags, the environment and the terminal say.
#[derive(Debug, Clone, Copy, Default)]
pub struct UiOptions {
    /// JSON lines on stdout instead of text.
    pub json: bool,
    /// No messages but errors.
    pub quiet: bool,
    /// Every unit of work, and what lies beneath an error.
    pub verbose: bool,
    /// `NO_COLOR` is set, or the terminal is a dumb one.
    pub no_color: bool,
    /// Columns of the terminal, when known.
    pub width: Option<usize>,
}

/// The printer. Clones share the same output.
#[derive(Clone)]
pub struct Ui {
    options: UiOptions,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    stdout: Arc<Mutex<Stdout>>,
    bars: MultiProgress,
}

impl std::fmt::Debug for Ui {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ui").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Stdout with a buffer, since a list may have 100,000 lines, and with what became of it.
struct Stdout {
    out: io::BufWriter<io::Stdout>,
    /// The reader went away (`| head`): nothing more is written, and that is no error.
    closed: bool,
    /// Anything else, such as a full disk under `> file`: told at the end of the run.
    broken: Option<io::Error>,
}

impl Stdout {
    fn attempt(&mut self, act: impl FnOnce(&mut io::BufWriter<io::Stdout>) -> io::Result<()>) {
        if self.closed || self.broken.is_some() {
            return;
        }
        match act(&mut self.out) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => self.broken = Some(error),
        }
    }
}

/// A JSON line: its type first, then the fields of the body.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    r#type: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProblemBody<'a>>,
    /// All of them, told or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems_total: Option<usize>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    file: &'a str,
    line: u64,
    column: u64,
    field: &'a str,
    value: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a Problem> for ProblemBody<'a> {
    fn from(p: &'a Problem) -> Self {
        let Problem { file, line, column, field, value, reason } = p;
        Self { file, line: *line, column: *column, field, value, reason }
    }
}

impl Ui {
    pub fn new(options: UiOptions) -> Self {
        let out = io::BufWriter::with_capacity(64 * 1024, io::stdout());
        let stdout_is_terminal = io::stdout().is_terminal();
        let stderr_is_terminal = io::stderr().is_terminal();
        let stdout = Arc::new(Mutex::new(Stdout { out, closed: false, broken: None }));
        Self { options, stdout_is_terminal, stderr_is_terminal, stdout, bars: MultiProgress::new() }
    }

    /// Whether `--json` was given.
    pub const fn is_json(&self) -> bool {
        self.options.json
    }

    /// Whether a person looks at stdout.
    pub const fn is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether the reader of stdout went away: a command that only lists may stop.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// One thing that was asked for: a JSON line `{"type":"item",…}` or its text on stdout. The
    /// body must serialise as a struct or a map.
    pub fn item(&self, body: &impl Serialize, text: impl FnOnce() -> String) {
        if self.options.json { self.json("item", body) } else { self.out(&text()) }
    }

    /// Like an item, under a type of its own in JSON; text is not shown with `-q`.
    pub fn typed(&self, r#type: &'static str, body: &impl Serialize, text: impl FnOnce() -> String) {
        if self.options.json { self.json(r#type, body) } else { self.say(text()) }
    }

    /// A line of a file format of ours (JSON lines), with `--json` or without.
    pub fn line(&self, body: &impl Serialize) {
        self.write(|out| {
            serde_json::to_writer(&mut *out, body)?;
            out.write_all(b"\n")
        });
    }

    /// A piece of a file on stdout, as it is; on a terminal, nothing in it drives that.
    pub fn data(&self, text: &str) {
        let text = if self.stdout_is_terminal { clean(text) } else { text.into() };
        self.write(|out| out.write_all(text.as_bytes()));
    }

    /// Whether only what was asked for, and errors, are shown.
    pub const fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    /// What a command did, which nobody asked to see: like an item, but without text with `-q`.
    pub fn done(&self, body: &impl Serialize, text: impl FnOnce() -> String) {
        if self.options.json || !self.is_quiet() {
            self.item(body, text);
        }
    }

    /// Whether a job shows each unit that it did: always in JSON, as text only with `-v`, since a
    /// night's run may have 100,000 of them.
    pub const fn shows_units(&self) -> bool {
        self.options.json || self.options.verbose
    }

    /// Whether a job shows what its summary adds up: to a person who looks on, or with `-v`.
    pub const fn shows_details(&self) -> bool {
        (self.stdout_is_terminal || self.options.verbose) && !self.options.quiet
    }

    /// Rows that were asked for: one JSON item each, or one table.
    pub fn list<T: Serialize>(&self, columns: &[Column], items: &[T], cells: impl Fn(&T) -> Vec<String>) {
        if self.options.json {
            items.iter().for_each(|item| self.json("item", item));
            return;
        }
        let mut table = Table::new(columns);
        items.iter().for_each(|item| table.row(cells(item)));
        self.table(&table);
    }

    /// A table for people; silent with `--json`, and when it has no rows.
    pub fn table(&self, table: &Table) {
        if !self.options.json && !table.is_empty() {
            let width = self.options.width.filter(|_| self.stdout_is_terminal);
            self.out_as_is(&table.render(width, self.color_stdout()));
        }
    }

    /// Text for people on stdout; silent with `--json` and `-q`.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.options.json && !self.options.quiet {
            self.out(text.as_ref());
        }
    }

    /// The last line of a job: always as JSON; as text on a terminal, and elsewhere only when
    /// something was done (or with `-v`).
    pub fn summary(&self, body: &impl Serialize, text: impl FnOnce() -> String, something_done: bool) {
        if self.options.json {
            self.json("summary", body);
        } else if something_done || self.stdout_is_terminal || self.options.verbose {
            self.say(text());
        }
    }

    /// A message on stderr, for a terminal or with `-v`.
    pub fn note(&self, text: impl AsRef<str>) {
        if (self.stderr_is_terminal || self.options.verbose) && !self.options.quiet {
            self.message("note", "36", text.as_ref());
        }
    }

    /// A message on stderr that somebody should read; silent with `-q`.
    pub fn warn(&self, text: impl AsRef<str>) {
        if !self.options.quiet {
            self.message("warning", "33", text.as_ref());
        }
    }

    /// What ended the run: on stderr, and with `--json` as the last line of stdout too.
    pub fn error(&self, error: &Error) {
        if self.options.json {
            let Error { kind, message, hint, problems, .. } = error;
            let problems_total = (error.problems_total > 0).then_some(error.problems_total);
            let problems = problems.iter().map(ProblemBody::from).collect();
            self.json("error", &ErrorBody { kind: kind.as_str(), message, hint: hint.as_deref(), problems, problems_total });
        }
        let mut text = error.message.clone();
        for problem in &error.problems {
            text.push_str(&format!("\n  {problem}"));
        }
        if let Some(hint) = &error.hint {
            text.push_str(&format!("\nhint: {hint}"));
        }
        if let Some(source) = error.source.as_ref().filter(|_| self.options.verbose) {
            for cause in source.chain().map(ToString::to_string) {
                // Most messages quote their cause: then it is told.
                if !text.contains(&cause) {
                    text.push_str(&format!("\ncaused by: {cause}"));
                }
            }
        }
        self.message("error", "31", &text);
    }

    /// Asks a person, and takes anything but a yes for a no. Without a terminal nobody is asked.
    pub fn confirm(&self, question: &str) -> bool {
        if self.options.json || !self.stderr_is_terminal || !io::stdin().is_terminal() {
            return false;
        }
        self.lock().attempt(Write::flush);
        let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        let mut answer = String::new();
        asked.is_ok() && io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// Whether a progress bar would be seen, so that counting beforehand is worth it.
    pub const fn shows_progress(&self) -> bool {
        self.stderr_is_terminal && !self.options.quiet && !self.options.json
    }

    /// A bar on stderr while a terminal is there; nothing elsewhere. `label` as in "Issuing".
    pub fn progress(&self, label: &'static str, total: u64) -> Progress {
        if self.shows_progress() { Progress::shown(&self.bars, label, total) } else { Progress::hidden() }
    }

    /// What clap has to say: help and version go to stdout; the rest is an error of usage.
    pub fn usage(&self, said: &clap::Error) -> Result<ExitCode> {
        use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
        let text = said.render();
        let ended = match said.kind() {
            DisplayHelp | DisplayVersion => ExitCode::Done,
            DisplayHelpOnMissingArgumentOrSubcommand if self.options.json => {
                return Err(Error::usage("a command is missing").hint("run `finops --help`"));
            }
            DisplayHelpOnMissingArgumentOrSubcommand => ExitCode::Usage,
            _ => return Err(usage_error(&text.to_string())),
        };
        let text = if self.color_stdout() { text.ansi().to_string() } else { text.to_string() };
        self.out_as_is(text.trim_end());
        Ok(ended)
    }

    /// Writes out what is buffered; tells whether stdout took all of it. The last call of a run.
    pub fn finish(&self) -> Result<()> {
        let mut stdout = self.lock();
        stdout.attempt(Write::flush);
        match stdout.broken.take() {
            Some(error) => Err(Error::failed(format!("cannot write to the standard output: {error}"))
                .hint("only the output is incomplete: free some space where it goes, then run the command again")),
            None => Ok(()),
        }
    }

    fn json(&self, r#type: &'static str, body: &impl Serialize) {
        self.write(|out| {
            serde_json::to_writer(&mut *out, &Line { r#type, body })?;
            out.write_all(b"\n")
        });
    }

    fn out(&self, text: &str) {
        self.out_as_is(&clean(text));
    }

    /// Text that holds colours of our own, and no others.
    fn out_as_is(&self, text: &str) {
        self.write(|out| writeln!(out, "{text}"));
    }

    fn write(&self, act: impl FnOnce(&mut io::BufWriter<io::Stdout>) -> io::Result<()>) {
        if !self.stdout_is_terminal {
            self.lock().attempt(act);
            return;
        }
        self.bars.suspend(|| {
            let mut stdout = self.lock();
            stdout.attempt(act);
            stdout.attempt(Write::flush);
        });
    }

    fn message(&self, word: &str, color: &str, text: &str) {
        // What came before on stdout is seen before, where both go to one place.
        self.lock().attempt(Write::flush);
        let plain = self.options.no_color || !self.stderr_is_terminal;
        let word = if plain { format!("{word}:") } else { format!("\x1b[1;{color}m{word}:\x1b[0m") };
        // Nobody is left to be told when stderr itself is gone.
        self.bars.suspend(|| writeln!(io::stderr(), "{word} {}", clean(text)).ok());
    }

    const fn color_stdout(&self) -> bool {
        self.stdout_is_terminal && !self.options.no_color
    }

    fn lock(&self) -> MutexGuard<'_, Stdout> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clap's text, in paragraphs: what is wrong, tips, how it is used, where to read more.
fn usage_error(text: &str) -> Error {
    let mut paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = paragraphs.next().unwrap_or_default();
    let rest: Vec<String> = paragraphs.filter(|paragraph| !paragraph.starts_with("For more information")).collect();
    let tips = rest.iter().filter_map(|paragraph| paragraph.strip_prefix("tip: "));
    let usage = rest.iter().filter_map(|paragraph| paragraph.strip_prefix("Usage: "));
    let hint = tips.map(str::to_owned).chain(usage.map(|usage| format!("usage: {usage}"))).collect::<Vec<_>>().join("; ");
    let hint = if hint.is_empty() { "see --help".to_owned() } else { format!("{hint}; more with --help") };
    Error::usage(message.strip_prefix("error: ").unwrap_or(&message)).hint(hint)
}
