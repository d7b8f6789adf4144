//! `finops init`: a commented configuration and its database in a fresh folder.

use crate::cli::Globals;
use crate::commands::db;
use crate::commands::demo::quoted;
use crate::config::{self, DatabaseUrl, FILE_NAME, TEMPLATE};
use crate::context::{Context, Shell};
use crate::error::{Error, ExitCode, Result, io_error};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Start a business here: write a commented finops.toml, and make the database that it names.
///
/// A file that is already there is never overwritten; its database is brought up to date. With
/// --database, a new file names that one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mkdir books && cd books && finops init")]
pub struct Args {
    /// The folder to start in [default: the current one]; made if it is missing.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Started<'a> {
    config: &'a Path,
    created: bool,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let Globals { config: named, database, .. } = &shell.globals;
    let file = match (named, &args.folder) {
        (Some(_), Some(_)) => {
            return Err(Error::usage("a folder and --config each say where the configuration goes").hint("leave one of them out"));
        }
        (Some(file), None) => file.clone(),
        (None, folder) => folder.as_deref().unwrap_or_else(|| Path::new("")).join(FILE_NAME),
    };
    refuse_a_dangling_link(&file)?;
    let content = match database {
        Some(_) if file.exists() => {
            return Err(Error::usage(format!("{} is there already, and names its own database", file.display()))
                .hint("leave --database out, or run finops db migrate with it"));
        }
        Some(url) => template_with(url, &file)?,
        None => TEMPLATE.to_owned(),
    };
    let created = write_new(&file, &content)?;
    shell.ui.done(&Started { config: &file, created }, || {
        let file = file.display();
        if created { format!("{file} is written.") } else { format!("{file} is already there, and is left as it is.") }
    });
    // The file is read as any command would read it, from where it now is.
    let globals = Globals { config: Some(file.clone()), database: None, ..shell.globals.clone() };
    db::migrate(&Context::new(&Shell { globals, ..shell.clone() })?)?;
    if created {
        shell.ui.say(next(args.folder.as_deref(), named.as_deref()));
    }
    Ok(ExitCode::Done)
}

/// What to do next, as lines that work when they are pasted where `init` was run.
fn next(folder: Option<&Path>, named: Option<&Path>) -> String {
    let there = match (folder, named) {
        (Some(folder), _) => format!("\n  cd {}", quoted(folder)),
        (None, Some(file)) => format!("\n  export FINOPS_CONFIG={}", quoted(file)),
        (None, None) => String::new(),
    };
    format!(
        "Next:{there}\n  finops config check          after you changed it\n  finops import --help         bring in companies and contracts\n  finops schedule show         what cron can run"
    )
}

/// A link to nowhere cannot be written through, nor read.
fn refuse_a_dangling_link(file: &Path) -> Result<()> {
    match std::fs::read_link(file) {
        Ok(to) if !file.exists() => {
            Err(Error::refused(format!("{} is a link to {}, which is not there", file.display(), to.display()))
                .hint("remove the link, or make the file that it names"))
        }
        _ => Ok(()),
    }
}

/// The template with the database of `--database`. That flag's path counts from the working
/// directory, and one in the file from the file's own folder.
fn template_with(url: &str, file: &Path) -> Result<String> {
    let url = match config::database_flag(url)? {
        DatabaseUrl::Sqlite(path) if file.parent().is_none_or(|folder| folder.as_os_str().is_empty()) => {
            format!("sqlite:{}", path.display())
        }
        DatabaseUrl::Sqlite(path) => {
            let path = std::path::absolute(&path).map_err(|error| io_error("find", &path, error))?;
            format!("sqlite:{}", path.display())
        }
        DatabaseUrl::Postgres(url) => url.expose().clone(),
    };
    let (before, after) = TEMPLATE.split_once(config::TEMPLATE_URL).unwrap_or((TEMPLATE, ""));
    Ok(format!("{before}{}{after}", toml::Value::from(url)))
}

/// Writes the file, unless it is there. Only its owner may read it: one day it may hold
/// a password.
pub(super) fn write_new(file: &Path, content: &str) -> Result<bool> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| io_error("make", folder, error))?;
    }
    let mut new = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(new) => new,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(io_error("write", file, error)),
    };
    let written = new.write_all(content.as_bytes()).and_then(|()| new.sync_all());
    written.map(|()| true).map_err(|error| -> Error { io_error("write", file, error) })
}
