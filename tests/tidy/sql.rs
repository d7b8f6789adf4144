//! SQL stays portable, repeatable and within one company (distributed.md).

use super::scan;
use finops::store::distribute::{Place, TABLES};
use std::collections::HashSet;

/// Statements on tables of companies that name no company: (file, function or const, why).
const ACROSS: &[(&str, &str, &str)] = &[
    ("store/billing.rs", "due", "finds the companies with work due: one range of one index"),
    ("store/billing.rs", "count_due", "a count for the progress bar: one range of one index"),
    ("store/alerts.rs", "open", "a list for a person: one range of one index"),
    ("store/alerts.rs", "all", "a list for a person"),
    ("store/alerts.rs", "counts", "a count for status: an index of what is wrong"),
    ("store/alerts.rs", "items_that_are_over", "finds what is over: a range of an index of what is wrong"),
    ("store/alerts.rs", "effects_that_are_over", "finds what is over: a range of an index of what is wrong"),
    ("store/audit/log.rs", "page", "audit verify and export read everything, page by page"),
    ("store/audit/log.rs", "list", "a list for a person"),
    ("store/audit/log.rs", "heads", "audit verify reads everything, page by page"),
    ("store/audit/log.rs", "length", "a sum for the progress bar"),
    ("store/audit/log.rs", "issued_documents", "audit verify reads everything, page by page"),
    ("store/check.rs", "RULES", "db check reads everything"),
    ("store/check.rs", "row_counts", "counts for db status"),
    ("store/check.rs", "documents", "db check reads everything, page by page"),
    ("store/check.rs", "contract_keys", "db check reads everything, page by page"),
    ("store/claims.rs", "holders", "who works now, for a person"),
    ("store/claims.rs", "count_held", "whether a job is at work, asked before the tables are moved"),
    ("store/claims.rs", "expire", "a dead run's claims, whatever the company"),
    ("store/notifications.rs", "unread", "what a recipient has not read, of whatever company: a range of an index"),
    ("store/notifications.rs", "all", "a list for a person"),
    ("store/notifications.rs", "find", "another application names a message by its key alone"),
    ("store/notifications.rs", "unread_counts", "a count for status: an index of what is unread"),
    ("store/numbers.rs", "given_between", "numbers are looked up whoever has them: one range of one index"),
    ("store/numbers.rs", "is_given", "a number is looked up whoever has it"),
    ("store/companies.rs", "tax_ids", "a report for doctor, page by page"),
    ("store/companies.rs", "languages", "a report for doctor, page by page"),
    ("store/contacts.rs", "languages", "a report for doctor, page by page"),
    ("store/contracts.rs", "list", "a list for a person"),
    ("store/contracts.rs", "by_id", "a contract is looked up whoever has it"),
    ("store/companies.rs", "page", "a list for a person"),
    ("store/companies.rs", "ids", "an export reads everything, page by page"),
    ("store/contracts.rs", "without_items", "a report for status and doctor"),
    ("store/copy.rs", "clear", "a copy fills a database that is empty but for its own log of being set up"),
    ("store/copy.rs", "is_of_setup", "whether a database is empty"),
    ("store/credit.rs", "companies", "a list for a person, page by page"),
    ("store/documents.rs", "in_folder", "a folder holds the files of many companies; only one that changed is read"),
    ("store/documents.rs", "pdfs", "db check reads everything, page by page"),
    ("store/dunning.rs", "companies_owing", "finds the companies with work due: one range of one index"),
    ("store/dunning.rs", "count_owing", "a count for the progress bar: an index of what is open"),
    ("store/dunning.rs", "companies_reminded", "a list for a person"),
    ("store/effects/mod.rs", "due", "finds what is to be delivered: one range of one index"),
    ("store/effects/mod.rs", "sending", "finds what a dead run was sending: an index of what is in flight"),
    ("store/effects/mod.rs", "count_due", "a count for the progress bar: one range of one index"),
    ("store/effects/byhand.rs", "backlog", "a count for status: three indexes of what is not over"),
    ("store/effects/byhand.rs", "attention", "what waits for a person: one range of one index"),
    ("store/effects/byhand.rs", "waiting", "what waits for its time: one range of one index"),
    ("store/effects/byhand.rs", "scan", "a person asks for all of it"),
    ("store/effects/byhand.rs", "named", "a person names an act by its key alone"),
    ("store/events.rs", "new_page", "finds what is to be told: one range of one index"),
    ("store/events.rs", "count_new", "a count for the progress bar: one range of one index"),
    ("store/invoices/issued.rs", "HEADS", "audit verify reads everything, page by page"),
    ("store/invoices/issued.rs", "LINES", "audit verify reads everything, page by page"),
    ("store/invoices/issued.rs", "TAXES", "audit verify reads everything, page by page"),
    ("store/invoices/before.rs", "before_end", "a person looks at the whole run, and at what ended"),
    ("store/invoices/list.rs", "sql", "a list for a person"),
    ("store/invoices/read.rs", "drafts", "finds what is to be issued: one range of one index"),
    ("store/invoices/read.rs", "count_drafts", "a count for the progress bar: one range of one index"),
    ("store/invoices/read.rs", "companies_with_stale_drafts", "finds the companies with work due: one range of one index"),
    ("store/invoices/read.rs", "find", "a person names an invoice by its number alone"),
    ("store/invoices/read.rs", "count_stale_edited", "a count for status and doctor: an index of what is stale"),
    ("store/invoices/read.rs", "never_told", "a report for doctor"),
    ("store/invoices/read.rs", "counts", "a count for status"),
    ("store/invoices/write.rs", "mark_stale_by_seller", "a seller's terms or rates changed, and it bills any company"),
    ("store/items.rs", "companies_due", "finds the companies with work due: one range of one index"),
    ("store/items.rs", "count_issued", "a count for the warning of an export"),
    ("store/openings.rs", "count_uncollectible", "a count for the warning of an export"),
    ("store/openings.rs", "count", "a count for the warning of an export"),
    ("store/plans.rs", "contracts_on", "a price list changed, and contracts of any company are on it: one range of one index"),
    ("store/plans.rs", "issued_on", "whether a price list may still change: the first that was billed by it"),
    ("store/runs.rs", "companies_with_items", "finds the companies with work due: what waits is little"),
    ("store/runs.rs", "item_counts", "a count for status"),
    ("store/runs.rs", "items_of_class", "a list for a person"),
    ("store/runs.rs", "all_items", "a list for a person"),
];

