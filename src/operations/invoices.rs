//! What a person does to one invoice: find it, void it, bill its periods anew, delete a draft.

use crate::context::Context;
use crate::engine::{self, host};
use crate::error::{Error, Result};
use crate::jobs::generate::{Draft, Plans, contract_facts, draft, entry, insert, remove, reschedule};
use crate::jobs::messages::{Has, has_it};
use crate::jobs::send;
use crate::model::message::{ContactRole, MessageKind, Severity, key_of_time};
use crate::model::{BillableItem, CompanyId, FullInvoice, Invoice, InvoiceId, InvoiceState, Money, SellerId, text};
use crate::operations::contracts::forget_adjustments;
use crate::rules::billing::{ContractFacts, Part, Reference, build_invoice, calendar};
use crate::rules::recipients::by_mail;
use crate::rules::schedule::today;
use crate::store::audit::{self, Entry};
use crate::store::billing::{self, BilledPeriod};
use crate::store::events::{self, Audience, Event, EventState};
use crate::store::payments::open_balance;
use crate::store::{StoreError, Tx, companies, contacts, contracts, credit, invoices, items, openings, payments, sellers};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

/// The one invoice that a person means by a number or an id. Sellers may share numbers, so a
/// company may be needed to tell them apart.
pub fn find(tx: &mut Tx, number_or_id: &str, company: Option<&CompanyId>) -> Result<Invoice> {
    let mut found = invoices::find(tx, number_or_id, company)?;
    match found.len() {
        0 => Err(Error::not_found(match company {
            Some(company) => format!("there is no invoice {number_or_id:?} of company {company}"),
            None => format!("there is no invoice {number_or_id:?}"),
        })
        .hint("finops invoices list shows numbers and ids; a draft has only an id")),
        1 => Ok(found.remove(0)),
        _ => {
            let named = |i: &Invoice| format!("{} of seller {}, company {}", i.invoice_id, i.seller_id, i.company_id);
            let all: Vec<String> = found.iter().map(named).collect();
            Err(Error::usage(format!("{number_or_id} is the number of several invoices: {}", all.join("; "))).hint(
                match company {
                    Some(_) => "name the id",
                    None => "name the id, or the company with --company-id",
                },
            ))
        }
    }
}

/// The invoice as it is once nobody else can change it, its company's data or its payments.
pub(super) fn held(tx: &mut Tx, invoice: &Invoice) -> Result<Invoice> {
    tx.hold_companies(&[invoice.company_id.as_str()])?;
    invoices::hold(tx, &invoice.company_id, &invoice.invoice_id)?;
    let now = invoices::head(tx, &invoice.company_id, &invoice.invoice_id)?;
    now.ok_or_else(|| Error::not_found(format!("invoice {} is gone", invoice.label())))
}

/// Voids an issued invoice. It keeps its number and its claim on the periods: only `regenerate`
/// bills them again. One that was paid or credited, even in part, must be credited instead; the
/// company's credit that it used is given back.
pub fn void(tx: &mut Tx, ctx: &Context, invoice: &Invoice, reason: &str) -> Result<Voided> {
    check_reason(reason)?;
    let invoice = &held(tx, invoice)?;
    if invoice.state == InvoiceState::Draft {
        return Err(Error::refused(format!("invoice {} is a draft, which has no number to void", invoice.label()))
            .hint(format!("delete it: finops invoices delete {}", invoice.invoice_id)));
    }
    let label = invoice.label();
    let credit_it = format!("correct it by a credit note: finops invoices credit {label}");
    let paid = payments::paid(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    if !paid.is_zero() {
        return Err(Error::refused(format!("invoice {label} has payments of {paid} {}", invoice.currency)).hint(credit_it));
    }
    if invoices::has_credit_notes(tx, &invoice.company_id, &invoice.invoice_id)? {
        return Err(Error::refused(format!("invoice {label} has credit notes, which stay")).hint(credit_it));
    }
    if invoice.state == InvoiceState::Paid && invoice.total.minor() > 0 {
        return Err(Error::refused(format!("invoice {label} is paid by the company's credit")).hint(credit_it));
    }
    invoice.check_step(InvoiceState::Void).map_err(|e| Error::refused(e.0).hint(instead_of_void(invoice)))?;
    let forgotten = forget_adjustments(tx, invoice)?;
    close(tx, ctx, invoice, InvoiceState::Void)?;
    let returned = give_back(tx, ctx, invoice)?;
    let mut payload = json!({ "before": invoice.state, "after": InvoiceState::Void, "number": invoice.number, "reason": reason });
    if !returned.is_zero() {
        payload["credit_returned"] = json!(returned);
    }
    if !forgotten.is_empty() {
        let told =
            |item: &BillableItem| json!({ "source_key": item.source_key, "amount": item.adjustment.as_ref().map(|a| a.amount) });
        payload["changes_forgotten"] = forgotten.iter().map(told).collect();
    }
    note(tx, ctx, invoice, "invoice.voided", &payload)?;
    tell_of_void(tx, ctx, invoice)
}

/// What voiding an invoice did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Voided {
    /// The customer has it, or a mail with it is on its way.
    pub handed_over: bool,
    /// The addresses that hear of it with the next `invoices send`.
    pub told: Vec<String>,
}

