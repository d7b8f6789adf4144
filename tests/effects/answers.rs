//! What the other side can answer, or not, and what becomes of the act.

use crate::gateway::{BREAKS, Desk, KIND, code, company, new};
use crate::support::fake::{Cut, Step};
use crate::support::{TestDb, now};
use chrono::TimeDelta;
use finops::model::EffectState::{Failed, NeedsHuman, Planned, Succeeded, Unknown};
use finops::model::{EffectState, FailureClass};
use finops::operations::effects::retry;
use finops::store::audit::Author;
use finops::store::{StoreError, effects};
use std::time::Duration;

const NOW: TimeDelta = TimeDelta::zero();
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::days(1);

fn each_engine(charges: usize, body: impl Fn(Desk)) {
    for db in [Some(TestDb::sqlite()), TestDb::postgres()].into_iter().flatten() {
        body(Desk::new(&db, charges));
    }
}

#[test]
fn a_lost_answer_is_looked_up_and_the_charge_was_made_once() {
    let lost = [Step::done().cut(Cut::AfterRecording), Step::done().after(Duration::from_secs(3)), Step::status(504)];
    for (n, step) in lost.into_iter().enumerate() {
        each_engine(1, |mut desk| {
            desk.gateway.script(std::slice::from_ref(&step));
            let summary = desk.done(NOW);
            assert_eq!((desk.stands(), summary.delivered, summary.failed), ((Unknown, 1), 0, 1), "{step:?}");
            let made = usize::from(n < 2);
            assert_eq!(desk.charges(), (1, made), "nothing new before the look-up");
            let summary = desk.done(HOUR);
            assert_eq!((desk.stands().0, summary.delivered, summary.failed), (Succeeded, 1, 0), "{step:?}");
            assert_eq!(desk.charges(), (2 - made, 1), "{step:?}");
            assert_eq!(desk.effect("charge-00").provider_ref, "fake_charge-00");
            assert_eq!(desk.done(DAY).run_id, None, "nothing is left to do");
        });
    }
}

#[test]
fn what_was_not_even_read_is_sent_again_after_a_look() {
    each_engine(1, |mut desk| {
        desk.gateway.script(&[Step::done().cut(Cut::BeforeReading)]);
        desk.done(NOW);
        assert_eq!((desk.stands(), desk.charges()), ((Unknown, 1), (0, 0)));
        desk.done(NOW);
        assert_eq!((desk.stands(), desk.charges()), ((Succeeded, 2), (1, 1)));
        let methods: Vec<String> = desk.gateway.calls().into_iter().map(|call| call.method).collect();
        assert_eq!(methods, ["GET", "POST"]);
    });
}

#[test]
fn a_look_up_may_take_its_time_fail_or_end_with_a_person() {
    each_engine(1, |mut desk| {
        desk.gateway.script(&[Step::done().cut(Cut::AfterRecording)]);
        desk.gateway.script_look_ups(&[Step::status(409), Step::status(500), Step::status(410)]);
        desk.done(NOW);
        desk.done(NOW);
        assert_eq!(desk.stands().0, Unknown, "too early to tell");
        let asked = desk.gateway.calls().len();
        desk.done(TimeDelta::minutes(59));
        assert_eq!(desk.gateway.calls().len(), asked, "not asked again before it is time");
        desk.done(HOUR);
        assert_eq!(desk.stands().0, Unknown, "the question failed, not the charge");
        let summary = desk.done(DAY);
        assert_eq!((desk.stands().0, summary.failed), (NeedsHuman, 1));
        assert_eq!(desk.done(DAY).run_id, None, "it waits for a person");
        assert_eq!(desk.charges(), (1, 1));
    });
}

/// A full disk, a database that is gone: the answer was heard, and could not be kept.
#[test]
fn what_ends_the_run_after_the_call_is_looked_up_and_uses_up_no_attempt() {
    each_engine(0, |mut desk| {
        let charge = [new("charge-00", BREAKS)];
        desk.db.open().write(|tx| effects::plan(tx, KIND, &charge, now())).unwrap();
        let (_, result) = desk.run(NOW);
        assert_eq!(code(result), 1);
        let left = desk.effect("charge-00");
        assert_eq!((left.state, left.attempts, left.retried_from), (Unknown, 1, 1));
        desk.done(NOW);
        assert_eq!((desk.stands(), desk.charges()), ((Succeeded, 1), (1, 1)));
    });
}

#[test]
fn wrong_credentials_use_up_no_attempt() {
    each_engine(1, |mut desk| {
        desk.gateway.script(&[vec![Step::status(401); 5], vec![Step::status(500)]].concat());
        for _ in 0..5 {
            assert_eq!(code(desk.run(HOUR).1), 78);
        }
        desk.done(HOUR);
        assert_eq!(desk.stands(), (Planned, 6), "of three attempts, the first was made now");
        desk.done(DAY);
        assert_eq!((desk.stands(), desk.charges()), ((Succeeded, 7), (7, 1)));
    });
}

