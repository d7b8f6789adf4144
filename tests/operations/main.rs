//! What a person does by hand, against the library, on both engines: import as an upsert,
//! payments, corrections, several sellers.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod contracts;
mod contracts_billed;
mod copy;
mod corrections;
#[path = "../support/mod.rs"]
#[allow(clippy::module_inception, reason = "`support` is taken by the books of these tests")]
mod database;
mod export;
mod firm;
mod import;
mod import_columns;
mod import_items;
mod import_prices;
mod items_billed;
mod moved;
mod numbers;
mod payments;
mod sellers;
mod support;
