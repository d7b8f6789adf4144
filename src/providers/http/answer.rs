//! An answer, and what follows from its status (reliability.md, "Failures").

use super::{Words, retry_after, status_text};
use crate::model::{Failure, FailureClass};
use chrono::{DateTime, Utc};
use ureq::http::HeaderMap;

/// A whole head of an answer; of its body what was read.
#[derive(Debug)]
pub struct Answer {
    pub host: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// Empty for a good answer that was not asked for it, and cut at [`LONGEST_BODY`](super::LONGEST_BODY) for a bad one.
    pub body: Vec<u8>,
}

impl Answer {
    /// 2xx
    pub const fn is_good(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What an answer that is not good means, by its status alone. `at`: when it was called.
    pub fn failure(&self, words: &Words, at: DateTime<Utc>) -> Failure {
        self.failure_of(class_of(self.status, self.header("retry-after").is_some()), words, at)
    }

    /// The same with a class that is known better, such as by an error code in the body.
    pub fn failure_of(&self, class: FailureClass, words: &Words, at: DateTime<Utc>) -> Failure {
        let mut message = format!("{} answered {}", self.host, status_text(self.status));
        if matches!(self.status, 300..=399) {
            message.push_str(", and redirects are not followed: correct the URL");
        }
        if !words.is_empty() {
            message.push_str(&format!(": {words}"));
        }
        let wait = self.header("retry-after").and_then(|value| retry_after(value, self.header("date"), at));
        Failure { retry_after: wait, ..Failure::new(class, message) }
    }
}

/// The class of any status that is no success; total, since a server can send any number.
pub const fn class_of(status: u16, has_retry_after: bool) -> FailureClass {
    match status {
        401 | 403 | 407 => FailureClass::Denied,
        // The server, or one before it, gave up waiting: what it had of the request it may have used.
        408 | 502 | 504 | 524 => FailureClass::NoAnswer,
        // A conflict with what is going on at the same time, a lock, too early: they pass.
        409 | 423 | 425 => FailureClass::Deferred,
        429 => FailureClass::Throttled,
        503 if has_retry_after => FailureClass::Throttled,
        300..=499 => FailureClass::Rejected,
        500..=599 => FailureClass::Broken,
        // No status of HTTP (or a good one, for which nobody asks): nothing can be told from it.
        _ => FailureClass::NoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_status_has_its_class() {
        use FailureClass::{Broken, Deferred, Denied, NoAnswer, Rejected, Throttled};
        for (statuses, class) in [
            (&[401, 403, 407][..], Denied),
            (&[408, 502, 504, 524, 100, 199, 600, 999, 0], NoAnswer),
            (&[409, 423, 425], Deferred),
            (&[429], Throttled),
            (
                &[300, 301, 302, 303, 307, 308, 400, 402, 404, 405, 410, 411, 413, 414, 415, 422, 426, 428, 431, 451, 499],
                Rejected,
            ),
            (&[500, 501, 503, 505, 507, 511, 520, 599], Broken),
        ] {
            for status in statuses {
                assert_eq!(class_of(*status, false), class, "{status}");
            }
        }
        assert_eq!(class_of(503, true), Throttled);
        assert_eq!(class_of(500, true), Broken);
    }

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer { host: "h.example".to_owned(), status, headers: map, body: Vec::new() }
    }

    #[test]
    fn a_failure_says_who_answered_what() {
        let at = DateTime::UNIX_EPOCH;
        let failure = answer(503, &[("retry-after", "7")]).failure(&Words::of("busy"), at);
        assert_eq!(failure.message, "h.example answered 503 Service Unavailable: busy");
        assert_eq!((failure.class, failure.retry_after), (FailureClass::Throttled, Some(chrono::TimeDelta::seconds(7))));
        let failure = answer(302, &[]).failure(&Words::default(), at);
        assert_eq!(failure.message, "h.example answered 302 Found, and redirects are not followed: correct the URL");
        assert_eq!(answer(799, &[]).failure(&Words::default(), at).message, "h.example answered 799");
    }

    proptest! {
        #[test]
        fn every_number_has_a_class(status: u16, told: bool) {
            let class = class_of(status, told);
            prop_assert!((class == FailureClass::Denied) == [401, 403, 407].contains(&status));
        }
    }
}
