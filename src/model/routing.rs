//! Who hears of what: people, and the routes that lead from what happens to them. What they decide is
//! in `rules::routing`.

use super::message::{Channel, MessageKind, Severity};
use super::{CompanyId, Invalid, JobKind, text_enum};
use chrono::{Datelike, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

text_enum! {
    /// A day of the week.
    pub enum Day ("day") {
        Mon = "mon",
        Tue = "tue",
        Wed = "wed",
        Thu = "thu",
        Fri = "fri",
        Sat = "sat",
        Sun = "sun",
    }
}

/// Days on which nobody is disturbed, by the clock of whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum QuietDay {
    /// `sun`
    EachWeek(Day),
    /// Month and day: `12-25`.
    EachYear(u32, u32),
    /// `2027-03-29`
    On(NaiveDate),
}

/// Everything that the configuration says about who is told.
#[derive(Debug, Clone)]
pub struct Routing {
    /// By the name that routes call them.
    pub people: BTreeMap<String, Person>,
    pub routes: Vec<Route>,
    /// Jobs whose failure is critical.
    pub critical_jobs: Vec<JobKind>,
    /// Of those that are no person: a channel of Slack, a program.
    pub time_zone: Tz,
    /// BCP 47, for the same.
    pub language: String,
}

/// Somebody of one's own house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    /// By channel: an address, a telephone number, a user of Slack or of another application.
    pub addresses: BTreeMap<Channel, String>,
    pub time_zone: Tz,
    /// BCP 47.
    pub language: String,
    pub quiet: Option<Quiet>,
    /// Days on which nothing but what is critical disturbs.
    pub quiet_days: Vec<QuietDay>,
}

/// Hours of each day, `[from, until)` by the clock on the wall; `until` may be the next morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

/// One rule: what, from which severity on, of which companies, to whom, how, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub events: Vec<MessageKind>,
    /// This and what is more serious.
    pub severity: Severity,
    pub to: Vec<Target>,
    /// By which people are reached.
    pub channels: Vec<Channel>,
    pub digest: Option<DigestTime>,
    /// Of these only; of all, and of what belongs to none, when it is empty.
    pub companies: Vec<CompanyId>,
}

/// Whom a route leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A person, by name.
    Person(String),
    /// Something that is no person: `slack:#billing`.
    Address { channel: Channel, address: String },
}

/// When several things are told as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestTime {
    /// At each full hour.
    Hourly,
    /// At this time of the recipient's day.
    Daily(NaiveTime),
}

/// What staff can be told: everything but what goes to customers alone.
pub const STAFF_KINDS: [MessageKind; 9] = [
    MessageKind::InvoiceDraft,
    MessageKind::InvoiceIssued,
    MessageKind::InvoicePaid,
    MessageKind::InvoiceVoided,
    MessageKind::JobFailed,
    MessageKind::JobRecovered,
    MessageKind::ItemFailed,
    MessageKind::ItemParked,
    MessageKind::EffectFailed,
];

/// What has its templates, and what no job raises yet.
pub const COMING_KINDS: [MessageKind; 4] =
    [MessageKind::InvoiceFailed, MessageKind::InvoiceRefunded, MessageKind::InvoiceHeld, MessageKind::BalanceLow];

impl Day {
    pub fn of(date: NaiveDate) -> Self {
        let at = date.weekday().num_days_from_monday();
        Self::ALL.get(at as usize).copied().unwrap_or(Self::Sun)
    }
}

impl QuietDay {
    pub fn is(self, date: NaiveDate) -> bool {
        match self {
            Self::EachWeek(day) => Day::of(date) == day,
            Self::EachYear(month, day) => (date.month(), date.day()) == (month, day),
            Self::On(day) => date == day,
        }
    }

    /// Whether none of these leaves a day of the week.
    pub fn are_every_day(days: &[Self]) -> bool {
        Day::ALL.iter().all(|day| days.contains(&Self::EachWeek(*day)))
    }
}

impl FromStr for QuietDay {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Ok(day) = text.parse() {
            return Ok(Self::EachWeek(day));
        }
        let date = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        // In a leap year every day of any year stands.
        let yearly = date(&format!("2024-{text}")).map(|day| Self::EachYear(day.month(), day.day()));
        let found = date(text).map(Self::On).or(yearly).filter(|day| day.to_string() == text);
        found.ok_or_else(|| {
            Invalid::new("must be mon, tue, wed, thu, fri, sat or sun; 12-25, each year; or one date such as 2027-03-29")
        })
    }
}

impl fmt::Display for QuietDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EachWeek(day) => f.write_str(day.as_str()),
            Self::EachYear(month, day) => write!(f, "{month:02}-{day:02}"),
            Self::On(date) => write!(f, "{date}"),
        }
    }
}

impl From<QuietDay> for String {
    fn from(day: QuietDay) -> Self {
        day.to_string()
    }
}

impl Quiet {
    /// Whether a time of the day lies in it.
    pub fn holds(&self, time: NaiveTime) -> bool {
        if self.from < self.until { self.from <= time && time < self.until } else { self.from <= time || time < self.until }
    }
}

/// `08:00`
fn time(text: &str) -> Result<NaiveTime, Invalid> {
    let plain = text.len() == 5 && text.bytes().enumerate().all(|(at, byte)| at == 2 || byte.is_ascii_digit());
    let parsed = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| plain);
    parsed.ok_or_else(|| Invalid::new(format!("{text:?} is no time of the day: write it as 08:00")))
}

impl FromStr for Quiet {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("must be two times, such as 20:00-07:00");
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let quiet = Self { from: time(from.trim())?, until: time(until.trim())? };
        if quiet.from == quiet.until { Err(Invalid::new("must leave a part of the day")) } else { Ok(quiet) }
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format("%H:%M"), self.until.format("%H:%M"))
    }
}

impl FromStr for DigestTime {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(' ') {
            None if text == "hourly" => Ok(Self::Hourly),
            Some(("daily", at)) => time(at.trim()).map(Self::Daily),
            _ => Err(Invalid::new("must be hourly, or daily and a time: daily 08:00")),
        }
    }
}

impl fmt::Display for DigestTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hourly => f.write_str("hourly"),
            Self::Daily(at) => write!(f, "daily {}", at.format("%H:%M")),
        }
    }
}

impl FromStr for Target {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some((channel, address)) = text.split_once(':') else { return Ok(Self::Person(text.to_owned())) };
        let channel = channel.parse()?;
        match address.trim() {
            "" => Err(Invalid::new(format!("{text:?} names nobody after the colon"))),
            address => Ok(Self::Address { channel, address: address.to_owned() }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Address { channel, address } => write!(f, "{channel}:{address}"),
        }
    }
}

macro_rules! serialized_as_text {
    ($($name:ident),+) => {
        $(impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        })+
    };
}
serialized_as_text!(Quiet, DigestTime, Target);