/// Statements on tables that lie apart on a cluster: (file, function or const, why).
const APART: &[(&str, &str, &str)] =
    &[("store/check.rs", "RULES", "db check compares numbers with invoices, by differences that the coordinator puts together")];

/// A statement: the texts of one `const`, put together.
pub struct Statement {
    pub path: String,
    pub line: usize,
    /// The function that it stands in, or the const's own name at the top.
    pub name: String,
    pub sql: String,
}

pub fn statements() -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    for source in scan::all().into_iter().filter(|s| s.room() == "store") {
        let functions = source.functions();
        let mut last_end = usize::MAX;
        for (at, text) in &source.literals {
            let line = source.line_of(*at);
            let verb = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.trim_start().starts_with(verb));
            // A literal of the same `concat!` goes on where the last one ended.
            let same = found.last().is_some_and(|f| f.path == source.path)
                && last_end != usize::MAX
                && !source.code[last_end..*at].contains(';')
                && !source.code[..*at].ends_with("sql: ");
            if verb && !same {
                let within = functions.iter().rev().find(|f| f.0 <= line && line < f.0 + f.2);
                let name = within.map_or_else(|| constant(&source.code[..*at]), |f| f.1.clone());
                found.push(Statement { path: source.path.clone(), line, name, sql: text.clone() });
                last_end = *at;
            } else if let Some(statement) = found.last_mut().filter(|_| same) {
                statement.sql.push_str(text);
            }
        }
    }
    assert!(found.len() > 60, "the statements are found: {}", found.len());
    found
}

/// The name of the const that the code before a literal begins.
fn constant(before: &str) -> String {
    let name = before.rsplit("const ").next().unwrap_or_default();
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
}

/// In capitals and with single spaces, without comments and texts in quotes.
pub fn code_of(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().map(|l| l.split("--").next().unwrap_or_default()).collect();
    let unquoted: String = lines.join("\n").split('\'').step_by(2).collect::<Vec<_>>().join("''");
    unquoted.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

pub fn words(code: &str) -> Vec<&str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect()
}

/// Where the tables lie that a statement names, one for each time.
fn places(code: &str) -> Vec<Place> {
    let words = words(code);
    let named = words.windows(2).filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0]));
    named.filter_map(|pair| TABLES.iter().find(|t| t.0.eq_ignore_ascii_case(pair[1])).map(|t| t.1)).collect()
}

