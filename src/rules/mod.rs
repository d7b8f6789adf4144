//! Decisions, as pure functions of facts: no clock, no database, no I/O.
//!
//! What a rule means stands in the documentation of its module, with its source; what it decides is
//! data (a plan), so that a dry run, the JSON output and the real run cannot differ.

pub mod billing;
pub mod compare;
pub mod credit;
pub mod crontab;
pub mod document;
pub mod dunning;
pub mod edit;
pub mod exact;
pub mod numbering;
pub mod periods;
pub mod plans;
pub mod pricing;
pub mod recipients;
pub mod retry;
pub mod routing;
pub mod schedule;
pub mod statement;
pub mod tax;
mod tiers;
pub mod totals;
