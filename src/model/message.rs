//! Messages to people and to programs: what they are, whom they go to, and what their templates see.
//!
//! A message is planned as *what it is about* ([`About`], small, in the payload of its effect) and
//! becomes *facts* ([`MessageFacts`]) and then words only when it is sent, so that what was paid
//! meanwhile is not asked for. One effect is one message to one recipient by one channel.

mod facts;
mod keys;
mod statement;

pub use facts::{Amount, CorrectionFacts, InvoiceFacts, PaymentFacts};
pub use keys::{key_of_time, message_id_left, planned_id_left, time_of_key, times_of};
pub use statement::{EntryKind, Statement, StatementAccount, StatementEntry};

use super::document::Party;
use super::seller::BankDetails;
use super::{Invalid, InvoiceId, SellerId, text_enum};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    /// A way to reach somebody.
    pub enum Channel ("channel") {
        Email = "email",
        Sms = "sms",
        Slack = "slack",
        Webhook = "webhook",
        /// A row that another application shows.
        InApp = "in_app",
    }
}

text_enum! {
    /// What a message tells. Each has its built-in template, which a file of the same name may replace.
    pub enum MessageKind ("message") {
        InvoiceDraft = "invoice.draft",
        InvoiceIssued = "invoice.issued",
        InvoicePaid = "invoice.paid",
        /// A charge for it failed.
        InvoiceFailed = "invoice.failed",
        InvoiceRefunded = "invoice.refunded",
        /// Cancelled after it went to the customer.
        InvoiceVoided = "invoice.voided",
        CreditNoteIssued = "credit_note.issued",
        /// Held for review: it looks wrong.
        InvoiceHeld = "invoice.held",
        ReminderUpcoming = "reminder.upcoming",
        ReminderOverdue = "reminder.overdue",
        ReminderEscalation = "reminder.escalation",
        /// A statement of account.
        Statement = "statement",
        JobFailed = "job.failed",
        JobRecovered = "job.recovered",
        /// A run has ended: to whom `notify_on_completion` names.
        JobCompleted = "job.completed",
        /// Something could not be done and was not done before.
        ItemFailed = "item.failed",
        /// Something was tried so often that it waits for a person.
        ItemParked = "item.parked",
        /// An act on the outside world failed for good, or nobody can tell what became of it.
        EffectFailed = "effect.failed",
        BalanceLow = "balance.low",
        /// What happened to an invoice, told to one's own people; what it was stands in the event.
        Notice = "notice",
        /// Several of these in one.
        Digest = "digest",
    }
}

text_enum! {
    /// How much it matters.
    pub enum Severity ("severity") {
        Info = "info",
        Warning = "warning",
        Critical = "critical",
    }
}

text_enum! {
    /// What a contact of a company is there for.
    pub enum ContactRole ("role") {
        /// Gets invoices and reminders.
        Billing = "billing",
        Technical = "technical",
        /// Is copied from a chosen level of reminders on.
        Management = "management",
    }
}

/// A person or a mailbox: a display name, which may be empty, and an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub address: String,
}

/// What a message is about: as little as it takes to find the facts when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Issued invoices of one company and one seller; `level` of reminders: days relative to the due date.
    Invoices {
        seller_id: SellerId,
        invoice_ids: Vec<InvoiceId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<i32>,
        /// How pressing, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        urgency: Option<u8>,
    },
    /// The account of a company with a seller, over these days (both inclusive).
    Statement { seller_id: SellerId, from: NaiveDate, to: NaiveDate },
    /// Something that happened, told as it was noted then.
    Event {
        event: EventFacts,
        #[serde(default = "utc", skip_serializing_if = "is_utc")]
        time_zone: Tz,
    },
    /// What was put aside under this key. The zone is the recipient's: times are told by the clock on their wall.
    Digest {
        digest_key: String,
        #[serde(default = "utc", skip_serializing_if = "is_utc")]
        time_zone: Tz,
    },
}

