//! A draft on its way to its number.

use crate::engine::job::Plan;
use crate::model::document::Document;
use crate::model::{CompanyId, FullInvoice, Money};
use crate::rules::numbering::NumberFormat;
use chrono::Datelike;
use serde_json::{Value, json};

/// A draft that is to be issued.
#[derive(Debug, Clone)]
pub struct IssuePlan {
    pub(super) draft: FullInvoice,
    /// As it will be printed, but for the number, which the transaction gives.
    pub(super) document: Document,
    pub(super) series_id: String,
    pub(super) format: NumberFormat,
    /// The company's credit that it uses up.
    pub(super) credit_applied: Money,
}

impl IssuePlan {
    /// Uses up some of the company's credit, and says so on the document.
    pub(super) fn with_credit(mut self, applied: Money) -> Self {
        self.document.credit_applied = applied.to_decimal();
        Self { credit_applied: applied, ..self }
    }

    fn to_pay(&self) -> Money {
        let minor = self.draft.head.total.minor().max(0) - self.credit_applied.minor();
        Money::from_minor(minor, self.draft.head.currency)
    }

    /// The year that its number counts in; 0 when the format has none.
    pub(super) fn counter_year(&self) -> i32 {
        if self.format.restarts_yearly() { self.document.issued_on.year() } else { 0 }
    }

    /// What its number would be at this place of its series.
    pub(super) fn number(&self, seq: u64) -> String {
        self.format.format(self.document.issued_on.year(), seq)
    }
}

impl Plan for IssuePlan {
    fn amount(&self) -> Option<Money> {
        Some(self.draft.head.total)
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        vec![(self.draft.head.company_id.clone(), self.draft.head.invoice_id.to_string())]
    }

    fn item(&self) -> Value {
        let head = &self.draft.head;
        json!({
            "outcome": "issued",
            "company_id": head.company_id,
            "invoice_id": head.invoice_id,
            "number": Some(&self.document.number).filter(|n| !n.is_empty()),
            "issued_on": self.document.issued_on,
            "due_on": self.document.due_on,
            "currency": head.currency,
            "net": head.net,
            "tax": head.tax,
            "total": head.total,
            "credit_applied": self.credit_applied,
            "to_pay": self.to_pay(),
        })
    }

    fn text(&self) -> String {
        let head = &self.draft.head;
        let amount = format!("{:>14} {}", head.total.to_string(), head.currency);
        let mut text = format!(
            "issue     {:<20} {:<20} {}  {amount}  due {}",
            head.company_id, self.document.number, head.period, self.document.due_on
        );
        if !self.credit_applied.is_zero() {
            text.push_str(&format!("  ({} by credit, {} to pay)", self.credit_applied, self.to_pay()));
        }
        text
    }
}
