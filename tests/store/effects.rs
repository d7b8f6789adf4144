//! The outbox: planned once, begun by one, settled by attempt, and what a person decides.

use crate::fixtures::*;
use crate::support::{TestDb, each_engine, now};
use chrono::TimeDelta;
use finops::model::message::times_of;
use finops::model::{EffectKind, EffectState, FailureClass};
use finops::store::effects::{self, Attempt, Backlog, Effect, Filter, NewEffect, Place, Settled};
use finops::store::{Db, StoreError};
use serde_json::json;

const KIND: EffectKind = EffectKind::Document;

pub fn act(company: &str) -> NewEffect {
    NewEffect {
        company_id: company.parse().unwrap(),
        key: "pdf:1".to_owned(),
        subject: AWKWARD.to_owned(),
        content_sha256: "ab".to_owned(),
        payload: String::new(),
        recipient: String::new(),
        not_before: None,
    }
}

pub fn due(db: &mut Db, place: &Place, limit: u32) -> Vec<Effect> {
    read(db, |tx| effects::due(tx, KIND, EffectState::Planned, now(), place, limit))
}

fn planned(db: &mut Db, companies: &[&str]) -> Vec<Effect> {
    let acts: Vec<NewEffect> = companies.iter().map(|c| act(c)).collect();
    write(db, |tx| effects::plan(tx, KIND, &acts, now()));
    due(db, &Place::default(), 99)
}

fn begun(db: &mut Db, acts: &[Effect], owner: &str) -> Vec<Effect> {
    write(db, |tx| effects::start(tx, acts, owner, Some(now())))
}

fn settled(effect: &Effect, state: EffectState) -> Settled<'_> {
    let class = (state != EffectState::Succeeded).then_some(FailureClass::Broken);
    let next_at = (state == EffectState::Planned).then(|| now() + TimeDelta::hours(1));
    let provider_ref = if state == EffectState::Succeeded { AWKWARD } else { "" };
    Settled { effect, state, class, error: if class.is_some() { AWKWARD } else { "" }, provider_ref, next_at, counts: true }
}

/// Settles and returns how many came too late.
fn settle(db: &mut Db, one: &Settled) -> usize {
    write(db, |tx| effects::settle(tx, std::slice::from_ref(one), now()).map(|late| late.len()))
}

fn find(db: &mut Db, company: &str) -> Effect {
    read(db, |tx| effects::find(tx, &company.parse().unwrap(), "pdf:1")).unwrap()
}

#[test]
fn an_act_is_planned_once_and_keeps_its_content() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        assert_eq!(planned(&mut db, &["a", "b"]).len(), 2);
        assert_eq!(planned(&mut db, &["b", "c"]).len(), 3, "the same act again is no other act");
        assert_eq!(due(&mut db, &Place::default(), 9)[0].subject, AWKWARD);
        let other = NewEffect { content_sha256: "cd".to_owned(), ..act("a") };
        let refused = db.write(|tx| effects::plan(tx, KIND, &[act("d"), other.clone()], now())).unwrap_err();
        assert!(matches!(&refused, StoreError::Constraint(text) if text.contains("pdf:1")), "{refused}");
        assert_eq!(due(&mut db, &Place::default(), 9).len(), 3, "nothing of the batch stays");
        let acts = due(&mut db, &Place::default(), 9);
        let one = begun(&mut db, &acts[..1], "run");
        assert_eq!(settle(&mut db, &settled(&one[0], EffectState::Succeeded)), 0);
        assert_eq!(planned(&mut db, &["a"]).len(), 2, "what was done is not planned again");
    });
}

