//! Text messages.

pub mod twilio;

use crate::model::{Failure, Invalid, Receipt};
use chrono::{DateTime, Utc};

/// Whoever carries text messages.
pub trait Texter {
    /// Sends one. The receipt has the carrier's name for it.
    ///
    /// # Errors
    /// With the class after reliability.md: `no_answer` when it may have been sent.
    fn send(&self, to: &str, text: &str, at: DateTime<Utc>) -> Result<Receipt, Failure>;

    /// Looks whether this text went to this number since then; none when it did not.
    ///
    /// # Errors
    /// When it cannot be told.
    fn look_up(&self, to: &str, text: &str, since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Option<Receipt>, Failure>;
}

/// A telephone number as carriers take it (ITU-T E.164): `+` and up to 15 digits, the country's first.
/// Spaces and the usual signs between the digits are left out.
pub fn number(text: &str) -> Result<String, Invalid> {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}')).collect();
    let wrong = |why: &str| Err(Invalid::new(format!("{text:?} is no telephone number for messages: {why}")));
    let Some(digits) = bare.strip_prefix('+') else { return wrong("write it with its country, such as +49 151 12345678") };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
        return wrong("after + come the digits of the country and of the number, and nothing else");
    }
    // The shortest that are in use, with their country, have 7.
    if (7..=15).contains(&digits.len()) { Ok(bare) } else { wrong("it has 7 to 15 digits") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_country() {
        assert_eq!(number("+49 (151) 123-456.78").unwrap(), "+4915112345678");
        assert_eq!(number("+15005550006").unwrap(), "+15005550006");
        for bad in ["", "+", "0151 12345678", "004915112345678", "+0151123456", "+49a15112345", "+1234567890123456", "+12345"] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }
}
