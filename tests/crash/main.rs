//! The crash matrix: each job is killed with SIGKILL at every place that says `crash::point`, and
//! again while it recovers; once it was run to quiescence, the books are those of an undisturbed run.
//!
//! The places are found by an undisturbed run that logs them, so a new one is tested by itself.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod business;
mod kills;
mod matrix;
mod network;
mod oracle;
mod overlap;
mod paused;
mod stage;
mod together;
