//! `invoices send`: what happened to their invoices is told to the customers, once.
//!
//! Due: events for customers that are not told yet (one range of one index), by company and key: what is shown and
//! logged keeps that order, wherever a page ends. Decide: who gets it, by the company's preference and contacts.
//! Record: the event is told, the messages are planned.

mod facts;

use super::messages::{Couriers, Outgoing, by_mail, plan as plan_messages, take_over};
use crate::config::Config;
use crate::context::Context;
use crate::engine::job::{Decided, Job, Plan};
use crate::engine::outbox::Deliver;
use crate::error::Result;
use crate::model::message::{About, Mailbox, Message, MessageKind, Severity};
use crate::model::{CompanyId, Invoice, Money, SellerId};
use crate::rules::recipients::Recipient;
use crate::store::audit::Entry;
use crate::store::events::{self, After, Audience, Event, EventState, issued_key};
use crate::store::{StoreError, Tx};
use facts::Facts;
use serde_json::{Value, json};

/// The job, with its place among the events.
pub struct Send<'c> {
    ctx: &'c Context,
    couriers: Couriers<'c>,
    named: Vec<CompanyId>,
    /// What a person asks to be sent, in place of what is still to be told. It is raised in the transaction that plans its
    /// mails, so that what was refused or killed before that was never asked for.
    asked: Option<Vec<Event>>,
    after: Option<After>,
}

impl<'c> Send<'c> {
    /// Prepares a run over what is still to be told; only of `named` companies when there are any.
    pub fn new(ctx: &'c Context, named: &[CompanyId]) -> Self {
        Self { ctx, couriers: Couriers::new(ctx), named: named.to_vec(), asked: None, after: Some(After::default()) }
    }

    /// Prepares a run that sends these, whatever the companies prefer.
    pub fn of(ctx: &'c Context, asked: Vec<Event>) -> Self {
        Self { asked: Some(asked), ..Self::new(ctx, &[]) }
    }

    /// Those of a page that are still to be told.
    fn still_new(&self, tx: &mut Tx, mut keys: Vec<Event>) -> Result<Vec<Event>> {
        if self.asked.is_none() {
            let new = events::still_new(tx, Audience::Customer, keys.iter())?;
            keys.retain(|event| new.contains(&(event.company_id.clone(), event.key.clone())));
            return Ok(keys);
        }
        let mut new = Vec::with_capacity(keys.len());
        for event in keys {
            let state = events::state(tx, &event.company_id, event.audience, &event.key)?;
            new.extend(matches!(state, None | Some(EventState::New)).then_some(event));
        }
        Ok(new)
    }

    fn is_wanted(&self, event: &Event) -> bool {
        self.named.is_empty() || self.named.contains(&event.company_id)
    }
}

/// What is told of an invoice, as an event for its company; none when customers are not told of it.
pub fn event(config: &Config, kind: MessageKind, invoice: &Invoice, number: &str) -> Option<Event> {
    let tells = config.mail.is_some() && config.messages.tells(kind);
    tells.then(|| Event {
        company_id: invoice.company_id.clone(),
        key: key(kind, &invoice.seller_id, number),
        audience: Audience::Customer,
        kind,
        severity: Severity::Info,
        subject: invoice.invoice_id.to_string(),
        facts: None,
    })
}

/// The key of what is told of an invoice: of the message, and of its event.
pub fn key(kind: MessageKind, seller_id: &SellerId, number: &str) -> String {
    match kind {
        MessageKind::InvoiceIssued => issued_key(seller_id, number),
        _ => format!("{kind}:{seller_id}:{number}"),
    }
}

/// What is decided about an event.
pub enum SendPlan {
    Tell {
        event: Event,
        invoice: Box<Invoice>,
        recipients: Vec<Recipient>,
    },
    /// Nobody is to be told: bookkeeping.
    Drop(Event),
    /// It was asked for, and waits for an address: bookkeeping.
    Keep(Event),
}

impl Plan for SendPlan {
    fn counts(&self) -> bool {
        matches!(self, Self::Tell { .. })
    }

    fn amount(&self) -> Option<Money> {
        None
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match self {
            Self::Tell { event, .. } | Self::Drop(event) => vec![(event.company_id.clone(), event.key.clone())],
            Self::Keep(_) => Vec::new(),
        }
    }

