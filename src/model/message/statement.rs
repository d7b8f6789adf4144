//! A statement of account: what moved it, and what was owed after each.

use crate::model::{Currency, text_enum};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An account over some days, in one currency each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub from: NaiveDate,
    /// The last day, inclusive.
    pub to: NaiveDate,
    pub accounts: Vec<StatementAccount>,
}

/// The account in one currency: `opening + Σ changes = closing`, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementAccount {
    pub currency: Currency,
    /// Owed before `from`; negative when the company has paid ahead.
    pub opening: Decimal,
    pub entries: Vec<StatementEntry>,
    pub closing: Decimal,
    /// Of `closing`, what is past its due date on the last day.
    pub overdue: Decimal,
}

text_enum! {
    /// What moved an account.
    pub enum EntryKind ("entry") {
        /// Credit that was taken over from the system before.
        OpeningCredit = "opening_credit",
        Invoice = "invoice",
        CreditNote = "credit_note",
        Payment = "payment",
        Refund = "refund",
        /// An invoice that was voided, on the day of its issue: it takes back what that put there.
        Void = "void",
        /// Written off.
        WriteOff = "write_off",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEntry {
    pub on: NaiveDate,
    pub kind: EntryKind,
    /// An invoice's number, a payment's or a credit's reference.
    pub reference: String,
    pub due_on: Option<NaiveDate>,
    /// What it adds to what is owed; payments are negative.
    pub change: Decimal,
    /// Owed after it.
    pub balance: Decimal,
}
