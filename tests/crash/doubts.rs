//! A clock that cannot be right, and an old copy of the database put in its place: what cron runs
//! refuses, says what to do, and goes on once a person has looked.

use crate::business;
use crate::stage::{JOBS, Stage, told};
use crate::support::books::found;
use crate::support::{TestDb, audit};
use chrono::{DateTime, TimeDelta, Utc};
use finops::jobs::JobKind::{self, InvoicesGenerate, InvoicesIssue};
use std::process::Output;

fn each_engine(body: impl Fn(TestDb)) {
    for db in [Some(TestDb::sqlite()), TestDb::postgres()].into_iter().flatten() {
        body(business::prepare(db));
    }
}

fn at(stage: &Stage, command: &[&str], clock: DateTime<Utc>) -> Output {
    stage.command(command).env("FINOPS_TEST_CLOCK", clock.to_rfc3339()).output().unwrap()
}

fn job_at(stage: &Stage, job: JobKind, flags: &[&str], clock: DateTime<Utc>) -> Output {
    stage.job(job).args(flags).env("FINOPS_TEST_CLOCK", clock.to_rfc3339()).output().unwrap()
}

#[test]
fn a_clock_that_stands_behind_or_far_ahead_is_doubted() {
    each_engine(|db| {
        let stage = Stage::new(db);
        stage.run(InvoicesGenerate);
        let latest: DateTime<Utc> = stage.db.value("SELECT MAX(at) FROM heartbeats").parse().unwrap();
        let tick = TimeDelta::milliseconds(1);
        let (behind, ahead) = (latest - TimeDelta::minutes(5), latest + TimeDelta::days(45));
        for (clock, is_fine) in [(behind, true), (behind - tick, false), (ahead, true), (ahead + tick, false)] {
            let stage = Stage::new(stage.db.copy());
            for job in JOBS {
                let before = stage.db.rows("SELECT job, at FROM heartbeats ORDER BY job");
                let dry = job_at(&stage, *job, &["--dry-run"], clock);
                assert!(matches!(dry.status.code(), Some(0 | 3)), "{}", told(&dry));
                assert_eq!(told(&dry).contains("warning: the clock is in doubt"), !is_fine, "{}", told(&dry));
                let output = job_at(&stage, *job, &[], clock);
                if is_fine {
                    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", told(&output));
                    break;
                }
                assert_eq!(output.status.code(), Some(75), "{}", told(&output));
                assert!(told(&output).contains("--accept-clock"), "{}", told(&output));
                assert_eq!(stage.db.rows("SELECT job, at FROM heartbeats ORDER BY job"), before, "a refusal is no sign of life");
            }
            let status = at(&stage, &["status", "--json"], clock);
            assert_eq!(told(&status).contains("\"section\":\"doubt\",\"cause\":\"clock_"), !is_fine, "{}", told(&status));
        }
    });
}

#[test]
fn a_person_vouches_for_the_clock_once() {
    each_engine(|db| {
        let stage = Stage::new(db);
        stage.run(InvoicesGenerate);
        let latest: DateTime<Utc> = stage.db.value("SELECT MAX(at) FROM heartbeats").parse().unwrap();
        // A year ahead by mistake, and back.
        let far = latest + TimeDelta::days(365);
        let issue = |clock, flags: &[&str]| job_at(&stage, InvoicesIssue, flags, clock).status.code();
        assert_eq!(issue(far, &[]), Some(75));
        assert_eq!(stage.db.value("SELECT COUNT(*) FROM audit_log WHERE action = 'clock.accepted'"), "0");
        assert_eq!(issue(far, &["--accept-clock", "--limit", "1"]), Some(0));
        assert_eq!(issue(latest, &[]), Some(75));
        let look = at(&stage, &["status", "--accept-clock"], latest);
        assert_eq!(
            (look.status.code(), issue(latest, &[])),
            (Some(0), Some(75)),
            "who only looks changes nothing: {}",
            told(&look)
        );
        let settle = at(&stage, &["effects", "settle", "--accept-clock"], latest);
        assert_eq!(settle.status.code(), Some(0), "{}", told(&settle));
        assert_ne!(issue(latest, &[]), Some(75), "from here on the clock is right");
        let kept = stage.db.rows(
            "SELECT l.actor, p.payload FROM audit_log l JOIN audit_payloads p
           ON p.company_id = l.company_id AND p.seq = l.seq WHERE l.action = 'clock.accepted' ORDER BY l.seq",
        );
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|row| row[0].contains("uid ") && row[1].contains("the clock is in doubt")), "{kept:?}");
        audit::verify(&stage.db);
    });
}

