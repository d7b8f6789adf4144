//! One reminder: what it is about, what is recorded of it, and its messages.

use crate::config::RemindersConfig;
use crate::error::Result;
use crate::jobs::credit::{Use, use_on};
use crate::jobs::messages::{Outgoing, by_mail, give_up};
use crate::model::dunning::ReminderKind;
use crate::model::message::{About, Channel, Mailbox, Message, key_of_time, time_of_key};
use crate::model::{CompanyId, EffectState, InvoiceState, Money, SellerId};
use crate::rules::recipients::Recipient;
use crate::rules::routing::after_hours;
use crate::store::audit::Entry;
use crate::store::dunning::{self, Owed, Reminder};
use crate::store::{StoreError, Tx, effects, invoices};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use std::collections::BTreeSet;

/// An invoice that a reminder is about.
#[derive(Debug, Clone)]
pub struct Due {
    pub owed: Owed,
    /// The level of the reminder, in days.
    pub level: i32,
    /// The key of the messages of this level that did not arrive; empty: it is the first time.
    pub instead_of: String,
    /// What of it its company's credit pays, before it is asked for …
    pub covered: Money,
    /// … and what the company has left then.
    pub credit_left: Money,
    /// The day at the seller.
    pub on: NaiveDate,
}

impl Due {
    /// Uses the credit, in the transaction that plans the reminder.
    pub fn use_credit(&self, tx: &mut Tx) -> Result<Vec<Entry>> {
        let Self { owed, covered, credit_left, on, .. } = self;
        if covered.is_zero() {
            return Ok(Vec::new());
        }
        let invoice = invoices::head(tx, &owed.company_id, &owed.invoice_id)?;
        let Some(invoice) = invoice.filter(|invoice| invoice.state == InvoiceState::Open) else {
            return Err(StoreError::Busy("the invoice changed meanwhile".to_owned()).into());
        };
        let balance = Money::from_minor(owed.balance.minor().saturating_sub(covered.minor()), covered.currency());
        let used = Use { invoice: &invoice, amount: *covered, balance, left: *credit_left, on: *on };
        use_on(tx, &used).map(|(_, entries)| entries)
    }
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
    /// The same for all its messages. Of an invoice and level there is one reminder, so the first of its invoices names
    /// it; one that did not arrive is planned anew under a key that none of them had before.
    fn message_key(&self) -> String {
        let (number, level) = self.invoices.first().map_or(("", 0), |due| (due.owed.number.as_str(), due.level));
        let key = format!("reminder:{}:{number}:{level:+}", self.seller_id);
        let times = |due: &Due| time_of_key(&due.instead_of).map_or(u32::from(!due.instead_of.is_empty()), |(_, times)| times);
        match self.invoices.iter().map(times).max() {
            None | Some(0) => key,
            Some(times) => key_of_time(&key, times + 1),
        }
    }

    pub fn rows(&self) -> Vec<Reminder> {
        let row = |Due { owed, level, instead_of, .. }: &Due| Reminder {
            company_id: owed.company_id.clone(),
            invoice_id: owed.invoice_id.clone(),
            level: *level,
            message_key: self.message_key(),
            instead_of: instead_of.clone(),
        };
        self.invoices.iter().map(row).collect()
    }

    /// Gives up what these messages are sent in place of, once no invoice goes by it any more; in the transaction that
    /// records them.
    pub fn take_over(&self, tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<Entry>> {
        let (key, mut entries) = (self.message_key(), Vec::new());
        let before: BTreeSet<&str> =
            self.invoices.iter().map(|due| due.instead_of.as_str()).filter(|key| !key.is_empty()).collect();
        for before in before {
            for effect in effects::of_message(tx, &self.company_id, before)? {
                let about = Message::of_payload(&effect.payload).map(|message| message.about);
                let Ok(About::Invoices { invoice_ids, .. }) = about else { continue };
                if effect.state == EffectState::Failed && !dunning::is_in_use(tx, &self.company_id, before, &invoice_ids)? {
                    entries.extend(give_up(tx, &effect, &key, at)?);
                }
            }
        }
        Ok(entries)
    }

    /// Each at its recipient's time of day, on a day on which reminders come.
    pub fn messages(&self, config: &RemindersConfig, now: DateTime<Utc>) -> Vec<Outgoing> {
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
            one.not_before = zone.map(|zone| after_hours(config.quiet, &config.quiet_days, zone, now)).filter(|at| *at > now);
        }
        outgoing
    }

    pub fn entries(&self) -> Vec<Entry> {
        let recipients: Vec<&str> = self.everybody().map(|recipient| recipient.mailbox.address.as_str()).collect();
        let entry = |Due { owed, level, covered, .. }: &Due| Entry {
            company_id: owed.company_id.to_string(),
            action: "invoice.reminded",
            entity: "invoice",
            entity_id: owed.invoice_id.to_string(),
            payload: json!({
                "number": owed.number, "level": level, "urgency": self.wording.urgency, "balance": owed.balance,
                "credit": covered, "currency": owed.balance.currency(), "to": recipients,
            })
            .to_string(),
        };
        self.invoices.iter().map(entry).collect()
    }

    fn everybody(&self) -> impl Iterator<Item = &Recipient> {
        self.to.iter().chain(&self.copies).chain(&self.sms)
    }
}
