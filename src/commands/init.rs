//! `finops init`: a commented configuration and its database in a fresh folder.

use crate::cli::Globals;
use crate::commands::db;
use crate::config::{FILE_NAME, TEMPLATE};
use crate::context::{Context, Shell};
use crate::error::{Error, ExitCode, Result, io_error};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Start a business here: write a commented finops.toml, and make the database that it names.
///
/// A file that is already there is never overwritten; its database is brought up to date.
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
    let folder = args.folder.as_deref().unwrap_or_else(|| Path::new(""));
    let named = shell.globals.config.clone();
    let file = named.unwrap_or_else(|| folder.join(FILE_NAME));
    let created = write_new(&file)?;
    shell.ui.done(&Started { config: &file, created }, || {
        let file = file.display();
        if created { format!("{file} is written.") } else { format!("{file} is already there, and is left as it is.") }
    });
    // The file is read as any command would read it, from where it now is.
    let shell = Shell { globals: Globals { config: Some(file), ..shell.globals.clone() }, ..shell.clone() };
    db::migrate(&Context::new(&shell)?)?;
    if created {
        shell.ui.say(
            "Next:\n  finops config check          after you changed it\n  finops import --help         bring in companies and contracts\n  finops schedule show         what cron can run",
        );
    }
    Ok(ExitCode::Done)
}

/// Writes the template, unless the file is there. Only its owner may read it: one day it may hold
/// a password.
pub(super) fn write_new(file: &Path) -> Result<bool> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| io_error("make", folder, error))?;
    }
    let mut new = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(new) => new,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(io_error("write", file, error)),
    };
    let written = new.write_all(TEMPLATE.as_bytes()).and_then(|()| new.sync_all());
    written.map(|()| true).map_err(|error| -> Error { io_error("write", file, error) })
}
