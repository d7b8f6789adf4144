//! Dunning: of which invoice a customer is reminded on a day, and how urgently (semantics.md, dunning).
//!
//! A level is a number of days relative to the due date: −7, 1, 14. What comes before the due date catches up with the
//! highest level that the day has reached; what was missed below it never comes. After it the levels are steps, each
//! more urgent than the one below: what is due is the step above the last that really came, and no sooner after that
//! than the policy has it. So each comes at most once, one at a time whatever days were missed, and after a hold, an
//! import or a month without a mail server nobody's first notice is the last one.

mod policy;

pub use policy::{DEFAULT_POLICY, Found, Level, MAX_DAYS, NO_POLICY, Policies, Policy, Terms};

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
    /// Reminders that were planned.
    pub planned: &'i [Planned],
}

/// A reminder that was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// In days.
    pub level: i32,
    pub outcome: Outcome,
}

/// What came of a reminder. Days are the seller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Came(NaiveDate),
    /// It is on its way, or nobody can tell yet.
    Waiting,
    /// It was refused; when it had been planned.
    Refused(NaiveDate),
    /// It dropped out before it was sent.
    Dropped,
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
    /// It is due on this day: until then the one before it counts.
    TooSoon {
        level: &'p Level,
        from: NaiveDate,
    },
    Due(&'p Level),
}

/// Decides for one invoice. `today` is the seller's.
pub fn decide<'p>(policy: &'p Policy, invoice: Dunned, holds: &'p [Hold], today: NaiveDate) -> Decision<'p> {
    let days = (today - invoice.due_on).num_days();
    let Some((level, from)) = due(policy, invoice, days) else { return Decision::Nothing };
    if let Some(hold) = holds.iter().find(|hold| hold.holds(invoice.invoice_id, today)) {
        return Decision::Held { level, hold };
    }
    match from.filter(|from| today < *from) {
        Some(from) => Decision::TooSoon { level, from },
        None => Decision::Due(level),
    }
}

/// The level that is due, and from which day on, when the one before it or its own last attempt says so.
fn due<'p>(policy: &'p Policy, invoice: Dunned, days: i64) -> Option<(&'p Level, Option<NaiveDate>)> {
    let reached = policy.reached(days)?;
    let Dunned { came_on, due_on, planned, .. } = invoice;
    // Nobody is reminded of an invoice on the day on which it came: short terms skip what comes before the due date, and
    // one that came late is reminded of from the first level after that.
    let came_before = after(due_on, reached.days).is_some_and(|on| came_on < on);
    if reached.kind == ReminderKind::Upcoming {
        // What was to come before the due date says nothing true after it.
        let is_due = days <= 0 && came_before && planned.iter().all(|planned| planned.level < reached.days);
        return is_due.then_some((reached, None));
    }
    let steps = || planned.iter().filter(|planned| planned.level > 0);
    if steps().any(|step| step.outcome == Outcome::Waiting) {
        return None;
    }
    let came = |step: &Planned| if let Outcome::Came(on) = step.outcome { Some((step.level, on)) } else { None };
    let last = steps().filter_map(came).max();
    let level = policy.next(last.map(|(level, _)| level))?;
    if i64::from(level.days) > days || policy.is_over(level, days) || last.is_none() && !came_before {
        return None;
    }
    let since_last = last.map(|(before, on)| after(on, level.days - before)).unwrap_or_default();
    let refused = steps().find_map(|step| match step.outcome {
        Outcome::Refused(on) if step.level == level.days => Some(on),
        _ => None,
    });
    // What was refused is not tried again before another would come: by then the address may be another one.
    let since_refused = match refused {
        Some(on) => Some(after(on, policy.next(Some(level.days))?.days - level.days)?),
        None => None,
    };
    Some((level, since_last.max(since_refused)))
}

