//! `finops` runs the billing back office of a business from cron.
pub mod config;
pub mod context;
pub mod error;
pub mod model;
pub mod rules;
pub mod store;
pub mod ui;