/// The payload of a message's effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub kind: MessageKind,
    pub severity: Severity,
    /// BCP 47.
    pub language: String,
    /// Whom this effect reaches: an address, a telephone number, a Slack channel, the name of a webhook, a user of another application.
    pub recipient: Mailbox,
    /// All that the mail names in To and Cc, the recipient among them; empty for other channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Mailbox>,
    /// The same for each recipient, language and channel of one message.
    pub message_key: String,
    pub about: About,
}

const fn utc() -> Tz {
    Tz::UTC
}

fn is_utc(zone: &Tz) -> bool {
    *zone == Tz::UTC
}

/// Something that happened, as it was noted: a failure, a recovery, a low balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    pub kind: MessageKind,
    pub severity: Severity,
    /// `invoices.generate`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// As it was noted, for programs: an invoice's number or id, a contract's id, `item:` and an item's key, a message to an address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The same as people know it: a number, an address; found when it is told. Empty where the customer's name alone tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// It is about a draft, which has no number: then `about` is empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// What is wrong, in the words of whoever noted it: English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    pub at: DateTime<Utc>,
    /// The customer, by the name that people know; found when it is told, by the `company_id` in `details`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub company: String,
    /// Anything else, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Of a run that has ended: what newly failed in it, the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<EventFacts>,
}

impl EventFacts {
    /// The detail that says, of what is over, which kind of message told that it was wrong.
    pub const OVER: &str = "over";

    /// Its kind; of what is over, the one that told that it was wrong.
    pub fn what_was_wrong(&self) -> MessageKind {
        self.details.get(Self::OVER).and_then(|over| over.parse().ok()).unwrap_or(self.kind)
    }
}

/// Everything that a template may use. What a kind of message has no use for is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageFacts {
    pub kind: MessageKind,
    pub severity: Severity,
    pub recipient: Mailbox,
    /// Who writes; None for what finops tells of itself.
    pub seller: Option<Party>,
    pub bank: Option<BankDetails>,
    /// Whom it is about; None for what belongs to no company.
    pub company: Option<Party>,
    /// Those that still matter, by due date.
    pub invoices: Vec<InvoiceFacts>,
    /// What is to be paid: sums of their balances, one a currency.
    pub owed: Vec<Amount>,
    /// Of the invoices, how many go along as PDFs.
    pub attached: usize,
    /// Days relative to the due date.
    pub level: Option<i32>,
    /// How pressing, from 1.
    pub urgency: Option<u8>,
    /// The day in the seller's zone.
    pub today: NaiveDate,
    /// The recipient's, which times are told in.
    pub time_zone: Tz,
    pub statement: Option<Statement>,
    pub event: Option<EventFacts>,
    /// Of a digest.
    pub events: Vec<EventFacts>,
}

/// Something attached to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `INV-2026-000001.pdf`.
    pub name: String,
    /// `application/pdf`.
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// A mail as it goes to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Without angle brackets: `2f7a…@example.com`. The same for all whom it names, and for each resend.
    pub message_id: String,
    /// Message-IDs of the thread that it belongs to, the first one first; they become In-Reply-To and References.
    pub references: Vec<String>,
    pub date: DateTime<Utc>,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// Of those, the one that this copy goes to.
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub attachments: Vec<Attachment>,
    /// It may have been delivered before (reliability.md, "Unknown outcomes"): marked as a resend.
    pub resend: bool,
}

/// A message in words, as a template made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    pub subject: String,
    /// The plain text says the same as the HTML.
    pub text: String,
    pub html: String,
    /// One or two sentences, for SMS and for titles.
    pub short: String,
}

impl MessageKind {
    /// Whether the PDFs of its invoices go along. A receipt and a cancellation come after the invoice did, and what its
    /// PDF asks for is not to be paid any more.
    pub const fn attaches_documents(self) -> bool {
        !matches!(self, Self::InvoicePaid | Self::InvoiceVoided)
    }

