//! `invoices issue`: drafts become invoices that never change again.
//!
//! Due: the drafts, one range of an index that holds nothing else, in the order of numbers:
//! company, contract, period. Decide: whether the draft is fit to be issued today. Record: the
//! number, the dates, the frozen document and the planned PDF, in one transaction, so that no
//! number is lost or given twice. Deliver: the PDFs, on all cores.

mod block;
mod credit;
mod frozen;
mod plan;

pub use frozen::Frozen;
pub use plan::IssuePlan;

use self::credit::Available;
use super::documents::Documents;

use crate::context::Context;
use crate::engine::events as staff;
use crate::engine::job::{Decided, Failed, Job, Skipped};
use crate::engine::outbox::Deliver;
use crate::error::Result;
use crate::jobs::send;
use crate::model::message::MessageKind;
use crate::model::{Company, CompanyId, FailReason, FullInvoice, Invoice, InvoiceState, InvoiceTax, Money, Seller};
use crate::render::{Fonts, Unprintable, missing_characters, unprintable};
use crate::rules::document::{Issue as Freeze, freeze};
use crate::rules::numbering::NumberFormat;
use crate::rules::schedule::today;
use crate::store::audit::Entry;
use crate::store::events;
use crate::store::{StoreError, Tx, companies, invoices, numbers, sellers};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// The job, with its place among the drafts.
pub struct Issue<'c> {
    ctx: &'c Context,
    writer: Documents<'c>,
    named: Vec<CompanyId>,
    after: Option<(String, String, String, String)>,
}

impl<'c> Issue<'c> {
    /// Prepares a run; only the drafts of `named` companies when there are any.
    pub fn new(ctx: &'c Context, named: &[CompanyId]) -> Self {
        Self { ctx, writer: Documents::new(ctx), named: named.to_vec(), after: Some(Default::default()) }
    }
}

impl Job for Issue<'_> {
    type Key = Invoice;
    type Plan = IssuePlan;

    fn name(&self) -> &'static str {
        super::JobKind::InvoicesIssue.as_str()
    }

    fn verb(&self) -> &'static str {
        "issued"
    }

    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<Invoice>> {
        loop {
            let Some(after) = &self.after else { return Ok(Vec::new()) };
            let mut drafts = invoices::drafts(tx, after, limit)?;
            self.after = drafts.last().filter(|_| drafts.len() == limit as usize).map(draft_key);
            if !self.named.is_empty() {
                drafts.retain(|d| self.named.contains(&d.company_id));
            }
            if !drafts.is_empty() || self.after.is_none() {
                return Ok(drafts);
            }
        }
    }

    fn count(&self, tx: &mut Tx) -> Result<u64> {
        Ok(invoices::count_drafts(tx)?)
    }

    fn company(draft: &Invoice) -> &CompanyId {
        &draft.company_id
    }

    fn plan(&self, tx: &mut Tx, keys: &[Invoice]) -> Result<Decided<IssuePlan>> {
        let mut ids: Vec<&str> = keys.iter().map(|k| k.company_id.as_str()).collect();
        ids.dedup();
        let wanted: HashSet<_> = keys.iter().map(|k| &k.invoice_id).collect();
        let sellers: HashMap<_, Seller> = sellers::all(tx)?.into_iter().map(|s| (s.seller_id.clone(), s)).collect();
        let companies: HashMap<_, Company> =
            companies::by_ids(tx, &ids)?.into_iter().map(|c| (c.company_id.clone(), c)).collect();
        let mut available = Available::read(tx, &ids)?;
        let mut latest = HashMap::new();
        let fonts = self.writer.fonts()?;
        let mut decided = Decided::default();
        for draft in invoices::drafts_of(tx, &ids)? {
            if !wanted.contains(&draft.head.invoice_id) {
                continue;
            }
            let (Some(seller), Some(company)) = (sellers.get(&draft.head.seller_id), companies.get(&draft.head.company_id))
            else {
                decided.failed.push(failed(
                    &draft,
                    FailReason::NoSeller,
                    format!("seller {} does not exist", draft.head.seller_id),
                    "import it",
                ));
                continue;
            };
            match self.decide(draft, seller, company, fonts) {
                Ok(plan) => {
                    let last = match latest.get(&plan.series_id) {
                        Some(last) => *last,
                        None => *latest.entry(plan.series_id.clone()).or_insert(numbers::last_issued_on(tx, &plan.series_id)?),
                    };
                    match last.filter(|last| *last > plan.document.issued_on) {
                        Some(last) => decided.failed.push(too_early(&plan, last)),
                        None => {
                            let applied = available.apply(&plan.draft.head);
                            decided.plans.push(plan.with_credit(applied));
                        }
                    }
                }
                Err(Unfit::Skip(skipped)) => decided.skipped.push(*skipped),
                Err(Unfit::Fail(failed)) => decided.failed.push(*failed),
            }
        }
        block::refuse_given(tx, &mut decided)?;
        Ok(decided)
    }

    fn record(&self, tx: &mut Tx, plans: &mut [IssuePlan]) -> Result<Vec<Entry>> {
        credit::check(tx, plans)?;
        let numbered = block::take(tx, plans)?;
        let mut heads = Vec::with_capacity(plans.len());
        let mut frozen = Frozen::default();
        let mut told = Vec::new();
        for (plan, number) in plans.iter_mut().zip(numbered) {
            plan.document.number = number;
            credit::record(tx, plan)?;
            let IssuePlan { document, draft, credit_applied, .. } = &*plan;
            let head = &draft.head;
            let about = if credit_applied.is_zero() { Value::Null } else { json!({ "credit_applied": credit_applied }) };
            told.extend(send::event(&self.ctx.config, MessageKind::InvoiceIssued, head, &document.number));
            frozen.add("invoice.issued", head, document, about)?;
            heads.push(Invoice {
                // Nothing is owed of it: what it gives back is the company's credit (semantics.md, credit notes).
                state: if head.total.minor() > credit_applied.minor() { InvoiceState::Open } else { InvoiceState::Paid },
                number: Some(document.number.clone()),
                issued_on: Some(document.issued_on),
                due_on: Some(document.due_on),
                ..head.clone()
            });
        }
        if !invoices::issue(tx, &heads)? {
            return Err(StoreError::Busy("a draft changed while it was being issued".to_owned()).into());
        }
        let now = self.ctx.clock.now();
        events::raise(tx, &told, now)?;
        staff::invoices(tx, &self.ctx.config.routing, MessageKind::InvoiceIssued, heads.iter(), now)?;
        Ok(frozen.write(tx, now)?)
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        vec![&self.writer]
    }
}

