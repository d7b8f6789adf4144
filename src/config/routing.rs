//! `[people.NAME]`, `[[routes]]` and `[alerts]`: who hears of what, by which channels, and when.

use super::Section;
use super::nearest::nearest;
use super::reader::Reader;
use super::section::one_of;
use crate::model::contact::parse_phone;
use crate::model::language::parse_language;
use crate::model::message::{Channel, MessageKind, Severity, parse_address};
use crate::model::routing::{COMING_KINDS, DigestTime, Person, Quiet, QuietDay, Route, STAFF_KINDS, Target};
use crate::model::{CompanyId, JobKind, Routing};
use crate::providers::slack::{self, Way};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs that move money or documents: when one of them fails, somebody hears of it at once.
const CRITICAL: &[JobKind] = &[JobKind::InvoicesGenerate, JobKind::InvoicesIssue, JobKind::InvoicesSend];

/// What routes may lead to.
struct Known {
    people: BTreeMap<String, Person>,
    /// Those whose sections have mistakes among them.
    names: BTreeSet<String>,
    channels: BTreeSet<Channel>,
    webhooks: BTreeSet<String>,
    slack: SlackWay,
}

/// What Slack is reached by decides whom it reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SlackWay {
    /// Any channel, and people.
    Token,
    /// One channel, which no message chooses.
    Webhook,
}

/// What leads to the channel of a webhook of Slack, whatever it is called.
const SLACK_WEBHOOK: &str = "webhook";

const ONE_CHANNEL: &str =
    "[slack] has a webhook_url, which leads to one channel of its own: write slack:webhook into to, or give [slack] a token";

pub fn read(reader: &mut Reader<'_>, slack: Option<&slack::Settings>) -> Routing {
    let slack = match slack.map(|settings| &settings.way) {
        Some(Way::Webhook(_)) => SlackWay::Webhook,
        Some(Way::Token { .. }) | None => SlackWay::Token,
    };
    let (time_zone, language, critical_jobs) = reader.section("alerts", |section| {
        let jobs = section.texts("critical_jobs", CRITICAL.to_vec(), |text| {
            text.parse().map_err(|_| one_of(JobKind::ALL.iter().map(|job| job.as_str())))
        });
        (zone(section, Tz::UTC), section.text("language", "en".to_owned(), language), jobs)
    });
    let people = reader.named("people", |name, section| person(name, section, time_zone, &language, slack));
    let sections = [(Channel::Email, "mail"), (Channel::Sms, "sms"), (Channel::Slack, "slack"), (Channel::Webhook, "webhooks")];
    let channels = sections.into_iter().filter(|(_, section)| reader.has(section)).map(|(channel, _)| channel);
    let channels = channels.chain([Channel::InApp]).collect();
    let known = Known { people, names: reader.names("people"), channels, webhooks: reader.names("webhooks"), slack };
    let routes = reader.list("routes", |section| route(section, &known));
    Routing { people: known.people, routes, critical_jobs, time_zone, language }
}

fn person(name: &str, section: &mut Section<'_, '_>, time_zone: Tz, language: &str, slack: SlackWay) -> Option<Person> {
    let shown = section.text("name", name.to_owned(), |text| Ok(text.to_owned()));
    let given = [
        (Channel::Email, section.optional_text("email", |text| parse_address(text).map_err(|invalid| invalid.0))),
        (Channel::Sms, section.optional_text("phone", phone)),
        (Channel::Slack, section.optional_text("slack", |text| self::slack(text, slack))),
        (Channel::InApp, Some(name.to_owned())),
    ];
    let quiet_days = quiet_days(section);
    Some(Person {
        name: shown,
        addresses: given.into_iter().filter_map(|(channel, address)| Some((channel, address?))).collect(),
        time_zone: zone(section, time_zone),
        language: section.text("language", language.to_owned(), self::language),
        quiet: section.optional_text("quiet", |text| text.parse::<Quiet>().map_err(|invalid| invalid.0)),
        quiet_days,
    })
}

/// Days on which nothing comes.
pub fn quiet_days(section: &mut Section<'_, '_>) -> Vec<QuietDay> {
    let days = section.texts("quiet_days", Vec::new(), |text| text.parse::<QuietDay>().map_err(|invalid| invalid.0));
    if QuietDay::are_every_day(&days) {
        section.mistake(&section.place_of("quiet_days"), "quiet_days", "must leave a day on which messages may come");
    }
    days
}

fn route(section: &mut Section<'_, '_>, known: &Known) -> Option<Route> {
    let events = section.required_texts("events", pattern);
    let severity = section.text("severity", Severity::Info, |text| {
        text.parse().map_err(|_| one_of(Severity::ALL.iter().map(|severity| severity.as_str())))
    });
    let channels = section.texts("channels", vec![Channel::Email], |text| channel(text, known));
    let to = section.required_texts("to", |text| target(text, known));
    let digest = section.optional_text("digest", |text| text.parse::<DigestTime>().map_err(|invalid| invalid.0));
    let companies = section.texts("companies", Vec::new(), |text| text.parse::<CompanyId>().map_err(|invalid| invalid.0));
    let (events, to) = (events?, to?);
    let people = to.iter().filter_map(|to| if let Target::Person(name) = to { known.people.get_key_value(name) } else { None });
    let people: Vec<(&String, &Person)> = people.collect();
    let place = section.place_of("to");
    // A default is not checked where it is given.
    if let (false, false, Err(reason)) = (people.is_empty(), section.has("channels"), channel(Channel::Email.as_str(), known)) {
        section.mistake(&place, "to", format!("people are reached by email unless channels says otherwise: {reason}"));
        return None;
    }
    for (name, person) in people {
        for channel in channels.iter().filter(|channel| !person.addresses.contains_key(channel)) {
            let key = if *channel == Channel::Sms { "phone" } else { channel.as_str() };
            section.mistake(&place, "to", format!("leads to {name} by {channel}, and [people.{name}] has no {key}"));
        }
    }
    Some(Route { events: kinds(&events), severity, to, channels, digest, companies })
}

