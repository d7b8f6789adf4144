//! Who is told, and when: nobody twice, nobody at night, and what is critical at once.

use crate::zones::clock_changes;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use finops::model::message::{Channel, MessageKind, Severity};
use finops::model::routing::{Day, DigestTime, Person, Quiet, QuietDay, Route, Routing, STAFF_KINDS, Target};
use finops::model::{CompanyId, JobKind};
use finops::rules::routing::{Delivery, FLOOD, Happened, When, after_quiet, dam, deliveries, is_wanted, next};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn at_minute(minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap()
}

fn person(zone: Tz, quiet: Option<(u32, u32)>, quiet_days: Vec<QuietDay>) -> Person {
    let addresses = [(Channel::Email, "a@b.example"), (Channel::Sms, "+4915112345678"), (Channel::InApp, "anna")];
    Person {
        name: "Anna".to_owned(),
        addresses: addresses.into_iter().map(|(channel, address)| (channel, address.to_owned())).collect(),
        time_zone: zone,
        language: "de".to_owned(),
        quiet: quiet.map(|(from, until)| Quiet { from: at_minute(from), until: at_minute(until) }),
        quiet_days,
    }
}

/// By counting minutes on the wall, not as the rule does it.
fn disturbs(person: &Person, at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&person.time_zone);
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][local.weekday() as usize];
    let date = local.date_naive().to_string();
    let names = [day, &date, &date[5..]];
    if person.quiet_days.iter().any(|quiet| names.contains(&&*quiet.to_string())) {
        return true;
    }
    let minute = |time: NaiveTime| time.hour() * 60 + time.minute();
    let now = local.hour() * 60 + local.minute();
    person.quiet.is_some_and(|quiet| {
        let length = (minute(quiet.until) + 1440 - minute(quiet.from)) % 1440;
        (now + 1440 - minute(quiet.from)) % 1440 < length
    })
}

/// The first minute from `at` on that is not quiet.
fn holds(person: &Person, at: DateTime<Utc>) {
    let then = after_quiet(person, at);
    assert!(!disturbs(person, then), "{person:?}: {at} waits until {then}");
    assert!(then >= at);
    let mut minute = at;
    while minute < then {
        assert!(disturbs(person, minute), "{person:?}: {at} need not wait beyond {minute}, and waits until {then}");
        minute += MINUTE;
    }
}

fn any_zone() -> impl Strategy<Value = Tz> {
    select(TZ_VARIANTS.to_vec())
}

/// Whole minutes of 2020–2040.
fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let (from, to) = (1_577_836_800_i64 / 60, 2_240_611_200_i64 / 60);
    (from..to).prop_map(|minute| Utc.timestamp_opt(minute * 60, 0).unwrap())
}

fn any_quiet() -> impl Strategy<Value = Option<(u32, u32)>> {
    prop::option::of((0_u32..1440, 1_u32..1440).prop_map(|(from, length)| (from, (from + length) % 1440)))
}

/// Some days of the week, of each year, and dates.
fn any_days() -> impl Strategy<Value = Vec<QuietDay>> {
    let weekly =
        subsequence(Day::ALL.to_vec(), 0..7).prop_map(|days| days.into_iter().map(QuietDay::EachWeek).collect::<Vec<_>>());
    let date = || (0_i64..7671).prop_map(|n| NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + TimeDelta::days(n));
    let yearly = prop::collection::vec(date().prop_map(|day| QuietDay::EachYear(day.month(), day.day())), 0..12);
    let once = prop::collection::vec(date().prop_map(QuietDay::On), 0..12);
    (weekly, yearly, once).prop_map(|(weekly, yearly, once)| [weekly, yearly, once].concat())
}

fn any_severity() -> impl Strategy<Value = Severity> {
    select(Severity::ALL.to_vec())
}

fn any_digest() -> impl Strategy<Value = Option<DigestTime>> {
    prop::option::of(prop_oneof![Just(DigestTime::Hourly), (0_u32..1440).prop_map(|at| DigestTime::Daily(at_minute(at)))])
}

fn any_route() -> impl Strategy<Value = Route> {
    let to = ["anna", "ben", "slack:#billing", "webhook:ops", "in_app:anna"].map(|to| to.parse::<Target>().unwrap()).to_vec();
    let companies = ["acme", "weber"].map(|id| id.parse::<CompanyId>().unwrap()).to_vec();
    (
        subsequence(STAFF_KINDS.to_vec(), 1..=STAFF_KINDS.len()),
        any_severity(),
        prop::collection::vec(select(to), 1..6),
        subsequence(vec![Channel::Email, Channel::Sms, Channel::InApp], 1..4),
        any_digest(),
        subsequence(companies, 0..3),
    )
        .prop_map(|(events, severity, to, channels, digest, companies)| Route {
            events,
            severity,
            to,
            channels,
            digest,
            companies,
        })
}

prop_compose! {
    fn any_routing()(
        zones in (any_zone(), any_zone(), any_zone()),
        quiet in (any_quiet(), any_quiet()),
        days in (any_days(), any_days()),
        routes in prop::collection::vec(any_route(), 0..6),
    ) -> Routing {
        // The two share a telephone, as on call.
        let people = [("anna", person(zones.0, quiet.0, days.0)), ("ben", person(zones.1, quiet.1, days.1))];
        Routing {
            people: people.into_iter().map(|(name, person)| (name.to_owned(), person)).collect::<BTreeMap<_, _>>(),
            routes,
            critical_jobs: vec![JobKind::InvoicesIssue],
            time_zone: zones.2,
            language: "en".to_owned(),
        }
    }
}

