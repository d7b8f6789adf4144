//! Statements on Postgres that are made for a table at run time ([`super::super::copy`]).

use super::{Column, Postgres, references, store_error};
use crate::store::copy::{Cell, Table, array_of, insert_sql};
use crate::store::value::Inner;
use crate::store::{Row, StoreError, Val};
use ::postgres::types::ToSql;

impl Postgres {
    /// A statement that is no constant (`copy`).
    pub(in crate::store) fn for_each_of(
        &mut self,
        sql: &str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for row in &self.client.query(sql, &references(params)).map_err(|e| store_error(&e))? {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }

    pub(in crate::store) fn insert_into(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        let mut columns: Vec<Column> = table.columns.iter().map(|column| Column::new(column.1)).collect();
        for row in rows {
            columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell.as_val()));
        }
        let places = table.columns.iter().enumerate().map(|(index, (_, kind))| format!("${}::{}[]", index + 1, array_of(*kind)));
        let sql = insert_sql(table, &format!("SELECT * FROM unnest({})", places.collect::<Vec<_>>().join(", ")));
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::as_param).collect();
        self.client.execute(&sql, &params).map(drop).map_err(|e| store_error(&e))
    }
}
