//! Finds payment card numbers in text, so that none is ever stored (reliability.md, security).
//!
//! A number counts when it has a network's prefix, a length of that network and a valid Luhn digit,
//! so that the IMEIs, serial and order numbers of real data pass.

use super::text::is_invisible;
use std::borrow::Cow;

/// First digits (from, to) of a network, and its lengths (from, to). Source: the networks' public
/// BIN ranges; Visa's and Maestro's shortest forms are in use no more but are still card numbers.
const NETWORKS: [(&str, &str, &[usize]); 22] = [
    ("4", "4", &[13, 16, 19]),                       // Visa
    ("51", "55", &[16]),                             // Mastercard
    ("2221", "2720", &[16]),                         // Mastercard
    ("34", "34", &[15]),                             // American Express
    ("37", "37", &[15]),                             // American Express
    ("6011", "6011", &[16, 17, 18, 19]),             // Discover
    ("644", "649", &[16, 17, 18, 19]),               // Discover
    ("65", "65", &[16, 17, 18, 19]),                 // Discover
    ("300", "305", &[14, 16, 17, 18, 19]),           // Diners Club
    ("3095", "3095", &[14, 16, 17, 18, 19]),         // Diners Club
    ("36", "36", &[14, 15, 16, 17, 18, 19]),         // Diners Club
    ("38", "39", &[14, 16, 17, 18, 19]),             // Diners Club
    ("3528", "3589", &[16, 17, 18, 19]),             // JCB
    ("62", "62", &[16, 17, 18, 19]),                 // UnionPay
    ("81", "81", &[16, 17, 18, 19]),                 // UnionPay
    ("5018", "5018", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("5020", "5020", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("5038", "5038", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("5893", "5893", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("6304", "6304", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("6759", "6759", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    ("6761", "6763", &[13, 14, 15, 16, 17, 18, 19]), // Maestro
];

/// What people write between the groups of a number.
const SEPARATORS: [char; 5] = [' ', '-', '.', '_', '\t'];

const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// Why a text with such a number is refused; only its last digits are told.
pub fn reason(last_four: &str) -> String {
    format!("this looks like the number of a payment card (ending {last_four}), which finops must not store")
}

/// The last four digits of a card number in `text`, if it holds one, written in one or in groups
/// of four or more digits parted by spaces, dashes, dots or underscores.
pub fn find_card_number(text: &str) -> Option<String> {
    if text.len() < *LENGTHS.start() {
        return None;
    }
    let text: Cow<str> = if text.is_ascii() { text.into() } else { text.chars().map(plain).collect() };
    if text.bytes().filter(u8::is_ascii_digit).count() < *LENGTHS.start() {
        return None;
    }
    let groups = digit_groups(&text);
    (0..groups.len()).find_map(|first| {
        let mut digits = String::new();
        for (offset, group) in groups[first..].iter().enumerate() {
            if offset > 0 && !group.joined {
                break;
            }
            digits.push_str(group.digits);
            if digits.len() > *LENGTHS.end() {
                break;
            }
            if is_card_number(&digits) {
                return digits.get(digits.len() - 4..).map(str::to_owned);
            }
            // Dates and times are short groups; cards are never printed so, save for their last.
            if group.digits.len() < 4 {
                break;
            }
        }
        None
    })
}

/// Digits of other scripts and widths as ASCII, and what parts groups as a space.
fn plain(c: char) -> char {
    const ZEROS: [char; 3] = ['\u{ff10}', '\u{660}', '\u{6f0}'];
    let digit = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).and_then(|n| char::from_digit(n, 10));
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{ff0e}' | '\u{ff3f}' | '\u{b7}' => ' ',
        c if c.is_whitespace() || is_invisible(c) => ' ',
        c => ZEROS.iter().find_map(digit).unwrap_or(c),
    }
}

struct Group<'a> {
    digits: &'a str,
    /// Nothing but one to three of `SEPARATORS` stands between it and the group before.
    joined: bool,
}

fn digit_groups(text: &str) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut last_end = None;
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|found| at + found) {
        let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |found| start + found);
        let joined =
            last_end.is_some_and(|last: usize| start - last <= 3 && text[last..start].chars().all(|c| SEPARATORS.contains(&c)));
        groups.push(Group { digits: &text[start..end], joined });
        last_end = Some(end);
        at = end;
    }
    groups
}

fn is_card_number(digits: &str) -> bool {
    let of_network = NETWORKS.iter().any(|(from, to, lengths)| {
        let prefix = digits.get(..from.len()).unwrap_or_default();
        lengths.contains(&digits.len()) && (*from..=*to).contains(&prefix)
    });
    of_network && luhn(digits)
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, byte)| match (i % 2, u32::from(byte - b'0')) {
            (0, digit) => digit,
            (_, digit) if digit < 5 => 2 * digit,
            (_, digit) => 2 * digit - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The networks' own test numbers.
    #[test]
    fn cards_are_found() {
        for card in [
            "4242424242424242",
            "card 4242 4242 4242 4242, thanks",
            "4242-4242-4242-4242",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
            "3566002020360505",
            "6200000000000005",
            "order 12: 4000056655665556",
            "4242.4242.4242.4242",
            "4242_4242_4242_4242",
            "4242 - 4242 - 4242 - 4242",
            "４２４２ ４２４２ ４２４２ ４２４２",
            "4242\u{a0}4242\u{2013}4242\u{200b}4242",
        ] {
            let last_four: String = card.chars().map(plain).filter(char::is_ascii_digit).collect();
            let found = find_card_number(card);
            assert!(found.is_some_and(|four| last_four.ends_with(&four)), "{card}");
        }
    }

    #[test]
    fn other_numbers_pass() {
        for other in [
            "4242424242424241",              // wrong check digit
            "490154203237518",               // IMEI, Luhn-valid, 15 digits
            "352099001761481",               // IMEI that starts as JCB does
            "1234567812345670",              // Luhn-valid, no network
            "2026-10-01 2026-10-31 00:00",   // dates
            "42424242424242424242",          // 20 digits
            "ticket 4242, 4242, 4242, 4242", // not one number
            "",
        ] {
            assert_eq!(find_card_number(other), None, "{other}");
        }
    }
}
