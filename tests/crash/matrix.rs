//! Every place of every job, on both engines.

use crate::business;
use crate::oracle::{check_with, notices, resent, undisturbed};
use crate::stage::{JOBS, Stage, all_cases, side_by_side};
use crate::support::{Fake, TestDb};
use finops::jobs::JobKind;
use std::collections::BTreeMap;

/// Units a page: the business takes several, and so do its PDFs.
const PAGE: u32 = 5;

/// One way to be killed: in a job, at a place, and perhaps once more while it recovers.
#[derive(Debug, Clone, Copy)]
struct Kill {
    job: JobKind,
    at: u64,
    again: Option<u64>,
}

/// Each place once, every fourth one with a place of the recovery besides. Of the places of single
/// files and mails, which are many and alike, every fifth. With `FINOPS_CRASH_ALL=1` all, and all pairs.
fn kills(job: JobKind, places: &[String]) -> Vec<Kill> {
    let all = places.len() as u64;
    if all_cases() {
        let again = || std::iter::once(None).chain((1..=all).map(Some));
        return (1..=all).flat_map(|at| again().map(move |again| Kill { job, at, again })).collect();
    }
    let (mut kills, mut met) = (Vec::new(), BTreeMap::new());
    for (at, place) in (1..).zip(places) {
        let met: &mut u32 = met.entry(place).or_default();
        *met += 1;
        let is_many = ["file.", "mail.", "effects.called", "effects.carried_out", "effects.settled"]
            .iter()
            .any(|many| place.starts_with(many));
        if !is_many || *met % 5 == 1 {
            kills.push(Kill { job, at, again: None });
            if at % 4 == 0 {
                kills.push(Kill { job, at, again: Some(1 + at * 2 % all) });
            }
        }
    }
    kills
}

fn matrix(db: TestDb) {
    let db = business::prepare(db);
    let mut before = Vec::new();
    let mut all = Vec::new();
    let receiver = Fake::start();
    undisturbed(db.copy());
    for job in JOBS {
        let stage = Stage::new(db.copy()).in_pages_of(PAGE).telling(receiver.url());
        let found = business::Before::of(stage.alerting(), *job);
        let places = found.stage.again().places(*job);
        before.push(found);
        assert!(!places.is_empty(), "{job} finds no work here: see business::until_due");
        let pages = places.iter().filter(|p| *p == "batch.committed").count();
        assert!(pages == 0 || pages >= 2 && places.iter().any(|p| p == "batch.written"), "{job}: {places:?}");
        all.extend(kills(*job, &places));
    }
    side_by_side(&all, |kill| {
        let at = JOBS.iter().position(|job| *job == kill.job).unwrap();
        survive(*kill, &before[at], &receiver);
    });
}

fn survive(kill: Kill, before: &business::Before, receiver: &Fake) {
    let engine = if before.stage.db.is_sqlite() { "sqlite" } else { "postgres" };
    let what = format!("{engine}: {} killed at {}, then at {:?}", kill.job, kill.at, kill.again);
    let mut stage = before.stage.again();
    assert!(stage.killed_at(kill.job, kill.at), "{what}: the place is not reached");
    if let Some(again) = kill.again {
        stage.later();
        stage.killed_at(kill.job, again);
    }
    // Its own next run, before the others go on.
    stage.later();
    stage.run(kill.job);
    stage.settle();
    check_with(&mut stage, &before.expected, before.alike, &what);
    notices(&stage.db, receiver, &what);
    // A kill leaves in doubt the one mail that was being sent, and no other.
    let kills = 1 + u32::from(kill.again.is_some());
    assert!(resent(&stage) <= kills, "{what}: {} mails were sent once more", resent(&stage));
}

#[test]
fn sqlite_survives_kill_9_everywhere() {
    matrix(TestDb::sqlite());
}

#[test]
fn postgres_survives_kill_9_everywhere() {
    if let Some(db) = TestDb::postgres() {
        matrix(db);
    }
}

#[test]
fn citus_survives_kill_9_everywhere() {
    if let Some(db) = TestDb::citus() {
        matrix(db);
    }
}
