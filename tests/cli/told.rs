//! What staff read: customers by their names, times by their own clock, words of their language; and that jobs have ended.

use crate::http::{Seen, Server as Http, Step, answer};
use crate::reminders::{month, on};
use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};
use serde_json::Value;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn business(server: &Server, sections: &str) -> TestEnvironment {
    let environment = month(server);
    let mail = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    let path = environment.write("finops-demo/mail.toml", format!("{mail}{sections}"));
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    environment
}

#[track_caller]
fn must(environment: &TestEnvironment, args: &[&str], code: i32) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, code, "{args:?}: {said}");
    said
}

/// Title and text of what the board shows, the oldest first.
fn shown(environment: &TestEnvironment) -> Vec<(String, String)> {
    let shown = must(environment, &["notifications", "list", "--all", "--json"], 0).json();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    shown.iter().map(|item| (text(item, "title"), text(item, "body"))).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const ANNA: &str = "[people.anna]\nlanguage = \"de\"\ntime_zone = \"Europe/Berlin\"\n\
    [[routes]]\nevents = [\"item.*\", \"effect.failed\", \"invoice.draft\"]\nto = [\"anna\"]\nchannels = [\"in_app\"]\n";

const ITEM: &str = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
                    weber,manual:1,nordlicht,EUR,2026-11-02,Something rare,1,9.00,rare\n";
const RATE: &str = "seller_id,tax_code,valid_from,category,rate,name\nnordlicht,rare,2026-01-01,S,7,VAT 7 %\n";

#[test]
fn a_german_operator_reads_of_a_problem_and_of_its_end() {
    let server = Server::start([]);
    let mut environment = business(&server, ANNA);
    environment.write("items.csv", ITEM);
    on(&mut environment, "2026-12-05");
    must(&environment, &["import", "billable_items", "items.csv"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "weber"], 3);
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["alerts", "dispatch"], 0);
    let (title, body) =
        shown(&environment).into_iter().find(|(title, _)| title.starts_with("Nicht ausgeführt")).expect("it is told");
    assert_eq!(title, "Nicht ausgeführt: Something rare, Weber & Söhne Maschinenbau KG");
    let body = one_line(&body);
    for line in [
        "Was geschehen ist: Ein Steuercode hat am Leistungstag keinen Satz.",
        "Kunde: Weber & Söhne Maschinenbau KG",
        "Wo: Something rare · invoices.generate",
        "Posten: manual:1",
        "Zeitpunkt: 5. Dezember 2026, 09:26 CET",
    ] {
        assert!(body.contains(line), "{line}\n{body}");
    }
    assert!(body.contains("Was zu tun ist: Importieren Sie einen Satz des Steuercodes"), "{body}");
    assert!(body.contains("Einzelheiten (englisch):") && body.contains("Dazu vermerkt (englisch):"), "{body}");

    environment.write("tax_rates.csv", RATE);
    on(&mut environment, "2026-12-06");
    must(&environment, &["import", "tax_rates", "tax_rates.csv"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "weber"], 0);
    environment.set("FINOPS_TEST_SEED", "2");
    must(&environment, &["alerts", "dispatch"], 0);
    let told = shown(&environment);
    let (title, body) =
        told.iter().find(|(title, _)| title.contains("Something rare") && !title.starts_with("Nicht")).expect("its end");
    assert_eq!(title, "Behoben: Something rare, Weber & Söhne Maschinenbau KG");
    let body = one_line(body);
    assert!(
        body.contains("Begonnen: 5. Dezember 2026, 09:26 CET") && body.contains("Behoben: 6. Dezember 2026, 09:26 CET"),
        "{body}"
    );
    assert!(!body.contains("Was geschehen ist") && !body.contains("läuft wieder"), "{body}");
    // Drafts have no number.
    let drafts: Vec<&String> = told.iter().map(|(title, _)| title).filter(|title| title.starts_with("Neu: ")).collect();
    assert!(
        !drafts.is_empty() && drafts.iter().all(|title| *title == "Neu: Entwurf für Weber & Söhne Maschinenbau KG"),
        "{told:?}"
    );
}

