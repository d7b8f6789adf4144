//! From the rules' answer to what is recorded: drafts, rebuilt drafts, moved schedules.

use super::facts::{Facts, Page, StaleDraft};
use crate::context::Ids;
use crate::engine::job::{Decided, Failed, Skipped};
use crate::model::{BillableItem, CompanyId, FailReason, FullInvoice, Invoice, InvoiceId, InvoiceKind, InvoiceState, SourceKey};
use crate::rules::billing::{
    self as rules, CompanyPlan, Failure, Options, Part, PlannedInvoice, Reference, SkipReason, Subject, bills, build_invoice,
    calendar, plan_company,
};
use crate::rules::schedule::{ScheduleRow, alone_on, today};
use crate::store::billing::{BilledPeriod, Next, ScheduleChange};
use chrono::NaiveDate;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// One thing to do for one company.
#[derive(Debug, Clone)]
pub enum GeneratePlan {
    /// A new draft.
    Draft(Box<Draft>),
    /// A draft whose inputs changed is made anew, under the same id.
    Rebuild { old: Box<FullInvoice>, new: Box<Draft> },
    /// A draft for which nothing is left to bill goes away.
    Drop(Box<FullInvoice>),
    /// Its inputs changed, but it comes out the same.
    Keep(CompanyId, InvoiceId),
    /// Where a contract's billing stands now.
    Move(ScheduleChange),
}

/// A draft with what it claims.
#[derive(Debug, Clone)]
pub struct Draft {
    pub invoice: FullInvoice,
    /// Seller's local date on which it fell due for billing.
    pub due: NaiveDate,
    pub periods: Vec<BilledPeriod>,
    pub takes: Vec<SourceKey>,
}

/// Decides for every company of the page, on all cores.
pub(super) fn decide(page: &Page, options: &Options, ids: &Ids) -> Decided<GeneratePlan> {
    let decisions: Vec<(CompanyPlan, Vec<Rebuilt>)> =
        page.companies.par_iter().with_min_len(16).map(|facts| decide_company(facts, &page.reference, options)).collect();
    let mut decided = Decided::default();
    for (facts, (plan, rebuilt)) in page.companies.iter().zip(decisions) {
        for outcome in rebuilt {
            outcome.tell(&mut decided);
        }
        let company_id = &facts.billing.company.company_id;
        for invoice in plan.invoices {
            decided.plans.push(GeneratePlan::Draft(Box::new(draft(invoice, InvoiceId::from(ids.uuid()), 0))));
        }
        for (contract_id, row) in plan.schedule {
            let revision = facts.revisions.get(&contract_id).copied().unwrap_or(0);
            decided.plans.push(GeneratePlan::Move(ScheduleChange {
                company_id: company_id.clone(),
                contract_id,
                next: row.map(next),
                revision,
            }));
        }
        plan.skipped.into_iter().for_each(|s| tell_skipped(company_id, s, &mut decided));
        plan.failed
            .into_iter()
            .for_each(|f| decided.failed.push(told(company_id, &f.subject, f.period.map(|p| p.start().to_string()), &f.problem)));
    }
    decided
}

fn next(row: ScheduleRow) -> Next {
    Next { start: row.next_start, due_on: row.next_due_on }
}

/// What became of a stale draft.
enum Rebuilt {
    Plan(GeneratePlan),
    Edited(FullInvoice),
    Failed(FullInvoice, Failure),
}

impl Rebuilt {
    fn tell(self, decided: &mut Decided<GeneratePlan>) {
        match self {
            Self::Plan(plan) => {
                decided.skipped.extend(without_a_draft(&plan));
                decided.plans.push(plan);
            }
            Self::Edited(draft) => decided.skipped.push(Skipped {
                company_id: draft.head.company_id.clone(),
                subject: draft.head.invoice_id.to_string(),
                period: draft.head.period.start().to_string(),
                reason: "stale_edited",
                message: "its inputs changed after it was edited by hand; delete it, or change it by hand again".to_owned(),
            }),
            Self::Failed(draft, failure) => {
                let subject = draft.head.invoice_id.to_string();
                decided.failed.push(failed(&draft.head.company_id, subject, draft.head.period.start().to_string(), &failure));
            }
        }
    }
}