fn draft_key(draft: &Invoice) -> (String, String, String, String) {
    let contract = draft.contract_id.as_ref().map(ToString::to_string).unwrap_or_default();
    (draft.company_id.to_string(), contract, draft.period.start().to_string(), draft.invoice_id.to_string())
}

/// Why a draft is not issued.
enum Unfit {
    Skip(Box<Skipped>),
    Fail(Box<Failed>),
}

impl Issue<'_> {
    fn decide(&self, draft: FullInvoice, seller: &Seller, company: &Company, fonts: &Fonts) -> Result<IssuePlan, Unfit> {
        if draft.head.stale {
            return Err(Unfit::Skip(Box::new(stale(&draft))));
        }
        if let Some(tax) = draft.taxes.iter().find(|tax| tax.category.needs_buyer_tax_id() && company.tax_id.is_empty()) {
            return Err(Unfit::Fail(Box::new(without_tax_id(&draft, tax))));
        }
        let format = NumberFormat::parse(&seller.number_format).map_err(|invalid| {
            Unfit::Fail(Box::new(failed(
                &draft,
                FailReason::BadNumberFormat,
                format!("seller {}: {invalid}", seller.seller_id),
                "correct it and import the seller again",
            )))
        })?;
        let document = freeze(Freeze {
            invoice: &draft.head,
            lines: &draft.lines,
            taxes: &draft.taxes,
            seller,
            company,
            number: String::new(),
            issued_on: today(self.ctx.as_of, seller.time_zone),
            credit_applied: Money::zero(draft.head.currency),
            corrects: None,
        });
        // Before it gets a number: one that could not be printed would be a gap in the files.
        if let Some((character, field)) = missing_characters(&document, fonts).into_iter().next() {
            let (message, hint) = (unprintable(character, &field), Unprintable::of(character).hint());
            return Err(Unfit::Fail(Box::new(failed(&draft, FailReason::Unprintable, message, hint))));
        }
        let credit_applied = Money::zero(draft.head.currency);
        Ok(IssuePlan { draft, document, series_id: seller.series_id.clone(), format, credit_applied })
    }
}

fn stale(draft: &FullInvoice) -> Skipped {
    let (reason, message) = if draft.head.edited {
        ("stale_edited", "its inputs changed after it was edited by hand; delete it, or change it by hand again")
    } else {
        ("stale", "its inputs changed; finops invoices generate makes it anew")
    };
    Skipped {
        company_id: draft.head.company_id.clone(),
        subject: draft.head.invoice_id.to_string(),
        period: draft.head.period.start().to_string(),
        reason,
        message: message.to_owned(),
    }
}

fn without_tax_id(draft: &FullInvoice, tax: &InvoiceTax) -> Failed {
    let (company, category) = (&draft.head.company_id, tax.category);
    let message = format!(
        "{} ({category}) needs the buyer's tax id, and company {company} has none (EN 16931 BR-{}-02)",
        tax.name,
        tax.category.rule()
    );
    failed(
        draft,
        FailReason::NoBuyerTaxId,
        message,
        "import the company's tax_id, run finops invoices generate, and issue it then",
    )
}

fn too_early(plan: &IssuePlan, last: NaiveDate) -> Failed {
    let message = format!("series {} has already issued on {last}, which is after {}", plan.series_id, plan.document.issued_on);
    failed(
        &plan.draft,
        FailReason::DateBeforeSeries,
        message,
        "numbers and dates must ascend together: issue on or after that day",
    )
}

fn failed(draft: &FullInvoice, reason: FailReason, message: String, hint: &str) -> Failed {
    Failed {
        company_id: draft.head.company_id.clone(),
        subject: draft.head.invoice_id.to_string(),
        period: draft.head.period.start().to_string(),
        reason: reason.as_str(),
        message,
        hint: hint.to_owned(),
    }
}
