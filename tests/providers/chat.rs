//! Slack and text messages: by a server that answers as their documentation says, and by emulate, which
//! others wrote.

use crate::at;
use crate::http::{Seen, Server, Step, answer};
use crate::peers::{self, TWILIO_ACCOUNT, TWILIO_NUMBER, TWILIO_TOKEN};
use chrono::{DateTime, Utc};
use finops::model::{Failure, FailureClass, Receipt, Secret};
use finops::providers::slack::{self, Message, Slack, Way};
use finops::providers::sms::twilio::{self, Sender, Twilio};
use finops::providers::sms::{Texter, Trace};
use serde_json::{Value, json};

const MESSAGE: Message<'_> = Message {
    title: "INV-1 is paid",
    short: "Müller & Söhne paid 119.00 EUR",
    text: "Müller & Söhne paid <119.00 EUR>\n\nhttps://pay.example/a?b=1&c=2",
};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn webhook(url: &str) -> Slack {
    Slack::new(slack::Settings { way: Way::Webhook(Secret::new(url.parse().unwrap())), api: slack::API.parse().unwrap() })
}

fn app(server: &str) -> Slack {
    let way = Way::Token { token: secret("xoxb-canary-4711"), channel: "#billing".to_owned() };
    Slack::new(slack::Settings { way, api: format!("{server}api/").parse().unwrap() })
}

fn account(server: &str) -> Twilio {
    Twilio::new(twilio::Settings {
        account_sid: TWILIO_ACCOUNT.to_owned(),
        auth_token: secret("canary-4711"),
        sender: Sender::From("+15005550006".to_owned()),
        api: server.parse().unwrap(),
    })
}

fn body_of(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap()
}

fn hidden(failure: &Failure) {
    assert!(!format!("{failure:?}").to_lowercase().contains("canary"), "{failure:?}");
}

#[test]
fn an_incoming_webhook_says_ok() {
    let server = Server::start([Step::Answer(answer("200 OK", &[], b"ok"))]);
    let receipt = webhook(&server.url("services/T1/B1/canary")).post("", &MESSAGE, at()).unwrap();
    assert_eq!(receipt.provider_ref, "ok");
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST /services/T1/B1/canary HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/json; charset=utf-8"));
    let body = body_of(&seen);
    assert_eq!((body["text"].as_str(), &body["channel"]), (Some("Müller &amp; Söhne paid 119.00 EUR"), &Value::Null));
    let section = &body["blocks"][1]["text"]["text"];
    assert_eq!(section, "Müller &amp; Söhne paid &lt;119.00 EUR&gt;\n\n<https://pay.example/a?b=1&amp;c=2>");
}

#[test]
fn a_webhook_tells_what_is_wrong_by_a_word() {
    use FailureClass::{Broken, Denied, NoAnswer, Rejected, Throttled};
    for (status, word, class) in [
        ("400 Bad Request", "invalid_payload", Rejected),
        ("400 Bad Request", "no_text", Rejected),
        ("403 Forbidden", "action_prohibited", Denied),
        ("403 Forbidden", "invalid_token", Denied),
        ("404 Not Found", "channel_not_found", Rejected),
        ("404 Not Found", "no_service", Denied),
        ("410 Gone", "channel_is_archived", Rejected),
        ("429 Too Many Requests", "", Throttled),
        ("500 Server Error", "rollup_error", Broken),
        ("502 Bad Gateway", "<html>", NoAnswer),
        // Something else that says 200 to anything.
        ("200 OK", "<html>canary</html>", Denied),
    ] {
        let server = Server::start([Step::Answer(answer(status, &[("retry-after", "30")], word.as_bytes()))]);
        let failure = webhook(&server.url("services/T1/B1/canary")).post("", &MESSAGE, at()).unwrap_err();
        assert_eq!(failure.class, class, "{status} {word}: {failure:?}");
        assert_eq!(
            class == Throttled,
            failure.retry_after.is_some_and(|wait| wait.num_seconds() == 30) && status.contains("429")
        );
        hidden(&failure);
    }
    let server = Server::start([Step::CutAfter]);
    let failure = webhook(&server.url("services/T1/B1/canary")).post("", &MESSAGE, at()).unwrap_err();
    assert_eq!(failure.class, NoAnswer);
    hidden(&failure);
    // A good answer that breaks off leaves open what it was.
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\no".to_vec();
    let server = Server::start([Step::AnswerAndClose(cut)]);
    assert_eq!(webhook(&server.url("x")).post("", &MESSAGE, at()).unwrap_err().class, NoAnswer);
}

