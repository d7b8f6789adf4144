//! `alerts` and `notifications`: what goes wrong is told once to whom the routes name, and its end too.

use crate::http::{Server, Step, answer};
use crate::smtp;
use crate::support::{Said, TestEnvironment};
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;

const ROUTES: &str = "
[[routes]]
events = [\"job.*\", \"item.*\", \"effect.failed\"]
severity = \"warning\"
to = [\"in_app:board\"]
";

/// The business of the demo, with these sections besides.
fn business(sections: &str) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    let text = format!("[database]\nurl = \"sqlite:finops.db\"\n{sections}");
    let file = environment.write("finops-demo/routes.toml", text);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    environment.set("FINOPS_CONFIG", "finops-demo/routes.toml");
    environment
}

/// Its clock may be in doubt, as that of a real business.
fn no_longer_a_test(environment: &TestEnvironment) {
    let db = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    assert_eq!(db.execute("DELETE FROM meta WHERE key = 'test'", []).unwrap(), 1);
}

/// Runs a command at another time, with other ids than those before it.
fn at(environment: &mut TestEnvironment, clock: &str, args: &[&str]) -> Said {
    let minutes: String = clock.chars().filter(char::is_ascii_digit).collect();
    environment.set("FINOPS_TEST_SEED", &format!("{}{}", &minutes[2..12], args.len()));
    environment.set("FINOPS_TEST_CLOCK", clock);
    environment.finops(args)
}

#[track_caller]
fn must(environment: &mut TestEnvironment, clock: &str, args: &[&str], code: i32) -> Said {
    let said = at(environment, clock, args);
    assert_eq!(said.code, code, "{clock} {args:?}: {said}");
    said
}

/// Kind and title of what the board shows, the oldest first.
fn shown(environment: &TestEnvironment) -> Vec<(String, String)> {
    let shown = environment.finops(&["notifications", "list", "--recipient", "board", "--json"]).json();
    let text = |item: &serde_json::Value, name: &str| item[name].as_str().unwrap().to_owned();
    shown.iter().map(|item| (text(item, "kind"), text(item, "title"))).collect()
}

const ITEM: &str = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
                    weber,manual:1,nordlicht,EUR,2026-10-02,Something rare,1,9.00,rare\n";

#[test]
fn what_cannot_be_done_is_told_once_and_when_it_is_over() {
    let mut environment = business(ROUTES);
    let e = &mut environment;
    e.write("items.csv", ITEM);
    must(e, "2026-12-05T04:00:00Z", &["import", "billable_items", "items.csv"], 0);
    assert_snapshot!("alerts_none", must(e, "2026-12-05T04:01:00Z", &["alerts", "list"], 0));
    must(e, "2026-12-05T04:13:00Z", &["invoices", "generate", "--yes"], 3);
    assert_snapshot!("alerts_list", must(e, "2026-12-05T04:20:00Z", &["alerts", "list"], 0));
    assert_snapshot!("alerts_dispatch_dry_run", must(e, "2026-12-05T04:24:00Z", &["alerts", "dispatch", "--dry-run"], 0));
    assert!(shown(e).is_empty(), "a dry run tells nobody");
    let said = must(e, "2026-12-05T04:24:00Z", &["alerts", "dispatch"], 0);
    assert!(said.stdout.starts_with("alerts.dispatch: 1 told, 1 delivered"), "{said}");
    assert_eq!(shown(e).len(), 1);
    assert_snapshot!("notifications_list", must(e, "2026-12-05T04:25:00Z", &["notifications", "list"], 0));
    let again = must(e, "2026-12-05T04:34:00Z", &["alerts", "dispatch"], 0);
    assert!(again.all().is_empty(), "{again}");
    // Failing on is no news, and that it waits for a person from now on neither: it is tried on all the same.
    for day in 6..=9 {
        let code = if day == 9 { 3 } else { 0 };
        must(e, &format!("2026-12-{day:02}T04:13:00Z"), &["invoices", "generate", "--yes"], code);
        must(e, &format!("2026-12-{day:02}T04:24:00Z"), &["alerts", "dispatch"], 0);
        assert_eq!(shown(e).len(), 1, "{day}");
    }
    assert_snapshot!("status_alerts", must(e, "2026-12-09T05:00:00Z", &["status"], 0));
    e.write("tax_rates.csv", "seller_id,tax_code,valid_from,category,rate,name\nnordlicht,rare,2026-01-01,S,7,VAT 7 %\n");
    must(e, "2026-12-09T06:00:00Z", &["import", "tax_rates", "tax_rates.csv"], 0);
    must(e, "2026-12-10T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2026-12-10T04:24:00Z", &["alerts", "dispatch"], 0);
    let kinds: Vec<String> = shown(e).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["item.failed", "job.recovered"]);
    assert!(must(e, "2026-12-10T04:25:00Z", &["alerts", "list", "--json"], 0).json().is_empty());
    assert_snapshot!("alerts_list_all", must(e, "2026-12-10T04:26:00Z", &["alerts", "list", "--all", "--json"], 0));
    assert!(must(e, "2026-12-10T04:34:00Z", &["alerts", "dispatch"], 0).all().is_empty());
}

