//! Text as a person may bring it: what no field may hold, whatever it is called.

use super::{Invalid, card};
use std::cmp::Ordering;

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

/// The order in which people count: `item-2` before `item-10`. Texts that differ are never equal.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, m) = (number(&mut left), number(&mut right));
            n.len().cmp(&m.len()).then_with(|| n.cmp(m))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    // One is the other's beginning, or they differ in leading zeros.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits at the beginning, and returns them without leading zeros.
fn number<'t>(text: &mut &'t [u8]) -> &'t [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    &digits[digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_count() {
        let ordered = ["", "0", "1", "1a", "02", "2", "10", "a", "a1", "a1b", "a2", "a02b", "a10", "a10-2", "a10-10", "b", "ä1"];
        for pair in ordered.windows(2) {
            assert_eq!((natural(pair[0], pair[1]), natural(pair[1], pair[0])), (Ordering::Less, Ordering::Greater), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-2a]{0,4}", b in "[0-2a]{0,4}", c in "[0-2a]{0,4}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b) != Ordering::Greater && natural(&b, &c) != Ordering::Greater {
                prop_assert_ne!(natural(&a, &c), Ordering::Greater, "{} {} {}", a, b, c);
            }
        }
    }

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
