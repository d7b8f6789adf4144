//! `[retry]` and `[rate_limits]`: how often failed work is tried again, and how fast others are called.

use super::Section;
use crate::model::WorkClass;
use crate::rules::retry::{Rate, Schedule};
use chrono::TimeDelta;

/// A schedule for each class of work.
#[derive(Debug, Clone)]
pub struct RetryConfig {
    payments: Schedule,
    mail: Schedule,
    uploads: Schedule,
    critical: Schedule,
}

impl RetryConfig {
    pub const fn of(&self, class: WorkClass) -> Schedule {
        match class {
            WorkClass::Payments => self.payments,
            WorkClass::Mail => self.mail,
            WorkClass::Uploads => self.uploads,
            WorkClass::Critical => self.critical,
        }
    }
}

/// `[retry.payments]`, `[retry.mail]`, `[retry.uploads]`, `[retry.critical]`
pub fn read(section: &mut Section<'_, '_>) -> RetryConfig {
    RetryConfig {
        payments: section.part("payments", "retry.payments", |s| schedule(s, 3, 3600, 86_400)),
        mail: section.part("mail", "retry.mail", |s| schedule(s, 5, 900, 14_400)),
        uploads: section.part("uploads", "retry.uploads", |s| schedule(s, 10, 60, 14_400)),
        critical: section.part("critical", "retry.critical", |s| schedule(s, 10, 60, 3600)),
    }
}

const MONTH_S: u32 = 31 * 86_400;

fn schedule(section: &mut Section<'_, '_>, attempts: u32, first_s: u32, longest_s: u32) -> Schedule {
    let attempts = section.integer("attempts", 1..=100, attempts);
    let mut seconds = |key, default| TimeDelta::seconds(i64::from(section.integer(key, 1..=MONTH_S, default)));
    let (first, longest) = (seconds("first_s", first_s), seconds("longest_s", longest_s));
    Schedule { attempts, first, longest: longest.max(first) }
}

/// `[rate_limits]`
#[derive(Debug, Clone)]
pub struct RateConfig {
    /// Messages to one recipient.
    pub per_recipient: Rate,
    s3: Option<Rate>,
    mail: Option<Rate>,
    slack: Option<Rate>,
    sms: Option<Rate>,
    webhook: Option<Rate>,
}

impl RateConfig {
    /// Calls to a provider, by its name; None: as many as there are.
    pub fn of_provider(&self, provider: &str) -> Option<Rate> {
        match provider {
            "s3" => self.s3,
            "mail" => self.mail,
            "slack" => self.slack,
            "sms" => self.sms,
            "webhook" => self.webhook,
            _ => None,
        }
    }
}

/// Acts a minute; 0 for no limit where there need be none.
pub fn read_rates(section: &mut Section<'_, '_>) -> RateConfig {
    let rate = |acts: u32| Rate { acts, per: TimeDelta::minutes(1) };
    let limit = |acts: u32| (acts > 0).then(|| rate(acts));
    RateConfig {
        per_recipient: rate(section.integer("recipient_per_minute", 1..=100_000, 10)),
        s3: limit(section.integer("s3_per_minute", 0..=1_000_000, 0)),
        mail: limit(section.integer("mail_per_minute", 0..=1_000_000, 0)),
        // Slack: one message a second to a channel (docs.slack.dev/apis/web-api/rate-limits).
        slack: limit(section.integer("slack_per_minute", 0..=1_000_000, 60)),
        // Twilio sends one a second from a number, and queues the rest for hours (support article 223183648).
        sms: limit(section.integer("sms_per_minute", 0..=1_000_000, 60)),
        webhook: limit(section.integer("webhook_per_minute", 0..=1_000_000, 60)),
    }
}
