//! One file a noun: flags in, job or query called, result shown.
//!
//! A noun costs its file, its variant in [`Command`] and its arm in [`run`].

pub mod alerts;
pub mod audit;
pub mod companies;
pub mod completions;
pub mod config;
pub mod contracts;
pub mod credit;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod effects;
pub mod export;
pub mod import;
pub mod init;
pub mod invoices;
pub mod job;
pub mod man;
pub mod notifications;
pub mod notify;
pub mod payments;
pub mod reminders;
pub mod runs;
pub mod schedule;
pub mod status;
pub mod unlock;

use crate::context::{Context, Shell};
use crate::error::{ExitCode, Result};
use crate::model::Invalid;
use clap::Subcommand;

/// How many: a flag's whole number from 1.
fn count<T: TryFrom<u64>>(text: &str) -> std::result::Result<T, Invalid> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| Invalid::new("write a whole number from 1"))
}

/// What `finops` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Args),
    Config(config::Args),
    Import(import::Args),
    Export(export::Args),
    Invoices(invoices::Args),
    Contracts(contracts::Args),
    Payments(payments::Args),
    Companies(companies::Args),
    Reminders(reminders::Args),
    Credit(credit::Args),
    Effects(effects::Args),
    Alerts(alerts::Args),
    Notifications(notifications::Args),
    Notify(notify::Args),
    Status(status::Args),
    Runs(runs::Args),
    Audit(audit::Args),
    Doctor(doctor::Args),
    Unlock(unlock::Args),
    Db(db::Args),
    Schedule(schedule::Args),
    Completions(completions::Args),
    Man(man::Args),
    Demo(demo::Args),
}

/// Runs one command. Those that work on the database get a [`crate::context::Context`] made from the shell.
pub fn run(command: Command, shell: &Shell) -> Result<ExitCode> {
    match command {
        Command::Init(args) => init::run(&args, shell),
        Command::Config(args) => config::run(&args, shell),
        Command::Import(args) => import::run(&args, shell),
        Command::Export(args) => export::run(&args, shell),
        Command::Invoices(args) => invoices::run(&args, &Context::new(shell)?),
        Command::Contracts(args) => contracts::run(args, &Context::new(shell)?),
        Command::Payments(args) => payments::run(&args, shell),
        Command::Companies(args) => companies::run(&args, &Context::new(shell)?),
        Command::Reminders(args) => reminders::run(&args, &Context::new(shell)?),
        Command::Credit(args) => credit::run(&args, &Context::new(shell)?),
        Command::Effects(args) => effects::run(&args, &Context::new(shell)?),
        Command::Alerts(args) => alerts::run(&args, &Context::new(shell)?),
        Command::Notifications(args) => notifications::run(&args, &Context::new(shell)?),
        Command::Notify(args) => notify::run(&args, &Context::new(shell)?),
        Command::Status(args) => status::run(&args, &Context::new(shell)?),
        Command::Runs(args) => runs::run(&args, &Context::new(shell)?),
        Command::Audit(args) => audit::run(&args, &Context::new(shell)?),
        Command::Doctor(args) => doctor::run(&args, shell),
        Command::Unlock(args) => unlock::run(&args, &Context::new(shell)?),
        Command::Db(args) => db::run(&args, shell),
        Command::Schedule(args) => schedule::run(&args, shell),
        Command::Completions(args) => completions::run(&args, shell),
        Command::Man(args) => man::run(&args, shell),
        Command::Demo(args) => demo::run(&args, shell),
    }
}
