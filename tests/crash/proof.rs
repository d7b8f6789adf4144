//! `audit verify` after real runs: clean, with the digests that cron would have kept; and every way to
//! tamper with the rows is found.

use crate::business;
use crate::stage::{Stage, told};
use crate::support::TestDb;
use finops::jobs::JobKind::{InvoicesGenerate, InvoicesIssue};
use serde_json::Value;

/// A business that was billed, in several batches, and what its jobs printed: as JSON, and as text.
fn billed(db: TestDb) -> (Stage, String) {
    let stage = Stage::new(business::prepare(db)).in_pages_of(5);
    let generate = stage.job(InvoicesGenerate).arg("--json").output().unwrap();
    let issue = stage.run(InvoicesIssue);
    let kept = [generate.stdout, issue.stdout].concat();
    (stage, String::from_utf8(kept).unwrap())
}

/// (exit code, the rules that are broken, what it said)
fn verify(stage: &Stage, flags: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let output = stage.command(&[&["audit", "verify", "--json"], flags].concat()).output().unwrap();
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let items = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|line| line["type"] == "item");
    let rules = items.map(|item| item["rule"].as_str().unwrap().to_owned()).collect();
    (output.status.code(), rules, told(&output))
}

fn each_engine(body: impl Fn(Stage, String)) {
    for db in [Some(TestDb::sqlite()), TestDb::postgres()].into_iter().flatten() {
        let (stage, kept) = billed(db);
        body(stage, kept);
    }
}

#[test]
fn what_the_jobs_left_is_proven_and_so_is_what_they_printed() {
    each_engine(|stage, kept| {
        stage.write("kept.log", &format!("noise\n{kept}"));
        let (code, rules, said) = verify(&stage, &["--digests", "kept.log"]);
        assert_eq!((code, rules.len()), (Some(0), 0), "{said}");
        let summary: Value = serde_json::from_str(said.lines().find(|l| l.contains("summary")).unwrap()).unwrap();
        assert_eq!(summary["runs"], 2, "{said}");
        assert_eq!(summary["digests"], 2, "one as JSON, one as text: {said}");
        assert_eq!(summary["documents"].to_string(), business::INVOICES);
        assert!(stage.db.value("SELECT MAX(batch) FROM audit_log").parse::<u32>().unwrap() > 1, "in several batches");
        let one = verify(&stage, &["--company-id", "elbe"]);
        assert_eq!((one.0, one.1.len()), (Some(0), 0), "{}", one.2);

        let lost = kept.replace("audit 0", "audit 1").replace("audit f", "audit e");
        let (first, rest) = lost.split_at(lost.rfind("audit ").unwrap() + 6);
        stage.write("kept.log", &format!("{first}{}{}", if rest.starts_with('a') { 'b' } else { 'a' }, &rest[1..]));
        let (code, rules, said) = verify(&stage, &["--digests", "kept.log"]);
        assert_eq!((code, rules), (Some(1), vec!["kept_digest_differs".to_owned()]), "{said}");
        let nothing = stage.command(&["audit", "verify", "--digests", "finops.toml"]).output().unwrap();
        assert!(nothing.status.code() == Some(1) && told(&nothing).contains("no digest"), "{}", told(&nothing));
    });
}

