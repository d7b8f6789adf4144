//! What an import costs: `cargo bench --bench import -- [ROWS]` (1,000,000 companies).
//!
//! The binary imports the file into SQLite, with its audit rows; then it imports it again, which changes nothing.
//! The yardstick, in the same run, is `.import` of `sqlite3`: the same file into a bare table with the same key.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

mod support;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use support::{Cost, child, ratio};

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const SELLER: &str = "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n";
const HEAD: &str = "company_id,name,address_line1,postal_code,city,country,email";

fn main() {
    let rows = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let (database, file, bare) =
        (folder.path().join("finops.db"), folder.path().join("companies.csv"), folder.path().join("bare.db"));
    write(&file, rows);
    let sellers = folder.path().join("sellers.csv");
    std::fs::write(&sellers, SELLER).unwrap();
    child(finops(&database).args(["db", "migrate"]));
    child(finops(&database).args(["import", "sellers"]).arg(&sellers));

    let columns = HEAD.split(',').map(|name| format!("{name} TEXT NOT NULL")).collect::<Vec<_>>().join(", ");
    let script = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE companies ({columns}, PRIMARY KEY (company_id)) WITHOUT ROWID;"
    );
    let import = format!(".import --csv --skip 1 {} companies", file.display());
    let (_, yardstick, _) = child(Command::new("sqlite3").arg(&bare).arg(script).arg("BEGIN").arg(import).arg("COMMIT"));

    let (_, first, peak) = child(finops(&database).args(["import", "companies"]).arg(&file));
    tell("added", rows, first, peak, yardstick);
    let (_, again, peak) = child(finops(&database).args(["import", "companies"]).arg(&file));
    tell("unchanged", rows, again, peak, yardstick);
}

fn tell(what: &str, rows: u64, cost: Cost, peak: u64, yardstick: Cost) {
    let line = format!(
        "{rows} companies {what}: {} rows a second, {} ms CPU, peak {peak} MiB; {} of the time that sqlite3 took ({} ms)",
        rows * 1000 / cost.wall_ms.max(1),
        cost.cpu_ms,
        ratio(cost.wall_ms, yardstick.wall_ms),
        yardstick.wall_ms
    );
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

fn finops(database: &Path) -> Command {
    let mut command = Command::new(FINOPS);
    command.arg("--database").arg(format!("sqlite:{}", database.display()));
    command
}

fn write(file: &Path, rows: u64) {
    let mut out = BufWriter::new(File::create(file).unwrap());
    writeln!(out, "{HEAD}").unwrap();
    for n in 0..rows {
        let (street, code) = (n % 1000, 10_000 + n % 80_000);
        writeln!(out, "C{n:08},Company {n} GmbH,Street {street},{code},Berlin,DE,accounts{n}@example.com").unwrap();
    }
    out.flush().unwrap();
}
