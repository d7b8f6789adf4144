//! A whole database into another, on whatever engine: table by table, page by page, as one state of
//! the source and in one transaction of the target. So it is there wholly or not at all.
//!
//! What was written is read again and compared: the number of rows, the sums of all amounts, and the
//! SHA-256 of every value in the order of the keys.

use crate::error::{Error, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::store::audit::{self, Author, Entry};
use crate::store::copy::{Cell, Table, is_of_setup, lift_guards, tables};
use crate::store::schema::{self, DATABASE_ID};
use crate::store::{Db, StoreError, Tx};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What was copied of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    pub table: &'static str,
    pub rows: u64,
    /// Of the columns that hold amounts, over all currencies, in minor units: for comparing only.
    pub sums: BTreeMap<&'static str, String>,
    /// Of all values.
    pub sha256: String,
}

/// How many rows there are to copy.
pub fn count(source: &mut Db) -> Result<u64> {
    source.read(|tx| {
        let mut rows = 0;
        for table in tables()? {
            rows += table.count(tx)?;
        }
        Ok(rows)
    })
}

/// What stands in the way of a copy: the first table that holds something. A database that was
/// set up, and nothing else, holds nothing.
pub fn first_with_rows(target: &mut Db) -> Result<Option<&'static str>> {
    target.read(|tx| {
        for table in tables()? {
            if !is_of_setup(tx, &table)? && !table.page(tx, None)?.is_empty() {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    })
}

/// Copies everything; `done` is told how many rows more were written.
///
/// # Errors
/// The target holds data, or differs from the source afterwards: then nothing is written.
pub fn copy(source: &mut Db, target: &mut Db, author: &Author, done: &dyn Fn(u64)) -> Result<Vec<Copied>> {
    if let Some(table) = first_with_rows(target)? {
        return Err(Error::refused(format!("the target holds data already (in {table})"))
            .hint("give an empty database; what is there is never overwritten"));
    }
    let tables = tables()?;
    source.read(|from| {
        target.write(|to| {
            // Whoever writes there meanwhile is waited for, and then seen.
            let guards = lift_guards(to)?;
            for table in tables.iter().rev() {
                if !is_of_setup(to, table)? && table.count(to)? > 0 {
                    return Err(Error::refused(format!("somebody wrote into the target meanwhile (in {})", table.name)));
                }
            }
            for table in tables.iter().rev() {
                table.clear(to)?;
            }
            let mut copied = Vec::with_capacity(tables.len());
            for table in &tables {
                let told = walk(from, table, |rows| {
                    table.insert(to, rows)?;
                    done(rows.len() as u64);
                    Ok(())
                })?;
                let found = walk(to, table, |_| Ok(()))?;
                if told != found {
                    return Err(Error::failed(format!(
                        "{} differs after the copy: {} rows and SHA-256 {} here, {} and {} there",
                        table.name, told.rows, told.sha256, found.rows, found.sha256
                    )));
                }
                copied.push(told);
            }
            guards.restore(to)?;
            note(to, author, &copied)?;
            Ok(copied)
        })
    })
}

/// Hands over all rows of a table, page by page, and tells what they add up to.
fn walk(tx: &mut Tx, table: &Table, mut each: impl FnMut(&[Vec<Cell>]) -> Result<(), StoreError>) -> Result<Copied, StoreError> {
    let mut hash = Sha256::new();
    let mut rows = 0;
    let amounts: Vec<usize> = (0..table.columns.len()).filter(|index| table.columns[*index].0.ends_with("_minor")).collect();
    let mut sums: BTreeMap<&'static str, i128> = amounts.iter().map(|index| (table.columns[*index].0, 0)).collect();
    let mut last: Option<Vec<Cell>> = None;
    loop {
        let page = table.page(tx, last.as_deref())?;
        if page.is_empty() {
            break;
        }
        each(&page)?;
        rows += page.len() as u64;
        for row in &page {
            row.iter().for_each(|cell| feed(&mut hash, cell));
            for index in &amounts {
                if let (Cell::Int(minor), Some(sum)) = (&row[*index], sums.get_mut(table.columns[*index].0)) {
                    *sum += i128::from(*minor);
                }
            }
        }
        last = page.into_iter().next_back();
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let sums = sums.into_iter().map(|(column, sum)| (column, sum.to_string())).collect();
    Ok(Copied { table: table.name, rows, sums, sha256 })
}

fn feed(hash: &mut Sha256, cell: &Cell) {
    let sized = |hash: &mut Sha256, tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    match cell {
        Cell::Null => hash.update([0]),
        Cell::Int(value) => sized(hash, 1, &value.to_be_bytes()),
        Cell::Text(text) => sized(hash, 2, text.as_bytes()),
        Cell::Blob(bytes) => sized(hash, 3, bytes),
    }
}

/// The target's own log says where it comes from.
fn note(tx: &mut Tx, author: &Author, copied: &[Copied]) -> Result<(), StoreError> {
    let entity_id = schema::meta(tx, DATABASE_ID)?.unwrap_or_default();
    let rows: BTreeMap<&str, u64> = copied.iter().map(|copied| (copied.table, copied.rows)).collect();
    let payload = json!({ "rows": rows }).to_string();
    let (company_id, action) = (SYSTEM_COMPANY.to_owned(), "database.copied");
    audit::append(tx, author, &[Entry { company_id, action, entity: "database", entity_id, payload }]).map(drop)
}
