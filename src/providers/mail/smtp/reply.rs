//! What a server of mail answers, and what follows from it (reliability.md, "Failures").

use crate::model::{Failure, FailureClass};
use crate::providers::http::Words;
use chrono::TimeDelta;

/// At which point of a connection something happened. Their order is that of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Greeting,
    Ehlo,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The mail's lines are being sent: without their end the server takes nothing (RFC 5321, 4.1.1.4).
    Body,
    /// The last line, a dot, was begun: the server may have taken it.
    Dot,
}

impl Stage {
    /// Before there can be a mail.
    pub fn is_of_the_opening(self) -> bool {
        self <= Self::Auth
    }

    /// What was answered.
    const fn word(self) -> &'static str {
        match self {
            Self::Greeting => "the connection",
            Self::Ehlo => "EHLO",
            Self::Starttls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Body | Self::Dot => "the mail",
        }
    }
}

/// One answer: `250-a` and `250 b` are two lines of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Without the code.
    pub lines: Vec<String>,
}

/// The longest answer and its longest line, in bytes, as Postfix has them: what is longer is no answer.
pub const LONGEST_REPLY: usize = 100_000;
pub const LONGEST_LINE: usize = 2048;

impl Reply {
    /// Takes a whole answer off the beginning of what was read; None when there is not yet one.
    ///
    /// # Errors
    /// What is no SMTP.
    pub fn take(read: &mut Vec<u8>) -> Result<Option<Self>, &'static str> {
        let mut reply: Option<Self> = None;
        let mut rest = read.as_slice();
        loop {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                let endless = rest.len() > LONGEST_LINE || read.len() > LONGEST_REPLY;
                return if endless { Err("an answer without end") } else { Ok(None) };
            };
            let line = String::from_utf8_lossy(&rest[..end]);
            let line = line.trim_end_matches('\r');
            rest = &rest[end + 1..];
            let (code, more, text) = split(line).ok_or("no SMTP")?;
            let reply = reply.get_or_insert_with(|| Self { code, lines: Vec::new() });
            if reply.code != code {
                return Err("an answer of two codes");
            }
            reply.lines.push(text.to_owned());
            if !more {
                let reply = reply.clone();
                *read = rest.to_vec();
                return Ok(Some(reply));
            }
        }
    }

    pub const fn is_good(&self) -> bool {
        matches!(self.code, 200..=299)
    }

    /// The lines in one, as a person reads them.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// RFC 3463: `5.7.1`
    fn enhanced(&self) -> Option<(u16, u16)> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let mut parts = word.split('.').map(|part| part.parse::<u16>());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(2 | 4 | 5)), Some(Ok(subject)), Some(Ok(detail)), None) => Some((subject, detail)),
            _ => None,
        }
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = self.text().to_lowercase();
        words.iter().any(|word| text.contains(word))
    }

    /// The class of an answer that is not the one hoped for. `signed_in`: whether there was an AUTH.
    pub fn class(&self, stage: Stage, signed_in: bool) -> FailureClass {
        match (self.code, stage) {
            (400..=499, _) if self.asks_for_fewer() => FailureClass::Throttled,
            // The server goes away, or will have nobody now: nothing was taken, also after the dot.
            (421, _) | (400..=499, Stage::Greeting | Stage::Ehlo | Stage::Starttls | Stage::Auth) => FailureClass::Unreachable,
            (400..=499, _) => FailureClass::Deferred,
            // Nobody's mail passes here until somebody changes the configuration.
            (500..=599, Stage::Greeting | Stage::Ehlo | Stage::Starttls | Stage::Auth) => FailureClass::Denied,
            (530 | 534 | 535 | 538, _) => FailureClass::Denied,
            // A policy about the sender, which is the same for every mail; its size is this mail's alone.
            (500..=599, Stage::Mail) if matches!(self.enhanced(), Some((7, _))) => FailureClass::Denied,
            // About us, whoever the mail is for.
            (500..=599, Stage::Rcpt) if !signed_in && self.says(&["relay", "client host", "authenticat"]) => FailureClass::Denied,
            (500..=599, _) => FailureClass::Rejected,
            (_, Stage::Dot) => FailureClass::NoAnswer,
            // Something that does not speak SMTP as we do; nothing was taken.
            _ => FailureClass::Broken,
        }
    }

    /// A limit of how many, and not a greylist, which is about this one mail.
    fn asks_for_fewer(&self) -> bool {
        let text = self.text().to_lowercase();
        let a_rate = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| matches!(word, "rate" | "ratelimited"));
        !self.says(&["greylist", "graylist"])
            && (a_rate || self.says(&["too many", "too much mail", "too fast", "throttl", "limit exceeded", "slow down"]))
    }

    /// A pause in words, as many servers tell it: `try again in 300 seconds`.
    fn pause(&self) -> Option<TimeDelta> {
        let text = self.text().to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.windows(2).find_map(|pair| {
            let number = pair[0].parse::<u16>().ok()?;
            let seconds = match pair[1] {
                "s" | "sec" | "secs" | "second" | "seconds" => 1,
                "min" | "mins" | "minute" | "minutes" => 60,
                "h" | "hour" | "hours" => 3600,
                _ => return None,
            };
            Some(TimeDelta::seconds((i64::from(number) * seconds).min(86_400)))
        })
    }

    /// For people, with what to do where that is known.
    pub fn failure(&self, host: &str, stage: Stage, signed_in: bool, secrets: &[&str]) -> Failure {
        let class = self.class(stage, signed_in);
        let remark = match (class, self.code) {
            (FailureClass::Rejected, 552) => " (it is too large for this server, or the mailbox is full)",
            _ => "",
        };
        let hint = (class == FailureClass::Denied).then(|| self.hint(stage, signed_in));
        let words = Words::without(&format!("{} {}", self.code, self.text()), secrets);
        let pause = matches!(class, FailureClass::Throttled | FailureClass::Deferred).then(|| self.pause()).flatten();
        let message = format!("{host} answered to {}: {words}{remark}", stage.word());
        Failure { retry_after: pause, hint, ..Failure::new(class, message) }
    }

    /// What to correct when nobody's mail passes (RFC 4954, 6; RFC 3207, 4).
    fn hint(&self, stage: Stage, signed_in: bool) -> &'static str {
        match (self.code, stage) {
            (538, _) => ENCRYPT,
            (530, _) if self.says(&["starttls", "tls", "encrypt", "ssl"]) => ENCRYPT,
            (534, _) => "the server wants another way to sign in: often a password made for programs, in place of the person's",
            (530, _) | (_, Stage::Rcpt) if !signed_in => "the server wants a user and a password in [mail], or take another host",
            (535, _) | (_, Stage::Auth) => "check user and password in [mail]",
            (_, Stage::Greeting) => "the server lets this machine not in: check host in [mail], and what it allows",
            (_, Stage::Ehlo) => "check helo in [mail], the name by which this machine greets the server",
            (_, Stage::Starttls) => "check tls and port in [mail]: the server does not begin encryption",
            _ => "check from in [mail]: the server does not let this user send as it",
        }
    }
}

