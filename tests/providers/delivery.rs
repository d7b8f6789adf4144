//! Mail through a real server (Postfix, with Dovecot for passwords), and what is in the mailboxes then,
//! as Python's `email` reads it.

use crate::mail::{mail, mailbox, settings};
use crate::postfix::{self, PASSWORD, Postfix, REFUSED, SIZE_LIMIT, USER};
use finops::model::digest::sha256_hex;
use finops::model::message::{Attachment, Mail};
use finops::model::{Failure, FailureClass, Secret};
use finops::providers::mail::Mailer;
use finops::providers::mail::smtp::{Authorities, Login, Settings, Smtp, Tls};
use std::time::Duration;

fn encrypted(server: &Postfix) -> Settings {
    let login = Login { user: USER.to_owned(), password: Secret::new(PASSWORD.to_owned()) };
    Settings {
        port: server.port,
        tls: Tls::Starttls,
        login: Some(login),
        connect_timeout: Duration::from_secs(20),
        timeout: Duration::from_secs(20),
        authorities: Authorities::parse(&std::fs::read(server.authority()).unwrap()).unwrap(),
        ..settings(server.port)
    }
}

fn to(name: &str, id: &str) -> Mail {
    let address = format!("{name}@customer.example");
    Mail { to: vec![mailbox("", &address)], recipient: address, ..mail(id) }
}

