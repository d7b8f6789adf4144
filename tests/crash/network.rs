//! The line to Postgres is cut, at every round trip of every job: before the server has it, after
//! it, or so that it comes late. A run then goes on by itself, or ends with 75 and the next one
//! goes on; the books are the same.

use crate::business;
use crate::oracle::check_with;
use crate::stage::{JOBS, Stage, all_cases, side_by_side, told};
use crate::support::{Fault, Plan, Proxy, TestDb};
use finops::jobs::JobKind;
use std::time::Duration;

const PAGE: u32 = 5;

/// Cases a job in CI.
const SAMPLE: usize = 16;

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

/// A COMMIT in one of the three ways in turn (of those of single mails, which are many and alike, as many as fit the
/// sample), and of the other round trips as many as are left of it. With `FINOPS_CRASH_ALL=1` every round trip in every way.
fn cuts(job: JobKind, trips: &[String]) -> Vec<Cut> {
    let faults = [Fault::AnswerLost, LATE, Fault::NotSent];
    let cut = |at: usize, fault: Fault| {
        let refused_for = Duration::from_millis(if at.is_multiple_of(4) { 400 } else { 0 });
        Cut { job, at, fault, refused_for }
    };
    if all_cases() {
        return (1..=trips.len()).flat_map(|at| faults.map(|fault| cut(at, fault))).collect();
    }
    let (commits, others): (Vec<_>, Vec<_>) = (1..=trips.len()).partition(|at| trips[at - 1] == "COMMIT");
    let every = others.len().div_ceil(SAMPLE.saturating_sub(commits.len()).max(1));
    let others = others.into_iter().step_by(every);
    // Odd, so that of commits which come in pairs (it begins, it is done) both kinds are met.
    let every = commits.len().div_ceil(2 * SAMPLE) | 1;
    commits.into_iter().step_by(every).chain(others).enumerate().map(|(n, at)| cut(at, faults[n % faults.len()])).collect()
}

#[test]
fn postgres_survives_a_cut_line_everywhere() {
    let Some(db) = TestDb::postgres() else { return };
    let db = business::prepare(db);
    let mut before = Vec::new();
    let mut cases = Vec::new();
    for job in JOBS {
        let found = business::Before::of(Stage::new(db.copy()).in_pages_of(PAGE).alerting(), *job);
        // In a folder of its own, as each case: what a run finds there is worth round trips too.
        let stage = found.stage.again();
        before.push(found);
        let line = Proxy::start(&stage.db.url(), &[]);
        let output = stage.job(*job).args(["--database", line.url()]).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job}: {}", told(&output));
        cases.extend(cuts(*job, &line.trips()));
    }
    side_by_side(&cases, |cut| {
        let at = JOBS.iter().position(|job| *job == cut.job).unwrap();
        survive(*cut, &before[at]);
    });
}

fn survive(cut: Cut, before: &business::Before) {
    let mut stage = before.stage.again();
    let plan = Plan { at: cut.at, fault: cut.fault, refused_for: cut.refused_for };
    let line = Proxy::start(&stage.db.url(), &[plan]);
    let output = stage.job(cut.job).args(["--database", line.url()]).output().unwrap();
    let trips = line.trips();
    let what = format!("{cut:?} at {:?}", trips.get(cut.at - 1));
    assert!(line.has_struck(), "{what}: the round trip is not reached");
    // What is written must get in; a run that only reads may leave it to the next one.
    let code = output.status.code();
    let goes_on = matches!(code, Some(0 | 3));
    assert!(goes_on || code == Some(75) && trips[cut.at - 1] != "COMMIT", "{what}: {}", told(&output));
    stage.later();
    stage.run(cut.job);
    stage.settle();
    check_with(&mut stage, &before.expected, before.alike, &what);
}

/// What a person does is recorded, the answer is lost, and the person does it again: nothing is done
/// twice, and the second answer tells how it stands.
#[test]
fn a_command_that_lost_its_commit_can_be_repeated() {
    let Some(db) = TestDb::postgres() else { return };
    let mut stage = Stage::new(business::prepare(db));
    stage.run(JobKind::InvoicesGenerate);
    let draft = stage.db.value("SELECT invoice_id FROM invoices WHERE company_id = 'alpen'");
    let regenerated = |stage: &Stage| stage.db.value("SELECT COUNT(*) FROM invoices WHERE state = 'draft'");
    let paid = "payments record INV-2026-000001 --amount 1.00 --date 2026-11-01 --ref TX1";
    let steps: [(&str, i32, &str); 5] = [
        (&format!("invoices delete {draft}"), 1, "there is no invoice"),
        (paid, 0, "already"),
        ("invoices void INV-2026-000002 --reason wrong", 1, "void"),
        ("invoices regenerate INV-2026-000002", 1, "was regenerated already"),
        ("import new", 0, ""),
    ];
    for (n, (command, code, told_again)) in steps.into_iter().enumerate() {
        if n == 1 {
            stage.settle();
        }
        let words: Vec<&str> = command.split(' ').collect();
        // In a new folder, as the trial is.
        stage = Stage::new(stage.db);
        stage.write("new/companies.csv", business::COMPANIES);
        let trips = {
            let copy = stage.twin();
            copy.write("new/companies.csv", business::COMPANIES);
            let line = Proxy::start(&copy.db.url(), &[]);
            let output = copy.command(&words).args(["--database", line.url()]).output().unwrap();
            assert!(output.status.success(), "{command}: {}", told(&output));
            line.trips()
        };
        let at = 1 + trips.iter().rposition(|trip| trip == "COMMIT").unwrap();
        let line = Proxy::start(&stage.db.url(), &[Plan { at, fault: Fault::AnswerLost, refused_for: Duration::ZERO }]);
        let lost = stage.command(&words).args(["--database", line.url()]).output().unwrap();
        assert!(line.has_struck(), "{command}");
        assert_eq!(lost.status.code(), Some(75), "{command}: {}", told(&lost));
        assert!(told(&lost).contains("not known whether"), "{command}: {}", told(&lost));
        let done = audit_rows(&stage);
        let again = stage.command(&words).output().unwrap();
        assert_eq!(again.status.code(), Some(code), "{command}: {}", told(&again));
        assert!(told(&again).contains(told_again), "{command}: {}", told(&again));
        assert_eq!(audit_rows(&stage), done, "{command}: nothing is done twice");
    }
    assert_eq!(regenerated(&stage), "1");
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM payments"), "1");
}

fn audit_rows(stage: &Stage) -> Vec<Vec<String>> {
    stage.db.rows("SELECT company_id, seq, hash FROM audit_heads ORDER BY company_id")
}