#[test]
fn two_companies_with_one_key_are_two_alerts() {
    let mut environment = business(ROUTES);
    let e = &mut environment;
    e.write("items.csv", format!("{ITEM}{}", ITEM.lines().nth(1).unwrap().replacen("weber", "elbe", 1)));
    must(e, "2026-12-05T04:00:00Z", &["import", "billable_items", "items.csv"], 0);
    must(e, "2026-12-05T04:13:00Z", &["invoices", "generate", "--yes"], 3);
    must(e, "2026-12-05T04:24:00Z", &["alerts", "dispatch"], 0);
    let list = ["notifications", "list", "--json"];
    let unread = e.finops(&list).json();
    assert_eq!(unread.len(), 2, "{unread:?}");
    for told in &unread {
        let company = told["company_id"].as_str().unwrap();
        must(e, "2026-12-05T05:00:00Z", &["notifications", "read", told["id"].as_str().unwrap()], 0);
        assert!(e.finops(&list).json().iter().all(|left| left["company_id"] != company), "the one that was meant");
    }
}

#[test]
fn what_was_read_is_read() {
    let mut environment = business(ROUTES);
    let e = &mut environment;
    e.write("items.csv", ITEM);
    must(e, "2026-12-05T04:00:00Z", &["import", "billable_items", "items.csv"], 0);
    must(e, "2026-12-05T04:13:00Z", &["invoices", "generate", "--yes"], 3);
    must(e, "2026-12-05T04:24:00Z", &["alerts", "dispatch"], 0);
    let list = ["notifications", "list", "--json"];
    let unread = e.finops(&list).json();
    let id = unread[0]["id"].as_str().unwrap();
    assert_eq!((&unread[0]["company_id"], &unread[0]["severity"]), (&"weber".into(), &"warning".into()));
    assert_snapshot!("notifications_read", must(e, "2026-12-05T05:00:00Z", &["notifications", "read", id], 0));
    assert!(e.finops(&list).json().is_empty());
    let said = must(e, "2026-12-05T06:00:00Z", &["notifications", "read", id, "--json"], 0);
    assert_eq!(said.json()[0]["already_read"], true);
    let all = e.finops(&["notifications", "list", "--all", "--json"]).json();
    assert_eq!(all[0]["read_at"], "2026-12-05T05:00:00Z", "the first time stands");
    let said = must(e, "2026-12-05T06:00:00Z", &["notifications", "read", "nothing"], 1);
    assert!(said.stderr.contains("there is no notification nothing"), "{said}");
    assert!(must(e, "2026-12-05T06:00:00Z", &["notifications", "read", "--all", "--recipient", "board"], 0).all().is_empty());
    assert_eq!(e.finops(&["notifications", "read", "--all"]).code, 2);
}