/// Tells of it: staff, as far as the routes lead to anybody, and the customer who has the invoice.
fn tell_of_void(tx: &mut Tx, ctx: &Context, invoice: &Invoice) -> Result<Voided> {
    let now = ctx.clock.now();
    let kind = MessageKind::InvoiceVoided;
    engine::events::invoices(tx, &ctx.config.routing, kind, std::iter::once(invoice), now)?;
    let handed_over = has_it(tx, invoice, Has::Soon)?;
    let number = invoice.number.as_ref().filter(|_| handed_over);
    let Some(event) = number.and_then(|number| send::event(&ctx.config, kind, invoice, number)) else {
        return Ok(Voided { handed_over, told: Vec::new() });
    };
    events::raise(tx, &[event], now)?;
    let company = companies::by_ids(tx, &[invoice.company_id.as_str()])?.pop();
    let seller = sellers::find(tx, invoice.seller_id.as_str())?;
    let contacts = contacts::of_companies(tx, &[invoice.company_id.as_str()])?;
    let recipients = seller.zip(company).map(|(seller, company)| by_mail(&seller, &company, &contacts, ContactRole::Billing));
    let told = recipients.into_iter().flatten().map(|recipient| recipient.mailbox.address).collect();
    Ok(Voided { handed_over, told })
}

/// What to do about an invoice in a state that cannot become void.
fn instead_of_void(invoice: &Invoice) -> String {
    let label = invoice.label();
    match invoice.state {
        InvoiceState::Paid if invoice.total.minor() < 0 => {
            "what it gives back is the company's credit already: bill what is too much of it as an item (finops import billable_items)"
                .to_owned()
        }
        InvoiceState::Issued => "a credit note stays: bill again what it credited too much, as an item".to_owned(),
        InvoiceState::Void => format!("bill its periods again: finops invoices regenerate {label}"),
        InvoiceState::Draft | InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible => {
            format!("see what it stands for: finops invoices show {label}")
        }
    }
}

/// Gives the company back what of its credit an invoice used up.
fn give_back(tx: &mut Tx, ctx: &Context, invoice: &Invoice) -> Result<Money> {
    let used = credit::settled(tx, &invoice.company_id, &invoice.invoice_id, invoice.currency)?;
    if !used.is_zero() {
        let entry = credit::NewEntry {
            company_id: &invoice.company_id,
            key: &format!("returned:{}", invoice.invoice_id),
            seller_id: &invoice.seller_id,
            amount: used,
            reason: &format!("invoice {} is void", invoice.label()),
            entered_on: today_of(tx, ctx, &invoice.seller_id)?,
            invoice_id: Some(&invoice.invoice_id),
        };
        credit::add(tx, entry)?;
    }
    Ok(used)
}

/// Writes an open invoice off: nobody expects it to be paid any more. It stays owed; a payment that
/// comes all the same makes it paid.
pub fn uncollectible(tx: &mut Tx, ctx: &Context, invoice: &Invoice, reason: &str) -> Result<Invoice> {
    check_reason(reason)?;
    let invoice = held(tx, invoice)?;
    let to = InvoiceState::Uncollectible;
    invoice.check_step(to).map_err(|e| {
        let error = Error::refused(e.0);
        if invoice.state == InvoiceState::Draft {
            error.hint(format!("delete it: finops invoices delete {}", invoice.invoice_id))
        } else {
            error
        }
    })?;
    close(tx, ctx, &invoice, to)?;
    let balance = open_balance(tx, &invoice)?;
    let payload = json!({ "before": invoice.state, "after": to, "number": invoice.number, "balance": balance, "reason": reason });
    note(tx, ctx, &invoice, "invoice.uncollectible", &payload)?;
    Ok(Invoice { state: to, ..invoice })
}

