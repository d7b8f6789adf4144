//! Mail, by a server that does as a script says: what becomes of one at each point where something can
//! go wrong, and what was taken then.

use crate::smtp::{Act, At, Server};
use finops::model::message::{Attachment, Mail, Mailbox};
use finops::model::{Failure, FailureClass, Secret};
use finops::providers::mail::Mailer;
use finops::providers::mail::smtp::{Authorities, Login, Settings, Smtp, Tls};
use std::time::{Duration, Instant};

pub fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: name.to_owned(), address: address.to_owned() }
}

pub fn mail(id: &str) -> Mail {
    Mail {
        message_id: format!("{id}@seller.example"),
        references: Vec::new(),
        date: crate::at(),
        from: mailbox("Nord GmbH", "billing@seller.example"),
        reply_to: None,
        to: vec![mailbox("Jane Doe", "jane@customer.example")],
        cc: Vec::new(),
        recipient: "jane@customer.example".to_owned(),
        subject: "Invoice INV-1".to_owned(),
        text: "Hello\n.\n..two\n".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        attachments: Vec::new(),
        resend: false,
    }
}

pub fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        allow_unencrypted: false,
        login: None,
        helo: "client.example".to_owned(),
        connect_timeout: Duration::from_millis(600),
        timeout: Duration::from_millis(600),
        authorities: Authorities::default(),
        max_per_connection: 100,
    }
}

fn login() -> Option<Login> {
    Some(Login { user: "billing".to_owned(), password: Secret::new("canary-4711".to_owned()) })
}

fn failure_of(server: &Server) -> Failure {
    Smtp::new(settings(server.port())).send(&mail("m1")).unwrap_err()
}

#[test]
fn many_mails_go_over_one_connection() {
    let server = Server::start([]);
    let smtp = Smtp::new(settings(server.port()));
    for n in 0..5 {
        let receipt = smtp.send(&mail(&format!("m{n}"))).unwrap();
        assert_eq!(receipt.provider_ref, "2.0.0 Ok: queued as 4cXyZ1");
        let taken = server.taken().pop().unwrap();
        assert_eq!(receipt.bytes, taken.bytes.len() as u64);
        assert_eq!(taken.mail, format!("MAIL FROM:<billing@seller.example> SIZE={}", taken.bytes.len()));
        assert_eq!(taken.rcpt, "RCPT TO:<jane@customer.example>");
        // Lines that begin with a dot arrive as they were.
        let text = String::from_utf8(taken.bytes).unwrap();
        assert!(text.contains("\r\nHello\r\n.\r\n..two\r\n"), "{text}");
    }
    drop(smtp);
    assert_eq!((server.connections(), server.taken().len()), (1, 5));
    assert_eq!(server.commands()[0], "EHLO client.example");
    assert_eq!(server.commands().last().unwrap(), "QUIT");
    assert!(!server.commands().iter().any(|command| command == "RSET"), "{:?}", server.commands());
}

