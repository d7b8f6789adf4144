//! How several workers share a job on one Postgres: `cargo bench --bench workers -- [N]` (50,000 contracts).
//!
//! One, two and four `finops invoices generate` at once, each time on a fresh copy of the same
//! database, on a server of our own on this machine. Client and server share its cores: with two of
//! them, two workers are all that it can carry.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

#[path = "../tests/support/postgres.rs"]
#[allow(dead_code)]
mod server;
mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;
use support::ratio;

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const AS_OF: &str = "2026-10-05T08:00:00Z";

fn main() {
    let contracts: u64 = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(50_000);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/large.sh");
    assert!(Command::new("sh").arg(script).arg(contracts.to_string()).arg(&data).status().unwrap().success());
    let durable = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=8GB"];
    let server = server::start(&durable, |_| {}).expect("Postgres is needed: apt-get install postgresql");
    let prepared = server.create(None);
    let finops = |url: &str, args: &[&str]| {
        let mut command = Command::new(FINOPS);
        command.current_dir(folder.path()).args(["--database", url, "--now", AS_OF]).args(args);
        command.stdout(Stdio::null());
        command
    };
    for args in [&["db", "migrate"][..], &["import", data.to_str().unwrap()]] {
        assert!(finops(&server.url(&prepared), args).status().unwrap().success());
    }
    server.client(&prepared).batch_execute("VACUUM ANALYZE").unwrap();
    let mut one = 0;
    for workers in [1, 2, 4] {
        let database = server.create(Some(&prepared));
        let url = server.url(&database);
        let clock = Instant::now();
        // Its own machine, so to say: a copy of a database that ran here would be taken for an old backup.
        let machine = folder.path().join(workers.to_string());
        std::fs::create_dir(&machine).unwrap();
        let work = || finops(&url, &["invoices", "generate"]).current_dir(&machine).spawn().unwrap();
        let children: Vec<_> = (0..workers).map(|_| work()).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success(), "a worker failed");
        }
        let millis = u64::try_from(clock.elapsed().as_millis()).unwrap();
        let drafts: i64 = server.client(&database).query_one("SELECT COUNT(*) FROM billed_periods", &[]).unwrap().get(0);
        let a_second = u64::try_from(drafts).unwrap() * 1000 / millis;
        if workers == 1 {
            one = a_second;
        }
        let line =
            format!("{workers} workers: {drafts} drafts in {millis} ms, {a_second} a second, {} of one", ratio(a_second, one));
        writeln!(std::io::stdout().lock(), "{line}").unwrap();
        server.drop(&database);
    }
}
