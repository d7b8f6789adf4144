//! Reminders as a business month brings them: what is due when, who gets it, and what holds it back.

use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};
use insta::assert_snapshot;

/// Invoices of three customers, due on 15 November (and 1 December), and a mail server.
pub fn month(server: &Server) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    let text = format!(
        "[database]\nurl = \"sqlite:finops.db\"\n[mail]\nfrom = \"billing@nordlicht.example.com\"\nhost = \"127.0.0.1\"\n\
         port = {}\ntls = \"none\"\n",
        server.port()
    );
    environment.write("finops-demo/mail.toml", text);
    environment.set("FINOPS_CONFIG", "finops-demo/mail.toml");
    environment
}

/// Adds to its configuration.
pub fn configure(environment: &TestEnvironment, more: &str) {
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment.write("finops-demo/mail.toml", config + more);
}

/// At nine in the morning of a day, with other ids than on the days before.
pub fn on(environment: &mut TestEnvironment, day: &str) {
    environment.set("FINOPS_TEST_CLOCK", &format!("{day}T08:26:00Z"));
    environment.set("FINOPS_TEST_SEED", &day.replace('-', ""));
}

const THREE: [&str; 6] = ["--company-id", "weber", "--company-id", "elbe", "--company-id", "ferme"];

fn send(environment: &TestEnvironment, kind: &str, more: &[&str]) -> Said {
    environment.finops(&[&["reminders", "send", "--kind", kind], &THREE[..], more].concat())
}

/// Who got a mail, in the order in which they went.
pub fn mailed(server: &Server) -> Vec<String> {
    server.taken().iter().map(|taken| taken.rcpt.trim_start_matches("RCPT TO:").to_owned()).collect()
}

#[test]
fn a_month_of_reminders() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-07");
    assert_eq!(send(&environment, "upcoming", &[]).all(), "", "a day too early");
    on(&mut environment, "2026-11-08");
    assert_snapshot!("reminders_upcoming_dry_run", send(&environment, "upcoming", &["--dry-run"]));
    assert_snapshot!("reminders_upcoming_json", send(&environment, "upcoming", &["--json"]));
    assert_eq!(send(&environment, "upcoming", &[]).all(), "", "once");
    let first = server.taken().len();
    assert!(first > 0);

    // Weber pays one of its two; Elbe is not due before December.
    on(&mut environment, "2026-11-16");
    assert_eq!(send(&environment, "escalation", &["--dry-run", "--json"]).json()[0]["due"], 0, "not yet");
    let paid = ["payments", "record", "INV-2026-000023", "--amount", "2575.40", "--date", "2026-11-10", "--ref", "TX1"];
    assert_eq!(environment.finops(&paid).code, 0);
    assert_eq!(send(&environment, "overdue", &[]).code, 0);
    let second = server.taken().len();
    assert!(second > first, "{:?}", mailed(&server));

    // A level was missed: the next step comes, not that of its day, and the highest day alone counts.
    on(&mut environment, "2026-11-30");
    assert_eq!(send(&environment, "overdue", &[]).all(), "", "what was missed below a level never comes");
    assert_snapshot!("reminders_missed_dry_run", send(&environment, "escalation", &["--dry-run"]));
    assert_eq!(send(&environment, "escalation", &[]).code, 0);
    on(&mut environment, "2026-12-15");
    assert_snapshot!("reminders_escalation_dry_run", send(&environment, "escalation", &["--dry-run"]));
    assert_eq!(send(&environment, "escalation", &[]).code, 0);
    assert_snapshot!("reminders_list", environment.finops(&["reminders", "list", "--company-id", "weber"]));
    insta::assert_debug_snapshot!("reminders_mails", mailed(&server));
}

