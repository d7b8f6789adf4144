//! `finops man`: the manual pages, made from the same text as `--help`.

use crate::cli::Cli;
use crate::context::Shell;
use crate::error::{Error, ExitCode, Result, io_error};
use clap::CommandFactory;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Print the manual page, or write those of all commands into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops man ~/.local/share/man/man1\n  finops man | man -l -")]
pub struct Args {
    /// Write one page a command into this folder, which is made if need be: finops.1,
    /// finops-invoices.1, finops-invoices-list.1 … Without it, the main page goes to the standard output.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Page {
    /// Where it was written.
    path: PathBuf,
}

#[derive(Serialize)]
struct Printed {
    page: String,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    match &args.folder {
        None => {
            let printed = Printed { page: page(&command)? };
            shell.ui.item(&printed, || printed.page.trim_end().to_owned());
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| io_error("make the folder", folder, error))?;
            write_pages(&command, folder, shell)?;
        }
    }
    Ok(ExitCode::Done)
}

fn write_pages(command: &clap::Command, folder: &Path, shell: &Shell) -> Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).map_err(|error| io_error("write", &path, error))?;
    shell.ui.done(&Page { path: path.clone() }, || path.display().to_string());
    command.get_subcommands().filter(|sub| sub.get_name() != "help").try_for_each(|sub| write_pages(sub, folder, shell))
}

fn page(command: &clap::Command) -> Result<String> {
    let mut roff = Vec::new();
    // A date would make each build's pages differ.
    let man = clap_mangen::Man::new(command.clone()).date("");
    man.render(&mut roff).map_err(|error| Error::failed(format!("the manual page cannot be made: {error}")))?;
    String::from_utf8(roff).map_err(|error| Error::failed(format!("the manual page is no text: {error}")))
}
