//! What comes from outside and may be anything: files, configuration, the command line, texts in the
//! database. Whatever it is, it is read or refused in words, with its place, and never panics.
//!
//! `cargo test --test fuzz` is a short run; `PROPTEST_CASES=100000 cargo test --test fuzz` a long one.
//! What once failed is kept: bytes of files in `corpus/`, the rest by proptest in
//! `proptest-regressions/`. A new format of import joins by its line in `import::READERS`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod config;
mod import;
mod mutate;
mod names;
#[path = "../support/mod.rs"]
mod support;
mod values;

use proptest::test_runner::Config;

/// A share of the usual number of cases, for what takes longer than the rest.
fn one_in(share: u32) -> Config {
    let usual = Config::default();
    Config { cases: (usual.cases / share).max(1), ..usual }
}
