//! What a statement costs must not grow with history: SQLite is asked how it would go about each one,
//! on the schema as `db migrate` makes it.

use super::sql::{Statement, code_of, statements, words};
use finops::store::{Db, Target, schema};
use std::collections::BTreeMap;
use std::time::Duration;

/// Tables that get rows with each month's work, and keep them.
const GROWING: [&str; 23] = [
    "audit_log",
    "audit_payloads",
    "billable_items",
    "billed_periods",
    "credit_entries",
    "digest_entries",
    "document_files",
    "document_numbers",
    "effect_attempts",
    "effects",
    "events",
    "alerts",
    "invoice_closings",
    "invoice_documents",
    "invoice_lines",
    "invoice_taxes",
    "invoices",
    "notifications",
    "opening_invoices",
    "payment_allocations",
    "payments",
    "reminders",
    "usage",
];

/// Indexes of the few rows that something is still to be done with.
const FEW: [&str; 12] = [
    "alerts_open",
    "billable_items_due",
    "billable_items_open",
    "effects_attention",
    "effects_due",
    "effects_sending",
    "events_new",
    "invoices_draft",
    "invoices_open_due",
    "invoices_owed",
    "invoices_stale",
    "notifications_unread",
];

/// Statements that read all of what grows, or all that a company has of it: (file, function or const, why).
const WHOLE: &[(&str, &str, &str)] = &[
    ("store/alerts.rs", "all", "a list for a person"),
    ("store/audit/log.rs", "list", "a list for a person"),
    ("store/check.rs", "RULES", "db check reads everything"),
    ("store/check.rs", "row_counts", "counts for db status"),
    ("store/copy.rs", "is_of_setup", "stops at the first row that is not of setting up"),
    ("store/credit.rs", "balances", "a balance is the sum of a company's entries"),
    ("store/credit.rs", "companies", "a list for a person, page by page"),
    ("store/credit.rs", "of_company", "a list for a person"),
    ("store/dunning.rs", "of_company", "a list for a person"),
    ("store/dunning.rs", "companies_reminded", "a list for a person, page by page"),
    ("store/effects/byhand.rs", "undelivered", "what was ever sent to a company whose address changed: some a month"),
    ("store/invoices/read.rs", "counts", "a count for status"),
    ("store/items.rs", "count_issued", "a count for the warning of an export"),
    ("store/items.rs", "of_companies", "an export reads everything"),
    ("store/items.rs", "unissued", "when the billing day of a company changes, which is once in its life"),
    ("store/notifications.rs", "all", "a list for a person"),
    ("store/numbers.rs", "any_given", "stops at the first row"),
    ("store/openings.rs", "count", "a count for the warning of an export"),
    ("store/openings.rs", "count_uncollectible", "a count for the warning of an export"),
    ("store/openings.rs", "of_companies", "an export reads everything"),
    ("store/payments.rs", "of_companies", "an export reads everything"),
    ("store/statement.rs", "sellers_of", "a statement of account tells of all since the beginning"),
    ("store/statement.rs", "account", "a statement of account tells of all since the beginning"),
    ("store/usage.rs", "of_companies", "an export reads everything"),
];

/// What SQLite is never asked, or not in these words: (file, function or const; all of the file, why).
const NOT_ASKED: &[(&str, &str, &str)] = &[
    ("store/copy.rs", "", "put together when it runs, and copies everything"),
    ("store/distribute.rs", "", "Citus only"),
    ("store/keys.rs", "by_ranges", "Postgres only"),
    ("store/invoices/list.rs", "sql", "put together by macros; its own tests ask for its plans"),
    ("store/postgres.rs", "", "Postgres only"),
    ("store/postgres/copy.rs", "", "Postgres only"),
    ("store/schema.rs", "tables", "one of its two texts is for Postgres"),
    ("store/schema.rs", "engine_facts", "one of its texts is for Postgres"),
    ("store/tx.rs", "hold_sellers", "Postgres only"),
];

/// A database as it is set up.
struct Planner {
    db: rusqlite::Connection,
    _folder: tempfile::TempDir,
}

impl Planner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plans.db");
        let mut made = Db::open_or_create(Target::Sqlite(&path), Duration::from_secs(5)).unwrap();
        schema::migrate(&mut made, chrono::DateTime::UNIX_EPOCH).unwrap();
        Self { db: rusqlite::Connection::open(&path).unwrap(), _folder: folder }
    }

    /// The steps that go through a growing table from end to end, or through all that it has of a company.
    fn whole(&self, sql: &str) -> rusqlite::Result<Vec<String>> {
        let tables = tables(sql);
        let grows = |name: &str| tables.get(&name.to_uppercase()).is_some_and(|table| GROWING.contains(&table.as_str()));
        let mut steps = self.steps(sql)?;
        steps.retain(|step| {
            let words: Vec<&str> = step.split(' ').collect();
            let [verb @ ("SCAN" | "SEARCH"), table, ..] = words[..] else { return false };
            let bounds = step.rsplit_once(" (").map_or("", |(_, bounds)| bounds);
            let all = verb == "SCAN" || ["company_id=?)", "company_id>?)"].contains(&bounds);
            all && grows(table) && !words.iter().any(|word| FEW.contains(word))
        });
        Ok(steps)
    }

    /// How SQLite goes about it.
    fn steps(&self, sql: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.db.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.replace('$', "?")))?;
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(row.get(3)?);
        }
        Ok(steps)
    }

    fn strings(&self, sql: &str) -> Vec<[String; 3]> {
        let mut statement = self.db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

/// The tables that a statement names, by the names that it calls them, in capitals.
fn tables(sql: &str) -> BTreeMap<String, String> {
    const NO_NAMES: [&str; 14] =
        ["WHERE", "JOIN", "LEFT", "ON", "ORDER", "GROUP", "LIMIT", "SET", "VALUES", "SELECT", "AND", "UNION", "USING", "CROSS"];
    let code = code_of(sql);
    let words = words(&code);
    let mut found = BTreeMap::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| ["FROM", "JOIN", "UPDATE", "INTO"].contains(word)) {
        let Some(table) = words.get(at + 1) else { continue };
        let alias = words[at + 2..].iter().find(|word| **word != "AS").filter(|word| !NO_NAMES.contains(word)).unwrap_or(table);
        found.insert((*alias).to_owned(), table.to_lowercase());
        found.insert((*table).to_owned(), table.to_lowercase());
    }
    found
}