/// Days that are pretended count as days that pass.
#[test]
fn steps_keep_their_distance_in_months_that_are_tried_out() {
    let server = Server::start([]);
    let mut environment = month(&server);
    assert_eq!(environment.finops(&["db", "mark-test"]).code, 0);
    let mut sent = |day: &str, kind: &str| {
        on(&mut environment, "2026-11-07");
        environment.set("FINOPS_TEST_SEED", &day.replace('-', ""));
        let said = environment.finops(&["reminders", "send", "--kind", kind, "--now", &format!("{day}T08:26:00Z")]);
        assert_eq!(said.code, 0, "{said}");
        let sent = server.taken().len();
        server.forget();
        sent
    };
    assert!(sent("2026-12-15", "overdue") > 0);
    assert_eq!(sent("2026-12-16", "escalation"), 0, "the first step came the day before");
    assert!(sent("2026-12-22", "escalation") > 0, "a week after it");
}

/// The last line in JSON.
fn summary(said: &Said) -> serde_json::Value {
    said.json().pop().unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn what_is_held_back() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let hold = |more: &[&str]| environment.finops(&[&["reminders", "hold"], more].concat());
    assert_snapshot!("reminders_hold", hold(&["INV-2026-000022", "--kind", "dispute", "--reason", "wrong quantity"]));
    assert_snapshot!(
        "reminders_hold_company_json",
        hold(&["--company-id", "ferme", "--kind", "promise", "--until", "2026-11-18", "--json"])
    );
    assert_eq!(hold(&["INV-2026-000023", "--kind", "pause", "--until", "2026-12-01"]).code, 0);
    assert_snapshot!("reminders_held", environment.finops(&["reminders", "list", "--held"]));
    assert_snapshot!("reminders_held_dry_run", send(&environment, "overdue", &["--dry-run"]));
    assert_eq!(summary(&send(&environment, "overdue", &["--json"]))["skipped"]["held"], 3);
    assert!(mailed(&server).is_empty());

    on(&mut environment, "2026-11-18");
    assert_eq!(summary(&send(&environment, "overdue", &["--json"]))["done"], 1, "the promise was not kept");
    on(&mut environment, "2026-11-25");
    assert_snapshot!("reminders_release", environment.finops(&["reminders", "release", "INV-2026-000022"]));
    // What was missed meanwhile comes in its turn: the first reminder first.
    let said = send(&environment, "escalation", &["--dry-run", "--json"]);
    assert_eq!((&summary(&said)["done"], &summary(&said)["skipped"]["earlier_kind"]), (&1.into(), &1.into()), "{said}");
    let said = send(&environment, "overdue", &["--json"]);
    let items = said.json();
    let told = items.iter().find(|item| item["outcome"] == "planned").unwrap();
    assert_eq!(
        (&told["company_id"], &told["urgency"], told["invoices"].as_array().map(Vec::len), &told["invoices"][0]["level"]),
        (&"weber".into(), &1.into(), Some(1), &1.into())
    );
    let audit = environment.finops(&["audit", "list", "--company-id", "weber", "--json"]).stdout;
    assert!(
        audit.contains("reminders.held") && audit.contains("reminders.released") && audit.contains("invoice.reminded"),
        "{audit}"
    );
}

#[test]
fn what_is_wrong_with_a_hold_is_told() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    for (args, code, text) in [
        (&["hold", "INV-2026-000022", "--kind", "promise"][..], 2, "--until DATE"),
        (&["hold", "INV-2026-000022", "--kind", "pause", "--until", "2026-11-16"], 1, "not in the future"),
        (&["hold", "--kind", "pause"], 2, "--company-id"),
        (&["hold", "--company-id", "nobody", "--kind", "pause"], 1, "no company nobody"),
        (&["hold", "INV-2026-000099", "--kind", "pause"], 1, "no invoice"),
        (&["hold", "INV-2026-000022", "--kind", "pause", "--reason", "4111 1111 1111 1111"], 1, "payment card"),
        (&["release", "INV-2026-000022"], 1, "nothing holds back reminders of invoice INV-2026-000022"),
        (&["release", "--company-id", "weber", "--kind", "dispute"], 1, "no dispute"),
        (&["send", "--kind", "late"], 2, "upcoming, overdue, escalation"),
        (&["send", "--kind", "overdue", "--company-id", "nobody"], 1, "no company nobody"),
    ] {
        let said = environment.finops(&[&["reminders"], args].concat());
        assert!(said.code == code && said.stderr.contains(text), "{args:?}: {said}");
    }
}

