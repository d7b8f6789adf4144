//! The same on Postgres: a server of our own with default durability; the yardstick writes the same
//! rows in the same batches, one statement a table with the columns as arrays, on one connection.
//! CPU is that of the client and of the server's processes together.

use super::support::{Cost, cpu_of_ended_children, here};
use super::{BATCH, OF_INVOICES, WRITES, cuts};
use postgres::types::ToSql;
use postgres::{Client, Row};

/// One column of many rows.
enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Blob(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn of(rows: &[Row], index: usize) -> Self {
        match rows[0].columns()[index].type_().name() {
            "int8" => Self::Int(rows.iter().map(|r| r.get(index)).collect()),
            "bytea" => Self::Blob(rows.iter().map(|r| r.get(index)).collect()),
            _ => Self::Text(rows.iter().map(|r| r.get(index)).collect()),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "bigint",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytea",
        }
    }

    fn slice(&self, start: usize, end: usize) -> Box<dyn ToSql + Sync> {
        match self {
            Self::Int(values) => Box::new(values[start..end].to_vec()),
            Self::Text(values) => Box::new(values[start..end].to_vec()),
            Self::Blob(values) => Box::new(values[start..end].to_vec()),
        }
    }
}

/// A table's rows, by column, and the statement that writes a batch of them.
struct Written {
    columns: Vec<Column>,
    rows: usize,
    statement: String,
}

fn written(from: &mut Client, query: &str, statement: &str) -> Written {
    let rows = from.query(query, &[]).unwrap();
    let columns: Vec<Column> = (0..rows[0].len()).map(|c| Column::of(&rows, c)).collect();
    let names: Vec<&str> = rows[0].columns().iter().map(|c| c.name()).collect();
    let arrays: Vec<String> = columns.iter().enumerate().map(|(i, c)| format!("${}::{}[]", i + 1, c.kind())).collect();
    let arrays = arrays.join(", ");
    let statement = match statement.strip_suffix(" VALUES") {
        Some(insert) => format!("{insert} SELECT * FROM unnest({arrays})"),
        None => {
            let (head, condition) = statement.split_once(" WHERE ").unwrap();
            let numbered = |text: &str| {
                (1..=names.len())
                    .rev()
                    .fold(text.to_owned(), |text, n| text.replace(&format!("?{n}"), &format!("v.{}", names[n - 1])))
            };
            let table = head.split_whitespace().nth(1).unwrap();
            let condition = names
                .iter()
                .fold(numbered(condition), |text, name| text.replace(&format!("{name} = v."), &format!("{table}.{name} = v.")));
            format!("{} FROM unnest({arrays}) AS v({}) WHERE {condition}", numbered(head), names.join(", "))
        }
    };
    Written { columns, rows: rows.len(), statement }
}

/// Writes the rows of `from` into `into`, which holds what was there before them.
pub fn bare_writes(from: &mut Client, mut into: Client, postmaster: u32) -> Cost {
    let all: Vec<Written> = WRITES.iter().map(|(query, statement)| written(from, query, statement)).collect();
    let batches = all[0].rows.div_ceil(BATCH);
    let companies: Vec<Vec<&str>> = all
        .iter()
        .take(OF_INVOICES)
        .map(|table| {
            if let Column::Text(values) = &table.columns[0] {
                values.iter().map(|company| company.as_deref().unwrap_or_default()).collect()
            } else {
                Vec::new()
            }
        })
        .collect();
    let lengths: Vec<usize> = all.iter().map(|table| table.rows).collect();
    let cuts = cuts(&companies, &lengths, batches);
    let statements: Vec<_> = all.iter().map(|w| into.prepare(&w.statement).unwrap()).collect();
    let before = cpu_of_ended_children(postmaster);
    let ((), cost) = here(|| {
        for batch in 0..batches {
            let mut tx = into.transaction().unwrap();
            for ((table, statement), cuts) in all.iter().zip(&statements).zip(&cuts) {
                let (start, end) = (cuts[batch], cuts[batch + 1]);
                let slices: Vec<Box<dyn ToSql + Sync>> = table.columns.iter().map(|c| c.slice(start, end)).collect();
                let params: Vec<&(dyn ToSql + Sync)> = slices.iter().map(AsRef::as_ref).collect();
                assert_eq!(tx.execute(statement, &params).unwrap() as usize, end - start);
            }
            tx.commit().unwrap();
        }
    });
    drop(into);
    cost.plus(Cost { cpu_ms: settled(postmaster) - before, wall_ms: 0 })
}

/// The server's CPU once the backend has gone, which takes it a moment.
pub fn settled(postmaster: u32) -> u64 {
    std::thread::sleep(std::time::Duration::from_millis(500));
    cpu_of_ended_children(postmaster)
}
