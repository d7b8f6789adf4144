//! From one Postgres to a cluster: where each table's rows lie on Citus, and the statements that
//! bring them there (distributed.md).
//!
//! Nothing is written down about how far it got: the catalog tells, so a run that died is simply
//! run again. Each statement is a transaction of its own, since one takes its table's lock while it
//! moves the rows, and a large one may take long.

use super::{Db, Setup, StoreError, Tx};
use std::collections::HashMap;

/// Where a table's rows lie on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Spread by company, all tables of one company side by side.
    Company,
    /// Spread by number series, side by side likewise.
    Series,
    /// A copy on every node: small, read beside any company, seldom written.
    Everywhere,
    /// On the node that the URL names: written often, and never beside company rows in one statement.
    Coordinator,
}

impl Place {
    /// The column that the rows are spread by.
    pub const fn column(self) -> Option<&'static str> {
        match self {
            Self::Company => Some("company_id"),
            Self::Series => Some("series_id"),
            Self::Everywhere | Self::Coordinator => None,
        }
    }
}

use Place::{Company, Coordinator, Everywhere, Series};

/// Every table of schema.sql, after those that its foreign keys name. A test holds the two together.
///
/// A write to a table with copies everywhere is a two-phase commit over all nodes, so what is written
/// with every batch (runs, heartbeats) stays with the coordinator. If that node dies within the commit
/// of a batch, its `runs` row can lack what the companies' rows have: they decide, `runs` is history.
pub const TABLES: [(&str, Place); 47] = [
    ("meta", Coordinator),
    ("migrations", Coordinator),
    ("sellers", Everywhere),
    ("tax_rates", Everywhere),
    ("plans", Everywhere),
    ("plan_items", Everywhere),
    ("assets", Everywhere),
    ("series_counters", Series),
    ("document_numbers", Series),
    ("companies", Company),
    ("contacts", Company),
    ("contracts", Company),
    ("contract_items", Company),
    ("contract_plans", Company),
    ("discounts", Company),
    ("usage", Company),
    ("contract_pauses", Company),
    ("billing_schedule", Company),
    ("billable_items", Company),
    ("invoices", Company),
    ("invoice_lines", Company),
    ("invoice_taxes", Company),
    ("billed_periods", Company),
    ("invoice_documents", Company),
    ("opening_invoices", Company),
    ("invoice_closings", Company),
    ("document_files", Company),
    ("document_folders", Coordinator),
    ("payments", Company),
    ("payment_allocations", Company),
    ("credit_entries", Company),
    ("events", Company),
    ("alerts", Company),
    ("digest_entries", Company),
    ("notifications", Company),
    ("reminders", Company),
    ("dunning_holds", Company),
    ("runs", Coordinator),
    ("heartbeats", Coordinator),
    ("claims", Company),
    ("run_items", Company),
    ("effects", Company),
    ("effect_attempts", Company),
    ("rate_limits", Company),
    ("audit_log", Company),
    ("audit_payloads", Company),
    ("audit_heads", Company),
];

/// The immutability guards, (trigger, table): Citus refuses triggers. What they keep, the hashes of
/// documents and of the audit chain prove.
const GUARDS: [(&str, &str); 7] = [
    ("invoices_frozen", "invoices"),
    ("invoice_lines_frozen", "invoice_lines"),
    ("invoice_taxes_frozen", "invoice_taxes"),
    ("invoice_documents_frozen", "invoice_documents"),
    ("document_numbers_frozen", "document_numbers"),
    ("credit_entries_frozen", "credit_entries"),
    ("audit_log_frozen", "audit_log"),
];

/// How far a database is spread over a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// One node: SQLite, or Postgres without Citus.
    Impossible,
    /// Citus is there, and no table is spread.
    NotYet,
    /// It was begun, or a newer schema brought new tables: there are statements left.
    Partly,
    Complete,
}

/// How far this database is spread.
pub fn spread(tx: &mut Tx) -> Result<Spread, StoreError> {
    if !has_citus(tx)? {
        return Ok(Spread::Impossible);
    }
    let there = there(tx)?;
    if !TABLES.iter().any(|(table, _)| there.contains_key(*table)) {
        return Ok(Spread::NotYet);
    }
    Ok(if statements_left(tx, &there)?.is_empty() { Spread::Complete } else { Spread::Partly })
}

/// The statements that are left to do, in order; refused where the tables cannot be spread, or are
/// spread otherwise.
pub fn plan(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    if !has_citus(tx)? {
        let engine = if tx.is_sqlite() { "SQLite keeps everything in one file" } else { "this Postgres has no Citus" };
        let setup = if tx.is_sqlite() { Setup::NoCluster } else { Setup::NoCitus };
        return Err(StoreError::Setup(setup, format!("{engine}: there is nothing to spread the tables over")));
    }
    let there = there(tx)?;
    statements_left(tx, &there)
}