#[test]
fn a_critical_job_that_fails_is_told_at_the_end_of_its_own_run_and_once() {
    let denied = || Step::Answer(answer("403 Forbidden", &[], b"<Error><Code>InvalidAccessKeyId</Code></Error>"));
    let bucket = Server::start((0..200).map(|_| denied()));
    let s3 = format!(
        "[documents.s3]\nbucket = \"books\"\nendpoint = \"{}\"\naccess_key_id = \"key-4711\"\nsecret_access_key = \"canary-4711\"\n{ROUTES}",
        bucket.url("")
    );
    let mut environment = business(&s3);
    let e = &mut environment;
    must(e, "2026-12-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2026-12-01T04:43:00Z", &["invoices", "issue"], 78);
    let told = shown(e);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0], ("job.failed".to_owned(), "Failed: invoices.issue".to_owned()));
    let alert = &e.finops(&["alerts", "list", "--json"]).json()[0];
    assert_eq!((&alert["severity"], &alert["times"]), (&"critical".into(), &1.into()));
    // Every hour the same: nobody is told of it.
    for hour in 5..8 {
        must(e, &format!("2026-12-01T{hour:02}:43:00Z"), &["invoices", "issue"], 78);
        must(e, &format!("2026-12-01T{hour:02}:44:00Z"), &["alerts", "dispatch"], 0);
    }
    assert_eq!(shown(e).len(), 1);
    assert_eq!(e.finops(&["alerts", "list", "--json"]).json()[0]["times"], 4);
    bucket.replace((0..200).map(|_| Step::Answer(answer("200 OK", &[("etag", "\"1\"")], b""))));
    must(e, "2026-12-01T09:43:00Z", &["invoices", "issue"], 0);
    must(e, "2026-12-01T09:44:00Z", &["alerts", "dispatch"], 0);
    let told = shown(e);
    assert_eq!((told.len(), told[1].0.as_str()), (2, "job.recovered"), "{told:?}");
    assert!(e.finops(&["alerts", "list", "--json"]).json().is_empty());
    // It fails anew, and that is news.
    bucket.replace((0..200).map(|_| denied()));
    must(e, "2027-01-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2027-01-01T04:43:00Z", &["invoices", "issue"], 78);
    assert_eq!(shown(e).len(), 3);
}

#[test]
fn a_clock_in_doubt_is_told_at_once_and_the_doubt_stays() {
    let mut environment = business(ROUTES);
    let e = &mut environment;
    no_longer_a_test(e);
    must(e, "2026-12-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    for _ in 0..2 {
        must(e, "2026-11-20T04:13:00Z", &["invoices", "generate"], 75);
        let told = shown(e);
        assert_eq!((told.len(), told[0].0.as_str()), (1, "job.failed"), "{told:?}");
    }
    let alerts = e.finops(&["alerts", "list", "--json"]).json();
    assert!(alerts[0]["message"].as_str().unwrap().starts_with("the clock is in doubt"), "{alerts:?}");
    must(e, "2026-11-20T04:24:00Z", &["alerts", "dispatch"], 75);
    must(e, "2026-12-01T05:04:00Z", &["alerts", "dispatch"], 0);
    assert_eq!(shown(e).len(), 2, "it is over");
}