#[test]
fn of_two_that_begin_an_act_one_gets_it() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let acts = planned(&mut db, &["a", "b", "c"]);
        assert_eq!(begun(&mut db, &acts[1..2], "first").len(), 1);
        let second = begun(&mut db, &acts, "second");
        assert_eq!(second.iter().map(|e| e.company_id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(begun(&mut db, &acts, "second").len(), 2, "a replay after a lost COMMIT finds its own");
        assert_eq!(find(&mut db, "a").attempts, 1, "and begins no further attempt");
        assert_eq!(due(&mut db, &Place::default(), 9).len(), 0);
        let sending = read(&mut db, |tx| effects::sending(tx, KIND));
        assert_eq!(sending.iter().map(|e| e.owner.as_str()).collect::<Vec<_>>(), ["second", "first", "second"]);
    });
}

#[test]
fn a_result_is_recorded_by_its_attempt_and_twice_is_once() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let acts = planned(&mut db, &["a"]);
        let first = begun(&mut db, &acts, "run");
        for _ in 0..2 {
            assert_eq!(settle(&mut db, &settled(&first[0], EffectState::Planned)), 0, "a replay is not late");
        }
        let waiting = find(&mut db, "a");
        assert_eq!(
            (waiting.state, waiting.class, waiting.error.as_str()),
            (EffectState::Planned, Some(FailureClass::Broken), AWKWARD)
        );
        assert_eq!(due(&mut db, &Place::default(), 9).len(), 0, "not before its time");
        let again =
            read(&mut db, |tx| effects::due(tx, KIND, EffectState::Planned, now() + TimeDelta::hours(1), &Place::default(), 9));
        assert_eq!(again.len(), 1);
        let second = begun(&mut db, &again, "other");
        assert_eq!(second[0].attempts, 2);
        assert_eq!(settle(&mut db, &settled(&first[0], EffectState::Failed)), 1, "the first attempt is over");
        assert_eq!(find(&mut db, "a").state, EffectState::Sending);
        let late = settled(&first[0], EffectState::Succeeded);
        assert_eq!(settle(&mut db, &late), 1);
        assert!(write(&mut db, |tx| effects::settle_late_success(tx, &late, now())), "it was done all the same");
        assert!(!write(&mut db, |tx| effects::settle_late_success(tx, &late, now())));
        assert_eq!(settle(&mut db, &settled(&second[0], EffectState::Failed)), 1);
        assert_eq!((find(&mut db, "a").state, find(&mut db, "a").provider_ref.as_str()), (EffectState::Succeeded, AWKWARD));
    });
}

/// Wrong credentials, a full disk: they say nothing of the act, whose attempts are for its own failures.
#[test]
fn what_concerns_all_acts_uses_up_no_attempt() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let acts = planned(&mut db, &["a"]);
        let first = begun(&mut db, &acts, "run");
        let one = Settled { counts: false, next_at: None, ..settled(&first[0], EffectState::Planned) };
        for _ in 0..2 {
            assert_eq!(settle(&mut db, &one), 0);
        }
        let left = find(&mut db, "a");
        assert_eq!((left.state, left.attempts, left.retried_from), (EffectState::Planned, 1, 1));
    });
}

#[test]
fn failed_attempts_are_kept_with_their_reasons() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let acts = planned(&mut db, &["a"]);
        let attempt = |attempt: u32, outcome: &str| Attempt {
            attempt,
            outcome: outcome.to_owned(),
            class: "broken".to_owned(),
            message: AWKWARD.to_owned(),
            provider_ref: String::new(),
            started_at: Some(now()),
            ended_at: now() + TimeDelta::seconds(i64::from(attempt)),
            run_id: "run".to_owned(),
        };
        let kept = [(&acts[0], attempt(2, "planned")), (&acts[0], attempt(1, "planned")), (&acts[0], attempt(1, "late"))];
        for _ in 0..2 {
            write(&mut db, |tx| effects::keep_attempts(tx, &kept));
        }
        let found = read(&mut db, |tx| effects::attempts_of(tx, &acts[0]));
        assert_eq!(found.iter().map(|a| a.attempt).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!((found[2].message.as_str(), found[2].started_at), (AWKWARD, Some(now())));
    });
}

