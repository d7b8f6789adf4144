//! Rows by their whole keys: one statement whatever the number of keys.

use super::{Form, Postgres, store_error};
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
        let statement = self.prepared(Address::of(sql), Form::Keys, || of_keys(sql))?;
        let (companies, keys): (Vec<&str>, Vec<&str>) = keys.iter().copied().unzip();
        for row in &self.client.query(&statement, &[&companies, &keys]).map_err(|e| store_error(&e))? {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }
}

/// `company_id = $1 AND key = $2` as a search for pairs. Two arrays of their own (`= ANY` twice) would
/// look each key up in each company.
fn of_keys(sql: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let Some((before, rest)) = sql.split_once("company_id = $1 AND ") else { return sql.to_owned() };
    let Some((key, after)) = rest.split_once(" = $2") else { return sql.to_owned() };
    let alias = &before[before.trim_end_matches(word).len()..];
    let before = &before[..before.len() - alias.len()];
    format!("{before}({alias}company_id, {key}) IN (SELECT * FROM unnest($1::text[], $2::text[])){after}")
}

#[cfg(test)]
mod tests {
    use super::of_keys;

    #[test]
    fn one_key_becomes_many() {
        let pairs = "IN (SELECT * FROM unnest($1::text[], $2::text[]))";
        assert_eq!(
            of_keys("SELECT 1 FROM t WHERE company_id = $1 AND k = $2"),
            format!("SELECT 1 FROM t WHERE (company_id, k) {pairs}")
        );
        assert_eq!(
            of_keys("SELECT 1 FROM t b JOIN u ON u.company_id = b.company_id WHERE b.company_id = $1 AND b.k = $2 ORDER BY b.k"),
            format!("SELECT 1 FROM t b JOIN u ON u.company_id = b.company_id WHERE (b.company_id, b.k) {pairs} ORDER BY b.k")
        );
    }
}