#[test]
fn nobody_to_tell_and_policies_of_ones_own() {
    let server = Server::start([]);
    let mut environment = month(&server);
    let mine = "company_id,contact_id,email,phone\nweber,mueller,,+49 521 0000001\n";
    environment.write("contacts.csv", mine);
    let policies = "company_id,name,country,email,reminder_policy\n\
                    weber,Weber,DE,,\nferme,Ferme,FR,,strict\nelbe,Elbe,DE,x@example.org,none\n";
    environment.write("companies.csv", policies);
    assert_eq!(environment.finops(&["import", "."]).code, 0);
    on(&mut environment, "2026-11-16");
    assert_snapshot!("reminders_failed", send(&environment, "overdue", &[]));
    on(&mut environment, "2026-11-17");
    let again = summary(&send(&environment, "overdue", &["--json"]));
    assert_eq!((&again["failed"], &again["waiting"]), (&0.into(), &2.into()), "told once");
    assert!(mailed(&server).is_empty());

    // The policy is there now, and Weber has an address: nothing is left of it.
    configure(&environment, "[reminders.policies.strict]\noverdue = [2]\nescalation = [5, 10]\n");
    environment.write("contacts.csv", mine.replace("mueller,,", "mueller,new@weber.example.org,"));
    assert_eq!(environment.finops(&["import", "contacts", "contacts.csv"]).code, 0);
    on(&mut environment, "2026-11-18");
    let said = send(&environment, "overdue", &["--json"]);
    assert_eq!((&summary(&said)["done"], &summary(&said)["waiting"]), (&2.into(), &0.into()), "{said}");
    assert_eq!(mailed(&server), ["<compta@ferme.example.com>", "<new@weber.example.org>"]);
    let status = environment.finops(&["status", "--json"]).stdout;
    assert!(!status.contains("unknown_policy") && !status.contains("no_address"), "{status}");

    on(&mut environment, "2026-12-02");
    let said = send(&environment, "overdue", &["--json"]);
    assert_eq!(summary(&said)["skipped"]["no_policy"], 2, "{said}");
    assert_eq!(mailed(&server).len(), 2);
}

#[test]
fn whoever_is_an_account_manager_and_a_contact_gets_one_copy() {
    let server = Server::start([]);
    let mut environment = month(&server);
    // Between the two entries of the same person stands another one.
    let contacts = "company_id,contact_id,name,email,roles\nweber,weber,Klaus,boss@nordlicht.example.com,management\n\
                    weber,zander,Ute,zander@weber.example.org,management\n";
    environment.write("contacts.csv", contacts);
    environment.write("companies.csv", "company_id,name,country,account_manager\nweber,Weber,DE,Boss@nordlicht.example.com\n");
    assert_eq!(environment.finops(&["import", "."]).code, 0);
    for (day, kind) in [("2026-11-16", "overdue"), ("2026-11-22", "escalation"), ("2026-11-29", "escalation")] {
        on(&mut environment, day);
        let said = environment.finops(&["reminders", "send", "--kind", kind, "--company-id", "weber", "--json"]);
        assert_eq!((said.code, &summary(&said)["failed"]), (0, &0.into()), "{said}");
    }
    let copies = |mails: Vec<String>| mails.into_iter().filter(|to| to.to_lowercase().contains("boss@")).count();
    assert_eq!(copies(mailed(&server)), 1, "{:?}", mailed(&server));
}

