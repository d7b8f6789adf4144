//! The outside world through the binary: PDFs into a bucket, messages to a URL, and both tried again.

use crate::http::{Seen, Server, Step, answer};
use crate::support::TestEnvironment;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A business with drafts of some invoices, whose PDFs go to `bucket`, and whose runs are told to `hook`.
fn drafted(bucket: &Server, hook: &Server) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["demo"]).code, 0);
    let sections = format!(
        "[database]\nurl = \"sqlite:finops.db\"\n\
         [documents.s3]\nbucket = \"books\"\nendpoint = \"{}\"\naccess_key_id_env = \"KEY\"\nsecret_access_key_env = \"KEY\"\n\
         [notify_on_completion]\nurl = \"{}\"\nsecret_env = \"WHSEC\"\nallow_private_addresses = true\n",
        bucket.url(""),
        hook.url("told?by=finops")
    );
    let config = environment.write("finops-demo/outside.toml", sections);
    std::fs::set_permissions(config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for (name, value) in [("FINOPS_CONFIG", "finops-demo/outside.toml"), ("KEY", "canary-4711"), ("WHSEC", WHSEC)] {
        environment.set(name, value);
    }
    // Nothing goes to a proxy of the environment.
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        environment.set(name, "http://127.0.0.1:9");
    }
    environment
}

/// Later, with other ids than the run before.
fn later(environment: &mut TestEnvironment, seed: &str, clock: &str) {
    environment.set("FINOPS_TEST_SEED", seed);
    environment.set("FINOPS_TEST_CLOCK", clock);
}

fn ok() -> Step {
    Step::Answer(answer("200 OK", &[("etag", "\"1\"")], b""))
}

/// Each object has the name that its content demands.
fn objects(seen: &[Seen]) -> BTreeSet<String> {
    let name = |seen: &Seen| {
        let sha256: String = Sha256::digest(&seen.body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(seen.body.starts_with(b"%PDF") && seen.line.contains(&sha256), "{}", seen.line);
        assert!(seen.line.starts_with("PUT /books/"), "{}", seen.line);
        seen.line.clone()
    };
    seen.iter().map(name).collect()
}

#[test]
fn what_fails_outside_is_done_by_a_later_run_and_nothing_twice() {
    let broken = || Step::Answer(answer("500 Internal Server Error", &[], b"<Error><Code>InternalError</Code></Error>"));
    let bucket = Server::start([broken()].into_iter().chain((0..60).map(|_| ok())));
    // Of the drafting, which is told; of the issuing, which is not heard at first; of what follows.
    let hook = Server::start([ok(), Step::Answer(answer("500 Oh No", &[], b"")), ok(), ok(), ok()]);
    let mut environment = drafted(&bucket, &hook);
    later(&mut environment, "2", "2026-12-01T04:13:00Z");
    let said = environment.finops(&["invoices", "generate", "--yes"]);
    assert!(said.code == 0 && bucket.seen().is_empty(), "{said}");
    assert_eq!(hook.seen().len(), 1);

    later(&mut environment, "3", "2026-12-01T04:43:00Z");
    let said = environment.finops(&["invoices", "issue"]);
    assert!(said.code == 3 && said.all().contains("InternalError") && !said.all().contains("canary"), "{said}");
    let first = bucket.seen();
    let planned = first.len();
    assert!(planned > 5, "{planned}");
    assert_eq!(hook.seen().len(), 2);

    later(&mut environment, "4", "2026-12-01T06:00:00Z");
    let said = environment.finops(&["effects", "settle"]);
    assert!(said.code == 0, "{said}");
    let second = bucket.seen().split_off(planned);
    assert_eq!(second.len(), 1, "only what had failed");
    assert_eq!(objects(&first), objects(&bucket.seen()), "under the same name");
    assert!(first.iter().any(|seen| seen.line == second[0].line && seen.body == second[0].body));
    // The notice that was not heard comes again as the same message, signed anew.
    let told = hook.seen();
    assert_eq!(told[2].header("webhook-id"), told[1].header("webhook-id"));
    assert_eq!(told[2].body, told[1].body);
    assert_ne!(told[2].header("webhook-signature"), told[1].header("webhook-signature"));
    let body: serde_json::Value = serde_json::from_slice(&told[1].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["summary"]["job"]), (&"job.completed".into(), &"invoices.issue".into()));

    let calls = bucket.seen().len();
    later(&mut environment, "5", "2026-12-01T07:00:00Z");
    for job in [["invoices", "issue"], ["effects", "settle"]] {
        assert_eq!(environment.finops(&job).code, 0);
    }
    assert_eq!(bucket.seen().len(), calls, "all is done");
    for args in [["effects", "list", "--json"], ["runs", "list", "--json"], ["doctor", "-v", "--json"]] {
        assert!(!environment.finops(&args).all().contains("canary"));
    }
}

