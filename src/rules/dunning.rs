//! Dunning: of which invoice a customer is reminded on a day, and how urgently (semantics.md, dunning).
//!
//! A level is a number of days relative to the due date: −7, 1, 14. What is due is the highest level that
//! the day has reached. It is due while no reminder of that level or a higher one was planned, so that
//! each comes at most once, whatever days were missed, and what was missed below it never comes.

use crate::model::InvoiceId;
use crate::model::dunning::{Hold, ReminderKind};
use chrono::{NaiveDate, TimeDelta};
use std::collections::BTreeMap;

/// The last day, relative to the due date, that a level may have.
pub const MAX_DAYS: u32 = 3650;
/// The most levels of one kind.
const MAX_LEVELS: usize = 20;

/// The name of a policy that reminds of nothing.
pub const NO_POLICY: &str = "none";
/// The name of `[reminders]` itself.
pub const DEFAULT_POLICY: &str = "default";

/// What the configuration says of a policy: days relative to the due date, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub upcoming: Vec<i32>,
    pub overdue: Vec<i32>,
    pub escalation: Vec<i32>,
    /// After the last escalation there is one more every so many days; 0: none.
    pub repeat_every: u32,
    /// No reminder after this day.
    pub repeat_until: u32,
    /// Levels that are told by SMS too.
    pub sms: Vec<i32>,
    /// The account manager gets a copy from this level on …
    pub account_manager_from: u32,
    /// … and contacts with the role `management` from this one.
    pub management_from: u32,
}

impl Default for Terms {
    /// semantics.md, dunning.
    fn default() -> Self {
        Self {
            upcoming: vec![-7],
            overdue: vec![1],
            escalation: vec![7, 14, 30],
            repeat_every: 30,
            repeat_until: 180,
            sms: Vec::new(),
            account_manager_from: 14,
            management_from: 30,
        }
    }
}

/// One step of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    /// Relative to the due date.
    pub days: i32,
    pub kind: ReminderKind,
    /// From 1: upcoming and overdue 1, escalations 2, 3, 4 …; those that repeat are as urgent as the last.
    pub urgency: u8,
    pub sms: bool,
    pub account_manager: bool,
    pub management: bool,
}

/// The levels of one policy, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    levels: Vec<Level>,
}

impl Policy {
    /// Errors: the key that is wrong, and what would be right.
    pub fn new(terms: &Terms) -> Result<Self, (&'static str, String)> {
        let Terms { upcoming, overdue, escalation, .. } = terms;
        for (key, days) in [("upcoming", upcoming), ("overdue", overdue), ("escalation", escalation)] {
            if days.len() > MAX_LEVELS {
                return Err((key, format!("must have at most {MAX_LEVELS} levels")));
            }
        }
        if upcoming.iter().any(|days| *days > 0) {
            return Err(("upcoming", "must be days before the due date: 0 or below, such as [-7]".to_owned()));
        }
        if overdue.iter().any(|days| *days < 1) {
            return Err(("overdue", "must be days after the due date: 1 or above, such as [1]".to_owned()));
        }
        let mut last = None;
        for (key, list) in [("upcoming", upcoming), ("overdue", overdue), ("escalation", escalation)] {
            for days in list {
                if last.is_some_and(|last| *days <= last) || (key == "escalation" && *days < 1) {
                    return Err((key, format!("must ascend, from upcoming over overdue to escalation; {days} does not")));
                }
                last = Some(*days);
            }
        }
        let policy = Self { levels: levels(terms) };
        match terms.sms.iter().find(|days| policy.find(**days).is_none()) {
            Some(days) => Err(("sms", format!("must be levels of this policy, and {days} is none"))),
            None => Ok(policy),
        }
    }

    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn find(&self, days: i32) -> Option<&Level> {
        self.levels.iter().find(|level| level.days == days)
    }

    /// The highest level that a day has reached.
    fn reached(&self, days: i64) -> Option<&Level> {
        self.levels[..self.levels.partition_point(|level| i64::from(level.days) <= days)].last()
    }
}

