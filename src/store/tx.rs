//! What a transaction can do: one statement, many rows, the rows of many companies, holding rows.

use super::{Bulk, Row, StoreError, Tx, TxEngine, Val, postgres};

/// `Db` ends what returns; only a panic gets here with the transaction open.
impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = match &mut self.engine {
                TxEngine::Sqlite(engine) => engine.end(false),
                TxEngine::Postgres(engine) => engine.end(false),
            };
        }
    }
}

impl Tx<'_> {
    /// Runs one statement and returns how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Val]) -> Result<u64, StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.execute(sql, params),
            TxEngine::Postgres(engine) => engine.execute(sql, params),
        }
    }

    /// Reads all rows of one statement.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        params: &[Val],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.for_each(sql, params, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Reads the first row of one statement, if there is one.
    pub fn query_opt<T>(
        &mut self,
        sql: &'static str,
        params: &[Val],
        read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, params, read)?.into_iter().next())
    }

    fn for_each(
        &mut self,
        sql: &'static str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each(sql, params, each),
            TxEngine::Postgres(engine) => engine.for_each(sql, params, each),
        }
    }

    /// Reads the rows of many companies. The statement says `company_id = $1` and starts with that
    /// column; rows come company by company, in the order of `companies`, which must ascend.
    pub fn query_companies<T>(
        &mut self,
        sql: &'static str,
        companies: &[&str],
        params: &[Val],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let each = &mut |row: &Row| {
            rows.push(read(row)?);
            Ok(())
        };
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each_company(sql, companies, params, each),
            TxEngine::Postgres(engine) => engine.for_each_company(sql, companies, params, each),
        }?;
        Ok(rows)
    }

    /// Reads the rows with these keys (company, key), in any order. The statement says
    /// `company_id = $1 AND … = $2`, with which an index begins. What lies between the keys is not
    /// read, so it costs the same whatever is there already.
    pub fn query_keys<T>(
        &mut self,
        sql: &'static str,
        keys: &[(&str, &str)],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let mut rows = Vec::new();
        let each = &mut |row: &Row| {
            rows.push(read(row)?);
            Ok(())
        };
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each_key(sql, &keys, each),
            TxEngine::Postgres(engine) => engine.for_each_key(sql, &keys, each),
        }?;
        Ok(rows)
    }

    /// Reads the rows of a company whose keys lie in these ranges (from, to; `to` not included), in any order; what lies
    /// in two of them comes twice. The statement says `company_id = $1 AND … >= $2 AND … < $3`, with which an index begins.
    pub fn query_ranges<T>(
        &mut self,
        sql: &'static str,
        company: &str,
        ranges: &[(String, String)],
        mut read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let each = &mut |row: &Row| {
            rows.push(read(row)?);
            Ok(())
        };
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.for_each_range(sql, company, ranges, each),
            TxEngine::Postgres(engine) => engine.for_each_range(sql, company, ranges, each),
        }?;
        Ok(rows)
    }

    /// Writes many rows by one statement and returns how many were written (fewer than were given
    /// when the conflict clause left some out).
    pub fn insert<'v, const N: usize>(
        &mut self,
        bulk: &'static Bulk<N>,
        rows: impl IntoIterator<Item = [Val<'v>; N]>,
    ) -> Result<u64, StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.insert(bulk, rows),
            TxEngine::Postgres(engine) => engine.insert(bulk, rows),
        }
    }

    /// Runs a script of several statements without parameters (schema, migrations).
    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(engine) => engine.script(sql),
            TxEngine::Postgres(engine) => postgres::statements(sql).into_iter().try_for_each(|one| engine.script(one)),
        }
    }

    /// Whether this engine runs on SQLite, for the few places where a choice is the engine's.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.engine, TxEngine::Sqlite(_))
    }

    /// Keeps what is known of these companies (ids ascending) from changing under a plan: whoever
    /// bills, imports or corrects holds them first, and then reads. SQLite has one writer anyway.
    pub fn hold_companies(&mut self, companies: &[&str]) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(_) => Ok(()),
            TxEngine::Postgres(engine) => engine.hold_companies(companies),
        }
    }

    /// Keeps these sellers and their tax rates as they are until the transaction ends, so that a
    /// plan and an import that changes what it was made from cannot pass each other. SQLite has
    /// one writer at a time anyway.
    pub fn hold_sellers(&mut self) -> Result<(), StoreError> {
        match &mut self.engine {
            TxEngine::Sqlite(_) => Ok(()),
            TxEngine::Postgres(engine) => engine.script("SELECT 1 FROM sellers ORDER BY seller_id FOR SHARE"),
        }
    }
}
