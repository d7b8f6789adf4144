//! Acts on the outside world, and how they can fail.

use super::message::Channel;
use super::text_enum;
use chrono::TimeDelta;

text_enum! {
    /// What kind of act it is.
    pub enum EffectKind ("effect kind") {
        /// An invoice's PDF into the folder of documents, or into object storage.
        Document = "document.pdf",
        /// A job ended: told to a URL, signed after Standard Webhooks.
        CompletionNotice = "webhook.completion",
        /// A message to one recipient by a channel.
        Mail = "message.email",
        Sms = "message.sms",
        Slack = "message.slack",
        Webhook = "message.webhook",
        InApp = "message.in_app",
    }
}

impl EffectKind {
    /// The kind of act that a message by this channel is.
    pub const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Mail,
            Channel::Sms => Self::Sms,
            Channel::Slack => Self::Slack,
            Channel::Webhook => Self::Webhook,
            Channel::InApp => Self::InApp,
        }
    }
}

text_enum! {
    /// Where an act stands.
    pub enum EffectState ("effect state") {
        /// Decided, not begun; `next_at` tells from when it may be.
        Planned = "planned",
        /// The call is being made, by the run that owns it.
        Sending = "sending",
        Succeeded = "succeeded",
        /// Refused for good: it waits until the data changes or a person has it tried again.
        Failed = "failed",
        /// The call was made and its outcome is not known: it is looked up before anything new.
        Unknown = "unknown",
        /// Only a person can tell what became of it.
        NeedsHuman = "needs_human",
        /// A person decided that it is not to be done.
        Abandoned = "abandoned",
    }
}

text_enum! {
    /// How an act failed (reliability.md, "Failures"). Each has its own way on, matched exhaustively
    /// in `rules::retry`.
    pub enum FailureClass ("failure class") {
        /// No connection, no such name: nothing was sent.
        Unreachable = "unreachable",
        /// Sent, and the answer was lost (timeout, reset): it may have been done.
        NoAnswer = "no_answer",
        /// 429, or 503 with Retry-After: told to come again later.
        Throttled = "throttled",
        /// The other side failed and says so (5xx), and did nothing that stays.
        Broken = "broken",
        /// Refused for now, as by SMTP's 4xx.
        Deferred = "deferred",
        /// Declined, perhaps not next time (insufficient funds).
        SoftDecline = "soft_decline",
        /// Declined for good (the card is stolen).
        HardDecline = "hard_decline",
        /// Refused as it is (400, 422, SMTP 5xx): never again until the data changes.
        Rejected = "rejected",
        /// 401, 403: the credentials are wrong, for every other act as well.
        Denied = "denied",
        /// This machine's own trouble: a disk, a file that is in the way.
        Local = "local",
        /// What it was for is gone, as a reminder of what was paid meanwhile: it is not done, and that is in order.
        Obsolete = "obsolete",
    }
}

text_enum! {
    /// Classes of work, each with its own schedule of retries in the configuration.
    pub enum WorkClass ("class of work") {
        Payments = "payments",
        /// Mails and other messages.
        Mail = "mail",
        /// Files and accounting data on their way to another system.
        Uploads = "uploads",
        /// What somebody must hear of at once when it fails.
        Critical = "critical",
    }
}

/// Why an act was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    /// For people: what the other side said. It never holds a secret.
    pub message: String,
    /// How long the other side asks to be left alone.
    pub retry_after: Option<TimeDelta>,
    pub outage: Outage,
    /// What to correct, where the class does not say it all.
    pub hint: Option<&'static str>,
}

/// What a failure says of the other side as a whole, whatever the act was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outage {
    #[default]
    None,
    /// There was no connection over which the act could have been asked for.
    Unreached,
    /// It was waited for as long as anybody waits: the next act would wait as long.
    Silent,
}

impl Failure {
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None, outage: Outage::None, hint: None }
    }
}

/// Proof that an act was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What the other side calls it: a path, an object's name, a message id.
    pub provider_ref: String,
    /// SHA-256 (hex) of what it was given; empty where nothing is given.
    pub sha256: String,
    pub bytes: u64,
}
