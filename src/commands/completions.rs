//! `finops completions`: what a shell needs to complete commands and flags.

use crate::cli::Cli;
use crate::context::Shell;
use crate::error::{Error, ExitCode, Result};
use clap::CommandFactory;
use serde::Serialize;

/// Print the completions of a shell.
///
/// bash: finops completions bash > ~/.local/share/bash-completion/completions/finops;
/// zsh: into a file _finops in a folder of $fpath;
/// fish: into ~/.config/fish/completions/finops.fish.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops completions bash > ~/.local/share/bash-completion/completions/finops")]
pub struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

#[derive(Serialize)]
struct Completions {
    shell: String,
    script: String,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "finops", &mut script);
    let script = String::from_utf8(script).map_err(|error| Error::failed(format!("the completions are no text: {error}")))?;
    let completions = Completions { shell: args.shell.to_string(), script };
    shell.ui.item(&completions, || completions.script.trim_end().to_owned());
    Ok(ExitCode::Done)
}
