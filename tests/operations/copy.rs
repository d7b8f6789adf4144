//! A whole database into another one, from each engine to each.

use crate::database::{TestDb, audit, books, each_engine};
use crate::export::fill;
use crate::support::{Books, author};
use finops::error::ErrorKind;
use finops::model::InvoiceState;
use finops::operations::copy::{copy, count};
use finops::store::copy::tables;
use std::cell::Cell;
use std::collections::BTreeSet;

/// The example business, what stood open before, and invoices that are issued.
fn business(db: &TestDb) {
    let mut books = Books::new(db);
    books.invoice("2026-01-01", "2026-02-01", InvoiceState::Paid);
    books.invoice("2026-02-01", "2026-03-01", InvoiceState::Open);
    books.invoice("2026-03-01", "2026-04-01", InvoiceState::Draft);
    drop(books);
    fill(db);
}

/// Everything, the history included; the log of the copy itself is left out.
fn everything(db: &TestDb) -> Vec<String> {
    let tables = db.tables();
    let queries: Vec<String> = tables
        .iter()
        .zip(db.columns(&tables))
        .map(|(table, columns)| format!("SELECT {} FROM {table}", columns.join(", ")))
        .collect();
    let mut rows = Vec::new();
    for (table, found) in tables.iter().zip(db.rows_of(&queries)) {
        rows.extend(found.into_iter().map(|row| format!("{table}: {}", row.join(" | "))));
    }
    rows.retain(|row| {
        !row.starts_with("audit_heads: _system") && !row.contains("database.copied") && !row.contains("{\"rows\":{")
    });
    rows.sort();
    rows
}

#[test]
fn schema_sql_is_read_as_the_engines_do() {
    each_engine(|db| {
        let read = tables().unwrap();
        let names: BTreeSet<String> = read.iter().map(|table| table.name.to_owned()).collect();
        assert_eq!(names, db.tables().into_iter().collect(), "no table is left behind");
        for table in &read {
            let columns: Vec<String> = table.columns.iter().map(|column| column.0.to_owned()).collect();
            assert_eq!(db.columns(&[table.name.to_owned()]), [columns], "{}", table.name);
            if db.is_sqlite() {
                let key: Vec<Vec<String>> = table.key.iter().map(|index| vec![table.columns[*index].0.to_owned()]).collect();
                let sql = format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk", table.name);
                assert_eq!(db.rows(&sql), key, "{}", table.name);
            }
        }
    });
}

#[test]
fn a_copy_is_the_whole_on_either_engine() {
    each_engine(|source| {
        business(source);
        let before = everything(source);
        let total = count(&mut source.open()).unwrap();
        for target in TestDb::each_with_schema() {
            let seen = Cell::new(0);
            let copied = copy(&mut source.open(), &mut target.open(), &author(), &|rows| seen.set(seen.get() + rows)).unwrap();
            assert_eq!((copied.iter().map(|c| c.rows).sum::<u64>(), seen.get()), (total, total));
            let invoices = copied.iter().find(|c| c.table == "invoices").unwrap();
            assert_eq!(invoices.rows.to_string(), target.value("SELECT COUNT(*) FROM invoices"));
            let sum = target.value("SELECT CAST(SUM(total_minor) AS BIGINT) FROM invoices");
            assert_eq!(invoices.sums["total_minor"], sum);
            for (found, expected) in everything(&target).iter().zip(&before) {
                assert_eq!(found, expected);
            }
            assert_eq!(everything(&target).len(), before.len());
            assert_eq!(books::raw(source).len() + 2, books::raw(&target).len(), "what more is there is the log of the copy");
            assert!(audit::verify(&target).len() > 5);
            let report = finops::operations::check::check(&mut target.open()).unwrap();
            assert_eq!(report, finops::operations::check::check(&mut source.open()).unwrap());
            // The guards are there again.
            let changed = target.execute("UPDATE invoices SET reference = 'x' WHERE state = 'open'");
            assert!(changed.unwrap_err().contains("issued invoice cannot change"));
            let again = copy(&mut source.open(), &mut target.open(), &author(), &|_| {}).unwrap_err();
            assert!(again.kind == ErrorKind::Refused && again.message.contains("holds data already"), "{again}");
        }
        assert_eq!(everything(source), before, "the source is as it was");
    });
}

/// What dies on the way leaves nothing.
#[test]
fn a_copy_that_fails_leaves_nothing() {
    let source = TestDb::each_with_schema().remove(0);
    business(&source);
    for target in TestDb::each_with_schema() {
        // The last table of all cannot take its rows.
        target.execute("ALTER TABLE audit_heads ADD COLUMN refuses INTEGER NOT NULL DEFAULT 0 CHECK (refuses > 0)").unwrap();
        let before = everything(&target);
        let error = copy(&mut source.open(), &mut target.open(), &author(), &|_| {}).unwrap_err();
        assert!(error.message.contains("audit_heads") || error.message.contains("refuses"), "{error}");
        assert_eq!(everything(&target), before);
        assert_eq!(target.value("SELECT COUNT(*) FROM invoices"), "0");
    }
}