/// `job.failed`, `job.*`, or `*`; it must fit something.
fn pattern(text: &str) -> Result<String, String> {
    let fits = STAFF_KINDS.iter().any(|kind| takes(text, *kind));
    let words = || STAFF_KINDS.iter().map(|kind| kind.as_str());
    match nearest(text, words()) {
        _ if fits => Ok(text.to_owned()),
        _ if COMING_KINDS.iter().any(|kind| takes(text, *kind)) => Err(still_to_come(text)),
        Some(near) => Err(format!("{text:?} is no event; did you mean {near}?")),
        None => Err(format!("{text:?} is no event; {}, job.* or *", one_of(words()))),
    }
}

/// Nobody should wait for what nothing tells.
pub(super) fn still_to_come(kind: &str) -> String {
    format!("{kind} comes with the job that makes it, which this version does not have")
}

fn takes(pattern: &str, kind: MessageKind) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => (start.is_empty() || start.ends_with('.')) && kind.as_str().starts_with(start),
        None => pattern == kind.as_str(),
    }
}

fn kinds(patterns: &[String]) -> Vec<MessageKind> {
    STAFF_KINDS.into_iter().filter(|kind| patterns.iter().any(|pattern| takes(pattern, *kind))).collect()
}

/// A channel that the file has a section for.
fn channel(text: &str, known: &Known) -> Result<Channel, String> {
    let channel: Channel = text.parse().map_err(|_| one_of(Channel::ALL.iter().map(|channel| channel.as_str())))?;
    let section = match channel {
        Channel::Email => "mail",
        Channel::Sms => "sms",
        Channel::Slack => "slack",
        Channel::Webhook => return Err("webhook leads to no person: write webhook:NAME into to".to_owned()),
        Channel::InApp => return Ok(channel),
    };
    if known.channels.contains(&channel) { Ok(channel) } else { Err(format!("{channel} needs a section [{section}]")) }
}

/// A person, or `slack:#billing`, `webhook:ops`, `in_app:dashboard`, `email:ops@example.com`, `sms:+49151…`.
fn target(text: &str, known: &Known) -> Result<Target, String> {
    let target: Target = text.parse().map_err(|invalid: crate::model::Invalid| invalid.0)?;
    let (channel, address) = match &target {
        Target::Person(name) if known.names.contains(name) => return Ok(target),
        Target::Person(name) => {
            let near = nearest(name, known.names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            return Err(format!("there is no [people.{name}]{near}"));
        }
        Target::Address { channel, address } => (*channel, address),
    };
    let address = match channel {
        Channel::Webhook if known.webhooks.contains(address) => return Ok(target),
        Channel::Webhook => return Err(format!("{text} needs a section [webhooks.{address}]")),
        Channel::Email => parse_address(address).map_err(|invalid| invalid.0)?,
        Channel::Sms => phone(address)?,
        Channel::Slack if address == SLACK_WEBHOOK && known.slack == SlackWay::Webhook => address.clone(),
        Channel::Slack => slack(address, known.slack)?,
        Channel::InApp => address.clone(),
    };
    self::channel(channel.as_str(), known)?;
    Ok(Target::Address { channel, address })
}

/// As carriers take it (ITU-T E.164).
fn phone(text: &str) -> Result<String, String> {
    parse_phone(text).map_err(|_| "must be a number with its country, such as +49 151 12345678".to_owned())
}

/// A channel or a user by name, or by Slack's own id.
fn slack(text: &str, way: SlackWay) -> Result<String, String> {
    if way == SlackWay::Webhook {
        return Err(ONE_CHANNEL.to_owned());
    }
    let (sign, name) = text.split_at(usize::from(text.starts_with(['#', '@'])));
    let is_id = sign.is_empty() && name.len() >= 9 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_name = !sign.is_empty() && !name.is_empty() && !name.contains(char::is_whitespace);
    if is_id || is_name { Ok(text.to_owned()) } else { Err("must be #channel, @user, or an id such as C0123456789".to_owned()) }
}

fn zone(section: &mut Section<'_, '_>, default: Tz) -> Tz {
    let name = section.text("time_zone", default.name().to_owned(), |text| {
        let zone: Result<Tz, _> = text.parse();
        zone.map(|zone| zone.name().to_owned()).map_err(|_| "must be an IANA time zone, such as Europe/Berlin".to_owned())
    });
    name.parse().unwrap_or(default)
}

fn language(text: &str) -> Result<String, String> {
    parse_language(text).map_err(|invalid| invalid.0)
}
