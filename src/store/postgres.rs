//! Postgres, and what speaks its protocol: READ COMMITTED, no session state that a pooler between
//! could strand (no advisory locks, no LISTEN, no temporary tables).

use super::copy::array_of;
use super::value::{Address, Inner};
use super::{Bulk, Kind, Row, Setup, StoreError, Val, tls};
use ::postgres::types::{IsNull, ToSql, Type};
use ::postgres::{Client, SimpleQueryMessage, Statement};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

mod copy;
mod keys;

pub(super) struct Postgres {
    client: Client,
    url: String,
    statement_timeout: Duration,
    /// Whether a commit waits for the server's disk.
    flushes: bool,
    /// The postgres crate has no cache of its own, and an unprepared statement costs a round trip more.
    statements: HashMap<(Address, Form), Statement>,
    /// Whether the companies are spread over a Citus cluster, once that was asked.
    spread: Option<bool>,
}

/// What was made of a statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    AsWritten,
    /// `company_id = $1` as `company_id = ANY($1)`.
    Companies,
    /// `company_id = $1 AND key = $2` as a search for many pairs.
    Keys,
    /// `company_id = $1 AND key >= $2 AND key < $3` as a search for many ranges.
    Ranges,
    Bulk,
}

impl Postgres {
    pub(super) fn connect(url: &str, statement_timeout: Duration) -> Result<Self, StoreError> {
        let mut client = tls::connect(url)?;
        let timeout_ms = statement_timeout.as_millis();
        let said = client
            .simple_query(&format!(
                "SET statement_timeout = {timeout_ms}; SET idle_in_transaction_session_timeout = '5min'; SET timezone = 'UTC';
                 SHOW server_encoding"
            ))
            .map_err(|e| store_error(&e))?;
        let encoding = said.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        // In any other, a customer's name can be refused, or kept as bytes that nothing can read.
        if let Some(other) = encoding.filter(|encoding| *encoding != "UTF8") {
            return Err(StoreError::Setup(Setup::Encoding, format!("the database has the encoding {other}; finops needs UTF8")));
        }
        Ok(Self { client, url: url.to_owned(), statement_timeout, flushes: true, statements: HashMap::new(), spread: None })
    }

    /// A new connection in place of one that was lost, set up as that one was. Prepared statements
    /// belong to a connection, so they go with it.
    pub(super) fn reconnect(&mut self) -> Result<(), StoreError> {
        let mut new = Self::connect(&self.url, self.statement_timeout)?;
        if !self.flushes {
            new.stop_flushing()?;
        }
        *self = new;
        Ok(())
    }

    pub(super) fn stop_flushing(&mut self) -> Result<(), StoreError> {
        self.script("SET synchronous_commit = off")?;
        self.flushes = false;
        Ok(())
    }

    /// Reads see one state of the database (REPEATABLE READ); writes see what others committed
    /// before each statement, and the keys refuse what was done meanwhile.
    pub(super) fn begin(&mut self, writing: bool) -> Result<(), StoreError> {
        let sql = if writing { "BEGIN" } else { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };
        match self.script(sql) {
            // It was lost while nothing was going on (a pooler's time limit, a restart): nothing can have been done twice.
            Err(StoreError::Connection(_)) => {
                self.reconnect()?;
                self.script(sql)
            }
            begun => begun,
        }
    }

    pub(super) fn end(&mut self, commit: bool) -> Result<(), StoreError> {
        if !commit {
            return self.script("ROLLBACK");
        }
        self.script("COMMIT").map_err(|error| match error {
            StoreError::Connection(text) => StoreError::Unanswered(text),
            other => other,
        })
    }

