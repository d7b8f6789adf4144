//! Short texts: one SMS where the data allow.
//!
//! An SMS takes 160 characters of the GSM 7-bit alphabet (3GPP TS 23.038, 6.2.1); one character
//! outside it makes the whole text UCS-2, with 70 to an SMS. Letters of Latin script outside it are
//! written without their marks, as people in Poland or Spain do in an SMS.

use unicode_normalization::UnicodeNormalization;

const LENGTH: usize = 160;

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// They take two places.
const EXTENDED: &str = "^{}\\[~]|€";

/// The text in the GSM alphabet as far as it can be written so, cut to one SMS.
pub(super) fn fit(text: &str) -> String {
    let written: String = text.chars().map(gsm).collect();
    let places: Option<usize> = written.chars().map(places).sum();
    match places {
        Some(places) if places > LENGTH => cut(&written),
        _ => written,
    }
}

/// The text with another sentence after it, where both go into one SMS; else the text alone.
pub(super) fn with_room_for(text: &str, more: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    let both = format!("{text}{end} {more}");
    let needed: Option<usize> = both.chars().map(gsm).collect::<String>().chars().map(places).sum();
    if more.is_empty() || needed.unwrap_or_else(|| both.chars().count()) > LENGTH { text.to_owned() } else { both }
}

fn places(c: char) -> Option<usize> {
    match c {
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENDED.contains(c) => Some(2),
        _ => None,
    }
}

fn cut(text: &str) -> String {
    const DOTS: &str = "...";
    let mut room = LENGTH - DOTS.len();
    let mut short = String::new();
    for c in text.chars() {
        let Some(left) = room.checked_sub(places(c).unwrap_or(1)) else { break };
        room = left;
        short.push(c);
    }
    // Not within a word, unless it is a long one.
    let end = short.rfind(' ').filter(|space| short.len() - space <= 20).unwrap_or(short.len());
    format!("{}{DOTS}", short[..end].trim_end())
}

/// A character as GSM writes it, or as it stands where GSM has nothing for it.
fn gsm(c: char) -> String {
    if places(c).is_some() {
        return c.to_string();
    }
    match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => " ".to_owned(),
        '–' | '—' | '−' | '‑' => "-".to_owned(),
        '’' | '‘' | '‚' => "'".to_owned(),
        '“' | '”' | '„' | '«' | '»' => "\"".to_owned(),
        '…' => "...".to_owned(),
        '·' => "-".to_owned(),
        'º' => "o".to_owned(),
        'ª' => "a".to_owned(),
        '°' => "o".to_owned(),
        'ł' => "l".to_owned(),
        'Ł' => "L".to_owned(),
        'œ' => "oe".to_owned(),
        'đ' => "d".to_owned(),
        _ => match c.nfd().next() {
            Some(base) if base != c && places(base).is_some() => base.to_string(),
            _ => c.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gsm_lacks_is_written_plainly() {
        assert_eq!(
            fit("Zażółć gęślą jaźń – 1\u{a0}234,00 € «está» für"),
            "Zazólc gesla jazn - 1 234,00 € \"esta\" für".replace('ó', "o")
        );
        assert_eq!(fit("Київ"), "Київ", "another script stays as it is");
    }

    #[test]
    fn more_is_said_where_there_is_room() {
        assert_eq!(with_room_for("Not done: Acme", "Import it."), "Not done: Acme. Import it.");
        assert_eq!(with_room_for("It has none.", "Import it."), "It has none. Import it.");
        assert_eq!(with_room_for("It has none.", ""), "It has none.");
        let long = "word ".repeat(31);
        assert_eq!(with_room_for(long.trim(), "Import it."), long.trim());
    }

    #[test]
    fn one_sms_at_most() {
        let text = fit(&"word ".repeat(60));
        assert!(text.chars().count() <= LENGTH && text.ends_with(" word..."), "{text}");
        assert!(fit(&"€".repeat(100)).chars().filter_map(places).sum::<usize>() <= LENGTH);
    }
}
