//! What the other side said, made fit to be shown and kept: one line of bounded length, without what
//! cannot be seen, without the query of a URL (where signatures and tokens are), without any secret.

use crate::model::{REDACTED, text};
use std::fmt;

/// In characters.
const LONGEST: usize = 240;

/// A shorter secret would be found in words by chance.
const SHORTEST_SECRET: usize = 6;

/// The other side's words; possibly none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(String);

impl Words {
    /// Any text.
    pub fn of(text: &str) -> Self {
        Self::without(text, &[])
    }

    /// Any text, in which none of these secrets is repeated.
    pub fn without(text: &str, secrets: &[&str]) -> Self {
        let mut text = text.to_owned();
        for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
            text = text.replace(secret, REDACTED);
        }
        let visible: String = text.chars().map(|c| if c.is_control() || text::is_invisible(c) { ' ' } else { c }).collect();
        let words: Vec<String> = visible.split_whitespace().map(without_query).collect();
        let line = words.join(" ");
        Self(match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        })
    }

    /// The first line of a body, unless it is markup, which tells nobody anything.
    pub fn first_line(body: &[u8], secrets: &[&str]) -> Self {
        let body = String::from_utf8_lossy(body);
        let first = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if first.starts_with('<') { Self::default() } else { Self::without(first, secrets) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `https://host/path?token=…` loses its query, and a bare query its values.
fn without_query(word: &str) -> String {
    match word.split_once('?') {
        Some((before, query)) if query.contains('=') => format!("{before}?{REDACTED}"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_one_clean_line() {
        assert_eq!(Words::of("  a\r\nb\t\u{1b}[31mc\u{202e}d \0").to_string(), "a b [31mc d");
        assert_eq!(Words::of(&"é".repeat(300)).to_string(), "é".repeat(240) + "…");
        assert_eq!(Words::first_line(b"\n\n  no such thing \nmore", &[]).to_string(), "no such thing");
        assert!(Words::first_line(b"<!DOCTYPE html><p>no</p>", &[]).is_empty());
    }

    #[test]
    fn no_secret_is_repeated() {
        let said = Words::without("bad key canary-4711, see https://b.example/x?X-Amz-Signature=abc&y=1 now", &["canary-4711"]);
        assert_eq!(said.to_string(), "bad key [redacted], see https://b.example/x?[redacted] now");
        assert_eq!(Words::without("what? a=b", &["", "a"]).to_string(), "what? a=b");
    }

    proptest! {
        #[test]
        fn any_body_gives_words_without_the_secret(before in ".{0,300}", after in ".{0,300}", bytes in any::<Vec<u8>>()) {
            let mut body = before.into_bytes();
            body.extend_from_slice(b"canary-4711");
            body.extend_from_slice(after.as_bytes());
            body.extend_from_slice(&bytes);
            let said = Words::first_line(&body, &["canary-4711"]).to_string();
            prop_assert!(!said.contains("canary-4711") && !said.contains(char::is_control), "{}", said);
            prop_assert!(said.chars().count() <= LONGEST + 1);
        }
    }
}