#[test]
fn a_connection_carries_no_more_than_it_may() {
    let server = Server::start([]);
    let smtp = Smtp::new(Settings { max_per_connection: 2, ..settings(server.port()) });
    for n in 0..5 {
        smtp.send(&mail(&format!("m{n}"))).unwrap();
    }
    assert_eq!((server.connections(), server.taken().len()), (3, 5));
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_made_again() {
    for (at, act) in [
        (At::Mail, Act::Cut),
        (At::Mail, Act::SayAndCut("421 4.4.2 idle for too long")),
        (At::Mail, Act::SayAndCut("421 4.7.0 too many messages in this connection")),
    ] {
        let server = Server::start([(At::Mail, Act::Say("250 Ok")), (at, act.clone())]);
        let smtp = Smtp::new(settings(server.port()));
        smtp.send(&mail("m1")).unwrap();
        smtp.send(&mail("m2")).unwrap();
        assert_eq!((server.connections(), server.taken().len()), (2, 2), "{act:?}");
    }
    // Closed after its last answer, which is seen at the next mail only.
    let server = Server::start([(At::Dot, Act::SayAndCut("250 Ok: queued as 1"))]);
    let smtp = Smtp::new(settings(server.port()));
    smtp.send(&mail("m1")).unwrap();
    smtp.send(&mail("m2")).unwrap();
    assert_eq!((server.connections(), server.taken().len()), (2, 2));
}

#[test]
fn each_refusal_has_its_class_at_each_point() {
    use FailureClass::{Broken, Deferred, Denied, NoAnswer, Rejected, Throttled, Unreachable};
    for (at, answer, class) in [
        (At::Connect, "421 4.3.2 too busy", Unreachable),
        (At::Connect, "421 4.7.0 mail.example Error: too many connections from 127.0.0.1", Throttled),
        (At::Connect, "554 5.7.1 go away", Denied),
        (At::Connect, "250 what", Broken),
        (At::Ehlo, "502 5.5.2 what", Denied),
        (At::Mail, "451 4.3.0 later", Deferred),
        (At::Mail, "452 4.3.1 Insufficient system storage", Deferred),
        (At::Mail, "530 5.7.0 Authentication required", Denied),
        (At::Mail, "553 5.7.1 Sender address rejected: not owned by user", Denied),
        (At::Mail, "552 5.3.4 Message size exceeds fixed limit", Rejected),
        (At::Mail, "550 5.1.8 no such sender", Rejected),
        (At::Rcpt, "550 5.1.1 User unknown", Rejected),
        (At::Rcpt, "554 5.7.1 Relay access denied", Denied),
        (At::Rcpt, "450 4.2.0 Greylisted, try again in 300 seconds", Deferred),
        (At::Rcpt, "450 4.7.1 Greylisted: too many words", Deferred),
        (At::Rcpt, "450 4.7.1 Error: too much mail from 127.0.0.1", Throttled),
        (At::Rcpt, "452 4.2.2 Mailbox full", Deferred),
        (At::Rcpt, "550 5.7.1 corporate policy, generate less", Rejected),
        (At::Rcpt, "450 4.0.0 corporate policy, generated", Deferred),
        (At::Rcpt, "421 4.3.2 closing", Unreachable),
        (At::Data, "451 4.3.0 later", Deferred),
        (At::Data, "554 5.5.1 no valid recipients", Rejected),
        (At::Data, "250 what", Broken),
        (At::Dot, "450 4.7.1 rate limit: slow down, try again in 2 minutes", Throttled),
        (At::Dot, "451 4.3.0 queue file write error", Deferred),
        (At::Dot, "421 4.3.2 shutting down", Unreachable),
        (At::Dot, "552 5.3.4 Message too big", Rejected),
        (At::Dot, "554 5.6.0 looks like spam", Rejected),
        (At::Dot, "354 what", NoAnswer),
    ] {
        let server = Server::start([(at, Act::Say(answer))]);
        let failure = failure_of(&server);
        assert_eq!(failure.class, class, "{at:?} {answer}: {failure:?}");
        assert!(failure.message.starts_with("127.0.0.1 answered to ") && failure.message.contains(answer), "{failure:?}");
        assert_eq!(server.taken(), [], "{answer}");
    }
}

#[test]
fn a_refusal_of_all_mail_says_what_to_correct() {
    for (at, answer, hint) in [
        (At::Connect, "554 5.7.1 go away", "check host"),
        (At::Ehlo, "550 5.7.1 bad name", "check helo"),
        (At::Mail, "530 5.7.0 Must issue a STARTTLS command first", "set tls in [mail] to starttls"),
        (At::Mail, "530 5.7.0 Authentication required", "a user and a password"),
        (At::Rcpt, "554 5.7.1 Relay access denied", "a user and a password"),
        (At::Mail, "553 5.7.1 Sender address rejected: not owned by user", "check from"),
        (At::Auth, "535 5.7.8 no", "check user and password"),
        (At::Auth, "534 5.7.9 Application-specific password required", "a password made for programs"),
        (At::Auth, "538 5.7.11 Encryption required for requested authentication mechanism", "set tls in [mail] to starttls"),
    ] {
        let server = Server::start([(at, Act::Say(answer))]);
        server.is_able("250-s\r\n250 AUTH PLAIN");
        let login = if at == At::Auth { login() } else { None };
        let failure = Smtp::new(Settings { login, ..settings(server.port()) }).send(&mail("m1")).unwrap_err();
        assert!(
            failure.class == FailureClass::Denied && failure.hint.is_some_and(|told| told.contains(hint)),
            "{answer}: {failure:?}"
        );
    }
    let server = Server::start([]);
    let starttls = Settings { tls: Tls::Starttls, ..settings(server.port()) };
    assert!(Smtp::new(starttls).send(&mail("m1")).unwrap_err().hint.unwrap().contains("[mail]"));
}

#[test]
fn a_pause_that_is_told_is_kept() {
    for (answer, seconds) in [
        ("450 4.7.1 rate limited, try again in 90 seconds", Some(90)),
        ("451 4.7.1 Greylisted for 5 minutes", Some(300)),
        ("451 4.7.1 Greylisted", None),
        ("550 5.7.1 wait 300 seconds", None),
    ] {
        let failure = failure_of(&Server::start([(At::Rcpt, Act::Say(answer))]));
        assert_eq!(failure.retry_after.map(|pause| pause.num_seconds()), seconds, "{answer}");
    }
}

#[test]
fn after_a_refusal_the_connection_goes_on() {
    let server = Server::start([(At::Rcpt, Act::Say("550 5.1.1 User unknown")), (At::Dot, Act::Say("554 5.6.0 spam"))]);
    let smtp = Smtp::new(settings(server.port()));
    assert!(smtp.send(&mail("m1")).is_err() && smtp.send(&mail("m2")).is_err());
    smtp.send(&mail("m3")).unwrap();
    assert_eq!((server.connections(), server.taken().len()), (1, 1));
    assert_eq!(server.commands().iter().filter(|command| *command == "RSET").count(), 2);
}

#[test]
fn nothing_was_taken_before_the_dot_and_nobody_knows_after_it() {
    use FailureClass::{NoAnswer, Unreachable};
    for (at, act, class, taken) in [
        (At::Connect, Act::Cut, Unreachable, 0),
        (At::Connect, Act::Hang, Unreachable, 0),
        (At::Connect, Act::Say("SSH-2.0-OpenSSH_9.2"), Unreachable, 0),
        (At::Connect, Act::Say("220-one\r\n221 two"), Unreachable, 0),
        (At::Ehlo, Act::Cut, Unreachable, 0),
        (At::Mail, Act::Cut, Unreachable, 0),
        (At::Rcpt, Act::Hang, Unreachable, 0),
        (At::Data, Act::Cut, Unreachable, 0),
        (At::Body, Act::Cut, Unreachable, 0),
        (At::Body, Act::SayAndCut("421 4.3.2 shutting down"), Unreachable, 0),
        (At::Dot, Act::Cut, NoAnswer, 0),
        (At::Dot, Act::TakeAndCut, NoAnswer, 1),
        (At::Dot, Act::Hang, NoAnswer, 1),
        (At::Dot, Act::Say("\0\u{ff} what"), NoAnswer, 0),
        (At::Dot, Act::Say("250-never\r\n550 ends"), NoAnswer, 1),
    ] {
        let server = Server::start([(at, act.clone())]);
        let mut big = mail("m1");
        // More than the buffers of the sockets hold, so that the end of a mail is not sent by chance.
        if at == At::Body {
            big.attachments =
                vec![Attachment { name: "a.bin".to_owned(), content_type: "application/pdf", bytes: vec![7; 9_000_000] }];
            server.is_able("250 scripted");
        }
        let timeout = Duration::from_millis(if at == At::Dot { 50 } else { 300 });
        let failure = Smtp::new(Settings { timeout, ..settings(server.port()) }).send(&big).unwrap_err();
        assert_eq!((failure.class, server.taken().len()), (class, taken), "{at:?} {act:?}: {failure:?}");
        assert!(failure.message.starts_with("127.0.0.1 "), "{failure:?}");
        assert!(!failure.message.contains(char::is_control), "{failure:?}");
    }
}

#[test]
fn a_server_that_drips_is_given_up_in_time() {
    let pause = Duration::from_millis(100);
    let server = Server::start([(At::Connect, Act::Drip("220 a server that has all the time of the world", pause))]);
    let begun = Instant::now();
    let failure = failure_of(&server);
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let server = Server::start([(At::Connect, Act::Drip("220 quick enough", Duration::from_millis(5)))]);
    Smtp::new(settings(server.port())).send(&mail("m1")).unwrap();
}

#[test]
fn nobody_listens_and_there_is_no_such_name() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let failure = Smtp::new(settings(port)).send(&mail("m1")).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(failure.message.starts_with(&format!("no connection to 127.0.0.1:{port}")), "{failure:?}");
    // RFC 6761: never a name.
    let nowhere = Settings { host: "finops.invalid".to_owned(), connect_timeout: Duration::from_secs(20), ..settings(25) };
    let failure = Smtp::new(nowhere).send(&mail("m1")).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
}

