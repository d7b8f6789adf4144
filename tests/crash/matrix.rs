//! Every place of every job, on both engines.

use crate::business;
use crate::oracle::check;
use crate::stage::{JOBS, Stage};
use crate::support::TestDb;
use crate::support::books::books;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More than the cores of a small machine, since they mostly wait for processes and disks.
const THREADS: usize = 4;

/// Units a page: the business takes several, and so do its PDFs.
const PAGE: u32 = 5;

/// One way to be killed: in a job, at a place, and perhaps once more while it recovers.
#[derive(Debug, Clone, Copy)]
struct Kill {
    job: usize,
    at: u64,
    again: Option<u64>,
}

/// Each place once, every third one with a place of the recovery besides (all pairs would be
/// quadratic). Of the places of single files, which are many and alike, every fifth.
fn kills(job: usize, places: &[String]) -> Vec<Kill> {
    let all = places.len() as u64;
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
    let expected = {
        let mut in_one_page = Stage::new(db.copy());
        in_one_page.settle();
        books(&in_one_page.db)
    };
    // The database as each job finds it.
    let mut before = vec![db.copy()];
    let mut undisturbed = Stage::new(db).in_pages_of(PAGE);
    let mut all = Vec::new();
    for (at, job) in JOBS.iter().enumerate() {
        let places = undisturbed.places(job);
        let pages = places.iter().filter(|p| *p == "batch.committed").count();
        let delivers_only = *job == ["effects", "settle"];
        assert!(delivers_only || pages >= 3 && places.iter().any(|p| p == "batch.written"), "{places:?}");
        all.extend(kills(at, &places));
        before.push(undisturbed.db.copy());
    }
    check(&mut undisturbed, &expected, "undisturbed");

    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(kill) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            survive(*kill, before[kill.job].copy(), &expected);
        }
    };
    std::thread::scope(|scope| {
        (0..THREADS).map(|_| scope.spawn(work)).collect::<Vec<_>>().into_iter().for_each(|t| t.join().unwrap())
    });
}

fn survive(kill: Kill, db: TestDb, expected: &[String]) {
    let engine = if db.is_sqlite() { "sqlite" } else { "postgres" };
    let what = format!("{engine}: {:?} killed at {}, then at {:?}", JOBS[kill.job], kill.at, kill.again);
    let mut stage = Stage::new(db).in_pages_of(PAGE);
    assert!(stage.killed_at(JOBS[kill.job], kill.at), "{what}: the place is not reached");
    if let Some(again) = kill.again {
        stage.later();
        stage.killed_at(JOBS[kill.job], again);
    }
    stage.settle();
    check(&mut stage, expected, &what);
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