/// The text as it can be prepared: the columns that a macro puts in are all of them.
fn preparable(statement: &Statement) -> String {
    let sql = statement.sql.split_whitespace().collect::<Vec<_>>().join(" ");
    sql.replace("SELECT FROM", "SELECT * FROM").replace("SELECT ,", "SELECT *,")
}

#[test]
fn no_statement_reads_all_of_what_grows_or_is_reviewed() {
    let planner = Planner::new();
    let mut wrong = Vec::new();
    let mut met = Vec::new();
    let asked = |s: &&Statement| !s.sql.starts_with("INSERT") || s.sql.contains("SELECT ");
    for statement in statements().iter().filter(asked) {
        let Statement { path, line, name, .. } = statement;
        let on = |list: &'static [(&str, &str, &str)]| list.iter().find(|on| on.0 == path && (on.1 == name || on.1.is_empty()));
        let answer = planner.whole(&preparable(statement));
        let whole = answer.as_ref().is_ok_and(|whole| !whole.is_empty());
        let known = if whole { on(WHOLE) } else { on(WHOLE).filter(|_| answer.is_err()).or_else(|| on(NOT_ASKED)) };
        match (known, answer) {
            (Some(known), _) => met.push(known),
            (None, Ok(steps)) if steps.is_empty() => {}
            (None, Ok(steps)) => wrong.push(format!("(\"{path}\", \"{name}\", \"\"), // line {line}: {}", steps.join("; "))),
            (None, Err(error)) => wrong.push(format!("{path}: {name}, line {line}: {error}")),
        }
    }
    for known in WHOLE.iter().chain(NOT_ASKED) {
        assert!(!known.2.is_empty());
        if !met.contains(&known) {
            wrong.push(format!("{}: {} reads only a part now, or is gone: take it off the list", known.0, known.1));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_statement_that_reads_all_is_caught() {
    let planner = Planner::new();
    for (sql, step) in [
        ("SELECT invoice_id FROM invoices WHERE total_minor = $1", "SCAN invoices"),
        (
            "DELETE FROM invoice_lines WHERE company_id = $1 AND kind = 'item'",
            "SEARCH invoice_lines USING PRIMARY KEY (company_id=?)",
        ),
        ("SELECT 1 FROM companies c JOIN usage AS u ON u.company_id = c.company_id", "SCAN u"),
        // The index holds fewer rows than its table, and grows all the same.
        ("SELECT corrects_id FROM invoices WHERE company_id = $1 AND corrects_id <> ''", "SEARCH invoices USING"),
    ] {
        let whole = planner.whole(sql).unwrap();
        assert!(whole.iter().any(|found| found.starts_with(step)), "{sql}: {whole:?}, {:?}", planner.steps(sql));
    }
    for sql in [
        "SELECT invoice_id FROM invoices WHERE company_id = $1 AND state = 'draft'",
        "SELECT 1 FROM invoice_lines WHERE company_id = $1 AND invoice_id = $2",
        "SELECT name FROM companies",
    ] {
        assert_eq!(planner.whole(sql), Ok(Vec::new()), "{sql}");
    }
}

#[test]
fn the_planner_is_told_of_every_index_of_what_grows() {
    // The primary key of a table WITHOUT ROWID goes by the table's name.
    const INDEXES: &str = "SELECT t.name, CASE WHEN i.origin = 'pk' AND t.wr = 1 THEN t.name ELSE i.name END,
        CAST((SELECT COUNT(*) FROM pragma_index_info(i.name)) AS TEXT) FROM pragma_table_list t, pragma_index_list(t.name) i";
    let planner = Planner::new();
    let indexes = planner.strings(INDEXES);
    let told = planner.strings("SELECT tbl, idx, stat FROM sqlite_stat1");
    for [table, index, stat] in &told {
        let numbers = stat.split(' ').filter(|word| word.parse::<u32>().is_ok()).count();
        let columns =
            indexes.iter().find(|known| known[0] == *table && known[1] == *index).map(|known| known[2].parse::<usize>().unwrap());
        assert_eq!(columns.map(|columns| columns + 1), Some(numbers), "{table}, {index}: {stat}");
    }
    for [table, index, _] in indexes.iter().filter(|index| GROWING.contains(&index[0].as_str())) {
        assert!(told.iter().any(|row| row[1] == *index), "src/store/statistics.rs says nothing of {table}, {index}");
    }
}