fn levels(terms: &Terms) -> Vec<Level> {
    let level = |kind, urgency, days: i32| Level {
        days,
        kind,
        urgency,
        sms: terms.sms.contains(&days),
        account_manager: u32::try_from(days).is_ok_and(|days| days >= terms.account_manager_from),
        management: u32::try_from(days).is_ok_and(|days| days >= terms.management_from),
    };
    let mut levels: Vec<Level> = terms.upcoming.iter().map(|days| level(ReminderKind::Upcoming, 1, *days)).collect();
    levels.extend(terms.overdue.iter().map(|days| level(ReminderKind::Overdue, 1, *days)));
    levels.extend((2..).zip(&terms.escalation).map(|(urgency, days)| level(ReminderKind::Escalation, urgency, *days)));
    if let (Some(last), Some(every)) = (terms.escalation.last(), usize::try_from(terms.repeat_every).ok().filter(|n| *n > 0)) {
        let urgency = levels.last().map_or(2, |level| level.urgency);
        let until = i32::try_from(terms.repeat_until.min(MAX_DAYS)).unwrap_or(*last);
        levels.extend((*last..=until).step_by(every).skip(1).map(|days| level(ReminderKind::Escalation, urgency, days)));
    }
    levels
}

/// All policies that the configuration has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    pub default: Policy,
    pub named: BTreeMap<String, Policy>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'p> {
    Policy(&'p Policy),
    /// Reminders are not wanted.
    None,
    /// No policy has this name.
    Unknown(&'p str),
}

impl Policies {
    /// The policy of an invoice: its contract's, else its company's, else the default.
    pub fn of<'p>(&'p self, contract: &'p str, company: &'p str) -> Found<'p> {
        match if contract.is_empty() { company } else { contract } {
            "" | DEFAULT_POLICY => Found::Policy(&self.default),
            NO_POLICY => Found::None,
            name => self.named.get(name).map_or(Found::Unknown(name), Found::Policy),
        }
    }

    /// The first day, relative to the due date, on which a reminder of a kind is due in any policy. Those that come before
    /// the due date end on it; for the others there is no last day, since what was missed is caught up.
    pub fn first_day(&self, kind: ReminderKind) -> Option<i32> {
        let all = std::iter::once(&self.default).chain(self.named.values());
        all.flat_map(Policy::levels).filter(|level| level.kind == kind).map(|level| level.days).min()
    }
}

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
    fn the_default_policy() {
        let terms = Terms { sms: vec![1, 60], ..Terms::default() };
        let policy = Policy::new(&terms).unwrap();
        let told: Vec<String> = policy
            .levels()
            .iter()
            .map(|l| {
                let flags = [(l.sms, " sms"), (l.account_manager, " manager"), (l.management, " management")];
                let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
                format!("{:+} {} {}{flags}", l.days, l.kind, l.urgency)
            })
            .collect();
        assert_eq!(
            told,
            [
                "-7 upcoming 1",
                "+1 overdue 1 sms",
                "+7 escalation 2",
                "+14 escalation 3 manager",
                "+30 escalation 4 manager management",
                "+60 escalation 4 sms manager management",
                "+90 escalation 4 manager management",
                "+120 escalation 4 manager management",
                "+150 escalation 4 manager management",
                "+180 escalation 4 manager management",
            ]
        );
    }

    #[test]
    fn wrong_terms_are_told_by_their_key() {
        let default = Terms::default;
        for (terms, key) in [
            (Terms { upcoming: vec![1], ..default() }, "upcoming"),
            (Terms { upcoming: vec![-3, -7], ..default() }, "upcoming"),
            (Terms { overdue: vec![0], ..default() }, "overdue"),
            (Terms { overdue: vec![7], ..default() }, "escalation"),
            (Terms { overdue: Vec::new(), escalation: vec![0], ..default() }, "escalation"),
            (Terms { escalation: vec![7, 7], ..default() }, "escalation"),
            (Terms { escalation: (2..100).collect(), ..default() }, "escalation"),
            (Terms { sms: vec![2], ..default() }, "sms"),
        ] {
            assert_eq!(Policy::new(&terms).unwrap_err().0, key, "{terms:?}");
        }
        let silent = Terms { upcoming: Vec::new(), overdue: Vec::new(), escalation: Vec::new(), ..default() };
        assert!(Policy::new(&silent).unwrap().levels().is_empty());
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
    fn policies_by_name() {
        let named =
            BTreeMap::from([("strict".to_owned(), Policy::new(&Terms { overdue: vec![3], ..Terms::default() }).unwrap())]);
        let policies = Policies { default: policy(), named };
        assert_eq!(policies.of("", ""), Found::Policy(&policies.default));
        assert_eq!(policies.of("", "strict"), Found::Policy(&policies.named["strict"]));
        assert_eq!(policies.of("none", "strict"), Found::None);
        assert_eq!(policies.of("default", "none"), Found::Policy(&policies.default));
        assert_eq!(policies.of("", "mild"), Found::Unknown("mild"));
        assert_eq!(policies.first_day(ReminderKind::Overdue), Some(1));
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