/// A stale draft that came to nothing new is told among what was skipped.
fn without_a_draft(plan: &GeneratePlan) -> Option<Skipped> {
    let (company_id, invoice_id, period, reason, message) = match plan {
        GeneratePlan::Keep(company_id, invoice_id) => {
            (company_id, invoice_id, String::new(), "unchanged", "its inputs changed, and it comes out the same")
        }
        GeneratePlan::Drop(old) => {
            let head = &old.head;
            (
                &head.company_id,
                &head.invoice_id,
                head.period.start().to_string(),
                "dropped",
                "nothing is left to bill; the draft goes away",
            )
        }
        GeneratePlan::Draft(_) | GeneratePlan::Rebuild { .. } | GeneratePlan::Move(_) => return None,
    };
    Some(Skipped { company_id: company_id.clone(), subject: invoice_id.to_string(), period, reason, message: message.to_owned() })
}

/// Stale drafts first: the open items that they take up are gone for the others.
fn decide_company(facts: &Facts, reference: &Reference, options: &Options) -> (CompanyPlan, Vec<Rebuilt>) {
    if facts.stale.is_empty() {
        return (plan_company(&facts.billing, reference, options), Vec::new());
    }
    let mut taken = BTreeSet::new();
    let rebuilt = facts.stale.iter().map(|stale| rebuild(facts, stale, reference, options, &mut taken)).collect();
    let mut rest = facts.billing.clone();
    rest.items.retain(|item| !taken.contains(&item.source_key));
    (plan_company(&rest, reference, options), rebuilt)
}

fn rebuild(
    facts: &Facts,
    stale: &StaleDraft,
    reference: &Reference,
    options: &Options,
    taken: &mut BTreeSet<SourceKey>,
) -> Rebuilt {
    let old = &stale.invoice;
    if old.head.edited {
        return Rebuilt::Edited(old.clone());
    }
    let mut parts: Vec<Part> = Vec::with_capacity(stale.periods.len());
    for contract in &stale.contracts {
        let calendar = match calendar(contract) {
            Ok(calendar) => calendar,
            Err(failure) => return Rebuilt::Failed(old.clone(), failure),
        };
        let periods = stale.periods.iter().filter(|p| p.contract_id == contract.contract.contract_id);
        parts.extend(periods.filter_map(|p| calendar.beginning_on(p.start).map(|period| (contract, period))));
    }
    let billable = billable(facts, stale, &parts, reference, options, taken);
    match build_invoice(&facts.billing.company, reference, &parts, &billable) {
        Err(failure) => Rebuilt::Failed(old.clone(), failure),
        Ok(None) => Rebuilt::Plan(GeneratePlan::Drop(Box::new(old.clone()))),
        Ok(Some(planned)) => {
            taken.extend(planned.takes.iter().cloned());
            let new = draft(planned, old.head.invoice_id.clone(), old.head.revision);
            let same = FullInvoice { head: Invoice { stale: true, ..new.invoice.head.clone() }, ..new.invoice.clone() } == *old;
            Rebuilt::Plan(if same {
                GeneratePlan::Keep(old.head.company_id.clone(), old.head.invoice_id.clone())
            } else {
                GeneratePlan::Rebuild { old: Box::new(old.clone()), new: Box::new(new) }
            })
        }
    }
}

/// The items of a draft that is made anew, by the rule for new ones: with a contract's period, those
/// dated before it ends; without one, those whose billing day has come. An item that no longer
/// fits is let go.
fn billable<'f>(
    facts: &'f Facts,
    stale: &'f StaleDraft,
    parts: &[Part],
    reference: &Reference,
    options: &Options,
    taken: &BTreeSet<SourceKey>,
) -> Vec<&'f BillableItem> {
    let head = &stale.invoice.head;
    // A contract of which nothing is billed in its period any more takes no items along.
    let serves = |part: &&Part| calendar(part.0).is_ok_and(|calendar| bills(part.0, &calendar, &part.1));
    let until = parts.iter().filter(serves).map(|part| part.1.service.end()).max();
    let today = reference.seller(&head.seller_id).map(|seller| today(options.as_of, seller.time_zone));
    let billing_day = facts.billing.company.billing_day;
    let is_due = |item: &BillableItem| match until {
        Some(end) => item.dated < end,
        None => today.as_ref().is_ok_and(|today| alone_on(item, billing_day) <= *today),
    };
    let fits = |item: &&BillableItem| {
        item.seller_id == head.seller_id
            && item.currency == head.currency
            && item.tax_inclusive == head.tax_inclusive
            && is_due(item)
            && !taken.contains(&item.source_key)
    };
    stale.items.iter().chain(&facts.billing.items).filter(fits).collect()
}

