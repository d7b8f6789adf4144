//! Which periods must be billed, computed a second time, without the code under test: boundaries by
//! counting months or days from the start, and everything between them cut to what is billed here.

use crate::support::TestDb;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

type Periods = BTreeSet<(NaiveDate, NaiveDate)>;

/// Every contract's billed periods are those that were due at `now`: no gap, no overlap. A voided one
/// counts by its start alone: the contract may have got another end since, and only `regenerate`
/// bills the period as it is by then.
pub fn check(db: &TestDb, now: DateTime<Utc>) {
    let mut billed: BTreeMap<(String, String), Periods> = BTreeMap::new();
    let mut void: BTreeSet<(String, String, NaiveDate)> = BTreeSet::new();
    let latest = "SELECT b.company_id, b.contract_id, b.period_start, b.period_end, i.state,
        (SELECT COUNT(*) FROM invoice_lines l WHERE l.company_id = b.company_id AND l.invoice_id = b.invoice_id
           AND l.contract_id = b.contract_id AND l.period_end > b.period_start)
      FROM billed_periods b
      JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
      WHERE b.revision = (SELECT MAX(o.revision) FROM billed_periods o
        WHERE o.company_id = b.company_id AND o.contract_id = b.contract_id AND o.period_start = b.period_start)";
    for row in db.rows(latest) {
        let (start, end): (NaiveDate, NaiveDate) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        // The last usage of a contract that has ended is billed by a period of its own, which serves nothing.
        if row[5] == "0" && start.succ_opt() == Some(end) {
            continue;
        }
        billed.entry((row[0].clone(), row[1].clone())).or_default().insert((start, end));
        if row[4] == "void" {
            void.insert((row[0].clone(), row[1].clone(), start));
        }
    }
    let contracts = "SELECT c.company_id, c.contract_id, c.cadence, c.every, c.timing, COALESCE(c.anchor_day, 0), c.start_on,
      COALESCE(c.bill_from, c.start_on), COALESCE(c.end_on, '9999-01-01'), s.time_zone, COALESCE(c.trial_end, c.start_on)
      FROM contracts c JOIN sellers s ON s.seller_id = c.seller_id";
    for row in db.rows(contracts) {
        let contract = Contract::of(&row);
        let zone: Tz = row[9].parse().unwrap();
        let due = contract.due(now.with_timezone(&zone).date_naive());
        let found = billed.remove(&(row[0].clone(), row[1].clone())).unwrap_or_default();
        let is_void = |start: NaiveDate| void.contains(&(row[0].clone(), row[1].clone(), start));
        let named = |periods: &Periods| -> Vec<(NaiveDate, Option<NaiveDate>)> {
            periods.iter().map(|(start, end)| (*start, (!is_void(*start)).then_some(*end))).collect()
        };
        assert_eq!(named(&found), named(&due), "the billed periods of {row:?}");
    }
    assert!(billed.is_empty(), "periods of nobody: {billed:?}");
}

struct Contract {
    cadence: String,
    every: u32,
    advance: bool,
    anchor: u32,
    start: NaiveDate,
    from: NaiveDate,
    end: NaiveDate,
}

impl Contract {
    fn of(row: &[String]) -> Self {
        let date = |at: usize| -> NaiveDate { row[at].parse().unwrap() };
        Self {
            cadence: row[2].clone(),
            every: row[3].parse().unwrap(),
            advance: row[4] == "advance",
            anchor: row[5].parse().unwrap(),
            start: date(6),
            from: date(6).max(date(7)).max(date(10)),
            end: date(8),
        }
    }

    fn due(&self, today: NaiveDate) -> Periods {
        let mut boundary = self.boundaries();
        let mut periods = Periods::new();
        let mut left = boundary.next().unwrap();
        for right in boundary {
            if left > today {
                break;
            }
            let (start, end) = (left.max(self.from), right.min(self.end));
            let due = if self.advance { start } else { end };
            if start < end && due <= today {
                periods.insert((start, end));
            }
            left = right;
        }
        periods
    }

    /// From the one before the start's month or week.
    fn boundaries(&self) -> Box<dyn Iterator<Item = NaiveDate> + '_> {
        let months = match self.cadence.as_str() {
            "weekly" => {
                let to_anchor = i64::from(self.anchor) - i64::from(self.start.weekday().number_from_monday());
                let zero = if self.anchor == 0 { self.start } else { self.start + chrono::TimeDelta::days(to_anchor) };
                let step = Days::new(u64::from(7 * self.every));
                return Box::new(std::iter::successors(Some(zero - step), move |at| Some(*at + step)));
            }
            "monthly" => 1,
            "quarterly" => 3,
            "yearly" => 12,
            other => panic!("{other}?"),
        };
        let day = if self.anchor == 0 { self.start.day() } else { self.anchor };
        let zero = self.start.with_day(1).unwrap() - Months::new(months * self.every);
        Box::new((0..).map(move |n| {
            let month = zero + Months::new(n * months * self.every);
            month.with_day(day.min(u32::from(month.num_days_in_month()))).unwrap()
        }))
    }
}