fn after(day: NaiveDate, days: i32) -> Option<NaiveDate> {
    day.checked_add_signed(TimeDelta::days(i64::from(days)))
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

    /// What is due on a day after the due date, given what was planned, also by days.
    fn due_on_day(day: i64, came_on: i64, planned: &[(i32, Outcome)]) -> String {
        let id: InvoiceId = "0199a000-0000-7000-8000-000000000001".parse().unwrap();
        let (policy, due_on) = (policy(), due_on());
        let on = |days: i64| due_on + TimeDelta::days(days);
        let planned: Vec<Planned> = planned.iter().map(|(level, outcome)| Planned { level: *level, outcome: *outcome }).collect();
        let invoice = Dunned { invoice_id: &id, came_on: on(came_on), due_on, planned: &planned };
        match decide(&policy, invoice, &[], on(day)) {
            Decision::Due(level) => format!("{:+}", level.days),
            Decision::TooSoon { level, from } => format!("{:+} from {:+}", level.days, (from - due_on).num_days()),
            Decision::Nothing | Decision::Held { .. } => String::new(),
        }
    }

    fn due_on() -> NaiveDate {
        parse_date("2026-10-10").unwrap()
    }

    fn came(day: i64) -> Outcome {
        Outcome::Came(due_on() + TimeDelta::days(day))
    }

    #[test]
    fn short_terms_skip_what_comes_before_the_invoice() {
        for (came_on, day, due) in [
            (-8, -7, "-7"),
            (-8, 0, "-7"),
            // It came on the day of that level.
            (-7, -6, ""),
            (0, 1, "+1"),
            // Late, and the first level after that.
            (5, 6, ""),
            (5, 7, "+1"),
            (1, 1, ""),
        ] {
            assert_eq!(due_on_day(day, came_on, &[]), due, "came on {came_on}, {day}");
        }
    }

    #[test]
    fn each_is_one_step_above_the_last_that_came() {
        let (refused, dropped) = (|day: i64| Outcome::Refused(due_on() + TimeDelta::days(day)), Outcome::Dropped);
        for (day, planned, due) in [
            // As the policy has it.
            (1, vec![(-7, came(-7))], "+1"),
            (6, vec![(1, came(1))], ""),
            (7, vec![(1, came(1))], "+7"),
            (29, vec![(1, came(1)), (7, came(7)), (14, came(14))], ""),
            (30, vec![(1, came(1)), (7, came(7)), (14, came(14))], "+30"),
            // Held, or another system's, until then: the first notice is not the last, and the others follow as far apart.
            (30, vec![], "+1"),
            (209, vec![(-7, came(-7))], "+1"),
            (214, vec![(1, came(209))], "+7 from +215"),
            (215, vec![(1, came(209))], "+7"),
            (222, vec![(1, came(209)), (7, came(215))], "+14"),
            (238, vec![(1, came(209)), (7, came(215)), (14, came(222))], "+30"),
            // The repeats end, and the steps do not.
            (300, vec![(1, came(209)), (7, came(215)), (14, came(222)), (30, came(238))], ""),
            (180, vec![(30, came(30)), (60, came(60)), (90, came(90))], "+120"),
            (181, vec![(30, came(30)), (60, came(60)), (90, came(90))], ""),
            // One that was planned is waited for; one that dropped out comes when it may, and one that was refused not
            // before another would.
            (9, vec![(1, Outcome::Waiting)], ""),
            (9, vec![(1, dropped)], "+1"),
            (6, vec![(1, refused(1))], "+1 from +7"),
            (7, vec![(1, refused(1))], "+1"),
            (40, vec![(1, came(1)), (7, refused(8))], "+7"),
            (300, vec![(180, refused(180))], "+1"),
            // Levels of a policy that was changed.
            (12, vec![(3, came(3)), (10, came(10))], ""),
            (14, vec![(3, came(3)), (10, came(10))], "+14"),
        ] {
            assert_eq!(due_on_day(day, -30, &planned), due, "{day} {planned:?}");
        }
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