#[test]
fn whoever_says_later_is_left_alone_until_then() {
    each_engine(1, |mut desk| {
        let told = |seconds: &str| Step::status(429).header("Retry-After", seconds);
        desk.gateway.script(&[told("1"), told("7200")]);
        desk.done(NOW);
        assert_eq!(desk.charges(), (2, 0), "a second is waited for, two hours are not");
        let effect = desk.effect("charge-00");
        assert_eq!((effect.state, effect.class), (Planned, Some(FailureClass::Throttled)));
        assert!(effect.next_at.unwrap() >= desk.at + TimeDelta::hours(2), "{:?}", effect.next_at);
        desk.done(TimeDelta::minutes(119));
        assert_eq!(desk.charges(), (2, 0));
        desk.done(DAY);
        assert_eq!((desk.stands(), desk.charges()), ((Succeeded, 2), (3, 1)));
    });
}

#[test]
fn failures_are_tried_by_schedule_and_then_by_hand() {
    each_engine(1, |mut desk| {
        desk.gateway.script(&vec![Step::status(500); 3]);
        let first = desk.done(NOW);
        let quiet = desk.done(TimeDelta::minutes(5));
        assert_eq!((first.failed, quiet.run_id), (1, None), "not before its time");
        assert_eq!(desk.done(DAY).waiting, 1, "it is no news that it failed once more");
        let last = desk.done(DAY);
        assert_eq!((last.failed, desk.stands()), (1, (Failed, 3)), "payments are tried three times");
        assert_eq!(desk.done(DAY).run_id, None);
        let author = Author::person("test", desk.at);
        let effect = desk.effect("charge-00");
        desk.db.open().write(|tx| retry(tx, &effect, &author)).unwrap();
        desk.done(NOW);
        assert_eq!((desk.stands(), desk.charges()), ((Succeeded, 4), (4, 1)));
    });
}

#[test]
fn a_decline_is_tried_by_schedule_and_a_refusal_never() {
    each_engine(2, |mut desk| {
        desk.gateway.script(&[Step::status(402), Step::status(422)]);
        assert_eq!(desk.done(NOW).failed, 2);
        let states = ["charge-00", "charge-01"].map(|key| desk.effect(key)).map(|e| (e.state, e.class.unwrap()));
        assert_eq!(states, [(Planned, FailureClass::SoftDecline), (Failed, FailureClass::Rejected)]);
        desk.done(DAY);
        desk.done(DAY);
        assert_eq!((desk.stands(), desk.charges()), ((Failed, 3), (4, 0)));
    });
}

#[test]
fn wrong_credentials_stop_the_run_and_count_for_nothing() {
    each_engine(3, |mut desk| {
        desk.gateway.script(&[Step::status(401)]);
        let (_, result) = desk.run(NOW);
        assert_eq!((code(result), desk.charges().0), (78, 1), "the others are not even tried");
        assert_eq!(desk.effect("charge-01").attempts, 0);
        desk.done(NOW);
        assert_eq!(desk.charges(), (4, 3), "once they are corrected, all goes on");
    });
}

#[test]
fn ten_failures_in_a_row_are_enough_for_one_run() {
    each_engine(14, |mut desk| {
        desk.gateway.script(&vec![Step::status(503); 10]);
        let summary = desk.done(NOW);
        assert_eq!((desk.charges(), summary.failed), ((10, 0), 10));
        assert_eq!(desk.effect("charge-10").attempts, 0);
        desk.done(DAY);
        assert_eq!(desk.charges(), (24, 14));
        assert_eq!(desk.gateway.acts().len(), 14);
    });
}

/// As many questions as charges: a gateway that is down is not asked a thousand times either.
#[test]
fn ten_look_ups_that_fail_in_a_row_are_enough_for_one_run() {
    each_engine(14, |mut desk| {
        desk.db.execute("UPDATE effects SET state = 'unknown', attempts = 1").unwrap();
        desk.gateway.script_look_ups(&vec![Step::status(503); 14]);
        desk.done(NOW);
        assert_eq!(desk.gateway.calls().len(), 10);
    });
}

#[test]
fn other_content_under_the_same_key_is_refused_on_both_sides() {
    each_engine(1, |mut desk| {
        let other = desk.db.open().write(|tx| effects::plan(tx, KIND, &[new("charge-00", "2000 EUR")], now()));
        assert!(matches!(other, Err(StoreError::Constraint(_))), "{other:?}");
        desk.gateway.script(&[Step::done().cut(Cut::AfterRecording)]);
        desk.gateway.script_look_ups(&[Step::status(404)]);
        desk.done(NOW);
        desk.db.execute("UPDATE effects SET payload = '2000 EUR'").unwrap();
        desk.done(NOW);
        let effect = desk.effect("charge-00");
        assert_eq!((effect.state, effect.class), (EffectState::Failed, Some(FailureClass::Rejected)));
        assert_eq!(desk.charges(), (2, 1), "{}", company());
    });
}

#[test]
fn wrong_credentials_stop_the_look_ups_too() {
    each_engine(2, |mut desk| {
        desk.db.execute("UPDATE effects SET state = 'unknown', attempts = 1").unwrap();
        desk.gateway.script_look_ups(&[Step::status(403)]);
        let (_, result) = desk.run(NOW);
        assert_eq!((code(result), desk.gateway.calls().len(), desk.stands().0), (78, 1, Unknown));
        desk.done(DAY);
        assert_eq!((desk.stands().0, desk.gateway.acts().len()), (Succeeded, 2));
    });
}