fn check_reason(reason: &str) -> Result<()> {
    text::check(reason).map_err(|invalid| {
        Error::refused(format!("the reason cannot be kept: {invalid}"))
            .hint("say why in other words: the audit log keeps them for ever")
    })
}

/// Nobody is to pay it any more, from today on.
fn close(tx: &mut Tx, ctx: &Context, invoice: &Invoice, to: InvoiceState) -> Result<()> {
    if !invoices::set_state(tx, &invoice.company_id, &invoice.invoice_id, invoice.state, to)? {
        return Err(StoreError::Busy("the invoice changed meanwhile".to_owned()).into());
    }
    let closed_on = today_of(tx, ctx, &invoice.seller_id)?;
    Ok(invoices::closed(tx, &invoice.company_id, &invoice.invoice_id, closed_on)?)
}

/// Today, where a seller is.
pub(super) fn today_of(tx: &mut Tx, ctx: &Context, seller_id: &SellerId) -> Result<NaiveDate> {
    let seller = sellers::find(tx, seller_id.as_str())?;
    Ok(today(ctx.as_of, seller.map_or(chrono_tz::UTC, |seller| seller.time_zone)))
}

/// Deletes a draft. What it billed is open again for the next run.
pub fn delete_draft(tx: &mut Tx, ctx: &Context, invoice: &Invoice) -> Result<()> {
    let invoice = &held(tx, invoice)?;
    if invoice.state != InvoiceState::Draft {
        return Err(Error::refused(format!("invoice {} is {} and stays in the books", invoice.label(), invoice.state)).hint(
            if invoice.state.may_become(InvoiceState::Void) {
                format!("void it: finops invoices void {}", invoice.label())
            } else {
                "nothing issued is ever deleted".to_owned()
            },
        ));
    }
    let full = invoices::full(tx, invoice.clone())?;
    for period in remove(tx, &full)? {
        reschedule(tx, &period.company_id, &period.contract_id)?;
    }
    audit::append(tx, &host::author(ctx), &[entry("invoice.deleted", &full, None)])?;
    Ok(())
}

/// Bills what a voided invoice billed again, from the data as they are now, as a draft of the next
/// revision.
pub fn regenerate(tx: &mut Tx, ctx: &Context, voided: &Invoice) -> Result<FullInvoice> {
    tx.hold_sellers()?;
    let voided = &held(tx, voided)?;
    if voided.state != InvoiceState::Void {
        return Err(Error::refused(format!("invoice {} is {}, not void", voided.label(), voided.state))
            .hint(format!("void it first: finops invoices void {}", voided.label())));
    }
    if openings::is_opening(tx, &voided.company_id, &voided.invoice_id)? {
        return Err(Error::refused(format!("invoice {} was issued by another system, and billed nothing here", voided.label()))
            .hint("what is owed after all is a billable item, or another opening invoice"));
    }
    let taken = items::of_invoice(tx, &voided.company_id, &voided.invoice_id)?;
    let periods = not_billed_again(tx, voided, &taken)?;
    let facts = facts(tx, voided, &periods)?;
    let mut parts: Vec<Part> = Vec::with_capacity(periods.len());
    for facts in &facts {
        let calendar = calendar(facts).map_err(|failure| Error::refused(failure.to_string()).hint(failure.hint()))?;
        let of_contract = periods.iter().filter(|p| p.contract_id == facts.contract.contract_id);
        parts.extend(of_contract.filter_map(|p| calendar.beginning_on(p.start).map(|period| (facts, period))));
    }
    let reference = Reference::new(sellers::all(tx)?, sellers::tax_rates(tx)?);
    let company = companies::by_ids(tx, &[voided.company_id.as_str()])?;
    let company = company.first().ok_or_else(|| Error::failed(format!("company {} is gone", voided.company_id)))?;
    let billable: Vec<&BillableItem> = taken.iter().collect();
    let planned = build_invoice(company, &reference, &parts, &billable)
        .map_err(|failure| Error::refused(failure.to_string()).hint(failure.hint()))?
        .ok_or_else(|| Error::refused(format!("nothing is left to bill of invoice {}", voided.label())))?;
    let new: Draft = draft(planned, InvoiceId::from(ctx.ids.uuid()), voided.revision + 1);
    items::release(tx, &voided.company_id, &voided.invoice_id)?;
    insert(tx, &[&new])?;
    let mut told = entry("invoice.regenerated", &new.invoice, None);
    told.payload = json!({ "from": voided.number, "total": new.invoice.head.total, "currency": voided.currency }).to_string();
    audit::append(tx, &host::author(ctx), &[told])?;
    Ok(new.invoice)
}

