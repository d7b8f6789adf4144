//! One reminder: what it is about, what is recorded of it, and its messages.

use crate::jobs::messages::{Outgoing, by_mail};
use crate::model::dunning::ReminderKind;
use crate::model::message::{About, Channel, Mailbox, Message};
use crate::model::routing::Quiet;
use crate::model::{CompanyId, Money, SellerId};
use crate::rules::recipients::Recipient;
use crate::rules::routing::after_hours;
use crate::store::audit::Entry;
use crate::store::dunning::{Owed, Reminder};
use chrono::{DateTime, Utc};
use serde_json::json;

/// An invoice that a reminder is about.
#[derive(Debug, Clone)]
pub struct Due {
    pub owed: Owed,
    /// The level that it has reached, in days.
    pub level: i32,
    /// Lower levels that were missed, and never come.
    pub passed_over: Vec<i32>,
    /// What its company's credit covers of it; less than its balance.
    pub covered: Money,
}

/// How a reminder is worded: all invoices for which it is the same go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wording {
    pub kind: ReminderKind,
    /// [`Level::urgency`].
    pub urgency: u8,
}

/// One reminder: all invoices of a company and seller that are worded alike.
#[derive(Debug, Clone)]
pub struct Reminded {
    pub company_id: CompanyId,
    pub seller_id: SellerId,
    pub wording: Wording,
    /// By due date.
    pub invoices: Vec<Due>,
    pub to: Vec<Recipient>,
    pub copies: Vec<Recipient>,
    pub sms: Vec<Recipient>,
}

impl Reminded {
    /// The same for all its messages. Of an invoice and level there is one reminder ever, so the first of its
    /// invoices names it.
    fn message_key(&self) -> String {
        let (number, level) = self.invoices.first().map_or(("", 0), |due| (due.owed.number.as_str(), due.level));
        format!("reminder:{}:{number}:{level:+}", self.seller_id)
    }

    pub fn rows(&self) -> Vec<Reminder> {
        let row = |owed: &Owed, level, message_key: String| Reminder {
            company_id: owed.company_id.clone(),
            invoice_id: owed.invoice_id.clone(),
            level,
            message_key,
        };
        let of = |Due { owed, level, passed_over, .. }: &Due| {
            let passed_over: Vec<Reminder> = passed_over.iter().map(|level| row(owed, *level, String::new())).collect();
            passed_over.into_iter().chain([row(owed, *level, self.message_key())])
        };
        self.invoices.iter().flat_map(of).collect()
    }

    /// Each at its recipient's time of day.
    pub fn messages(&self, quiet: Option<Quiet>, now: DateTime<Utc>) -> Vec<Outgoing> {
        let message = Message {
            kind: self.wording.kind.message(),
            severity: self.wording.kind.severity(),
            language: String::new(),
            recipient: Mailbox { name: String::new(), address: String::new() },
            to: Vec::new(),
            cc: Vec::new(),
            message_key: self.message_key(),
            about: About::Invoices {
                seller_id: self.seller_id.clone(),
                invoice_ids: self.invoices.iter().map(|due| due.owed.invoice_id.clone()).collect(),
                level: self.invoices.iter().map(|due| due.level).max(),
                urgency: Some(self.wording.urgency),
            },
        };
        let sms = |recipient: &Recipient| Outgoing {
            channel: Channel::Sms,
            message: Message { language: recipient.language.clone(), recipient: recipient.mailbox.clone(), ..message.clone() },
            not_before: None,
        };
        let mut outgoing = by_mail(&message, &self.to, &self.copies);
        outgoing.extend(self.sms.iter().map(sms));
        for one in &mut outgoing {
            let zone = self.everybody().find(|other| other.mailbox == one.message.recipient).map(|other| other.time_zone);
            one.not_before = zone.map(|zone| after_hours(quiet, &[], zone, now)).filter(|at| *at > now);
        }
        outgoing
    }

    pub fn entries(&self) -> Vec<Entry> {
        let recipients: Vec<&str> = self.everybody().map(|recipient| recipient.mailbox.address.as_str()).collect();
        let entry = |Due { owed, level, passed_over, covered }: &Due| Entry {
            company_id: owed.company_id.to_string(),
            action: "invoice.reminded",
            entity: "invoice",
            entity_id: owed.invoice_id.to_string(),
            payload: json!({
                "number": owed.number, "level": level, "urgency": self.wording.urgency, "balance": owed.balance,
                "credit": covered, "currency": owed.balance.currency(), "to": recipients, "passed_over": passed_over,
            })
            .to_string(),
        };
        self.invoices.iter().map(entry).collect()
    }

    fn everybody(&self) -> impl Iterator<Item = &Recipient> {
        self.to.iter().chain(&self.copies).chain(&self.sms)
    }
}
