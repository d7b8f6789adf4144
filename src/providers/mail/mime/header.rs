//! Headers that hold what people write: names and subjects, in ASCII and in lines of bounded length.
//!
//! lettre encodes a name that does not fit into what is left of a line, though it be plain ASCII, and
//! leaves a long word as long as it is; so these are written here.

use super::on_the_wire;
use crate::model::Invalid;
use crate::model::message::Mailbox;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::header::{Header, HeaderName, HeaderValue};

/// RFC 5322, 2.1.1: lines should be of at most 78 characters.
const LINE: usize = 78;

/// RFC 2047, 2: a line with encoded words has at most 76 characters, and such a word at most 75.
const ENCODED_LINE: usize = 76;

/// What stands around an encoded word.
const MARKS: &str = "=?utf-8?b??=";

/// With its marks, so many bytes fit into one.
const BYTES: usize = 45;

/// A value of a header, in which nothing can be taken for another header: a CR or LF would begin one,
/// and a NUL end it for some programs.
pub fn checked<'t>(header: &str, value: &'t str) -> Result<&'t str, Invalid> {
    match value.chars().find(|c| c.is_control()) {
        None => Ok(value),
        Some(c) => Err(Invalid::new(format!("a mail header holds a control character ({header}: U+{:04X})", u32::from(c)))),
    }
}

/// Mailboxes, one a line; an address that does not fit behind its name stands below it.
pub fn mailboxes(header: &str, mailboxes: &[Mailbox]) -> Result<String, Invalid> {
    let mailbox = |(n, mailbox): (usize, &Mailbox)| {
        let address = on_the_wire(&mailbox.address)?;
        Ok(match checked(header, mailbox.name.trim())? {
            "" => address,
            name => {
                let used = if n == 0 { header.len() + 2 } else { 1 };
                let name = phrase(name, used);
                let last = name.rsplit("\r\n").next().map_or(0, str::len);
                let used = if last == name.len() { used + last } else { last };
                // Its marks, a space before it and a comma after it.
                let fold = if used + address.len() + 4 > ENCODED_LINE { "\r\n" } else { "" };
                format!("{name}{fold} <{address}>")
            }
        })
    };
    Ok(mailboxes.iter().enumerate().map(mailbox).collect::<Result<Vec<_>, Invalid>>()?.join(",\r\n "))
}

/// Free text, folded between words.
pub fn text(header: &str, value: &str) -> Result<String, Invalid> {
    let value = checked(header, value.trim())?;
    // What looks like an encoded word would be taken for one.
    let plain = value.is_ascii() && !value.contains("=?") && value.split(' ').all(|word| word.len() < LINE - 20);
    if !plain {
        return Ok(encoded(value, header.len() + 2));
    }
    let mut written = String::new();
    let mut length = header.len() + 2;
    for (n, word) in value.split(' ').enumerate() {
        if n > 0 {
            // Where a line is broken, its end stands before the space, which stays.
            if length + 1 + word.len() > LINE && !word.is_empty() {
                written.push_str("\r\n");
                length = 0;
            }
            written.push(' ');
            length += 1;
        }
        written.push_str(word);
        length += word.len();
    }
    Ok(written)
}

/// `Content-Disposition` of an attachment (RFC 2183, RFC 2231).
#[derive(Debug, Clone)]
pub struct Attached(String);

impl Attached {
    /// With the name of a file, in one piece where it fits: some programs know no name in pieces.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let name = checked("an attachment's name", name)?;
        let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escaped = |byte: u8| if literal(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let whole: String = name.bytes().map(escaped).collect();
        Ok(Self(match name {
            name if name.is_ascii() && name.len() <= BYTES => {
                format!("attachment;\r\n filename=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
            }
            _ if whole.len() <= 4 * LINE => format!("attachment;\r\n filename*=utf-8''{whole}"),
            _ => return Err(Invalid::new(format!("an attachment's name is too long: {name:.40}…"))),
        }))
    }
}

impl Header for Attached {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    /// Of no use where mails are only written.
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

/// A name before an address (RFC 5322, 3.2.5): as it is, in quotes, or encoded. `used`: see [`encoded`].
fn phrase(name: &str, used: usize) -> String {
    let atom = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    match name {
        name if !name.is_ascii() || name.len() > LINE - 4 || name.contains("=?") => encoded(name, used),
        name if name.chars().all(atom) && !name.contains("  ") => name.to_owned(),
        name => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Encoded words (RFC 2047), one a line; each holds whole characters, as the RFC wants. `used`: so much of the first
/// line is taken.
fn encoded(text: &str, used: usize) -> String {
    // Base64 makes four of three.
    let first = ENCODED_LINE.saturating_sub(used + MARKS.len()) / 4 * 3;
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars() {
        let most = if words.len() == 1 { first.min(BYTES) } else { BYTES };
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= most => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    words.iter().map(|word| format!("=?utf-8?b?{}?=", BASE64.encode(word))).collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_as_plain_as_they_can_be() {
        for (name, written) in [
            ("Nord GmbH", "Nord GmbH"),
            ("Doe, John", "\"Doe, John\""),
            ("a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""),
            ("J. Doe", "\"J. Doe\""),
            ("Jürgen", "=?utf-8?b?SsO8cmdlbg==?="),
            ("=?utf-8?b?SsO8cmdlbg==?=", "=?utf-8?b?PT91dGYtOD9iP1NzTzhjbWRsYmc9PT89?="),
        ] {
            assert_eq!(phrase(name, 6), written, "{name}");
        }
    }

    #[test]
    fn names_of_files_are_in_one_piece() {
        for (name, written) in [
            ("INV-1.pdf", "filename=\"INV-1.pdf\""),
            ("a \"b\".pdf", "filename=\"a \\\"b\\\".pdf\""),
            ("Übersicht (1).csv", "filename*=utf-8''%C3%9Cbersicht%20%281%29.csv"),
        ] {
            assert_eq!(Attached::new(name).unwrap().0, format!("attachment;\r\n {written}"));
        }
        assert!(Attached::new("a\r\nb").is_err() && Attached::new(&"x".repeat(400)).is_err());
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_header(value in "(\\PC{0,40}|[ a-z]{0,200}|[=?\\\\\"<>,]{0,9}){0,5}") {
            let mailbox = Mailbox { name: value.clone(), address: "accounts.payable@customer.example".to_owned() };
            let written = [("Subject", text("Subject", &value)), ("Reply-To", mailboxes("Reply-To", &[mailbox.clone(), mailbox]))];
            for (header, written) in written {
                // What cannot be seen is refused or encoded.
                let Ok(written) = written else { continue };
                for line in format!("{header}: {written}").split("\r\n").filter(|line| line.contains("=?utf-8?b?")) {
                    prop_assert!(line.len() <= 76, "RFC 2047, 2: {}", line);
                }
                prop_assert!(written.is_ascii());
                for (n, line) in written.split("\r\n").enumerate() {
                    prop_assert!(!line.contains(['\r', '\n']) && line.len() <= 100, "{}", line);
                    prop_assert!(n == 0 || line.starts_with(' '), "{}", line);
                    prop_assert!(n == 0 || !line.trim().is_empty(), "{}", line);
                }
            }
        }
    }
}
