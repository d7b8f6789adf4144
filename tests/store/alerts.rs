//! What is wrong, what is put aside for a digest, and what another application shows.

use crate::dunning::billed;
use crate::effects::act;
use crate::fixtures::*;
use crate::support::{each_engine, now};
use chrono::TimeDelta;
use finops::model::message::{EventFacts, MessageKind, Severity};
use finops::model::{CompanyId, EffectKind, EffectState, InvoiceState};
use finops::store::alerts::{self, After, Alert, NewAlert};
use finops::store::effects::{self, Settled};
use finops::store::notifications::{self, Notification};
use finops::store::runs::{self, RunItem};
use finops::store::{Db, digests};
use std::collections::BTreeMap;

const JOB: &str = "invoices.generate";

fn facts(message: &str) -> EventFacts {
    EventFacts {
        kind: MessageKind::ItemFailed,
        severity: Severity::Warning,
        job: JOB.to_owned(),
        subject: AWKWARD.to_owned(),
        message: message.to_owned(),
        hint: long(),
        at: now(),
        company: String::new(),
        about: String::new(),
        is_draft: false,
        failures: Vec::new(),
        details: BTreeMap::from([(AWKWARD.to_owned(), AWKWARD.to_owned())]),
    }
}

fn alert(company: &str, kind: MessageKind, subject: &str) -> NewAlert {
    NewAlert {
        company_id: company.parse().unwrap(),
        key: format!("{kind}:{subject}"),
        kind,
        severity: Severity::Warning,
        job: JOB.to_owned(),
        subject: subject.to_owned(),
        period: "2026-10-01".to_owned(),
        facts: facts("wrong"),
    }
}

fn open(db: &mut Db) -> Vec<Alert> {
    read(db, |tx| alerts::open(tx, &After::default(), 100))
}

#[test]
fn an_alert_lasts_from_its_first_time_to_its_end_and_may_begin_anew() {
    each_engine(|db| {
        let mut db = db.open();
        let alert = alert("a", MessageKind::ItemFailed, AWKWARD);
        let at = |hours| now() + TimeDelta::hours(hours);
        for (hour, episode) in [(0, 1), (1, 1), (2, 1)] {
            assert_eq!(write(&mut db, |tx| alerts::note(tx, &alert, at(hour))), episode);
        }
        let found = open(&mut db);
        assert_eq!((found.len(), found[0].since, found[0].last_at, found[0].times), (1, at(0), at(2), 3));
        assert_eq!(found[0].noted.facts, alert.facts);
        assert!(write(&mut db, |tx| alerts::end(tx, &alert, at(3))));
        assert!(!write(&mut db, |tx| alerts::end(tx, &alert, at(4))), "once");
        assert!(open(&mut db).is_empty());
        let all = read(&mut db, |tx| alerts::all(tx, 10));
        assert_eq!((all.len(), all[0].over_at, all[0].times), (1, Some(at(3)), 3));
        assert_eq!(write(&mut db, |tx| alerts::note(tx, &alert, at(5))), 2, "it begins a second time");
        let found = open(&mut db);
        assert_eq!((found[0].since, found[0].times, found[0].over_at), (at(5), 1, None));
        let other = NewAlert { company_id: "b".parse().unwrap(), severity: Severity::Critical, ..alert.clone() };
        assert_eq!(write(&mut db, |tx| alerts::note(tx, &other, at(5))), 1, "another company's is another");
        let counts = read(&mut db, alerts::counts);
        assert_eq!(counts, [(Severity::Critical, 1), (Severity::Warning, 1)]);
    });
}