proptest! {
    #[test]
    fn nothing_comes_in_quiet_hours(zone in any_zone(), quiet in any_quiet(), days in any_days(), at in any_instant()) {
        holds(&person(zone, quiet, days), at);
    }

    #[test]
    fn a_daily_digest_comes_at_its_time_and_within_a_day(zone in any_zone(), minute in 0_u32..1440, at in any_instant()) {
        let then = next(DigestTime::Daily(at_minute(minute)), at, zone);
        // A clock that is put back makes the day longer.
        prop_assert!(at < then && then <= at + TimeDelta::hours(26), "{at} {then}");
        let local = then.with_timezone(&zone);
        let says = local.hour() * 60 + local.minute();
        // Where that time is left out, the clock has just gone past it.
        let left_out = (then - MINUTE).with_timezone(&zone).naive_local() + MINUTE != local.naive_local();
        prop_assert!(says == minute || left_out, "{then} is {local}");
    }

    #[test]
    fn an_hourly_digest_comes_at_the_next_full_hour(zone in any_zone(), at in any_instant()) {
        let then = next(DigestTime::Hourly, at, zone);
        prop_assert!(at < then && then <= at + TimeDelta::hours(1) && then.timestamp() % 3600 == 0);
    }

    #[test]
    fn nobody_hears_of_one_thing_twice_and_only_who_wants_to(
        routing in any_routing(),
        kind in select(STAFF_KINDS.to_vec()),
        severity in any_severity(),
        company in select(vec!["acme", "weber", "other"]),
        now in any_instant(),
    ) {
        let company_id: CompanyId = company.parse().unwrap();
        let happened = Happened { kind, severity, over: None, company_id: &company_id };
        let told = deliveries(&routing, happened, now);
        let recipients: BTreeSet<_> = told.iter().map(|d| (d.channel, d.recipient.address.clone())).collect();
        prop_assert_eq!(recipients.len(), told.len());
        prop_assert!(told.is_empty() || is_wanted(&routing, happened));
        for delivery in &told {
            match delivery.when {
                When::Now => {}
                When::Together => prop_assert!(false, "nothing is put together yet"),
                When::At(at) => prop_assert!(severity != Severity::Critical && at > now, "{:?}", delivery),
            }
            let person = routing.people.values().find(|p| p.addresses.get(&delivery.channel) == Some(&delivery.recipient.address));
            let disturbs_nobody = delivery.channel == Channel::InApp || severity == Severity::Critical;
            if person.filter(|_| !disturbs_nobody).is_some() {
                let at = if let When::At(at) = delivery.when { at } else { now };
                // Who shares an address is reached when one of them may be.
                let sharing = routing.people.values().filter(|p| p.addresses.get(&delivery.channel) == Some(&delivery.recipient.address));
                prop_assert!(sharing.into_iter().any(|person| !disturbs(person, at)), "{:?}", delivery);
            }
        }
    }

    #[test]
    fn nobody_is_flooded(routing in any_routing(), kinds in prop::collection::vec(select(STAFF_KINDS.to_vec()), 0..40), now in any_instant()) {
        let company_id: CompanyId = "acme".parse().unwrap();
        let told = kinds.iter().flat_map(|kind| {
            deliveries(&routing, Happened { kind: *kind, severity: Severity::Critical, over: None, company_id: &company_id }, now)
        });
        let mut told: Vec<Delivery> = told.collect();
        let before = told.clone();
        dam(told.iter_mut());
        let count = |told: &[Delivery], of: &Delivery, when| {
            told.iter().filter(|d| (d.channel, &d.recipient, d.when) == (of.channel, &of.recipient, when)).count()
        };
        for delivery in &before {
            let (alone, together) = (count(&told, delivery, When::Now), count(&told, delivery, When::Together));
            prop_assert_eq!(alone + together, count(&before, delivery, When::Now));
            prop_assert!(alone == 0 || together == 0);
            prop_assert!(alone <= FLOOD || matches!(delivery.channel, Channel::InApp | Channel::Webhook));
            prop_assert!(together == 0 || together > FLOOD);
        }
    }

    #[test]
    fn who_heard_of_it_hears_of_its_end(
        routing in any_routing(),
        kind in select(STAFF_KINDS.to_vec()),
        severity in any_severity(),
        now in any_instant(),
    ) {
        let company_id: CompanyId = "acme".parse().unwrap();
        let begun = Happened { kind, severity, over: None, company_id: &company_id };
        let over = Happened { kind: MessageKind::JobRecovered, severity: Severity::Info, over: Some((kind, severity)), ..begun };
        let recipients = |happened| -> BTreeSet<_> {
            deliveries(&routing, happened, now).into_iter().map(|d| (d.channel, d.recipient.address)).collect()
        };
        prop_assert!(recipients(begun).is_subset(&recipients(over)));
    }
}

/// Around every change of every clock in twenty years, for nights that end before, in and after it.
#[test]
fn quiet_hours_hold_through_every_change_of_a_clock() {
    let nights = [(22 * 60, 7 * 60), (1320, 150), (120, 180), (0, 60), (1410, 15)];
    for zone in TZ_VARIANTS {
        for change in clock_changes(zone) {
            for night in nights {
                let person = person(zone, Some(night), vec![QuietDay::EachWeek(Day::Sun)]);
                for minutes in [-180, -95, -31, -1, 0, 1, 29, 61, 119] {
                    let then = after_quiet(&person, change + TimeDelta::minutes(minutes));
                    assert!(!disturbs(&person, then), "{zone} {change} {night:?}: {then}");
                }
            }
        }
    }
}
