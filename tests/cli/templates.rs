//! Templates of the user's that have mistakes: nothing is planned or lost, and it is told where they are.

use crate::reminders::{mailed, month, on};
use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};
use insta::assert_snapshot;

/// The month's business with a folder of templates.
fn business(server: &Server, more: &str) -> TestEnvironment {
    let environment = month(server);
    let mail = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment.write("finops-demo/mail.toml", format!("{mail}[messages]\ntemplates = \"templates\"\n{more}"));
    std::fs::create_dir(environment.path("finops-demo/templates")).unwrap();
    environment
}

fn template(environment: &TestEnvironment, name: &str, text: &str) {
    environment.write(&format!("finops-demo/templates/{name}"), text);
}

#[track_caller]
fn must(environment: &TestEnvironment, args: &[&str], code: i32) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, code, "{args:?}: {said}");
    said
}

fn number(environment: &TestEnvironment, company: &str) -> String {
    let listed = must(environment, &["invoices", "list", "--company-id", company, "--json"], 0).json();
    listed[0]["number"].as_str().unwrap().to_owned()
}

const SLIP: &str = "Dear customer,\nplease find attached {{ invoices[0].numbr }}.\n";

#[test]
fn a_slip_stops_the_job_before_anything_is_planned() {
    let server = Server::start([]);
    let mut environment = business(&server, "");
    on(&mut environment, "2026-11-16");
    let weber = number(&environment, "weber");
    template(&environment, "invoice.issued.txt", SLIP);
    let said = must(&environment, &["invoices", "send", &weber], 78);
    assert_snapshot!("templates_send", said);
    assert_eq!(must(&environment, &["invoices", "send", &weber, "--dry-run"], 78).stderr, said.stderr);
    assert_snapshot!("templates_check", must(&environment, &["config", "check"], 78));
    let doctor = environment.finops(&["doctor"]);
    assert!(doctor.code == 78 && doctor.all().contains("invoice.issued.txt:2:25: invoices[0].numbr"), "{doctor}");
    must(&environment, &["reminders", "send", "--kind", "overdue"], 78);
    must(&environment, &["companies", "statement", "weber", "--mail"], 78);
    assert!(must(&environment, &["effects", "list", "--json"], 0).json().is_empty(), "nothing is planned");
    assert!(must(&environment, &["reminders", "list", "--company-id", "weber", "--json"], 0).json().is_empty());
    // What sends nothing minds its own business.
    must(&environment, &["invoices", "generate", "--dry-run"], 0);
    must(&environment, &["effects", "settle"], 0);

    template(&environment, "invoice.issued.txt", "Dear customer,\nplease find attached {{ invoices[0].number }}.\n");
    must(&environment, &["invoices", "send", &weber], 0);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"]);
}

#[test]
fn what_is_planned_stays_planned_until_the_template_is_mended() {
    let server = Server::start([(At::Rcpt, Act::Say("450 4.2.0 come back later"))]);
    let mut environment = business(&server, "");
    on(&mut environment, "2026-11-16");
    let weber = number(&environment, "weber");
    must(&environment, &["invoices", "send", &weber], 3);
    template(&environment, "layout.de.html", "{% block body %}");
    on(&mut environment, "2026-11-17");
    let before = must(&environment, &["effects", "list", "--json"], 0).json();
    let said = must(&environment, &["effects", "settle"], 78);
    assert!(said.stderr.contains("layout.de.html:1:"), "{said}");
    assert_eq!(must(&environment, &["effects", "list", "--json"], 0).json(), before, "not even an attempt");
    std::fs::remove_file(environment.path("finops-demo/templates/layout.de.html")).unwrap();
    must(&environment, &["effects", "settle"], 0);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"]);
}

#[test]
fn a_message_that_only_its_own_facts_break_waits_alone_and_goes_out_once_mended() {
    let server = Server::start([]);
    let mut environment = business(&server, "");
    on(&mut environment, "2026-11-16");
    let (weber, elbe) = (number(&environment, "weber"), number(&environment, "elbe"));
    template(&environment, "invoice.issued.subject", "{{ 1 // (0 if company.id == \"weber\" else 1) }} {{ invoices[0].number }}");
    must(&environment, &["config", "check"], 0);
    let said = must(&environment, &["invoices", "send", &weber, &elbe], 3);
    assert!(said.stderr.contains("invoice.issued.subject, line 1"), "{said}");
    assert_eq!(mailed(&server), ["<ap@elbe.example.org>", "<nowak@elbe.example.org>"]);
    template(&environment, "invoice.issued.subject", "{{ invoices[0].number }}");
    on(&mut environment, "2026-11-17");
    must(&environment, &["effects", "settle"], 0);
    assert_eq!(mailed(&server).pop().unwrap(), "<rechnung@weber.example.org>");
}

