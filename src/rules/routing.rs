//! Who is told of what happened, by which channels, when, and whether by itself or among others.
//!
//! - A route takes what is of its kinds and companies and at least as serious as it says. The end of
//!   something goes to those who heard that it was wrong.
//! - Nobody hears of one thing twice by the same channel: of several routes, the soonest holds. That something
//!   waits for a person is told to those alone who did not hear that it failed: it is tried on all the same.
//! - Quiet hours and days go by the clock on the recipient's wall, whatever daylight saving does to it.
//!   What comes in them waits for their end, and then for all of it there is one message.
//! - What is critical waits for nothing.
//! - Who would get a flood gets one message.

use crate::model::CompanyId;
use crate::model::message::{Channel, Mailbox, MessageKind, Severity};
use crate::model::routing::{DigestTime, Person, Quiet, QuietDay, Route, Routing, Target};
use chrono::{DateTime, Days, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What happened, as far as routes go by it.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'h> {
    pub kind: MessageKind,
    pub severity: Severity,
    /// What is over, and how serious it was, when this is its end.
    pub over: Option<(MessageKind, Severity)>,
    pub company_id: &'h CompanyId,
}

/// One recipient by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub channel: Channel,
    pub recipient: Mailbox,
    /// BCP 47.
    pub language: String,
    pub time_zone: Tz,
    pub when: When,
}

impl Delivery {
    fn way(&self) -> (Channel, &str) {
        (self.channel, &self.recipient.address)
    }
}

/// When a message goes, in the order of which is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// By itself.
    Now,
    /// At once, as one of several.
    Together,
    /// As one of all that are told at this instant.
    At(DateTime<Utc>),
}

/// Whether anybody is to be told.
pub fn is_wanted(routing: &Routing, happened: Happened) -> bool {
    routing.routes.iter().any(|route| takes(route, happened))
}

fn takes(route: &Route, happened: Happened) -> bool {
    let (cause, severity) = happened.over.unwrap_or((happened.kind, happened.severity));
    // What is parked failed before, and that was told.
    let earlier = if cause == MessageKind::ItemParked { MessageKind::ItemFailed } else { cause };
    let kinds = [Some(happened.kind), happened.over.map(|_| cause), happened.over.map(|_| earlier)];
    kinds.into_iter().flatten().any(|kind| route.events.contains(&kind))
        && severity >= route.severity
        && (route.companies.is_empty() || route.companies.contains(happened.company_id))
}

/// Whether anything can ever come by this route: some kinds of events are never as serious as it asks.
pub fn takes_something(route: &Route) -> bool {
    route.events.iter().any(|kind| most_serious(*kind) >= route.severity)
}

const fn most_serious(kind: MessageKind) -> Severity {
    match kind {
        MessageKind::JobFailed | MessageKind::JobRecovered => Severity::Critical,
        MessageKind::InvoiceFailed
        | MessageKind::InvoiceHeld
        | MessageKind::ItemFailed
        | MessageKind::ItemParked
        | MessageKind::EffectFailed
        | MessageKind::BalanceLow => Severity::Warning,
        MessageKind::InvoiceDraft
        | MessageKind::InvoiceIssued
        | MessageKind::InvoicePaid
        | MessageKind::InvoiceRefunded
        | MessageKind::InvoiceVoided
        | MessageKind::CreditNoteIssued
        | MessageKind::ReminderUpcoming
        | MessageKind::ReminderOverdue
        | MessageKind::ReminderEscalation
        | MessageKind::Statement
        | MessageKind::JobCompleted
        | MessageKind::Notice
        | MessageKind::Digest => Severity::Info,
    }
}

/// Who is told, and how.
pub fn deliveries(routing: &Routing, happened: Happened, now: DateTime<Utc>) -> Vec<Delivery> {
    let mut found = of_routes(routing, happened, now);
    if happened.kind == MessageKind::ItemParked {
        let failed = of_routes(routing, Happened { kind: MessageKind::ItemFailed, ..happened }, now);
        let heard = |delivery: &Delivery| failed.iter().any(|before| before.way() == delivery.way());
        found.retain(|delivery| !heard(delivery));
    }
    found
}

fn of_routes(routing: &Routing, happened: Happened, now: DateTime<Utc>) -> Vec<Delivery> {
    let mut found: BTreeMap<(Channel, String), Delivery> = BTreeMap::new();
    for route in routing.routes.iter().filter(|route| takes(route, happened)) {
        for delivery in route.to.iter().flat_map(|target| of_target(routing, route, target, happened.severity, now)) {
            let key = (delivery.channel, delivery.recipient.address.clone());
            match found.get_mut(&key) {
                Some(before) => before.when = before.when.min(delivery.when),
                None => drop(found.insert(key, delivery)),
            }
        }
    }
    found.into_values().collect()
}

/// So many messages at a time are read; more of them to one recipient become one.
pub const FLOOD: usize = 5;

