//! Policies of reminders: their levels, and how each of them is worded.

use crate::model::dunning::{AFTER_FINAL, FINAL, ReminderKind};
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
    /// … and none of those after this day.
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
    /// From 1: upcoming and overdue 1, escalations 2, 3 and, of the last where there are three or more, [`FINAL`]. Those
    /// that repeat say what the last one said, or, after the final notice, that it was one ([`AFTER_FINAL`]).
    pub urgency: u8,
    /// After the last escalation; never after `repeat_until`.
    pub repeats: bool,
    pub sms: bool,
    pub account_manager: bool,
    pub management: bool,
}

/// The levels of one policy, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    levels: Vec<Level>,
    /// [`Terms::repeat_until`].
    repeat_until: u32,
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
        let policy = Self { levels: levels(terms), repeat_until: terms.repeat_until };
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
    pub(super) fn reached(&self, days: i64) -> Option<&Level> {
        self.levels[..self.levels.partition_point(|level| i64::from(level.days) <= days)].last()
    }

    /// The next step after one, in days; the first one after the due date when none came yet. Each step is worded as its
    /// level, and comes after the one below it.
    pub fn next(&self, after: Option<i32>) -> Option<&Level> {
        self.levels.iter().find(|level| level.kind != ReminderKind::Upcoming && after.is_none_or(|after| level.days > after))
    }

    /// Whether a level does not come any more, so many days after the due date.
    pub(super) fn is_over(&self, level: &Level, days: i64) -> bool {
        level.repeats && days > i64::from(self.repeat_until)
    }
}

fn levels(terms: &Terms) -> Vec<Level> {
    let level = |kind, urgency, days: i32| Level {
        days,
        kind,
        urgency,
        repeats: false,
        sms: terms.sms.contains(&days),
        account_manager: u32::try_from(days).is_ok_and(|days| days >= terms.account_manager_from),
        management: u32::try_from(days).is_ok_and(|days| days >= terms.management_from),
    };
    let mut levels: Vec<Level> = terms.upcoming.iter().map(|days| level(ReminderKind::Upcoming, 1, *days)).collect();
    levels.extend(terms.overdue.iter().map(|days| level(ReminderKind::Overdue, 1, *days)));
    let count = terms.escalation.len();
    let urgency = |n: usize| match n {
        1 => 2,
        n if n == count && n >= 3 => FINAL,
        _ => FINAL - 1,
    };
    levels.extend((1..).zip(&terms.escalation).map(|(n, days)| level(ReminderKind::Escalation, urgency(n), *days)));
    if let (Some(last), Some(every)) = (terms.escalation.last(), usize::try_from(terms.repeat_every).ok().filter(|n| *n > 0)) {
        let urgency = if urgency(count) == FINAL { AFTER_FINAL } else { urgency(count) };
        let until = i32::try_from(terms.repeat_until.min(MAX_DAYS)).unwrap_or(*last);
        levels.extend(
            (*last..=until)
                .step_by(every)
                .skip(1)
                .map(|days| Level { repeats: true, ..level(ReminderKind::Escalation, urgency, days) }),
        );
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

#[cfg(test)]
mod tests {
    use super::*;

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
                "+60 escalation 5 sms manager management",
                "+90 escalation 5 manager management",
                "+120 escalation 5 manager management",
                "+150 escalation 5 manager management",
                "+180 escalation 5 manager management",
            ]
        );
    }

    #[test]
    fn the_final_notice_is_the_last_of_three_or_more_escalations() {
        for (escalation, urgencies) in [
            (vec![], vec![1]),
            (vec![7], vec![1, 2, 2]),
            (vec![7, 14], vec![1, 2, 3, 3]),
            (vec![7, 14, 21, 30], vec![1, 2, 3, 3, 4, 5]),
        ] {
            let terms = Terms { upcoming: Vec::new(), escalation, repeat_until: 60, ..Terms::default() };
            let policy = Policy::new(&terms).unwrap();
            assert_eq!(
                policy.levels().iter().map(|level| level.urgency).collect::<Vec<_>>()[..urgencies.len()],
                urgencies,
                "{terms:?}"
            );
        }
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
}