#[test]
fn what_keeps_a_draft_from_being_issued_is_told_by_its_customer() {
    let server = Server::start([]);
    let mut environment = business(&server, ANNA);
    on(&mut environment, "2026-12-05");
    environment.write("books/companies.csv", "company_id,name,country\nneu,Neue Kundin GmbH,AT\n");
    environment.write(
        "books/tax_rates.csv",
        "seller_id,tax_code,valid_from,category,rate,name,note\nnordlicht,rare,2026-01-01,AE,0,Reverse charge,Art. 196\n",
    );
    environment.write("books/billable_items.csv", ITEM.replace("weber", "neu"));
    must(&environment, &["import", "books"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "neu"], 0);
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["invoices", "issue", "--company-id", "neu"], 3);
    environment.set("FINOPS_TEST_SEED", "2");
    must(&environment, &["alerts", "dispatch"], 0);
    let told = shown(&environment);
    let (_, body) = told
        .iter()
        .find(|(title, _)| title == "Nicht ausgeführt: Entwurf für Neue Kundin GmbH")
        .unwrap_or_else(|| panic!("{told:?}"));
    let body = one_line(body);
    assert!(body.contains("Die Steuernummer des Kunden fehlt.") && body.contains("Wo: Entwurf · invoices.issue"), "{body}");
}

/// The commands that a text names, without what a person fills in.
fn commands(text: &str) -> Vec<Vec<String>> {
    let named = text.split("finops ").skip(1).map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || "_ ".contains(c))));
    let words = named.filter_map(|mut stretches| stretches.next());
    words.map(|words| words.split_whitespace().take(2).map(str::to_owned).collect()).collect()
}

#[test]
fn the_commands_of_advice_exist() {
    let environment = TestEnvironment::new();
    let mut all = std::collections::BTreeSet::new();
    for tag in finops::render::languages::tags() {
        let language = finops::render::languages::find(tag).unwrap();
        for key in language.text_keys().filter(|key| key.starts_with("todo.")) {
            all.extend(language.text(key).unwrap().wordings().into_iter().flat_map(commands));
        }
    }
    assert!(all.len() > 8, "{all:?}");
    for command in all {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        must(&environment, &args, 0);
    }
}

/// Kind and title of what the board shows, the oldest first.
fn titles(environment: &TestEnvironment) -> Vec<String> {
    shown(environment).into_iter().map(|(title, _)| title).collect()
}

const NO_ADDRESS: &str = "[[routes]]\nevents = [\"item.*\"]\nto = [\"in_app:board\"]\n";

#[test]
fn a_company_without_an_address_is_told_of_once_until_it_has_one() {
    let server = Server::start([]);
    let mut environment = business(&server, NO_ADDRESS);
    environment.write("contacts.csv", "company_id,contact_id,email,phone\nferme,dubois,,+33 1 00 00 00 00\n");
    let company = "company_id,name,country,email\nferme,Ferme,FR";
    environment.write("companies.csv", format!("{company},\n"));
    on(&mut environment, "2026-11-02");
    must(&environment, &["import", "companies", "companies.csv"], 0);
    must(&environment, &["import", "contacts", "contacts.csv"], 0);
    for (day, kind, code) in [
        ("2026-11-08", "upcoming", 3),
        ("2026-11-09", "upcoming", 0),
        // The days in which it is upcoming have passed.
        ("2026-11-16", "upcoming", 0),
        ("2026-11-17", "overdue", 3),
        ("2026-11-18", "overdue", 0),
        ("2026-11-19", "overdue", 0),
        ("2026-11-20", "overdue", 0),
        ("2026-11-21", "overdue", 3),
        ("2026-12-03", "upcoming", 0),
    ] {
        on(&mut environment, day);
        must(&environment, &["reminders", "send", "--kind", kind, "--company-id", "ferme"], code);
        environment.set("FINOPS_TEST_SEED", &format!("9{}", day.replace('-', "")));
        must(&environment, &["alerts", "dispatch"], 0);
        let told = titles(&environment);
        assert_eq!(told, ["Not done: Ferme"], "{day}");
    }
    on(&mut environment, "2026-12-04");
    environment.write("companies.csv", format!("{company},ap@ferme.example.org\n"));
    must(&environment, &["import", "companies", "companies.csv"], 0);
    for kind in ["upcoming", "overdue", "escalation"] {
        environment.set("FINOPS_TEST_SEED", &format!("8{}", kind.len()));
        must(&environment, &["reminders", "send", "--kind", kind], 0);
    }
    environment.set("FINOPS_TEST_SEED", "7");
    must(&environment, &["alerts", "dispatch"], 0);
    let told = titles(&environment);
    assert!(told.len() == 2 && told[0].starts_with("Resolved: ") && told[0].contains("Ferme"), "{told:?}");
}

