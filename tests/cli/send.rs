//! `invoices send`: who gets an invoice and a receipt, in which thread, and what a dry run tells of it.

use crate::reminders::{mailed, month, on};
use crate::smtp::{Server, Taken};
use crate::support::{Said, TestEnvironment};
use serde_json::Value;

fn must(environment: &TestEnvironment, args: &[&str]) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, 0, "{args:?}: {said}");
    said
}

/// The last line in JSON.
fn summary(said: &Said) -> Value {
    said.json().pop().unwrap_or_else(|| panic!("{said}"))
}

/// A header of a mail, unfolded; empty when it has none.
fn header(mail: &Taken, name: &str) -> String {
    let text = String::from_utf8_lossy(&mail.bytes).replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let found = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    found.unwrap_or_default()
}

/// The number of an invoice of a company.
fn number(environment: &TestEnvironment, company: &str) -> String {
    let listed = must(environment, &["invoices", "list", "--company-id", company, "--json"]).json();
    listed[0]["number"].as_str().unwrap().to_owned()
}

#[test]
fn a_reminder_answers_the_invoice_in_each_language() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-02");
    let elbe = number(&environment, "elbe");
    must(&environment, &["invoices", "send", &elbe]);
    let sent = server.taken();
    assert_eq!(mailed(&server), ["<ap@elbe.example.org>", "<nowak@elbe.example.org>"]);
    assert_ne!(header(&sent[0], "Subject"), header(&sent[1], "Subject"), "English and Polish");
    on(&mut environment, "2026-12-02");
    must(&environment, &["reminders", "send", "--kind", "overdue", "--company-id", "elbe"]);
    let reminders = server.taken().split_off(2);
    assert_eq!(reminders.len(), 2);
    for reminder in &reminders {
        let answered = header(reminder, "References");
        let first = sent.iter().find(|mail| mail.rcpt == reminder.rcpt).unwrap();
        assert!(answered.split(' ').any(|id| id == header(first, "Message-ID")), "{}: {answered}", reminder.rcpt);
    }
}

#[test]
fn a_dry_run_of_named_invoices_tells_what_stands_in_the_way() {
    let server = Server::start([]);
    let mut environment = month(&server);
    environment.write("contacts.csv", "company_id,contact_id,email\nferme,dubois,\n");
    environment.write("companies.csv", "company_id,name,country,email\nferme,Ferme,FR,\n");
    must(&environment, &["import", "."]);
    on(&mut environment, "2026-11-16");
    let (weber, ferme) = (number(&environment, "weber"), number(&environment, "ferme"));
    let said = environment.finops(&["invoices", "send", &weber, &ferme, "--dry-run", "--json"]);
    let told = summary(&said);
    assert_eq!((said.code, &told["done"], &told["failed"]), (3, &1.into(), &1.into()), "{said}");
    assert!(said.json().iter().any(|item| item["reason"] == "no_address"), "{said}");
    assert!(mailed(&server).is_empty());
    let nothing = must(&environment, &["effects", "list", "--json"]);
    assert!(nothing.json().is_empty(), "{nothing}");
    let twice = environment.finops(&["invoices", "send", &weber, "--company-id", "weber", "--company-id", "ferme", "--dry-run"]);
    assert!(twice.code == 2 && twice.stderr.contains("--company-id may be given once"), "{twice}");
}

#[test]
fn nothing_is_decided_before_there_is_a_mail_server() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-12-01");
    must(&environment, &["invoices", "generate", "--yes"]);
    on(&mut environment, "2026-12-02");
    must(&environment, &["invoices", "issue"]);
    environment.set("FINOPS_CONFIG", "finops-demo/finops.toml");
    on(&mut environment, "2026-12-03");
    must(&environment, &["invoices", "send"]);
    assert!(must(&environment, &["effects", "list", "--json"]).json().is_empty());
    environment.set("FINOPS_CONFIG", "finops-demo/mail.toml");
    on(&mut environment, "2026-12-04");
    must(&environment, &["invoices", "send"]);
    assert!(mailed(&server).len() > 10, "{:?}", mailed(&server));
}

#[test]
fn whoever_pays_gets_a_receipt_if_customers_get_one() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let pay = |environment: &TestEnvironment, company: &str, invoice: &str, amount: &str| {
        let row = format!(
            "company_id,invoice,provider,reference,amount,currency,received_on\n{company},{invoice},bank,{invoice},{amount},EUR,2026-11-16\n"
        );
        environment.write("payments.csv", row);
        must(environment, &["import", "payments", "payments.csv"]);
        must(environment, &["invoices", "send"]);
    };
    pay(&environment, "weber", "INV-2026-000022", "6162.36");
    assert!(mailed(&server).is_empty(), "they get none unless the configuration says so");
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment.write("finops-demo/mail.toml", format!("{config}[messages]\ncustomer = [\"invoice.paid\"]\n"));
    on(&mut environment, "2026-11-17");
    pay(&environment, "weber", "INV-2026-000023", "1000.00");
    assert!(mailed(&server).is_empty(), "a part of it");
    let rest = ["payments", "record", "INV-2026-000023", "--amount", "1575.40", "--date", "2026-11-17", "--ref", "rest"];
    must(&environment, &rest);
    on(&mut environment, "2026-11-18");
    must(&environment, &["invoices", "send"]);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"]);
    assert!(header(&server.taken()[0], "Subject").contains("INV-2026-000023"));
    must(&environment, &["invoices", "send"]);
    assert_eq!(server.taken().len(), 1, "once");
}
