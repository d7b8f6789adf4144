//! What is due when: today in a seller's zone, the next unbilled period of a contract, and the day on
//! which items without a contract are billed.

use super::periods::{BillingCalendar, day_in_month, month_number};
use crate::model::{Contract, Invalid};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The date at an instant in a seller's zone. An instant has exactly one date in any zone, so gaps
/// and folds of daylight saving cannot hide or double a day (killbill #445).
pub fn today(as_of: DateTime<Utc>, zone: Tz) -> NaiveDate {
    as_of.with_timezone(&zone).date_naive()
}

/// The next period of a contract that is not billed: kept in the database beside the contract, so
/// that what is due is found by one index lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRow {
    /// First day of its service.
    pub next_start: NaiveDate,
    /// Seller's local date from which it may be billed.
    pub next_due_on: NaiveDate,
}

/// The first period of a contract whose start is not in `billed`; None when nothing is left to bill.
/// `metered`: any of its items is billed by usage.
pub fn next_unbilled(contract: &Contract, metered: bool, billed: &[NaiveDate]) -> Result<Option<ScheduleRow>, Invalid> {
    let calendar = BillingCalendar::new(contract)?.metered(metered);
    Ok(first_unbilled(&calendar, contract.start, |start| billed.contains(&start)))
}

pub(super) fn first_unbilled(
    calendar: &BillingCalendar,
    from: NaiveDate,
    billed: impl Fn(NaiveDate) -> bool,
) -> Option<ScheduleRow> {
    let next = calendar.periods_from(from).find(|period| !billed(period.service.start()))?;
    Some(ScheduleRow { next_start: next.service.start(), next_due_on: calendar.due_on(&next) })
}

/// The day on which an item that no contract's invoice has taken up is billed by itself: the first
/// billing day (1..=31, clamped to the month's end) after the item's date.
pub fn stand_alone_on(dated: NaiveDate, billing_day: u8) -> NaiveDate {
    let month = month_number(dated);
    let candidates = [month, month + 1].into_iter().filter_map(|month| day_in_month(month, u32::from(billing_day.max(1))));
    // The calendar ends in the year 262142; an item of its last month waits for nothing.
    candidates.into_iter().find(|day| *day > dated).unwrap_or(dated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;

    #[test]
    fn items_stand_alone_on_the_next_billing_day() {
        for (dated, day, on) in [
            ("2026-10-05", 1, "2026-11-01"),
            ("2026-10-01", 1, "2026-11-01"),
            ("2026-10-05", 15, "2026-10-15"),
            ("2026-12-31", 15, "2027-01-15"),
            ("2027-01-30", 31, "2027-01-31"),
            ("2027-01-31", 31, "2027-02-28"),
            ("2027-02-28", 31, "2027-03-31"),
            ("2028-02-28", 30, "2028-02-29"),
        ] {
            assert_eq!(stand_alone_on(parse_date(dated).unwrap(), day), parse_date(on).unwrap(), "{dated}, day {day}");
        }
    }

    #[test]
    fn today_goes_by_the_zone() {
        let as_of: DateTime<Utc> = "2026-10-31T23:30:00Z".parse().unwrap();
        assert_eq!(today(as_of, chrono_tz::UTC), parse_date("2026-10-31").unwrap());
        assert_eq!(today(as_of, chrono_tz::Europe::Berlin), parse_date("2026-11-01").unwrap());
        assert_eq!(today(as_of, chrono_tz::Pacific::Midway), parse_date("2026-10-31").unwrap());
    }
}
