//! What a tick of cron with nothing due costs on a long history:
//! `cargo bench --bench history -- [INVOICES] [CONTRACTS]` (10,000,000 and 100,000; some 9 GB of disk).
//!
//! The contracts are imported and billed by the binary. The history is written behind them by bare SQL:
//! paid invoices with their periods, and effects that were carried out. The yardstick, in the same run,
//! is `sqlite3` asking the same file one indexed question.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

mod support;

use rusqlite::Connection;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use support::ratio;

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const AS_OF: &str = "2026-10-05T08:00:00Z";

/// `?1` invoices of the contracts, each some days of a past that goes back as far as it must.
const HISTORY: [&str; 3] = [
    "INSERT INTO invoices (company_id, invoice_id, state, seller_id, currency, contract_id, period_start, period_end, revision,
       number, issued_on, due_on, payment_terms_days, tax_inclusive, reference, net_minor, tax_minor, total_minor, stale, edited)
     SELECT company_id, printf('0180fd5c-0000-7000-8000-%012d', n), 'paid', 'history', 'EUR', 'c', printf('1%06d', n),
       printf('1%06d', n + 1), 0, printf('OLD-%09d', n), '2020-01-01', '2020-01-15', 14, 0, '', 10000, 1900, 11900, 0, 0
     FROM (WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1 - 1) SELECT n FROM counted)
     JOIN keys ON keys.at = n % (SELECT COUNT(*) FROM keys)",
    "INSERT INTO billed_periods (company_id, contract_id, period_start, revision, period_end, invoice_id)
     SELECT company_id, 'history', period_start, 0, period_end, invoice_id FROM invoices WHERE seller_id = 'history'",
    "INSERT INTO effects (company_id, idempotency_key, kind, subject, state, attempts, error, provider_ref, planned_at, settled_at)
     SELECT company_id, 'document.pdf:history:' || number, 'document.pdf', invoice_id, 'succeeded', 1, '', number || '.pdf',
       '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:01.000Z' FROM invoices WHERE seller_id = 'history'",
];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (invoices, contracts) = (numbers.next().unwrap_or(10_000_000), numbers.next().unwrap_or(100_000));
    let folder = tempfile::tempdir().unwrap();
    let (data, database) = (folder.path().join("data"), folder.path().join("finops.db"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/large.sh");
    assert!(Command::new("sh").arg(script).arg(contracts.to_string()).arg(&data).status().unwrap().success());
    for args in [&["db", "migrate"][..], &["import", data.to_str().unwrap()], &["invoices", "generate"]] {
        assert!(finops(&database, args).stdout(Stdio::null()).status().unwrap().success());
    }
    nothing_due(&database, contracts);
    write_history(&database, invoices);
    nothing_due(&database, contracts + invoices);
}

fn write_history(database: &Path, invoices: u64) {
    let db = Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -1048576; PRAGMA foreign_keys = OFF;
         CREATE TEMP TABLE keys (at INTEGER PRIMARY KEY, company_id TEXT);
         INSERT INTO keys SELECT ROW_NUMBER() OVER () - 1, company_id FROM companies",
    )
    .unwrap();
    for sql in HISTORY {
        let count =
            if sql.contains("?1") { db.execute(sql, [i64::try_from(invoices).unwrap()]) } else { db.execute(sql, []) }.unwrap();
        assert_eq!(u64::try_from(count).unwrap(), invoices);
    }
    db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
}

fn finops(database: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(FINOPS);
    command.arg("--database").arg(format!("sqlite:{}", database.display())).args(["--now", AS_OF]).args(args);
    command
}

/// The medians of 21 runs each, whole processes.
fn nothing_due(database: &Path, history: u64) {
    let median = |run: &dyn Fn() -> Output| {
        let mut micros: Vec<u64> = (0..21)
            .map(|_| {
                let clock = Instant::now();
                assert!(run().status.success());
                u64::try_from(clock.elapsed().as_micros()).unwrap()
            })
            .collect();
        micros.sort_unstable();
        micros[10]
    };
    let question = format!("SELECT COUNT(*) FROM billing_schedule WHERE next_due_on <= '{}'", &AS_OF[..10]);
    let shell = median(&|| Command::new("sqlite3").arg(database).arg(&question).output().expect("apt-get install sqlite3"));
    for args in [&["invoices", "generate"][..], &["effects", "settle"]] {
        let ours = median(&|| finops(database, args).output().unwrap());
        let line = format!(
            "{history} invoices, {}, nothing due: {ours} µs; sqlite3 {shell} µs; {} of it",
            args.join(" "),
            ratio(ours, shell)
        );
        writeln!(std::io::stdout().lock(), "{line}").unwrap();
    }
}
