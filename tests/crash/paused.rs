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

/// While an invoice is being issued, its contract changes: what differs must be found in the period that is
/// billed by then, and not be lost between the two.
#[test]
fn a_change_of_a_contract_waits_for_the_invoice_that_is_being_issued() {
    let Some(db) = TestDb::postgres() else { return };
    let mut stage = Stage::new(business::prepare(db));
    business::until_due(&mut stage, JobKind::InvoicesIssue);
    let draft = stage.db.rows(
        "SELECT i.company_id, i.contract_id, i.period_start FROM invoices i
         JOIN contracts c ON c.company_id = i.company_id AND c.contract_id = i.contract_id
         WHERE i.state = 'draft' AND i.total_minor > 0 AND c.timing = 'advance' AND c.end_on IS NULL ORDER BY 1, 2 LIMIT 1",
    );
    let [company, contract, start] = &draft[0][..] else { panic!("{draft:?}") };
    let at = stage.nth(JobKind::InvoicesIssue, ("batch.written", 1));
    let issue = stage.job(JobKind::InvoicesIssue).env("FINOPS_STOP_AT", at.to_string()).spawn().unwrap();
    until("the pause", || state(&issue) == 'T');
    let cancel = ["contracts", "cancel", contract, "--company-id", company, "--on", start, "--json"];
    let change = stage.command(&cancel).spawn().unwrap();
    until("it to wait", || waiting(&stage.db) == 1);
    signal("CONT", issue.id());
    for (what, child) in [("issue", issue), ("cancel", change)] {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{what}: {}", told(&output));
    }
    let credited = stage.db.value("SELECT CAST(SUM(amount_minor) AS TEXT) FROM billable_items WHERE contract_id <> ''");
    let billed = stage.db.value(&format!(
        "SELECT CAST(-SUM(l.amount_minor) AS TEXT) FROM invoice_lines l JOIN invoices i ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id
         WHERE l.company_id = '{company}' AND l.contract_id = '{contract}' AND l.period_start >= '{start}' AND i.state = 'open'"
    ));
    assert_eq!(credited, billed, "all of it is credited");
}

/// How many wait for others in a database.
pub fn waiting(db: &TestDb) -> u32 {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    db.value(sql).parse().unwrap()
}

/// As the kernel tells it: `R` running, `S` asleep, `T` stopped.
pub fn state(child: &Child) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?')
}

pub fn signal(name: &str, pid: u32) {
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap().success());
}