/// Reminders of one kind may be due for some days only: that they are not any more gives nobody an address.
#[test]
fn that_a_company_has_no_address_is_over_when_it_has_one_or_owes_nothing() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b", "c"]);
        let item = |company: &str, job: &str| RunItem {
            company_id: company.parse().unwrap(),
            job: job.to_owned(),
            subject: "s".to_owned(),
            period: String::new(),
            class: alerts::NO_ADDRESS.to_owned(),
            message: String::new(),
            attempts: 1,
            parked: false,
        };
        let jobs = ["reminders.upcoming", "reminders.overdue"];
        for company in ["a", "b", "c"] {
            let noted = NewAlert {
                key: alerts::NO_ADDRESS.to_owned(),
                subject: String::new(),
                period: String::new(),
                ..alert(company, MessageKind::ItemFailed, "s")
            };
            write(&mut db, |tx| alerts::note(tx, &noted, now()));
            write(&mut db, |tx| runs::put_items(tx, &jobs.map(|job| item(company, job)), now()));
            write(&mut db, |tx| tx.execute("UPDATE companies SET email = '' WHERE company_id = $1", &[company.into()]));
        }
        for (n, company) in [(1, "a"), (2, "b")] {
            billed(&mut db, company, n, "2026-10-15", InvoiceState::Open);
        }
        let over = |db: &mut Db| -> Vec<String> {
            let found = read(db, |tx| alerts::items_that_are_over(tx, &After::default(), 10));
            found.into_iter().map(|alert| alert.noted.company_id.to_string()).collect()
        };
        for company in ["a", "b", "c"] {
            write(&mut db, |tx| runs::clear_item(tx, &item(company, jobs[0])));
        }
        assert!(over(&mut db).is_empty(), "the other job still misses it");
        for company in ["a", "b", "c"] {
            write(&mut db, |tx| runs::clear_item(tx, &item(company, jobs[1])));
        }
        assert_eq!(over(&mut db), ["c"], "it owes nothing");
        let address = "UPDATE companies SET email = 'ap@b.example' WHERE company_id = $1";
        write(&mut db, |tx| tx.execute(address, &["b".into()]));
        assert_eq!(over(&mut db), ["b", "c"]);
    });
}

#[test]
fn an_item_is_over_when_it_waits_no_more() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let item = |company: &str| RunItem {
            company_id: company.parse().unwrap(),
            job: JOB.to_owned(),
            subject: "k".to_owned(),
            period: "2026-10-01".to_owned(),
            class: "no_tax_rate".to_owned(),
            message: String::new(),
            attempts: 1,
            parked: false,
        };
        for company in ["a", "b"] {
            write(&mut db, |tx| runs::put_items(tx, &[item(company)], now()));
            write(&mut db, |tx| alerts::note(tx, &alert(company, MessageKind::ItemParked, "k"), now()));
        }
        // It never was an item.
        write(&mut db, |tx| alerts::note(tx, &alert("a", MessageKind::EffectFailed, "k"), now()));
        let over = |db: &mut Db| read(db, |tx| alerts::items_that_are_over(tx, &After::default(), 10));
        assert!(over(&mut db).is_empty());
        write(&mut db, |tx| runs::clear_item(tx, &item("b")));
        let found = over(&mut db);
        assert_eq!((found.len(), found[0].noted.company_id.as_str()), (1, "b"));
        write(&mut db, |tx| alerts::end(tx, &found[0].noted, now()));
        assert!(over(&mut db).is_empty());
    });
}

#[test]
fn an_effect_is_over_when_it_is_done_or_not_to_be_done() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let new = act("a");
        write(&mut db, |tx| effects::plan(tx, EffectKind::Document, std::slice::from_ref(&new), now()));
        write(&mut db, |tx| alerts::note(tx, &alert("a", MessageKind::EffectFailed, &new.key), now()));
        write(&mut db, |tx| alerts::note(tx, &alert("a", MessageKind::EffectFailed, "gone"), now()));
        let over = |db: &mut Db| -> Vec<String> {
            let found = read(db, |tx| alerts::effects_that_are_over(tx, &After::default(), 10));
            found.into_iter().map(|alert| alert.noted.subject).collect()
        };
        let find = |db: &mut Db| read(db, |tx| effects::find(tx, &new.company_id, &new.key)).unwrap();
        let settle = |db: &mut Db, state| {
            let effect = find(db);
            let begun = write(db, |tx| effects::start(tx, std::slice::from_ref(&effect), "run", Some(now())));
            let settled =
                Settled { effect: &begun[0], state, class: None, error: "", provider_ref: "", next_at: None, counts: true };
            write(db, |tx| effects::settle(tx, std::slice::from_ref(&settled), now()).map(drop));
        };
        settle(&mut db, EffectState::Failed);
        assert_eq!(over(&mut db), ["gone"]);
        let effect = find(&mut db);
        write(&mut db, |tx| effects::retry(tx, &effect, now()));
        assert_eq!(over(&mut db), ["gone"], "that it is tried again does not make it right");
        settle(&mut db, EffectState::Succeeded);
        assert_eq!(over(&mut db), ["gone", new.key.as_str()]);
    });
}

