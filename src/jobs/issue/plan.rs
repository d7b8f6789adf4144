//! A draft on its way to its number, and the numbers of a page.

use crate::engine::job::Plan;
use crate::error::{Error, Result};
use crate::model::document::Document;
use crate::model::{CompanyId, FullInvoice, Money};
use crate::rules::numbering::NumberFormat;
use crate::store::numbers::{self, Given, Taken};
use crate::store::{StoreError, Tx};
use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
}

/// Takes the numbers of a page: a block a series, year and date, in the order of the plans.
pub(super) fn number(tx: &mut Tx, plans: &[IssuePlan]) -> Result<Vec<String>> {
    let mut groups: BTreeMap<(&str, i32, NaiveDate), Vec<usize>> = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate() {
        groups.entry((&plan.series_id, plan.counter_year(), plan.document.issued_on)).or_default().push(index);
    }
    let mut numbered = vec![String::new(); plans.len()];
    for ((series_id, year, issued_on), members) in groups {
        let Taken::From(first) = numbers::take(tx, series_id, year, members.len() as u64, issued_on)? else {
            return Err(StoreError::Busy(format!("series {series_id} moved on")).into());
        };
        refuse_given_numbers(tx, &members, plans, first, issued_on)?;
        let mut given = Vec::with_capacity(members.len());
        for (seq, index) in (first..).zip(members) {
            let plan = &plans[index];
            numbered[index] = plan.format.format(issued_on.year(), seq);
            given.push(Given {
                series_id,
                year,
                seq,
                company_id: &plan.draft.head.company_id,
                document_id: &plan.draft.head.invoice_id,
            });
        }
        numbers::record(tx, &given)?;
    }
    Ok(numbered)
}

/// A seller that changed its series but not its format would give its numbers twice. The numbers of
/// a block follow each other, so its ends tell.
fn refuse_given_numbers(tx: &mut Tx, members: &[usize], plans: &[IssuePlan], first: u64, issued_on: NaiveDate) -> Result<()> {
    let ends = [(members.first(), first), (members.last(), first + members.len() as u64 - 1)];
    for (index, seq) in ends {
        let Some(plan) = index.map(|i| &plans[*i]) else { continue };
        let number = plan.format.format(issued_on.year(), seq);
        if numbers::is_given(tx, &plan.draft.head.seller_id, &number)? {
            return Err(Error::refused(format!(
                "seller {} has given the number {number} already, in another series than {}",
                plan.draft.head.seller_id, plan.series_id
            ))
            .hint("give the new series a number_format of its own, and import the seller again"));
        }
    }
    Ok(())
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