#[test]
fn a_token_posts_into_the_channel_that_is_named() {
    let ok = br#"{"ok":true,"channel":"C123","ts":"1503435956.000247","message":{}}"#;
    let server = Server::start([Step::Answer(answer("200 OK", &[], ok)), Step::Answer(answer("200 OK", &[], ok))]);
    let slack = app(&server.url(""));
    assert_eq!(slack.post("", &MESSAGE, at()).unwrap().provider_ref, "C123/1503435956.000247");
    slack.post("C042", &MESSAGE, at()).unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/chat.postMessage HTTP/1.1");
    assert_eq!(seen[0].header("authorization"), Some("Bearer xoxb-canary-4711"));
    assert_eq!([&body_of(&seen[0])["channel"], &body_of(&seen[1])["channel"]], ["#billing", "C042"]);
}

#[test]
fn a_method_tells_what_is_wrong_by_a_word() {
    use FailureClass::{Broken, Denied, NoAnswer, Rejected, Throttled};
    let said = |error: &str| json!({ "ok": false, "error": error }).to_string();
    for (status, body, class, told) in [
        ("200 OK", said("invalid_auth"), Denied, "127.0.0.1 answered: invalid_auth (check token in [slack])"),
        ("200 OK", said("missing_scope"), Denied, "chat:write"),
        ("200 OK", said("channel_not_found"), Rejected, "there is no such channel"),
        ("200 OK", said("not_in_channel"), Rejected, "invite the app"),
        ("200 OK", said("msg_too_long"), Rejected, "msg_too_long"),
        ("200 OK", said("internal_error"), NoAnswer, "internal_error"),
        ("200 OK", said("service_unavailable"), Broken, "service_unavailable"),
        ("429 Too Many Requests", said("ratelimited"), Throttled, "ratelimited"),
        ("503 Service Unavailable", String::new(), Throttled, "503"),
        ("500 Internal Server Error", "oops xoxb-canary-4711".to_owned(), Broken, "oops [redacted]"),
        ("401 Unauthorized", String::new(), Denied, "401"),
        ("200 OK", "{}".to_owned(), Denied, "api_url"),
        ("200 OK", "xoxb-canary-4711".to_owned(), Denied, "api_url"),
    ] {
        let server = Server::start([Step::Answer(answer(status, &[("retry-after", "30")], body.as_bytes()))]);
        let failure = app(&server.url("")).post("", &MESSAGE, at()).unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}: {failure:?}");
        assert!(failure.message.contains(told), "{failure:?}");
        hidden(&failure);
    }
}

#[test]
fn slack_as_others_understand_it_takes_our_messages() {
    let Some(peer) = peers::emulate() else { return };
    let url = format!("http://127.0.0.1:{}/", peer.slack);
    webhook(&format!("{url}services/T000000001/B000000001/X000000001")).post("", &MESSAGE, at()).unwrap();
    let receipt = app(&url).post("general", &MESSAGE, at()).unwrap();
    let (channel, ts) = receipt.provider_ref.split_once('/').unwrap();
    let agent = ureq::Agent::new_with_defaults();
    let asked = agent.post(format!("{url}api/conversations.history")).header("authorization", "Bearer xoxb-canary-4711");
    let history = asked.send_form([("channel", channel)]).unwrap().into_body().read_to_string().unwrap();
    let history: Value = serde_json::from_str(&history).unwrap();
    let messages = history["messages"].as_array().unwrap();
    let posted = messages.iter().find(|message| message["ts"] == ts).unwrap_or_else(|| panic!("{history}"));
    assert_eq!(posted["text"], "Müller &amp; Söhne paid 119.00 EUR");
    // A webhook of nobody's, and a message with nothing in it.
    let failure = webhook(&format!("{url}services/T000000001")).post("", &MESSAGE, at()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected, "{failure:?}");
}