#[test]
fn the_backlog_counts_what_is_not_over() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        assert!(read(&mut db, effects::backlog).is_empty());
        let acts = planned(&mut db, &["a", "b", "c", "d"]);
        let begun = begun(&mut db, &acts[..3], "run");
        settle(&mut db, &settled(&begun[0], EffectState::Succeeded));
        settle(&mut db, &settled(&begun[1], EffectState::Failed));
        let of = |state, count, error: &str| Backlog { kind: KIND, state, count, error: error.to_owned() };
        let expected = [of(EffectState::Failed, 1, AWKWARD), of(EffectState::Planned, 1, ""), of(EffectState::Sending, 1, "")];
        assert_eq!(read(&mut db, effects::backlog), expected);
        let listed = |db: &mut Db, filter: Filter, limit: u32| -> Vec<String> {
            let page = read(db, |tx| effects::list(tx, &filter, limit));
            page.into_iter().map(|e| e.company_id.to_string()).collect()
        };
        assert_eq!(listed(&mut db, Filter::default(), 9), ["b", "c", "d"], "failed, sending, planned");
        assert_eq!(listed(&mut db, Filter::default(), 2), ["b", "c"]);
        assert_eq!(listed(&mut db, Filter { all: true, ..Filter::default() }, 9), ["a", "b", "c", "d"]);
        assert_eq!(listed(&mut db, Filter { state: Some(EffectState::Sending), ..Filter::default() }, 9), ["c"]);
        assert_eq!(listed(&mut db, Filter { company_id: Some("d".parse().unwrap()), ..Filter::default() }, 9), ["d"]);
        assert!(
            listed(&mut db, Filter { kind: Some(EffectKind::CompletionNotice), all: true, ..Filter::default() }, 9).is_empty()
        );
    });
}

#[test]
fn a_person_has_it_tried_again_or_says_what_became_of_it() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let acts = planned(&mut db, &["a", "b"]);
        let begun = begun(&mut db, &acts, "run");
        assert!(!write(&mut db, |tx| effects::retry(tx, &begun[0], now())), "it is being sent");
        settle(&mut db, &settled(&begun[0], EffectState::Failed));
        settle(&mut db, &settled(&begun[1], EffectState::NeedsHuman));
        let (failed, unclear) = (find(&mut db, "a"), find(&mut db, "b"));
        assert!(!write(&mut db, |tx| effects::retry(tx, &unclear, now())), "it may have been done");
        assert!(write(&mut db, |tx| effects::retry(tx, &failed, now() + TimeDelta::days(9))));
        let again = find(&mut db, "a");
        assert_eq!((again.state, again.attempts, again.retried_from, again.next_at), (EffectState::Planned, 1, 1, None));
        assert_eq!(again.planned_at, now() + TimeDelta::days(9), "as if it were planned now");
        assert!(write(&mut db, |tx| effects::decide(tx, &unclear, EffectState::Succeeded, "ch_1", now())));
        let done = find(&mut db, "b");
        assert_eq!((done.state, done.provider_ref.as_str(), done.settled_at), (EffectState::Succeeded, "ch_1", Some(now())));
        assert!(!write(&mut db, |tx| effects::decide(tx, &unclear, EffectState::Abandoned, "", now())), "it has changed since");
        write(&mut db, |tx| effects::plan_again(tx, &done.company_id, "pdf:1", now()));
        assert_eq!(find(&mut db, "b").state, EffectState::Planned, "its outcome was lost");
    });
}

