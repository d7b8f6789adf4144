//! A server of mail that is down, slow, or hangs: the run leaves it alone soon, what was not tried stays planned, and
//! what was paid while it took its time is not asked for.

use crate::reminders::{configure, mailed, month, on};
use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A month of invoices to send, by a server that is waited for no longer than a second.
fn hurried(server: &Server) -> TestEnvironment {
    let mut environment = month(server);
    configure(&environment, "connect_timeout_s = 1\ntimeout_s = 1\n");
    on(&mut environment, "2026-12-01");
    assert_eq!(environment.finops(&["invoices", "generate", "--yes"]).code, 0);
    on(&mut environment, "2026-12-02");
    assert_eq!(environment.finops(&["invoices", "issue"]).code, 0);
    on(&mut environment, "2026-12-03");
    environment
}

fn states(environment: &TestEnvironment) -> (usize, usize) {
    let all = environment.finops(&["effects", "list", "--kind", "message.email", "--limit", "500", "--json"]).json();
    let count = |state: &str| all.iter().filter(|effect| effect["state"] == state).count();
    (count("planned"), count("unknown"))
}

fn send(environment: &TestEnvironment) -> (Said, Duration) {
    let begun = Instant::now();
    let said = environment.finops(&["invoices", "send"]);
    assert_eq!(said.code, 3, "{said}");
    (said, begun.elapsed())
}

#[test]
fn a_server_that_hangs_is_left_alone_after_three_mails() {
    for at in [At::Connect, At::Ehlo, At::Rcpt] {
        let server = Server::start((0..99).map(|_| (at, Act::Hang)));
        let environment = hurried(&server);
        let (said, time) = send(&environment);
        assert!(said.stderr.contains("mail failed 3 times in a row"), "{at:?}: {said}");
        assert_eq!(server.connections(), 3, "{at:?}: {time:?}");
        let (planned, unknown) = states(&environment);
        assert!(planned > 10 && unknown == 0, "{at:?}: {planned} {unknown}");
    }
}

#[test]
fn where_nobody_listens_three_mails_are_enough() {
    let server = Server::start((0..99).map(|_| (At::Connect, Act::Cut)));
    let environment = hurried(&server);
    let (said, _) = send(&environment);
    assert!(said.stderr.contains("mail failed 3 times in a row"), "{said}");
    assert_eq!(server.connections(), 9, "three tries each");
}

#[test]
fn a_server_that_takes_a_mail_and_says_nothing_gets_no_other() {
    let server = Server::start((0..99).map(|_| (At::Dot, Act::Hang)));
    let environment = hurried(&server);
    let (said, _) = send(&environment);
    assert_eq!(server.taken().len(), 1, "every other one would be in doubt as well: {said}");
    assert_eq!(states(&environment).1, 1, "{said}");
    assert!(said.stderr.contains("once more after 4 hours"), "{said}");
}

#[test]
fn what_is_paid_while_other_mails_go_is_not_asked_for() {
    // Longer than a mail that was made beforehand is taken for fresh.
    let slow = Act::Drip("250 Ok", Duration::from_millis(400));
    let server = Server::start([(At::Dot, slow)]);
    let mut environment = month(&server);
    on(&mut environment, "2026-12-15");
    let reminders = environment.command(&["reminders", "send", "--kind", "overdue"]).stderr(Stdio::null()).spawn();
    let mut reminders = reminders.unwrap();
    while server.taken().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Of these, one is in the block that goes, the other in the one that is made meanwhile.
    for (number, amount) in [("INV-2026-000004", "435.00"), ("JP-2026-00003", "156750")] {
        environment.set("FINOPS_TEST_SEED", &number[11..]);
        let paid = ["payments", "record", number, "--amount", amount, "--date", "2026-12-14", "--ref", number];
        let said = environment.finops(&paid);
        assert_eq!(said.code, 0, "{said}");
    }
    assert_eq!(server.taken().len(), 1, "the first was still going");
    assert!(reminders.wait().unwrap().success());
    let mailed = mailed(&server).join(" ");
    assert!(mailed.contains("alpen@") && mailed.contains("zypresse@"), "{mailed}");
    assert!(!mailed.contains("elaia@") && !mailed.contains("hoshi@"), "{mailed}");
}

