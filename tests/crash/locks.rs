//! Who holds the locks of jobs, as `finops unlock` tells it, and giving back what a dead run left.

use crate::business;
use crate::paused::{signal, state};
use crate::stage::{JOBS, Stage, told};
use crate::support::TestDb;
use crate::together::until;
use finops::jobs::JobKind::InvoicesGenerate;
use serde_json::Value;
use std::process::Child;

fn holders(stage: &Stage) -> Vec<Value> {
    let output = stage.must(&["unlock", "--json"]);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Stops a run while it holds its first page.
fn stopped(stage: &Stage) -> Child {
    let at = stage.nth(InvoicesGenerate, ("page.claimed", 1));
    let child = stage.job(InvoicesGenerate).env("FINOPS_STOP_AT", at.to_string()).spawn().unwrap();
    until("the pause", || state(&child) == 'T');
    child
}

#[test]
fn on_postgres_claims_of_the_living_are_kept_and_of_the_dead_given_back() {
    let Some(db) = TestDb::postgres() else { return };
    let db = business::prepare(db);
    let mut stage = Stage::new(db).in_pages_of(5);
    assert!(holders(&stage).is_empty());
    let child = stopped(&stage);
    let found = holders(&stage);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0]["state"].as_str(), found[0]["pid"].as_u64()), (Some("alive"), Some(child.id().into())), "{found:?}");
    assert!(found[0]["companies"].as_u64() > Some(1) && found[0]["job"] == "invoices.generate", "{found:?}");

    let refused = stage.command(&["unlock", "--yes"]).output().unwrap();
    assert!(refused.status.code() == Some(1) && told(&refused).contains("is alive on this machine"), "{}", told(&refused));
    stage.must(&["unlock", "invoices.issue", "--yes"]);
    assert_eq!(holders(&stage).len(), 1, "that was another job, and nothing is given back without --yes");

    let released = stage.must(&["unlock", "invoices.generate", "--yes", "--force"]);
    assert!(told(&released).contains("claims were given back"), "{}", told(&released));
    assert!(holders(&stage).is_empty());
    JOBS.iter().for_each(|job| drop(stage.run(*job)));
    signal("CONT", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75), "what it had in hand is another's: {}", told(&output));
    let audited = "SELECT l.actor FROM audit_log l WHERE action = 'claims.released'";
    assert!(stage.db.value(audited).contains("uid "));
    stage.settle();
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices WHERE state = 'open'"), business::INVOICES);
    stage.must(&["db", "check"]);
    stage.must(&["audit", "verify"]);
}

#[test]
fn on_postgres_a_dead_run_is_told_from_a_living_one() {
    let Some(db) = TestDb::postgres() else { return };
    let stage = Stage::new(business::prepare(db)).in_pages_of(5);
    let mut child = stopped(&stage);
    let run = holders(&stage)[0]["run_id"].as_str().unwrap().to_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holders(&stage)[0]["state"], "gone");
    let shown = stage.must(&["runs", "show", &run, "--json"]);
    assert!(told(&shown).contains("\"outcome\":\"broken_off\""), "{}", told(&shown));
    // As if it had been on another machine: nobody can tell, until the claims run out.
    stage.db.execute("UPDATE runs SET process = 'another/1/2/3'").unwrap();
    assert_eq!(holders(&stage)[0]["state"], "unknown");
    stage.must(&["unlock", &run[..13], "--yes"]);
    assert!(holders(&stage).is_empty());
    stage.run(InvoicesGenerate);
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), business::INVOICES, "at once");
}

#[test]
fn on_sqlite_the_kernel_tells_who_holds_the_file() {
    let stage = Stage::new(business::prepare(TestDb::sqlite())).in_pages_of(5);
    stage.run(InvoicesGenerate);
    assert!(holders(&stage).iter().all(|lock| lock["held"] == false), "the file stays, and nobody holds it");
    let stage = Stage::new(business::prepare(TestDb::sqlite())).in_pages_of(5);
    let mut child = stopped(&stage);
    let held: Vec<Value> = holders(&stage).into_iter().filter(|lock| lock["held"] == true).collect();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!((held[0]["job"].as_str(), held[0]["pid"].as_u64()), (Some("invoices.generate"), Some(child.id().into())));
    let refused = stage.job(InvoicesGenerate).output().unwrap();
    assert_eq!(refused.status.code(), Some(75), "{}", told(&refused));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(holders(&stage).iter().all(|lock| lock["held"] == false));
    stage.run(InvoicesGenerate);
}