#[test]
fn wrong_keys_stop_the_uploads_and_not_the_invoices() {
    let denied = || Step::Answer(answer("403 Forbidden", &[], b"<Error><Code>InvalidAccessKeyId</Code></Error>"));
    let (bucket, hook) = (Server::start((0..60).map(|_| denied())), Server::start((0..9).map(|_| ok())));
    let mut environment = drafted(&bucket, &hook);
    later(&mut environment, "2", "2026-12-01T04:13:00Z");
    assert_eq!(environment.finops(&["invoices", "generate", "--yes"]).code, 0);
    later(&mut environment, "3", "2026-12-01T04:43:00Z");
    let said = environment.finops(&["invoices", "issue", "--json"]);
    assert_eq!(said.code, 78, "{said}");
    let issued = environment.finops(&["invoices", "list", "--json"]).json();
    assert!(issued.iter().any(|invoice| invoice["issued_on"] == "2026-12-01"), "numbers are given all the same");
    let before = bucket.seen().len();
    assert!(before < issued.len(), "the first refusals are enough");

    bucket.replace((0..60).map(|_| ok()));
    later(&mut environment, "4", "2026-12-01T06:00:00Z");
    let said = environment.finops(&["effects", "settle"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(objects(&bucket.seen().split_off(before)).len() > 5);
}

/// It had a row only for what it brought of an earlier run: that row ends as done, whether the receiver is back or not.
#[test]
fn a_run_that_only_brings_an_earlier_notice_does_not_look_broken_off() {
    let deaf = || Step::Answer(answer("500 Oh No", &[], b""));
    for steps in [[deaf(), ok()], [deaf(), deaf()]] {
        let (bucket, hook) = (Server::start([]), Server::start(steps));
        let mut environment = drafted(&bucket, &hook);
        let config = std::fs::read_to_string(environment.path("finops-demo/outside.toml")).unwrap();
        let routes = "[[routes]]\nevents = [\"job.*\"]\nto = [\"in_app:board\"]\n";
        environment.write("finops-demo/outside.toml", format!("{config}{routes}"));
        later(&mut environment, "2", "2026-12-01T04:13:00Z");
        assert_eq!(environment.finops(&["invoices", "generate", "--yes"]).code, 0);
        let before = environment.finops(&["runs", "list", "--json"]).json();
        later(&mut environment, "3", "2026-12-01T05:13:00Z");
        let said = environment.finops(&["invoices", "generate", "--yes"]);
        assert!(said.code == 0 && said.stdout.is_empty(), "{said}");
        assert_eq!(hook.seen().len(), 2);
        let runs = environment.finops(&["runs", "list", "--json"]).json();
        assert!(runs.iter().all(|run| run["outcome"] == "done"), "{runs:?}");
        assert_eq!(runs.len(), before.len(), "a run that had nothing to do leaves no row");
        later(&mut environment, "4", "2026-12-01T06:13:00Z");
        assert_eq!(environment.finops(&["alerts", "dispatch"]).code, 0);
        let told = environment.finops(&["notifications", "list", "--all", "--json"]).json();
        assert!(told.is_empty(), "{told:?}");
    }
}