/// A business whose operators hear of the end of jobs, and whose mail is put off so many times.
fn told_of_ends(server: &Server, put_off: usize) -> TestEnvironment {
    server.then((0..put_off).map(|_| (At::Rcpt, Act::Say("450 4.2.0 come back later"))));
    let mut environment = month(server);
    configure(&environment, "[notify_on_completion]\nemail = \"ops@nordlicht.example.org\"\n");
    on(&mut environment, "2026-12-05");
    let items = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
                 weber,manual:1,nordlicht,EUR,2026-11-02,Something rare,1,9.00,rare\n";
    environment.write("items.csv", items);
    assert_eq!(environment.finops(&["import", "billable_items", "items.csv"]).code, 0);
    environment
}

fn run(environment: &mut TestEnvironment, seed: &str, args: &[&str], code: i32) {
    environment.set("FINOPS_TEST_SEED", seed);
    let said = environment.finops(args);
    assert_eq!(said.code, code, "{args:?}: {said}");
}

/// The states of the mails to the operators.
fn ends(environment: &TestEnvironment) -> Vec<String> {
    let all = environment.finops(&["effects", "list", "--all", "--kind", "message.email", "--limit", "500", "--json"]).json();
    let ends = all.iter().filter(|effect| effect["key"].as_str().unwrap().starts_with("email:job.completed:"));
    ends.map(|effect| effect["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn after_an_outage_one_mail_tells_what_the_runs_of_the_night_had_to_say() {
    let server = Server::start([]);
    let mut environment = told_of_ends(&server, 99);
    let e = &mut environment;
    run(e, "1", &["invoices", "generate", "--company-id", "weber"], 3);
    on(e, "2026-12-06");
    run(e, "2", &["invoices", "generate", "--company-id", "elbe"], 0);
    on(e, "2026-12-07");
    run(e, "3", &["invoices", "generate", "--company-id", "buchladen"], 0);
    run(e, "4", &["invoices", "issue", "--company-id", "elbe"], 0);
    let states = ends(e);
    assert_eq!(states.iter().filter(|state| *state == "planned").count(), 2, "of each job the last: {states:?}");
    assert_eq!(states.iter().filter(|state| *state == "abandoned").count(), 2, "{states:?}");

    // It stands again.
    server.replace([]);
    on(e, "2026-12-08");
    run(e, "5", &["effects", "settle"], 0);
    assert_eq!(server.taken().len(), 2, "one for each job");
    let generated = mailed_about(&server, "invoices.generate");
    for part in [
        "Subject: Finished with 1 failure: invoices.generate",
        "Earlier runs: 2 since 5 December 2026",
        "Failures in them: 1",
        "Something rare, Weber",
        "has no tax rate",
    ] {
        assert!(generated.contains(part), "{part}\n{generated}");
    }
    let issued = mailed_about(&server, "invoices.issue");
    assert!(issued.contains("Subject: Finished: invoices.issue") && !issued.contains("Earlier runs"), "{issued}");
    on(e, "2026-12-09");
    run(e, "6", &["effects", "settle"], 0);
    assert_eq!(server.taken().len(), 2, "nothing is left to tell");
}

/// The one mail about the end of a job, on one line.
fn mailed_about(server: &Server, job: &str) -> String {
    let mut found = Vec::new();
    for mail in server.taken() {
        let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "").replace("=C2=A0", " ");
        if text.contains(&format!(": {job}\r\n")) {
            found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(found.len(), 1, "{job}");
    found.remove(0)
}

#[test]
fn that_the_end_of_a_run_could_not_be_told_is_no_news_by_itself() {
    let server = Server::start([]);
    let mut environment = told_of_ends(&server, 1);
    let e = &mut environment;
    run(e, "1", &["invoices", "generate", "--company-id", "elbe"], 0);
    server.then([(At::Rcpt, Act::Say("550 5.1.1 no such user"))]);
    on(e, "2026-12-06");
    run(e, "2", &["effects", "settle"], 3);
    assert_eq!(ends(e), ["failed"], "no mail says that a mail failed");
    // The next run has its own to tell, and that.
    run(e, "3", &["invoices", "generate", "--company-id", "weber"], 3);
    let told = mailed_about(&server, "invoices.generate");
    assert!(told.contains("Earlier runs: 1, of 5 December 2026") && !told.contains("Failures in them"), "{told}");
    assert_eq!(ends(e).iter().filter(|state| *state == "failed").count(), 0);
}