/// Makes one message of those that would be a flood. Programs sort out by themselves what they get.
pub fn dam<'d>(told: impl IntoIterator<Item = &'d mut Delivery>) {
    let mut by_recipient: BTreeMap<(Channel, String), Vec<&'d mut Delivery>> = BTreeMap::new();
    let reads = |channel| matches!(channel, Channel::Email | Channel::Sms | Channel::Slack);
    for delivery in told.into_iter().filter(|delivery| delivery.when == When::Now && reads(delivery.channel)) {
        by_recipient.entry((delivery.channel, delivery.recipient.address.clone())).or_default().push(delivery);
    }
    let floods = by_recipient.into_values().filter(|deliveries| deliveries.len() > FLOOD);
    floods.flatten().for_each(|delivery| delivery.when = When::Together);
}

fn of_target(routing: &Routing, route: &Route, target: &Target, severity: Severity, now: DateTime<Utc>) -> Vec<Delivery> {
    let person = match target {
        Target::Address { channel, address } => {
            let when = when(route.digest, severity, now, routing.time_zone, None);
            let recipient = Mailbox { name: String::new(), address: address.clone() };
            let (language, time_zone) = (routing.language.clone(), routing.time_zone);
            return vec![Delivery { channel: *channel, recipient, language, time_zone, when }];
        }
        Target::Person(name) => routing.people.get(name),
    };
    let Some(person) = person else { return Vec::new() };
    let reached = route.channels.iter().filter_map(|channel| Some((*channel, person.addresses.get(channel)?)));
    let deliveries = reached.map(|(channel, address)| Delivery {
        channel,
        recipient: Mailbox { name: person.name.clone(), address: address.clone() },
        language: person.language.clone(),
        time_zone: person.time_zone,
        // What lies in another application disturbs nobody.
        when: when(route.digest, severity, now, person.time_zone, (channel != Channel::InApp).then_some(person)),
    });
    deliveries.collect()
}

fn when(digest: Option<DigestTime>, severity: Severity, now: DateTime<Utc>, zone: Tz, person: Option<&Person>) -> When {
    if severity == Severity::Critical {
        return When::Now;
    }
    let planned = digest.map_or(now, |digest| next(digest, now, zone));
    match person.map_or(planned, |person| after_quiet(person, planned)) {
        at if at > now => When::At(at),
        _ => When::Now,
    }
}

/// When a digest is next told, after `now`.
pub fn next(digest: DigestTime, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    match digest {
        DigestTime::Hourly => {
            let hour = now.with_minute(0).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0));
            hour.unwrap_or(now) + TimeDelta::hours(1)
        }
        DigestTime::Daily(at) => next_time(now, zone, at),
    }
}

/// The first instant after `now` at which the clock on the wall says `at`.
fn next_time(now: DateTime<Utc>, zone: Tz, at: NaiveTime) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let days = (0..3).filter_map(|n| today.checked_add_days(Days::new(n)));
    days.filter_map(|day| instant_after(zone, day.and_time(at), now)).next().unwrap_or(now)
}

/// The first instant from `at` on that does not lie in the person's quiet hours or days.
pub fn after_quiet(person: &Person, at: DateTime<Utc>) -> DateTime<Utc> {
    after_hours(person.quiet, &person.quiet_days, person.time_zone, at)
}

/// The first instant from `at` on that lies neither in these hours nor on these days of a zone.
pub fn after_hours(quiet: Option<Quiet>, quiet_days: &[QuietDay], zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
    /// A week of quiet days has a gap, dates may fill it for a year, and between two days lie two steps at most.
    const STEPS: u32 = 800;
    let mut at = at;
    for _ in 0..STEPS {
        let local = at.with_timezone(&zone).naive_local();
        let end = if quiet_days.iter().any(|day| day.is(local.date())) {
            local.date().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN))
        } else {
            quiet.filter(|quiet| quiet.holds(local.time())).and_then(|quiet| {
                let tomorrow = u64::from(local.time() >= quiet.until);
                local.date().checked_add_days(Days::new(tomorrow)).map(|day| day.and_time(quiet.until))
            })
        };
        match end.and_then(|end| instant_after(zone, end, at)) {
            Some(later) => at = later,
            None => return at,
        }
    }
    at
}

/// The first instant after `after` at which a clock in the zone says `local`, or, where that time is
/// left out, has just gone past it.
fn instant_after(zone: Tz, local: NaiveDateTime, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    /// The longest gap that a zone has had: Samoa left out a whole day.
    const LONGEST_GAP_MINUTES: i64 = 25 * 60;
    let candidates = (0..=LONGEST_GAP_MINUTES).find_map(|minutes| {
        match zone.from_local_datetime(&local.checked_add_signed(TimeDelta::minutes(minutes))?) {
            LocalResult::Single(at) => Some([at, at]),
            LocalResult::Ambiguous(first, second) => Some([first, second]),
            LocalResult::None => None,
        }
    });
    candidates?.into_iter().map(|at| at.to_utc()).find(|at| *at > after)
}