const ENCRYPT: &str = "the server wants an encrypted connection: set tls in [mail] to starttls (port 587) or tls (port 465)";

/// The code, whether more lines follow, and the text.
fn split(line: &str) -> Option<(u16, bool, &str)> {
    let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    let code = code.parse().ok().filter(|code| (200..=599).contains(code))?;
    match line.as_bytes().get(3) {
        None => Some((code, false, "")),
        Some(b' ') => Some((code, false, &line[4..])),
        Some(b'-') => Some((code, true, &line[4..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAGES: [Stage; 9] = [
        Stage::Greeting,
        Stage::Ehlo,
        Stage::Starttls,
        Stage::Auth,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Body,
        Stage::Dot,
    ];

    #[test]
    fn answers_are_taken_one_by_one() {
        let mut read = b"250-a\r\n250-\r\n250 b\r\n354 go\r\n250".to_vec();
        let reply = Reply::take(&mut read).unwrap().unwrap();
        assert_eq!((reply.code, reply.lines), (250, vec!["a".to_owned(), String::new(), "b".to_owned()]));
        assert_eq!(Reply::take(&mut read).unwrap().unwrap().text(), "go");
        assert_eq!((Reply::take(&mut read), read.as_slice()), (Ok(None), &b"250"[..]));
        for bad in ["hello\r\n", "25\r\n", "250_a\r\n", "250-a\r\n251 b\r\n", "999 a\r\n", "\r\n", "2\u{e9}0 a\r\n"] {
            assert!(Reply::take(&mut bad.as_bytes().to_vec()).is_err(), "{bad}");
        }
        assert!(Reply::take(&mut vec![b'2'; LONGEST_LINE + 1]).is_err());
        assert!(Reply::take(&mut b"250-a\r\n".repeat(LONGEST_REPLY / 7 + 1)).is_err());
    }

    #[test]
    fn a_pause_is_read_from_words() {
        for (text, seconds) in [
            ("4.7.1 try again in 300 seconds", Some(300)),
            ("Greylisted for 5 minutes, see https://x.example/5", Some(300)),
            ("wait 2 h", Some(7200)),
            ("in 9999999 seconds", None),
            ("65535 hours", Some(86_400)),
            ("seconds 5", None),
        ] {
            let reply = Reply { code: 450, lines: vec![text.to_owned()] };
            assert_eq!(reply.pause().map(|pause| pause.num_seconds()), seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(
            bytes in prop_oneof![
                any::<Vec<u8>>(),
                "([2-5][0-9]{2}[ -][ -~]{0,30}\r?\n|\\PC{0,9}|[0-9. -]{0,5}){0,6}".prop_map(String::into_bytes),
            ],
            signed_in: bool,
        ) {
            let mut read = bytes;
            while let Ok(Some(reply)) = Reply::take(&mut read) {
                for stage in STAGES {
                    let class = reply.class(stage, signed_in);
                    prop_assert_eq!(class == FailureClass::NoAnswer, stage == Stage::Dot && reply.code < 400);
                    let failure = reply.failure("mail.example", stage, signed_in, &["canary-4711"]);
                    prop_assert!(!failure.message.contains(char::is_control) && failure.message.chars().count() < 450);
                }
            }
        }
    }
}
