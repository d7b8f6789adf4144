//! `[reminders]` and `[reminders.policies.NAME]`: when customers are reminded of what they owe.

use super::Section;
use super::reader::article;
use super::routing::quiet_days;
use crate::model::routing::{Quiet, QuietDay};
use crate::rules::dunning::{DEFAULT_POLICY, MAX_DAYS, NO_POLICY, Policies, Policy, Terms};
use toml::de::DeValue;

/// The longest before the due date that a reminder may come, in days.
const MAX_DAYS_BEFORE: i32 = 365;

/// `[reminders]`
#[derive(Debug, Clone)]
pub struct RemindersConfig {
    pub policies: Policies,
    /// Hours, by the recipient's clock, in which no reminder reaches anybody.
    pub quiet: Option<Quiet>,
    /// Days on which none does.
    pub quiet_days: Vec<QuietDay>,
}

/// What `quiet` is where there are no such hours.
const NEVER: &str = "never";

/// `has_sms`: there is a section that says who carries text messages.
pub fn read(section: &mut Section<'_, '_>, has_sms: bool) -> RemindersConfig {
    let quiet = section.text("quiet", "20:00-08:00".to_owned(), |text| {
        if text == NEVER {
            return Ok(text.to_owned());
        }
        text.parse::<Quiet>().map(|quiet| quiet.to_string()).map_err(|invalid| format!("{}, or {NEVER}", invalid.0))
    });
    let (quiet, quiet_days) = (quiet.parse().ok(), quiet_days(section));
    RemindersConfig { policies: policies(section, has_sms), quiet, quiet_days }
}

fn policies(section: &mut Section<'_, '_>, has_sms: bool) -> Policies {
    let terms = terms(section, &Terms::default());
    check_sms(section, &terms, has_sms);
    let default = policy(section, &terms);
    let is_sound = default.is_some();
    let named = section.named("policies", "reminders.policies", |name, section| {
        // What it does not say is as in [reminders].
        let own = self::terms(section, &terms);
        if section.has("sms") {
            check_sms(section, &own, has_sms);
        }
        if name == DEFAULT_POLICY || name == NO_POLICY {
            section.refuse("this name means something already: [reminders] itself is default, and none reminds of nothing");
            return None;
        }
        // What it takes from a default that is wrong would be told again as its own mistake.
        if is_sound { policy(section, &own) } else { None }
    });
    Policies { default: default.unwrap_or_default(), named }
}

/// Levels that are told by SMS need somebody who carries it.
fn check_sms(section: &mut Section<'_, '_>, terms: &Terms, has_sms: bool) {
    if !terms.sms.is_empty() && !has_sms {
        section.mistake(&section.place_of("sms"), "sms", "needs [sms], which says who carries text messages");
    }
}

fn terms(section: &mut Section<'_, '_>, default: &Terms) -> Terms {
    let mut number = |key, default| section.integer(key, 0..=MAX_DAYS, default);
    let repeat_every = number("repeat_every", default.repeat_every);
    let repeat_until = number("repeat_until", default.repeat_until);
    let account_manager_from = number("account_manager_from", default.account_manager_from);
    let management_from = number("management_from", default.management_from);
    let mut days = |key, default: &[i32]| days(section, key, default);
    Terms {
        upcoming: days("upcoming", &default.upcoming),
        overdue: days("overdue", &default.overdue),
        escalation: days("escalation", &default.escalation),
        sms: days("sms", &default.sms),
        repeat_every,
        repeat_until,
        account_manager_from,
        management_from,
    }
}

/// None when it is wrong, which has been noted.
fn policy(section: &mut Section<'_, '_>, terms: &Terms) -> Option<Policy> {
    match Policy::new(terms) {
        Ok(policy) => Some(policy),
        Err((key, reason)) => {
            section.mistake(&section.place_of(key), key, reason);
            None
        }
    }
}

/// A list of days relative to a due date.
fn days(section: &mut Section<'_, '_>, key: &'static str, default: &[i32]) -> Vec<i32> {
    let last = i32::try_from(MAX_DAYS).unwrap_or(i32::MAX);
    section.get(key, default.to_vec(), |value| {
        let list = value.as_array().ok_or_else(|| format!("must be a list of days in brackets, not {}", article(value)))?;
        let read = |item: &DeValue<'_>| {
            let DeValue::Integer(number) = item else {
                return Err(format!("must be a list of whole days, and {} is none", article(item)));
            };
            let days = i32::from_str_radix(number.as_str(), number.radix()).ok();
            days.filter(|days| (-MAX_DAYS_BEFORE..=last).contains(days))
                .ok_or_else(|| format!("must be days from -{MAX_DAYS_BEFORE} to {last}, not {number}"))
        };
        list.iter().map(|item| read(item.get_ref())).collect()
    })
}