#[test]
fn what_could_not_be_told_is_over_once_it_is_paid() {
    let server = Server::start([]);
    let mut environment = month(&server);
    environment.write("contacts.csv", "company_id,contact_id,email,phone\nferme,dubois,,+33 1 00 00 00 00\n");
    environment.write("companies.csv", "company_id,name,country,email\nferme,Ferme,FR,\n");
    assert_eq!(environment.finops(&["import", "."]).code, 0);
    on(&mut environment, "2026-11-16");
    let all = |environment: &TestEnvironment| environment.finops(&["reminders", "send", "--kind", "overdue", "--json"]);
    assert_eq!(summary(&all(&environment))["failed"], 1);
    assert!(environment.finops(&["status", "--json"]).stdout.contains("no_address"));
    let pay = ["payments", "record", "INV-2026-000007", "--amount", "100.52", "--date", "2026-11-16", "--ref", "TX1"];
    assert_eq!(environment.finops(&pay).code, 0);
    on(&mut environment, "2026-11-17");
    assert_eq!(summary(&all(&environment))["waiting"], 0);
    assert!(!environment.finops(&["status", "--json"]).stdout.contains("no_address"));
}

#[test]
fn what_was_paid_before_the_mail_could_go_is_not_asked_for() {
    let busy = || (crate::smtp::At::Connect, crate::smtp::Act::SayAndCut("421 busy"));
    let server = Server::start((0..10).map(|_| busy()));
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let said = environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "weber", "--company-id", "ferme"]);
    assert!(said.code == 3 && mailed(&server).is_empty(), "{said}");
    let pay = |invoice: &str, amount: &str| {
        let args = ["payments", "record", invoice, "--amount", amount, "--date", "2026-11-15", "--ref", invoice];
        assert_eq!(environment.finops(&args).code, 0);
    };
    pay("INV-2026-000022", "6162.36");
    pay("INV-2026-000007", "100.52");
    let calm = Server::start([]);
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment
        .write("finops-demo/mail.toml", config.replace(&format!("port = {}", server.port()), &format!("port = {}", calm.port())));
    on(&mut environment, "2026-11-17");
    let said = environment.finops(&["effects", "settle", "--json"]);
    assert_eq!(summary(&said)["skipped"]["obsolete"], 1, "{said}");
    assert_eq!(mailed(&calm), ["<rechnung@weber.example.org>"]);
    let mail = String::from_utf8_lossy(&calm.taken()[0].bytes).into_owned();
    assert!(mail.contains("INV-2026-000023.pdf") && !mail.contains("INV-2026-000022.pdf"), "of what is still owed");
}

#[test]
fn nobody_is_woken() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    // In the morning of the seller it is night in New York, where one contact is; the other one is in California.
    let said = environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "harbor", "--json"]);
    assert_eq!((&summary(&said)["done"], &summary(&said)["delivered"]), (&1.into(), &0.into()), "{said}");
    environment.set("FINOPS_TEST_CLOCK", "2026-11-16T12:59:00Z");
    environment.set("FINOPS_TEST_SEED", "7");
    assert_eq!(environment.finops(&["effects", "settle"]).all(), "");
    environment.set("FINOPS_TEST_CLOCK", "2026-11-16T13:00:00Z");
    assert_eq!(summary(&environment.finops(&["effects", "settle", "--json"]))["delivered"], 1);
    assert_eq!(mailed(&server), ["<lucia.ortiz@harbor.example.com>"]);
}

/// 2026-11-16 is a Monday.
#[test]
fn nobody_is_reminded_on_a_day_of_rest() {
    let server = Server::start([]);
    let mut environment = month(&server);
    let days = "[reminders]\nquiet = \"never\"\nquiet_days = [\"mon\", \"11-17\", \"2026-11-18\"]\n";
    configure(&environment, days);
    on(&mut environment, "2026-11-16");
    let said = send(&environment, "overdue", &["--json"]);
    assert_eq!(summary(&said)["delivered"], 0, "{said}");
    assert!(summary(&said)["done"].as_u64() > Some(0), "{said}");
    environment.set("FINOPS_TEST_CLOCK", "2026-11-18T22:58:00Z");
    environment.set("FINOPS_TEST_SEED", "7");
    assert_eq!(environment.finops(&["effects", "settle"]).all(), "", "not yet Thursday in Berlin");
    environment.set("FINOPS_TEST_CLOCK", "2026-11-18T23:00:00Z");
    assert_eq!(environment.finops(&["effects", "settle"]).code, 0);
    assert!(mailed(&server).contains(&"<rechnung@weber.example.org>".to_owned()), "{:?}", mailed(&server));
}

