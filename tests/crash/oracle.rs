//! What must be true after any fault (reliability.md, "How it is tested").

use crate::business;
use crate::smtp;
use crate::stage::{JOBS, Stage};
pub use crate::support::books::books;
use crate::support::books::{canonical, files, raw};
use crate::support::{Fake, TestDb, audit};
use finops::jobs::JobKind;
use finops::model::ids::SYSTEM_COMPANY;
use finops::providers::webhook::message_id;
use std::collections::{BTreeMap, BTreeSet};

/// In what the books may differ from those of an undisturbed night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// In nothing: each job ended before the next began.
    Exactly,
    /// Some invoices were issued before others were drafted: no gaps, but other numbers.
    ButForNumbers,
    /// Some drafts were made before the data changed, and again after it, which the audit log tells.
    ButForTheAuditLog,
}

#[test]
fn only_what_finops_makes_up_is_replaced() {
    let id = "01930000-0000-7000-8000-00000000abcd";
    let ids = BTreeMap::from([(id.to_owned(), "<a/c>".to_owned())]);
    let hash = "0f".repeat(32);
    let row = format!("invoices: {id} | 2026-10-31 | 2026-10-31T12:00:00.000Z | \\x{hash} | 1234 | {}", id.replace('3', "4"));
    assert_eq!(canonical(&row, &ids), "invoices: <a/c> | 2026-10-31 | <at> | \\x<hash> | 1234 | <run>");
}

/// What an undisturbed night of the small business leaves: the measure of all others.
pub fn undisturbed(db: TestDb) -> Vec<String> {
    let mut stage = Stage::new(db);
    stage.settle();
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices WHERE state = 'open'"), business::INVOICES);
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM billed_periods"), business::PERIODS);
    books(&stage.db)
}

/// What is left when nothing disturbs the work from here on, which a job begins.
pub fn undisturbed_from(stage: &Stage, job: JobKind) -> Vec<String> {
    let mut stage = stage.again();
    stage.later();
    stage.run(job);
    stage.settle();
    books(&stage.db)
}

/// Checks everything that must hold whatever happened, and that another run changes nothing.
pub fn check(stage: &mut Stage, undisturbed: &[String], what: &str) {
    check_with(stage, undisturbed, Alike::Exactly, what);
}