    pub(super) fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|e| store_error(&e))
    }

    pub(super) fn execute(&mut self, sql: &'static str, params: &[Val]) -> Result<u64, StoreError> {
        let statement = self.prepared(Address::of(sql), Form::AsWritten, || sql.to_owned())?;
        self.client.execute(&statement, &references(params)).map_err(|e| store_error(&e))
    }

    pub(super) fn for_each(
        &mut self,
        sql: &'static str,
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(Address::of(sql), Form::AsWritten, || sql.to_owned())?;
        for row in &self.client.query(&statement, &references(params)).map_err(|e| store_error(&e))? {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }

    /// One statement for all of them: each look-up of its own would cost a round trip. The rows are
    /// put in the order of the companies here, since `ORDER BY company_id` need not be the
    /// statement's last word.
    pub(super) fn for_each_company(
        &mut self,
        sql: &'static str,
        companies: &[&str],
        params: &[Val],
        each: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement =
            self.prepared(Address::of(sql), Form::Companies, || sql.replacen("company_id = $1", "company_id = ANY($1)", 1))?;
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&companies];
        all.extend(references(params));
        let rows = self.client.query(&statement, &all).map_err(|e| store_error(&e))?;
        let mut keyed = Vec::with_capacity(rows.len());
        for row in &rows {
            keyed.push((row.try_get::<_, &str>(0).map_err(|e| store_error(&e))?, row));
        }
        keyed.sort_by_key(|k| k.0);
        for (_, row) in keyed {
            each(&Row(Inner::Postgres(row)))?;
        }
        Ok(())
    }

    /// Locks the rows of these companies (ids ascending). Citus refuses a locking read that meets more
    /// than one shard ("could not run distributed query with FOR UPDATE"): there is one a shard there,
    /// which is still fewer than one a company.
    pub(super) fn hold_companies(&mut self, companies: &[&str]) -> Result<(), StoreError> {
        const HOLD: &str = "SELECT company_id FROM companies WHERE company_id = $1 FOR NO KEY UPDATE";
        const SHARDS: &str = "SELECT id, get_shard_id_for_distribution_column('companies', id) FROM unnest($1::text[]) id";
        if !self.is_spread()? {
            return self.for_each_company(HOLD, companies, &[], &mut |_| Ok(()));
        }
        let statement = self.prepared(Address::of(SHARDS), Form::AsWritten, || SHARDS.to_owned())?;
        let mut shards: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        let rows = self.client.query(&statement, &[&companies]).map_err(|e| store_error(&e))?;
        for row in &rows {
            let (id, shard) = (row.try_get(0).map_err(|e| store_error(&e))?, row.try_get(1).map_err(|e| store_error(&e))?);
            shards.entry(shard).or_default().push(id);
        }
        shards.values().try_for_each(|side_by_side| self.for_each_company(HOLD, side_by_side, &[], &mut |_| Ok(())))
    }

    /// A server without Citus does not know the table of the second question. (The view `citus_tables`
    /// asks every node for sizes, and takes a tenth of a second.)
    fn is_spread(&mut self) -> Result<bool, StoreError> {
        const CITUS: &str = "SELECT 1 FROM pg_catalog.pg_proc WHERE proname = 'create_distributed_table' LIMIT 1";
        const SPREAD: &str = "SELECT 1 FROM pg_dist_partition WHERE logicalrelid = CAST('companies' AS regclass)";
        if let Some(known) = self.spread {
            return Ok(known);
        }
        let mut spread = true;
        for sql in [CITUS, SPREAD] {
            spread = spread && self.client.query_opt(sql, &[]).map_err(|e| store_error(&e))?.is_some();
        }
        self.spread = Some(spread);
        Ok(spread)
    }

    /// One round trip whatever the number of rows: the columns travel as arrays. COPY would be a
    /// little faster, but knows no conflict clause, and on Citus its errors have lost their class
    /// (distributed.md, rule 4).
    pub(super) fn insert<'v, const N: usize>(
        &mut self,
        bulk: &'static Bulk<N>,
        rows: impl IntoIterator<Item = [Val<'v>; N]>,
    ) -> Result<u64, StoreError> {
        let mut columns: [Column<'v>; N] = std::array::from_fn(|index| Column::new(bulk.columns[index].1));
        let mut given = 0_usize;
        for row in rows {
            given += 1;
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        if given == 0 {
            return Ok(0);
        }
        let statement = self.prepared(bulk.address(), Form::Bulk, || bulk_sql(bulk))?;
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(Column::as_param).collect();
        if bulk.on_conflict.is_empty() {
            return self.client.execute(&statement, &params).map_err(|e| store_error(&e));
        }
        self.client.query(&statement, &params).map(|written| written.len() as u64).map_err(|e| store_error(&e))
    }

    fn prepared(&mut self, key: Address, form: Form, sql: impl FnOnce() -> String) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(&(key, form)) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql()).map_err(|e| store_error(&e))?;
        self.statements.insert((key, form), statement.clone());
        Ok(statement)
    }
}

/// The statements of a script, one by one: of several sent together, Citus passes the whole text on to
/// its nodes with some ("cannot insert multiple commands into a prepared statement"). One ends where
/// a line ends with `;`, outside of the body of a function (`$$`).
pub(super) fn statements(script: &str) -> Vec<&str> {
    let (mut found, mut start, mut end, mut in_body) = (Vec::new(), 0, 0, false);
    for line in script.split_inclusive('\n') {
        end += line.len();
        let code = line.trim();
        if code.starts_with("--") {
            continue;
        }
        in_body ^= code.matches("$$").count() % 2 == 1;
        if code.ends_with(';') && !in_body {
            found.push(&script[start..end]);
            start = end;
        }
    }
    found.extend(Some(&script[start..]).filter(|rest| !rest.trim().is_empty()));
    found
}

