//! What must be true after a year, whatever happened in it, and how alike two years must be.

use crate::support::audit;
use crate::support::books::{files, named, raw};
use crate::tiling;
use crate::world::{Ended, Flags, World};
use chrono::{NaiveDate, TimeDelta};
use finops::jobs::JobKind;
use finops::operations::check as db_check;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Ways in which lines came about, of all years: what never comes up is not tested.
pub static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Checks one year's end by itself.
pub fn check(world: &mut World) {
    let db = &world.db;
    let ways = db.rows("SELECT DISTINCT kind, CASE WHEN details = '' THEN '' ELSE SUBSTR(details, 11, 8) END FROM invoice_lines");
    SEEN.lock().unwrap().extend(ways.into_iter().map(|way| way.join(" ")));
    let none = |sql: &str| {
        let found = db.rows(sql);
        assert!(found.is_empty(), "{sql}: {found:?}");
    };
    assert_eq!(db_check::check(&mut db.open()).unwrap(), [], "finops db check");
    audit::verify(db);
    tiling::check(db, world.now);
    numbers(world);
    // A mail of which nothing is owed any more when it is its turn is dropped.
    none(
        "SELECT company_id, idempotency_key, state, attempts, error FROM effects WHERE state <> 'succeeded'
           AND NOT (state = 'abandoned' AND kind = 'message.email' AND class = 'obsolete')",
    );
    reminders(world);
    none("SELECT company_id, invoice_id FROM invoices WHERE state = 'draft' AND stale = 0");
    // Each payment settles, or is the company's credit.
    none(
        "SELECT p.company_id, p.reference, p.amount_minor FROM payments p WHERE p.amount_minor <>
           COALESCE((SELECT SUM(a.amount_minor) FROM payment_allocations a
             WHERE a.company_id = p.company_id AND a.provider = p.provider AND a.reference = p.reference), 0)
           + COALESCE((SELECT SUM(c.amount_minor) FROM credit_entries c
             WHERE c.company_id = p.company_id AND c.entry_key = 'payment:' || p.provider || ':' || p.reference), 0)",
    );
    none(
        "SELECT i.company_id, i.number, i.state FROM invoices i WHERE i.total_minor > 0 AND i.kind = 'invoice' AND (i.state = 'paid') <>
           (i.total_minor = COALESCE((SELECT SUM(a.amount_minor) FROM payment_allocations a
             WHERE a.company_id = i.company_id AND a.invoice_id = i.invoice_id), 0)
             - COALESCE((SELECT SUM(c.amount_minor) FROM credit_entries c
             WHERE c.company_id = i.company_id AND c.invoice_id = i.invoice_id), 0))",
    );
    // What came to be the companies' credit is still there, was paid out, or settles invoices.
    none(
        "SELECT c.company_id, c.entry_key, c.amount_minor FROM credit_entries c WHERE c.amount_minor < 0
           AND c.invoice_id = '' AND c.entry_key NOT LIKE 'refund:%'",
    );
    let issued = db.value("SELECT COUNT(*) FROM invoices WHERE state <> 'draft'");
    assert!(issued.parse::<u32>().unwrap() > 0, "a year without an invoice tests nothing");
    assert_eq!(files(db, &world.documents(), "the documents").to_string(), issued);
    changes_nothing(world);
}

