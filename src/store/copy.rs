//! Whole tables from one database to another, whatever the engines: the columns and keys come from
//! schema.sql, so that no table has code of its own here.
//!
//! Pages are read by the primary key, so memory is that of one page. The guards of what is issued
//! are taken away and put back within the transaction that writes.

use super::distribute::TABLES;
use super::schema::SCHEMA;
use super::value::Kind;
use super::{StoreError, Tx, TxEngine, Val};

/// Rows that are read and written together.
const PAGE: u32 = 1000;
/// The same of a table that holds files, each up to a megabyte.
const PAGE_OF_FILES: u32 = 10;

/// A table as schema.sql describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, Kind)>,
    /// The primary key, as places among the columns.
    pub key: Vec<usize>,
}

/// A value that stays when its row is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    pub(super) fn as_val(&self) -> Val<'_> {
        match self {
            Self::Null => Val::Null,
            Self::Int(value) => Val::Int(*value),
            Self::Text(text) => text.as_str().into(),
            Self::Blob(bytes) => Val::Blob(bytes),
        }
    }
}

/// Every table, after those that its foreign keys name.
pub fn tables() -> Result<Vec<Table>, StoreError> {
    TABLES.iter().map(|(name, _)| table(name)).collect()
}

fn table(name: &'static str) -> Result<Table, StoreError> {
    let unreadable = || StoreError::Other(format!("schema.sql describes the table {name} in a way that is not understood"));
    let (_, rest) = SCHEMA.split_once(&format!("\nCREATE TABLE {name} (\n")).ok_or_else(unreadable)?;
    let (body, _) = rest.split_once("\n)").ok_or_else(unreadable)?;
    let mut columns: Vec<(&'static str, Kind)> = Vec::new();
    let mut key = Vec::new();
    for line in body.lines().map(|line| line.split("--").next().unwrap_or_default().trim()) {
        let mut words = line.split_whitespace();
        let (Some(first), second) = (words.next(), words.next().unwrap_or_default().trim_end_matches(',')) else { continue };
        let kind = match second {
            "TEXT" => Kind::Text,
            "INTEGER" => Kind::Int,
            "BLOB" => Kind::Blob,
            _ if first == "PRIMARY" => {
                let names = line.split(['(', ')']).nth(1).ok_or_else(unreadable)?;
                key = names.split(',').filter_map(|name| columns.iter().position(|column| column.0 == name.trim())).collect();
                continue;
            }
            _ if first == "CONSTRAINT" => continue,
            _ => return Err(unreadable()),
        };
        if line.contains(" PRIMARY KEY") {
            key = vec![columns.len()];
        }
        columns.push((first, kind));
    }
    if key.is_empty() { Err(unreadable()) } else { Ok(Table { name, columns, key }) }
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|column| column.0).collect::<Vec<_>>().join(", ")
    }

    fn key_names(&self) -> String {
        self.key.iter().map(|index| self.columns[*index].0).collect::<Vec<_>>().join(", ")
    }

    fn page_rows(&self) -> u32 {
        if self.name == "assets" { PAGE_OF_FILES } else { PAGE }
    }

    /// The next rows after one of them, by the key; none at the end.
    pub fn page(&self, tx: &mut Tx, after: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>, StoreError> {
        let (names, key) = (self.names(), self.key_names());
        let bound = if after.is_some() {
            let places: Vec<String> = (1..=self.key.len()).map(|n| format!("${n}")).collect();
            format!("WHERE ({key}) > ({})", places.join(", "))
        } else {
            String::new()
        };
        let sql = format!("SELECT {names} FROM {} {bound} ORDER BY {key} LIMIT {}", self.name, self.page_rows());
        let params: Vec<Val> = after.map(|row| self.key.iter().map(|index| row[*index].as_val()).collect()).unwrap_or_default();
        let mut rows = Vec::new();
        tx.for_each_of(&sql, &params, &mut |row| {
            let cells = self.columns.iter().enumerate().map(|(index, (_, kind))| {
                Ok(match kind {
                    Kind::Int => row.opt_int(index)?.map_or(Cell::Null, Cell::Int),
                    Kind::Text => row.opt_text(index)?.map_or(Cell::Null, |text| Cell::Text(text.to_owned())),
                    Kind::Blob => Cell::Blob(row.blob(index)?.to_vec()),
                })
            });
            rows.push(cells.collect::<Result<Vec<Cell>, StoreError>>()?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Writes rows as they are.
    pub fn insert(&self, tx: &mut Tx, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        match &mut tx.engine {
            TxEngine::Sqlite(engine) => engine.insert_into(self, rows),
            TxEngine::Postgres(engine) => engine.insert_into(self, rows),
        }
    }

    pub fn count(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        let mut count = 0;
        tx.for_each_of(&format!("SELECT COUNT(*) FROM {}", self.name), &[], &mut |row| {
            count = row.number(0)?;
            Ok(())
        })?;
        Ok(count)
    }

    /// Takes all rows away.
    pub fn clear(&self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.script(&format!("DELETE FROM {};", self.name))
    }
}

/// What a database that was only set up holds besides its schema.
pub fn is_of_setup(tx: &mut Tx, table: &Table) -> Result<bool, StoreError> {
    const OTHER: &str = "SELECT 1 FROM audit_log WHERE company_id = '_system' AND action <> 'database.migrated' LIMIT 1";
    const COMPANIES: &str = "SELECT 1 FROM audit_log WHERE company_id <> '_system' LIMIT 1";
    match table.name {
        "meta" | "migrations" => Ok(true),
        "audit_log" | "audit_payloads" | "audit_heads" => {
            Ok(tx.query_opt(OTHER, &[], |_| Ok(()))?.is_none() && tx.query_opt(COMPANIES, &[], |_| Ok(()))?.is_none())
        }
        _ => Ok(false),
    }
}

/// The guards that were taken away, as statements that bring them back.
pub struct Guards(Vec<String>);

/// Takes the guards of what is issued away; a rollback brings them back, too.
pub fn lift_guards(tx: &mut Tx) -> Result<Guards, StoreError> {
    const SQLITE: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
    const POSTGRES: &str = "SELECT DISTINCT CAST(c.relname AS TEXT) FROM pg_catalog.pg_trigger t
      JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = CURRENT_SCHEMA AND NOT t.tgisinternal ORDER BY 1";
    let mut guards = Vec::new();
    if tx.is_sqlite() {
        for (name, sql) in tx.query(SQLITE, &[], |row| Ok((row.string(0)?, row.string(1)?)))? {
            tx.script(&format!("DROP TRIGGER {name};"))?;
            guards.push(format!("{sql};"));
        }
    } else {
        for table in tx.query(POSTGRES, &[], |row| row.string(0))? {
            tx.script(&format!("ALTER TABLE {table} DISABLE TRIGGER USER;"))?;
            guards.push(format!("ALTER TABLE {table} ENABLE TRIGGER USER;"));
        }
    }
    Ok(Guards(guards))
}

impl Guards {
    /// Puts them back.
    pub fn restore(self, tx: &mut Tx) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|statement| match &mut tx.engine {
            // As one: the body of a trigger has semicolons of its own.
            TxEngine::Sqlite(engine) => engine.script(statement),
            TxEngine::Postgres(engine) => engine.script(statement),
        })
    }
}

impl Tx<'_> {
    /// Reads all rows of a statement that is made here, and so is no constant.
    fn for_each_of(
        &mut self,
        sql: &str,
        params: &[Val],
        each: &mut dyn FnMut(&super::Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each_of(sql, params, each),
            TxEngine::Postgres(engine) => engine.for_each_of(sql, params, each),
        }
    }
}

/// The text of a statement that writes rows of a table, `unnest` or values.
pub(super) fn insert_sql(table: &Table, values: &str) -> String {
    format!("INSERT INTO {} ({}) {values}", table.name, table.names())
}

/// For the type of a column in Postgres' arrays.
pub(super) const fn array_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Blob => "bytea",
    }
}
