//! What SQLite's planner is to believe of the tables that grow.
//!
//! Without statistics it takes every table for one of a million rows with ten to a company, and so
//! takes a primary key that begins with the company over a partial index that holds the few rows that
//! are open. What it is told here are the proportions of a database with years of history, the same
//! in each database, so that a statement goes the same way everywhere, however little is in yet.
//! Only the proportions count. tests/tidy/plans.rs asks how each statement goes about it.
//!
//! Somebody's own `ANALYZE` replaces them by what it counts, until the next step of the schema. Postgres
//! keeps its own statistics.

use super::value::Kind::Text;
use super::{Bulk, StoreError, Tx};

/// (table, index, statistic). The statistic: rows in the index, then how many share its first column,
/// its first two, and so on (sqlite.org/fileformat2.html, "The sqlite_stat1 table"). A WITHOUT ROWID
/// table's primary key bears its name. `noskipscan`: an index is not searched by its second column.
const STATISTICS: [(&str, &str, &str); 52] = [
    ("alerts", "alerts", "1000000 1000 1 noskipscan"),
    ("alerts", "alerts_open", "1000 10 1 noskipscan"),
    ("audit_log", "audit_log", "1000000 1000 1 noskipscan"),
    ("audit_payloads", "sqlite_autoindex_audit_payloads_1", "1000000 1000 1 noskipscan"),
    ("billable_items", "billable_items", "1000000 1000 1 noskipscan"),
    ("billable_items", "billable_items_contract", "10000 100 10 noskipscan"),
    ("billable_items", "billable_items_due", "1000 100 10 noskipscan"),
    ("billable_items", "billable_items_open", "1000 10 1 noskipscan"),
    ("billable_items", "billable_items_taken", "1000000 1000 10 noskipscan"),
    ("billed_periods", "billed_periods", "1000000 1000 20 1 1 noskipscan"),
    ("billed_periods", "billed_periods_invoice", "1000000 1000 2 noskipscan"),
    ("billing_schedule", "billing_schedule", "100000 10 1 noskipscan"),
    ("billing_schedule", "billing_schedule_due", "100000 1000 10 1 noskipscan"),
    ("contracts", "contracts", "100000 10 1 noskipscan"),
    ("contracts", "contracts_id", "100000 1"),
    ("credit_entries", "credit_entries", "1000000 1000 1 noskipscan"),
    ("credit_entries", "credit_entries_invoice", "1000000 1000 2 noskipscan"),
    ("digest_entries", "digest_entries", "1000000 1000 10 1 noskipscan"),
    ("document_files", "document_files", "1000000 1000 1 1 noskipscan"),
    ("document_files", "document_files_path", "1000000 1"),
    ("document_numbers", "document_numbers", "1000000 100000 50000 1 noskipscan"),
    ("effect_attempts", "effect_attempts", "1000000 1000 2 1 1 noskipscan"),
    ("effects", "effects", "1000000 1000 1 noskipscan"),
    ("effects", "effects_attention", "1000 500 250 5 1 noskipscan"),
    ("effects", "effects_due", "1000 500 250 20 2 1 noskipscan"),
    ("effects", "effects_key", "1000000 1"),
    ("effects", "effects_sending", "100 50 5 1 noskipscan"),
    ("events", "events", "1000000 1000 1 noskipscan"),
    ("events", "events_new", "1000 500 5 1 noskipscan"),
    ("invoice_documents", "sqlite_autoindex_invoice_documents_1", "1000000 1000 1 noskipscan"),
    ("invoice_lines", "invoice_lines", "3000000 3000 3 1 noskipscan"),
    ("invoice_closings", "invoice_closings", "10000 20 1 noskipscan"),
    ("invoice_taxes", "invoice_taxes", "1000000 1000 1 1 noskipscan"),
    ("invoices", "invoices", "1000000 1000 1 noskipscan"),
    ("invoices", "invoices_corrects", "10000 100 2 noskipscan"),
    ("invoices", "invoices_draft", "1000 10 2 1 1 noskipscan"),
    ("invoices", "invoices_id", "1000000 1"),
    ("invoices", "invoices_issued", "1000000 2000 10 1 noskipscan"),
    ("invoices", "invoices_number", "1000000 1"),
    ("invoices", "invoices_open_due", "10000 200 5 1 noskipscan"),
    ("invoices", "invoices_owed", "10000 20 5 1 noskipscan"),
    ("invoices", "invoices_ref", "10000 100 1 noskipscan"),
    ("invoices", "invoices_stale", "100 5 1 noskipscan"),
    ("notifications", "notifications", "1000000 1000 1 noskipscan"),
    ("notifications", "notifications_key", "1000000 1"),
    ("notifications", "notifications_unread", "1000 50 1 1 1 noskipscan"),
    ("opening_invoices", "opening_invoices", "10000 10 1 noskipscan"),
    ("payment_allocations", "payment_allocations", "1000000 1000 1 1 1 noskipscan"),
    ("payments", "payments", "1000000 1000 1000 1 noskipscan"),
    ("reminders", "reminders", "1000000 1000 2 1 noskipscan"),
    ("usage", "usage", "10000000 10000 1 noskipscan"),
    ("usage", "usage_used", "10000000 10000 1000 10 noskipscan"),
];

static ROWS: Bulk<3> = Bulk { table: "sqlite_stat1", columns: [("tbl", Text), ("idx", Text), ("stat", Text)], on_conflict: "" };

/// Puts the statistics in place of any that are there, and has this connection go by them; others read
/// them when they open the file.
pub(super) fn put(tx: &mut Tx) -> Result<(), StoreError> {
    const NONE: &str = "DELETE FROM sqlite_stat1";
    // Of somebody's own ANALYZE, and they would outvote what is said here.
    const NO_SAMPLES: &str = "DELETE FROM sqlite_stat4";
    // Of that table, it counts nothing: it makes the tables of statistics where there are none, and reads them.
    const MAKE_AND_READ: &str = "ANALYZE sqlite_schema";
    if !tx.is_sqlite() {
        return Ok(());
    }
    tx.script(MAKE_AND_READ)?;
    tx.execute(NONE, &[])?;
    tx.execute(NO_SAMPLES, &[])?;
    tx.insert(&ROWS, STATISTICS.iter().map(|(table, index, stat)| [(*table).into(), (*index).into(), (*stat).into()]))?;
    tx.script(MAKE_AND_READ)
}