/// The facts of each webhook, by the kind of its event.
fn posted(http: &Http) -> Vec<(String, Value)> {
    let facts = |seen: Seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        (body["type"].as_str().unwrap().to_owned(), body["data"]["event"].clone())
    };
    http.seen().into_iter().map(facts).collect()
}

#[test]
fn programs_get_what_it_is_about_as_it_was_noted() {
    let server = Server::start([(At::Rcpt, Act::Say("550 5.1.1 no such user"))]);
    let http = Http::start((0..4).map(|_| Step::Answer(answer("200 OK", &[], b""))));
    let mut environment = business(
        &server,
        &format!(
            "[webhooks.ops]\nurl = \"{}\"\nsecret = \"{WHSEC}\"\nallow_private_addresses = true\n\
             [[routes]]\nevents = [\"item.*\", \"effect.failed\", \"invoice.draft\"]\nto = [\"webhook:ops\"]\n",
            http.url("ops")
        ),
    );
    on(&mut environment, "2026-11-16");
    let listed = must(&environment, &["invoices", "list", "--company-id", "weber", "--json"], 0).json();
    must(&environment, &["invoices", "send", listed[0]["number"].as_str().unwrap()], 3);
    on(&mut environment, "2026-12-05");
    environment.write("items.csv", ITEM);
    must(&environment, &["import", "billable_items", "items.csv"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "weber"], 3);
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["alerts", "dispatch"], 0);
    let posted = posted(&http);
    let of = |kind: &str| &posted.iter().find(|(told, _)| told == kind).unwrap_or_else(|| panic!("{kind}: {posted:?}")).1;
    let draft = of("invoice.draft");
    // What is printed hides ids.
    assert!(draft["subject"].as_str().is_some_and(|id| id.len() == 36 && id.matches('-').count() == 4), "{draft}");
    assert!(draft["is_draft"] == true && draft["about"].is_null(), "{draft}");
    let item = of("item.failed");
    assert_eq!((&item["subject"], &item["about"]), (&"item:manual:1".into(), &"Something rare".into()));
    assert_eq!(item["details"]["item"], "manual:1");
    let failed = of("effect.failed");
    let address = "rechnung@weber.example.org";
    assert_eq!(failed["subject"], format!("invoice.issued to {address}"));
    assert_eq!((&failed["about"], &failed["details"]["recipient"]), (&listed[0]["number"], &address.into()));
    assert_eq!((&failed["details"]["amount"], &failed["details"]["currency"]), (&listed[0]["total"], &listed[0]["currency"]));
}

#[test]
fn what_was_not_delivered_is_told_as_people_know_it() {
    let server = Server::start([(At::Rcpt, Act::Say("550 5.1.1 no such user"))]);
    let mut environment = business(&server, "[[routes]]\nevents = [\"effect.failed\"]\nto = [\"in_app:board\"]\n");
    on(&mut environment, "2026-11-16");
    must(&environment, &["invoices", "send", "INV-2026-000022"], 3);
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["alerts", "dispatch"], 0);
    let told = shown(&environment);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "Not delivered: Invoice INV-2026-000022, Weber & Söhne Maschinenbau KG");
    let body = one_line(&told[0].1);
    for part in [
        "Document: Invoice INV-2026-000022",
        "Customer: Weber & Söhne Maschinenbau KG",
        "To: rechnung@weber.example.org",
        "550 5.1.1 no such user",
        "finops import contacts contacts.csv",
        "finops invoices send INV-2026-000022",
    ] {
        assert!(body.contains(part), "{part}\n{body}");
    }
}

