//! Reminding of invoices: what kinds of reminders there are, and what holds them back.

use super::message::{MessageKind, Severity};
use super::{CompanyId, InvoiceId, text_enum};
use chrono::NaiveDate;

text_enum! {
    /// The kinds of reminders; each has its own line in cron and its own text.
    pub enum ReminderKind ("kind") {
        /// Before the due date.
        Upcoming = "upcoming",
        /// Soon after it.
        Overdue = "overdue",
        /// Later ones, more urgent by level.
        Escalation = "escalation",
    }
}

/// How urgent the final notice is, from 1; it is given once.
pub const FINAL: u8 = 4;
/// How urgent what follows it is: the most urgent that there is.
pub const AFTER_FINAL: u8 = FINAL + 1;

impl ReminderKind {
    pub const fn message(self) -> MessageKind {
        match self {
            Self::Upcoming => MessageKind::ReminderUpcoming,
            Self::Overdue => MessageKind::ReminderOverdue,
            Self::Escalation => MessageKind::ReminderEscalation,
        }
    }

    pub const fn severity(self) -> Severity {
        match self {
            Self::Upcoming => Severity::Info,
            Self::Overdue | Self::Escalation => Severity::Warning,
        }
    }
}

text_enum! {
    /// Why reminders are held back.
    pub enum HoldKind ("kind") {
        /// By our own choice.
        Pause = "pause",
        /// The customer disputes the invoice.
        Dispute = "dispute",
        /// The customer has promised to pay.
        Promise = "promise",
    }
}

/// What holds reminders back: of one invoice, or of all of a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub company_id: CompanyId,
    /// None: all of the company's.
    pub invoice_id: Option<InvoiceId>,
    pub kind: HoldKind,
    /// The first day, at the seller, on which reminders go on; None: until it is released.
    pub until: Option<NaiveDate>,
    pub reason: String,
}

impl Hold {
    /// Whether it holds back reminders of an invoice of its company on a day.
    pub fn holds(&self, invoice_id: &InvoiceId, today: NaiveDate) -> bool {
        self.invoice_id.as_ref().is_none_or(|held| held == invoice_id) && self.until.is_none_or(|until| today < until)
    }
}
