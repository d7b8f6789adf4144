//! Plain text: lines of a readable width, columns that stand below each other.

use crate::model::text::is_invisible;

/// How wide a message is.
pub const WIDTH: usize = 72;

/// A text in lines of at most so many characters, broken at spaces. A longer word stands alone.
pub fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + 8);
    for (index, paragraph) in text.trim_end().lines().enumerate() {
        if index > 0 {
            wrapped.push('\n');
        }
        let mut used = 0;
        for word in paragraph.split([' ', '\t']).filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > width {
                wrapped.push('\n');
                used = 0;
            } else if used > 0 {
                wrapped.push(' ');
                used += 1;
            }
            wrapped.push_str(word);
            used += length;
        }
    }
    wrapped
}

/// Rows in columns, two spaces between them. `align` has a letter a column: `l` or `r`. A row of
/// one `-` is a rule.
pub fn table(rows: &[Vec<String>], align: &str) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let is_rule = |row: &[String]| matches!(row, [only] if only == "-");
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.iter().filter(|row| !is_rule(row)) {
        for (index, cell) in row.iter().enumerate() {
            if index == widths.len() {
                widths.push(0);
            }
            widths[index] = widths[index].max(cell.chars().count());
        }
    }
    let across = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        if is_rule(row) {
            lines.push("-".repeat(across));
            continue;
        }
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blank = " ".repeat(width - cell.chars().count());
            let right = align.chars().nth(index) == Some('r');
            let between = if index > 0 { "  " } else { "" };
            line.push_str(between);
            line.push_str(if right { &blank } else { cell });
            line.push_str(if right { cell } else { &blank });
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// Names and values below each other; a value that is too long for its line goes on below itself.
pub fn pairs(rows: &[Vec<String>], width: usize) -> String {
    let pairs = || rows.iter().filter_map(|row| Some((row.first()?, row.get(1)?)));
    let names = pairs().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::with_capacity(rows.len());
    for (name, value) in pairs() {
        let blank = " ".repeat(names - name.chars().count());
        let value = wrap(&one_line(value), width.saturating_sub(names + 2).max(20));
        lines.push(format!("{name}{blank}  {}", value.replace('\n', &format!("\n{}", " ".repeat(names + 2)))));
    }
    lines.join("\n")
}

/// A line of a mail's header: spaces that must not break mean nothing there.
pub fn subject(text: &str) -> String {
    one_line(&text.replace(['\u{a0}', '\u{202f}'], " "))
}

/// On one line, as a subject must be: whatever breaks or steers lines becomes a space.
pub fn one_line(text: &str) -> String {
    let broken = |c: char| c == ' ' || c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(broken).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Without spaces at the ends of lines, and with one empty line at most between two paragraphs.
pub fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty <= 1 && !(line.is_empty() && tidied.is_empty()) {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied.truncate(tidied.trim_end().len());
    tidied.push('\n');
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_longer_than_asked_for() {
        assert_eq!(wrap("one two three\nfour  five", 8), "one two\nthree\nfour\nfive");
        assert_eq!(wrap("incomprehensibilities are", 8), "incomprehensibilities\nare");
        assert_eq!(wrap("EUR\u{a0}1.00 is due", 7), "EUR\u{a0}1.00\nis due");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows: Vec<Vec<String>> = [vec!["Invoice", "Amount"], vec!["-"], vec!["A\n1", "9.00"], vec!["Łódź", "10,000.00"]]
            .map(|row| row.into_iter().map(str::to_owned).collect())
            .to_vec();
        assert_eq!(table(&rows, "lr"), "Invoice     Amount\n------------------\nA 1           9.00\nŁódź     10,000.00");
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("Invoice 1\r\nBcc: x@y.example\u{2028}\u{202e} end \t"), "Invoice 1 Bcc: x@y.example end");
    }

    #[test]
    fn paragraphs_are_parted_by_one_line() {
        assert_eq!(tidy("\n\n a  \r\n\r\n\n\n\nb\u{7}\n\n"), " a\n\nb\n");
    }
}
