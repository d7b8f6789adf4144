//! What several test targets share: databases (both engines, each test with its own), and what stands
//! in for the outside world.
//!
//! Used by a test target as `#[path = "../support/mod.rs"] mod support;`. `http.rs` and `peers.rs` need
//! nothing of the rest, and are named one by one where they are used.

#![allow(dead_code, unused_imports, reason = "each test target uses a part of it")]

pub mod audit;
pub mod books;
pub mod citus;
pub mod database;
pub mod fake;
pub mod postgres;
pub mod proxy;

pub use database::{TestDb, each_engine, now};
pub use fake::Fake;
pub use proxy::{Fault, Plan, Proxy};
