//! Billing periods: the ranges of days that a contract is billed by.
//!
//! Boundary n lies n intervals after the anchor, clamped to the month's end, and is always computed
//! from the anchor, never from the boundary before it: Jan 31 → Feb 28 → Mar 31 → Apr 30
//! (invoiceninja #2817, lago PR 1567: a series that walks from its last date sticks at the 28th).
//! Any period is found in constant time, so a contract may be twenty years old.
//!
//! The anchor day in the start's month is boundary 0; when it is already past, the first boundary
//! after the start is one whole interval later, so that quarters and years keep its phase. Weeks go
//! the same way by the start's own (ISO) week when a weekday is the anchor, and run from the start
//! when none is.
//!
//! Usage is billed when its period is over: in arrears with the period itself, in advance with the
//! next one. After the last period of a contract that has an end, the usage of that one is left; it
//! is billed by a *closing* period, which begins on the contract's end and serves nothing itself.

use crate::model::calendar::IntervalLength;
use crate::model::{Contract, Invalid, Period, Timing};
use chrono::{Datelike, NaiveDate, TimeDelta};

/// What one invoice of a contract bills, and the whole of which it may be a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServicePeriod {
    /// The days billed: `full` without what lies before the start, `bill_from` or the end of a trial, or after the end.
    pub service: Period,
    /// From anchor boundary to anchor boundary: what a price is for, and what proration divides by.
    pub full: Period,
}

/// The boundaries of one contract, and the days on which it is served and billed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingCalendar {
    anchor: Anchor,
    timing: Timing,
    /// First day that is billed: the start, or `bill_from` when that is later.
    from: NaiveDate,
    /// First day that is paid for, here or in another system: the start, or the end of the trial.
    paid_from: NaiveDate,
    /// First day that is no longer billed.
    end: Option<NaiveDate>,
    /// Whether there is a closing period after the last.
    closes: bool,
}

/// Where boundary 0 is, and how far it is from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// Boundary n is `zero + n × length` days.
    Days { zero: NaiveDate, length: i64 },
    /// Boundary n is in month `zero + n × length`, on `day` or on the month's last day. Months count
    /// from January of year 0.
    Months { zero: i64, length: i64, day: u32 },
}

impl BillingCalendar {
    /// Refuses a contract that ends before it starts, or an anchor day that its cadence does not have.
    pub fn new(contract: &Contract) -> Result<Self, Invalid> {
        let start = contract.start;
        if let Some(end) = contract.end.filter(|end| *end < start) {
            return Err(Invalid::new(format!("contract {} ends on {end}, before its start on {start}", contract.contract_id)));
        }
        let anchor_day = contract.anchor_day.map(u32::from);
        let anchor = match contract.interval.length() {
            IntervalLength::Days(length) => Anchor::Days { zero: anchored_week(start, anchor_day)?, length: i64::from(length) },
            IntervalLength::Months(length) => {
                let day = anchor_day.unwrap_or(start.day());
                if !(1..=31).contains(&day) {
                    return Err(Invalid::new(format!("anchor day must be a day of the month from 1 to 31, not {day}")));
                }
                Anchor::Months { zero: month_number(start), length: i64::from(length), day }
            }
        };
        let (from, end, timing) = (contract.billed_from(), contract.end, contract.timing);
        Ok(Self { anchor, timing, from, paid_from: contract.paid_from(), end, closes: false })
    }

    /// The same, with the closing period that the usage of a contract needs which is billed in advance.
    #[must_use]
    pub fn metered(self, metered: bool) -> Self {
        let served = self.end.is_none_or(|end| self.from < end);
        Self { closes: metered && served && self.timing == Timing::Advance, ..self }
    }

    /// The first period that begins on `date` or later.
    pub fn first_from(&self, date: NaiveDate) -> Option<ServicePeriod> {
        self.periods_from(date).next()
    }