#[test]
fn a_mail_arrives_as_it_was_written() {
    let Some(server) = postfix::server() else { return };
    let pdf: Vec<u8> = (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let long = "Sehr geehrte Frau Müller, ".repeat(100);
    let sent = Mail {
        from: mailbox("Kälte & Söhne \"Nord\" GmbH, Außenstelle", "billing@kälte.example"),
        reply_to: Some(mailbox("", "office@seller.example")),
        to: vec![mailbox("Jane Döe", "jane@kälte.example"), mailbox("Doe, John", "john@customer.example")],
        cc: vec![mailbox("Wójcik, Łukasz", "office@customer.example")],
        recipient: "jane@kälte.example".to_owned(),
        subject: format!("Rechnung INV-2026-000001 über 1.190,00 € {}", "für Leistungen im Oktober ".repeat(8)),
        text: format!("{long}\n\n.\n..\nFrom here on\n日本語 и кириллица\n\tEnde ✓\n"),
        html: format!("<p>{long}</p>\n<p>日本語 &amp; ✓</p>\n"),
        attachments: vec![
            Attachment { name: "INV-2026-000001.pdf".to_owned(), content_type: "application/pdf", bytes: pdf.clone() },
            Attachment {
                name: "Übersicht für Łukasz (1).csv".to_owned(),
                content_type: "text/csv",
                bytes: b"a;b\n1;2\n".to_vec(),
            },
        ],
        references: (0..20).map(|n| format!("thread-{n}-{}@seller.example", "x".repeat(40))).collect(),
        resend: true,
        ..mail("as-written")
    };
    let receipt = Smtp::new(encrypted(server)).send(&sent).unwrap();
    assert!(receipt.provider_ref.starts_with("2.0.0 Ok: queued as "), "{receipt:?}");
    let read = server.arrived("jane", 1).remove(0);
    assert_eq!(read["defects"], serde_json::json!([]), "{read}");
    assert_eq!((read["ascii"].as_bool(), read["longest"].as_u64().unwrap() <= 999), (Some(true), true));
    let header = |name: &str| read["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("from"), "\"Kälte & Söhne \\\"Nord\\\" GmbH, Außenstelle\" <billing@xn--klte-loa.example>");
    assert_eq!(header("to"), "Jane Döe <jane@xn--klte-loa.example>, \"Doe, John\" <john@customer.example>");
    assert_eq!(header("cc"), "\"Wójcik, Łukasz\" <office@customer.example>");
    assert_eq!(header("subject"), sent.subject.trim());
    for (name, value) in [
        ("reply-to", "office@seller.example"),
        ("message-id", "<as-written@seller.example>"),
        ("date", "Sat, 21 Nov 2026 08:00:00 +0000"),
        ("auto-submitted", "auto-generated"),
        ("x-finops-resend", "yes"),
        ("mime-version", "1.0"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
    let thread: Vec<String> = sent.references.iter().map(|id| format!("<{id}>")).collect();
    assert_eq!(header("references").split_whitespace().collect::<Vec<_>>(), thread);
    assert_eq!(header("in-reply-to"), *thread.last().unwrap());
    // Each header once: what Postfix adds (Received, Return-Path, Delivered-To) beside.
    for name in ["from", "to", "cc", "subject", "date", "message-id", "content-type"] {
        assert_eq!(read["names"].as_array().unwrap().iter().filter(|found| **found == name).count(), 1, "{name}");
    }
    let structure = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "text/csv"];
    assert_eq!(read["structure"], serde_json::json!(structure));
    let part = |n: usize| read["parts"][n].clone();
    assert_eq!(part(0)["text"].as_str().unwrap().replace("\r\n", "\n"), sent.text);
    assert_eq!(part(1)["text"].as_str().unwrap().replace("\r\n", "\n"), sent.html);
    assert_eq!((part(2)["sha256"].as_str(), part(2)["bytes"].as_u64()), (Some(sha256_hex(&pdf).as_str()), Some(200_000)));
    for (n, attachment) in sent.attachments.iter().enumerate() {
        assert_eq!(part(n + 2)["filename"], attachment.name.as_str());
        assert_eq!(part(n + 2)["disposition"], "attachment");
        assert_eq!(part(n + 2)["sha256"], sha256_hex(&attachment.bytes).as_str());
    }
}

#[test]
fn an_address_in_another_script_is_taken_by_a_server_that_knows_them() {
    let Some(server) = postfix::server() else { return };
    Smtp::new(encrypted(server)).send(&to("jörg", "utf8")).unwrap();
    let read = server.arrived("jörg", 1).remove(0);
    assert!(read["raw"].as_str().unwrap().contains("\nTo: jörg@customer.example\n"), "{read}");
    assert_eq!(read["structure"], serde_json::json!(["multipart/alternative", "text/plain", "text/html"]));
}

#[test]
fn encrypted_from_the_first_byte_and_without_html() {
    let Some(server) = postfix::server() else { return };
    let smtp = Smtp::new(Settings { port: server.tls_port, tls: Tls::Tls, ..encrypted(server) });
    smtp.send(&Mail { html: String::new(), ..to("implicit", "implicit") }).unwrap();
    let read = server.arrived("implicit", 1).remove(0);
    assert_eq!(read["structure"], serde_json::json!(["text/plain"]));
    assert_eq!(read["parts"][0]["text"], "Hello\n.\n..two\n");
    assert!(smtp.check().unwrap().contains("encrypted, signed in as billing, mails of up to 3000000 bytes"));
}

#[test]
fn each_of_many_arrives_once() {
    let Some(server) = postfix::server() else { return };
    let smtp = Smtp::new(Settings { max_per_connection: 40, ..encrypted(server) });
    for n in 0..100 {
        smtp.send(&to("many", &format!("many-{n}"))).unwrap();
    }
    let read = server.arrived("many", 100);
    let ids: std::collections::BTreeSet<&str> = read.iter().map(|mail| mail["headers"]["message-id"].as_str().unwrap()).collect();
    assert_eq!((read.len(), ids.len()), (100, 100));
}

#[test]
fn what_the_server_refuses_has_its_class_and_the_next_mail_goes_on() {
    let Some(server) = postfix::server() else { return };
    use FailureClass::{Deferred, Rejected};
    let smtp = Smtp::new(encrypted(server));
    for ((address, answer), class) in REFUSED.iter().zip([Rejected, Deferred, Deferred, Rejected]) {
        let failure = smtp.send(&to(address.split('@').next().unwrap(), "refused")).unwrap_err();
        let code = answer.split(' ').next().unwrap();
        assert!(failure.class == class && failure.message.contains(code), "{answer}: {failure:?}");
    }
    let failure = smtp.send(&to("unknown", "unknown")).unwrap_err();
    assert_eq!(failure.class, Rejected, "{failure:?}");
    assert!(failure.message.contains("550 5.1.1") && failure.message.contains("User unknown"), "{failure:?}");
    let bytes = vec![1; SIZE_LIMIT];
    let attachments = vec![Attachment { name: "big.pdf".to_owned(), content_type: "application/pdf", bytes }];
    let failure = smtp.send(&Mail { attachments, ..to("again", "big") }).unwrap_err();
    assert!(failure.class == Rejected && failure.message.contains("3000000"), "{failure:?}");
    let elsewhere = Mail { recipient: "a@elsewhere.example".to_owned(), ..mail("relay") };
    assert_eq!(smtp.send(&elsewhere).unwrap_err().class, Rejected);
    smtp.send(&to("again", "again")).unwrap();
    assert_eq!(server.arrived("again", 1).len(), 1);
}

#[test]
fn a_server_that_has_enough_for_now_is_left_alone() {
    let Some(server) = postfix::server() else { return };
    let smtp = Smtp::new(Settings { port: server.slow_port, ..encrypted(server) });
    let sent: Vec<Result<_, Failure>> = (0..5).map(|n| smtp.send(&to("a", &format!("fast-{n}")))).collect();
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 3, "{sent:?}");
    let failure = sent[3].as_ref().unwrap_err();
    assert!(failure.class == FailureClass::Throttled && failure.message.contains("too much mail"), "{failure:?}");
}

#[test]
fn passwords_certificates_and_plain_text_are_refused_as_they_should_be() {
    let Some(server) = postfix::server() else { return };
    let good = encrypted(server);
    let failure_of = |settings: Settings| Smtp::new(settings).send(&to("b", "denied")).unwrap_err();
    let wrong = Some(Login { user: USER.to_owned(), password: Secret::new("canary-wrong".to_owned()) });
    for (settings, word) in [
        (Settings { login: wrong, ..good.clone() }, "535 5.7.8"),
        (Settings { login: None, ..good.clone() }, "554 5.7.1"),
        (Settings { authorities: Authorities::default(), ..good.clone() }, "ca_file"),
        // The certificate is for the address, not for this name of it.
        (Settings { host: "localhost".to_owned(), ..good.clone() }, "certificate"),
        // The password is not sent in plain where the server does not ask for it.
        (Settings { tls: Tls::None, ..good.clone() }, "sign in"),
    ] {
        let failure = failure_of(settings.clone());
        let told = format!("{}\n{}", failure.message, failure.hint.unwrap_or_default());
        assert!(failure.class == FailureClass::Denied && told.contains(word), "{word}: {failure:?}");
        assert!(!format!("{failure:?}").contains("canary"));
        assert_eq!(Smtp::new(settings).check().is_err(), word != "554 5.7.1");
    }
    // TLS where none is, and none where TLS is.
    for settings in [
        Settings { port: server.plain_port, tls: Tls::Tls, ..good.clone() },
        Settings { port: server.tls_port, timeout: Duration::from_secs(1), ..good },
    ] {
        let failure = failure_of(settings);
        assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    }
}

#[test]
fn a_server_that_is_killed_between_two_mails_is_called_again() {
    let Some(server) = postfix::server() else { return };
    // On a port of its own, whose conversations are no other test's.
    let smtp = Smtp::new(Settings { timeout: Duration::from_secs(20), ..settings(server.plain_port) });
    smtp.send(&to("killed", "killed-1")).unwrap();
    server.kill_conversations(server.plain_port);
    smtp.send(&to("killed", "killed-2")).unwrap();
    assert_eq!(server.arrived("killed", 2).len(), 2);
}