/// Each level of an invoice once, later ones later; none before its day, none after the invoice was settled; and
/// each in mails that name it.
fn reminders(world: &World) {
    let rows = world.db.rows(
        "SELECT r.company_id, r.invoice_id, r.level, r.message_key, r.planned_at, i.due_on, i.issued_on,
           COALESCE((SELECT MAX(p.received_on) FROM payment_allocations a JOIN payments p ON p.company_id = a.company_id
             AND p.provider = a.provider AND p.reference = a.reference
             WHERE i.state = 'paid' AND a.company_id = r.company_id AND a.invoice_id = r.invoice_id), ''),
           COALESCE((SELECT MAX(c.entered_on) FROM credit_entries c
             WHERE i.state = 'paid' AND c.company_id = r.company_id AND c.invoice_id = r.invoice_id), '')
         FROM reminders r JOIN invoices i ON i.company_id = r.company_id AND i.invoice_id = r.invoice_id
         ORDER BY r.company_id, r.invoice_id, r.level",
    );
    let day = |text: &str| text[..10].parse::<NaiveDate>().unwrap();
    // Zones lie up to a day before and after the clock's.
    let a_day = TimeDelta::days(1);
    for row in &rows {
        let (level, planned): (i64, NaiveDate) = (row[2].parse().unwrap(), day(&row[4]));
        assert!(day(&row[5]) + TimeDelta::days(level) <= planned + a_day, "before its day: {row:?}");
        // By a payment or a credit note, whatever came last.
        let settled = Some(row[7].as_str().max(&row[8])).filter(|last| !last.is_empty()).map(day);
        let is_settled = settled.is_some_and(|settled| settled + a_day < planned);
        assert!(day(&row[6]) <= planned + a_day && !is_settled, "after it was settled: {row:?}");
        if !row[3].is_empty() {
            let mails = format!(
                "SELECT COUNT(*) FROM effects WHERE company_id = '{}' AND idempotency_key LIKE 'email:{}:%' AND payload LIKE '%{}%'",
                row[0], row[3], row[1]
            );
            assert_ne!(world.db.value(&mails), "0", "planned without a mail: {row:?}");
        }
    }
    for pair in rows.windows(2).filter(|pair| pair[0][..2] == pair[1][..2]) {
        assert!(pair[0][4] <= pair[1][4], "a lower level after a higher one: {pair:?}");
    }
    let sent = |level: &str| rows.iter().any(|row| row[2] == level && !row[3].is_empty());
    assert!(sent("1") && sent("10"), "a year without reminders tests nothing");
}

/// Contiguous from 1 in each series and year, with dates that ascend through all years.
fn numbers(world: &World) {
    let given = world.db.rows(
        "SELECT n.series_id, n.year, n.seq, i.issued_on, i.number FROM document_numbers n
           JOIN invoices i ON i.company_id = n.company_id AND i.invoice_id = n.document_id ORDER BY n.series_id, n.year, n.seq",
    );
    let issued = world.db.value("SELECT COUNT(*) FROM invoices WHERE number IS NOT NULL");
    assert_eq!(given.len().to_string(), issued, "each number is one invoice's");
    let mut last: BTreeMap<&str, (&str, u64, NaiveDate)> = BTreeMap::new();
    for row in &given {
        let (seq, on): (u64, NaiveDate) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        let before = last.insert(&row[0], (&row[1], seq, on));
        let expected = before.filter(|b| b.0 == row[1]).map_or(1, |b| b.1 + 1);
        assert_eq!(seq, expected, "no gap before {row:?}");
        assert!(before.is_none_or(|b| b.2 <= on), "dates ascend: {before:?}, {row:?}");
    }
}

/// Another run of everything, with nothing due, changes nothing.
fn changes_nothing(world: &mut World) {
    let before = settled(world);
    for job in JobKind::ALL {
        world.now += TimeDelta::seconds(1);
        match world.run(*job, &Flags::default()) {
            Ended::Done(summary) => assert_eq!((summary.done, summary.delivered), (0, 0), "{job}: nothing is due"),
            Ended::Failed(error) => panic!("{job}: {error}"),
            Ended::Crashed => panic!("{job} crashed by itself"),
        }
    }
    same(&before, &settled(world), "another run changes nothing");
}

/// As it is, but for the attempts at what cannot be done.
fn settled(world: &World) -> Vec<String> {
    raw(&world.db).into_iter().filter(|row| !row.starts_with("run_items:")).collect()
}

/// Holds the year with faults against the undisturbed one.
pub fn compare(undisturbed: &World, disturbed: &World, late: bool) {
    assert_eq!(undisturbed.journal, disturbed.journal, "what was done by hand had the same outcome");
    let left = |world: &World| if late { essence(world) } else { whole(world) };
    same(&left(undisturbed), &left(disturbed), "the books");
}

