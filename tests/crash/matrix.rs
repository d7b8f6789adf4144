//! Every place of every job, on both engines.

use crate::business;
use crate::oracle::{books, check};
use crate::stage::{JOBS, Stage};
use crate::support::TestDb;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More than the cores of a small machine, since they mostly wait for processes and disks.
const THREADS: usize = 4;

/// One way to be killed: in a job, at a place, and perhaps once more while it recovers.
#[derive(Debug, Clone, Copy)]
struct Kill {
    job: usize,
    at: u64,
    again: Option<u64>,
}

/// Each place once, and at a place of the recovery besides (all of them would be quadratic).
fn kills(job: usize, places: usize) -> Vec<Kill> {
    let places = u64::try_from(places).unwrap();
    (1..=places).flat_map(|at| [None, Some(1 + at * 2 % places)].map(|again| Kill { job, at, again })).collect()
}

fn matrix(db: TestDb) {
    business::prepare(&db);
    // The database as each job finds it, and the undisturbed end.
    let mut before = vec![db.copy()];
    let mut undisturbed = Stage::new(db);
    let mut all = Vec::new();
    for (at, job) in JOBS.iter().enumerate() {
        let places = undisturbed.places(job);
        assert!(places.iter().any(|p| p == "batch.written") && places.iter().any(|p| p == "batch.committed"), "{places:?}");
        all.extend(kills(at, places.len()));
        before.push(undisturbed.db.copy());
    }
    let expected = books(&undisturbed.db);
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
    let mut stage = Stage::new(db);
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
