//! Text messages.

pub mod twilio;

use crate::model::{Failure, Receipt};
use chrono::{DateTime, Utc};

/// What a carrier's list shows of a message whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// Nothing went to the number.
    Nothing,
    /// This text went there.
    Sent(Receipt),
    /// Something else went there, by the carrier's name for it.
    Other(String),
}

/// Whoever carries text messages.
pub trait Texter {
    /// Sends one. The receipt has the carrier's name for it.
    ///
    /// # Errors
    /// With the class after reliability.md: `no_answer` when it may have been sent.
    fn send(&self, to: &str, text: &str, at: DateTime<Utc>) -> Result<Receipt, Failure>;

    /// Looks what went to this number since then.
    ///
    /// # Errors
    /// When it cannot be told.
    fn look_up(&self, to: &str, text: &str, since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Trace, Failure>;
}