#[test]
fn a_rate_is_kept_by_company_and_name() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        assert_eq!(read(&mut db, |tx| effects::rate(tx, "a", "recipient:x")), None);
        let mut before = None;
        for at in [now(), now() + TimeDelta::seconds(6)] {
            write(&mut db, |tx| effects::keep_rate(tx, "a", "recipient:x", before, at));
            assert_eq!(read(&mut db, |tx| effects::rate(tx, "a", "recipient:x")), Some(at));
            for stale in [None, Some(now() - TimeDelta::days(1))] {
                let met = db.write(|tx| effects::keep_rate(tx, "a", "recipient:x", stale, at)).unwrap_err();
                assert!(matches!(met, StoreError::Busy(_)), "{met}");
            }
            before = Some(at);
        }
        assert_eq!(read(&mut db, |tx| effects::rate(tx, "b", "recipient:x")), None);
    });
}

/// A mail about an invoice, as it is planned.
fn mail(key: &str, invoice: &str, address: &str) -> NewEffect {
    let about = json!({ "invoices": { "seller_id": "s", "invoice_ids": ["0199fd5c-0000-7000-8000-000000000001"] } });
    let payload = json!({ "kind": "invoice.issued", "severity": "info", "language": "en", "recipient": { "address": address },
        "message_key": key, "about": about });
    NewEffect {
        key: format!("email:{key}:{address}"),
        subject: invoice.to_owned(),
        payload: payload.to_string(),
        recipient: address.to_owned(),
        ..act("a")
    }
}

#[test]
fn a_mail_that_is_sent_by_name_takes_the_place_of_what_did_not_arrive() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let company = "a".parse().unwrap();
        // Numbers that look like a second time, or begin like another, belong to other invoices.
        let mails = [
            mail("issued:s:7", "i7", "x@a.example"),
            mail("issued:s:7", "i7", "y@a.example"),
            mail("issued:s:7#2", "i7", "x@a.example"),
            mail("issued:s:7#3", "i7", "x@a.example"),
            mail("issued:s:70", "i70", "x@a.example"),
            mail("issued:s:7#8", "i8", "x@a.example"),
        ];
        write(&mut db, |tx| effects::plan(tx, EffectKind::Mail, &mails, now()));
        let keys = |found: &[Effect]| -> Vec<String> { found.iter().map(|effect| effect.key.clone()).collect() };
        let before = |db: &mut Db, key: &str| read(db, |tx| effects::outstanding_before(tx, &company, key, "i7"));
        assert_eq!(keys(&before(&mut db, "issued:s:7#2")), [mails[0].key.as_str(), &mails[1].key]);
        assert_eq!(keys(&before(&mut db, "issued:s:7#3")).len(), 3);
        assert!(before(&mut db, "issued:s:7").is_empty() && before(&mut db, "issued:s:7#8").len() == 4);
        let find = |db: &mut Db, n: usize| read(db, |tx| effects::find(tx, &company, &mails[n].key)).unwrap();
        let later = |db: &mut Db, n: usize| {
            let effect = find(db, n);
            read(db, |tx| effects::sent_again(tx, &effect)).map(|later| later.key)
        };
        assert_eq!(later(&mut db, 0), Some(mails[2].key.clone()));
        assert_eq!(later(&mut db, 2), Some(mails[3].key.clone()));
        assert!([3, 4, 5].iter().all(|n| later(&mut db, *n).is_none()), "nothing came after them");
        // One that is being sent is left alone, one that was given up counts for nothing.
        let first = find(&mut db, 0);
        assert_eq!(begun(&mut db, std::slice::from_ref(&first), "run").len(), 1);
        assert!(!write(&mut db, |tx| effects::supersede(tx, &first, "why", now())), "it changed meanwhile");
        assert_eq!(keys(&before(&mut db, "issued:s:7#2")), [mails[1].key.as_str()]);
        for n in [2, 3] {
            let effect = find(&mut db, n);
            assert!(write(&mut db, |tx| effects::supersede(tx, &effect, "why", now())));
        }
        let given_up = find(&mut db, 3);
        let told = (given_up.state, given_up.class, given_up.error.as_str(), given_up.settled_at);
        assert_eq!(told, (EffectState::Abandoned, Some(FailureClass::Obsolete), "why", Some(now())));
        assert_eq!(later(&mut db, 0), None);
        // Whoever lost an answer still says so.
        let begun = find(&mut db, 0);
        assert_eq!(settle(&mut db, &settled(&begun, EffectState::Unknown)), 0);
        let unknown = find(&mut db, 0);
        assert!(write(&mut db, |tx| effects::supersede(tx, &unknown, "why", now())));
        assert_eq!(find(&mut db, 0).class, Some(FailureClass::NoAnswer));
    });
}

