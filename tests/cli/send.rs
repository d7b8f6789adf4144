//! `invoices send`: who gets an invoice and a receipt, in which thread, and what a dry run tells of it.

use crate::reminders::{configure, mailed, month, on};
use crate::smtp::{Act, At, Server, Taken};
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
    assert_ne!(header(&sent[0], "Message-ID"), header(&sent[1], "Message-ID"), "one id has one content (RFC 5322, 3.6.4)");
    assert_ne!(boundary(&sent[0]), boundary(&sent[1]));
    on(&mut environment, "2026-12-02");
    must(&environment, &["reminders", "send", "--kind", "overdue", "--company-id", "elbe"]);
    let reminders = server.taken().split_off(2);
    assert_eq!(reminders.len(), 2);
    for reminder in &reminders {
        let first = sent.iter().find(|mail| mail.rcpt == reminder.rcpt).unwrap();
        assert_eq!(answered_first(reminder), header(first, "Message-ID"), "{}", reminder.rcpt);
    }
    assert_ne!(header(&reminders[0], "Message-ID"), header(&reminders[1], "Message-ID"));
}

/// What is kept of a mail says which Message-ID it went by, whatever this version would give it.
#[test]
fn a_reminder_names_the_id_that_was_sent() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-02");
    let elbe = number(&environment, "elbe");
    must(&environment, &["invoices", "send", &elbe]);
    let books = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    let change = |to: &str, recipient: &str| {
        let sql = format!("UPDATE effects SET payload = {to} WHERE idempotency_key LIKE 'email:%' AND recipient = ?1");
        assert_eq!(books.execute(&sql, [recipient]).unwrap(), 1, "{recipient}");
    };
    change("json_set(payload, '$.message_id', 'made-otherwise')", "ap@elbe.example.org");
    // As it was before payloads said so: then all languages had one.
    change("json_remove(payload, '$.message_id')", "nowak@elbe.example.org");
    let key = "SELECT json_extract(payload, '$.message_key') FROM effects WHERE idempotency_key LIKE 'email:%' LIMIT 1";
    let key: String = books.query_row(key, [], |row| row.get(0)).unwrap();
    drop(books);
    on(&mut environment, "2026-12-02");
    must(&environment, &["reminders", "send", "--kind", "overdue", "--company-id", "elbe"]);
    let answered: Vec<String> = server.taken().split_off(2).iter().map(answered_first).collect();
    let before = finops::model::message::message_id_left(&"elbe".parse().unwrap(), &key);
    let ids = ["made-otherwise".to_owned(), before].map(|left| format!("<{left}@nordlicht.example.com>"));
    assert_eq!(answered, ids);
}

/// A mail in doubt when finops is replaced by a version that makes ids otherwise.
#[test]
fn a_resend_has_the_id_that_was_sent() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    server.then([(At::Dot, Act::Cut)]);
    assert_eq!(environment.finops(&["invoices", "send", "INV-2026-000022"]).code, 3);
    let books = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    let sql = "UPDATE effects SET payload = json_set(payload, '$.message_id', 'made-otherwise') WHERE state = 'unknown'";
    assert_eq!(books.execute(sql, []).unwrap(), 1);
    drop(books);
    on(&mut environment, "2026-11-17");
    must(&environment, &["effects", "settle"]);
    let resent = server.taken().pop().unwrap();
    assert_eq!(header(&resent, "X-Finops-Resend"), "yes");
    assert_eq!(header(&resent, "Message-ID"), "<made-otherwise@nordlicht.example.com>");
}

/// The mail of the oldest invoice that a mail is about.
fn answered_first(mail: &Taken) -> String {
    header(mail, "References").split(' ').next().unwrap_or_default().to_owned()
}