/// Whether it asks for the rows of more than one company: each table of companies needs its own
/// `company_id =`, the first with a parameter, the others with that one or the first's column.
fn is_across(sql: &str) -> bool {
    let code = code_of(sql);
    let tables = places(&code).into_iter().filter(|place| *place == Place::Company).count();
    if code.starts_with("INSERT") {
        return tables > 0 && !code.contains("COMPANY_ID");
    }
    let compared = code.matches("COMPANY_ID = ").count();
    // One side of an OR narrows nothing.
    let with_parameter = code.match_indices("COMPANY_ID = $").filter(|(at, _)| {
        let before = code[..*at].trim_end_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        !before.ends_with(" OR ")
    });
    tables > 0 && (compared < tables || with_parameter.count() == 0)
}

/// Whether it joins what does not lie side by side (rules 1, 7, 8).
fn is_apart(sql: &str) -> bool {
    let places = places(&code_of(sql)).into_iter().filter(|place| *place != Place::Everywhere);
    let kinds: HashSet<String> = places.map(|place| format!("{place:?}")).collect();
    kinds.len() > 1
}

/// Each statement that breaks a rule must be on its list, and each on the list must break it.
fn reviewed(breaks: impl Fn(&str) -> bool, list: &[(&str, &str, &str)]) {
    let all = statements();
    let found: Vec<&Statement> = all.iter().filter(|s| breaks(&s.sql)).collect();
    let mut wrong = Vec::new();
    for s in &found {
        if !list.iter().any(|(path, name, _)| *path == s.path && *name == s.name) {
            wrong.push(format!("(\"{}\", \"{}\", \"\"), // line {}: is not reviewed", s.path, s.name, s.line));
        }
    }
    for (path, name, reason) in list {
        assert!(!reason.is_empty());
        if !found.iter().any(|s| s.path == *path && s.name == *name) {
            wrong.push(format!("{path}: {name} keeps the rule now, or is gone: take it off the list"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_statement_names_its_company_or_is_reviewed() {
    reviewed(is_across, ACROSS);
}

#[test]
fn a_statement_joins_what_lies_side_by_side_or_is_reviewed() {
    reviewed(is_apart, APART);
}

/// (What is wrong, what tells it): words that follow each other, or a name's beginning.
const BANNED: [(&str, &[&str]); 12] = [
    ("takes the clock", &["NOW ", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "CLOCK_TIMESTAMP", "LOCALTIME"]),
    ("takes a random value", &["RANDOM ", "GEN_RANDOM", "UUID_GENERATE"]),
    ("takes a sequence", &["NEXTVAL", "SERIAL ", "BIGSERIAL ", "AUTOINCREMENT", "AS IDENTITY "]),
    ("has a column of a domain", &["CREATE DOMAIN "]),
    ("locks what no other node sees", &["PG_ADVISORY", "PG_TRY_ADVISORY", "LOCK TABLE "]),
    ("replays half a transaction", &["SAVEPOINT "]),
    ("is of one session", &["LISTEN ", "NOTIFY ", "CREATE TEMP", "SET SESSION "]),
    ("tells its errors otherwise", &["COPY "]),
    ("is checked late", &["DEFERRABLE ", "INITIALLY DEFERRED "]),
    ("excludes ranges", &["EXCLUDE USING ", "INT8RANGE", "TSTZRANGE", "DATERANGE"]),
    ("cannot be asked of many nodes", &["WITH RECURSIVE ", "GROUPING SETS "]),
    ("asks within VALUES", &["VALUES SELECT "]),
];

/// What differs between engines, between two executions, or between nodes (distributed.md, rules 3 to 6 and 10).
fn faults(sql: &str) -> Vec<&'static str> {
    let code = code_of(sql);
    let text = format!(" {} ", words(&code).join(" "));
    let mut found: Vec<&str> = Vec::new();
    for (fault, signs) in BANNED {
        if signs.iter().any(|sign| text.contains(&format!(" {sign}"))) {
            found.push(fault);
        }
    }
    if code.contains("VALUES (") && code.contains("(SELECT ") && !found.contains(&"asks within VALUES") {
        found.push("asks within VALUES");
    }
    // On one engine 7 / 2 is 3, on another 3.5.
    if code.contains('/') {
        found.push("divides");
    }
    let locks = [" FOR UPDATE ", " FOR NO KEY UPDATE ", " FOR SHARE ", " SKIP LOCKED "].iter().any(|lock| text.contains(lock));
    if locks && is_across(sql) {
        found.push("locks rows of many companies");
    }
    found
}

#[test]
fn sql_means_the_same_on_every_node_and_each_time() {
    let mut wrong = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<(String, String)> = statements().into_iter().map(|s| (format!("{}:{}", s.path, s.line), s.sql)).collect();
    texts.push(("schema.sql".to_owned(), std::fs::read_to_string(root.join("schema.sql")).unwrap()));
    for step in std::fs::read_dir(root.join("src/store/migrations")).unwrap().map(|step| step.unwrap().path()) {
        texts.push((step.display().to_string(), std::fs::read_to_string(&step).unwrap()));
    }
    for (place, sql) in &texts {
        wrong.extend(faults(sql).into_iter().map(|fault| format!("{place}: {fault}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_rule_catches_what_it_is_for() {
    for (sql, fault) in [
        ("UPDATE runs SET heartbeat_at = now() WHERE run_id = $1", "takes the clock"),
        ("SELECT CURRENT_TIMESTAMP", "takes the clock"),
        ("INSERT INTO runs (run_id) VALUES (gen_random_uuid())", "takes a random value"),
        ("SELECT random()", "takes a random value"),
        ("SELECT nextval('s')", "takes a sequence"),
        ("CREATE TABLE t (id BIGSERIAL PRIMARY KEY)", "takes a sequence"),
        ("CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY)", "takes a sequence"),
        ("CREATE DOMAIN company AS TEXT", "has a column of a domain"),
        ("SELECT pg_advisory_xact_lock(1)", "locks what no other node sees"),
        ("SELECT pg_try_advisory_lock(1)", "locks what no other node sees"),
        ("SAVEPOINT a", "replays half a transaction"),
        ("LISTEN work", "is of one session"),
        ("CREATE TEMP TABLE t (a TEXT)", "is of one session"),
        ("COPY invoices FROM STDIN", "tells its errors otherwise"),
        ("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES b DEFERRABLE INITIALLY DEFERRED", "is checked late"),
        ("CREATE TABLE t (a INT8RANGE)", "excludes ranges"),
        ("WITH RECURSIVE r AS (SELECT 1) SELECT 1 FROM r", "cannot be asked of many nodes"),
        ("SELECT 1 FROM runs GROUP BY GROUPING SETS ((job), ())", "cannot be asked of many nodes"),
        ("INSERT INTO claims (company_id) VALUES ((SELECT 1))", "asks within VALUES"),
        ("SELECT total_minor / 2 FROM invoices WHERE company_id = $1", "divides"),
        ("SELECT 1 FROM effects WHERE state = $1 FOR UPDATE SKIP LOCKED", "locks rows of many companies"),
        ("SELECT 1 FROM companies FOR NO KEY UPDATE", "locks rows of many companies"),
    ] {
        assert!(faults(sql).contains(&fault), "{sql}: {:?}", faults(sql));
    }
    for sql in [
        "SELECT 1 FROM effects WHERE company_id = $1 AND state = $2 FOR UPDATE SKIP LOCKED",
        "SELECT known, now_due FROM runs WHERE path = 'a/b now() ' -- 1 / 2",
    ] {
        assert!(faults(sql).is_empty(), "{sql}: {:?}", faults(sql));
    }
    for sql in [
        "SELECT 1 FROM invoices WHERE state = $1",
        "UPDATE claims SET owner = $1",
        "DELETE FROM effects WHERE state = $1",
        "SELECT 1 FROM invoices WHERE state = $1 OR company_id = $2",
        "SELECT 1 FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.invoice_id WHERE i.company_id = $1",
        "SELECT 1 FROM invoices WHERE company_id = $1 AND invoice_id IN (SELECT invoice_id FROM billed_periods)",
        "INSERT INTO claims (job) VALUES ($1)",
    ] {
        assert!(is_across(sql), "{sql}");
    }
    for sql in [
        "SELECT 1 FROM invoices i JOIN invoice_lines l ON l.company_id = i.company_id WHERE i.company_id = $1",
        "UPDATE claims SET owner = $1 WHERE company_id = $2",
        "SELECT 1 FROM runs WHERE job = $1",
        "INSERT INTO claims (company_id, job) VALUES ($1, $2)",
    ] {
        assert!(!is_across(sql), "{sql}");
    }
    assert!(is_apart("SELECT 1 FROM document_numbers n JOIN invoices i ON i.company_id = n.company_id WHERE n.company_id = $1"));
    assert!(is_apart("SELECT 1 FROM claims c JOIN runs r ON r.run_id = c.owner WHERE c.company_id = $1"));
    assert!(!is_apart("SELECT 1 FROM contracts c JOIN sellers s ON s.seller_id = c.seller_id WHERE c.company_id = $1"));
}