/// The periods of a voided invoice that were not billed again since. A contract that fell out of
/// the first new draft (nothing to bill then) may still come back by a second one.
fn not_billed_again(tx: &mut Tx, voided: &Invoice, taken: &[BillableItem]) -> Result<Vec<BilledPeriod>> {
    let mut open = Vec::new();
    let mut successor = None;
    for period in billing::of_invoice(tx, &voided.company_id, &voided.invoice_id)? {
        match billing::billed_anew(tx, &period)? {
            Some(id) => successor = Some(id),
            None => open.push(period),
        }
    }
    if open.is_empty() && taken.is_empty() {
        let refused = Error::refused(format!("invoice {} was regenerated already", voided.label()));
        return Err(match successor {
            Some(id) => refused.hint(format!("see finops invoices show {id}")),
            None => refused.hint(format!("see finops invoices list --company-id {}", voided.company_id)),
        });
    }
    Ok(open)
}

fn facts(tx: &mut Tx, voided: &Invoice, periods: &[BilledPeriod]) -> Result<Vec<ContractFacts>> {
    let mut facts = Vec::with_capacity(1);
    let mut plans = Plans::default();
    for of_contract in periods.chunk_by(|a, b| a.contract_id == b.contract_id) {
        let id = &of_contract[0].contract_id;
        let contract =
            contracts::find(tx, &voided.company_id, id)?.ok_or_else(|| Error::failed(format!("contract {id} is gone")))?;
        let starts: Vec<_> = of_contract.iter().map(|period| period.start).collect();
        facts.push(contract_facts(tx, contract, &starts, &mut plans)?);
    }
    Ok(facts)
}

/// By which events these invoices are sent by name: those that are still to be told, or else once more.
pub fn send_again(tx: &mut Tx, named: &[String], company: Option<&CompanyId>) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::with_capacity(named.len());
    for name in named {
        let invoice = find(tx, name, company)?;
        let Some(number) = invoice.number.as_ref().filter(|_| invoice.state != InvoiceState::Void) else {
            return Err(Error::refused(format!("invoice {} is {} and is not sent", invoice.label(), invoice.state))
                .hint("only what is issued and not void goes to customers"));
        };
        if openings::is_opening(tx, &invoice.company_id, &invoice.invoice_id)? {
            return Err(Error::refused(format!("invoice {number} was issued by another system"))
                .hint("send it from there: its document is not here"));
        }
        let kind = crate::jobs::messages::kind_of(&invoice);
        let base = send::key(kind, &invoice.seller_id, number);
        for times in 1.. {
            let key = key_of_time(&base, times);
            let state = events::state(tx, &invoice.company_id, Audience::Customer, &key)?;
            if matches!(state, Some(EventState::Told | EventState::Dropped)) {
                continue;
            }
            if !events.iter().any(|event| event.company_id == invoice.company_id && event.key == key) {
                events.push(Event {
                    company_id: invoice.company_id.clone(),
                    key,
                    audience: Audience::Customer,
                    kind,
                    severity: Severity::Info,
                    subject: invoice.invoice_id.to_string(),
                    facts: None,
                });
            }
            break;
        }
    }
    events.sort_by(|a, b| (&a.company_id, &a.key).cmp(&(&b.company_id, &b.key)));
    Ok(events)
}

/// What is still to be paid of an issued invoice: total − credited − paid; nothing of a voided or paid one. A draft is
/// not owed yet and has no balance.
pub fn balance(tx: &mut Tx, invoice: &Invoice) -> Result<Option<Money>> {
    match invoice.state {
        InvoiceState::Draft => Ok(None),
        // A paid one that gave money back left it as the company's credit.
        InvoiceState::Void | InvoiceState::Paid | InvoiceState::Issued => Ok(Some(Money::zero(invoice.currency))),
        InvoiceState::Open | InvoiceState::Uncollectible => Ok(Some(open_balance(tx, invoice)?)),
    }
}

/// What a change of state is told as.
pub(super) fn states(before: InvoiceState, after: InvoiceState) -> serde_json::Value {
    json!({ "before": { "state": before }, "after": { "state": after } })
}

pub(super) fn note(
    tx: &mut Tx,
    ctx: &Context,
    invoice: &Invoice,
    action: &'static str,
    payload: &serde_json::Value,
) -> Result<()> {
    let entry = Entry {
        company_id: invoice.company_id.to_string(),
        action,
        entity: "invoice",
        entity_id: invoice.invoice_id.to_string(),
        payload: payload.to_string(),
    };
    audit::append(tx, &host::author(ctx), &[entry])?;
    Ok(())
}
