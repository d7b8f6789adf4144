//! A database of its own for each test, on either engine, and a way past `finops` into it.

use super::citus;
use super::postgres::{self, Host};
use chrono::{DateTime, Utc};
use finops::store::{Db, StoreError, Target, distribute, schema};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// Statements on a test's database give up after this.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A database; gone when it is dropped.
pub struct TestDb {
    place: Place,
}

enum Place {
    Sqlite { _folder: Option<TempDir>, path: PathBuf },
    Postgres { server: &'static dyn Host, name: String, citus: bool },
}

/// Runs a test on SQLite, on Postgres (where it is installed) and on Citus (where a cluster is named),
/// each with the whole schema.
pub fn each_engine(body: impl Fn(&TestDb)) {
    for db in TestDb::each_with_schema() {
        body(&db);
    }
}

/// Runs a test on SQLite, then on Postgres, with nothing in the databases.
pub fn each_empty(body: impl Fn(&TestDb)) {
    [Some(TestDb::sqlite()), TestDb::postgres()].iter().flatten().for_each(body);
}

/// The instant at which every test takes place.
pub fn now() -> DateTime<Utc> {
    "2026-10-31T12:00:00Z".parse().expect("an instant")
}

impl TestDb {
    pub fn sqlite() -> Self {
        let folder = tempfile::Builder::new().prefix("finops-test-").tempdir().expect("a temporary folder");
        let path = folder.path().join("test.db");
        Self { place: Place::Sqlite { _folder: Some(folder), path } }
    }

    /// A file in a folder that the test keeps.
    pub fn sqlite_at(path: PathBuf) -> Self {
        Self { place: Place::Sqlite { _folder: None, path } }
    }

    pub fn postgres() -> Option<Self> {
        let server = postgres::server()?;
        Some(Self { place: Place::Postgres { server, name: server.create(None), citus: false } })
    }

    /// On a cluster, with nothing in it.
    pub fn citus() -> Option<Self> {
        let server = citus::cluster()?;
        Some(Self { place: Place::Postgres { server, name: server.create(None), citus: true } })
    }

    /// On a plain Postgres that answers as a cluster would when tables are spread (citus.sql), empty.
    pub fn citus_stub() -> Option<Self> {
        let db = Self::postgres()?;
        db.execute(include_str!("citus.sql")).expect("the stub");
        Some(db.with_stub_in_sight())
    }

    /// A copy of one with the stub: a setting of a database is not copied with it.
    pub fn copy_of_stub(&self) -> Self {
        self.copy().with_stub_in_sight()
    }

    fn with_stub_in_sight(self) -> Self {
        let Place::Postgres { name, .. } = &self.place else { panic!("not on Postgres") };
        self.execute(&format!("ALTER DATABASE {name} SET search_path = public, stub")).expect("a setting");
        self
    }

    /// One on each engine that there is, with the whole schema; on a cluster, spread over its nodes.
    pub fn each_with_schema() -> Vec<Self> {
        static SPREAD: OnceLock<Option<TestDb>> = OnceLock::new();
        let migrated = |db: Self| {
            schema::migrate(&mut db.open(), now()).expect("the schema");
            db
        };
        // What takes a second is done once.
        let spread = SPREAD.get_or_init(|| {
            let db = migrated(Self::citus()?);
            distribute::distribute(&mut db.open(), |_| {}).expect("the tables are spread");
            Some(db)
        });
        let alone = [Some(Self::sqlite()), Self::postgres()].into_iter().flatten().map(migrated);
        alone.chain(spread.iter().map(Self::copy)).collect()
    }

    pub const fn is_citus(&self) -> bool {
        matches!(self.place, Place::Postgres { citus: true, .. })
    }

    /// A copy, made while nobody uses this one.
    pub fn copy(&self) -> Self {
        match &self.place {
            Place::Sqlite { path, .. } => {
                let copy = Self::sqlite();
                let Place::Sqlite { path: to, .. } = &copy.place else { unreachable!() };
                std::fs::copy(path, to).expect("the file can be copied");
                // Whoever was killed has left its last commits there.
                let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
                if wal(path).exists() {
                    std::fs::copy(wal(path), wal(to)).expect("the file can be copied");
                }
                copy
            }
            Place::Postgres { server, name, citus } => {
                Self { place: Place::Postgres { server: *server, name: server.create(Some(name)), citus: *citus } }
            }
        }
    }