/// The rules' invoice as it is stored.
pub(crate) fn draft(planned: PlannedInvoice, invoice_id: InvoiceId, revision: u32) -> Draft {
    let company_id = planned.company_id;
    let periods = planned.claims.into_iter().map(|claim| BilledPeriod {
        company_id: company_id.clone(),
        contract_id: claim.contract_id,
        start: claim.period.start(),
        end: claim.period.end(),
        revision,
        invoice_id: invoice_id.clone(),
    });
    let periods = periods.collect();
    let due = planned.due;
    let head = Invoice {
        company_id,
        invoice_id,
        kind: InvoiceKind::Invoice,
        state: InvoiceState::Draft,
        seller_id: planned.seller_id,
        currency: planned.currency,
        contract_id: planned.contract_id,
        period: planned.period,
        revision,
        number: None,
        issued_on: None,
        due_on: None,
        payment_terms_days: planned.payment_terms_days,
        tax_inclusive: planned.tax_inclusive,
        reference: planned.reference,
        net: planned.net,
        tax: planned.tax,
        total: planned.total,
        stale: false,
        edited: false,
    };
    Draft { invoice: FullInvoice { head, lines: planned.lines, taxes: planned.taxes }, due, periods, takes: planned.takes }
}

/// Too many missed periods wait for a person's word; the rest is in order.
fn tell_skipped(company_id: &CompanyId, skipped: rules::Skipped, decided: &mut Decided<GeneratePlan>) {
    let period = skipped.period.map(|p| p.start().to_string());
    let (company_id, subject, reason) = (company_id.clone(), subject_id(&skipped.subject), skipped.reason.as_str());
    match skipped.reason {
        SkipReason::TooManyMissed => decided.failed.push(Failed {
            company_id,
            subject,
            period: String::new(),
            reason: FailReason::TooManyMissed.as_str(),
            message: skipped.detail,
            hint: "look at it with --dry-run --yes; then bill all of it with --yes, or set bill_from in the contract".to_owned(),
        }),
        SkipReason::NotDue | SkipReason::NoItems | SkipReason::Paused | SkipReason::NothingToBill => {
            decided.skipped.push(Skipped {
                company_id,
                subject,
                period: period.unwrap_or_default(),
                reason,
                message: skipped.detail,
            });
        }
    }
}

fn subject_id(subject: &Subject) -> String {
    match subject {
        Subject::Contract(id) => id.to_string(),
        // A contract may have the same id.
        Subject::Item(key) => format!("item:{key}"),
    }
}

fn told(company_id: &CompanyId, subject: &Subject, period: Option<String>, failure: &Failure) -> Failed {
    failed(company_id, subject_id(subject), period.unwrap_or_default(), failure)
}

fn failed(company_id: &CompanyId, subject: String, period: String, failure: &Failure) -> Failed {
    let reason = match failure {
        Failure::MissingSeller(_) => FailReason::NoSeller,
        Failure::Contract(_) => FailReason::BadContract,
        Failure::MissingRate { .. } => FailReason::NoTaxRate,
        Failure::Amount { .. } => FailReason::BadAmount,
        Failure::NoPlanPrice { .. } => FailReason::NoPlanPrice,
        Failure::Mixed { .. } => FailReason::MixedTerms,
    };
    Failed {
        company_id: company_id.clone(),
        subject,
        period,
        reason: reason.as_str(),
        message: failure.to_string(),
        hint: failure.hint(),
    }
}
