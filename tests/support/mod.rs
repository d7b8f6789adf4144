//! What the tests that need a database share: both engines, each test with databases of its own.
//!
//! Used by a test target as `#[path = "../support/mod.rs"] mod support;`.

#![allow(dead_code, unused_imports, reason = "each test target uses a part of it")]

pub mod audit;
pub mod books;
pub mod database;
pub mod postgres;

pub use database::{TestDb, each_engine, now};