#[test]
fn a_server_without_encryption_is_not_spoken_to_over_the_internet() {
    let server = Server::start([]);
    let starttls = Settings { tls: Tls::Starttls, login: login(), ..settings(server.port()) };
    let failure = Smtp::new(starttls.clone()).send(&mail("m1")).unwrap_err();
    assert_eq!(failure.class, FailureClass::Denied, "{failure:?}");
    assert!(failure.message.contains("STARTTLS"), "{failure:?}");
    // What comes in plain after STARTTLS is not taken for an answer.
    server.is_able("250-scripted\r\n250 STARTTLS");
    server.then([(At::Starttls, Act::Say("220 go ahead\r\n250 scripted"))]);
    let failure = Smtp::new(starttls).send(&mail("m1")).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(failure.message.contains("in plain"), "{failure:?}");
    assert!(!server.commands().iter().any(|command| command.starts_with("AUTH")), "{:?}", server.commands());
    // TEST-NET-3 stands for the internet; nothing is sent there.
    let internet = Settings { host: "203.0.113.1".to_owned(), ..settings(25) };
    let failure = Smtp::new(internet).send(&mail("m1")).unwrap_err();
    assert_eq!(failure.class, FailureClass::Denied, "{failure:?}");
    assert!(failure.message.contains("allow_unencrypted"), "{failure:?}");
}