#[test]
fn a_digest_takes_each_thing_once_until_it_is_begun() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let (first, second) = (facts("first"), EventFacts { at: now() - TimeDelta::hours(1), ..facts("second") });
        for _ in 0..2 {
            write(&mut db, |tx| digests::put(tx, "d", &[("k1".to_owned(), &first), ("k2".to_owned(), &second)]));
        }
        write(&mut db, |tx| digests::put(tx, "other", &[("k1".to_owned(), &first)]));
        let told: Vec<String> = read(&mut db, |tx| digests::entries(tx, "d")).into_iter().map(|facts| facts.message).collect();
        assert_eq!(told, ["second", "first"], "as it happened");
        assert!(read(&mut db, |tx| digests::entries(tx, "none")).is_empty());

        let new = act("a");
        let company: CompanyId = "a".parse().unwrap();
        let hold = |db: &mut Db| write(db, |tx| effects::hold_planned(tx, &company, &new.key));
        assert!(!hold(&mut db), "it is not there yet");
        write(&mut db, |tx| effects::plan(tx, EffectKind::InApp, std::slice::from_ref(&new), now()));
        assert!(hold(&mut db));
        let effect = read(&mut db, |tx| effects::find(tx, &company, &new.key)).unwrap();
        let begun = write(&mut db, |tx| effects::start(tx, std::slice::from_ref(&effect), "run", Some(now())));
        assert!(!hold(&mut db), "it is being sent");
        let again = Settled {
            effect: &begun[0],
            state: EffectState::Planned,
            class: None,
            error: "",
            provider_ref: "",
            next_at: None,
            counts: true,
        };
        write(&mut db, |tx| effects::settle(tx, std::slice::from_ref(&again), now()).map(drop));
        assert!(!hold(&mut db), "it may have arrived, and must say the same again");
    });
}

#[test]
fn a_notification_is_there_once_and_read_once() {
    each_engine(|db| {
        let mut db = db.open();
        let new = |company: &str, key: &str, recipient: &str, hours: i64| Notification {
            company_id: company.parse().unwrap(),
            key: key.to_owned(),
            recipient: recipient.to_owned(),
            kind: MessageKind::ItemFailed,
            severity: Severity::Warning,
            title: AWKWARD.to_owned(),
            body: long(),
            created_at: now() + TimeDelta::hours(hours),
            read_at: None,
        };
        let all = [new("b", "k1", "board", 0), new("a", "k2", "board", 1), new("a", "k3", AWKWARD, 2)];
        for _ in 0..2 {
            all.iter().for_each(|one| write(&mut db, |tx| notifications::insert(tx, one)));
        }
        let keys = |found: Vec<Notification>| found.into_iter().map(|n| n.key).collect::<Vec<_>>();
        assert_eq!(keys(read(&mut db, |tx| notifications::unread(tx, "board", 10))), ["k1", "k2"], "the oldest first");
        assert_eq!(read(&mut db, |tx| notifications::unread(tx, "", 10)).len(), 3);
        assert_eq!(keys(read(&mut db, |tx| notifications::all(tx, "", 10))), ["k3", "k2", "k1"], "the latest first");
        let found = read(&mut db, |tx| notifications::find(tx, "k3")).unwrap();
        assert_eq!((found.recipient.as_str(), found.body.as_str()), (AWKWARD, long().as_str()));
        assert!(write(&mut db, |tx| notifications::mark_read(tx, &all[0], now())));
        assert!(!write(&mut db, |tx| notifications::mark_read(tx, &all[0], now() + TimeDelta::days(1))));
        assert_eq!(keys(read(&mut db, |tx| notifications::unread(tx, "board", 10))), ["k2"]);
        let read_at = read(&mut db, |tx| notifications::find(tx, "k1")).unwrap().read_at;
        assert_eq!(read_at, Some(now()), "the first time stands");
        let counts = read(&mut db, notifications::unread_counts);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 2);
        assert_eq!(counts.iter().find(|(name, _)| name == "board").unwrap().1, 1);
    });
}
