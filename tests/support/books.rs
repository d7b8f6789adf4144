//! What finops left in a database and in the folder of documents, in a form that two undertakings
//! can be compared by.

use super::TestDb;
use finops::model::EffectKind;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tables that tell how it went, not what came out: they differ when something was killed.
const HISTORY: [&str; 8] =
    ["effect_attempts", "rate_limits", "runs", "heartbeats", "claims", "document_folders", "meta", "migrations"];
/// Columns that count attempts or batches, likewise, or that the ids in a PDF may change.
const VARYING: [(&str, &str); 10] = [
    ("alerts", "times"),
    ("audit_log", "batch"),
    ("effects", "attempts"),
    ("effects", "retried_from"),
    ("effects", "class"),
    ("effects", "error"),
    ("effects", "sending_at"),
    ("run_items", "attempts"),
    ("run_items", "parked"),
    ("document_files", "bytes"),
];

/// What names an invoice, besides the id that finops makes up.
const NAMES: &str =
    "SELECT invoice_id, company_id, contract_id, currency, period_start, revision, COALESCE(number, '') FROM invoices";

/// All that the jobs left, with what finops makes up (ids, instants, hashes) replaced, so that two
/// databases with the same books have the same dump.
pub fn books(db: &TestDb) -> Vec<String> {
    named(db, raw(db))
}

/// Rows with what finops makes up replaced, sorted.
pub fn named(db: &TestDb, rows: Vec<String>) -> Vec<String> {
    let ids: BTreeMap<String, String> =
        db.rows(NAMES).into_iter().map(|row| (row[0].clone(), format!("<{}>", row[1..].join("/")))).collect();
    assert_eq!(ids.values().collect::<BTreeSet<_>>().len(), ids.len(), "each invoice has a name of its own");
    let mut rows: Vec<String> = rows.into_iter().map(|row| canonical(&row, &ids)).collect();
    rows.sort();
    rows
}

/// The same as it is.
pub fn raw(db: &TestDb) -> Vec<String> {
    let tables: Vec<String> = db.tables().into_iter().filter(|t| !HISTORY.contains(&t.as_str())).collect();
    let query = |(table, mut columns): (&String, Vec<String>)| {
        columns.retain(|c| !VARYING.contains(&(table.as_str(), c.as_str())));
        format!("SELECT {} FROM {table}", columns.join(", "))
    };
    let queries: Vec<String> = tables.iter().zip(db.columns(&tables)).map(query).collect();
    let mut rows: Vec<String> = Vec::new();
    for (table, found) in tables.iter().zip(db.rows_of(&queries)) {
        rows.extend(found.into_iter().map(|row| format!("{table}: {}", row.join(" | "))));
    }
    // One for each run that did something, and how many those are depends on how often it was killed.
    rows.retain(|row| !(row.starts_with("effects: ") && row.contains(EffectKind::CompletionNotice.as_str())));
    rows.sort();
    rows
}

pub fn canonical(row: &str, ids: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(row.len());
    let mut rest = row;
    while let Some(next) = rest.chars().next() {
        let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if let Some(id) = rest.get(..36).filter(|t| is(t, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) {
            out.push_str(ids.get(id).map_or("<run>", String::as_str));
            rest = &rest[36..];
        } else if rest.get(..24).is_some_and(|t| is(t, "dddd-dd-ddTdd:dd:dd.dddZ")) {
            out.push_str("<at>");
            rest = &rest[24..];
        } else if rest.get(..20).is_some_and(|t| is(t, "dddd-dd-ddTdd:dd:ddZ")) {
            out.push_str("<at>");
            rest = &rest[20..];
        } else if hex == 64 {
            out.push_str("<hash>");
            rest = &rest[64..];
        } else if hex == 40 {
            // Made from keys with numbers and ids in them.
            out.push_str("<message-id>");
            rest = &rest[40..];
        } else if hex > 0 {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// Whether a text has the shape: `x` a hexadecimal digit, `d` a digit, the rest as it is.
fn is(text: &str, shape: &str) -> bool {
    text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        _ => byte == shape,
    })
}

/// Each recorded PDF lies there with its digest, and no other file; each document has its digest. Returns how many PDFs.
pub fn files(db: &TestDb, folder: &Path, what: &str) -> usize {
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let recorded = db.rows("SELECT path, sha256, bytes FROM document_files WHERE format = 'pdf'");
    for file in &recorded {
        let bytes = std::fs::read(folder.join(&file[0])).unwrap_or_else(|error| panic!("{what}: {}: {error}", file[0]));
        assert!(bytes.starts_with(b"%PDF-"), "{what}: {}", file[0]);
        assert_eq!((hex(&bytes), bytes.len().to_string()), (file[1].clone(), file[2].clone()), "{what}: {}", file[0]);
    }
    for document in db.rows("SELECT sha256, content FROM invoice_documents") {
        assert_eq!(hex(document[1].as_bytes()), document[0], "{what}");
    }
    assert_eq!(found(folder).len(), recorded.len(), "{what}: no file too many: {:?}", found(folder));
    recorded.len()
}

pub fn found(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(found(&entry.path()));
        } else {
            files.push(entry.path().display().to_string());
        }
    }
    files
}
