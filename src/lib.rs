//! `finops` runs the billing back office of a business from cron.
//!
//! Where things are, and who may use whom (`commands → jobs → engine → store`; all → `model`):
//!
//! | Module | What it is for |
//! |---|---|
//! | [`cli`] | global flags and the list of commands |
//! | [`commands`] | one file a noun: flags in, job or query called, result shown |
//! | [`config`] | `finops.toml` and the environment → typed, checked; the only reader of the environment |
//! | [`context`] | what a command is given: configuration, clock, ids, printer |
//! | [`error`] | kinds, hints, exit codes |
//! | [`ui`] | the only printer: text, JSON lines, progress, quiet |
//! | [`model`] | values that cannot be wrong: money, ids, calendar and the entities |
//! | [`jobs`] | the registry of scheduled jobs, one job a file |
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod error;
pub mod jobs;
pub mod model;
pub mod rules;
pub mod store;
pub mod ui;