#[test]
fn whoever_signs_in_does_so_once_a_connection() {
    for (ehlo, first) in [
        ("250-scripted\r\n250 AUTH LOGIN PLAIN", "AUTH PLAIN AGJpbGxpbmcAY2FuYXJ5LTQ3MTE="),
        ("250-scripted\r\n250 AUTH=LOGIN", "AUTH LOGIN"),
    ] {
        let server = Server::start([]);
        server.is_able(ehlo);
        if first == "AUTH LOGIN" {
            server.then([(At::Auth, Act::Say("334 VXNlcm5hbWU6")), (At::Auth, Act::Say("334 UGFzc3dvcmQ6"))]);
        }
        let smtp = Smtp::new(Settings { login: login(), ..settings(server.port()) });
        smtp.send(&mail("m1")).unwrap();
        smtp.send(&mail("m2")).unwrap();
        let commands = server.commands();
        assert_eq!(commands[1], first);
        assert_eq!(commands.iter().filter(|command| command.starts_with("AUTH")).count(), 1);
        assert_eq!(server.taken().len(), 2);
        if first == "AUTH LOGIN" {
            assert_eq!(commands[2..4], ["YmlsbGluZw==", "Y2FuYXJ5LTQ3MTE="]);
        }
    }
}

#[test]
fn wrong_credentials_end_the_run_and_are_not_told() {
    use FailureClass::{Denied, Unreachable};
    for (ehlo, answer, class) in [
        ("250-s\r\n250 AUTH PLAIN", "535 5.7.8 no: AGJpbGxpbmcAY2FuYXJ5LTQ3MTE= canary-4711 Y2FuYXJ5LTQ3MTE=", Denied),
        ("250-s\r\n250 AUTH PLAIN", "534 5.7.9 Application-specific password required", Denied),
        ("250-s\r\n250 AUTH PLAIN", "454 4.7.0 Temporary authentication failure", Unreachable),
        ("250-s\r\n250 AUTH PLAIN", "250 what", FailureClass::Broken),
        ("250-s\r\n250 AUTH CRAM-MD5", "", Denied),
        ("250 s", "", Denied),
    ] {
        let server = Server::start(Some((At::Auth, Act::Say(answer))).filter(|_| !answer.is_empty()));
        server.is_able(ehlo);
        let smtp = Smtp::new(Settings { login: login(), ..settings(server.port()) });
        let failure = smtp.send(&mail("m1")).unwrap_err();
        assert_eq!(failure.class, class, "{answer}: {failure:?}");
        let told = format!("{failure:?} {smtp:?}");
        assert!(!told.contains("canary") && !told.contains("Y2FuYXJ5") && !told.contains("AGJpbGxpbmc"), "{told}");
        assert_eq!(server.taken(), []);
    }
}

