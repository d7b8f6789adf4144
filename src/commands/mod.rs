//! One file a noun: flags in, job or query called, result shown.
//!
//! A noun costs its file, its variant in [`Command`] and its arm in [`run`].

pub mod config;
pub mod init;
pub mod invoices;
pub mod schedule;

use crate::context::{Context, Shell};
use crate::error::{ExitCode, Result};
use clap::Subcommand;

/// What `finops` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Args),
    Config(config::Args),
    Invoices(invoices::Args),
    Schedule(schedule::Args),
}

/// Runs one command. Those that work on the database get a [`crate::context::Context`] made from the shell.
pub fn run(command: Command, shell: &Shell) -> Result<ExitCode> {
    match command {
        Command::Init(args) => init::run(&args, shell),
        Command::Config(args) => config::run(&args, shell),
        Command::Invoices(args) => invoices::run(&args, &Context::new(shell)?),
        Command::Schedule(args) => schedule::run(&args, shell),
    }
}
