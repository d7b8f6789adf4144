//! `status`, `runs` and `doctor`: what they say of a month that was billed, and of what is wrong.

use crate::support::TestEnvironment;
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;

/// A business that was billed once.
fn billed() -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    environment.set("FINOPS_CONFIG", "finops-demo/finops.toml");
    environment
}

#[test]
fn status_tells_jobs_invoices_and_what_waits() {
    let mut environment = billed();
    assert_snapshot!("status", environment.finops(&["status"]));
    environment.write(
        "items.csv",
        "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
         weber,manual:1,nordlicht,EUR,2026-10-02,Something rare,1,9.00,rare\n",
    );
    assert_eq!(environment.finops(&["import", "billable_items", "items.csv"]).code, 0);
    // Another seed: the ids of one process must not come again in the next.
    environment.set("FINOPS_TEST_SEED", "2");
    let said = environment.finops(&["invoices", "generate", "--now", "2026-12-05T08:00:00Z"]);
    assert_eq!(said.code, 3, "{said}");
    assert_snapshot!("status_waiting", environment.finops(&["status"]));
    let waiting: Vec<_> = environment.finops(&["status", "--json"]).json();
    let waiting = waiting.iter().find(|item| item["section"] == "waiting").expect("something waits");
    assert_eq!((waiting["reason"].clone(), waiting["count"].clone()), ("no_tax_rate".into(), 1.into()));
}

#[test]
fn runs_are_listed_newest_first_and_shown_by_the_start_of_their_id() {
    let environment = billed();
    let said = environment.command(&["runs", "list", "--json"]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let runs: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let jobs: Vec<&str> = runs.iter().map(|run| run["job"].as_str().unwrap()).collect();
    assert_eq!(jobs, ["invoices.issue", "invoices.generate"]);
    assert_eq!(runs[0]["summary"]["done"], 34);
    assert_eq!(environment.finops(&["runs", "list", "--job", "invoices.issue", "--json"]).json().len(), 1);
    let id = runs[0]["run_id"].as_str().unwrap();
    let shared = runs[1]["run_id"].as_str().unwrap().bytes().zip(id.bytes()).take_while(|(a, b)| a == b).count();
    let shown = environment.finops(&["runs", "show", &id[..shared + 1], "--json"]).json();
    assert_eq!(shown[0]["job"], "invoices.issue");
    for (asked, code, reason) in [(&id[..shared], 2, "several"), ("ffff", 1, "no run"), ("what", 1, "no run's id")] {
        let said = environment.finops(&["runs", "show", asked]);
        assert!(said.code == code && said.stderr.contains(reason), "{asked}: {said}");
    }
    assert_eq!(environment.finops(&["runs", "list", "--limit", "0"]).code, 2);
    assert!(environment.finops(&["runs", "list"]).stdout.starts_with("Started"));
}

#[test]
fn the_doctor_is_silent_in_a_pipe_while_all_is_well() {
    let environment = billed();
    let said = environment.finops(&["doctor"]);
    assert_eq!((said.code, said.all().as_str()), (0, ""));
    let items = environment.finops(&["doctor", "--full", "--json"]).json();
    let (summary, items) = items.split_last().unwrap();
    assert_eq!((summary["type"].clone(), summary["problems"].clone()), ("summary".into(), 0.into()));
    let checked: Vec<&str> = items.iter().map(|item| item["check"].as_str().unwrap()).collect();
    for check in ["configuration", "documents", "fonts", "database file", "database", "clock", "sellers", "contracts", "pdfs"] {
        assert!(checked.contains(&check), "{check}: {checked:?}");
    }
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let mut environment = billed();
    let pdf = environment.path("finops-demo/documents/nordlicht/2026/INV-2026-000003.pdf");
    let bytes = std::fs::read(&pdf).unwrap();
    // The same length, and other content: only reading it tells.
    std::fs::write(&pdf, vec![0; bytes.len()]).unwrap();
    assert_eq!(environment.finops(&["doctor"]).stdout, "");
    let said = environment.finops(&["doctor", "--full"]);
    assert!(said.code == 0 && said.stdout.contains("INV-2026-000003.pdf is not as it was written"), "{said}");
    std::fs::remove_file(&pdf).unwrap();
    let database = environment.path("finops-demo/finops.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    environment.set("FINOPS_TEST_CLOCK", "2026-10-31T11:50:00Z");
    // In a test's database, any clock will do.
    let file = rusqlite::Connection::open(&database).unwrap();
    file.execute_batch("DELETE FROM meta WHERE key = 'test'").unwrap();
    drop(file);
    assert_snapshot!("doctor", environment.finops(&["doctor"]));
}

#[test]
fn the_doctor_names_who_is_to_be_written_to_in_a_language_that_is_none() {
    let environment = billed();
    environment.write("contacts.csv", "company_id,contact_id,name,email,roles\nweber,jan,Jan,jan@weber.example.org,billing\n");
    let said = environment.finops(&["import", "contacts", "contacts.csv"]);
    assert_eq!(said.code, 0, "{said}");
    let file = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    // As a version did that took any language.
    file.execute_batch(
        "UPDATE sellers SET language = 'sv'; UPDATE contacts SET language = 'nl' WHERE contact_id = 'jan';
         UPDATE companies SET language = 'nl'; UPDATE companies SET language = 'de_AT' WHERE company_id = 'weber';",
    )
    .unwrap();
    drop(file);
    assert_snapshot!("doctor_languages", environment.finops(&["doctor"]));
}

#[test]
fn the_doctor_exits_78_when_it_is_the_configuration() {
    let environment = TestEnvironment::new();
    let said = environment.finops(&["doctor"]);
    assert!(said.code == 78 && said.stderr.contains("finops.toml"), "{said}");
    let said = environment.finops(&["doctor", "--database", "sqlite:missing.db"]);
    assert!(said.code == 78 && said.stdout.contains("there is no database at sqlite:missing.db"), "{said}");
    environment.write("finops.toml", "[documents]\nfallback_fonts = [\"no.ttf\"]\n");
    environment.finops(&["db", "migrate"]);
    let said = environment.finops(&["doctor"]);
    assert!(said.code == 1 && said.stdout.contains("no.ttf"), "{said}");
}

#[test]
fn a_pdf_that_is_gone_is_made_again_by_the_next_run() {
    let mut env = billed();
    let pdf = env.path("finops-demo/documents/nordlicht/2026/INV-2026-000003.pdf");
    let before = std::fs::read(&pdf).unwrap();
    // Each run makes ids of its own.
    let mut issue = |seed: &str| {
        env.set("FINOPS_TEST_SEED", seed);
        env.finops(&["invoices", "issue"]).stdout
    };
    assert_eq!(issue("2"), "", "nothing is missing");
    std::fs::remove_file(&pdf).unwrap();
    assert!(issue("3").contains("1 delivered"));
    assert_eq!(std::fs::read(&pdf).unwrap(), before);
    let folder = pdf.parent().unwrap();
    let all = std::fs::read_dir(folder).unwrap().count();
    std::fs::remove_dir_all(folder).unwrap();
    assert!(all > 1 && issue("4").contains(&format!("{all} delivered")));
    assert_eq!(issue("5"), "", "all is there again");
}