/// What a person finds who puts yesterday's copy back, with the folder of documents as it is.
#[test]
fn an_old_copy_of_the_database_is_noticed_and_no_number_is_given_again() {
    each_engine(|db| {
        let mut stage = Stage::new(db);
        stage.run(InvoicesGenerate);
        let (old, same) = (stage.db.copy(), stage.db.copy());
        stage.run(InvoicesIssue);
        let sent = found(&stage.documents());
        assert_eq!(sent.len().to_string(), business::INVOICES);
        let contents: Vec<Vec<u8>> = sent.iter().map(|file| std::fs::read(file).unwrap()).collect();
        stage.put_back(old);

        for job in JOBS {
            let output = stage.job(*job).output().unwrap();
            assert_eq!(output.status.code(), Some(75), "{job:?}: {}", told(&output));
            assert!(told(&output).contains("finops db reconcile"), "{}", told(&output));
            let dry = stage.job(*job).arg("--dry-run").output().unwrap();
            assert!(matches!(dry.status.code(), Some(0 | 3)) && told(&dry).contains("older copy"), "{}", told(&dry));
        }
        let doctor = stage.command(&["doctor"]).output().unwrap();
        assert!(doctor.status.code() == Some(1) && told(&doctor).contains("older copy"), "{}", told(&doctor));
        let look = stage.command(&["db", "reconcile", "--json"]).output().unwrap();
        assert_eq!(look.status.code(), Some(1), "{}", told(&look));
        assert_eq!(told(&look).matches("INV-2026-0000").count(), 2 * sent.len(), "path and number: {}", told(&look));
        assert_eq!(stage.job(InvoicesIssue).output().unwrap().status.code(), Some(75), "looking changes nothing");

        // One more was sent, from another machine.
        let accept = ["db", "reconcile", "--accept", "--given", "nordlicht=INV-2026-000015"];
        let output = stage.command(&accept).output().unwrap();
        assert!(output.status.success() && told(&output).contains("INV-2026-000001 to INV-2026-000015"), "{}", told(&output));
        let clean = stage.command(&["db", "reconcile"]).output().unwrap();
        assert!(clean.status.success() && clean.stdout.is_empty(), "{}", told(&clean));

        stage.later();
        JOBS.iter().for_each(|job| drop(stage.run(*job)));
        let numbers = stage.db.rows("SELECT number FROM invoices ORDER BY number");
        assert_eq!((numbers[0][0].as_str(), numbers.len().to_string().as_str()), ("INV-2026-000016", business::INVOICES));
        for (file, content) in sent.iter().zip(contents) {
            assert_eq!(std::fs::read(file).unwrap(), content, "{file} is as it was sent");
        }
        for proof in [&["db", "check"][..], &["audit", "verify"]] {
            let output = stage.command(proof).output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
        }
        assert_eq!(stage.db.value("SELECT COUNT(*) FROM audit_log WHERE action = 'database.reconciled'"), "1");

        // The same old copy once more: it has the id that the database had before.
        stage.put_back(same);
        for job in JOBS {
            let output = stage.job(*job).output().unwrap();
            assert_eq!(output.status.code(), Some(75), "{job:?}: {}", told(&output));
        }
    });
}

#[test]
fn a_witness_that_cannot_be_written_or_read_is_a_warning() {
    each_engine(|db| {
        let stage = Stage::new(db);
        let id = stage.db.value("SELECT value FROM meta WHERE key = 'database_id'");
        let witness = stage.witness(&id);
        // A folder of that name: even root cannot write it.
        std::fs::create_dir(&witness).unwrap();
        let output = stage.run(InvoicesGenerate);
        assert!(told(&output).contains("cannot be written"), "{}", told(&output));
        assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), business::INVOICES);
        std::fs::remove_dir(&witness).unwrap();
        std::fs::write(&witness, "no JSON").unwrap();
        let output = stage.run(InvoicesIssue);
        assert!(told(&output).contains("cannot be read"), "{}", told(&output));
        let written = std::fs::read_to_string(&witness).unwrap();
        let latest = stage.db.value("SELECT run_id FROM runs WHERE job = 'invoices.issue'");
        assert!(written.contains(&latest) && written.contains(&id), "{written}");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&witness).unwrap().permissions().mode() & 0o777, 0o600);
    });
}
