//! What it costs to find out who is to be reminded: `cargo bench --bench reminders -- [INVOICES]` (100,000).
//!
//! The invoices are written by bare SQL, five a company, all of them overdue; then the binary says who would
//! get what. The yardstick, in the same run, is `sqlite3` adding up what each of those invoices has left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

mod support;

use rusqlite::Connection;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use support::{child, ratio};

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const AS_OF: &str = "2026-10-05T08:00:00Z";
const PER_COMPANY: u64 = 5;

const BUSINESS: &str = "
  INSERT INTO sellers (seller_id, name, address_line1, address_line2, postal_code, city, region, country, tax_id, registration, email,
    phone, website, bank_name, iban, bic, bank_account, time_zone, language, payment_terms_days, series_id, number_format, tax_code,
    logo_sha256, footer)
  VALUES ('de', 'Muster GmbH', '', '', '', '', '', 'DE', '', '', '', '', '', '', '', '', '', 'Europe/Berlin', 'de', 14, 'de',
    'R-{seq}', 'standard', '', '');
  CREATE TEMP TABLE counted (n INTEGER PRIMARY KEY);";

const INVOICES: [&str; 3] = [
    "INSERT INTO counted WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ?1 - 1) SELECT n FROM c",
    "INSERT INTO companies (company_id, name, attention, address_line1, address_line2, postal_code, city, region, country, tax_id,
       email, time_zone, language, payment_terms_days, consolidate, billing_day, tax_code, reference)
     SELECT printf('C%08d', n), printf('Company %d', n), '', '', '', '', '', '', 'DE', '', printf('c%d@example.com', n), '', '', NULL,
       0, 1, '', '' FROM counted WHERE n < ?1 / 5",
    "INSERT INTO invoices (company_id, invoice_id, state, seller_id, currency, contract_id, period_start, period_end, revision,
       number, issued_on, due_on, payment_terms_days, tax_inclusive, reference, net_minor, tax_minor, total_minor, stale, edited)
     SELECT printf('C%08d', n / 5), printf('0180fd5c-0000-7000-8000-%012d', n), 'open', 'de', 'EUR', '', '2026-08-01', '2026-09-01', 0,
       printf('R-%09d', n), '2026-09-15', printf('2026-09-%02d', 29 + n % 2), 14, 0, '', 10000, 1900, 11900, 0, 0
     FROM counted WHERE n < ?1",
];

fn main() {
    let asked = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(100_000);
    let invoices = asked.div_ceil(PER_COMPANY) * PER_COMPANY;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("finops.db");
    child(finops(&database).args(["db", "migrate"]));
    fill(&database, invoices);

    let question =
        "SELECT COUNT(*), SUM(left) FROM (SELECT total_minor - (SELECT COALESCE(SUM(amount_minor), 0) FROM payment_allocations a
        WHERE a.company_id = i.company_id AND a.invoice_id = i.invoice_id) AS left
      FROM invoices i WHERE state = 'open' AND due_on < '2026-10-05')";
    let (counted, shell, _) = child(Command::new("sqlite3").arg(&database).arg(question));
    assert!(counted.starts_with(&format!("{invoices}|")), "{counted}");
    let remind = ["reminders", "send", "--kind", "overdue", "--dry-run", "--json"];
    let (said, cost, peak) = child(finops(&database).args(remind));
    let due = format!("\"done\":{}", invoices / PER_COMPANY);
    assert!(said.lines().last().is_some_and(|line| line.contains(&due)), "{:?}", said.lines().last());
    let line = format!(
        "{invoices} overdue invoices, who would be reminded: {} ms wall, {} ms CPU, peak {peak} MiB; {} of sqlite3 adding them up ({} ms)",
        cost.wall_ms,
        cost.cpu_ms,
        ratio(cost.cpu_ms, shell.cpu_ms),
        shell.cpu_ms
    );
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

fn finops(database: &Path) -> Command {
    let mut command = Command::new(FINOPS);
    command.arg("--database").arg(format!("sqlite:{}", database.display())).args(["--now", AS_OF]);
    command
}

fn fill(database: &Path, invoices: u64) {
    let mut db = Connection::open(database).unwrap();
    let filling = db.transaction().unwrap();
    filling.execute_batch(BUSINESS).unwrap();
    for sql in INVOICES {
        filling.execute(sql, [i64::try_from(invoices).unwrap()]).unwrap();
    }
    filling.commit().unwrap();
}
