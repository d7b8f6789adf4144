//! Two at once, and a run that is asked to stop.

use crate::business;
use crate::oracle::{check, undisturbed};
use crate::stage::{Stage, told};
use crate::support::TestDb;
use finops::engine::lock;
use finops::jobs::JobKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The jobs that work in batches of companies.
const BILLING: [JobKind; 2] = [JobKind::InvoicesGenerate, JobKind::InvoicesIssue];

pub fn each_engine(body: impl Fn(TestDb)) {
    for db in [Some(TestDb::sqlite()), TestDb::postgres(), TestDb::citus()].into_iter().flatten() {
        body(business::prepare(db));
    }
}

#[test]
fn two_at_once_bill_everything_once() {
    each_engine(|db| {
        let expected = undisturbed(db.copy());
        let mut stage = Stage::new(db);
        for job in BILLING {
            let start = || stage.job(job).args(["--lock-wait", "60s"]).spawn().unwrap();
            for child in [start(), start(), start()] {
                let output = child.wait_with_output().unwrap();
                assert!(matches!(output.status.code(), Some(0 | 3)), "{}", told(&output));
            }
        }
        stage.settle();
        check(&mut stage, &expected, "three at once");
    });
}

#[test]
fn two_at_once_send_each_invoice_once() {
    each_engine(|db| {
        let mut stage = Stage::new(db).in_pages_of(2);
        business::until_due(&mut stage, JobKind::InvoicesSend);
        let start = || stage.job(JobKind::InvoicesSend).args(["--lock-wait", "60s"]).spawn().unwrap();
        for child in [start(), start(), start()] {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", super::stage::told(&output));
        }
        // Whose page comes first is chance, and what another had claimed is left to the next run.
        stage.run(JobKind::InvoicesSend);
        let count = |of: &str| stage.db.value(&format!("SELECT COUNT(*) FROM {of}"));
        assert_eq!(count("events WHERE audience = 'customer' AND state = 'new'"), "0");
        assert_eq!(count("effects WHERE kind = 'message.email' AND (attempts <> 1 OR state <> 'succeeded')"), "0");
        let mails = stage.mail.taken().len();
        assert!(mails > 5);
        assert_eq!(count("effects WHERE kind = 'message.email'"), mails.to_string());
    });
}

#[test]
fn two_at_once_tell_each_thing_once() {
    each_engine(|db| {
        let stage = Stage::new(db).in_pages_of(2).alerting();
        let business::Before { mut stage, expected, .. } = business::Before::of(stage, JobKind::AlertsDispatch);
        let told = "SELECT COUNT(*) FROM notifications";
        assert_eq!(stage.db.value(told), "0");
        let start = || stage.job(JobKind::AlertsDispatch).args(["--lock-wait", "60s"]).spawn().unwrap();
        for child in [start(), start(), start()] {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", super::stage::told(&output));
        }
        let invoices: u32 = business::INVOICES.parse().unwrap();
        assert_eq!(stage.db.value(told), (invoices + 1).to_string(), "each invoice, and what could not be billed");
        let staff = "kind = 'message.in_app' OR recipient LIKE 'anna@%'";
        assert_eq!(stage.db.value(&format!("SELECT COUNT(*) FROM effects WHERE ({staff}) AND attempts <> 1")), "0");
        stage.settle();
        check(&mut stage, &expected, "three dispatchers at once");
    });
}

#[test]
fn on_sqlite_the_second_says_try_again_later() {
    let db = business::prepare(TestDb::sqlite());
    let url = db.url();
    let stage = Stage::new(db);
    let held =
        lock::acquire(Path::new(url.strip_prefix("sqlite:").unwrap()), "invoices.generate", Duration::ZERO, &|| Ok(())).unwrap();
    let output = stage.job(JobKind::InvoicesGenerate).output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", told(&output));
    assert!(told(&output).contains(&std::process::id().to_string()), "it says who holds it: {}", told(&output));
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), "0");
    drop(held);
    stage.run(JobKind::InvoicesGenerate);
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), business::INVOICES);
}

/// Waits until something becomes true; a test that waits in vain fails.
pub fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not happen within 30 seconds");
}

/// The job is held up at its first write, is told to stop, and goes on.
#[test]
fn a_run_that_is_told_to_stop_records_its_batch_and_the_next_goes_on() {
    each_engine(|db| {
        let expected = undisturbed(db.copy());
        let mut stage = Stage::new(db);
        for job in BILLING {
            let output = if stage.db.is_sqlite() {
                let writer = stage.db.rusqlite();
                writer.execute_batch("BEGIN IMMEDIATE").unwrap();
                let child = stage.job(job).spawn().unwrap();
                let lock = format!("{}-{}.lock", stage.db.url().trim_start_matches("sqlite:"), job);
                let taken = || std::fs::read_to_string(&lock).is_ok_and(|pid| pid == child.id().to_string());
                until("the lock", taken);
                terminate(child.id());
                writer.execute_batch("ROLLBACK").unwrap();
                child.wait_with_output().unwrap()
            } else {
                let mut writer = stage.db.client();
                writer.batch_execute("BEGIN; LOCK TABLE runs").unwrap();
                let child = stage.job(job).spawn().unwrap();
                until("the wait", || {
                    stage.db.value("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'runs'::regclass") == "1"
                });
                terminate(child.id());
                writer.batch_execute("ROLLBACK").unwrap();
                child.wait_with_output().unwrap()
            };
            assert_eq!(output.status.code(), Some(143), "{job}: {}", told(&output));
            let ended = format!("SELECT COUNT(*) FROM runs WHERE outcome = 'terminated' AND job = '{}'", job);
            assert_eq!(stage.db.value(&ended), "1", "{}", told(&output));
            // The contracts are its first page, the item that stands alone the next.
            let state = if job == JobKind::InvoicesGenerate { "draft" } else { "open" };
            let recorded: u32 =
                stage.db.value(&format!("SELECT COUNT(*) FROM invoices WHERE state = '{state}'")).parse().unwrap();
            assert!(recorded >= 12, "the page in hand is recorded: {recorded}");
            stage.run(job);
        }
        stage.settle();
        check(&mut stage, &expected, "terminated");
    });
}

fn terminate(pid: u32) {
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -TERM {pid}")]).status().unwrap().success());
    // The signal is there once the process was scheduled.
    std::thread::sleep(Duration::from_millis(200));
}

/// The file may not grow beyond what it is: as if the disk were full.
#[test]
fn a_write_that_fails_leaves_nothing_half_written() {
    let db = business::prepare(TestDb::sqlite());
    let expected = undisturbed(db.copy());
    let mut stage = Stage::new(db);
    let program = stage.job(JobKind::InvoicesGenerate);
    let mut shell = Command::new("/bin/sh");
    // Ignored, the signal becomes the error EFBIG. 8 blocks of 512 or 1024 bytes hold no page of a journal.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "limited"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(program.get_current_dir().unwrap());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), "0");
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM billed_periods"), "0");
    stage.settle();
    check(&mut stage, &expected, "the disk was full");
}