#[test]
fn a_reminder_that_waited_drops_out_when_a_later_one_came() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-08");
    server.then((0..2).map(|_| (At::Rcpt, Act::Say("450 4.2.0 Greylisted"))));
    assert_eq!(send(&environment, "upcoming", &[]).code, 3);
    assert_eq!(mailed(&server), [""; 0]);
    on(&mut environment, "2026-11-16");
    assert_eq!(send(&environment, "overdue", &[]).code, 0);
    assert_eq!(mailed(&server).len(), 2, "one to each: {:?}", mailed(&server));
    assert_eq!(environment.finops(&["effects", "settle"]).all(), "");
    assert_eq!(mailed(&server).len(), 2);
}

/// Who gets an invoice late is not reminded of it on the same day, let alone of all the days before.
#[test]
fn an_invoice_that_was_sent_late_is_reminded_of_from_the_next_level() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let listed = environment.finops(&["invoices", "list", "--company-id", "weber", "--state", "open", "--json"]).json();
    let numbers: Vec<&str> = listed.iter().filter_map(|invoice| invoice["number"].as_str()).collect();
    assert!(!numbers.is_empty());
    assert_eq!(environment.finops(&[&["invoices", "send"], &numbers[..]].concat()).code, 0);
    let sent = server.taken().len();
    assert!(sent > 0);
    let mut seed = 100;
    let mut weber = |environment: &mut TestEnvironment, kind: &str| {
        seed += 1;
        environment.set("FINOPS_TEST_SEED", &seed.to_string());
        summary(&environment.finops(&["reminders", "send", "--kind", kind, "--company-id", "weber", "--json"]))["done"].clone()
    };
    assert_eq!(weber(&mut environment, "overdue"), 0, "it came today");
    on(&mut environment, "2026-11-21");
    assert_eq!(weber(&mut environment, "overdue"), 0, "the level of the 16th is not made up for");
    on(&mut environment, "2026-11-22");
    assert_eq!((weber(&mut environment, "escalation"), weber(&mut environment, "overdue")), (0.into(), 1.into()), "the first");
    // Sent once more it is no newer.
    environment.set("FINOPS_TEST_SEED", "8");
    assert_eq!(environment.finops(&[&["invoices", "send"], &numbers[..]].concat()).code, 0);
    on(&mut environment, "2026-11-29");
    assert_eq!(weber(&mut environment, "escalation"), 1);
}

