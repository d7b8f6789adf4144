//! Reminders: each invoice and level at most once whatever days are missed, ever more urgent, and none
//! while it is held or once it is paid.

use chrono::{Days, NaiveDate, TimeDelta};
use finops::model::InvoiceId;
use finops::model::dunning::{FINAL, Hold, HoldKind, ReminderKind};
use finops::rules::dunning::{Came, Decision, Dunned, Level, Policy, Terms, decide};
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

/// A reminder that came: on which day, relative to the due date.
type Sent = (i64, Level);

/// Lives through the days on which cron ran, and returns what was sent.
fn live(policy: &Policy, terms_days: u64, days: &BTreeSet<i64>, holds: &[Hold], paid_from: Option<i64>) -> Vec<Sent> {
    let (id, due_on) = (id(), due_on());
    let (mut recorded, mut sent) = (Vec::new(), Vec::new());
    for day in days.iter().filter(|day| paid_from.is_none_or(|paid| **day < paid)) {
        let today = if *day < 0 { due_on - Days::new(day.unsigned_abs()) } else { due_on + Days::new(day.unsigned_abs()) };
        if today < due_on - Days::new(terms_days) {
            continue;
        }
        let invoice = Dunned { invoice_id: &id, came_on: due_on - Days::new(terms_days), due_on, recorded: &recorded };
        if let Decision::Due { level, passed_over } = decide(policy, invoice, holds, today) {
            assert!(passed_over.iter().all(|lower| *lower < level.days && !recorded.contains(lower)));
            sent.push((*day, *level));
            recorded.extend(passed_over);
            recorded.push(level.days);
        }
    }
    sent
}

proptest! {
    #[test]
    fn whatever_days_are_missed(
        terms in any_terms(),
        payment_terms in 0_u64..60,
        days in prop::collection::btree_set(-60_i64..400, 0..120),
        paid_from in prop::option::of(-60_i64..400),
    ) {
        let policy = Policy::new(&terms).unwrap();
        let sent = live(&policy, payment_terms, &days, &[], paid_from);
        let levels: BTreeSet<i32> = sent.iter().map(|(_, level)| level.days).collect();
        prop_assert_eq!(levels.len(), sent.len(), "each level once");
        for pair in sent.windows(2) {
            let ((_, one), (_, next)) = (pair[0], pair[1]);
            prop_assert!(one.days < next.days && one.urgency <= next.urgency && one.kind <= next.kind);
        }
        for (day, level) in &sent {
            prop_assert!(i64::from(level.days) <= *day, "never before its day");
            prop_assert!(level.kind != ReminderKind::Upcoming || *day <= 0, "nothing is upcoming once it is past");
            prop_assert!(policy.levels().iter().all(|higher| higher.days <= level.days || i64::from(higher.days) > *day), "the highest");
            prop_assert!(paid_from.is_none_or(|paid| *day < paid), "nothing after payment");
        }
        // A level whose day came, after the invoice did, was either sent on the first run from then on, or overtaken.
        for level in policy.levels().iter().filter(|level| i64::from(level.days) > -payment_terms.cast_signed()) {
            let first = days.iter().find(|day| **day >= i64::from(level.days)).filter(|day| paid_from.is_none_or(|paid| **day < paid));
            let too_late = |first: i64| level.kind == ReminderKind::Upcoming && first > 0;
            if let Some(first) = first.filter(|first| !too_late(**first)) {
                let told = sent.iter().find(|(day, _)| day == first);
                prop_assert!(told.is_some_and(|(_, sent)| sent.days >= level.days), "{level:?} on {first}: {sent:?}");
            }
        }
    }

    /// Whatever came before and whenever: worded one step above the last at most, never as a level that is not reached,
    /// and the final notice once.
    #[test]
    fn each_is_worded_one_step_above_the_last(
        terms in any_terms(),
        days in prop::collection::btree_set(-10_i64..400, 1..120),
        lost in prop::collection::vec(any::<bool>(), 120),
    ) {
        let policy = Policy::new(&terms).unwrap();
        let (mut came, mut worded): (Vec<Came>, Vec<Level>) = (Vec::new(), Vec::new());
        for ((day, level), lost) in live(&policy, 40, &days, &[], None).iter().zip(lost) {
            let on = due_on().checked_add_signed(TimeDelta::days(*day)).unwrap();
            let (step, from) = policy.step(level, &came);
            prop_assert!(step.days <= level.days && (level.kind != ReminderKind::Upcoming || step == level));
            if level.kind == ReminderKind::Upcoming || lost || from.is_some_and(|from| on < from) {
                continue;
            }
            let index = |level: &Level| policy.levels().iter().filter(|l| l.kind != ReminderKind::Upcoming).position(|l| l == level).unwrap();
            let next = worded.last().map_or(0, |last| index(last) + 1);
            prop_assert!(index(step) <= next, "{:?} after {:?}", step, worded);
            came.push(Came { level: level.days, on });
            worded.push(*step);
        }
        prop_assert!(worded.windows(2).all(|pair| pair[0].days < pair[1].days && pair[0].urgency <= pair[1].urgency), "{:?}", worded);
        prop_assert!(worded.iter().filter(|step| step.urgency == FINAL).count() <= 1, "{:?}", worded);
        for (pair, days) in came.windows(2).zip(worded.windows(2)) {
            let apart = (pair[1].on - pair[0].on).num_days();
            prop_assert!(apart >= i64::from(days[1].days - days[0].days), "{apart} days apart: {:?}", days);
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
        let sent = live(&policy, 40, &days, &[other.clone(), hold], None);
        let freed = until.map(u64::cast_signed);
        prop_assert!(sent.iter().all(|(day, _)| freed.is_some_and(|freed| *day >= freed)));
        prop_assert!(sent.iter().filter(|(day, _)| Some(*day) == days.iter().find(|d| Some(**d) >= freed).copied()).count() <= 1);
        prop_assert_eq!(live(&policy, 40, &days, &[other], None), live(&policy, 40, &days, &[], None), "another invoice's hold");
    }
}