/// What stands between the parts of a mail.
fn boundary(mail: &Taken) -> String {
    let text = String::from_utf8_lossy(&mail.bytes).into_owned();
    text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn whoever_reads_the_same_mail_gets_the_same_message_id() {
    let server = Server::start([]);
    let mut environment = month(&server);
    environment.write("contacts.csv", "company_id,contact_id,language\nelbe,nowak,en\n");
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-11-02");
    must(&environment, &["invoices", "send", &number(&environment, "elbe")]);
    let sent = server.taken();
    assert_eq!((sent.len(), &sent[0].bytes), (2, &sent[1].bytes));
}

#[test]
fn a_reminder_answers_what_its_reader_got() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-02");
    let elbe = number(&environment, "elbe");
    // To one of them it came when it was sent by name again.
    server.then([(At::Rcpt, Act::Say("550 5.1.1 no such mailbox"))]);
    assert_eq!(environment.finops(&["invoices", "send", &elbe]).code, 3);
    on(&mut environment, "2026-11-03");
    must(&environment, &["invoices", "send", &elbe]);
    let sent = server.taken();
    assert_eq!(sent.len(), 3);
    let second = sent.iter().find(|mail| mail.rcpt != sent[0].rcpt).unwrap();
    assert_eq!(header(second, "References"), "", "its reader has not seen the first one");
    let again = sent.iter().rfind(|mail| mail.rcpt == sent[0].rcpt).unwrap();
    assert_eq!(header(again, "References"), header(&sent[0], "Message-ID"));
    // Whoever reads another language by now answers the mail that came all the same; who came later, that of their language.
    let rows = "company_id,contact_id,name,email,language,roles\nelbe,nowak,Nowak,nowak@elbe.example.org,fr,billing\n\
                elbe,kim,Kim,kim@elbe.example.org,pl,billing\nelbe,lee,Lee,lee@elbe.example.org,es,billing\n";
    environment.write("contacts.csv", rows);
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-12-02");
    must(&environment, &["reminders", "send", "--kind", "overdue", "--company-id", "elbe"]);
    let reminders = server.taken().split_off(3);
    let answered = |who: &str| {
        let reminder = reminders.iter().find(|mail| mail.rcpt.contains(who)).unwrap_or_else(|| panic!("{who}"));
        answered_first(reminder)
    };
    let id = |who: &str| header(sent.iter().find(|mail| mail.rcpt.contains(who)).unwrap(), "Message-ID");
    assert_eq!(reminders.len(), 4);
    for (who, got) in [("ap@", "ap@"), ("nowak@", "nowak@"), ("kim@", "nowak@")] {
        assert_eq!(answered(who), id(got), "{who}");
    }
    assert!(!answered("lee@").is_empty(), "some mail of the invoice");
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

/// What `invoices show` says of how it went out, a line each.
fn sent(environment: &TestEnvironment, invoice: &str) -> Vec<String> {
    let shown = must(environment, &["invoices", "show", invoice, "--json"]).json();
    let sent = shown[0]["deliveries"]["sent"].as_array().unwrap().iter();
    sent.map(|one| format!("{} {}", one["to"].as_str().unwrap(), one["state"].as_str().unwrap())).collect()
}

#[test]
fn a_mail_that_was_refused_goes_to_the_address_that_is_put_right() {
    let server = Server::start([(At::Rcpt, Act::Say("550 5.1.1 no such mailbox"))]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let weber = number(&environment, "weber");
    assert_eq!(environment.finops(&["invoices", "send", &weber]).code, 3);
    assert_eq!(sent(&environment, &weber), ["rechnung@weber.example.org failed"]);
    environment.write("contacts.csv", "company_id,contact_id,email\nweber,mueller,new@weber.example.org\n");
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-11-17");
    must(&environment, &["invoices", "send"]);
    assert_eq!(mailed(&server), ["<new@weber.example.org>"]);
    assert_eq!(sent(&environment, &weber), ["new@weber.example.org succeeded", "rechnung@weber.example.org abandoned"]);
    let said = must(&environment, &["invoices", "show", &weber]).stdout;
    assert!(said.contains("\nsent to new@weber.example.org (email, "), "{said}");
    must(&environment, &["import", "contacts", "contacts.csv"]);
    must(&environment, &["invoices", "send"]);
    assert_eq!(server.taken().len(), 1, "once");
}

#[test]
fn an_address_that_is_put_back_gets_its_mail_and_who_had_it_gets_no_other() {
    let server = Server::start([(At::Rcpt, Act::Say("450 4.2.0 come back later")), (At::Rcpt, Act::Say("250 2.1.5 Ok"))]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let elbe = number(&environment, "elbe");
    // One of two is put off.
    assert_eq!(environment.finops(&["invoices", "send", &elbe]).code, 3);
    let [first] = &mailed(&server)[..] else { panic!("{:?}", mailed(&server)) };
    let waits = if first.contains("ap@") { ("nowak", "nowak@elbe.example.org") } else { ("accounts", "ap@elbe.example.org") };
    let import = |environment: &TestEnvironment, nowak: &str, accounts: &str| {
        let rows = format!("company_id,contact_id,email\nelbe,nowak,{nowak}\nelbe,accounts,{accounts}\n");
        environment.write("contacts.csv", rows);
        must(environment, &["import", "contacts", "contacts.csv"]);
    };
    // Both move to another domain: who has it does not get it again.
    import(&environment, "nowak@new.example.org", "ap@new.example.org");
    let planned = |environment: &TestEnvironment| -> Vec<String> {
        let listed = must(environment, &["effects", "list", "--json"]).json();
        listed.iter().map(|effect| effect["recipient"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(planned(&environment), [waits.1.replace("elbe.", "new.")]);
    // A slip, and they are back.
    import(&environment, "nowak@elbe.example.org", "ap@elbe.example.org");
    assert_eq!(planned(&environment), [waits.1]);
    on(&mut environment, "2026-11-17");
    must(&environment, &["effects", "settle"]);
    let mut told = mailed(&server);
    told.sort();
    assert_eq!(told, ["<ap@elbe.example.org>", "<nowak@elbe.example.org>"]);
}

#[test]
fn who_left_the_company_gets_no_mail_and_who_came_does() {
    let server = Server::start((0..2).map(|_| (At::Rcpt, Act::Say("450 4.2.0 come back later"))));
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let elbe = number(&environment, "elbe");
    assert_eq!(environment.finops(&["invoices", "send", &elbe]).code, 3);
    environment.write(
        "contacts.csv",
        "company_id,contact_id,name,email,roles\nelbe,nowak,,,none\nelbe,kim,Kim,kim@elbe.example.org,billing\n",
    );
    must(&environment, &["import", "contacts", "contacts.csv"]);
    on(&mut environment, "2026-11-17");
    must(&environment, &["effects", "settle"]);
    let mut told = mailed(&server);
    told.sort();
    assert_eq!(told, ["<ap@elbe.example.org>", "<kim@elbe.example.org>"]);
    let after = must(&environment, &["effects", "list", "--json"]).json();
    assert!(after.is_empty(), "{after:?}");
}

#[test]
fn what_was_issued_without_a_mail_server_is_told_of() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let first = "INV-2026-000001";
    let said = must(&environment, &["invoices", "show", first]).stdout;
    assert!(said.contains("not sent to anybody; finops invoices send INV-2026-000001 does it"), "{said}");
    let findings = |environment: &TestEnvironment| -> Vec<String> {
        let told = environment.finops(&["doctor", "--json"]).json();
        let found = told.iter().filter(|finding| finding["check"] == "delivery");
        found.map(|finding| format!("{} {}", finding["state"].as_str().unwrap(), finding["message"].as_str().unwrap())).collect()
    };
    let before = findings(&environment);
    assert!(before[0].starts_with("note open and never sent"), "{before:?}");
    assert!(before[0].contains(first), "{before:?}");
    let said = must(&environment, &["invoices", "send", first]);
    assert!(said.stdout.contains("1 planned, 1 delivered"), "{said}");
    let after = findings(&environment);
    assert!(!after[0].contains(first), "{after:?}");
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
    configure(&environment, "[messages]\ncustomer = [\"invoice.paid\"]\n");
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

#[test]
fn whom_it_goes_to_is_written_in_one_way() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let args = ["invoices", "send", "INV-2026-000023", "INV-2026-000022", "INV-2026-000006", "--dry-run", "--json"];
    let items = must(&environment, &args).json();
    let told: Vec<&Value> = items.iter().filter(|item| item["outcome"] == "planned").collect();
    let numbers: Vec<&str> = told.iter().map(|item| item["number"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["INV-2026-000006", "INV-2026-000022", "INV-2026-000023"], "by company and number");
    assert_eq!(told[1]["to"], serde_json::json!(["Sabine Müller <rechnung@weber.example.org>"]), "{}", told[1]);
    let said = environment.finops(&["invoices", "send", "--limit", "0"]);
    assert!(said.code == 2 && said.stderr.contains("'0' for '--limit <N>': write a whole number from 1"), "{said}");
}

#[test]
fn what_is_sent_is_shown_in_one_order_wherever_a_page_ends() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-12-01");
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment
        .write("finops-demo/mail.toml", format!("{config}[messages]\ncustomer = [\"invoice.issued\", \"invoice.paid\"]\n"));
    let paid = ["payments", "record", "INV-2026-000022", "--amount", "6162.36", "--date", "2026-11-30", "--ref", "all"];
    must(&environment, &paid);
    on(&mut environment, "2026-12-02");
    must(&environment, &["invoices", "generate", "--yes"]);
    on(&mut environment, "2026-12-03");
    must(&environment, &["invoices", "issue"]);
    on(&mut environment, "2026-12-04");
    let shown = |environment: &TestEnvironment| -> Vec<String> {
        let items = must(environment, &["invoices", "send", "--dry-run", "--json"]).json();
        let planned = items.iter().filter(|item| item["outcome"] == "planned");
        planned.map(|item| format!("{} {} {}", item["company_id"], item["kind"], item["number"])).collect()
    };
    let whole = shown(&environment);
    assert!(whole.is_sorted(), "by company, kind and number: {whole:?}");
    let of_weber = whole.iter().filter(|line| line.starts_with("\"weber\"")).count();
    assert!(of_weber > 1 && of_weber < whole.len(), "{whole:?}");
    environment.set("FINOPS_TEST_BATCH", "2");
    assert_eq!(shown(&environment), whole);
}

/// What was refused, or not reached, was never asked for: the next night sends nothing that somebody gave up.
#[test]
fn what_was_asked_for_by_name_and_not_planned_is_forgotten() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-10");
    must(&environment, &["invoices", "send"]);
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    let (weber, ferme) = (number(&environment, "weber"), number(&environment, "ferme"));
    // A mistake in the configuration.
    environment.write("templates/invoice.issued.html", "{{ nothing }}");
    environment.write("finops-demo/mail.toml", format!("{config}[messages]\ntemplates = \"../templates\"\n"));
    environment.set("FINOPS_TEST_SEED", "1");
    assert_eq!(environment.finops(&["invoices", "send", &weber]).code, 78);
    environment.write("finops-demo/mail.toml", config);
    // One of two.
    server.forget();
    environment.set("FINOPS_TEST_SEED", "2");
    let said = must(&environment, &["invoices", "send", &weber, &ferme, &weber, "--limit", "1", "--json"]);
    assert_eq!((&summary(&said)["done"], mailed(&server).len()), (&1.into(), 1), "{said}");
    environment.set("FINOPS_TEST_SEED", "3");
    assert_eq!(must(&environment, &["invoices", "send"]).all(), "");
    assert_eq!(mailed(&server).len(), 1);
}