/// A customer of another system, with twenty old debts and one that is disputed until the middle of it all.
#[test]
fn nobody_gets_the_final_notice_first_or_twice() {
    let server = Server::start([]);
    let mut environment = month(&server);
    let row = |n: u32| format!("weber,OLD-{n:02},nordlicht,EUR,100.00,2026-{0:02}-01,2026-{0:02}-15", 4 + n / 3);
    let rows: Vec<String> = (0..20).map(row).collect();
    let head = "company_id,number,seller_id,currency,amount,issued_on,due_on";
    environment.write("opening_invoices.csv", format!("{head}\n{}\n", rows.join("\n")));
    let said = environment.finops(&["import", "opening_invoices", "opening_invoices.csv"]);
    assert_eq!(said.code, 0, "{said}");
    let hold = ["reminders", "hold", "OLD-19", "--kind", "promise", "--until", "2026-12-20"];
    assert_eq!(environment.finops(&hold).code, 0);
    let mut told = Vec::new();
    let mut day = chrono::NaiveDate::from_ymd_opt(2026, 11, 10).unwrap();
    for _ in 0..36 {
        on(&mut environment, &day.to_string());
        for (seed, kind) in ["escalation", "overdue"].into_iter().enumerate() {
            environment.set("FINOPS_TEST_SEED", &format!("{}{seed}", day.format("%Y%m%d")));
            let said = environment.finops(&["reminders", "send", "--kind", kind, "--company-id", "weber", "--json"]);
            assert_eq!(said.code, 0, "{said}");
            let items = said.json();
            told.extend(items.iter().filter(|item| item["outcome"] == "planned").map(|item| {
                let invoices = item["invoices"].as_array().unwrap();
                format!("{day} {kind} {}: {} invoices, {}", item["urgency"], invoices.len(), item["owed"][0]["amount"])
            }));
        }
        day = day + chrono::Days::new(5);
    }
    assert_snapshot!("reminders_of_old_debts", told.join("\n"));
}

/// What is still owed less what the company has paid ahead.
#[test]
fn nobody_is_asked_for_what_his_credit_covers() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let credit = |amount: &str, number: &str| {
        let row = format!("weber,{number},nordlicht,EUR,{amount},2026-11-01");
        environment.write("opening_credits.csv", format!("company_id,reference,seller_id,currency,amount,dated\n{row}\n"));
        let said = environment.finops(&["import", "opening_credits", "opening_credits.csv"]);
        assert_eq!(said.code, 0, "{said}");
    };
    credit("927.20", "G1");
    let said = send(&environment, "overdue", &["--dry-run"]);
    assert_snapshot!("reminders_with_credit", said);
    credit("6000.00", "G2");
    let said = send(&environment, "overdue", &["--company-id", "weber", "--json"]);
    let covered: Vec<_> = said.json().into_iter().filter(|item| item["outcome"] == "covered").collect();
    assert!(covered.len() == 1 && covered[0]["number"] == "INV-2026-000022" && covered[0]["credit"] == "6162.36", "{said}");
    let shown = environment.finops(&["invoices", "show", "INV-2026-000022", "--json"]).json();
    assert_eq!(shown[0]["state"], "paid");
    // It is used up: no later invoice takes it once more.
    let left = environment.finops(&["credit", "list", "--company-id", "weber"]);
    assert_snapshot!("reminders_with_credit_left", left);
    assert!(mailed(&server).contains(&"<rechnung@weber.example.org>".to_owned()));
    let preview = ["notify", "preview", "reminder.overdue", "--invoice", "INV-2026-000023"];
    assert_snapshot!("reminders_with_credit_mail", environment.finops(&preview));
    assert_snapshot!("reminders_with_credit_covered", environment.finops(&[&preview[..4], &["INV-2026-000022"]].concat()));
}

