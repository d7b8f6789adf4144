//! Writing what was decided: drafts with what they claim, and the audit rows that tell of them.

use super::plan::{Draft, GeneratePlan};
use crate::context::Context;
use crate::engine::events;
use crate::error::{Error, Result};
use crate::jobs::JobKind;
use crate::model::message::MessageKind;
use crate::model::{CompanyId, ContractId, Currency, FullInvoice, Invoice, Money, Period};
use crate::rules::schedule::next_unbilled;
use crate::store::audit::Entry;
use crate::store::billing::{self, BilledPeriod, Next, ScheduleChange};
use crate::store::{StoreError, Tx, contracts, invoices, items, plans, runs};
use serde::Serialize;
use std::collections::BTreeSet;

/// Writes a page of plans. Claims that are taken mean that the plan is older than the database:
/// the transaction is replayed.
pub(super) fn record(tx: &mut Tx, ctx: &Context, plans: &[GeneratePlan]) -> Result<Vec<Entry>> {
    let mut drafts: Vec<&Draft> = Vec::with_capacity(plans.len());
    let mut moves = Vec::with_capacity(plans.len());
    let mut entries = Vec::with_capacity(plans.len());
    let mut freed = BTreeSet::new();
    for plan in plans {
        match plan {
            GeneratePlan::Draft(new) => {
                drafts.push(new);
                entries.push(entry("invoice.drafted", &new.invoice, None));
            }
            GeneratePlan::Rebuild { old, new } => {
                let billed = |p: &BilledPeriod| new.periods.iter().any(|n| n.contract_id == p.contract_id && n.start == p.start);
                freed.extend(remove(tx, old)?.into_iter().filter(|p| !billed(p)).map(|p| (p.company_id, p.contract_id)));
                drafts.push(new);
                entries.push(entry("invoice.rebuilt", &new.invoice, Some(old)));
            }
            GeneratePlan::Drop(old) => {
                freed.extend(remove(tx, old)?.into_iter().map(|p| (p.company_id, p.contract_id)));
                entries.push(entry("invoice.dropped", old, None));
            }
            GeneratePlan::Keep(company_id, invoice_id) => invoices::clear_stale(tx, company_id, invoice_id)?,
            GeneratePlan::Move(change) => moves.push(change.clone()),
        }
    }
    insert(tx, &drafts)?;
    // One that is made anew was told when it was drafted.
    let new = plans.iter().filter_map(|plan| if let GeneratePlan::Draft(new) = plan { Some(&new.invoice.head) } else { None });
    events::invoices(tx, &ctx.config.routing, MessageKind::InvoiceDraft, new, ctx.clock.now())?;
    billing::move_schedules(tx, &moves)?;
    // A period that a draft let go of, and that the new one does not bill, is open again.
    for (company_id, contract_id) in freed {
        reschedule(tx, &company_id, &contract_id)?;
    }
    Ok(entries)
}

/// Writes drafts and claims what they bill.
pub(crate) fn insert(tx: &mut Tx, drafts: &[&Draft]) -> Result<()> {
    let again = || StoreError::Busy("it was billed meanwhile".to_owned());
    invoices::insert(tx, drafts.iter().map(|d| &d.invoice))?;
    let periods: Vec<&BilledPeriod> = drafts.iter().flat_map(|d| &d.periods).collect();
    if !billing::claim(tx, &periods)? {
        return Err(again().into());
    }
    for draft in drafts {
        for key in &draft.takes {
            if !items::take(tx, &draft.invoice.head.company_id, key, &draft.invoice.head.invoice_id)? {
                return Err(again().into());
            }
        }
    }
    Ok(())
}

/// Takes a draft away and frees what it billed. Returns the periods that are free then: their
/// contracts' schedules need to be set again, unless they are billed at once.
pub(crate) fn remove(tx: &mut Tx, draft: &FullInvoice) -> Result<Vec<BilledPeriod>> {
    let (company_id, invoice_id) = (&draft.head.company_id, &draft.head.invoice_id);
    let periods = billing::of_invoice(tx, company_id, invoice_id)?;
    billing::release(tx, company_id, invoice_id)?;
    items::release(tx, company_id, invoice_id)?;
    if !invoices::delete(tx, company_id, invoice_id)? {
        return Err(StoreError::Busy("the draft was issued meanwhile".to_owned()).into());
    }
    for job in JobKind::ALL {
        runs::clear_subject(tx, company_id, job.as_str(), invoice_id.as_str())?;
    }
    Ok(periods)
}

/// Sets a contract's schedule to its first period that is not billed.
pub(crate) fn reschedule(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<()> {
    let Some(contract) = contracts::find(tx, company_id, contract_id)? else { return Ok(()) };
    let billed: Vec<_> = billing::billed_periods(tx, company_id, contract_id)?.into_iter().map(|(start, _)| start).collect();
    let range = (contract_id.as_str(), contract_id.as_str());
    let metered = !plans::metered(tx, &[company_id.as_str()], range)?.is_empty();
    let row = next_unbilled(&contract, metered, &billed).map_err(|e| Error::refused(format!("contract {contract_id}: {e}")))?;
    let revision = billing::schedule(tx, company_id, contract_id)?.map_or(0, |(_, revision)| revision);
    let change = ScheduleChange {
        company_id: company_id.clone(),
        contract_id: contract_id.clone(),
        next: row.map(|r| Next { start: r.next_start, due_on: r.next_due_on }),
        revision,
    };
    Ok(billing::move_schedules(tx, &[change])?)
}

/// The audit row of a draft: the figures that make it checkable, not the whole of it.
pub(crate) fn entry(action: &'static str, invoice: &FullInvoice, before: Option<&FullInvoice>) -> Entry {
    let change = Change { before: before.map(Figures::of), after: Figures::of(invoice) };
    Entry {
        company_id: invoice.head.company_id.to_string(),
        action,
        entity: "invoice",
        entity_id: invoice.head.invoice_id.to_string(),
        // It holds nothing that JSON cannot say.
        payload: serde_json::to_string(&change).unwrap_or_default(),
    }
}

#[derive(Serialize)]
struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Figures>,
    after: Figures,
}

#[derive(Serialize)]
struct Figures {
    period: Period,
    currency: Currency,
    net: Money,
    tax: Money,
    total: Money,
    lines: usize,
}

impl Figures {
    fn of(invoice: &FullInvoice) -> Self {
        let Invoice { period, currency, net, tax, total, .. } = invoice.head;
        Self { period, currency, net, tax, total, lines: invoice.lines.len() }
    }
}
