//! What templates see of invoices, payments and credit notes.

use crate::model::{Currency, Money};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount as templates see it; the filter `money` writes it in the reader's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub amount: Decimal,
    pub currency: Currency,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { amount: money.to_decimal(), currency: money.currency() }
    }
}

/// An invoice as templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceFacts {
    pub number: String,
    /// Of a credit note: the number of the invoice that it takes something back of; else empty.
    pub corrects: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    /// Days past the due date in the seller's zone; negative before it.
    pub days_overdue: i64,
    pub total: Amount,
    /// What is still owed of it.
    pub balance: Amount,
    pub reference: String,
    pub service_from: NaiveDate,
    pub service_to: NaiveDate,
    /// Of a receipt: what settled it, by date; else empty.
    pub payments: Vec<PaymentFacts>,
    /// What payments settled of it until now, if any did.
    pub paid: Option<Amount>,
    /// What credit notes and credit settled of it until now, if any did.
    pub from_credit: Option<Amount>,
    /// Of a credit note: what came of it.
    pub correction: Option<CorrectionFacts>,
    /// Of a voided one: the number of the invoice in its place, empty while that is a draft; None where nothing follows.
    pub replaced_by: Option<String>,
}

/// A payment as templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFacts {
    /// All that was paid.
    pub amount: Amount,
    /// What of it was more than was owed, and became credit; zero where nothing was.
    pub excess: Amount,
    /// In the seller's zone.
    pub received_on: NaiveDate,
    /// Who took the money: `manual`, `bank`, `stripe`.
    pub provider: String,
    pub reference: String,
}

/// What came of a credit note, as templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionFacts {
    /// May be empty.
    pub reason: String,
    /// What lowered what was left to pay, and what became credit. None where its document does not say.
    pub settled: Option<Amount>,
    pub excess: Option<Amount>,
    /// Of the invoice that it corrects, as of now.
    pub remaining: Amount,
    pub remaining_due_on: NaiveDate,
}
