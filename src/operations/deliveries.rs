//! How an invoice or a credit note reached its customer.

use crate::error::Result;
use crate::jobs::messages::kind_of;
use crate::jobs::send;
use crate::model::message::{Channel, MessageKind, key_of_time};
use crate::model::{EffectState, FailureClass, Invoice, InvoiceState};
use crate::store::effects::{self, Effect};
use crate::store::events::{self, Audience, EventState};
use crate::store::{Tx, openings};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Before what is said of a cancellation.
const VOID: &str = "that it is void: ";

/// It was sent, or is to be sent, to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// It told that the invoice is void.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_cancellation: bool,
    pub channel: Channel,
    pub to: String,
    pub state: EffectState,
    /// When that became of it; of what waits, when it was decided.
    pub at: DateTime<Utc>,
    /// Why it did not arrive.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Nobody knows whether it arrived.
    #[serde(skip)]
    pub in_doubt: bool,
}

/// What is known of how it reached its customer.
#[derive(Debug, Clone, Serialize)]
pub struct Deliveries {
    /// The next `invoices send` decides who gets it.
    pub is_due: bool,
    /// Nobody was to be told: the company wants no mails, or it was issued without a mail server.
    pub is_left_out: bool,
    pub sent: Vec<Sent>,
}

/// All mails by which an issued document went to its customer, and those that told that it is void; None for a draft, and
/// for what another system issued.
pub fn of(tx: &mut Tx, invoice: &Invoice) -> Result<Option<Deliveries>> {
    let Some(number) = &invoice.number else { return Ok(None) };
    if openings::is_opening(tx, &invoice.company_id, &invoice.invoice_id)? {
        return Ok(None);
    }
    let is_void = invoice.state == InvoiceState::Void;
    let mut deliveries = Deliveries { is_due: false, is_left_out: false, sent: Vec::new() };
    for kind in [kind_of(invoice)].into_iter().chain(is_void.then_some(MessageKind::InvoiceVoided)) {
        let is_cancellation = kind == MessageKind::InvoiceVoided;
        let base = send::key(kind, &invoice.seller_id, number);
        for times in 1.. {
            let key = key_of_time(&base, times);
            let event = events::state(tx, &invoice.company_id, Audience::Customer, &key)?;
            // What is void is not sent any more.
            deliveries.is_due |= event == Some(EventState::New) && is_void == is_cancellation;
            if event.is_none() {
                break;
            }
            let effects = effects::of_message(tx, &invoice.company_id, &key)?;
            deliveries.sent.extend(effects.into_iter().filter_map(|effect| sent(effect, is_cancellation)));
        }
    }
    deliveries.is_left_out = !is_void && !deliveries.is_due && deliveries.sent.is_empty();
    Ok(Some(deliveries))
}

fn sent(effect: Effect, is_cancellation: bool) -> Option<Sent> {
    let channel = Channel::ALL.iter().copied().find(|channel| effect.key.starts_with(&format!("{channel}:")))?;
    let at = effect.settled_at.unwrap_or(effect.planned_at);
    let lost = effect.state == EffectState::Abandoned && effect.class == Some(FailureClass::NoAnswer);
    let in_doubt = lost || matches!(effect.state, EffectState::Unknown | EffectState::NeedsHuman);
    Some(Sent { is_cancellation, channel, to: effect.recipient, state: effect.state, at, error: effect.error, in_doubt })
}

impl Sent {
    /// One line for a person.
    pub fn text(&self) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let what = match self.state {
            _ if self.in_doubt => "was perhaps sent",
            EffectState::Succeeded => "sent",
            EffectState::Planned | EffectState::Sending => "waits to be sent",
            EffectState::Failed => "could not be sent",
            EffectState::Unknown | EffectState::NeedsHuman | EffectState::Abandoned => "was not sent",
        };
        let why = if self.error.is_empty() { String::new() } else { format!(": {}", self.error) };
        let told = if self.is_cancellation { VOID } else { "" };
        format!("{told}{what} to {} ({}, {at}){why}", self.to, self.channel)
    }
}

impl Deliveries {
    /// Lines for a person.
    pub fn text(&self, invoice: &Invoice) -> String {
        let mut lines: Vec<String> = self.sent.iter().map(Sent::text).collect();
        if self.is_due {
            let told = if invoice.state == InvoiceState::Void { VOID } else { "" };
            lines.push(format!("{told}to be sent by the next finops invoices send"));
        }
        if self.is_left_out {
            lines.push(format!("not sent to anybody; finops invoices send {} does it", invoice.label()));
        }
        lines.join("\n")
    }
}
