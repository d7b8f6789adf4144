//! Calendar values: cadences, half-open periods, and the `--period` filter. The arithmetic that
//! makes billing periods out of an anchor is a rule and lives in `rules/periods.rs`.
//!
//! Every date here is a local date of the seller (semantics.md, time).

use super::{Invalid, text_enum};
use chrono::{Datelike, Days, Months, NaiveDate};
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

text_enum! {
    /// How often a contract bills.
    pub enum Cadence ("cadence") {
        Weekly = "weekly",
        Monthly = "monthly",
        Quarterly = "quarterly",
        Yearly = "yearly",
    }
}

/// Every n cadences: `every = 2, monthly` bills every two months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub cadence: Cadence,
    pub every: NonZeroU16,
}

/// The length of an interval in the unit the calendar counts it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalLength {
    Days(u32),
    Months(u32),
}

impl Interval {
    pub fn new(cadence: Cadence, every: u16) -> Result<Self, Invalid> {
        let every = NonZeroU16::new(every).ok_or_else(|| Invalid::new("every must be at least 1"))?;
        Ok(Self { cadence, every })
    }

    pub fn length(self) -> IntervalLength {
        let every = u32::from(self.every.get());
        match self.cadence {
            Cadence::Weekly => IntervalLength::Days(7 * every),
            Cadence::Monthly => IntervalLength::Months(every),
            Cadence::Quarterly => IntervalLength::Months(3 * every),
            Cadence::Yearly => IntervalLength::Months(12 * every),
        }
    }
}

/// A half-open range of local dates, `[start, end)`, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    pub fn new(start: NaiveDate, end: NaiveDate) -> Result<Self, Invalid> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(Invalid::new(format!("a period must end after it starts, but {end} is not after {start}")))
        }
    }

    /// One day.
    pub fn day(date: NaiveDate) -> Result<Self, Invalid> {
        let next = date.succ_opt().ok_or_else(|| Invalid::new(format!("{date} is the last day that the calendar can count")))?;
        Self::new(date, next)
    }

    /// The first day in it.
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// The first day after it.
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    /// The last day in it: what people call its end.
    pub fn last_day(self) -> NaiveDate {
        self.end.pred_opt().unwrap_or(self.end)
    }

    /// Its length in days, at least 1.
    pub fn days(self) -> u32 {
        u32::try_from((self.end - self.start).num_days()).unwrap_or(u32::MAX)
    }

    pub fn contains(self, date: NaiveDate) -> bool {
        self.start <= date && date < self.end
    }

    /// The days that both have, if any.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }
}

/// `{"start": …, "end": …}`: half-open, as stored.
impl serde::Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut s = serializer.serialize_struct("Period", 2)?;
        s.serialize_field("start", &self.start)?;
        s.serialize_field("end", &self.end)?;
        s.end()
    }
}

/// `2026-10-01 to 2026-10-31`, with the last day inclusive, as people read it.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} to {}", self.start, self.last_day()))
    }
}

/// What `--period` names: service periods by where they start. `2026-10` a month, `2026-W43` an
/// ISO week, `2026-Q4` a quarter, `2026` a year. It filters; it never makes anything due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodFilter {
    text: String,
    starts_in: Period,
}

impl PeriodFilter {
    pub fn matches(&self, period: Period) -> bool {
        self.starts_in.contains(period.start())
    }

    /// The dates on which a period that it names may start.
    pub const fn starts_in(&self) -> Period {
        self.starts_in
    }
}

impl fmt::Display for PeriodFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for PeriodFilter {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let starts_in = parse_period_name(s).ok_or_else(|| {
            Invalid::new(format!(
                "{s:?} names no period: write 2026-10 (month), 2026-W43 (ISO week), 2026-Q4 (quarter) or 2026 (year)"
            ))
        })?;
        Ok(Self { text: s.to_owned(), starts_in })
    }
}

fn parse_period_name(s: &str) -> Option<Period> {
    let (year, rest) = match s.split_once('-') {
        Some((year, rest)) => (year, Some(rest)),
        None => (s, None),
    };
    if year.len() != 4 || !s.is_ascii() {
        return None;
    }
    let number = |digits: &str, width: usize| -> Option<u32> {
        (digits.len() == width && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
    };
    let year = i32::try_from(number(year, 4)?).ok()?;
    let (start, end) = match rest {
        None => (NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year + 1, 1, 1)?),
        Some(rest) => match rest.as_bytes().first()? {
            b'Q' => {
                let quarter = number(&rest[1..], 1)?;
                let start = NaiveDate::from_ymd_opt(year, (quarter.checked_sub(1)?) * 3 + 1, 1)?;
                (start, start.checked_add_months(Months::new(3))?)
            }
            b'W' => {
                let start = NaiveDate::from_isoywd_opt(year, number(&rest[1..], 2)?, chrono::Weekday::Mon)?;
                (start, start.checked_add_days(Days::new(7))?)
            }
            _ => {
                let start = NaiveDate::from_ymd_opt(year, number(rest, 2)?, 1)?;
                (start, start.checked_add_months(Months::new(1))?)
            }
        },
    };
    Period::new(start, end).ok()
}

/// No date is before it.
pub const FIRST_YEAR: i32 = 1900;

/// Reads an ISO 8601 calendar date, `2026-10-31`, and nothing else, between the years 1900 and 9999.
pub fn parse_date(s: &str) -> Result<NaiveDate, Invalid> {
    let shaped =
        s.len() == 10 && s.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let date = if shaped { NaiveDate::parse_from_str(s, "%Y-%m-%d").ok() } else { None };
    date.filter(|d| d.year() >= FIRST_YEAR).ok_or_else(|| Invalid::new(format!("{s:?} is not a date: write it as 2026-10-31")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_names() {
        for (name, start, end) in [
            ("2026-10", "2026-10-01", "2026-11-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2026-W43", "2026-10-19", "2026-10-26"),
            ("2026-W01", "2025-12-29", "2026-01-05"),
            ("2026-Q4", "2026-10-01", "2027-01-01"),
            ("2026", "2026-01-01", "2027-01-01"),
        ] {
            let filter: PeriodFilter = name.parse().unwrap();
            assert_eq!(
                (filter.starts_in.start().to_string().as_str(), filter.starts_in.end().to_string().as_str()),
                (start, end),
                "{name}"
            );
        }
        for bad in ["", "26-10", "2026-13", "2026-W54", "2026-Q5", "2026-Q0", "2026-1", "2026-10-01", "2026-", "２０２６"] {
            assert!(bad.parse::<PeriodFilter>().is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_are_read_strictly() {
        assert!(parse_date("2028-02-29").is_ok());
        for bad in ["2027-02-29", "2026-1-1", "01.10.2026", "2026/10/01", "+026-10-01", "0999-01-01", ""] {
            assert!(parse_date(bad).is_err(), "{bad}");
        }
    }
}
