//! Reminders: each invoice and level at most once whatever days are missed, ever more urgent, and none
//! while it is held or once it is paid.

use chrono::{Days, NaiveDate, TimeDelta};
use finops::model::InvoiceId;
use finops::model::dunning::{FINAL, Hold, HoldKind, ReminderKind};
use finops::rules::dunning::{Decision, Dunned, Level, Outcome, Planned, Policy, Terms, decide};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn any_terms() -> impl Strategy<Value = Terms> {
    let before = prop::collection::btree_set(-40_i32..=0, 0..3);
    let after = prop::collection::btree_set(1_i32..60, 0..7);
    (before, after, 0_usize..3, 0_u32..40, 0_u32..200).prop_map(|(before, after, overdue, repeat_every, repeat_until)| {
        let after: Vec<i32> = after.into_iter().collect();
        let (overdue, escalation) = after.split_at(overdue.min(after.len()));
        let (upcoming, overdue, escalation) = (before.into_iter().collect(), overdue.to_vec(), escalation.to_vec());
        Terms { upcoming, overdue, escalation, repeat_every, repeat_until, ..Terms::default() }
    })
}

fn id() -> InvoiceId {
    "0199a000-0000-7000-8000-000000000001".parse().unwrap()
}

fn due_on() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, 1).unwrap()
}

/// A reminder that was planned: on which day, relative to the due date.
type Sent = (i64, Level);

fn on(day: i64) -> NaiveDate {
    due_on().checked_add_signed(TimeDelta::days(day)).unwrap()
}

/// Lives through the days on which cron ran, and returns what came. What is sent comes unless `lost` says otherwise.
fn live(policy: &Policy, terms_days: i64, days: &BTreeSet<i64>, holds: &[Hold], lost: &[Outcome]) -> Vec<Sent> {
    let id = id();
    let (mut planned, mut sent): (Vec<Planned>, Vec<Sent>) = (Vec::new(), Vec::new());
    let mut lost = lost.iter();
    for day in days.iter().filter(|day| **day >= -terms_days) {
        let invoice = Dunned { invoice_id: &id, came_on: on(-terms_days), due_on: due_on(), planned: &planned };
        if let Decision::Due(level) = decide(policy, invoice, holds, on(*day)) {
            let outcome = match lost.next().copied() {
                Some(Outcome::Refused(_)) => Outcome::Refused(on(*day)),
                Some(Outcome::Dropped) => Outcome::Dropped,
                _ => Outcome::Came(on(*day)),
            };
            if let Outcome::Came(_) = outcome {
                sent.push((*day, *level));
            }
            planned.retain(|planned| planned.level != level.days);
            planned.push(Planned { level: level.days, outcome });
        }
    }
    sent
}

fn any_lost() -> impl Strategy<Value = Vec<Outcome>> {
    let outcome = prop_oneof![Just(Outcome::Came(due_on())), Just(Outcome::Refused(due_on())), Just(Outcome::Dropped)];
    prop::collection::vec(outcome, 0..20)
}

proptest! {
    /// Whatever days are missed, and whatever does not arrive: each level once, never before its day, each step after
    /// the one below it and as far from it as the policy has it, and the final notice once.
    #[test]
    fn reminders_go_up_step_by_step(
        terms in any_terms(),
        payment_terms in 0_i64..60,
        days in prop::collection::btree_set(-60_i64..400, 0..120),
        lost in any_lost(),
    ) {
        let policy = Policy::new(&terms).unwrap();
        let sent = live(&policy, payment_terms, &days, &[], &lost);
        let steps: Vec<Level> = policy.levels().iter().filter(|level| level.kind != ReminderKind::Upcoming).copied().collect();
        let came: Vec<&Sent> = sent.iter().filter(|(_, level)| level.kind != ReminderKind::Upcoming).collect();
        prop_assert!(came.iter().map(|(_, level)| level).eq(steps.iter().take(came.len())), "{came:?}");
        for pair in came.windows(2) {
            let ((before, one), (day, next)) = (pair[0], pair[1]);
            prop_assert!(day - before >= i64::from(next.days - one.days), "{one:?} {before}, {next:?} {day}");
            prop_assert!(one.urgency <= next.urgency && one.kind <= next.kind);
        }
        prop_assert!(came.iter().filter(|(_, level)| level.urgency == FINAL).count() <= 1);
        let before: Vec<&Sent> = sent.iter().filter(|(_, level)| level.kind == ReminderKind::Upcoming).collect();
        prop_assert!(before.windows(2).all(|pair| pair[0].1.days < pair[1].1.days));
        prop_assert!(before.iter().all(|(day, _)| *day <= 0), "nothing is upcoming once it is past");
        for (day, level) in &sent {
            prop_assert!(i64::from(level.days) <= *day && *day > -payment_terms, "never before its day, nor on that of the invoice");
            prop_assert!(!level.repeats || *day <= i64::from(terms.repeat_until));
        }
    }

    /// Where cron runs daily and all arrives, each step comes on its own day; where it began late, each comes all the same.
    #[test]
    fn each_step_comes(terms in any_terms(), began in -10_i64..300, payment_terms in 1_i64..60) {
        let policy = Policy::new(&terms).unwrap();
        let sent = live(&policy, payment_terms, &(began..900).collect(), &[], &[]);
        let days: Vec<i32> = sent.iter().filter(|(day, _)| *day > 0).map(|(_, level)| level.days).collect();
        let steps: Vec<i32> =
            policy.levels().iter().filter(|l| l.kind != ReminderKind::Upcoming && !l.repeats).map(|l| l.days).collect();
        prop_assert!(days.starts_with(&steps), "{days:?} of {steps:?}");
        let first = policy.levels().iter().find(|level| level.kind != ReminderKind::Upcoming);
        if first.is_none_or(|first| began <= i64::from(first.days)) {
            prop_assert!(sent.iter().all(|(day, level)| *day <= 0 || *day == i64::from(level.days)), "{sent:?}");
        }
    }

    #[test]
    fn nothing_comes_while_it_is_held(
        terms in any_terms(),
        days in prop::collection::btree_set(-30_i64..300, 0..120),
        until in prop::option::of(0_u64..200),
        of_company in any::<bool>(),
    ) {
        let policy = Policy::new(&terms).unwrap();
        let hold = Hold {
            company_id: "acme".parse().unwrap(),
            invoice_id: (!of_company).then(id),
            kind: HoldKind::Promise,
            until: until.map(|days| due_on() + Days::new(days)),
            reason: String::new(),
        };
        let other = Hold { invoice_id: Some("0199a000-0000-7000-8000-000000000002".parse().unwrap()), until: None, ..hold.clone() };
        let sent = live(&policy, 40, &days, &[other.clone(), hold], &[]);
        let freed = until.map(u64::cast_signed);
        prop_assert!(sent.iter().all(|(day, _)| freed.is_some_and(|freed| *day >= freed)));
        prop_assert!(sent.iter().filter(|(day, _)| Some(*day) == days.iter().find(|d| Some(**d) >= freed).copied()).count() <= 1);
        prop_assert_eq!(live(&policy, 40, &days, &[other], &[]), live(&policy, 40, &days, &[], &[]), "another invoice's hold");
    }
}
