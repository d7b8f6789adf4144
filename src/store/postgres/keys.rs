//! Rows by their whole keys, or by ranges of them: one statement whatever the number.

use super::{Form, Postgres, store_error};
use crate::store::keys::{ByKey, by_ranges};
use crate::store::value::{Address, Inner};
use crate::store::{Row, StoreError};

impl Postgres {
    /// A round trip for each key would cost more than all that is done with the row.
    pub(in crate::store) fn for_each_key(
        &mut self,
        sql: &'static str,
        keys: &[(&str, &str)],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self
            .prepared(Address::of(sql), Form::Keys, || ByKey::of(sql).map_or_else(|| sql.to_owned(), |by_key| by_key.pairs()))?;
        let (companies, keys): (Vec<&str>, Vec<&str>) = keys.iter().copied().unzip();
        for row in &self.client.query(&statement, &[&companies, &keys]).map_err(|e| store_error(&e))? {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }

    pub(in crate::store) fn for_each_range(
        &mut self,
        sql: &'static str,
        company: &str,
        ranges: &[(String, String)],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(Address::of(sql), Form::Ranges, || by_ranges(sql))?;
        let (from, to): (Vec<&str>, Vec<&str>) = ranges.iter().map(|(from, to)| (from.as_str(), to.as_str())).unzip();
        for row in &self.client.query(&statement, &[&company, &from, &to]).map_err(|e| store_error(&e))? {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }
}
