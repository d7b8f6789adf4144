//! What a person changes while a job begins: the job waits until it is known how that ended, and decides then.
//! Only on Postgres: SQLite has one writer at a time.

use crate::business;
use crate::paused::waiting;
use crate::stage::{Stage, told};
use crate::support::TestDb;
use crate::together::until;
use finops::jobs::JobKind;
use std::process::Output;

/// The business as it is when a job is due, on Postgres; None where there is none.
fn due(job: JobKind) -> Option<Stage> {
    let mut stage = Stage::new(business::prepare(TestDb::postgres()?));
    business::until_due(&mut stage, job);
    Some(stage)
}

/// Holds up the command of a person when all but its audit entry is written, has the job begin, and lets both go on.
fn meanwhile(stage: &Stage, company: &str, command: &[&str], job: JobKind) -> Output {
    let mut client = stage.db.client();
    let mut held = client.transaction().unwrap();
    held.execute("SELECT 1 FROM audit_heads WHERE company_id = $1 FOR UPDATE", &[&company]).unwrap();
    let person = stage.command(command).spawn().unwrap();
    until("the person to wait", || waiting(&stage.db) == 1);
    let job = stage.job(job).spawn().unwrap();
    until("the job to wait", || waiting(&stage.db) == 2);
    held.commit().unwrap();
    let output = person.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}: {}", told(&output));
    job.wait_with_output().unwrap()
}

/// The first draft of somebody whose company has an audit log already.
fn draft(stage: &Stage) -> (String, String) {
    let sql = "SELECT i.company_id, i.invoice_id FROM invoices i JOIN audit_heads a ON a.company_id = i.company_id
      WHERE i.state = 'draft' AND i.total_minor > 0 ORDER BY 1, 2 LIMIT 1";
    let row = stage.db.rows(sql).swap_remove(0);
    (row[0].clone(), row[1].clone())
}

#[test]
fn a_draft_that_is_being_deleted_is_not_issued() {
    let Some(stage) = due(JobKind::InvoicesIssue) else { return };
    let (company, draft) = draft(&stage);
    let drafts: u32 = stage.db.value("SELECT COUNT(*) FROM invoices WHERE state = 'draft'").parse().unwrap();
    let output = meanwhile(&stage, &company, &["invoices", "delete", &draft], JobKind::InvoicesIssue);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(stage.db.value(&format!("SELECT COUNT(*) FROM invoices WHERE invoice_id = '{draft}'")), "0");
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM document_numbers"), (drafts - 1).to_string(), "no number was lost");
    stage.must(&["db", "check"]);
}

#[test]
fn a_draft_that_is_being_edited_is_issued_as_it_is_then() {
    let Some(stage) = due(JobKind::InvoicesIssue) else { return };
    let (company, draft) = draft(&stage);
    let edit = ["invoices", "edit", &draft, "--add", "--description", "Call-out", "--unit-price", "5000"];
    let output = meanwhile(&stage, &company, &edit, JobKind::InvoicesIssue);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let line = format!("SELECT COUNT(*) FROM invoice_documents WHERE invoice_id = '{draft}' AND content LIKE '%Call-out%'");
    assert_eq!(stage.db.value(&line), "1", "it is on the document, too");
    stage.must(&["db", "check"]);
    stage.must(&["audit", "verify"]);
}

/// The other way round: what a job has decided, but not recorded yet, would be missed by who corrects the address.
#[test]
fn who_corrects_an_address_waits_for_the_mails_that_are_being_planned() {
    let Some(mut stage) = due(JobKind::InvoicesSend) else { return };
    let sql = "SELECT c.company_id, c.name, c.country, e.event_key FROM companies c JOIN events e ON e.company_id = c.company_id
      WHERE e.state = 'new' AND e.audience = 'customer' AND c.email <> '' AND c.delivery <> 'none' ORDER BY 1 LIMIT 1";
    let row = stage.db.rows(sql).swap_remove(0);
    let [company, name, country, event] = &row[..] else { panic!("{row:?}") };
    stage.write("corrected.csv", &format!("company_id,name,country,email\n{company},{name},{country},right@kunde.example\n"));

    let mut client = stage.db.client();
    let mut held = client.transaction().unwrap();
    held.execute("SELECT 1 FROM events WHERE company_id = $1 AND event_key = $2 FOR UPDATE", &[company, event]).unwrap();
    let send = stage.job(JobKind::InvoicesSend).spawn().unwrap();
    until("the mails to wait", || waiting(&stage.db) == 1);
    let import = stage.command(&["import", "companies", "corrected.csv"]).spawn().unwrap();
    until("the import to wait", || waiting(&stage.db) == 2);
    held.commit().unwrap();
    for (what, child) in [("send", send), ("import", import)] {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{what}: {}", told(&output));
    }
    stage.settle();
    let mails = format!("SELECT COUNT(*) FROM effects WHERE company_id = '{company}' AND kind = 'message.email'");
    assert_ne!(stage.db.value(&format!("{mails} AND state = 'succeeded'")), "0");
    assert_eq!(stage.db.value(&format!("{mails} AND state NOT IN ('succeeded', 'abandoned')")), "0");
}
