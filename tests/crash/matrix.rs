//! Every place of every job, on both engines.

use crate::business;
use crate::oracle::{check, notices, resent, undisturbed};
use crate::stage::{JOBS, Stage, all_cases, side_by_side};
use crate::support::{Fake, TestDb};
use finops::jobs::JobKind;

/// Units a page: the business takes several, and so do its PDFs.
const PAGE: u32 = 5;

/// One way to be killed: in a job, at a place, and perhaps once more while it recovers.
#[derive(Debug, Clone, Copy)]
struct Kill {
    job: JobKind,
    at: u64,
    again: Option<u64>,
}

/// Each place once, every third one with a place of the recovery besides. Of the places of single
/// files, which are many and alike, every fifth. With `FINOPS_CRASH_ALL=1` all, and all pairs.
fn kills(job: JobKind, places: &[String]) -> Vec<Kill> {
    let all = places.len() as u64;
    if all_cases() {
        let again = || std::iter::once(None).chain((1..=all).map(Some));
        return (1..=all).flat_map(|at| again().map(move |again| Kill { job, at, again })).collect();
    }
    let (mut kills, mut files) = (Vec::new(), 0);
    for (at, place) in (1..).zip(places) {
        files += u32::from(place.starts_with("file."));
        if !place.starts_with("file.") || files % 5 == 1 {
            kills.push(Kill { job, at, again: None });
            if at % 3 == 0 {
                kills.push(Kill { job, at, again: Some(1 + at * 2 % all) });
            }
        }
    }
    kills
}

fn matrix(db: TestDb) {
    let db = business::prepare(db);
    // Each job in one page, where those that are killed need several.
    let expected = undisturbed(db.copy());
    // The database as each job finds it.
    let mut before = Vec::new();
    let mut all = Vec::new();
    let receiver = Fake::start();
    for job in JOBS {
        let mut stage = Stage::new(db.copy()).in_pages_of(PAGE).telling(receiver.url());
        business::until_due(&mut stage, *job);
        before.push(stage.db.copy());
        let places = stage.places(*job);
        assert!(!places.is_empty(), "{job} finds no work here: see business::until_due");
        let pages = places.iter().filter(|p| *p == "batch.committed").count();
        assert!(pages == 0 || pages >= 3 && places.iter().any(|p| p == "batch.written"), "{job}: {places:?}");
        all.extend(kills(*job, &places));
    }
    side_by_side(&all, |kill| {
        let at = JOBS.iter().position(|job| *job == kill.job).unwrap();
        survive(*kill, before[at].copy(), &expected, &receiver);
    });
}

fn survive(kill: Kill, db: TestDb, expected: &[String], receiver: &Fake) {
    let engine = if db.is_sqlite() { "sqlite" } else { "postgres" };
    let what = format!("{engine}: {} killed at {}, then at {:?}", kill.job, kill.at, kill.again);
    let mut stage = Stage::new(db).in_pages_of(PAGE).telling(receiver.url());
    assert!(stage.killed_at(kill.job, kill.at), "{what}: the place is not reached");
    if let Some(again) = kill.again {
        stage.later();
        stage.killed_at(kill.job, again);
    }
    stage.settle();
    check(&mut stage, expected, &what);
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
