//! Each way in which a call can fail, and its class (reliability.md, "Failures").

use crate::http::{Server, Step, answer};
use crate::{at, bucket, put, webhook, webhook_of};
use finops::model::{Failure, FailureClass};
use finops::providers::http::{Http, Reach, Request};
use std::net::TcpListener;
use std::time::Duration;

fn post(server: &Server) -> Result<(), Failure> {
    webhook(&server.url("hook?token=canary")).post("msg_1", b"{}", at()).map(drop)
}

fn failure_of(steps: impl IntoIterator<Item = Step>) -> Failure {
    post(&Server::start(steps)).unwrap_err()
}

/// A call that may take as long as this.
fn call(url: &str, timeout: Duration, body: &[u8]) -> Result<u16, Failure> {
    let url = url.parse().unwrap();
    let request = Request { method: ureq::http::Method::POST, url: &url, headers: Vec::new(), body };
    Http::new(Reach::Private, timeout).send(&request).map(|answer| answer.status)
}

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn nothing_was_sent_where_nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let failure = put(&bucket(&format!("http://127.0.0.1:{port}")));
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(failure.message.starts_with("no connection to 127.0.0.1: "), "{failure:?}");
}

#[test]
fn nothing_was_sent_where_there_is_no_such_name() {
    // RFC 6761: never a name.
    let failure = webhook("https://finops.invalid/hook").post("msg_1", b"{}", at()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(failure.message.contains("finops.invalid"), "{failure:?}");
}

#[test]
fn an_answer_that_does_not_come_leaves_the_outcome_open() {
    for step in [
        Step::CutAfter,
        Step::CutBefore,
        Step::AnswerAndClose(b"HTTP/1.1 200".to_vec()),
        Step::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        Step::AnswerAndClose(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        Step::AnswerAndClose(b"\0\xff\xfe\r\n\r\n".to_vec()),
        Step::AnswerAndClose(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(200_000)).into_bytes()),
        Step::AnswerAndClose(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(5_000)).into_bytes()),
    ] {
        let failure = failure_of([step.clone()]);
        assert_eq!(failure.class, FailureClass::NoAnswer, "{step:?}: {failure:?}");
        assert!(failure.message.starts_with("127.0.0.1 "), "{failure:?}");
    }
}

#[test]
fn a_server_that_hangs_or_drips_is_given_up() {
    let drip = || answer("200 OK", &[], b"");
    for step in [Step::Hang, Step::Drip(drip(), Duration::from_millis(100))] {
        let server = Server::start([step]);
        let failure = call(&server.url("x"), SHORT, b"{}").unwrap_err();
        assert_eq!(failure.class, FailureClass::NoAnswer, "{failure:?}");
        assert_eq!(server.seen().len(), 1, "it was sent");
    }
    let server = Server::start([Step::Drip(drip(), Duration::from_millis(1))]);
    assert_eq!(call(&server.url("x"), LONG, b"{}"), Ok(200));
}

#[test]
fn a_good_answer_is_one_whatever_becomes_of_its_body() {
    for bytes in [
        answer("204 No Content", &[], b""),
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nonly this".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk".to_vec(),
        b"HTTP/1.0 200 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec(),
    ] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(post(&Server::start([Step::AnswerAndClose(bytes)])), Ok(()), "{text}");
    }
    // Its body is not waited for.
    let endless = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec();
    assert_eq!(post(&Server::start([Step::Answer(endless), Step::Hang])), Ok(()));
}

#[test]
fn each_status_tells_its_class() {
    use FailureClass::{Broken, Deferred, Denied, NoAnswer, Rejected, Throttled};
    for (status, headers, class, wait) in [
        ("400 Bad Request", &[][..], Rejected, None),
        ("401 Unauthorized", &[], Denied, None),
        ("403 Forbidden", &[], Denied, None),
        ("404 Not Found", &[], Rejected, None),
        ("408 Request Timeout", &[], NoAnswer, None),
        ("409 Conflict", &[], Deferred, None),
        ("410 Gone", &[], Rejected, None),
        ("422 Unprocessable Entity", &[], Rejected, None),
        ("425 Too Early", &[], Deferred, None),
        ("429 Too Many Requests", &[], Throttled, None),
        ("429 Too Many Requests", &[("retry-after", "7")], Throttled, Some(7)),
        ("500 Internal Server Error", &[], Broken, None),
        ("502 Bad Gateway", &[], NoAnswer, None),
        ("503 Service Unavailable", &[], Broken, None),
        ("503 Service Unavailable", &[("Retry-After", "Sat, 21 Nov 2026 08:01:00 GMT")], Throttled, Some(60)),
        (
            "503 Service Unavailable",
            &[("Date", "Sat, 21 Nov 2026 09:00:00 GMT"), ("Retry-After", "Sat, 21 Nov 2026 09:00:05 GMT")],
            Throttled,
            Some(5),
        ),
        ("504 Gateway Timeout", &[], NoAnswer, None),
    ] {
        let failure = failure_of([Step::Answer(answer(status, headers, b""))]);
        assert_eq!(failure.class, class, "{failure:?}");
        assert_eq!(failure.retry_after.map(|wait| wait.num_seconds()), wait, "{failure:?}");
        assert_eq!(failure.message, format!("127.0.0.1 answered {status}"));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([Step::Answer(answer("200 OK", &[], b""))]);
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let failure = failure_of([Step::Answer(answer(status, &[("location", &elsewhere.url("x"))], b""))]);
        assert_eq!(failure.class, FailureClass::Rejected, "{failure:?}");
        assert!(failure.message.contains("redirects are not followed"), "{failure:?}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn of_a_long_complaint_only_the_beginning_is_read() {
    let mut body = b"too many words\n".to_vec();
    body.resize(10_000_000, b'x');
    let failure = failure_of([Step::AnswerAndClose(answer("400 Bad Request", &[], &body))]);
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (FailureClass::Rejected, "127.0.0.1 answered 400 Bad Request: too many words")
    );
    // What is cut short is used as far as it goes.
    let cut = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\nnot you".to_vec();
    assert_eq!(failure_of([Step::AnswerAndClose(cut)]).message, "127.0.0.1 answered 403 Forbidden: not you");
}

#[test]
fn connections_are_used_again_and_a_dead_one_leaves_the_outcome_open() {
    let ok = || answer("200 OK", &[], b"");
    let server = Server::start([Step::Answer(ok()), Step::Answer(ok()), Step::AnswerAndClose(ok()), Step::Answer(ok())]);
    let hook = webhook(&server.url("hook"));
    for _ in 0..3 {
        hook.post("msg_1", b"{}", at()).unwrap();
    }
    assert_eq!(server.connections(), 1);
    // The server closed it in the meantime. Whether that is noticed before or after sending is a
    // matter of time; it is never taken for done.
    match hook.post("msg_1", b"{}", at()) {
        Ok(_) => assert_eq!((server.connections(), server.seen().len()), (2, 4)),
        Err(failure) => assert_eq!(failure.class, FailureClass::NoAnswer, "{failure:?}"),
    }
}

#[test]
fn this_machine_is_not_called_unless_allowed() {
    let server = Server::start([Step::Answer(answer("200 OK", &[], b""))]);
    let port = server.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let failure = webhook_of(&url, crate::WHSEC, false).post("msg_1", b"{}", at()).unwrap_err();
        assert_eq!(failure.class, FailureClass::Rejected, "{url}: {failure:?}");
        assert!(failure.message.contains("is not called"), "{url}: {failure:?}");
    }
    assert_eq!(server.connections(), 0);
}
