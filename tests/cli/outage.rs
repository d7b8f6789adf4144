//! A server of mail that is down, slow, or hangs: the run leaves it alone soon, what was not tried stays planned, and
//! what was paid while it took its time is not asked for.

use crate::reminders::{mailed, month, on};
use crate::smtp::{Act, At, Server};
use crate::support::{Said, TestEnvironment};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A month of invoices to send, by a server that is waited for no longer than a second.
fn hurried(server: &Server) -> TestEnvironment {
    let mut environment = month(server);
    let config = std::fs::read_to_string(environment.path("finops-demo/mail.toml")).unwrap();
    environment.write("finops-demo/mail.toml", format!("{config}connect_timeout_s = 1\ntimeout_s = 1\n"));
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