/// Where a conflict clause may leave rows out, each row that was written is returned and counted here:
/// Citus tells the number of rows that it was given as the number that it wrote (seen on 13.2.2,
/// insert_select_executor.c: `es_processed = copyDest->tuplesSent`), and claims, numbers and periods
/// stand on that number.
fn bulk_sql<const N: usize>(bulk: &Bulk<N>) -> String {
    let arrays = bulk.columns.iter().enumerate().map(|(index, (_, kind))| format!("${}::{}[]", index + 1, array_of(*kind)));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let counted = if bulk.on_conflict.is_empty() { "" } else { "RETURNING 1" };
    format!("INSERT INTO {} ({}) SELECT * FROM unnest({arrays}) {} {counted}", bulk.table, bulk.column_names(), bulk.on_conflict)
}

fn references<'a>(params: &'a [Val<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|p| p as &(dyn ToSql + Sync)).collect()
}

/// One column of a bulk write.
enum Column<'v> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<Cow<'v, str>>>),
    Blob(Vec<Option<&'v [u8]>>),
}

impl<'v> Column<'v> {
    const fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
            Kind::Blob => Self::Blob(Vec::new()),
        }
    }

    /// A value of another kind than the column's becomes NULL, which the column then refuses.
    fn push(&mut self, value: Val<'v>) {
        match (self, value) {
            (Self::Int(values), Val::Int(value)) => values.push(Some(value)),
            (Self::Text(values), Val::Text(value)) => values.push(Some(value)),
            (Self::Blob(values), Val::Blob(value)) => values.push(Some(value)),
            (Self::Int(values), _) => values.push(None),
            (Self::Text(values), _) => values.push(None),
            (Self::Blob(values), _) => values.push(None),
        }
    }

    fn as_param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(values) => values,
            Self::Text(values) => values,
            Self::Blob(values) => values,
        }
    }
}

impl ToSql for Val<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut ::postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Val::Null => Ok(IsNull::Yes),
            Val::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Val::Int(value) => value.to_sql(ty, out),
            Val::Text(text) => text.as_ref().to_sql(ty, out),
            Val::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT4 | Type::INT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    ::postgres::types::to_sql_checked!();
}

/// Errors are classed by SQLSTATE, never by constraint name, which Citus suffixes (distributed.md, rule 4).
pub(super) fn store_error(error: &::postgres::Error) -> StoreError {
    let text = match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    let Some(state) = error.code() else {
        return without_state(error, text);
    };
    match state.code() {
        "40001" | "40P01" | "55P03" => StoreError::Busy(text),
        "53100" => StoreError::Full(text),
        "57014" => StoreError::Timeout(text),
        "3D000" => StoreError::Setup(Setup::NoDatabase, format!("the server has no such database: {text}")),
        "42501" => StoreError::Setup(Setup::Denied, format!("the database does not allow it: {text}")),
        code if code.starts_with("28") => {
            StoreError::Setup(Setup::Login, format!("the database server refuses the login: {text}"))
        }
        code if code.starts_with("23") => StoreError::Constraint(text),
        // Citus answers a duplicate inside a pulled INSERT … SELECT so.
        "XX000" if text.contains("duplicate key") => StoreError::Constraint(text),
        code if code.starts_with("08") || code.starts_with("57P") || code == "53300" => StoreError::Connection(text),
        _ => StoreError::Other(text),
    }
}

/// What the driver itself says. It keeps its kinds to itself, so two of them are told by their words.
fn without_state(error: &::postgres::Error, text: String) -> StoreError {
    if text.contains("password missing") {
        return StoreError::Setup(Setup::Login, "the database server asks for a password, and the URL has none".to_owned());
    }
    if text.contains("server does not support TLS") {
        return StoreError::Setup(Setup::NoTls, "the URL asks for TLS, and the database server offers none".to_owned());
    }
    if error.is_closed() || std::error::Error::source(error).is_some_and(|s| s.is::<std::io::Error>()) {
        StoreError::Connection(text)
    } else {
        StoreError::Other(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bulk, Kind, bulk_sql, statements};

    #[test]
    fn rows_that_may_be_left_out_are_counted_one_by_one() {
        static ALL: Bulk<1> = Bulk { table: "t", columns: [("a", Kind::Text)], on_conflict: "" };
        static SOME: Bulk<1> = Bulk { on_conflict: "ON CONFLICT (a) DO NOTHING", ..ALL };
        assert!(!bulk_sql(&ALL).contains("RETURNING"));
        assert!(bulk_sql(&SOME).ends_with(" ON CONFLICT (a) DO NOTHING RETURNING 1"));
    }

    #[test]
    fn a_script_is_taken_apart_at_its_statements() {
        let body = "CREATE FUNCTION f() AS $$\nBEGIN\n  RETURN;\nEND $$;\n";
        let script = format!("-- one;\nA (\n  b\n);\n{body}C;\nD");
        assert_eq!(statements(&script), ["-- one;\nA (\n  b\n);\n", body, "C;\n", "D"]);
        assert_eq!(statements("A;\n\n"), ["A;\n"]);
    }
}
