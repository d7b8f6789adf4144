//! Companies: what they owe, and their statements of account as text, JSON, PDF and mail.

use crate::reminders::{mailed, month, on};
use crate::smtp::Server;
use crate::support::TestEnvironment;
use insta::assert_snapshot;

/// The demo, of which one invoice is paid and another one in part.
fn books(server: &Server) -> TestEnvironment {
    let mut environment = month(server);
    on(&mut environment, "2026-11-20");
    for (invoice, amount) in [("INV-2026-000023", "2575.40"), ("INV-2026-000022", "1000.00"), ("INV-2026-000007", "150.00")] {
        let args = ["payments", "record", invoice, "--amount", amount, "--date", "2026-11-18", "--ref", invoice];
        assert_eq!(environment.finops(&args).code, 0);
    }
    environment
}

#[test]
fn listed_and_shown() {
    let server = Server::start([]);
    let environment = books(&server);
    assert_snapshot!("companies_list_owing", environment.finops(&["companies", "list", "--owing"]));
    let all = environment.finops(&["companies", "list", "--json"]).json();
    assert_eq!(all.len(), 26);
    let few = environment.finops(&["companies", "list", "--limit", "3"]);
    assert_eq!(few.stdout.lines().count(), 4);
    let hold = ["reminders", "hold", "INV-2026-000022", "--kind", "dispute", "--reason", "wrong quantity"];
    assert_eq!(environment.finops(&hold).code, 0);
    assert_snapshot!("companies_show", environment.finops(&["companies", "show", "weber"]));
    assert_snapshot!("companies_show_json", environment.finops(&["companies", "show", "ferme", "--json"]));
    let said = environment.finops(&["companies", "show", "nobody"]);
    assert!(said.code == 1 && said.stderr.contains("finops companies list"), "{said}");
}

#[test]
fn a_statement_of_account() {
    let server = Server::start([]);
    let environment = books(&server);
    let statement = |more: &[&str]| environment.finops(&[&["companies", "statement"], more].concat());
    assert_snapshot!("companies_statement", statement(&["weber"]));
    assert_snapshot!("companies_statement_json", statement(&["ferme", "--from", "2026-11-10", "--json"]));
    let indented = statement(&["ferme", "--from", "2026-11-10", "--format", "json"]).stdout;
    let read: serde_json::Value = serde_json::from_str(&indented).unwrap();
    assert_eq!(read["accounts"][0]["closing"], "-49.48", "{indented}");

    let said = statement(&["weber", "--pdf", "weber.pdf"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "weber.pdf\n"), "{said}");
    assert!(std::fs::read(environment.path("weber.pdf")).unwrap().starts_with(b"%PDF"));
    environment.write("fresh.csv", "company_id,name,country\nfresh,Fresh,DE\n");
    assert_eq!(environment.finops(&["import", "companies", "fresh.csv"]).code, 0);
    for (args, code, text) in [
        (&["nobody"][..], 1, "there is no company nobody"),
        (&["weber", "--seller", "nobody"], 1, "there is no seller nobody"),
        (&["weber", "--from", "2026-12-01"], 2, "--from a day before --to"),
        (&["fresh"], 1, "was never billed"),
        (&["weber", "--pdf", "a.pdf", "--mail"], 2, "--mail"),
    ] {
        let said = statement(args);
        assert!(said.code == code && said.stderr.contains(text), "{args:?}: {said}");
    }
}

#[test]
fn a_statement_is_mailed_as_often_as_it_is_asked_for() {
    let server = Server::start([]);
    let mut environment = books(&server);
    let said = environment.finops(&["companies", "statement", "elbe", "--mail"]);
    let to = "statement for elbe to Accounts payable <ap@elbe.example.org>, Agnieszka Nowak <nowak@elbe.example.org>";
    assert!(said.code == 0 && said.stdout.starts_with(to) && said.stdout.contains("2 delivered"), "{said}");
    assert_eq!(mailed(&server), ["<ap@elbe.example.org>", "<nowak@elbe.example.org>"]);
    let mail = String::from_utf8_lossy(&server.taken()[0].bytes).into_owned();
    assert!(mail.contains("Statement-of-account-2026-11-20.pdf"), "{mail}");
    environment.set("FINOPS_TEST_SEED", "7");
    assert_eq!(environment.finops(&["companies", "statement", "elbe", "--mail"]).code, 0);
    assert_eq!(mailed(&server).len(), 4);
    let audit = environment.finops(&["audit", "list", "--company-id", "elbe", "--json"]).stdout;
    assert_eq!(audit.matches("statement.sent").count(), 2);

    environment.set("FINOPS_CONFIG", "finops-demo/finops.toml");
    let said = environment.finops(&["companies", "statement", "elbe", "--mail"]);
    assert!(said.code == 78 && said.stderr.contains("[mail]"), "{said}");
}