    /// Every period that begins on `date` or later, in order; endless when the contract has no end.
    pub fn periods_from(&self, date: NaiveDate) -> Periods<'_> {
        let date = date.max(self.from);
        let mut next = self.anchor.index_of(date);
        // At most twice: the period that has the day, and a closing one in the same stretch.
        while self.nth(next).is_some_and(|period| period.service.start() < date) {
            next += 1;
        }
        Periods { calendar: self, next }
    }

    /// Every period that is to be billed, from the first.
    pub fn periods(&self) -> Periods<'_> {
        self.periods_from(self.from)
    }

    /// The period that `date` is billed in, if it is billed at all.
    pub fn containing(&self, date: NaiveDate) -> Option<ServicePeriod> {
        let n = if self.end == Some(date) { self.closing_index(date) } else { Some(self.anchor.index_of(date)) };
        self.nth(n?).filter(|period| period.service.contains(date))
    }

    /// The period that begins on `date`; None when the contract has got another end since, and none does.
    pub fn beginning_on(&self, date: NaiveDate) -> Option<ServicePeriod> {
        self.containing(date).filter(|period| period.service.start() == date)
    }

    /// How many periods lie between the anchor and this one.
    pub fn index_of(&self, period: &ServicePeriod) -> i64 {
        let start = period.service.start();
        let closing = if self.is_closing(period) { self.closing_index(start) } else { None };
        closing.unwrap_or_else(|| self.anchor.index_of(start))
    }

    /// The place of the period in which a day lies, or of the first that is paid for, whoever bills that.
    pub fn first_index(&self, day: NaiveDate) -> i64 {
        self.anchor.index_of(day.max(self.paid_from))
    }

    /// Whether it serves nothing itself.
    pub fn is_closing(&self, period: &ServicePeriod) -> bool {
        self.closes && self.end == Some(period.service.start())
    }

    /// The period that ends where this one begins.
    pub fn before(&self, period: &ServicePeriod) -> Option<ServicePeriod> {
        self.containing(period.service.start().pred_opt()?)
    }

    /// The period whose usage is billed along with this one.
    pub fn usage_of(&self, period: &ServicePeriod) -> Option<ServicePeriod> {
        match self.timing {
            Timing::Arrears => Some(*period),
            Timing::Advance => self.before(period),
        }
    }

    fn closing_index(&self, end: NaiveDate) -> Option<i64> {
        Some(self.anchor.index_of(end.pred_opt()?) + 1)
    }

    /// The day on which a period may be billed: in advance its first day, in arrears the day after
    /// its last, which is the contract's end when that comes first.
    pub fn due_on(&self, period: &ServicePeriod) -> NaiveDate {
        due_on(self.timing, period.service)
    }

    /// The days between boundary n and the next that are billed; None outside the contract.
    fn nth(&self, n: i64) -> Option<ServicePeriod> {
        if let Some(end) = self.end.filter(|_| self.closes)
            && self.closing_index(end) == Some(n)
        {
            let service = Period::new(end, end.succ_opt()?).ok()?;
            return Some(ServicePeriod { service, full: service });
        }
        let full = Period::new(self.anchor.boundary(n)?, self.anchor.boundary(n + 1)?).ok()?;
        let end = self.end.map_or(full.end(), |end| end.min(full.end()));
        let service = Period::new(full.start().max(self.from), end).ok()?;
        Some(ServicePeriod { service, full })
    }
}

/// See [`BillingCalendar::due_on`].
pub fn due_on(timing: Timing, service: Period) -> NaiveDate {
    match timing {
        Timing::Advance => service.start(),
        Timing::Arrears => service.end(),
    }
}

impl Anchor {
    /// None beyond what the calendar can count (the year 262142).
    fn boundary(self, n: i64) -> Option<NaiveDate> {
        match self {
            Self::Days { zero, length } => zero.checked_add_signed(TimeDelta::try_days(n.checked_mul(length)?)?),
            Self::Months { zero, length, day } => day_in_month(zero.checked_add(n.checked_mul(length)?)?, day),
        }
    }

    /// The n for which boundary n is the last one on or before `date`.
    fn index_of(self, date: NaiveDate) -> i64 {
        match self {
            Self::Days { zero, length } => (date - zero).num_days().div_euclid(length),
            Self::Months { zero, length, .. } => {
                let n = (month_number(date) - zero).div_euclid(length);
                if self.boundary(n).is_some_and(|boundary| boundary > date) { n - 1 } else { n }
            }
        }
    }
}

/// See [`BillingCalendar::periods_from`].
#[derive(Debug, Clone)]
pub struct Periods<'a> {
    calendar: &'a BillingCalendar,
    next: i64,
}

impl Iterator for Periods<'_> {
    type Item = ServicePeriod;

    fn next(&mut self) -> Option<ServicePeriod> {
        let period = self.calendar.nth(self.next)?;
        self.next += 1;
        Some(period)
    }
}