/// The same where jobs may have overlapped.
pub fn check_with(stage: &mut Stage, undisturbed: &[String], alike: Alike, what: &str) {
    let db = &stage.db;
    let zero = |sql: &str| assert_eq!(db.value(sql), "0", "{what}: {sql}");
    zero("SELECT COUNT(*) FROM invoices WHERE state = 'draft'");
    zero("SELECT COUNT(*) FROM effects WHERE state <> 'succeeded'");
    zero("SELECT COUNT(*) FROM billed_periods WHERE revision <> 0");
    zero("SELECT COUNT(*) FROM billable_items WHERE invoice_id IS NULL");
    zero(
        "SELECT COUNT(*) FROM invoices i WHERE net_minor <>
          (SELECT SUM(net_minor) FROM invoice_lines l WHERE l.company_id = i.company_id AND l.invoice_id = i.invoice_id)",
    );
    zero(
        "SELECT COUNT(*) FROM invoices i WHERE tax_minor <>
          (SELECT SUM(tax_minor) FROM invoice_taxes t WHERE t.company_id = i.company_id AND t.invoice_id = i.invoice_id)",
    );
    numbers(db, alike, what);
    let open = db.value("SELECT COUNT(*) FROM invoices WHERE state = 'open'");
    assert_eq!(files(db, &stage.documents(), what).to_string(), open, "{what}");
    mails(stage, what);
    audit::verify(db);
    stage.must(&["audit", "verify"]);
    let (mut found, mut expected) = (books(db), undisturbed.to_vec());
    for books in [&mut found, &mut expected] {
        match alike {
            Alike::Exactly => {}
            Alike::ButForNumbers => *books = without_numbers(books),
            Alike::ButForTheAuditLog => books.retain(|row| !row.starts_with("audit_")),
        }
    }
    for (row, expected) in found.iter().zip(&expected) {
        assert_eq!(row, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");

    let before = raw(db);
    stage.later();
    // What could not be done before is told once more when it is parked, and only then.
    let parked = |stage: &Stage| stage.db.value("SELECT COUNT(*) FROM run_items WHERE parked = 1");
    for job in JOBS {
        let stood = parked(stage);
        let code = stage.run(*job).status.code();
        assert_eq!(code, Some(if parked(stage) == stood { 0 } else { 3 }), "{what}: nothing fails anew");
    }
    let after: Vec<String> = raw(&stage.db);
    let changed = |rows: &[String]| rows.iter().filter(|r| !r.starts_with("run_items:")).cloned().collect::<Vec<_>>();
    assert_eq!(changed(&before), changed(&after), "{what}: another run changes nothing");
}

/// Contiguous from 1, each on its own invoice.
fn numbers(db: &TestDb, alike: Alike, what: &str) {
    let by = match alike {
        Alike::Exactly | Alike::ButForTheAuditLog => "i.company_id, i.contract_id, i.period_start",
        Alike::ButForNumbers => "n.seq",
    };
    let given = db.rows(&format!(
        "SELECT n.seq, i.number FROM document_numbers n JOIN invoices i ON i.company_id = n.company_id AND i.invoice_id = n.document_id
         ORDER BY {by}",
    ));
    let expected: Vec<Vec<String>> = (1..=given.len()).map(|n| vec![n.to_string(), format!("INV-2026-{n:06}")]).collect();
    assert_eq!(given, expected, "{what}");
    assert_eq!(db.value("SELECT next_seq FROM series_counters"), (given.len() + 1).to_string(), "{what}");
}

/// The books whatever number each invoice has.
fn without_numbers(books: &[String]) -> Vec<String> {
    let rows = books.iter().filter(|row| !row.starts_with("document_numbers:"));
    let mut rows: Vec<String> = rows.map(|row| blank(row)).collect();
    rows.sort();
    rows
}

/// `INV-2026-000012` as `<number>`.
fn blank(row: &str) -> String {
    let mut parts = row.split("INV-2026-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "<number>" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Every mail that was planned arrived, and once; more often only with the mark of a resend.
fn mails(stage: &Stage, what: &str) {
    let mut arrived: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
    for taken in stage.mail.taken() {
        let text = String::from_utf8(taken.bytes).expect("ASCII");
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        let id = head.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID").to_owned();
        let counts = arrived.entry((id, taken.rcpt)).or_default();
        *(if head.contains("X-Finops-Resend: yes") { &mut counts.1 } else { &mut counts.0 }) += 1;
    }
    for (mail, (plain, marked)) in &arrived {
        assert!(*plain <= 1 && *marked <= 1, "{what}: {mail:?} came {plain} times, and {marked} times marked");
    }
    let planned = stage.db.rows("SELECT idempotency_key, recipient FROM effects WHERE kind = 'message.email'");
    assert!(!planned.is_empty(), "{what}");
    assert_eq!(arrived.len() + stage.mailed, planned.len(), "{what}: no mail is missing, and none is too many");
    for (_, rcpt) in arrived.keys() {
        assert!(planned.iter().any(|row| rcpt.contains(&format!("<{}>", row[1]))), "{what}: {rcpt}");
    }
}

/// Mails that came with the mark of a resend.
pub fn resent(stage: &Stage) -> u32 {
    let marked = |mail: &smtp::Taken| String::from_utf8_lossy(&mail.bytes).contains("X-Finops-Resend: yes");
    stage.mail.taken().iter().map(|mail| u32::from(marked(mail))).sum()
}

/// Every notice that was planned arrived, perhaps more than once, and always the same.
pub fn notices(db: &TestDb, receiver: &Fake, what: &str) {
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in receiver.calls() {
        bodies.entry(call.key).or_default().insert(call.body);
    }
    let planned =
        db.rows("SELECT idempotency_key, payload FROM effects WHERE kind = 'webhook.completion' AND state = 'succeeded'");
    assert!(!planned.is_empty(), "{what}");
    for notice in planned {
        let arrived = bodies.get(&message_id(SYSTEM_COMPANY, &notice[0])).cloned().unwrap_or_default();
        assert_eq!(arrived.into_iter().collect::<Vec<_>>(), [notice[1].clone()], "{what}: {}", notice[0]);
    }
}