#[test]
fn what_is_open_to_a_recipient_is_in_nobodys_hands() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let company = "a".parse().unwrap();
        let address = "x@a.example";
        let keys = ["planned", "put-off", "failed", "sending", "unknown", "needs-human", "succeeded"];
        let mut mails: Vec<NewEffect> = keys.iter().map(|key| mail(key, "i", address)).collect();
        mails[1].not_before = Some(now() + TimeDelta::days(2));
        mails.push(mail("planned", "i", "y@a.example"));
        mails.push(NewEffect { company_id: "b".parse().unwrap(), ..mail("planned", "i", address) });
        write(&mut db, |tx| effects::plan(tx, EffectKind::Mail, &mails, now()));
        let states =
            [EffectState::Failed, EffectState::Sending, EffectState::Unknown, EffectState::NeedsHuman, EffectState::Succeeded];
        for (mail, state) in mails[2..].iter().zip(states) {
            let effect = read(&mut db, |tx| effects::find(tx, &company, &mail.key)).unwrap();
            let effect = begun(&mut db, &[effect], "run").remove(0);
            if state != EffectState::Sending {
                assert_eq!(settle(&mut db, &settled(&effect, state)), 0);
            }
        }
        let open = read(&mut db, |tx| effects::unsent_to(tx, EffectKind::Mail, &company, address));
        let open: Vec<&str> = open.iter().map(|effect| effect.key.as_str()).collect();
        assert_eq!(open, [&mails[0].key, &mails[1].key, &mails[2].key]);
        assert!(read(&mut db, |tx| effects::unsent_to(tx, EffectKind::Sms, &company, address)).is_empty());
    });
}

#[test]
fn the_mails_of_many_messages_are_read_at_once() {
    each_engine(|db: &TestDb| {
        let mut db = db.open();
        let company = "a".parse().unwrap();
        let mails = [
            mail("issued:s:7", "i7", "x@a.example"),
            mail("issued:s:7#2", "i7", "y@a.example"),
            mail("issued:s:70", "i70", "x@a.example"),
            mail("issued:s:8", "i8", "x@a.example"),
            mail("issued:s:8:9", "i9", "x@a.example"),
            NewEffect { company_id: "b".parse().unwrap(), ..mail("issued:s:7", "i7", "z@b.example") },
        ];
        write(&mut db, |tx| effects::plan(tx, EffectKind::Mail, &mails, now()));
        let found = |db: &mut Db, bases: &[&str]| -> Vec<String> {
            let found = read(db, |tx| effects::mailed(tx, &company, bases));
            let told = found.iter().map(|mail| {
                assert_eq!((mail.state, mail.class), (EffectState::Planned, None));
                assert!(mail.payload.contains(&mail.message_key), "{}", mail.payload);
                let times = bases.iter().find_map(|base| times_of(&mail.message_key, base));
                format!("{} {} {times:?}", mail.message_key, mail.recipient)
            });
            told.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        };
        let two = ["issued:s:7 x@a.example Some(1)", "issued:s:7#2 y@a.example Some(2)"];
        assert_eq!(found(&mut db, &["issued:s:7"]), two);
        let other = ["issued:s:8 x@a.example Some(1)", "issued:s:8:9 x@a.example None"];
        assert_eq!(found(&mut db, &["issued:s:8", "issued:s:7", "none"]), [two, other].concat());
        assert!(found(&mut db, &[]).is_empty());
    });
}
