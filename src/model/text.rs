//! Text as a person may bring it: what no field may hold, whatever it is called.

use super::{Invalid, card};

/// Whether a character changes what people see without being seen itself: controls of the writing
/// direction (Unicode UAX #9), which make a name read as another, characters without width, which
/// make two equal names differ, and the separators that break lines.
pub const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Refuses what is never stored: control and invisible characters other than line ends and tabs,
/// and payment card numbers. The number itself is not repeated.
pub fn check(text: &str) -> Result<(), Invalid> {
    if let Some(c) = text.chars().find(|c| is_invisible(*c) || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))) {
        return Err(Invalid::new(format!("there is a character in it that cannot be seen (U+{:04X})", u32::from(c))));
    }
    match card::find_card_number(text) {
        Some(last_four) => Err(Invalid::new(card::reason(&last_four))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for c in ['\u{202e}', '\u{200b}', '\u{200d}', '\u{2028}', '\u{2029}', '\u{2066}', '\u{feff}', '\0'] {
            assert!(check(&format!("Ac{c}me")).is_err(), "{c:?}");
        }
        for good in ["Müller & Söhne", "two\nlines\tand a tab", "日本\u{3000}語", "a\u{a0}b", "name – dash…"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }
}