    fn item(&self) -> Value {
        match self {
            Self::Tell { event, invoice, recipients } => json!({
                "outcome": "planned", "kind": event.kind, "company_id": event.company_id, "invoice_id": invoice.invoice_id,
                "number": invoice.number, "total": invoice.total, "currency": invoice.currency,
                "to": recipients.iter().map(|r| r.mailbox.to_string()).collect::<Vec<_>>(),
            }),
            Self::Drop(event) => json!({ "outcome": "dropped", "kind": event.kind, "company_id": event.company_id }),
            Self::Keep(event) => json!({ "outcome": "kept", "kind": event.kind, "company_id": event.company_id }),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Tell { event, invoice, recipients, .. } => {
                let to: Vec<&str> = recipients.iter().map(|r| r.mailbox.address.as_str()).collect();
                format!("send      {:<20} {:<20} {:<16} {}", event.company_id, invoice.label(), event.kind, to.join(", "))
            }
            Self::Drop(event) => format!("drop      {:<20} {}", event.company_id, event.key),
            Self::Keep(event) => format!("keep      {:<20} {}", event.company_id, event.key),
        }
    }
}

impl Job for Send<'_> {
    type Key = Event;
    type Plan = SendPlan;

    fn name(&self) -> &'static str {
        super::JobKind::InvoicesSend.as_str()
    }

    fn verb(&self) -> &'static str {
        "planned"
    }

    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<Event>> {
        // What cannot be sent is not decided either: it is due once there is a mail server.
        if self.ctx.config.mail.is_none() {
            return Ok(Vec::new());
        }
        if let Some(asked) = &mut self.asked {
            let rest = asked.split_off(asked.len().min(limit as usize));
            return Ok(std::mem::replace(asked, rest));
        }
        while let Some(after) = &self.after {
            let (mut page, next) = events::new_page(tx, Audience::Customer, after, limit)?;
            self.after = next;
            page.retain(|event| self.is_wanted(event));
            if !page.is_empty() {
                return Ok(page);
            }
        }
        Ok(Vec::new())
    }

    fn count(&self, tx: &mut Tx) -> Result<u64> {
        Ok(events::count_new(tx, Audience::Customer)?)
    }

    fn company(event: &Event) -> &CompanyId {
        &event.company_id
    }

    fn plan(&self, tx: &mut Tx, keys: &[Event]) -> Result<Decided<SendPlan>> {
        let keys = self.still_new(tx, keys.to_vec())?;
        let facts = Facts::load(tx, &keys, self.asked.is_some())?;
        let mut decided = Decided::default();
        for event in &keys {
            facts.decide(tx, event, &mut decided)?;
        }
        Ok(decided)
    }

    fn record(&self, tx: &mut Tx, plans: &mut [SendPlan]) -> Result<Vec<Entry>> {
        let now = self.ctx.clock.now();
        let mut entries = Vec::with_capacity(plans.len());
        for plan in plans.iter() {
            let (event, state) = match plan {
                SendPlan::Tell { event, invoice, recipients } => {
                    plan_messages(tx, &event.company_id, &outgoing(event, invoice, recipients), now)?;
                    entries.extend(take_over(tx, &event.company_id, &event.key, &event.subject, now)?);
                    let to: Vec<&str> = recipients.iter().map(|r| r.mailbox.address.as_str()).collect();
                    entries.push(Entry {
                        company_id: event.company_id.to_string(),
                        action: "invoice.sent",
                        entity: "invoice",
                        entity_id: invoice.invoice_id.to_string(),
                        payload: json!({ "kind": event.kind, "key": event.key, "to": to }).to_string(),
                    });
                    (event, EventState::Told)
                }
                SendPlan::Drop(event) => (event, EventState::Dropped),
                SendPlan::Keep(event) => {
                    events::raise(tx, std::slice::from_ref(event), now)?;
                    continue;
                }
            };
            if self.asked.is_some() {
                events::raise(tx, std::slice::from_ref(event), now)?;
            }
            if !events::settle(tx, event, state, now)? {
                return Err(StoreError::Busy("an event was told meanwhile".to_owned()).into());
            }
        }
        Ok(entries)
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        self.couriers.deliverers()
    }
}

/// One message to each of them. A mail names all who get it, and those are who read the same language.
fn outgoing(event: &Event, invoice: &Invoice, recipients: &[Recipient]) -> Vec<Outgoing> {
    let about = About::Invoices {
        seller_id: invoice.seller_id.clone(),
        invoice_ids: vec![invoice.invoice_id.clone()],
        level: None,
        urgency: None,
    };
    let message = Message {
        kind: event.kind,
        severity: event.severity,
        language: String::new(),
        recipient: Mailbox { name: String::new(), address: String::new() },
        to: Vec::new(),
        cc: Vec::new(),
        message_key: event.key.clone(),
        about,
    };
    by_mail(&message, recipients, &[])
}
