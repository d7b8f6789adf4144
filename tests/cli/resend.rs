//! An invoice that is sent by name takes the place of what was not delivered of it.

use crate::reminders::{mailed, month, on};
use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};

const GONE: &str = "550 5.1.1 no such mailbox";

fn must(environment: &TestEnvironment, args: &[&str]) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, 0, "{args:?}: {said}");
    said
}

/// The effects of a company, a line each.
fn effects(environment: &TestEnvironment, company: &str) -> Vec<String> {
    let listed = must(environment, &["effects", "list", "--all", "--kind", "message.email", "--company-id", company, "--json"]);
    let line = |effect: &serde_json::Value| {
        format!("{} {}", effect["key"].as_str().unwrap().trim_start_matches("email:"), effect["state"].as_str().unwrap())
    };
    listed.json().iter().map(line).collect()
}

/// weber's invoice, refused for good by its address.
fn refused(server: &Server) -> (TestEnvironment, &'static str) {
    let mut environment = month(server);
    on(&mut environment, "2026-11-16");
    let invoice = "INV-2026-000022";
    server.then([(At::Rcpt, Act::Say(GONE))]);
    let said = environment.finops(&["invoices", "send", invoice]);
    assert_eq!(said.code, 3, "{said}");
    (environment, invoice)
}

#[test]
fn a_named_send_takes_over_what_failed() {
    let server = Server::start([]);
    let (mut environment, invoice) = refused(&server);
    on(&mut environment, "2026-11-17");
    must(&environment, &["invoices", "send", invoice]);
    let key = "invoice.issued:nordlicht:INV-2026-000022";
    let address = "rechnung@weber.example.org";
    let after = [format!("{key}#2:{address} succeeded"), format!("{key}:{address} abandoned")];
    assert_eq!(effects(&environment, "weber"), after);
    must(&environment, &["effects", "retry", "--failed"]);
    environment.write("contacts.csv", "company_id,contact_id,email\nweber,mueller,new@weber.example.org\n");
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-11-18");
    must(&environment, &["invoices", "send"]);
    must(&environment, &["effects", "settle"]);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"], "once");
    let audit = must(&environment, &["audit", "list", "--company-id", "weber", "--json"]).json();
    let told = audit.iter().find(|entry| entry["action"] == "effect.superseded").unwrap_or_else(|| panic!("{audit:?}"));
    assert_eq!(told["entity_id"], format!("email:{key}:{address}"));
    let shown = must(&environment, &["invoices", "show", invoice]).stdout;
    assert!(shown.contains("was not sent to rechnung@weber.example.org") && shown.contains("sent by name"), "{shown}");
}

#[test]
fn a_named_send_takes_over_what_is_put_off_and_what_is_in_doubt() {
    for (at, act) in [(At::Rcpt, Act::Say("450 4.2.0 come back later")), (At::Dot, Act::Cut)] {
        let server = Server::start([]);
        let mut environment = month(&server);
        on(&mut environment, "2026-11-16");
        server.then([(at, act)]);
        assert_eq!(environment.finops(&["invoices", "send", "INV-2026-000022"]).code, 3);
        environment.set("FINOPS_TEST_SEED", "1");
        must(&environment, &["invoices", "send", "INV-2026-000022"]);
        on(&mut environment, "2026-11-17");
        must(&environment, &["effects", "settle"]);
        assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"], "once");
    }
}

/// Whatever became of weber's first mail: as when it was just being sent while the invoice was sent by name.
fn first_mail_is(environment: &TestEnvironment, state: &str) {
    let books = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    let sql =
        "UPDATE effects SET state = ?1 WHERE company_id = 'weber' AND kind = 'message.email' AND idempotency_key NOT LIKE '%#%'";
    assert_eq!(books.execute(sql, [state]).unwrap(), 1);
}

#[test]
fn what_arrived_by_another_effect_is_not_tried_again() {
    let server = Server::start([]);
    let (mut environment, invoice) = refused(&server);
    on(&mut environment, "2026-11-17");
    must(&environment, &["invoices", "send", invoice]);
    first_mail_is(&environment, "failed");
    let said = must(&environment, &["effects", "retry", "--failed"]);
    assert!(said.all().contains("was sent by name since"), "{said}");
    let key = "email:invoice.issued:nordlicht:INV-2026-000022:rechnung@weber.example.org";
    let said = environment.finops(&["effects", "retry", key]);
    assert!(said.code == 1 && said.stderr.contains("was sent by name since"), "{said}");
    assert!(said.stderr.contains("finops invoices send"), "{said}");
    // Not by an import either.
    environment.write("contacts.csv", "company_id,contact_id,email\nweber,mueller,new@weber.example.org\n");
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-11-18");
    must(&environment, &["effects", "settle"]);
    // Nor by itself.
    first_mail_is(&environment, "planned");
    let said = must(&environment, &["effects", "settle"]);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"], "once: {said}");
    assert!(
        effects(&environment, "weber").iter().any(|line| line.ends_with("abandoned")),
        "{:?}",
        effects(&environment, "weber")
    );
}