/// What somebody does past `finops`, and what tells of it. The guards are taken away first.
const TAMPERING: [(&str, &[&str]); 21] = [
    ("UPDATE audit_log SET actor = 'somebody' WHERE company_id = 'elbe' AND seq = 2", &["row_changed"]),
    ("UPDATE audit_log SET at = '2026-01-01T00:00:00.000Z' WHERE company_id = '_system' AND seq = 1", &["row_changed"]),
    ("UPDATE audit_payloads SET payload = '{}' WHERE company_id = 'elbe' AND seq = 1", &["payload_changed"]),
    ("DELETE FROM audit_log WHERE company_id = 'elbe' AND seq = 2", &["rows_missing"]),
    ("DELETE FROM audit_log WHERE company_id = 'elbe' AND seq = 1", &["rows_missing"]),
    ("UPDATE audit_heads SET seq = seq + 1 WHERE company_id = 'elbe'", &["head_differs"]),
    (
        "UPDATE audit_heads SET hash = (SELECT hash FROM audit_heads WHERE company_id = 'ocha') WHERE company_id = 'elbe'",
        &["head_differs"],
    ),
    ("DELETE FROM audit_heads WHERE company_id = 'elbe'", &["head_missing"]),
    ("INSERT INTO audit_heads SELECT 'zzz', seq, hash FROM audit_heads WHERE company_id = 'elbe'", &["chain_missing"]),
    ("UPDATE invoices SET due_on = '2030-01-01' WHERE company_id = 'ocha'", &["invoice_changed"]),
    ("UPDATE invoices SET reference = 'x' WHERE company_id = 'ocha'", &["invoice_changed"]),
    ("UPDATE invoices SET state = 'paid' WHERE company_id = 'ocha'", &["state_changed"]),
    (
        "UPDATE invoices SET state = 'void', period_end = '2026-12-01' WHERE company_id = 'ocha'",
        &["invoice_changed", "state_changed"],
    ),
    ("UPDATE invoice_lines SET description = 'Tea' WHERE company_id = 'ocha' AND position = 1", &["invoice_changed"]),
    ("DELETE FROM invoice_lines WHERE company_id = 'ocha' AND position = 2", &["invoice_changed"]),
    ("UPDATE invoice_taxes SET note = 'x' WHERE company_id = 'ocha'", &["invoice_changed"]),
    ("UPDATE invoice_documents SET content = content || ' ' WHERE company_id = 'ocha'", &["document_changed"]),
    ("DELETE FROM invoice_documents WHERE company_id = 'ocha'", &["document_missing"]),
    (
        "UPDATE runs SET summary = REPLACE(summary, '\"audit_digest\":\"', '\"audit_digest\":\"0') WHERE job = 'invoices.issue'",
        &["digest_differs"],
    ),
    ("UPDATE audit_log SET batch = 1 WHERE run_id <> '' AND batch = 2", &["digest_differs", "digest_differs"]),
    ("DELETE FROM runs WHERE job = 'invoices.generate'", &["run_missing"]),
];

#[test]
fn each_way_to_tamper_with_it_is_found() {
    each_engine(|stage, _| {
        for (sql, expected) in TAMPERING {
            let stage = Stage::new(stage.db.copy());
            without_guards(&stage.db);
            stage.db.execute(sql).unwrap();
            let (code, rules, said) = verify(&stage, &[]);
            // What follows from it may be found too, such as a digest that does not come out.
            assert_eq!(code, Some(1), "{sql}: {said}");
            let found = expected.iter().all(|rule| rules.iter().any(|found| found == rule));
            assert!(found && rules.len() >= expected.len() && rules.len() <= expected.len() + 2, "{sql}: {said}");
        }
    });
}

/// Who rewrites a chain to its end, hashes and head and all, is betrayed by what lies outside.
#[test]
fn a_chain_that_was_cut_off_is_found_by_what_cron_kept() {
    each_engine(|stage, kept| {
        stage.write("kept.log", &kept);
        without_guards(&stage.db);
        let last = stage.db.value("SELECT MAX(seq) FROM audit_log WHERE company_id = 'elbe'");
        let cut = [
            format!("DELETE FROM audit_payloads WHERE company_id = 'elbe' AND seq = {last}"),
            format!("DELETE FROM audit_log WHERE company_id = 'elbe' AND seq = {last}"),
            format!(
                "UPDATE audit_heads SET seq = {last} - 1, hash = (SELECT hash FROM audit_log
               WHERE company_id = 'elbe' AND seq = {last} - 1) WHERE company_id = 'elbe'"
            ),
            "DELETE FROM runs WHERE job = 'invoices.issue'".to_owned(),
        ];
        cut.iter().for_each(|sql| stage.db.execute(sql).unwrap());
        let (_, rules, said) = verify(&stage, &["--digests", "kept.log"]);
        assert!(rules.iter().any(|rule| rule == "run_missing"), "{said}");
        assert!(rules.iter().any(|rule| rule == "issue_not_logged"), "{said}");
    });
}

#[test]
fn erased_payloads_are_counted_and_the_chain_stands() {
    each_engine(|stage, _| {
        let personal = "FROM audit_log WHERE company_id = 'ocha' AND action <> 'invoice.issued'";
        let erased = stage.db.value(&format!("SELECT COUNT(*) {personal}"));
        stage
            .db
            .execute(&format!("DELETE FROM audit_payloads WHERE company_id = 'ocha' AND seq IN (SELECT seq {personal})"))
            .unwrap();
        let (code, _, said) = verify(&stage, &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("\"erased\":{erased}")), "{said}");
        // What says which document was issued is the proof of it, and holds nothing personal.
        stage.db.execute("DELETE FROM audit_payloads WHERE company_id = 'ocha'").unwrap();
        let (code, rules, said) = verify(&stage, &[]);
        assert_eq!((code, rules.iter().all(|rule| rule == "payload_missing")), (Some(1), true), "{said}");
    });
}

