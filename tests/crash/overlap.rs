//! Different jobs at the same time, and an import while a job runs. Whoever comes second waits, or
//! answers 75; the books are those of one after the other.

use crate::business;
use crate::oracle::{Alike, books, check_with, undisturbed};
use crate::paused::{signal, state};
use crate::stage::{Stage, told};
use crate::support::TestDb;
use crate::together::{each_engine, until};
use finops::jobs::JobKind;
use std::process::{Child, Output};

const GENERATE: JobKind = JobKind::InvoicesGenerate;
const ISSUE: JobKind = JobKind::InvoicesIssue;

/// Places between transactions, so that a job that is halted there holds up nobody on SQLite either.
const PLACES: [(&str, usize); 4] = [("run.begun", 1), ("page.claimed", 2), ("batch.committed", 1), ("batch.committed", 2)];

#[test]
fn a_job_in_the_midst_of_another_does_what_is_there() {
    each_engine(|db| {
        let expected = undisturbed(db.copy());
        for (slow, quick) in [(GENERATE, ISSUE), (ISSUE, GENERATE)] {
            for place in PLACES {
                let mut stage = Stage::new(db.copy()).in_pages_of(3);
                let what = format!("{quick} while {slow} stands at {place:?}");
                if slow == ISSUE {
                    // Some drafts are there, and some are still to be made.
                    let at = stage.nth(GENERATE, ("batch.committed", 2));
                    assert!(stage.killed_at(GENERATE, at), "{what}");
                    stage.later();
                }
                let at = stage.nth(slow, place);
                let child = stage.job(slow).env("FINOPS_STOP_AT", at.to_string()).spawn().unwrap();
                until("the pause", || state(&child) == 'T');
                stage.run(quick);
                signal("CONT", child.id());
                let output = child.wait_with_output().unwrap();
                assert!(matches!(output.status.code(), Some(0 | 3)), "{what}: {}", told(&output));
                stage.settle();
                check_with(&mut stage, &expected, Alike::ButForNumbers, &what);
            }
        }
    });
}

/// What the import brings: other names on the invoices, another price, another time to pay.
fn corrections(stage: &Stage) {
    stage.write("new/sellers.csv", &business::SELLERS.replace(",14,", ",30,"));
    stage.write("new/companies.csv", &business::COMPANIES.replace("Söhne", "Töchter"));
    stage.write("new/billable_items.csv", &business::BILLABLE_ITEMS.replace("95.01", "99.99"));
}

/// The books when the corrections come before everything.
fn corrected(db: &TestDb) -> Vec<String> {
    let mut stage = Stage::new(db.copy());
    corrections(&stage);
    assert!(stage.command(&["import", "new"]).status().unwrap().success());
    stage.settle();
    books(&stage.db)
}

/// Both orders of locking, with the one that comes first held up at its end by a lock on the audit
/// chain's heads, so that the other meets it in the midst.
#[test]
fn an_import_and_a_job_wait_for_each_other_on_postgres() {
    let Some(db) = TestDb::postgres() else { return };
    let db = business::prepare(db);
    let expected = corrected(&db);
    for (import_first, timeout_s) in [(true, 60), (false, 60), (true, 1)] {
        let what = format!("import first: {import_first}, with {timeout_s} s to wait");
        let mut stage = Stage::new(db.copy());
        stage.configure("[mail]\n", &format!("statement_timeout_s = {timeout_s}\n[mail]\n"));
        corrections(&stage);
        let mut holder = stage.db.client();
        holder.batch_execute("BEGIN; LOCK TABLE audit_heads IN SHARE ROW EXCLUSIVE MODE").unwrap();
        let import = || stage.command(&["import", "new"]).spawn().unwrap();
        let job = || stage.job(GENERATE).spawn().unwrap();
        let first = if import_first { import() } else { job() };
        let waiting = |n: usize| until("the wait", || waits(&stage.db) >= n);
        waiting(1);
        let second = if import_first { job() } else { import() };
        if timeout_s == 60 {
            waiting(2);
            holder.batch_execute("ROLLBACK").unwrap();
        }
        let outputs = [first, second].map(Child::wait_with_output).map(Result::unwrap);
        let codes = outputs.each_ref().map(|output: &Output| output.status.code().unwrap());
        let said = || outputs.each_ref().map(told).join("\n");
        match timeout_s {
            60 => assert!(matches!(codes, [0 | 3, 0 | 3]), "{what}: {}", said()),
            // Neither waits for ever, and both say that it was too long.
            _ => assert_eq!(codes, [75, 75], "{what}: {}", said()),
        }
        drop(holder);
        if timeout_s == 1 {
            assert!(stage.command(&["import", "new"]).status().unwrap().success(), "{what}");
        }
        stage.settle();
        check_with(&mut stage, &expected, Alike::ButForTheAuditLog, &what);
    }
}

/// How many connections wait for a lock.
fn waits(db: &TestDb) -> usize {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    db.value(sql).parse().unwrap()
}

/// A job stands between two pages: the import does not wait for it, and what is drafted already is
/// drafted again.
#[test]
fn an_import_in_the_midst_of_a_job() {
    each_engine(|db| {
        let expected = corrected(&db);
        for place in PLACES {
            let mut stage = Stage::new(db.copy()).in_pages_of(3);
            corrections(&stage);
            let at = stage.nth(GENERATE, place);
            let child = stage.job(GENERATE).env("FINOPS_STOP_AT", at.to_string()).spawn().unwrap();
            until("the pause", || state(&child) == 'T');
            assert!(stage.command(&["import", "new"]).status().unwrap().success());
            signal("CONT", child.id());
            let output = child.wait_with_output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 3)), "{place:?}: {}", told(&output));
            stage.settle();
            check_with(&mut stage, &expected, Alike::ButForTheAuditLog, &format!("an import while generate stands at {place:?}"));
        }
    });
}