#[test]
fn a_slip_is_told_to_staff_whatever_template_has_it() {
    let server = Server::start([]);
    let routes = "[[routes]]\nevents = [\"job.*\"]\nto = [\"email:ops@nordlicht.example.org\", \"in_app:board\"]\n";
    let mut environment = business(&server, routes);
    on(&mut environment, "2026-11-16");
    let weber = number(&environment, "weber");
    template(&environment, "layout.txt", "{{ seler.name }}{% block body %}{% endblock %}");
    must(&environment, &["invoices", "send", &weber], 78);
    assert_eq!(mailed(&server), ["<ops@nordlicht.example.org>"]);
    let told = must(&environment, &["notifications", "list", "--recipient", "board", "--json"], 0).json();
    assert!(told[0]["body"].as_str().unwrap().contains("layout.txt:1:4: seler.name"), "{told:?}");
    std::fs::remove_file(environment.path("finops-demo/templates/layout.txt")).unwrap();
    must(&environment, &["invoices", "send", &weber], 0);
}

#[test]
fn a_slip_in_a_template_for_customers_keeps_nothing_from_staff() {
    let server = Server::start([(At::Rcpt, Act::Say("450 4.2.0 come back later"))]);
    let routes = "[[routes]]\nevents = [\"item.*\"]\nto = [\"in_app:board\"]\n";
    let mut environment = business(&server, routes);
    on(&mut environment, "2026-11-16");
    let weber = number(&environment, "weber");
    must(&environment, &["invoices", "send", &weber], 3);
    on(&mut environment, "2026-11-17");
    environment.write(
        "items.csv",
        "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
         weber,manual:1,nordlicht,EUR,2026-10-02,Something rare,1,9.00,rare\n",
    );
    must(&environment, &["import", "billable_items", "items.csv"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "weber"], 3);
    template(&environment, "invoice.issued.de.txt", SLIP);
    let waiting = must(&environment, &["effects", "list", "--json"], 0).json();
    let shown = must(&environment, &["alerts", "dispatch", "--dry-run"], 0);
    assert!(shown.all().contains("in_app:board") && !shown.all().contains("rechnung@weber"), "{shown}");
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["alerts", "dispatch"], 0);
    let told = || must(&environment, &["notifications", "list", "--recipient", "board", "--json"], 0).json();
    assert_eq!(told().len(), 1, "{:?}", told());
    let after = must(&environment, &["effects", "list", "--json"], 0).json();
    assert!(waiting.iter().all(|effect| after.contains(effect)), "the customer's mail waits untried: {after:?}");
    assert!(mailed(&server).is_empty());
    std::fs::remove_file(environment.path("finops-demo/templates/invoice.issued.de.txt")).unwrap();
    environment.set("FINOPS_TEST_SEED", "2");
    must(&environment, &["alerts", "dispatch"], 0);
    assert_eq!(mailed(&server), ["<rechnung@weber.example.org>"]);
}

#[test]
fn a_check_tells_the_mistakes_of_the_file_and_of_its_templates_in_one_go() {
    let server = Server::start([]);
    let environment =
        business(&server, "[people.anna]\nlanguage = \"nl\"\n[slack]\ntoken = \"xoxb-4711\"\nchannel = \"general\"\n");
    template(&environment, "invoice.issued.txt", SLIP);
    let check = || must(&environment, &["config", "check"], 78).stderr;
    let said = check();
    for part in [
        "people.anna.language \"nl\": write a language that finops speaks: en, de, fr, es, pl",
        "invoice.issued.txt:2:25: invoices[0].numbr",
        "slack.token: is a secret in a file that others can read",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    // A secret that others can read is checked all the same, and never shown.
    environment
        .write("finops-demo/mail.toml", "[database]\nurl = \"postgres://joe:c4n4ry@db:99999/books\"\n[ping]\nurl = \"c4n4ry\"\n");
    let said = check();
    for part in ["wrong port", "ping.url: is a secret", "ping.url: must be a URL"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!said.contains("c4n4ry"), "{said}");
}
