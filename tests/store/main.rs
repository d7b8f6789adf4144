//! One behaviour suite for the two engines: whatever is promised of the store holds on both.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod chain;
mod check;
mod distribute;
mod dunning;
mod effects;
mod entities;
mod fixtures;
mod guards;
mod lists;
mod looking;
mod reconnect;
mod refusals;
mod schema;
mod state;
mod tls;
mod transactions;
