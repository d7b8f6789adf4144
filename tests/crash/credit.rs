//! A person's credit note, killed at every place: the same command again makes it whole, and once.

use crate::business;
use crate::stage::{Stage, killed, side_by_side, told};
use crate::support::{TestDb, audit};
use finops::jobs::JobKind;

const CREDIT: [&str; 9] = ["invoices", "credit", "INV-2026-000001", "--amount", "5.00", "--reason", "less", "--ref", "ticket 1"];

/// More places than the command comes by.
const PLACES: u64 = 60;

fn matrix(db: TestDb) {
    let stage = Stage::new(business::prepare(db));
    for job in [JobKind::InvoicesGenerate, JobKind::InvoicesIssue] {
        stage.run(job);
    }
    let log = stage.documents().with_file_name("places");
    let trial = Stage::new(stage.db.copy());
    let undisturbed = trial.command(&CREDIT).env("FINOPS_CRASH_LOG", &log).output().unwrap();
    assert!(undisturbed.status.success(), "{}", told(&undisturbed));
    let places = std::fs::read_to_string(&log).unwrap();
    let places: Vec<&str> = places.lines().collect();
    for expected in ["credit_note.committed", "effects.begun", "effects.carried_out", "effects.settled"] {
        assert!(places.contains(&expected), "{expected} in {places:?}");
    }
    assert!((places.len() as u64) < PLACES, "{places:?}");
    let each: Vec<u64> = (1..=places.len() as u64).collect();
    side_by_side(&each, |at| survive(&stage, *at, places[usize::try_from(*at).unwrap() - 1]));
}

fn survive(before: &Stage, at: u64, place: &str) {
    let mut stage = Stage::new(before.db.copy());
    let output = stage.command(&CREDIT).env("FINOPS_CRASH_AT", at.to_string()).output().unwrap();
    assert!(killed(output.status), "{place}: {}", told(&output));
    stage.later();
    let again = stage.must(&CREDIT);
    assert!(told(&again).contains("CN-2026-000001"), "{place}: {}", told(&again));
    stage.settle();
    let db = &stage.db;
    for (sql, expected) in [
        ("SELECT COUNT(*) FROM invoices WHERE kind = 'credit_note'", "1"),
        ("SELECT next_seq FROM series_counters WHERE series_id = 'nordlicht-credit'", "2"),
        ("SELECT SUM(amount_minor) FROM credit_entries WHERE invoice_id = ''", "500"),
        ("SELECT SUM(amount_minor) FROM credit_entries WHERE invoice_id <> ''", "-500"),
        ("SELECT COUNT(*) FROM effects WHERE kind = 'document' AND state <> 'succeeded'", "0"),
    ] {
        assert_eq!(db.value(sql), expected, "{place}: {sql}");
    }
    let path = db.value("SELECT f.path FROM document_files f JOIN invoices i ON i.company_id = f.company_id AND i.invoice_id = f.invoice_id WHERE i.kind = 'credit_note'");
    assert!(std::fs::read(stage.documents().join(&path)).unwrap().starts_with(b"%PDF-"), "{place}: {path}");
    audit::verify(db);
    stage.must(&["audit", "verify"]);
    stage.must(&["db", "check"]);
}

#[test]
fn sqlite_survives_a_kill_of_a_credit_note_everywhere() {
    matrix(TestDb::sqlite());
}

#[test]
fn postgres_survives_a_kill_of_a_credit_note_everywhere() {
    if let Some(db) = TestDb::postgres() {
        matrix(db);
    }
}
