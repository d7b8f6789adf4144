//! What happens to invoices, raised for staff in the transaction in which it happens, when a route leads
//! to somebody who wants to hear of it.

use crate::model::message::{EventFacts, MessageKind, Severity};
use crate::model::{CompanyId, Invoice, InvoiceId, Money, Routing};
use crate::rules::routing::{Happened, is_wanted};
use crate::store::events::{self, Audience, Event};
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// One invoice to which something happened.
#[derive(Debug, Clone)]
pub struct InvoiceEvent<'i> {
    pub company_id: &'i CompanyId,
    pub invoice_id: &'i InvoiceId,
    /// What people call it: its number, or a draft's id.
    pub label: &'i str,
    /// The invoice's total; of a payment, a failed charge, a refund: that amount.
    pub amount: Money,
    /// What makes it another event when the same happens again to the same invoice: a payment's
    /// reference, an attempt; '' where it happens once.
    pub occasion: &'i str,
    /// In words; '' when its kind says it all.
    pub message: &'i str,
}

/// Raises an event for each invoice to which something happened as a whole: it was drafted, or issued.
pub fn invoices<'i>(
    tx: &mut Tx,
    routing: &Routing,
    kind: MessageKind,
    invoices: impl Iterator<Item = &'i Invoice>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if routing.routes.is_empty() {
        return Ok(());
    }
    let events: Vec<InvoiceEvent> = invoices
        .map(|head| InvoiceEvent {
            company_id: &head.company_id,
            invoice_id: &head.invoice_id,
            label: head.label(),
            amount: head.total,
            occasion: "",
            message: "",
        })
        .collect();
    invoice(tx, routing, kind, &events, at)
}

/// Raises an event for each invoice: drafted, issued, paid, a charge failed, refunded, held.
pub fn invoice(
    tx: &mut Tx,
    routing: &Routing,
    kind: MessageKind,
    invoices: &[InvoiceEvent],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let severity = match kind {
        MessageKind::InvoiceFailed | MessageKind::InvoiceHeld => Severity::Warning,
        _ => Severity::Info,
    };
    let wanted =
        |invoice: &&InvoiceEvent| is_wanted(routing, Happened { kind, severity, over: None, company_id: invoice.company_id });
    let raised: Vec<Event> = invoices
        .iter()
        .filter(wanted)
        .map(|invoice| {
            let amount = invoice.amount.to_decimal().to_string();
            let details = [
                ("company_id", invoice.company_id.to_string()),
                ("amount", amount),
                ("currency", invoice.amount.currency().code().to_owned()),
            ];
            Event {
                company_id: invoice.company_id.clone(),
                key: format!("{kind}:{}:{}", invoice.invoice_id, invoice.occasion),
                audience: Audience::Staff,
                kind,
                severity,
                subject: invoice.invoice_id.to_string(),
                facts: Some(EventFacts {
                    kind,
                    severity,
                    job: String::new(),
                    subject: invoice.label.to_owned(),
                    message: invoice.message.to_owned(),
                    hint: String::new(),
                    at,
                    company: String::new(),
                    about: String::new(),
                    is_draft: false,
                    details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
                    failures: Vec::new(),
                }),
            }
        })
        .collect();
    if raised.is_empty() { Ok(()) } else { events::raise(tx, &raised, at) }
}
