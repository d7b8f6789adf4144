//! `finops notify test` and what `doctor` says of mail.

use crate::http::{Server as Http, Step, answer};
use crate::smtp::{Act, At, Server};
use crate::support::TestEnvironment;
use insta::assert_snapshot;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn with(more: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    let config = format!("[database]\nurl = \"sqlite:finops.db\"\n{more}");
    let path = environment.write("finops.toml", config);
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    environment
}

fn with_mail(server: &Server, more: &str) -> TestEnvironment {
    let port = server.port();
    with(&format!(
        "[mail]\nfrom = \"billing@seller.example\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nhelo = \"here.test\"\n{more}"
    ))
}

#[test]
fn a_test_mail_is_sent_and_the_answer_told() {
    let server = Server::start([]);
    let environment = with_mail(&server, "");
    let args = ["notify", "test", "--channel", "email", "--to", "jane@customer.example"];
    assert_snapshot!("notify_test_email", environment.finops(&args));
    let said = environment.finops(&["--json", "notify", "test", "--channel", "email", "--to", "jane@customer.example"]);
    let item = &said.json()[0];
    assert_eq!((said.code, item["provider_ref"].as_str()), (0, Some("2.0.0 Ok: queued as 4cXyZ1")), "{said}");
    let taken = server.taken();
    assert_eq!(taken.len(), 2);
    let text = String::from_utf8(taken[0].bytes.clone()).unwrap();
    assert!(
        text.contains("\r\nSubject: finops: a test message\r\n") && text.contains("Sat, 31 Oct 2026 12:00:00 +0000"),
        "{text}"
    );
}

#[test]
fn a_refused_test_mail_says_what_to_do() {
    let server = Server::start([(At::Rcpt, Act::Say("550 5.1.1 User unknown")), (At::Rcpt, Act::Say("450 4.2.0 Greylisted"))]);
    let environment = with_mail(&server, "");
    let args = ["notify", "test", "--channel", "email", "--to", "jane@customer.example"];
    assert_snapshot!("notify_test_rejected", environment.finops(&args));
    assert_snapshot!("notify_test_deferred", environment.finops(&args));
    assert_eq!(environment.finops(&["notify", "test", "--channel", "email", "--to", "jane"]).code, 2);
    assert_eq!(environment.finops(&["notify", "test", "--channel", "email"]).code, 2);
}

#[test]
fn what_is_not_configured_is_said() {
    let environment = with("");
    assert_snapshot!("notify_test_missing", environment.finops(&["notify", "test", "--channel", "sms", "--to", "+15005550006"]));
    assert_snapshot!("notify_test_in_app", environment.finops(&["notify", "test", "--channel", "in_app"]));
    let environment = with(&format!("[webhooks.office]\nurl = \"https://h.example/\"\nsecret = \"{WHSEC}\"\n"));
    assert_snapshot!(
        "notify_test_webhook_unknown",
        environment.finops(&["notify", "test", "--channel", "webhook", "--to", "ofice"])
    );
}

#[test]
fn slack_sms_and_webhooks_are_tried_too() {
    let sid = r#"{"sid":"SM0123456789abcdef0123456789abcdef"}"#;
    let ok = |body: &str| Step::Answer(answer("200 OK", &[], body.as_bytes()));
    let http = Http::start([ok("ok"), ok(sid), ok("")]);
    let environment = with(&format!(
        "[slack]\nwebhook_url = \"{0}services/canary\"\n\
         [sms]\naccount_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"canary\"\nfrom = \"+15005550006\"\napi_url = \"{0}\"\n\
         [webhooks.office]\nurl = \"{0}canary\"\nsecret = \"{WHSEC}\"\nallow_private_addresses = true\n",
        http.url("")
    ));
    for (channel, to, told) in [
        ("slack", None, "slack to its channel: sent; the other side says: ok"),
        ("sms", Some("+49 151 12345678"), "SM0123456789abcdef0123456789abcdef"),
        ("webhook", Some("office"), "msg_"),
    ] {
        let mut args = vec!["notify", "test", "--channel", channel];
        args.extend(to.iter().flat_map(|to| ["--to", to]));
        let said = environment.finops(&args);
        assert!(said.code == 0 && said.stdout.contains(told), "{said}");
        assert!(!said.all().contains("canary"), "{said}");
    }
    let seen = http.seen();
    assert_eq!(seen.len(), 3);
    assert!(
        seen[2].header("webhook-signature").is_some() && String::from_utf8_lossy(&seen[2].body).contains("\"type\":\"test\"")
    );
    let shown = environment.finops(&["config", "show"]).all();
    assert!(!shown.contains("canary") && shown.contains("sms.account_sid"), "{shown}");
}

#[test]
fn the_doctor_asks_the_server_of_mail() {
    let server = Server::start([]);
    server.is_able("250-scripted\r\n250-SIZE 10240000\r\n250 AUTH PLAIN");
    let environment = with_mail(&server, "user = \"billing\"\npassword = \"canary-4711\"\n");
    let mail = |said: &crate::support::Said| {
        let found = said.json().into_iter().find(|line| line["check"] == "mail").unwrap_or_else(|| panic!("{said}"));
        (found["state"].as_str().unwrap().to_owned(), found["message"].as_str().unwrap().to_owned())
    };
    let (state, message) = mail(&environment.finops(&["--json", "doctor"]));
    assert_eq!((state.as_str(), message.contains("not encrypted, signed in as billing")), ("ok", true), "{message}");
    server.then([(At::Auth, Act::Say("535 5.7.8 no: canary-4711"))]);
    let said = environment.finops(&["--json", "doctor"]);
    let (state, message) = mail(&said);
    assert_eq!((said.code, state.as_str()), (78, "problem"), "{said}");
    assert!(message.contains("535 5.7.8") && !said.all().contains("canary"), "{said}");
    assert_eq!(server.taken(), []);
}
