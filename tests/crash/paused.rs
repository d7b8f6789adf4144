//! A process that was paused (a laptop's lid, a frozen machine) for longer than its claims hold.
//! Only where several share the work, on Postgres: on SQLite the lock of the paused one stands.

use crate::business;
use crate::oracle::{books, check, undisturbed};
use crate::stage::{JOBS, Stage, told};
use crate::support::TestDb;
use crate::together::until;
use finops::jobs::JobKind;
use std::process::{Child, Command};

/// What the paused one finds when it wakes up.
struct Case {
    job: JobKind,
    /// The n-th of this place.
    place: (&'static str, usize),
    /// How it ends: its writes are refused (75), or there was nothing left to refuse (0).
    code: i32,
}

const CASES: [Case; 4] = [
    Case { job: JobKind::InvoicesGenerate, place: ("page.claimed", 1), code: 75 },
    Case { job: JobKind::InvoicesGenerate, place: ("page.claimed", 2), code: 75 },
    Case { job: JobKind::InvoicesIssue, place: ("page.claimed", 2), code: 75 },
    // The files were written: that is recorded, by whoever comes first, and once.
    Case { job: JobKind::InvoicesIssue, place: ("effects.carried_out", 1), code: 0 },
];

#[test]
fn a_paused_run_finds_its_work_done_by_another_and_leaves_it() {
    let Some(db) = TestDb::postgres() else { return };
    let db = business::prepare(db);
    let expected = undisturbed(db.copy());
    for case in CASES {
        paused(&case, Stage::new(db.copy()).in_pages_of(5), &expected);
    }
}

fn paused(case: &Case, mut stage: Stage, expected: &[String]) {
    let what = format!("{} paused at {:?}", case.job, case.place);
    business::until_due(&mut stage, case.job);
    let at = stage.nth(case.job, case.place);
    let child = stage.job(case.job).env("FINOPS_STOP_AT", at.to_string()).spawn().unwrap();
    until("the pause", || state(&child) == 'T');
    stage.db.execute("UPDATE claims SET expires_at = '2020-01-01T00:00:00.000Z' WHERE expires_at <> ''").unwrap();
    for job in JOBS {
        stage.run(*job);
    }
    let done = books(&stage.db);
    signal("CONT", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(case.code), "{what}: {}", told(&output));
    // What it had in hand is its own to record: its process lives, and nobody took it over.
    if case.place.0 != "effects.carried_out" {
        assert_eq!(books(&stage.db), done, "{what}: nothing changes");
    }
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM runs WHERE outcome = 'running'"), "0", "{what}: it is told that it ended");
    stage.settle();
    check(&mut stage, expected, &what);
}

/// As the kernel tells it: `R` running, `S` asleep, `T` stopped.
pub fn state(child: &Child) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?')
}

pub fn signal(name: &str, pid: u32) {
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap().success());
}