const SID: &str = "SM0123456789abcdef0123456789abcdef";

fn send(server: &Server, to: &str) -> Result<Receipt, Failure> {
    account(&server.url("")).send(to, "Rechnung fällig & offen", at())
}

#[test]
fn a_text_message_is_a_form() {
    let created = json!({ "sid": SID, "status": "queued", "error_code": null }).to_string();
    let server = Server::start([Step::Answer(answer("201 Created", &[], created.as_bytes()))]);
    assert_eq!(send(&server, "+49 (151) 1234-5678").unwrap().provider_ref, SID);
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, format!("POST /2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json HTTP/1.1"));
    assert_eq!(
        String::from_utf8(seen.body.clone()).unwrap(),
        "To=%2B4915112345678&Body=Rechnung+f%C3%A4llig+%26+offen&From=%2B15005550006"
    );
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(seen.header("authorization").unwrap().starts_with("Basic QUMw"));
    let service = Sender::Service("MG0123456789abcdef0123456789abcdef".to_owned());
    let settings = twilio::Settings {
        account_sid: TWILIO_ACCOUNT.to_owned(),
        auth_token: secret("canary"),
        sender: service,
        api: server.url("").parse().unwrap(),
    };
    server.then([Step::Answer(answer("201 Created", &[], created.as_bytes()))]);
    Twilio::new(settings).send("+4915112345678", "x", at()).unwrap();
    assert!(
        String::from_utf8(server.seen()[1].body.clone())
            .unwrap()
            .ends_with("&MessagingServiceSid=MG0123456789abcdef0123456789abcdef")
    );
}

#[test]
fn twilio_tells_what_is_wrong_by_a_number() {
    use FailureClass::{Broken, Denied, NoAnswer, Rejected, Throttled};
    let said = |code: u32| json!({ "code": code, "message": "canary-4711 is wrong", "status": 400 }).to_string();
    for (status, body, class) in [
        ("401 Unauthorized", said(20003), Denied),
        ("404 Not Found", said(20404), Denied),
        ("400 Bad Request", said(21211), Rejected),
        ("400 Bad Request", said(21610), Rejected),
        ("400 Bad Request", said(21614), Rejected),
        ("403 Forbidden", said(21408), Rejected),
        ("400 Bad Request", said(21212), Denied),
        ("400 Bad Request", said(21606), Rejected),
        ("400 Bad Request", said(21659), Denied),
        ("429 Too Many Requests", said(20429), Throttled),
        ("429 Too Many Requests", String::new(), Throttled),
        ("400 Bad Request", said(21611), Throttled),
        ("500 Internal Server Error", said(20500), Broken),
        ("504 Gateway Timeout", String::new(), NoAnswer),
        ("201 Created", "{}".to_owned(), Denied),
        ("200 OK", "<html>".to_owned(), Denied),
    ] {
        let server = Server::start([Step::Answer(answer(status, &[("retry-after", "30")], body.as_bytes()))]);
        let failure = send(&server, "+4915112345678").unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}: {failure:?}");
        hidden(&failure);
    }
    let server = Server::start([Step::CutAfter]);
    assert_eq!(send(&server, "+4915112345678").unwrap_err().class, NoAnswer);
    // What is no number, or no message, does not get there.
    let server = Server::start([]);
    assert_eq!(send(&server, "0151 12345678").unwrap_err().class, Rejected);
    for text in ["", " ", &"x".repeat(1601)] {
        assert_eq!(account(&server.url("")).send("+4915112345678", text, at()).unwrap_err().class, Rejected);
    }
    assert_eq!(server.connections(), 0);
}

fn look_up(messages: Value, next: Value) -> Result<Trace, Failure> {
    let body = json!({ "messages": messages, "next_page_uri": next }).to_string();
    let server = Server::start([Step::Answer(answer("200 OK", &[], body.as_bytes()))]);
    let found = account(&server.url("")).look_up("+4915112345678", "Rechnung fällig", at(), at());
    let line = format!("GET /2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json?To=%2B4915112345678&PageSize=200 HTTP/1.1");
    assert_eq!(server.seen()[0].line, line);
    found
}

