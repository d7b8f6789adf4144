//! `[retry]` and `[rate_limits]`: how often failed work is tried again, and how fast others are called.

use crate::model::WorkClass;
use crate::rules::retry::{Rate, Schedule};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// `[retry.payments]`, `[retry.mail]`, `[retry.uploads]`, `[retry.critical]`
#[derive(Debug, Clone)]
pub struct RetryConfig {
    pub payments: Schedule,
    pub mail: Schedule,
    pub uploads: Schedule,
    pub critical: Schedule,
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

/// Seconds: (attempts, first pause, longest pause).
const fn schedule(attempts: u32, first: i64, longest: i64) -> Schedule {
    Schedule { attempts, first: TimeDelta::seconds(first), longest: TimeDelta::seconds(longest) }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            payments: schedule(3, 3600, 86_400),
            mail: schedule(5, 900, 14_400),
            uploads: schedule(10, 60, 14_400),
            critical: schedule(10, 60, 3600),
        }
    }
}

/// `[rate_limits]`
#[derive(Debug, Clone)]
pub struct RateConfig {
    /// Messages to one recipient.
    pub per_recipient: Rate,
    /// Calls to a provider, by its name; none is limited but by itself.
    pub providers: BTreeMap<String, Rate>,
}

impl RateConfig {
    pub fn of_provider(&self, provider: &str) -> Option<Rate> {
        self.providers.get(provider).copied()
    }
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { per_recipient: Rate { acts: 10, per: TimeDelta::minutes(1) }, providers: BTreeMap::new() }
    }
}
