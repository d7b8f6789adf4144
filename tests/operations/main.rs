//! What a person does by hand, against the library: import as an upsert, and payments.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod import;
mod import_items;
mod payments;
mod support;
