//! Dunning: of which invoice a customer is reminded on a day, and how urgently (semantics.md, dunning).
//!
//! A level is a number of days relative to the due date: −7, 1, 14. What is due is the highest level that
//! the day has reached. It is due while no reminder of that level or a higher one was planned, so that
//! each comes at most once, whatever days were missed, and what was missed below it never comes.
//!
//! How urgent it is, is another matter: a reminder is worded one step above the last that really came
//! ([`Policy::step`]), and not sooner after that than the policy has it. After a hold, or a month without a mail
//! server, nobody's first notice is the last one.

mod policy;

pub use policy::{Came, DEFAULT_POLICY, Found, Level, MAX_DAYS, NO_POLICY, Policies, Policy, Terms};

use crate::model::dunning::{Hold, ReminderKind};
use crate::model::{InvoiceId, Money};
use chrono::{NaiveDate, TimeDelta};

/// What is known of an open invoice.
#[derive(Debug, Clone, Copy)]
pub struct Dunned<'i> {
    pub invoice_id: &'i InvoiceId,
    /// The day on which the company got it: that of its issue, or later when it was sent later.
    pub came_on: NaiveDate,
    pub due_on: NaiveDate,
    /// Levels of which a reminder was planned, or that were passed over.
    pub recorded: &'i [i32],
}

/// What follows on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'p> {
    Nothing,
    /// A reminder of this level would be due.
    Held {
        level: &'p Level,
        hold: &'p Hold,
    },
    Due {
        level: &'p Level,
        /// Lower levels that were missed, and never come.
        passed_over: Vec<i32>,
    },
}

/// Decides for one invoice. `today` is the seller's.
pub fn decide<'p>(policy: &'p Policy, invoice: Dunned, holds: &'p [Hold], today: NaiveDate) -> Decision<'p> {
    let days = (today - invoice.due_on).num_days();
    let Some(level) = policy.reached(days) else { return Decision::Nothing };
    // What was to come before the due date says nothing true after it.
    if level.kind == ReminderKind::Upcoming && days > 0 {
        return Decision::Nothing;
    }
    // Nobody is reminded of an invoice on the day on which it came: short terms skip what comes before the due date, and
    // one that came late is reminded of from the first level after that.
    let on = invoice.due_on.checked_add_signed(TimeDelta::days(i64::from(level.days)));
    let came_before = on.is_some_and(|on| invoice.came_on < on);
    if !came_before || invoice.recorded.iter().any(|recorded| *recorded >= level.days) {
        return Decision::Nothing;
    }
    if let Some(hold) = holds.iter().find(|hold| hold.holds(invoice.invoice_id, today)) {
        return Decision::Held { level, hold };
    }
    let lower = policy.levels().iter().map(|lower| lower.days).take_while(|lower| *lower < level.days);
    Decision::Due { level, passed_over: lower.filter(|lower| !invoice.recorded.contains(lower)).collect() }
}

/// What of each balance a company's credit covers: what was due first comes first. All in one currency.
pub fn cover(credit: Money, balances: &[Money]) -> Vec<Money> {
    let mut left = credit.minor().max(0);
    let cover = |balance: &Money| {
        let covered = left.min(balance.minor().max(0));
        left -= covered;
        Money::from_minor(covered, credit.currency())
    };
    balances.iter().map(cover).collect()
}

/// Whether a reminder that waited still says something true: it does not when a later level of its invoice came
/// meanwhile, nor does what was to come before the due date when that has passed.
pub fn still_due(level: i32, due_on: NaiveDate, recorded: &[i32], today: NaiveDate) -> bool {
    let announces = level <= 0;
    !(announces && today > due_on) && recorded.iter().all(|recorded| *recorded <= level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;

    fn policy() -> Policy {
        Policy::new(&Terms::default()).unwrap()
    }

    #[test]
    fn credit_covers_what_was_due_first() {
        let euro = |minor| Money::from_minor(minor, "EUR".parse().unwrap());
        let balances = [euro(500), euro(300), euro(200)];
        for (credit, covered) in
            [(0, [0, 0, 0]), (499, [499, 0, 0]), (650, [500, 150, 0]), (5000, [500, 300, 200]), (-5, [0, 0, 0])]
        {
            assert_eq!(cover(euro(credit), &balances), covered.map(euro), "{credit}");
        }
    }

    #[test]
    fn short_terms_skip_what_comes_before_the_invoice() {
        let id: InvoiceId = "0199a000-0000-7000-8000-000000000001".parse().unwrap();
        let (policy, due_on) = (policy(), parse_date("2026-10-10").unwrap());
        let on = |issued_on: &str, today: &str| {
            let issued_on = parse_date(issued_on).unwrap();
            let invoice = Dunned { invoice_id: &id, came_on: issued_on, due_on, recorded: &[] };
            match decide(&policy, invoice, &[], parse_date(today).unwrap()) {
                Decision::Due { level, passed_over } => Some((level.days, passed_over)),
                _ => None,
            }
        };
        assert_eq!(on("2026-10-02", "2026-10-03"), Some((-7, Vec::new())));
        assert_eq!(on("2026-10-02", "2026-10-10"), Some((-7, Vec::new())), "missed days are caught up");
        assert_eq!(on("2026-10-03", "2026-10-04"), None, "it came on the day of that level");
        assert_eq!(on("2026-10-10", "2026-10-11"), Some((1, vec![-7])));
        assert_eq!(on("2026-10-01", "2026-11-30"), Some((30, vec![-7, 1, 7, 14])));
    }

    #[test]
    fn what_waited_drops_out_when_it_is_no_longer_true() {
        let on = |text: &str| parse_date(text).unwrap();
        let due_on = on("2026-10-15");
        for (level, recorded, today, still) in [
            (-7, &[-7][..], "2026-10-15", true),
            (-7, &[-7], "2026-10-16", false),
            (0, &[0], "2026-10-16", false),
            (1, &[-7, 1], "2026-11-25", true),
            (1, &[-7, 1, 7], "2026-10-22", false),
            (7, &[-7, 1, 7], "2026-10-22", true),
        ] {
            assert_eq!(still_due(level, due_on, recorded, on(today)), still, "{level} {recorded:?} {today}");
        }
    }
}