#[test]
fn nothing_is_noted_that_nobody_wants_to_know() {
    let mut environment = business("[[routes]]\nevents = [\"invoice.paid\"]\nto = [\"in_app:board\"]\n");
    let e = &mut environment;
    e.write("items.csv", ITEM);
    must(e, "2026-12-05T04:00:00Z", &["import", "billable_items", "items.csv"], 0);
    must(e, "2026-12-05T04:13:00Z", &["invoices", "generate", "--yes"], 3);
    assert!(e.finops(&["alerts", "list", "--json"]).json().is_empty());
    must(e, "2026-12-05T04:24:00Z", &["alerts", "dispatch"], 0);
    assert!(shown(e).is_empty());
    let pay = ["payments", "record", "INV-2026-000002", "--amount", "99999", "--date", "2026-12-05", "--ref", "TX1"];
    must(e, "2026-12-05T05:00:00Z", &pay, 0);
    must(e, "2026-12-05T05:04:00Z", &["alerts", "dispatch"], 0);
    let told = shown(e);
    assert_eq!((told.len(), told[0].1.as_str()), (1, "Paid: INV-2026-000002, Buchladen am Fluß"), "{told:?}");
}

#[test]
fn what_comes_at_night_is_told_in_the_morning_as_one() {
    let routes = "
[people.anna]
email = \"anna@example.com\"
time_zone = \"Europe/Berlin\"
language = \"de\"
quiet = \"20:00-07:00\"

[[routes]]
events = [\"invoice.draft\", \"item.failed\"]
to = [\"anna\"]

[[routes]]
events = [\"invoice.draft\"]
to = [\"in_app:board\"]
digest = \"daily 08:30\"

[mail]
from = \"billing@example.com\"
host = \"127.0.0.1\"
tls = \"none\"
port = 9
";
    let mut environment = business(routes);
    let e = &mut environment;
    e.write("items.csv", ITEM);
    must(e, "2026-12-05T03:00:00Z", &["import", "billable_items", "items.csv"], 0);
    must(e, "2026-12-05T03:13:00Z", &["invoices", "generate", "--yes"], 3);
    let said = must(e, "2026-12-05T03:24:00Z", &["alerts", "dispatch", "--dry-run", "--json"], 0).json();
    let drafts: Vec<_> = said.iter().filter(|item| item["kind"] == "invoice.draft").collect();
    assert!(drafts.len() > 5, "{said:?}");
    for draft in drafts {
        let told: Vec<(&str, &str)> = draft["to"]
            .as_array()
            .unwrap()
            .iter()
            .map(|to| (to["channel"].as_str().unwrap(), to["when"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [("email", "2026-12-05T06:00:00Z"), ("in_app", "2026-12-05T08:30:00Z")]);
    }
    must(e, "2026-12-05T03:24:00Z", &["alerts", "dispatch"], 0);
    let planned = e.finops(&["effects", "list", "--json"]).json();
    let keys: Vec<&str> = planned.iter().map(|effect| effect["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["email:digest:2026-12-05T06:00:00Z:anna@example.com", "in_app:digest:2026-12-05T08:30:00Z:board"]);
    must(e, "2026-12-05T08:34:00Z", &["alerts", "dispatch"], 3);
    let told = shown(e);
    assert!(told.len() == 1 && told[0].1.starts_with("Digest: "), "{told:?}");
}

#[test]
fn a_message_that_cannot_be_read_keeps_no_other() {
    let digest =
        |to: &str| format!("[[routes]]\nevents = [\"invoice.draft\"]\nto = [\"in_app:{to}\"]\ndigest = \"daily 08:30\"\n");
    let mut environment = business(&(digest("archive") + &digest("board")));
    let e = &mut environment;
    must(e, "2026-12-05T03:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2026-12-05T03:24:00Z", &["alerts", "dispatch"], 0);
    let db = rusqlite::Connection::open(e.path("finops-demo/finops.db")).unwrap();
    assert!(db.execute("UPDATE digest_entries SET facts = '{' WHERE digest_key LIKE '%:archive'", []).unwrap() > 0);
    let said = must(e, "2026-12-05T08:34:00Z", &["alerts", "dispatch"], 3);
    assert!(said.stderr.contains("an entry of digest") && said.stdout.contains("1 delivered"), "{said}");
    assert_eq!(shown(e).len(), 1);
}

fn mail(server: &smtp::Server) -> String {
    let port = server.port();
    format!("[mail]\nfrom = \"finops@example.com\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n")
}

/// Recipient and subject of each mail, in the order in which they went.
fn mailed(server: &smtp::Server) -> Vec<(String, String)> {
    let told = |taken: smtp::Taken| {
        let text = String::from_utf8(taken.bytes).unwrap();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
        (taken.rcpt.trim_start_matches("RCPT TO:").to_owned(), subject)
    };
    server.taken().into_iter().map(told).collect()
}

#[test]
fn the_end_of_a_run_is_told_by_mail_when_it_did_something() {
    let server = smtp::Server::start([]);
    let mut environment = business(&format!("[notify_on_completion]\nemail = \"ops@example.com\"\n{}", mail(&server)));
    let e = &mut environment;
    must(e, "2026-12-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    assert_eq!(mailed(&server), [("<ops@example.com>".to_owned(), "Finished: invoices.generate".to_owned())]);
    let text = String::from_utf8(server.taken().remove(0).bytes).unwrap();
    assert!(text.contains("invoices.generate: 26 done"), "{text}");
    must(e, "2026-12-02T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    assert_eq!(server.taken().len(), 1, "it did nothing");
    assert!(e.finops(&["effects", "list", "--json"]).json().is_empty());
}

#[test]
fn a_flood_becomes_one_mail_and_a_mail_that_cannot_be_sent_raises_no_alarm() {
    let server = smtp::Server::start([]);
    let routes = "[[routes]]\nevents = [\"invoice.draft\"]\nto = [\"email:ops@example.com\", \"in_app:board\"]\n\
                  [[routes]]\nevents = [\"effect.failed\"]\nto = [\"in_app:alarm\"]\n";
    let mut environment = business(&format!("{routes}{}", mail(&server)));
    let e = &mut environment;
    must(e, "2026-12-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2026-12-01T04:24:00Z", &["alerts", "dispatch"], 0);
    let drafts = shown(e).len();
    assert!(drafts > 20, "the board sorts them out by itself: {drafts}");
    let told = mailed(&server);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, format!("Digest: {drafts} notes"));
    // The next flood is refused, for good.
    server.then([(smtp::At::Rcpt, smtp::Act::Say("550 5.1.1 no such user"))]);
    must(e, "2027-01-01T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2027-01-01T04:24:00Z", &["alerts", "dispatch"], 3);
    let failed = e.finops(&["effects", "list", "--state", "failed", "--json"]).json();
    assert_eq!(failed.len(), 1, "{failed:?}");
    must(e, "2027-01-01T04:34:00Z", &["alerts", "dispatch"], 0);
    assert!(e.finops(&["notifications", "list", "--recipient", "alarm", "--json"]).json().is_empty());
}

#[test]
fn a_run_that_was_killed_is_told_by_the_next_dispatch() {
    let mut environment = business(ROUTES);
    let e = &mut environment;
    e.set("FINOPS_CRASH_AT", "3");
    e.set("FINOPS_TEST_CLOCK", "2026-12-01T04:13:00Z");
    let killed = e.command(&["invoices", "generate", "--yes"]).output().unwrap();
    assert!(killed.status.code().is_none(), "{killed:?}");
    e.set("FINOPS_CRASH_AT", "0");
    must(e, "2026-12-01T04:24:00Z", &["alerts", "dispatch"], 0);
    let told = shown(e);
    assert_eq!((told.len(), told[0].1.as_str()), (1, "Failed: invoices.generate"), "{told:?}");
    must(e, "2026-12-01T04:34:00Z", &["alerts", "dispatch"], 0);
    assert_eq!(shown(e).len(), 1);
    must(e, "2026-12-02T04:13:00Z", &["invoices", "generate", "--yes"], 0);
    must(e, "2026-12-02T04:24:00Z", &["alerts", "dispatch"], 0);
    must(e, "2026-12-02T04:34:00Z", &["alerts", "dispatch"], 0);
    assert_eq!(shown(e).len(), 2, "it is over");
}