const ENDED: &str = "[notify_on_completion]\nemail = \"ops@nordlicht.example.org\"\n";

/// Subjects of the mails to the operators.
fn ended(server: &Server) -> Vec<String> {
    let to_ops = server.taken().into_iter().filter(|mail| mail.rcpt.contains("ops@"));
    let subject = |text: String| text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap();
    to_ops.map(|mail| subject(String::from_utf8_lossy(&mail.bytes).replace("\r\n", "\n"))).collect()
}

#[test]
fn the_end_of_a_job_says_what_failed_in_it() {
    let server = Server::start([]);
    let mut environment = business(&server, ENDED);
    environment.write("items.csv", ITEM);
    on(&mut environment, "2026-12-05");
    must(&environment, &["import", "billable_items", "items.csv"], 0);
    must(&environment, &["invoices", "generate", "--company-id", "weber"], 3);
    assert_eq!(ended(&server), ["Finished with 1 failure: invoices.generate"]);
    let mail = String::from_utf8_lossy(&server.taken()[0].bytes).replace("=\r\n", "").replace("\r\n", "\n");
    for part in [
        "What failed\n-----------\n",
        "Something rare, Weber",
        "Item manual:1",
        "has no tax rate",
        "What to do: ",
        "\nFailures:",
        "Invoices drafted:",
    ] {
        assert!(mail.contains(part), "{part}\n{mail}");
    }
    on(&mut environment, "2026-12-06");
    must(&environment, &["invoices", "generate", "--company-id", "elbe"], 0);
    assert_eq!(ended(&server)[1..], ["Finished: invoices.generate"]);
}

#[test]
fn what_a_command_delivers_by_the_way_is_the_end_of_no_job() {
    let server = Server::start([]);
    let mut environment = business(&server, ENDED);
    on(&mut environment, "2026-11-16");
    must(&environment, &["companies", "statement", "weber", "--mail"], 0);
    environment.set("FINOPS_TEST_SEED", "1");
    must(&environment, &["invoices", "credit", "INV-2026-000022", "--amount", "10.00", "--reason", "goodwill"], 0);
    assert!(ended(&server).is_empty(), "{:?}", ended(&server));
    environment.set("FINOPS_TEST_SEED", "2");
    must(&environment, &["invoices", "send"], 0);
    assert_eq!(ended(&server), ["Finished: invoices.send"]);
}

#[test]
fn what_runs_all_day_tells_its_end_when_something_failed_or_when_it_is_named() {
    let server = Server::start([(crate::smtp::At::Rcpt, crate::smtp::Act::Say("450 4.2.0 come back later"))]);
    let mut environment = business(&server, ENDED);
    on(&mut environment, "2026-11-16");
    must(&environment, &["invoices", "send", "INV-2026-000022"], 3);
    assert_eq!(ended(&server), ["Finished with 1 failure: invoices.send"]);
    let mail = String::from_utf8_lossy(&server.taken()[0].bytes).replace("=\r\n", "").replace("\r\n", "\n");
    let mail = one_line(&mail.replace("=C2=A0", " "));
    assert!(mail.contains("Invoice INV-2026-000022, Weber") && mail.contains("not before 16 November 2026"), "{mail}");
    assert!(!mail.contains("finops effects retry"), "{mail}");
    on(&mut environment, "2026-11-17");
    must(&environment, &["effects", "settle"], 0);
    assert_eq!((server.taken().len(), ended(&server).len()), (2, 1), "it was delivered, and that is no news");
}