fn anchored_week(start: NaiveDate, weekday: Option<u32>) -> Result<NaiveDate, Invalid> {
    let Some(weekday) = weekday else { return Ok(start) };
    if !(1..=7).contains(&weekday) {
        return Err(Invalid::new(format!(
            "anchor day of a weekly contract must be from 1 (Monday) to 7 (Sunday), not {weekday}"
        )));
    }
    let days = i64::from(weekday) - i64::from(start.weekday().number_from_monday());
    start
        .checked_add_signed(TimeDelta::days(days))
        .ok_or_else(|| Invalid::new(format!("start {start} is beyond what the calendar can count")))
}

/// Months since January of year 0.
pub(super) fn month_number(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// The day of a month, or the month's last when it has no such day.
pub(super) fn day_in_month(month: i64, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    let first = NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
    first.with_day(day.min(u32::from(first.num_days_in_month())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::{Cadence, Interval};

    fn date(text: &str) -> NaiveDate {
        parse_date(text).unwrap()
    }

    fn contract(cadence: Cadence, every: u16, anchor_day: Option<u8>, start: &str) -> Contract {
        Contract {
            company_id: "acme".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            seller_id: "de".parse().unwrap(),
            currency: "EUR".parse().unwrap(),
            interval: Interval::new(cadence, every).unwrap(),
            timing: Timing::Advance,
            anchor_day,
            start: date(start),
            end: None,
            bill_from: None,
            trial_end: None,
            payment_terms_days: None,
            tax_inclusive: false,
            description: String::new(),
            reference: String::new(),
            reminder_policy: String::new(),
        }
    }

    /// The first services, each as `start..end` with the full period's length in days.
    fn told(contract: &Contract, count: usize) -> Vec<String> {
        let calendar = BillingCalendar::new(contract).unwrap();
        let one = |p: ServicePeriod| format!("{}..{} of {}", p.service.start(), p.service.end(), p.full.days());
        calendar.periods().take(count).map(one).collect()
    }

    #[test]
    fn the_31st_is_clamped_from_the_anchor() {
        let expected = [
            "2026-01-31..2026-02-28 of 28",
            "2026-02-28..2026-03-31 of 31",
            "2026-03-31..2026-04-30 of 30",
            "2026-04-30..2026-05-31 of 31",
        ];
        assert_eq!(told(&contract(Cadence::Monthly, 1, None, "2026-01-31"), 4), expected);
        let expected = ["2026-02-28..2026-03-31 of 31", "2026-03-31..2026-04-30 of 30"];
        assert_eq!(told(&contract(Cadence::Monthly, 1, Some(31), "2026-02-28"), 2), expected);
        let expected = ["2024-02-29..2025-02-28 of 365", "2025-02-28..2026-02-28 of 365", "2026-02-28..2027-02-28 of 365"];
        assert_eq!(told(&contract(Cadence::Yearly, 1, None, "2024-02-29"), 3), expected);
        let calendar = BillingCalendar::new(&contract(Cadence::Yearly, 1, None, "2024-02-29")).unwrap();
        assert_eq!(calendar.first_from(date("2028-01-01")).unwrap().service.start(), date("2028-02-29"));
    }

    #[test]
    fn a_stub_leads_to_the_first_boundary() {
        for (cadence, every, anchor, start, first, second) in [
            (Cadence::Monthly, 1, 15, "2026-01-10", "2026-01-10..2026-01-15 of 31", "2026-01-15..2026-02-15 of 31"),
            (Cadence::Monthly, 1, 1, "2026-01-10", "2026-01-10..2026-02-01 of 31", "2026-02-01..2026-03-01 of 28"),
            // Quarters and years keep the phase: the day in the start's month, or one period later.
            (Cadence::Quarterly, 1, 15, "2026-01-10", "2026-01-10..2026-01-15 of 92", "2026-01-15..2026-04-15 of 90"),
            (Cadence::Quarterly, 1, 1, "2026-01-10", "2026-01-10..2026-04-01 of 90", "2026-04-01..2026-07-01 of 91"),
            (Cadence::Yearly, 1, 1, "2026-05-02", "2026-05-02..2027-05-01 of 365", "2027-05-01..2028-05-01 of 366"),
            // 2026-10-07 is a Wednesday.
            (Cadence::Weekly, 1, 1, "2026-10-07", "2026-10-07..2026-10-12 of 7", "2026-10-12..2026-10-19 of 7"),
            (Cadence::Weekly, 1, 5, "2026-10-07", "2026-10-07..2026-10-09 of 7", "2026-10-09..2026-10-16 of 7"),
            (Cadence::Weekly, 2, 5, "2026-10-07", "2026-10-07..2026-10-09 of 14", "2026-10-09..2026-10-23 of 14"),
        ] {
            assert_eq!(told(&contract(cadence, every, Some(anchor), start), 2), [first, second], "{cadence} {every} {anchor}");
        }
        let expected = ["2026-10-07..2026-10-14 of 7", "2026-10-14..2026-10-21 of 7"];
        assert_eq!(told(&contract(Cadence::Weekly, 1, None, "2026-10-07"), 2), expected);
    }

    #[test]
    fn start_end_and_bill_from_clip() {
        let mut clipped = contract(Cadence::Monthly, 1, None, "2020-01-15");
        clipped.bill_from = Some(date("2026-10-01"));
        clipped.end = Some(date("2026-11-20"));
        let expected = ["2026-10-01..2026-10-15 of 30", "2026-10-15..2026-11-15 of 31", "2026-11-15..2026-11-20 of 30"];
        assert_eq!(told(&clipped, 9), expected);
        let calendar = BillingCalendar::new(&clipped).unwrap();
        assert_eq!(calendar.containing(date("2026-09-30")), None);
        assert_eq!(calendar.containing(date("2026-11-20")), None);
        assert_eq!(calendar.containing(date("2026-10-14")), calendar.first_from(date("2020-01-01")));

        clipped.bill_from = None;
        clipped.end = Some(clipped.start);
        assert_eq!(told(&clipped, 9), Vec::<String>::new(), "start = end bills nothing");
        clipped.end = Some(date("2020-01-14"));
        let error = BillingCalendar::new(&clipped).unwrap_err().to_string();
        assert_eq!(error, "contract c ends on 2020-01-14, before its start on 2020-01-15");
    }

    #[test]
    fn a_trial_moves_no_boundary() {
        let mut trial = contract(Cadence::Monthly, 1, None, "2026-01-15");
        trial.trial_end = Some(date("2026-02-01"));
        assert_eq!(told(&trial, 2), ["2026-02-01..2026-02-15 of 31", "2026-02-15..2026-03-15 of 28"]);
        trial.bill_from = Some(date("2026-02-10"));
        assert_eq!(told(&trial, 1), ["2026-02-10..2026-02-15 of 31"]);
    }

    #[test]
    fn the_last_usage_has_a_closing_period() {
        let mut ended = contract(Cadence::Monthly, 1, None, "2026-01-15");
        for (end, last) in [("2026-03-15", "2026-02-15"), ("2026-03-20", "2026-03-15"), ("2026-03-16", "2026-03-15")] {
            ended.end = Some(date(end));
            let calendar = BillingCalendar::new(&ended).unwrap().metered(true);
            let starts: Vec<_> = calendar.periods().map(|period| period.service.start().to_string()).collect();
            assert_eq!(&starts[starts.len() - 2..], [last, end]);
            let closing = calendar.containing(date(end)).unwrap();
            assert!(calendar.is_closing(&closing));
            assert_eq!(calendar.first_from(date(end)), Some(closing));
            assert_eq!(calendar.due_on(&closing), date(end));
            let before = calendar.usage_of(&closing).unwrap();
            assert_eq!(before.service.start(), date(last));
            assert_eq!(calendar.index_of(&closing), calendar.index_of(&before) + 1);
            assert_eq!(calendar.first_from(date(end).succ_opt().unwrap()), None);
        }
        // Nothing is left in arrears, and nothing without a period.
        ended.timing = Timing::Arrears;
        assert_eq!(BillingCalendar::new(&ended).unwrap().metered(true).periods().count(), 3);
        ended.timing = Timing::Advance;
        ended.end = Some(ended.start);
        assert_eq!(BillingCalendar::new(&ended).unwrap().metered(true).periods().count(), 0);
    }

    #[test]
    fn an_anchor_that_the_cadence_does_not_have_is_refused() {
        for (cadence, day) in [(Cadence::Weekly, 8), (Cadence::Weekly, 0), (Cadence::Monthly, 0), (Cadence::Yearly, 32)] {
            assert!(BillingCalendar::new(&contract(cadence, 1, Some(day), "2026-01-01")).is_err(), "{cadence} {day}");
        }
    }
}
