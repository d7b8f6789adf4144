//! What a statement of account is made from.

use super::Money;
use super::message::EntryKind;
use chrono::NaiveDate;

/// Something that moved an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub on: NaiveDate,
    pub kind: EntryKind,
    /// An invoice's number, a payment's reference.
    pub reference: String,
    pub due_on: Option<NaiveDate>,
    /// What it adds to what is owed; payments are negative.
    pub change: Money,
}

/// An invoice that is not settled on the last day of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debt {
    pub due_on: NaiveDate,
    /// What is left of it on that day.
    pub left: Money,
}

/// All that moved an account until a day, and what was not settled then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub movements: Vec<Movement>,
    pub debts: Vec<Debt>,
}