/// Carries out what [`plan`] says, one transaction a statement; `each` is told before it.
pub fn distribute(db: &mut Db, mut each: impl FnMut(&str)) -> Result<usize, StoreError> {
    let statements = db.read(plan)?;
    for statement in &statements {
        each(statement);
        // Moving a large table takes longer than any statement of a job may.
        db.write(|tx| tx.script(&format!("SET LOCAL statement_timeout = 0;\n{statement}")))?;
    }
    Ok(statements.len())
}

/// Whether the server knows how to spread tables.
fn has_citus(tx: &mut Tx) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM pg_catalog.pg_proc WHERE proname = 'create_distributed_table'";
    Ok(!tx.is_sqlite() && tx.query_opt(SQL, &[], |row| row.int(0))?.unwrap_or(0) > 0)
}

/// How Citus keeps a table.
struct Kept {
    /// `distributed`, `reference` or `local`.
    kind: String,
    column: String,
    /// Tables with the same one lie side by side.
    colocation: i64,
}

/// The tables that Citus keeps.
fn there(tx: &mut Tx) -> Result<HashMap<String, Kept>, StoreError> {
    const SQL: &str = "SELECT CAST(c.relname AS TEXT), CAST(t.citus_table_type AS TEXT), CAST(t.distribution_column AS TEXT),
      CAST(t.colocation_id AS BIGINT) FROM citus_tables t JOIN pg_catalog.pg_class c ON c.oid = t.table_name
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = CURRENT_SCHEMA";
    let tables = tx.query(SQL, &[], |row| {
        Ok((row.string(0)?, Kept { kind: row.string(1)?, column: row.string(2)?, colocation: row.int(3)? }))
    })?;
    Ok(tables.into_iter().collect())
}

fn statements_left(tx: &mut Tx, there: &HashMap<String, Kept>) -> Result<Vec<String>, StoreError> {
    let mut left = Vec::new();
    for (trigger, table) in guards_left(tx)? {
        left.push(format!("DROP TRIGGER {trigger} ON {table}"));
    }
    let here = here(tx)?;
    for (table, place) in TABLES {
        match there.get(table) {
            Some(kept) => agree(table, place, kept, there)?,
            // One that a newer schema brings is not there before the migration.
            None if here.contains_key(table) => left.extend(statement(table, place)),
            None => {}
        }
    }
    // Once no table that is not spread refers to them any more.
    for (table, _) in TABLES.iter().filter(|(table, place)| *place != Coordinator && here.get(*table) == Some(&true)) {
        left.push(format!("SELECT truncate_local_data_after_distributing_table('{table}')"));
    }
    Ok(left)
}

/// The first table of its kind; the others are put beside it.
fn first_of(place: Place) -> &'static str {
    TABLES.iter().find(|(_, other)| *other == place).map_or("none", |(table, _)| *table)
}

fn statement(table: &str, place: Place) -> Option<String> {
    let beside = match first_of(place) {
        first if first == table => "none",
        first => first,
    };
    match place {
        Company | Series => {
            let column = place.column().unwrap_or_default();
            Some(format!("SELECT create_distributed_table('{table}', '{column}', colocate_with => '{beside}')"))
        }
        Everywhere => Some(format!("SELECT create_reference_table('{table}')")),
        Coordinator => None,
    }
}

/// A table that somebody spread by hand, by something else, would make every statement slow or wrong.
fn agree(table: &str, place: Place, kept: &Kept, there: &HashMap<String, Kept>) -> Result<(), StoreError> {
    let beside = there.get(first_of(place)).is_some_and(|first| first.colocation == kept.colocation);
    let agrees = match place {
        Company | Series => kept.kind == "distributed" && Some(kept.column.as_str()) == place.column() && beside,
        Everywhere => kept.kind == "reference",
        Coordinator => kept.kind == "local",
    };
    if agrees {
        return Ok(());
    }
    let text = format!("the table {table} is spread otherwise ({}, by {}) than finops needs it", kept.kind, kept.column);
    Err(StoreError::Setup(Setup::SpreadOtherwise, text))
}

fn guards_left(tx: &mut Tx) -> Result<Vec<(&'static str, &'static str)>, StoreError> {
    const SQL: &str = "SELECT CAST(t.tgname AS TEXT) FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = CURRENT_SCHEMA AND NOT t.tgisinternal";
    let names = tx.query(SQL, &[], |row| row.string(0))?;
    Ok(GUARDS.into_iter().filter(|(trigger, _)| names.iter().any(|name| name == trigger)).collect())
}

/// The tables that are here, and whether their own file holds rows: not moved yet, or moved and not
/// yet removed here.
fn here(tx: &mut Tx) -> Result<HashMap<String, bool>, StoreError> {
    const SQL: &str = "SELECT CAST(c.relname AS TEXT), pg_relation_size(c.oid) FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = CURRENT_SCHEMA AND c.relkind = 'r'";
    Ok(tx.query(SQL, &[], |row| Ok((row.string(0)?, row.flag(1)?)))?.into_iter().collect())
}
