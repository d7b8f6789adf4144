//! One row of a file, read by column name: defaults filled in, mistakes gathered with their places.

use super::columns::{Column, Need};
use super::decode::UNREADABLE;
use super::scan::{Place, Record};
use super::write::without_guard;
use super::{Header, Kind};
use crate::error::Problem;
use crate::model::Invalid;
use crate::model::card::{self, find_card_number};
use crate::model::text::is_invisible;

/// What a value that is shown in a message is cut to, in characters.
const SHOWN_CHARS: usize = 40;
/// Longest value that is not free text, in characters. Some are keys, and Postgres indexes at most 2,704 bytes.
const MAX_VALUE_CHARS: usize = 260;

pub struct Cells<'a> {
    header: &'a Header,
    record: &'a Record,
    problems: Vec<Problem>,
    /// Where the next column is looked for first: rows are mostly read in the table's order.
    cursor: usize,
}

impl<'a> Cells<'a> {
    pub fn new(header: &'a Header, record: &'a Record) -> Self {
        Self { header, record, problems: Vec::new(), cursor: 0 }
    }

    /// All that is wrong with the row, in the order of the file.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }

    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Whether the file has a column.
    pub fn has(&self, column: &str) -> bool {
        self.header.has(column)
    }

    /// Whether a column is there, and its cell is empty.
    pub fn is_blank(&self, column: &str) -> bool {
        self.has(column) && self.index_of(column).is_some_and(|index| self.filled(index).trim().is_empty())
    }

    /// Looks at what no cell may hold, whatever its column: bytes that could not be read, control
    /// characters, card numbers.
    pub fn check_characters(&mut self) {
        for (index, column) in self.columns().iter().enumerate() {
            let Some(cell) = self.header.cell_of(index) else { continue };
            let text = self.record.cell(cell);
            let forbidden = |c: char| c == UNREADABLE || is_invisible(c) || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
            if let Some((at, c)) = text.char_indices().find(|(_, c)| forbidden(*c)) {
                let place = self.record.place_after(cell, &text[..at]);
                self.push(place, column.name, text, character_reason(c));
            } else if !column.numbers
                && !self.header.allows_numbers(column.name)
                && let Some(last_four) = find_card_number(text)
            {
                let card = card::reason(&last_four);
                let reason = format!("{card}; if it is none, import with --allow-numbers {}", column.name);
                self.push(self.record.place(cell), column.name, "", reason);
            }
        }
    }

    /// Reads a value; None when it is empty, or wrong and reported.
    pub fn parse<T>(&mut self, column: &str, read: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        let text = self.content(column)?;
        if !self.check_length(column, text) {
            return None;
        }
        read(text).map_err(|invalid| self.refuse(column, invalid.0)).ok()
    }

    /// Reads one of a few words or codes, blanks around it and capitals or not.
    pub fn word<T: std::str::FromStr<Err = Invalid>>(&mut self, column: &str) -> Option<T> {
        self.parse(column, |s| {
            let word = s.trim();
            let folded = || word.to_ascii_lowercase().parse().or_else(|_| word.to_ascii_uppercase().parse());
            word.parse().or_else(|invalid| folded().map_err(|_: Invalid| invalid))
        })
    }

