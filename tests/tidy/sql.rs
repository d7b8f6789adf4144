//! SQL stays portable, repeatable and within one company (distributed.md).

use super::scan;

/// Tables that belong to no company: reference, number series, run state (distributed.md, rules 7, 8).
const SHARED: [&str; 14] = [
    "document_folders",
    "meta",
    "migrations",
    "sellers",
    "tax_rates",
    "assets",
    "series_counters",
    "document_numbers",
    "runs",
    "heartbeats",
    "sqlite_schema",
    "pg_catalog",
    "pragma_",
    "unnest",
];

/// Statements on tables of companies that name no company: (file, function or const, why).
const ACROSS: &[(&str, &str, &str)] = &[
    ("store/billing.rs", "due", "finds the companies with work due: one range of one index"),
    ("store/billing.rs", "count_due", "a count for the progress bar: one range of one index"),
    ("store/audit/log.rs", "page", "audit verify and export read everything, page by page"),
    ("store/audit/log.rs", "list", "a list for a person"),
    ("store/audit/log.rs", "heads", "audit verify reads everything, page by page"),
    ("store/audit/log.rs", "length", "a sum for the progress bar"),
    ("store/audit/log.rs", "issued_documents", "audit verify reads everything, page by page"),
    ("store/check.rs", "documents", "db check reads everything, page by page"),
    ("store/check.rs", "contract_keys", "db check reads everything, page by page"),
    ("store/claims.rs", "holders", "who works now, for a person"),
    ("store/claims.rs", "expire", "a dead run's claims, whatever the company"),
    ("store/numbers.rs", "is_given", "a number is looked up whoever has it"),
    ("store/contracts.rs", "without_items", "a report for status and doctor"),
    ("store/documents.rs", "in_folder", "a folder holds the files of many companies; only one that changed is read"),
    ("store/documents.rs", "pdfs", "db check reads everything, page by page"),
    ("store/effects/mod.rs", "due", "finds what is to be delivered: one range of one index"),
    ("store/effects/mod.rs", "sending", "finds what a dead run was sending: an index of what is in flight"),
    ("store/effects/mod.rs", "count_due", "a count for the progress bar: one range of one index"),
    ("store/effects/byhand.rs", "backlog", "a count for status: three indexes of what is not over"),
    ("store/effects/byhand.rs", "list", "what a person asks for: indexes of what is not over, or all of it"),
    ("store/effects/byhand.rs", "named", "a person names an act by its key alone"),
    ("store/invoices/read.rs", "drafts", "finds what is to be issued: one range of one index"),
    ("store/invoices/read.rs", "count_drafts", "a count for the progress bar: one range of one index"),
    ("store/invoices/read.rs", "companies_with_stale_drafts", "finds the companies with work due: one range of one index"),
    ("store/invoices/read.rs", "find", "a person names an invoice by its number alone"),
    ("store/invoices/read.rs", "counts", "a count for status"),
    ("store/invoices/write.rs", "mark_stale_by_seller", "a seller's terms or rates changed, and it bills any company"),
    ("store/items.rs", "companies_due", "finds the companies with work due: one range of one index"),
    ("store/runs.rs", "item_counts", "a count for status"),
    ("store/runs.rs", "items_of_class", "a list for a person"),
    ("store/runs.rs", "all_items", "a list for a person"),
    ("store/schema.rs", "engine_facts", "asks the engine about itself"),
    ("store/sqlite.rs", "insert", "the frame that every bulk write is put into"),
];

/// A statement: the texts of one `const`, put together.
struct Statement {
    path: String,
    line: usize,
    /// The function that it stands in, or the const's own name at the top.
    name: String,
    sql: String,
}

fn statements() -> Vec<Statement> {
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
                && !source.code[last_end..*at].contains(';');
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

fn is_across(statement: &Statement) -> bool {
    let sql = &statement.sql;
    let shared =
        SHARED.iter().any(|table| ["FROM ", "INTO ", "UPDATE "].iter().any(|word| sql.contains(&format!("{word}{table}"))));
    let names_company = ["company_id = $1", "company_id = $2"].iter().any(|test| sql.contains(test));
    let inserts_company = sql.starts_with("INSERT") && sql.contains("company_id");
    !shared && !names_company && !inserts_company
}

#[test]
fn a_statement_names_its_company_or_is_reviewed() {
    let mut wrong = Vec::new();
    for statement in statements().iter().filter(|s| is_across(s)) {
        if !ACROSS.iter().any(|(path, name, _)| *path == statement.path && *name == statement.name) {
            wrong.push(format!("(\"{}\", \"{}\", \"\"), // line {}", statement.path, statement.name, statement.line));
        }
    }
    assert!(wrong.is_empty(), "no `company_id = $1`, and not reviewed:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_reviewed_is_there() {
    let all = statements();
    for (path, name, reason) in ACROSS {
        assert!(!reason.is_empty());
        let there = all.iter().any(|s| s.path == *path && s.name == *name && is_across(s));
        assert!(there, "{path}: {name} names its company now, or is gone: take it off the list");
    }
}

/// What differs between engines, between two executions, or between nodes (distributed.md, rules 3, 6, 10).
#[test]
fn sql_takes_no_clock_chance_or_sequence() {
    let banned = ["now()", "current_timestamp", "current_date", "random()", "gen_random", "nextval", "serial", "autoincrement"];
    let mut wrong = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<(String, String)> = statements().into_iter().map(|s| (format!("{}:{}", s.path, s.line), s.sql)).collect();
    texts.push(("schema.sql".to_owned(), std::fs::read_to_string(root.join("schema.sql")).unwrap()));
    for (place, sql) in &texts {
        let code: Vec<&str> = sql.lines().map(|l| l.split("--").next().unwrap_or_default()).collect();
        let code = code.join("\n").to_lowercase();
        let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && !"_()".contains(c)).collect();
        for word in banned.iter().filter(|b| words.iter().any(|w| w.contains(**b))) {
            wrong.push(format!("{place}: {word}"));
        }
        for word in ["advisory_lock", "savepoint", "listen ", "create temp"].iter().filter(|w| code.contains(**w)) {
            wrong.push(format!("{place}: {word}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