#[test]
fn a_lost_answer_is_looked_up_in_the_list() {
    let message = |body: &str, direction: &str, date: &str| json!([{ "sid": SID, "body": body, "direction": direction, "date_created": date }]);
    let (now, yesterday) = ("Sat, 21 Nov 2026 08:00:01 +0000", "Fri, 20 Nov 2026 08:00:01 +0000");
    let found = |messages: Value| match look_up(messages, Value::Null).unwrap() {
        Trace::Sent(receipt) => format!("sent {}", receipt.provider_ref),
        Trace::Other(sid) => format!("other {sid}"),
        Trace::Nothing => "nothing".to_owned(),
    };
    let (sent, other) = (format!("sent {SID}"), format!("other {SID}"));
    assert_eq!(found(message("Rechnung fällig", "outbound-api", now)), sent);
    assert_eq!(found(message("Sent from your Twilio trial account - Rechnung fällig", "outbound-api", now)), sent);
    // Another text may be this one, as it was worded then; the customer's own is not, nor one of the day before.
    assert_eq!(found(message("Rechnung offen", "outbound-api", now)), other);
    assert_eq!(found(message("Rechnung fällig", "inbound", now)), "nothing");
    assert_eq!(found(message("Rechnung fällig", "outbound-api", yesterday)), "nothing");
    assert_eq!(found(json!([])), "nothing");
    // More than one page of the time in question: nobody can tell.
    let more = || json!("/2010-04-01/x?Page=1");
    assert_eq!(look_up(message("x", "outbound-api", now), more()).unwrap_err().class, FailureClass::Broken);
    assert_eq!(look_up(message("x", "outbound-api", yesterday), more()), Ok(Trace::Nothing));
}

#[test]
fn twilio_as_its_contract_has_it_takes_our_messages() {
    let Some(peer) = peers::emulate() else { return };
    let contract = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/contracts/twilio-messages.json");
    let Some(contract) = peers::prism(&contract, peer.twilio) else { return };
    #[expect(clippy::disallowed_methods, reason = "emulate goes by the real time")]
    let now: DateTime<Utc> = Utc::now();
    let settings = |token: &str, sender: Sender| twilio::Settings {
        account_sid: TWILIO_ACCOUNT.to_owned(),
        auth_token: secret(token),
        sender,
        api: format!("http://127.0.0.1:{}/", contract.port).parse().unwrap(),
    };
    let own = || Sender::From(TWILIO_NUMBER.to_owned());
    let twilio = Twilio::new(settings(TWILIO_TOKEN, own()));
    let (to, text) = ("+49 151 12345678", "Rechnung INV-1 über 119,00 € ist fällig & offen");
    assert_eq!(twilio.look_up(to, text, now, now), Ok(Trace::Nothing));
    let receipt = twilio.send(to, text, now).unwrap();
    assert_eq!(twilio.look_up(to, text, now, now), Ok(Trace::Sent(receipt.clone())));
    assert_eq!(twilio.look_up(to, "Rechnung INV-1 über 59,50 €", now, now), Ok(Trace::Other(receipt.provider_ref)));
    assert_eq!(twilio.look_up("+49 151 99999999", text, now, now), Ok(Trace::Nothing));
    let refused = |settings| Twilio::new(settings).send(to, text, now).unwrap_err();
    for (failure, class, told) in [
        (refused(settings("canary", own())), FailureClass::Denied, "20003"),
        (refused(settings(TWILIO_TOKEN, Sender::From("+15005550006".to_owned()))), FailureClass::Rejected, "21606"),
        // That the contract is looked at: this is refused by it alone.
        (refused(settings(TWILIO_TOKEN, Sender::Service("MG1".to_owned()))), FailureClass::Rejected, "422"),
    ] {
        assert!(failure.class == class && failure.message.contains(told), "{failure:?}");
        hidden(&failure);
    }
}