/// A mail by its company, key, kind and subject: whether it went before nobody needed it any more may depend on
/// when a fault let it go.
fn without_state(row: String) -> String {
    if row.starts_with("effects: ") && row.contains(" | message.email | ") {
        return row.split(" | ").take(4).collect::<Vec<_>>().join(" | ");
    }
    row
}

/// Everything, in the same order in each company's audit log but for what was tried again.
fn whole(world: &World) -> Vec<String> {
    let rows = raw(&world.db).into_iter().filter(|row| !row.starts_with("audit_")).map(without_state).collect();
    let audited = "SELECT l.company_id, l.actor, l.action, l.entity, l.entity_id, p.payload FROM audit_log l
      JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq
      WHERE l.action NOT LIKE 'effect.%' ORDER BY l.company_id, l.seq";
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    let mut audit: Vec<String> = Vec::new();
    for row in world.db.rows(audited) {
        let place = places.entry(row[0].clone()).or_default();
        *place += 1;
        audit.push(format!("audit {place}: {}", row.join(" | ")));
    }
    let mut rows = named(&world.db, rows);
    rows.extend(named(&world.db, audit));
    rows
}

/// What must be equal when nights went wrong until the next day. An invoice is then issued later
/// than it would have been, so its number and dates differ, and what is billed without a contract
/// may stand on another invoice of the company (the first that is made after it became due). So:
/// each period, each line of a contract and each billable item, with its figures, but not on which
/// invoice. With prices that include tax the net of a line depends on the other lines; there the
/// gross must do.
fn essence(world: &World) -> Vec<String> {
    let queries = [
        "SELECT 'period', company_id, contract_id, period_start, period_end, revision FROM billed_periods",
        "SELECT 'line', l.company_id, l.contract_id, i.revision, i.currency, l.item_id, l.kind, l.description, l.quantity, l.unit_price,
           l.period_start, l.period_end, l.days, l.of_days, l.tax_category, l.tax_rate, l.amount_minor,
           CASE WHEN i.tax_inclusive = 1 THEN 0 ELSE l.net_minor END
           FROM invoice_lines l JOIN invoices i ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id
           WHERE l.contract_id <> '' AND i.kind = 'invoice'",
        "SELECT DISTINCT 'item', l.company_id, l.source_key, i.currency, l.description, l.quantity, l.unit_price, l.tax_category, l.tax_rate,
           l.amount_minor FROM invoice_lines l JOIN invoices i ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id
           WHERE l.source_key <> '' AND i.kind = 'invoice'",
        "SELECT 'open', company_id, source_key FROM billable_items WHERE invoice_id IS NULL",
        "SELECT 'schedule', company_id, contract_id, next_start, next_due_on FROM billing_schedule",
        "SELECT 'void', b.company_id, b.contract_id, b.period_start, b.revision FROM billed_periods b
           JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id WHERE i.state = 'void'",
    ];
    let queries: Vec<String> = queries.map(str::to_owned).to_vec();
    let mut rows: Vec<String> = world.db.rows_of(&queries).into_iter().flatten().map(|row| row.join(" | ")).collect();
    rows.sort();
    rows
}

/// Equal row by row; told by the first rows that only one of them has.
fn same(one: &[String], other: &[String], what: &str) {
    if one == other {
        return;
    }
    let lacking = |from: &[String], of: &[String]| -> String {
        let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
        of.iter().for_each(|row| *counts.entry(row).or_default() += 1);
        from.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
        counts.into_iter().filter(|(_, n)| *n > 0).take(12).map(|(row, n)| format!("  {n} × {}\n", cut(row))).collect()
    };
    panic!("{what}:\nonly before, or undisturbed:\n{}only after, or with faults:\n{}", lacking(other, one), lacking(one, other));
}

fn cut(row: &str) -> String {
    row.chars().take(400).collect()
}