/// The account manager's copy came, and the customer's mail was refused: for the customer that step is still to come, in
/// a message of its own, and the one that was refused never goes as well.
#[test]
fn a_copy_is_no_reminder_and_what_was_refused_comes_again() {
    let server = Server::start([]);
    let mut environment = month(&server);
    environment.write("companies.csv", "company_id,name,country,account_manager\nweber,Weber,DE,boss@nordlicht.example.com\n");
    assert_eq!(environment.finops(&["import", "companies", "companies.csv"]).code, 0);
    let escalate = |environment: &mut TestEnvironment, day: &str, kind: &str| {
        on(environment, day);
        let said = environment.finops(&["reminders", "send", "--kind", kind, "--company-id", "weber", "--json"]);
        said.json().iter().find(|item| item["outcome"] == "planned").map_or(0, |item| item["urgency"].as_u64().unwrap())
    };
    assert_eq!(escalate(&mut environment, "2026-11-16", "overdue"), 1);
    assert_eq!(escalate(&mut environment, "2026-11-22", "escalation"), 2);
    server.forget();
    server.then([(At::Rcpt, Act::Say("250 ok")), (At::Rcpt, Act::Say("550 5.1.1 no such user"))]);
    assert_eq!(escalate(&mut environment, "2026-11-29", "escalation"), 3);
    assert_eq!(mailed(&server), ["<boss@nordlicht.example.com>"]);
    // Not on the next day, but when the next one would have come; and in the same words.
    assert_eq!(escalate(&mut environment, "2026-11-30", "escalation"), 0);
    assert_eq!(escalate(&mut environment, "2026-12-15", "escalation"), 3);
    assert_eq!(mailed(&server)[1..], ["<boss@nordlicht.example.com>", "<rechnung@weber.example.org>"]);
    environment.set("FINOPS_TEST_SEED", "77");
    let said = environment.finops(&["effects", "list", "--json"]);
    assert!(said.json().is_empty(), "what was refused was given up: {said}");
    assert_eq!(escalate(&mut environment, "2026-12-16", "escalation"), 0);
    assert_eq!(escalate(&mut environment, "2026-12-31", "escalation"), 4, "sixteen days later, as the policy has it");
}

/// A promise that was made while the reminder waited for the morning: it drops out, and comes when the promise is not kept.
#[test]
fn what_dropped_out_comes_when_the_promise_is_not_kept() {
    let server = Server::start([]);
    let mut environment = month(&server);
    environment.set("FINOPS_TEST_CLOCK", "2026-11-16T04:00:00Z");
    let told = |said: &Said| {
        said.json().iter().filter(|item| item["outcome"] == "planned").map(|i| i["urgency"].clone()).collect::<Vec<_>>()
    };
    let said = environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "ferme", "--json"]);
    assert_eq!((told(&said), mailed(&server).len()), (vec![1.into()], 0), "{said}");
    environment.set("FINOPS_TEST_SEED", "5");
    let hold = ["reminders", "hold", "INV-2026-000007", "--kind", "promise", "--until", "2026-11-27"];
    assert_eq!(environment.finops(&hold).code, 0);
    on(&mut environment, "2026-11-16");
    assert_eq!(summary(&environment.finops(&["effects", "settle", "--json"]))["skipped"]["obsolete"], 1);
    on(&mut environment, "2026-11-27");
    assert_eq!(told(&environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "ferme", "--json"])), [1]);
    assert_eq!(mailed(&server), ["<compta@ferme.example.com>"]);
    environment.set("FINOPS_TEST_SEED", "6");
    assert_eq!(environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "ferme"]).all(), "", "once");
}

/// A step that a person gave up is not planned anew: the next one comes in its turn.
#[test]
fn what_a_person_gave_up_counts_as_if_it_had_come() {
    let server = Server::start([(At::Rcpt, Act::Say("450 4.2.0 Greylisted"))]);
    let mut environment = month(&server);
    let urgency = |environment: &mut TestEnvironment, day: &str, kind: &str| {
        on(environment, day);
        let said = environment.finops(&["reminders", "send", "--kind", kind, "--company-id", "ferme", "--json"]);
        said.json().iter().find(|item| item["outcome"] == "planned").map_or(0, |item| item["urgency"].as_u64().unwrap())
    };
    assert_eq!(urgency(&mut environment, "2026-11-16", "overdue"), 1);
    let waits = environment.finops(&["effects", "list", "--json"]).json();
    let key = waits[0]["key"].as_str().unwrap();
    assert_eq!(urgency(&mut environment, "2026-11-16", "overdue"), 0, "while it waits, no other");
    environment.set("FINOPS_TEST_SEED", "9");
    let said = environment.finops(&["effects", "settle", key, "--as", "abandoned"]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(urgency(&mut environment, "2026-11-17", "overdue"), 0);
    assert_eq!(urgency(&mut environment, "2026-11-22", "escalation"), 2);
    assert_eq!(mailed(&server), ["<compta@ferme.example.com>"]);
}
