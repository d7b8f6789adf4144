//! What a night's drafts cost: `cargo bench --bench generate -- [N] [mixed]` (100,000 contracts of 3
//! items; with `mixed`, of all price models, with plans, usage, discounts and two tax rates).
//!
//! The release binary imports `examples/large.sh N [mixed]`, then drafts a month. The yardstick, in the same
//! run, is a bare loop that writes exactly the rows which the job left: same schema, same
//! pragmas, same 500 invoices a transaction, prepared statements.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]
#![allow(clippy::cast_possible_truncation, reason = "microseconds of a bench fit")]

mod postgres;
#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code)]
mod server;
#[path = "../support/mod.rs"]
mod support;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::time::Instant;
use support::{Cost, child, here, ratio};

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const AS_OF: &str = "2026-10-05T08:00:00Z";
/// As many as the job has (context::BATCH).
const BATCH: usize = 500;

/// The first so many of `WRITES` are of invoices, and begin with the company.
const OF_INVOICES: usize = 4;

/// The rows that the job wrote, and the bare statement that writes them: of runs and heartbeats there
/// are one or two in all, so they do not count.
const WRITES: [(&str, &str); 8] = [
    ("SELECT * FROM invoices ORDER BY company_id", "INSERT INTO invoices VALUES"),
    ("SELECT * FROM invoice_lines ORDER BY company_id", "INSERT INTO invoice_lines VALUES"),
    ("SELECT * FROM invoice_taxes ORDER BY company_id", "INSERT INTO invoice_taxes VALUES"),
    ("SELECT * FROM billed_periods ORDER BY company_id", "INSERT INTO billed_periods VALUES"),
    ("SELECT * FROM audit_log WHERE run_id <> ''", "INSERT INTO audit_log VALUES"),
    (
        "SELECT p.* FROM audit_payloads p JOIN audit_log l ON l.company_id = p.company_id AND l.seq = p.seq WHERE l.run_id <> ''
         ORDER BY p.company_id, p.seq",
        "INSERT INTO audit_payloads VALUES",
    ),
    ("SELECT seq, hash, company_id FROM audit_heads", "UPDATE audit_heads SET seq = ?1, hash = ?2 WHERE company_id = ?3"),
    (
        "SELECT next_start, next_due_on, revision, company_id, contract_id FROM billing_schedule",
        "UPDATE billing_schedule SET next_start = ?1, next_due_on = ?2, revision = ?3 WHERE company_id = ?4 AND contract_id = ?5",
    ),
];

fn main() {
    let contracts: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let prepared = folder.path().join("prepared.db");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/large.sh");
    let mixed = std::env::args().find(|a| a == "mixed");
    let mut large = Command::new("sh");
    large.arg(script).arg(contracts.to_string()).arg(&data).args(mixed);
    assert!(large.status().unwrap().success());
    let url = |path: &Path| format!("sqlite:{}", path.display());

    finops(&url(&prepared), &["db", "migrate"]);
    let (_, import, import_peak) = finops(&url(&prepared), &["import", data.to_str().unwrap()]);
    let imported = rows_in(&data);
    say(&format!("import: {} rows a second, peak {import_peak} MiB", rows_a_second(imported, import)));

    let (ours, bare) = (folder.path().join("ours.db"), folder.path().join("bare.db"));
    fs::copy(&prepared, &ours).unwrap();
    fs::copy(&prepared, &bare).unwrap();
    let (_, job, peak) = finops(&url(&ours), &["invoices", "generate"]);
    let yardstick = bare_writes(&ours, &bare);
    say(&format!(
        "SQLite: {contracts} drafts, {} µs CPU each, peak {peak} MiB; yardstick {} µs; {} of it",
        job.cpu_ms * 1000 / contracts as u64,
        yardstick.cpu_ms * 1000 / contracts as u64,
        ratio(job.cpu_ms, yardstick.cpu_ms)
    ));
    nothing_due(&ours, AS_OF);
    ten_times_the_history(&ours);
    on_postgres(&data, contracts);
}

/// Nine more months of drafts, and the same tick again. They lie in the future of today, so the
/// database is marked as a test.
fn ten_times_the_history(database: &Path) {
    let later = "2027-07-05T08:00:00Z";
    Connection::open(database).unwrap().execute("INSERT INTO meta VALUES ('test', 'true')", []).unwrap();
    let url = format!("sqlite:{}", database.display());
    child(Command::new(FINOPS).args(["--database", &url, "--now", later, "invoices", "generate", "--yes"]));
    nothing_due(database, later);
}

