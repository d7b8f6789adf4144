//! `audit`, `unlock` and `db reconcile` on a business that was billed: what they say.

use crate::support::TestEnvironment;
use insta::assert_snapshot;

/// A business that was billed once.
fn billed() -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    environment.set("FINOPS_CONFIG", "finops-demo/finops.toml");
    environment
}

#[test]
fn what_happened_is_listed() {
    let environment = billed();
    assert_snapshot!("audit_list", environment.finops(&["audit", "list", "--company-id", "weber", "--action", "invoice.issued"]));
    let nothing = environment.finops(&["audit", "list", "--action", "nothing.such", "-v"]);
    assert!(nothing.code == 0 && nothing.stderr.contains("nothing of that kind"), "{nothing}");
    let wrong = environment.finops(&["audit", "list", "--since", "yesterday"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("2026-10-01"), "{wrong}");
    assert_eq!(environment.finops(&["audit", "verify", "--company-id", "weber", "--digests", "x"]).code, 2);
}

#[test]
fn proof_is_silent_in_a_pipe_and_told_with_v() {
    let environment = billed();
    let silent = environment.finops(&["audit", "verify"]);
    assert_eq!((silent.code, silent.all().as_str()), (0, ""), "{silent}");
    assert_snapshot!("audit_verify", environment.finops(&["audit", "verify", "-v"]));
    let file = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_log_changed; UPDATE audit_log SET actor = 'nobody' WHERE company_id = 'weber' AND seq = 1;
         UPDATE audit_heads SET seq = 1 WHERE company_id = 'kaethe'",
    )
    .unwrap();
    assert_snapshot!("audit_verify_changed", environment.finops(&["audit", "verify"]));
    assert_snapshot!("audit_verify_changed_json", environment.finops(&["audit", "verify", "--company-id", "weber", "--json"]));
}

#[test]
fn an_export_is_for_its_owner_alone_and_whole_or_not_there() {
    use std::os::unix::fs::PermissionsExt;
    let environment = billed();
    let said = environment.finops(&["audit", "export", "--company-id", "weber", "--out", "audit.jsonl"]);
    assert!(said.code == 0 && said.stdout.starts_with("audit.jsonl: "), "{said}");
    let file = environment.path("audit.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = std::fs::read_to_string(&file).unwrap();
    assert!(lines.lines().all(|line| line.contains("\"company_id\":\"weber\"")) && lines.lines().count() > 3);
    let nowhere = environment.finops(&["audit", "export", "--out", "no/such/folder"]);
    assert!(nowhere.code == 1 && nowhere.stderr.contains("no/such/folder"), "{nowhere}");
}

#[test]
fn locks_and_doubts_are_told_while_there_are_none() {
    let environment = billed();
    assert_snapshot!("unlock", environment.finops(&["unlock"]));
    let unknown = environment.finops(&["unlock", "no.such"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("is no job"), "{unknown}");
    assert_snapshot!("db_reconcile", environment.finops(&["db", "reconcile", "--json"]));
    // A PDF that no invoice has, as after an old backup was put in place.
    environment.write("finops-demo/documents/nordlicht/2026/INV-2026-000999.pdf", "%PDF-");
    assert_snapshot!("db_reconcile_unknown", environment.finops(&["db", "reconcile"]));
    let wrong = environment.finops(&["db", "reconcile", "--given", "nordlicht=17"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("do not look like that"), "{wrong}");
    assert_snapshot!("db_reconcile_accept", environment.finops(&["db", "reconcile", "--accept"]));
    assert_eq!(environment.finops(&["db", "check"]).code, 0);
}