    /// Opens it as `finops` does; makes a SQLite file that is not there.
    pub fn open(&self) -> Db {
        self.try_open(TIMEOUT).expect("the database opens")
    }

    pub fn try_open(&self, timeout: Duration) -> Result<Db, StoreError> {
        match &self.place {
            Place::Sqlite { path, .. } => Db::open_or_create(Target::Sqlite(path), timeout),
            Place::Postgres { .. } => Db::open(Target::Postgres(&self.url()), timeout),
        }
    }

    pub const fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite { .. })
    }

    /// For `--database`.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite { path, .. } => format!("sqlite:{}", path.display()),
            Place::Postgres { server, name, .. } => server.url(name),
        }
    }

    /// Runs statements past `finops`.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        match &self.place {
            Place::Sqlite { .. } => self.rusqlite().execute_batch(sql).map_err(|error| error.to_string()),
            Place::Postgres { server, name, .. } => {
                server.client(name).batch_execute(sql).map_err(|error| match error.as_db_error() {
                    Some(db) => db.message().to_owned(),
                    None => error.to_string(),
                })
            }
        }
    }

    /// The rows of a query past `finops`, every value as text; bytes as `\x…`, NULL as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.rows_of(&[sql.to_owned()]).remove(0)
    }

    /// The rows of several queries over one connection.
    pub fn rows_of(&self, queries: &[String]) -> Vec<Vec<Vec<String>>> {
        match &self.place {
            Place::Sqlite { .. } => {
                let connection = self.rusqlite();
                queries.iter().map(|sql| sqlite_rows(&connection, sql)).collect()
            }
            Place::Postgres { server, name, .. } => {
                let mut client = server.client(name);
                queries.iter().map(|sql| postgres_rows(&mut client, sql)).collect()
            }
        }
    }

    /// The only value of a query past `finops`.
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().and_then(|row| row.first().cloned()).unwrap_or_else(|| panic!("{sql}: no row"))
    }

    pub fn rusqlite(&self) -> rusqlite::Connection {
        let Place::Sqlite { path, .. } = &self.place else { panic!("not on SQLite") };
        let connection = rusqlite::Connection::open(path).expect("the file opens");
        connection.execute_batch("PRAGMA foreign_keys = ON").expect("a pragma");
        connection
    }

    /// A connection to Postgres past `finops`.
    pub fn client(&self) -> ::postgres::Client {
        let Place::Postgres { server, name, .. } = &self.place else { panic!("not on Postgres") };
        server.client(name)
    }

    /// The tables, by name.
    pub fn tables(&self) -> Vec<String> {
        let sql = if self.is_sqlite() {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
        } else {
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename COLLATE \"C\""
        };
        self.rows(sql).into_iter().flatten().collect()
    }

    /// The columns of these tables, in order.
    pub fn columns(&self, tables: &[String]) -> Vec<Vec<String>> {
        let query = |table: &String| {
            if self.is_sqlite() {
                format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")
            } else {
                format!(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
                )
            }
        };
        let queries: Vec<String> = tables.iter().map(query).collect();
        self.rows_of(&queries).into_iter().map(|rows| rows.into_iter().flatten().collect()).collect()
    }
}

fn postgres_rows(client: &mut ::postgres::Client, sql: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let rows = messages.iter().filter_map(|message| match message {
        ::postgres::SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).unwrap_or("∅").to_owned()).collect())
        }
        _ => None,
    });
    rows.collect()
}

fn sqlite_rows(connection: &rusqlite::Connection, sql: &str) -> Vec<Vec<String>> {
    use rusqlite::types::ValueRef;
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let text = |value: ValueRef| match value {
        ValueRef::Null => "∅".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("\\x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|at| Ok(text(row.get_ref(at)?))).collect());
    rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Place::Postgres { server, name, .. } = &self.place {
            // A failing test keeps its own panic.
            if !std::thread::panicking() {
                server.drop(name);
            }
        }
    }
}
