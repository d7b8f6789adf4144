//! The company's credit that invoices use up when they are issued, before anything is charged
//! (semantics.md, credit notes): in the order of numbers, as far as it goes.

use super::IssuePlan;
use crate::model::{CompanyId, Currency, Invoice, Money, SellerId};
use crate::store::credit::{self, Balance, NewEntry};
use crate::store::{StoreError, Tx};
use std::collections::{BTreeSet, HashMap};

/// What each company has with each seller, in minor units, less what the page uses up.
#[derive(Default)]
pub(super) struct Available(HashMap<(CompanyId, SellerId, Currency), i64>);

impl Available {
    /// Of these companies (ids ascending).
    pub(super) fn read(tx: &mut Tx, companies: &[&str]) -> Result<Self, StoreError> {
        let keyed = |b: Balance| ((b.company_id, b.seller_id, b.amount.currency()), b.amount.minor());
        Ok(Self(credit::balances(tx, companies)?.into_iter().map(keyed).collect()))
    }

    /// Lets an invoice use up what there is; one that gives money back adds to it.
    pub(super) fn apply(&mut self, head: &Invoice) -> Money {
        let key = (head.company_id.clone(), head.seller_id.clone(), head.currency);
        let available = self.0.entry(key).or_default();
        let applied = head.total.minor().min(*available);
        if head.total.minor() < 0 || applied > 0 {
            *available -= applied;
        }
        Money::from_minor(applied.max(0), head.currency)
    }
}

/// Makes sure that the credit which is used is still there, of companies that are held: a person may have paid
/// it out since the page was planned.
pub(super) fn check(tx: &mut Tx, plans: &[IssuePlan]) -> Result<(), StoreError> {
    let users = plans.iter().filter(|plan| !plan.credit_applied.is_zero());
    let companies: BTreeSet<&str> = users.map(|plan| plan.draft.head.company_id.as_str()).collect();
    if companies.is_empty() {
        return Ok(());
    }
    let companies: Vec<&str> = companies.into_iter().collect();
    let mut available = Available::read(tx, &companies)?;
    for plan in plans.iter().filter(|plan| companies.binary_search(&plan.draft.head.company_id.as_str()).is_ok()) {
        if available.apply(&plan.draft.head) != plan.credit_applied {
            return Err(StoreError::Busy("the company's credit changed meanwhile".to_owned()));
        }
    }
    Ok(())
}

/// Writes what an invoice uses up, or what one below zero gives back.
pub(super) fn record(tx: &mut Tx, plan: &IssuePlan) -> Result<(), StoreError> {
    let (head, document) = (&plan.draft.head, &plan.document);
    let reason = format!("invoice {}", document.number);
    let entry = |key, amount, invoice_id| NewEntry {
        company_id: &head.company_id,
        key,
        seller_id: &head.seller_id,
        amount,
        reason: &reason,
        entered_on: document.issued_on,
        invoice_id,
    };
    let added = if head.total.minor() < 0 {
        credit::add(tx, entry(&format!("invoice:{}", head.invoice_id), head.total.negated(), None))?
    } else if plan.credit_applied.is_zero() {
        true
    } else {
        let key = format!("applied:{}", head.invoice_id);
        credit::add(tx, entry(&key, plan.credit_applied.negated(), Some(&head.invoice_id)))?
    };
    if added { Ok(()) } else { Err(StoreError::Busy("the invoice was issued meanwhile".to_owned())) }
}