    /// Whether it asks for what is owed.
    pub const fn is_reminder(self) -> bool {
        matches!(self, Self::ReminderUpcoming | Self::ReminderOverdue | Self::ReminderEscalation)
    }

    /// Whose template tells it. Of their invoices, customers and staff hear in different words.
    pub const fn template(self, is_event: bool) -> Self {
        match self {
            Self::InvoiceDraft
            | Self::InvoiceIssued
            | Self::InvoicePaid
            | Self::InvoiceFailed
            | Self::InvoiceRefunded
            | Self::InvoiceVoided
                if is_event =>
            {
                Self::Notice
            }
            other => other,
        }
    }
}

impl About {
    /// Whether it tells one's own people of something.
    pub const fn is_for_staff(&self) -> bool {
        matches!(self, Self::Event { .. } | Self::Digest { .. })
    }
}

impl Message {
    /// The content of an effect, and what its digest is made from.
    pub fn to_payload(&self) -> Result<String, Invalid> {
        serde_json::to_string(self).map_err(|error| Invalid::new(format!("a message cannot be written: {error}")))
    }

    pub fn of_payload(payload: &str) -> Result<Self, Invalid> {
        serde_json::from_str(payload).map_err(|error| Invalid::new(format!("a planned message cannot be read: {error}")))
    }

    /// Whether it is only looked at: one that somebody gets has a key.
    pub fn is_preview(&self) -> bool {
        self.message_key.is_empty()
    }

    /// Whether this recipient only gets a copy of a mail to others.
    pub fn is_copy(&self) -> bool {
        !self.to.is_empty() && self.to.iter().all(|to| to.address != self.recipient.address)
    }

    /// What it is, for people: `invoice.issued to ap@example.com`.
    pub fn in_words(&self) -> String {
        format!("{} to {}", self.kind, self.recipient.address)
    }

    /// The key of the effect that brings it to its recipient.
    pub fn effect_key(&self, channel: Channel) -> String {
        effect_key(channel, &self.message_key, &self.recipient.address)
    }
}

/// The key of the effect that brings a message to an address.
pub fn effect_key(channel: Channel, message_key: &str, address: &str) -> String {
    format!("{channel}:{message_key}:{address}")
}

impl std::fmt::Display for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(&self.address),
            name => write!(f, "{name} <{}>", self.address),
        }
    }
}

/// Reads a mail address as it may stand in data: `local@domain`, without a display name. Only what
/// could harm a header or an envelope, or can be no address at all, is refused (RFC 5321, 4.5.3.1 has the lengths).
pub fn parse_address(text: &str) -> Result<String, Invalid> {
    let wrong = |why: &str| Err(Invalid::new(format!("{text:?} is no mail address: {why}")));
    let Some((local, domain)) = text.rsplit_once('@') else { return wrong("write it as name@example.com") };
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c)) {
        return wrong("it has a space or a sign that no plain address has");
    }
    if local.is_empty() || local.len() > 64 || text.len() > 254 {
        return wrong("the part before @ has 1 to 64 bytes, and all of it at most 254");
    }
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-') && !label.contains('@')
    };
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") || local.contains('@') {
        return wrong("the part before @ has a dot or an @ in the wrong place");
    }
    if !domain.split('.').all(label) {
        return wrong("the part after @ is no name of a domain");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_break_a_header_are_refused() {
        for good in ["a@b.example", "jörg@exämple.de", "first.last+tag@sub.example.com", "o'neil@localhost"] {
            assert!(parse_address(good).is_ok(), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a b@c.de", "a@b.de\r\nBcc: x@y.de", "a@b,c@d", "<a@b.de>", "a..b@c.de", "a@-b.de", "a@b@c.de"]
        {
            assert!(parse_address(bad).is_err(), "{bad:?}");
        }
    }
}
