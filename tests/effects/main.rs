//! The effects engine against a provider that fails in every way that providers do: what is due
//! happens once, and what became of it is known in the end.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod faking;
mod gateway;
mod processes;
