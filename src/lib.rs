//! `finops` runs the billing back office of a business from cron.
//!
//! Where things are, and who may use whom (`commands → jobs → engine → store`; all → `model`;
//! `rules`, `render` and `import` see only `model`; `tests/tidy.rs` checks it):
//!
//! | Module | What it is for |
//! |---|---|
//! | [`cli`] | global flags and the list of commands |
//! | [`commands`] | one file a noun: flags in, job, operation or query called, result shown |
//! | [`config`] | `finops.toml` and the environment → typed, checked; the only reader of the environment |
//! | [`context`] | what a command is given: configuration, clock, ids, printer |
//! | [`crash`] | places at which a test kills or stops the process; nothing in a release build |
//! | [`error`] | kinds, hints, exit codes |
//! | [`ui`] | the only printer: text, JSON lines, progress, quiet |
//! | [`model`] | values that cannot be wrong: money, ids, calendar and the entities |
//! | [`rules`] | pure decisions: periods, pricing, tax, totals, the plan of a company's invoices |
//! | [`import`] | files that users bring → typed rows, every mistake with its place |
//! | [`jobs`] | the registry of scheduled jobs, one job a file |
//! | [`operations`] | what a person does by hand: import, record a payment, void, regenerate |
//! | [`providers`] | the outside world: a file a vendor |
//! | [`engine`] | runs, claims, items, effects, signals: what makes jobs safe |
//! | [`render`] | bytes from values: documents as PDF, messages in words, in five languages |
//! | [`store`] | the two database engines behind one `Db` and `Tx`; each SQL statement once |
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod crash;
pub mod engine;
pub mod error;
pub mod import;
pub mod jobs;
pub mod model;
pub mod operations;
pub mod providers;
pub mod render;
pub mod rules;
pub mod store;
pub mod ui;