/// The same data and job on a Postgres server of our own, which flushes to the disk.
fn on_postgres(data: &Path, contracts: usize) {
    let durable = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB"];
    let Some(server) = server::start(&durable, |_| {}) else { return };
    let pid = fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    let postmaster: u32 = pid.lines().next().unwrap().parse().unwrap();
    let prepared = server.create(None);
    finops(&server.url(&prepared), &["db", "migrate"]);
    let (_, import, _) = finops(&server.url(&prepared), &["import", data.to_str().unwrap()]);
    say(&format!("Postgres import: {} rows a second", rows_a_second(rows_in(data), import)));
    server.client(&prepared).batch_execute("VACUUM ANALYZE").unwrap();
    let bare = server.create(Some(&prepared));
    let before = postgres::settled(postmaster);
    let (_, job, peak) = finops(&server.url(&prepared), &["invoices", "generate"]);
    let job = job.plus(Cost { cpu_ms: postgres::settled(postmaster) - before, wall_ms: 0 });
    let yardstick = postgres::bare_writes(&mut server.client(&prepared), server.client(&bare), postmaster);
    say(&format!(
        "Postgres: {contracts} drafts, {} µs CPU each (client and server), {} ms, peak {peak} MiB; yardstick {} µs, {} ms; {} of its CPU, {} of its time",
        job.cpu_ms * 1000 / contracts as u64,
        job.wall_ms,
        yardstick.cpu_ms * 1000 / contracts as u64,
        yardstick.wall_ms,
        ratio(job.cpu_ms, yardstick.cpu_ms),
        ratio(job.wall_ms, yardstick.wall_ms)
    ));
}

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

fn finops(url: &str, args: &[&str]) -> (String, Cost, u64) {
    child(Command::new(FINOPS).args(["--database", url, "--now", AS_OF]).args(args))
}

/// The rows of the files of a folder, without their headers.
fn rows_in(data: &Path) -> usize {
    let files = fs::read_dir(data).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    files.map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() - 1).sum()
}

fn rows_a_second(rows: usize, cost: Cost) -> u64 {
    rows as u64 * 1000 / cost.wall_ms.max(1)
}

/// All rows of a query.
fn rows(from: &Connection, query: &str) -> Vec<Vec<Value>> {
    let mut statement = from.prepare(query).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        all.push((0..columns).map(|c| row.get::<_, Value>(c).unwrap()).collect());
    }
    all
}

/// Where each table's rows are cut into batches: those of invoices by company, so that a batch has
/// all of an invoice, however many lines it has; the others evenly.
fn cuts(companies: &[Vec<&str>], lengths: &[usize], batches: usize) -> Vec<Vec<usize>> {
    let even = |length: usize| (0..=batches).map(|batch| length * batch / batches).collect::<Vec<_>>();
    let by_company = |of: &Vec<&str>| {
        let inner = (1..batches).map(|batch| {
            let first = companies[0][companies[0].len() * batch / batches];
            of.partition_point(|company| *company < first)
        });
        std::iter::once(0).chain(inner).chain([of.len()]).collect::<Vec<_>>()
    };
    let of_invoices = companies.iter().map(by_company);
    of_invoices.chain(lengths.iter().skip(companies.len()).map(|length| even(*length))).collect()
}

/// The bare loop. Reading the rows beforehand does not count.
fn bare_writes(from: &Path, into: &Path) -> Cost {
    let from = Connection::open(from).unwrap();
    let mut into = Connection::open(into).unwrap();
    into.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768;",
    )
    .unwrap();
    into.set_prepared_statement_cache_capacity(64);
    let written: Vec<(Vec<Vec<Value>>, String)> = WRITES
        .iter()
        .map(|(query, statement)| {
            let rows = rows(&from, query);
            let places = vec!["?"; rows[0].len()].join(", ");
            (rows, if statement.ends_with("VALUES") { format!("{statement} ({places})") } else { (*statement).to_owned() })
        })
        .collect();
    let batches = written[0].0.len().div_ceil(BATCH);
    let companies: Vec<Vec<&str>> = written
        .iter()
        .take(OF_INVOICES)
        .map(|(rows, _)| rows.iter().map(|row| if let Value::Text(company) = &row[0] { company.as_str() } else { "" }).collect())
        .collect();
    let lengths: Vec<usize> = written.iter().map(|(rows, _)| rows.len()).collect();
    let cuts = cuts(&companies, &lengths, batches);
    let ((), cost) = here(|| {
        for batch in 0..batches {
            let tx = into.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
            for (table, (rows, statement)) in written.iter().enumerate() {
                let mut statement = tx.prepare_cached(statement).unwrap();
                for row in &rows[cuts[table][batch]..cuts[table][batch + 1]] {
                    statement.execute(params_from_iter(row)).unwrap();
                }
            }
            tx.commit().unwrap();
        }
    });
    cost
}

/// A tick of cron with nothing to do, against the sqlite3 shell asking one indexed question of the
/// same file: the median of 21 whole processes each.
fn nothing_due(database: &Path, as_of: &str) {
    let url = format!("sqlite:{}", database.display());
    let question = format!("SELECT COUNT(*) FROM billing_schedule WHERE next_due_on <= '{}'", &as_of[..10]);
    let median = |run: &dyn Fn() -> Output| {
        let mut micros: Vec<u128> = (0..21)
            .map(|_| {
                let clock = Instant::now();
                assert!(run().status.success());
                clock.elapsed().as_micros()
            })
            .collect();
        micros.sort_unstable();
        micros[10]
    };
    let ours =
        median(&|| Command::new(FINOPS).args(["--database", &url, "--now", as_of, "invoices", "generate"]).output().unwrap());
    let shell = median(&|| Command::new("sqlite3").arg(database).arg(&question).output().expect("apt-get install sqlite3"));
    say(&format!("nothing due as of {as_of}: {ours} µs; sqlite3 {shell} µs; {} of it", ratio(ours as u64, shell as u64)));
}