#[test]
fn what_a_server_cannot_take_is_told_before_it_is_sent() {
    let server = Server::start([]);
    server.is_able("250-scripted\r\n250 SIZE 1000");
    let smtp = Smtp::new(settings(server.port()));
    let big = Mail { text: "x\n".repeat(1000), ..mail("m1") };
    let failure = smtp.send(&big).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.message.contains("up to 1000 bytes"), "{failure:?}");
    let utf8 = Mail { recipient: "jörg@customer.example".to_owned(), ..mail("m2") };
    let failure = smtp.send(&utf8).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.message.contains("SMTPUTF8"), "{failure:?}");
    assert_eq!(server.commands(), ["EHLO client.example"]);

    let server = Server::start([]);
    server.is_able("250-scripted\r\n250-8BITMIME\r\n250 SMTPUTF8");
    let smtp = Smtp::new(settings(server.port()));
    smtp.send(&utf8).unwrap();
    let taken = server.taken().remove(0);
    assert_eq!(taken.rcpt, "RCPT TO:<jörg@customer.example>");
    assert_eq!(taken.mail, "MAIL FROM:<billing@seller.example> BODY=8BITMIME SMTPUTF8");
    // Where only the domain is of another script, any server will do.
    smtp.send(&Mail { recipient: "joerg@kälte.example".to_owned(), ..mail("m3") }).unwrap();
    assert_eq!(server.taken()[1].rcpt, "RCPT TO:<joerg@xn--klte-loa.example>");
}

#[test]
fn a_check_sends_no_mail() {
    let server = Server::start([]);
    server.is_able("250-scripted\r\n250-SIZE 10240000\r\n250 AUTH PLAIN");
    let smtp = Smtp::new(Settings { login: login(), ..settings(server.port()) });
    let told = smtp.check().unwrap();
    assert_eq!(told, format!("127.0.0.1:{}, not encrypted, signed in as billing, mails of up to 10240000 bytes", server.port()));
    let commands = server.commands();
    assert_eq!(commands.iter().map(|c| c.split(' ').next().unwrap()).collect::<Vec<_>>(), ["EHLO", "AUTH", "NOOP", "QUIT"]);
}
