//! `[ping]`: who watches over cron hears of each run, and no job fails or waits long because of it.

use crate::http::{Seen, Server, Step, answer};
use crate::support::{Said, TestEnvironment};
use finops::jobs::JobKind;
use std::time::{Duration, Instant};

fn ok() -> Step {
    Step::Answer(answer("200 OK", &[], b"OK"))
}

/// The business of the demo, watched by this URL.
fn watched(url: &str, database: &str) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    let ping = format!("[database]\nurl = \"{database}\"\n[ping]\nurl_env = \"PING\"\nallow_private_addresses = true\n");
    environment.write("finops-demo/ping.toml", ping);
    environment.set("FINOPS_CONFIG", "finops-demo/ping.toml");
    environment.set("FINOPS_TEST_SEED", "7");
    environment.set("PING", url);
    environment
}

/// Methods and paths, without the id of the run, which is the same in all pings of one.
fn paths(seen: &[Seen]) -> Vec<String> {
    let rid = |seen: &Seen| seen.line.split("rid=").nth(1).and_then(|rest| rest.get(..36)).unwrap().to_owned();
    if let Some(first) = seen.first() {
        assert!(seen.iter().all(|one| rid(one) == rid(first)), "{seen:?}");
    }
    seen.iter().map(|seen| seen.line.split("?rid=").next().unwrap().to_owned()).collect()
}

#[track_caller]
fn run(environment: &TestEnvironment, args: &[&str], code: i32) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, code, "{said}");
    assert!(!said.all().contains("canary"), "{said}");
    said
}

#[test]
fn a_run_is_told_when_it_begins_and_how_it_ends() {
    let server = Server::start((0..9).map(|_| ok()));
    let environment = watched(&server.url("canary/{job}"), "sqlite:finops.db");
    run(&environment, &["invoices", "generate", "--now", "2026-10-31T12:00:00Z"], 0);
    let seen = server.seen();
    assert_eq!(paths(&seen), ["POST /canary/invoices-generate/start", "POST /canary/invoices-generate"]);
    let body = String::from_utf8(seen[1].body.clone()).unwrap();
    assert!(body.starts_with("invoices.generate: 0 drafted") && seen[0].body.is_empty(), "{body}");
    run(&environment, &["invoices", "generate", "--dry-run"], 0);
    run(&environment, &["invoices", "list"], 0);
    assert_eq!(server.seen().len(), 2, "only jobs are watched, and only when they work");
}

#[test]
fn what_failed_is_told_by_the_exit_code() {
    let server = Server::start((0..9).map(|_| ok()));
    let mut environment = watched(&server.url("canary"), "sqlite:finops.db");
    environment.write(
        "items.csv",
        "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
         weber,manual:1,nordlicht,EUR,2026-10-02,Something rare,1,9.00,rare\n",
    );
    run(&environment, &["import", "billable_items", "items.csv"], 0);
    environment.set("FINOPS_TEST_CLOCK", "2026-12-01T04:13:00Z");
    environment.set("FINOPS_TEST_SEED", "8");
    run(&environment, &["invoices", "generate", "--yes"], 3);
    assert_eq!(paths(&server.seen()), ["POST /canary/start", "POST /canary/3"]);
    let db = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    db.execute("DELETE FROM meta WHERE key = 'test'", []).unwrap();
    environment.set("FINOPS_TEST_CLOCK", "2026-11-01T04:13:00Z");
    environment.set("FINOPS_TEST_SEED", "9");
    run(&environment, &["invoices", "generate"], 75);
    let doubt = server.seen().split_off(2);
    assert_eq!(paths(&doubt), ["POST /canary/start", "POST /canary/75"]);
    let body = String::from_utf8(doubt[1].body.clone()).unwrap();
    assert!(body.contains("error: the clock is in doubt") && body.contains("hint: "), "{body}");
}

#[test]
fn every_job_is_heard_of_while_the_database_is_down() {
    for job in JobKind::ALL {
        let server = Server::start([ok(), ok()]);
        let environment = watched(&server.url("canary/{job}"), "postgres://nobody@127.0.0.1:9/books?sslmode=disable");
        let command = job.command();
        run(&environment, &command.split(' ').skip(1).collect::<Vec<_>>(), 75);
        let path = job.as_str().replace(['.', '_'], "-");
        assert_eq!(paths(&server.seen()), [format!("POST /canary/{path}/start"), format!("POST /canary/{path}/75")], "{job}");
    }
}

#[test]
fn who_is_slow_holds_up_a_job_for_ten_seconds_at_most_and_fails_none() {
    let server = Server::start((0..9).map(|_| Step::Hang));
    let environment = watched(&server.url("canary"), "sqlite:finops.db");
    let began = Instant::now();
    let said = run(&environment, &["invoices", "generate"], 0);
    assert!(began.elapsed() < Duration::from_secs(13), "{:?}", began.elapsed());
    assert_eq!(said.stderr.matches("the ping was not heard: 127.0.0.1 gave no whole answer").count(), 2, "{said}");
}

#[test]
fn a_job_is_what_it_is_whatever_becomes_of_its_pings() {
    let refused = |status: &str, headers: &[(&str, &str)]| Step::Answer(answer(status, headers, b"canary"));
    let elsewhere = Server::start([ok()]);
    let location = elsewhere.url("canary");
    for (steps, told) in [
        (vec![refused("404 Not Found", &[]), refused("404 Not Found", &[])], "127.0.0.1 answered 404"),
        (
            vec![refused("302 Found", &[("location", &location)]), refused("302 Found", &[("location", &location)])],
            "127.0.0.1 answered 302, and redirects are not followed",
        ),
    ] {
        let server = Server::start(steps);
        let environment = watched(&server.url("canary"), "sqlite:finops.db");
        let said = run(&environment, &["invoices", "generate"], 0);
        assert_eq!(said.stderr.matches(told).count(), 2, "{said}");
        assert_eq!(server.seen().len(), 2);
    }
    assert!(elsewhere.seen().is_empty());
    // What passes is tried again, within its time.
    let server = Server::start([refused("500 Oh No", &[]), ok(), Step::CutBefore, ok()]);
    let environment = watched(&server.url("canary"), "sqlite:finops.db");
    assert!(run(&environment, &["invoices", "generate"], 0).stderr.is_empty());
    assert_eq!(paths(&server.seen()), ["POST /canary/start", "POST /canary/start", "POST /canary"]);
    // Nobody listens there.
    let environment = watched("http://127.0.0.1:9/canary", "sqlite:finops.db");
    let said = run(&environment, &["invoices", "generate"], 0);
    assert_eq!(said.stderr.matches("the ping was not heard").count(), 2, "{said}");
}