    /// A whole number within bounds.
    pub fn whole<T>(&mut self, column: &str, from: T, to: T) -> Option<T>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        self.parse(column, |s| {
            let digits = s.bytes().all(|b| b.is_ascii_digit());
            let number = if digits { s.parse().ok() } else { None };
            number
                .filter(|n| from <= *n && *n <= to)
                .ok_or_else(|| Invalid::new(format!("write a whole number from {from} to {to}")))
        })
    }

    pub fn yes_no(&mut self, column: &str) -> Option<bool> {
        self.parse(column, |s| match s.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Ok(true),
            "no" | "false" | "0" => Ok(false),
            _ => Err(Invalid::new("write yes or no (true, false, 1 and 0 will do)")),
        })
    }

    /// Free text of one line, spaces at its ends taken off.
    pub fn line(&mut self, column: &str) -> String {
        let text = self.text(column);
        if text.contains(['\n', '\t']) {
            self.refuse(column, "this must be one line, without tabs");
        }
        self.check_length(column, &text);
        text
    }

    /// Free text, its line ends as `\n`, spaces at its ends taken off.
    pub fn text(&mut self, column: &str) -> String {
        let text = self.content(column).unwrap_or_default().trim();
        if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
    }

    fn check_length(&mut self, column: &str, text: &str) -> bool {
        let chars = text.chars().count();
        if chars > MAX_VALUE_CHARS {
            self.refuse(column, format!("this has {chars} characters; at most {MAX_VALUE_CHARS} may stand here"));
        }
        chars <= MAX_VALUE_CHARS
    }

    /// Reports the cell of a column.
    pub fn refuse(&mut self, column: &str, reason: impl Into<String>) {
        let cell = self.index_of(column).and_then(|index| self.header.cell_of(index));
        let (place, text) = match cell {
            Some(cell) => (self.record.place(cell), self.record.cell(cell)),
            None => (self.record.place(0), ""),
        };
        let Some(column) = self.index_of(column).map(|index| &self.columns()[index]) else {
            return self.push(place, "", "", reason.into());
        };
        // A card number was reported without its value, and is not told again with it.
        let reported = !column.numbers && !self.header.allows_numbers(column.name) && find_card_number(text).is_some();
        if !reported {
            self.push(place, column.name, text, reason.into());
        }
    }

    /// What the key columns say, one after the other; None when a required one is empty.
    pub fn key(&self) -> Option<Vec<&'a str>> {
        let columns = self.columns();
        self.header
            .kind
            .key()
            .iter()
            .map(|name| {
                let column = columns.iter().find(|column| column.name == *name)?;
                let text = self.filled(self.index_of(name)?).trim();
                (column.need != Need::Required || !text.is_empty()).then_some(text)
            })
            .collect()
    }

    fn columns(&self) -> &'static [Column] {
        self.header.kind.columns()
    }

    fn index_of(&self, column: &str) -> Option<usize> {
        self.columns().iter().position(|c| c.name == column)
    }

    /// The cell, or its default where nothing but blanks stands in it.
    fn filled(&self, index: usize) -> &'a str {
        let cell = self.header.cell_of(index).map_or("", |cell| self.record.cell(cell));
        let cell = if self.header.is_csv { without_guard(cell) } else { cell };
        match (cell, self.columns()[index].need) {
            (text, Need::Default(value)) if text.trim().is_empty() => value,
            (text, _) => text,
        }
    }

    /// The content of a column; None when it is empty, which is reported where it must not be.
    fn content(&mut self, column: &str) -> Option<&'a str> {
        let columns = self.columns();
        if columns.get(self.cursor).is_none_or(|c| c.name != column) {
            self.cursor = self.index_of(column)?;
        }
        let index = self.cursor;
        self.cursor += 1;
        let text = self.filled(index);
        if text.trim().is_empty() {
            if columns[index].need == Need::Required {
                self.refuse(columns[index].name, "this must not be empty");
            }
            return None;
        }
        Some(text)
    }

    fn push(&mut self, place: Place, field: &str, value: &str, reason: String) {
        self.problems.push(self.header.problem(place, field, value, reason));
    }
}

fn character_reason(c: char) -> String {
    match c {
        UNREADABLE => {
            "this is not UTF-8: save the file as \"CSV UTF-8\", or tell its encoding, such as --encoding windows-1252".to_owned()
        }
        '\0' => "there is a NUL byte here: the file is damaged, or is UTF-16 without a byte order mark (--encoding utf-16le)"
            .to_owned(),
        c if is_invisible(c) => format!(
            "there is a character here that cannot be seen (U+{:04X}), which could make this read as something else: delete it",
            u32::from(c)
        ),
        _ => format!("there is a control character here (U+{:04X}): delete it", u32::from(c)),
    }
}

/// A value as a message shows it: cut, with what was unreadable left in sight.
pub fn shortened(value: &str) -> String {
    if value.chars().count() <= SHOWN_CHARS {
        return value.to_owned();
    }
    value.chars().take(SHOWN_CHARS - 1).chain(['…']).collect()
}

impl Kind {
    /// The kind that a user may have meant.
    pub fn like(name: &str) -> Option<Self> {
        let name = name.to_lowercase().replace([' ', '-'], "_");
        let near = Self::ALL.iter().map(|kind| (distance(&name, kind.as_str()), *kind)).min()?;
        (near.0 <= near.1.as_str().len() / 3).then_some(near.1)
    }

    /// The column that a user may have meant.
    pub fn column_like(self, name: &str) -> Option<&'static str> {
        let name = name.to_lowercase().replace([' ', '-'], "_");
        let near = self.columns().iter().map(|column| (distance(&name, column.name), column.name)).min()?;
        (near.0 <= near.1.len() / 3).then_some(near.1)
    }
}

/// Levenshtein: insertions, deletions and replacements that turn one into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
