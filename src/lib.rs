//! `finops` runs the billing back office of a business from cron.
pub mod error;
pub mod model;
pub mod render;
