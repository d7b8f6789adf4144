//! The schema: both ways to make it lead to the same one, and one that is newer is left alone.

use crate::support::database::each_empty;
use crate::support::{TestDb, each_engine, now};
use finops::store::distribute::{Place, TABLES};
use finops::store::schema::{self, Status, VERSION};

/// All that a schema is: columns with their types, keys, indexes, checks, triggers, functions.
fn described(db: &TestDb) -> Vec<Vec<String>> {
    if db.is_sqlite() {
        let mut rows = db.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
        // A column that a step adds stands in the same text, but for its white space.
        rows.iter_mut().for_each(|row| {
            row[3] = row[3].split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",").replace(" )", ")")
        });
        rows.extend(db.rows("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx"));
        return rows;
    }
    let queries = [
        "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, ordinal_position::text
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 7",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    ];
    queries.iter().flat_map(|sql| db.rows(sql)).collect()
}

#[test]
fn the_steps_lead_to_schema_sql() {
    each_empty(|by_steps| {
        schema::create_by_steps(&mut by_steps.open(), VERSION, now()).unwrap();
        let whole = if by_steps.is_sqlite() { TestDb::sqlite() } else { TestDb::postgres().unwrap() };
        assert_eq!(schema::migrate(&mut whole.open(), now()).unwrap(), ["schema.sql"]);
        let (steps, whole) = (described(by_steps), described(&whole));
        assert!(whole.len() > 40, "the description sees the schema");
        for (step, once) in steps.iter().zip(&whole) {
            assert_eq!(step, once);
        }
        assert_eq!(steps.len(), whole.len());
    });
}

/// (table, column, not null) of every column: what the two engines must agree on by name.
#[test]
fn both_engines_have_the_same_tables() {
    let (sqlite, Some(postgres)) = (TestDb::sqlite(), TestDb::postgres()) else { return };
    for db in [&sqlite, &postgres] {
        schema::migrate(&mut db.open(), now()).unwrap();
    }
    assert_eq!(sqlite.tables(), postgres.tables());
    assert!(sqlite.tables().len() >= 20);
    for table in sqlite.tables() {
        let of_sqlite = format!(
            "SELECT name, CASE type WHEN 'INTEGER' THEN 'bigint' WHEN 'TEXT' THEN 'text' WHEN 'BLOB' THEN 'bytea' ELSE type END,
             CASE WHEN \"notnull\" = 1 OR pk > 0 THEN 'NO' ELSE 'YES' END, CASE type WHEN 'TEXT' THEN 'C' ELSE '∅' END
             FROM pragma_table_info('{table}') ORDER BY cid"
        );
        let of_postgres = format!(
            "SELECT column_name, data_type, is_nullable, collation_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        );
        assert_eq!(sqlite.rows(&of_sqlite), postgres.rows(&of_postgres), "{table}");
        let of_sqlite = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
        let of_postgres = format!(
            "SELECT a.attname FROM pg_index i JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(num, at) ON true
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
             WHERE i.indisprimary AND i.indrelid = '{table}'::regclass ORDER BY k.at"
        );
        assert_eq!(sqlite.rows(&of_sqlite), postgres.rows(&of_postgres), "the key of {table}");
    }
}

#[test]
fn every_key_of_a_company_table_begins_with_its_company() {
    let db = TestDb::sqlite();
    schema::migrate(&mut db.open(), now()).unwrap();
    for (table, _) in TABLES.iter().filter(|(_, place)| *place == Place::Company) {
        let sql = format!(
            "SELECT i.name, c.name FROM pragma_index_list('{table}') i, pragma_index_info(i.name) c WHERE i.\"unique\" = 1 AND c.seqno = 0"
        );
        let keys = db.rows(&sql);
        assert!(!keys.is_empty(), "{table} has a key");
        for key in keys {
            assert_eq!(key[1], "company_id", "{table}: {}", key[0]);
        }
    }
}

#[test]
fn migrating_again_changes_nothing() {
    each_engine(|db| {
        let before = (described(db), db.rows("SELECT * FROM meta ORDER BY key"), db.rows("SELECT * FROM migrations"));
        assert!(schema::migrate(&mut db.open(), now()).unwrap().is_empty());
        assert_eq!(before, (described(db), db.rows("SELECT * FROM meta ORDER BY key"), db.rows("SELECT * FROM migrations")));
    });
}

#[test]
fn a_database_says_what_it_is() {
    each_empty(|db| assert_eq!(db.open().read(schema::status).unwrap(), Status::Empty));
    each_engine(|db| {
        assert_eq!(db.open().read(schema::status).unwrap(), Status::Current);
        db.execute(&format!("UPDATE meta SET value = '{}' WHERE key = 'schema_version'", VERSION + 1)).unwrap();
        assert_eq!(db.open().read(schema::status).unwrap(), Status::Newer(VERSION + 1));
        assert!(schema::migrate(&mut db.open(), now()).unwrap().is_empty(), "a newer one is left alone");
        db.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'").unwrap();
        assert_eq!(db.open().read(schema::status).unwrap(), Status::Older(0));
    });
}

/// SQLite's planner goes by what a step of the schema tells it, whatever was counted before.
#[test]
fn a_step_of_the_schema_brings_its_statistics() {
    let (new, old) = (TestDb::sqlite(), TestDb::sqlite());
    schema::migrate(&mut new.open(), now()).unwrap();
    schema::create_by_steps(&mut old.open(), VERSION - 1, now()).unwrap();
    assert!(
        old.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").is_empty(),
        "an older build told it nothing"
    );
    old.execute("ANALYZE").unwrap();
    schema::migrate(&mut old.open(), now()).unwrap();
    let told = |db: &TestDb| db.rows("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx");
    assert_eq!(told(&old), told(&new));
    assert!(told(&old).len() > 40);
    assert!(old.rows("SELECT tbl FROM sqlite_stat4").is_empty());
}
