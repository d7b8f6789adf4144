//! What a person does about reminders: hold them back and let them go on.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, Result};
use crate::jobs::named::check_companies;
use crate::model::dunning::{Hold, HoldKind};
use crate::model::{CompanyId, Invoice, InvoiceState, text};
use crate::rules::schedule::today;
use crate::store::audit::{self, Entry};
use crate::store::{Tx, dunning, invoices, sellers};
use chrono::NaiveDate;
use serde_json::json;

/// Of what reminders are held back.
#[derive(Debug, Clone)]
pub enum Subject {
    Invoice(Box<Invoice>),
    Company(CompanyId),
}

impl Subject {
    /// A company that a person names. It must exist.
    pub fn company(tx: &mut Tx, company_id: &CompanyId) -> Result<Self> {
        check_companies(tx, [company_id])?;
        Ok(Self::Company(company_id.clone()))
    }

    pub fn company_id(&self) -> &CompanyId {
        match self {
            Self::Invoice(invoice) => &invoice.company_id,
            Self::Company(company_id) => company_id,
        }
    }

    /// What people call it.
    pub fn label(&self) -> String {
        match self {
            Self::Invoice(invoice) => format!("invoice {}", invoice.label()),
            Self::Company(company_id) => format!("company {company_id}"),
        }
    }
}

/// Holds reminders back; what held them for the same reason before is replaced.
pub fn hold(
    tx: &mut Tx,
    ctx: &Context,
    subject: &Subject,
    kind: HoldKind,
    until: Option<NaiveDate>,
    reason: &str,
) -> Result<Hold> {
    text::check(reason).map_err(|invalid| {
        Error::refused(format!("the reason cannot be kept: {invalid}"))
            .hint("say why in other words: the audit log keeps them for ever")
    })?;
    let sellers = sellers::all(tx)?;
    let invoice = match subject {
        Subject::Invoice(invoice) => Some(open(tx, invoice)?),
        Subject::Company(_) => None,
    };
    // The date goes by the invoice's seller; for a company that several bill, by the one whose day is furthest.
    let bills = |seller_id| invoice.as_ref().is_none_or(|invoice| invoice.seller_id == seller_id);
    let zones = sellers.into_iter().filter(|seller| bills(seller.seller_id.clone())).map(|seller| seller.time_zone);
    let today = zones.map(|zone| today(ctx.as_of, zone)).max().unwrap_or_else(|| ctx.as_of.date_naive());
    if let Some(until) = until.filter(|until| *until <= today) {
        return Err(Error::refused(format!("{until} is not in the future: today is {today}"))
            .hint("--until is the first day on which reminders go on"));
    }
    if kind == HoldKind::Promise && until.is_none() {
        return Err(
            Error::usage("a promise to pay has a date").hint("say from when reminders go on if it is not kept: --until DATE")
        );
    }
    let hold = Hold {
        company_id: subject.company_id().clone(),
        invoice_id: invoice.map(|invoice| invoice.invoice_id),
        kind,
        until,
        reason: reason.trim().to_owned(),
    };
    dunning::hold(tx, &hold, ctx.clock.now())?;
    let payload = json!({ "kind": kind, "until": until, "reason": hold.reason });
    note(tx, ctx, subject, "reminders.held", &payload)?;
    Ok(hold)
}

/// The invoice as it is now, if anything can be reminded of it.
fn open(tx: &mut Tx, invoice: &Invoice) -> Result<Invoice> {
    let invoice = invoices::head(tx, &invoice.company_id, &invoice.invoice_id)?.unwrap_or_else(|| invoice.clone());
    match invoice.state {
        InvoiceState::Open => Ok(invoice),
        state => Err(Error::refused(format!("invoice {} is {state}, and nobody is reminded of it", invoice.label()))
            .hint("only what is open can be held back; for all of a company: --company-id ID")),
    }
}

/// Lets reminders go on: those held for `kind`, or whatever holds them. Returns the kinds that did.
pub fn release(tx: &mut Tx, ctx: &Context, subject: &Subject, kind: Option<HoldKind>) -> Result<Vec<HoldKind>> {
    let invoice_id = match subject {
        Subject::Invoice(invoice) => Some(&invoice.invoice_id),
        Subject::Company(_) => None,
    };
    let mut released = Vec::new();
    for one in HoldKind::ALL.iter().filter(|one| kind.is_none_or(|kind| kind == **one)) {
        if dunning::release(tx, subject.company_id(), invoice_id, *one)? {
            note(tx, ctx, subject, "reminders.released", &json!({ "kind": one }))?;
            released.push(*one);
        }
    }
    if released.is_empty() {
        let what = kind.map_or("nothing".to_owned(), |kind| format!("no {kind}"));
        return Err(Error::not_found(format!("{what} holds back reminders of {}", subject.label()))
            .hint("finops reminders list --held shows what is held"));
    }
    Ok(released)
}

fn note(tx: &mut Tx, ctx: &Context, subject: &Subject, action: &'static str, payload: &serde_json::Value) -> Result<()> {
    let (entity, entity_id) = match subject {
        Subject::Invoice(invoice) => ("invoice", invoice.invoice_id.to_string()),
        Subject::Company(company_id) => ("company", company_id.to_string()),
    };
    let company_id = subject.company_id().to_string();
    audit::append(tx, &host::author(ctx), &[Entry { company_id, action, entity, entity_id, payload: payload.to_string() }])?;
    Ok(())
}
