//! The line to Postgres is cut, at every round trip of every job: before the server has it, after
//! it, or so that it comes late. A run then goes on by itself, or ends with 75 and the next one
//! goes on; the books are the same.

use crate::business;
use crate::oracle::{check, undisturbed};
use crate::stage::{JOBS, Stage, all_cases, side_by_side, told};
use crate::support::{Fault, Plan, Proxy, TestDb};
use finops::jobs::JobKind;
use std::time::Duration;

const PAGE: u32 = 5;

/// Cases a job in CI.
const SAMPLE: usize = 24;

/// Meanwhile the run has a new connection, and meets what the old one still holds.
const LATE: Fault = Fault::Late(Duration::from_millis(250));

#[derive(Debug, Clone, Copy)]
struct Cut {
    job: JobKind,
    at: usize,
    fault: Fault,
    /// The server is gone for a moment, as when it is restarted.
    refused_for: Duration,
}

/// Every COMMIT in one of the three ways in turn, and of the other round trips as many as fit
/// the sample. With `FINOPS_CRASH_ALL=1` every round trip in every way.
fn cuts(job: JobKind, trips: &[String]) -> Vec<Cut> {
    let faults = [Fault::AnswerLost, LATE, Fault::NotSent];
    let cut = |at: usize, fault: Fault| {
        let refused_for = Duration::from_millis(if at % 4 == 0 { 400 } else { 0 });
        Cut { job, at, fault, refused_for }
    };
    if all_cases() {
        return (1..=trips.len()).flat_map(|at| faults.map(|fault| cut(at, fault))).collect();
    }
    let (commits, others): (Vec<_>, Vec<_>) = (1..=trips.len()).partition(|at| trips[at - 1] == "COMMIT");
    let every = others.len().div_ceil(SAMPLE.saturating_sub(commits.len()).max(1));
    let others = others.into_iter().step_by(every);
    commits.into_iter().chain(others).enumerate().map(|(n, at)| cut(at, faults[n % faults.len()])).collect()
}

#[test]
fn postgres_survives_a_cut_line_everywhere() {
    let Some(db) = TestDb::postgres() else { return };
    let db = business::prepare(db);
    let expected = undisturbed(db.copy());
    let mut night = Stage::new(db).in_pages_of(PAGE);
    let mut before = Vec::new();
    let mut cases = Vec::new();
    for job in JOBS {
        before.push(night.db.copy());
        let line = Proxy::start(&night.db.url(), &[]);
        let output = night.job(*job).args(["--database", line.url()]).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job}: {}", told(&output));
        cases.extend(cuts(*job, &line.trips()));
    }
    check(&mut night, &expected, "undisturbed");
    side_by_side(&cases, |cut| {
        let at = JOBS.iter().position(|job| *job == cut.job).unwrap();
        survive(*cut, Stage::new(before[at].copy()).in_pages_of(PAGE), &expected);
    });
}

fn survive(cut: Cut, mut stage: Stage, expected: &[String]) {
    let plan = Plan { at: cut.at, fault: cut.fault, refused_for: cut.refused_for };
    let line = Proxy::start(&stage.db.url(), &[plan]);
    let output = stage.job(cut.job).args(["--database", line.url()]).output().unwrap();
    let trips = line.trips();
    let what = format!("{cut:?} at {:?}", trips.get(cut.at - 1));
    assert!(line.has_struck(), "{what}: the round trip is not reached");
    assert!(matches!(output.status.code(), Some(0 | 3 | 75)), "{what}: {}", told(&output));
    stage.settle();
    check(&mut stage, expected, &what);
}
