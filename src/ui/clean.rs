//! Text from elsewhere, made harmless for a terminal.

use std::borrow::Cow;

/// The text with a space in place of every character that could drive the terminal (escape
/// sequences) or show the text in another order than it has (Unicode UAX #9's controls). Newlines
/// stay.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let drives = |c: char| c != '\n' && drives_terminal(c);
    if text.contains(drives) { text.replace(drives, " ").into() } else { text.into() }
}

/// The same for a cell of a table, where a newline would break the line.
pub(super) fn clean_line(text: String) -> String {
    if text.contains(drives_terminal) { text.replace(drives_terminal, " ") } else { text }
}

fn drives_terminal(c: char) -> bool {
    let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Line and paragraph separators break a line in some terminals.
    c.is_control() || bidi || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_the_terminal_and_lines_stay() {
        assert_eq!(clean("a\u{1b}[2J\u{9b}1m\r\nb\u{202e}c"), "a [2J 1m \nb c");
        assert_eq!(clean_line("a\nb\u{2066}".to_owned()), "a b ");
        assert!(matches!(clean("Łódź\n漢字 🦀"), Cow::Borrowed(_)));
    }
}
