//! What must hold for any input: periods, days in all time zones, proration, sums, splits.
//!
//! Expected values are computed here by other means than in the program: walking a calendar day by
//! day, or exact fractions of integers.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

mod credit;
mod dunning;
mod fixtures;
mod money;
mod periods;
mod plan;
mod prices;
mod proration;
mod routing;
mod totals;
mod zones;
