//! The registry of scheduled jobs: one variant each, matched exhaustively, so that a job without its
//! schedule or its description does not compile, and a test holds it against `crontab.example`.

pub mod alerts;
pub mod credit;
pub mod documents;
pub mod generate;
pub mod issue;
pub mod messages;
pub mod named;
pub mod reminders;
pub mod send;
pub mod settle;
pub mod statement;

pub use crate::model::JobKind;

use crate::context::Context;
use crate::engine::notice::CompletionNotices;
use crate::engine::outbox::Deliver;
use crate::model::EffectKind;
use crate::model::message::Channel;
use std::rc::Rc;

impl JobKind {
    /// When cron runs it, as five fields, in the machine's zone.
    pub const fn cron(self) -> &'static str {
        match self {
            Self::InvoicesGenerate => "13 4 * * *",
            Self::InvoicesIssue => "43 4 * * *",
            Self::InvoicesSend => "23 7 * * *",
            Self::RemindersUpcoming => "11 9 * * *",
            Self::RemindersOverdue => "16 9 * * *",
            Self::RemindersEscalation => "26 9 * * *",
            Self::EffectsSettle => "6-59/20 * * * *",
            Self::AlertsDispatch => "4-59/10 * * * *",
        }
    }

    /// What it does, in one line.
    pub const fn what(self) -> &'static str {
        match self {
            Self::InvoicesGenerate => "Drafts of the invoices that are due: every missed period, oldest first.",
            Self::InvoicesIssue => "Drafts become invoices: number, due date, frozen content, PDF.",
            Self::InvoicesSend => "Issued invoices go to the customers, once, by each one's preference.",
            Self::RemindersUpcoming => "Reminder before the due date.",
            Self::RemindersOverdue => "Reminder after the due date.",
            Self::RemindersEscalation => "Later reminders, more urgent by level, with the account manager copied.",
            Self::EffectsSettle => "What could not be delivered is tried again when it is due; lost answers are looked up.",
            Self::AlertsDispatch => "What went wrong, and what is over, is told to whom the routes name: once.",
        }
    }

    /// What cron calls: `finops invoices generate`.
    pub fn command(self) -> String {
        match self.as_str().split_once('.') {
            // One command, and a line of cron for each kind.
            Some(("reminders", kind)) => format!("finops reminders send --kind {kind}"),
            _ => format!("finops {}", self.as_str().replace('.', " ")),
        }
    }
}

/// What carries messages by one channel, when no job of the run has more of them.
fn courier<'c>(channel: Channel, ctx: &'c Context) -> Option<Box<dyn Deliver + 'c>> {
    messages::courier(channel, ctx, &Rc::new(messages::Workshop::new(ctx)))
}

/// What carries out effects of a kind; None when the configuration names no destination for it.
pub fn deliverer<'c>(kind: EffectKind, ctx: &'c Context) -> Option<Box<dyn Deliver + 'c>> {
    match kind {
        EffectKind::Document => Some(Box::new(documents::Documents::new(ctx))),
        EffectKind::CompletionNotice => Some(Box::new(CompletionNotices::new(ctx)?)),
        EffectKind::Mail => courier(Channel::Email, ctx),
        EffectKind::Sms => courier(Channel::Sms, ctx),
        EffectKind::Slack => courier(Channel::Slack, ctx),
        EffectKind::Webhook => courier(Channel::Webhook, ctx),
        EffectKind::InApp => courier(Channel::InApp, ctx),
    }
}
