//! When cron runs a line, as Debian's cron reads it (crontab(5)): five fields in the machine's zone.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The instants of a day at which a line runs; of one that runs more often than this, the middle one
/// has to do in the simulation.
const MOST_A_DAY: usize = 3;

/// The instants of a day at which a line runs.
pub fn instants(line: &str, day: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [minute, hour, day_of_month, month, weekday] = fields[..] else { panic!("{line}: no schedule of cron") };
    let by_date = field(day_of_month, day.day());
    let by_weekday = field(weekday, day.weekday().num_days_from_sunday());
    // Of the two days, either will do when both are given.
    let on_this_day = match (day_of_month, weekday) {
        ("*", _) | (_, "*") => by_date && by_weekday,
        _ => by_date || by_weekday,
    };
    if !on_this_day || !field(month, day.month()) {
        return Vec::new();
    }
    let hours: Vec<u32> = (0..24).filter(|h| field(hour, *h)).collect();
    let minutes: Vec<u32> = (0..60).filter(|m| field(minute, *m)).collect();
    let all: Vec<(u32, u32)> = hours.iter().flat_map(|h| minutes.iter().map(|m| (*h, *m))).collect();
    let few = if all.len() > MOST_A_DAY { &all[all.len() / 2..=all.len() / 2] } else { &all[..] };
    few.iter().map(|(hour, minute)| instant(day, *hour, *minute, zone)).collect()
}

/// The instant of a local time; in the hour that a change of clocks leaves out, an hour later.
pub fn instant(day: NaiveDate, hour: u32, minute: u32, zone: Tz) -> DateTime<Utc> {
    let local = day.and_hms_opt(hour, minute, 0).expect("a time of day");
    let found = zone.from_local_datetime(&local).earliest();
    found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest()).expect("an instant").to_utc()
}

/// Whether a field holds a value: `*`, `5`, `1-5`, `8,14,20`, `6-59/20`, `*/15`.
fn field(text: &str, value: u32) -> bool {
    text.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("{part}: no field of cron"));
        let (low, high) = match range.split_once('-') {
            Some((low, high)) => (number(low), number(high)),
            None if range == "*" => (0, 59),
            None => (number(range), number(range)),
        };
        (low..=high).contains(&value) && (value - low).is_multiple_of(number(step))
    })
}

#[test]
fn lines_are_read_as_cron_does() {
    let berlin: Tz = "Europe/Berlin".parse().unwrap();
    let times = |line: &str, day: &str| -> Vec<String> {
        instants(line, day.parse().unwrap(), berlin).iter().map(|at| at.format("%H:%M").to_string()).collect()
    };
    assert_eq!(times("13 4 * * *", "2027-01-15"), ["03:13"]);
    assert_eq!(times("13 4 * * *", "2027-07-15"), ["02:13"]);
    assert_eq!(times("30 2 * * *", "2027-03-28"), ["01:30"], "the hour that is missing");
    assert_eq!(times("39 8,14,20 * * *", "2027-01-15"), ["07:39", "13:39", "19:39"]);
    assert_eq!(times("6-59/20 * * * *", "2027-01-15"), ["11:06"]);
    assert_eq!(times("56 5 1 * *", "2027-01-15"), [""; 0]);
    assert_eq!(times("52 5 * * 1", "2027-01-18"), ["04:52"]);
}