/// The documented format, computed by other code from the export alone.
#[test]
fn an_export_can_be_proven_elsewhere() {
    use sha2::{Digest, Sha256};
    let bytes = |hex: &Value| -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    each_engine(|stage, _| {
        let output = stage.must(&["audit", "export", "--out", "audit.jsonl"]);
        let exported = std::fs::read_to_string(stage.documents().with_file_name("audit.jsonl")).unwrap();
        let printed = stage.must(&["audit", "export"]);
        assert_eq!(exported.as_bytes(), printed.stdout, "{}", told(&output));
        let mut before = (String::new(), Vec::new());
        let mut rows = 0;
        for line in exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let company = line["company_id"].as_str().unwrap();
            let previous = if before.0 == company { before.1 } else { vec![0; 32] };
            assert_eq!(bytes(&line["previous"]), previous);
            let payload = Sha256::digest(line["payload"].as_str().unwrap());
            assert_eq!(bytes(&line["payload_sha256"]), payload.as_slice());
            let mut hasher = Sha256::new().chain_update(&previous);
            let texts = ["at", "actor", "action", "entity", "entity_id"].map(|name| line[name].as_str().unwrap().as_bytes());
            let seq = line["seq"].as_i64().unwrap().to_be_bytes();
            for field in [&[&seq[..]], &texts[..], &[payload.as_slice()]].concat() {
                hasher.update(u32::try_from(field.len()).unwrap().to_be_bytes());
                hasher.update(field);
            }
            assert_eq!(bytes(&line["hash"]), hasher.finalize().as_slice(), "{line}");
            before = (company.to_owned(), bytes(&line["hash"]));
            rows += 1;
        }
        assert_eq!(stage.db.value("SELECT COUNT(*) FROM audit_log"), rows.to_string());
        let since = stage.must(&["audit", "export", "--since", "2030-01-01"]);
        assert!(since.stdout.is_empty());
        let one = stage.must(&["audit", "export", "--company-id", "ocha", "--since", "2020-01-01"]);
        let of_ocha = stage.db.value("SELECT COUNT(*) FROM audit_log WHERE company_id = 'ocha'");
        assert_eq!(String::from_utf8(one.stdout).unwrap().lines().count().to_string(), of_ocha);
    });
}

#[test]
fn the_list_is_narrowed_and_newest_first() {
    each_engine(|stage, _| {
        let list = |flags: &[&str]| -> Vec<Value> {
            let output = stage.must(&[&["audit", "list", "--json"], flags].concat());
            String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let issued = list(&["--action", "invoice.issued"]);
        assert_eq!(issued.len().to_string(), business::INVOICES);
        assert!(issued.iter().all(|row| row["actor"] == "invoices.issue" && row["batch"].as_i64().unwrap() > 0));
        let of_elbe = list(&["--company-id", "elbe"]);
        let seqs: Vec<i64> = of_elbe.iter().map(|row| row["seq"].as_i64().unwrap()).collect();
        assert!(seqs.windows(2).all(|pair| pair[0] > pair[1]) && seqs.len() > 4, "{seqs:?}");
        assert_eq!(list(&["--company-id", "elbe", "--limit", "2"]).len(), 2);
        let run = issued[0]["run_id"].as_str().unwrap();
        assert_eq!(list(&["--run", run]).len(), issued.len());
        let id = issued[0]["entity_id"].as_str().unwrap();
        assert_eq!(list(&["--entity", "invoice", "--entity-id", id]).len(), 2, "drafted and issued");
        assert!(list(&["--until", "2020-01-01"]).is_empty());
        let by_hand = list(&["--action", "company.added"]);
        assert!(by_hand[0]["actor"].as_str().unwrap().contains("uid "), "{by_hand:?}");
        let table = stage.must(&["audit", "list", "--company-id", "elbe", "--limit", "1"]);
        assert!(String::from_utf8(table.stdout).unwrap().contains("invoice.issued"));
    });
}

fn without_guards(db: &TestDb) {
    let sql = if db.is_sqlite() {
        let triggers = db.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'");
        triggers.iter().map(|row| format!("DROP TRIGGER {};", row[0])).collect::<String>()
    } else {
        "DO $$ DECLARE t RECORD; BEGIN FOR t IN SELECT tgname, tgrelid::regclass AS rel FROM pg_trigger WHERE NOT tgisinternal
           LOOP EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.rel); END LOOP; END $$"
            .to_owned()
    };
    db.execute(&sql).unwrap();
}
