//! `finops config`: is it right, and what is in force.

use crate::config::{Config, Setting};
use crate::context::Shell;
use crate::error::{Error, ExitCode, Result};
use crate::jobs::messages::checked_templates;
use crate::ui::Column;
use clap::Subcommand;
use serde::Serialize;

/// Check or show the configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops config check")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell every mistake in one go, with line and column; exit 78 if there is one.
    #[command(after_help = "Example:\n  finops config check --config /etc/finops/finops.toml")]
    Check,
    /// Show every value in force and where it comes from; secrets stay hidden.
    #[command(after_help = "Example:\n  finops config show --json")]
    Show,
}

#[derive(Serialize)]
struct Checked<'a> {
    config: Option<&'a std::path::Path>,
    mistakes: u32,
}

#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: &'a serde_json::Value,
    origin: String,
}

impl<'a> From<&'a Setting> for Shown<'a> {
    fn from(setting: &'a Setting) -> Self {
        Self { key: &setting.key, value: &setting.value, origin: setting.origin.to_string() }
    }
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let config = match (Config::load(&shell.globals.overrides(), &shell.environment), &args.verb) {
        (Err(error), Verb::Check) => return Err(with_templates(error, shell)),
        (loaded, _) => loaded?,
    };
    match args.verb {
        Verb::Check => {
            checked_templates(&config.messages)?;
            let file = config.file.as_deref();
            shell.ui.done(&Checked { config: file, mistakes: 0 }, || match file {
                Some(file) => format!("{}: no mistakes", file.display()),
                None => "no file, only --database: no mistakes".to_owned(),
            });
        }
        Verb::Show => {
            let shown: Vec<Shown<'_>> = config.settings.iter().map(Shown::from).collect();
            let columns = [Column::left("Key"), Column::left("Value"), Column::left("From")];
            shell.ui.list(&columns, &shown, |s| vec![s.key.to_owned(), text_of(s.value), s.origin.clone()]);
        }
    }
    Ok(ExitCode::Done)
}

/// The mistakes of the file and those of its templates, in one go.
fn with_templates(mut error: Error, shell: &Shell) -> Error {
    if error.problems.is_empty() {
        return error;
    }
    let messages = Config::messages_anyway(&shell.globals.overrides(), &shell.environment);
    if let Some(Err(templates)) = messages.map(|messages| checked_templates(&messages)) {
        error.message.push_str(&format!("; {}", templates.message));
        error.problems.extend(templates.problems);
    }
    error
}

/// A value as in the file, a text without its quotes.
fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
