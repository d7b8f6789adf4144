//! Which cell of a record is which column: of a whole CSV file by its first record, of a line of JSON
//! by its keys.

use super::cells::shortened;
use super::decode::UNREADABLE;
use super::scan::{Place, Record};
use super::{Column, Kind, Need};
use crate::error::Problem;

#[derive(Debug)]
pub struct Header {
    file: String,
    pub(super) kind: Kind,
    /// For each column of the table, the cell that holds it.
    cells: Vec<Option<usize>>,
    pub(super) width: usize,
    /// A cell may have a `'` before what would be a formula (`write`).
    pub(super) is_csv: bool,
    allow_numbers: Vec<String>,
}

impl Header {
    pub(super) fn new(kind: Kind, file: &str, is_csv: bool, allow_numbers: &[String]) -> Self {
        let cells = vec![None; kind.columns().len()];
        Self { file: file.to_owned(), kind, cells, width: 0, is_csv, allow_numbers: allow_numbers.to_vec() }
    }

    /// Of the same file, before its columns are known.
    pub(super) fn anew(&self, width: usize) -> Self {
        Self { width, ..Self::new(self.kind, &self.file, self.is_csv, &self.allow_numbers) }
    }

    /// The cell that holds a column, by its place in the table; None: the file lacks the column.
    pub(super) fn cell_of(&self, column: usize) -> Option<usize> {
        self.cells.get(column).copied().flatten()
    }

    pub(super) fn has(&self, column: &str) -> bool {
        let index = self.kind.columns().iter().position(|c| c.name == column);
        index.is_some_and(|index| self.cell_of(index).is_some())
    }

    pub(super) fn allows_numbers(&self, column: &str) -> bool {
        self.allow_numbers.iter().any(|allowed| allowed == column)
    }

    pub(super) fn problem(&self, place: Place, field: &str, value: &str, reason: String) -> Problem {
        Problem {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            value: shortened(value),
            reason,
        }
    }

    /// Finds the columns of the table among the first record's cells, and says all that is wrong with it.
    pub(super) fn match_columns(&mut self, record: &Record) -> Vec<Problem> {
        let columns = self.kind.columns();
        let mut problems = Vec::new();
        let mut guessed = Vec::new();
        let mut legible = true;
        for cell in 0..record.width() {
            let name = record.cell(cell).trim();
            if let Some(reason) = self.match_column(cell, name) {
                guessed.extend(self.kind.column_like(name));
                legible &= !name.contains(['\0', UNREADABLE]);
                problems.push(self.problem(record.place(cell), "header", name, reason));
            }
        }
        // A column that stands there under a wrong name, or one that cannot be read, is told by that alone.
        let missing = |(column, cell): &(&Column, &Option<usize>)| {
            column.need == Need::Required && cell.is_none() && !guessed.contains(&column.name)
        };
        let missing: Vec<_> = columns.iter().zip(&self.cells).filter(missing).map(|(column, _)| column.name).collect();
        if legible && !missing.is_empty() {
            let reason = format!("the header lacks {}", missing.join(", "));
            problems.push(self.problem(Place { line: 1, column: 1 }, "header", "", reason));
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    /// Lets a cell hold the column of this name; what is wrong with that.
    pub(super) fn match_column(&mut self, cell: usize, name: &str) -> Option<String> {
        let folded = name.to_ascii_lowercase();
        match self.kind.columns().iter().position(|column| column.name == folded) {
            Some(index) if self.cells[index].is_some() => Some("this column stands here twice".to_owned()),
            Some(index) => {
                self.cells[index] = Some(cell);
                None
            }
            None => Some(unknown_column(self.kind, name)),
        }
    }
}

fn unknown_column(kind: Kind, name: &str) -> String {
    if name.is_empty() {
        return "a column without a name".to_owned();
    }
    if name.contains(['\0', UNREADABLE]) {
        return "this is not UTF-8: save the file as \"CSV UTF-8\", or tell its encoding, such as --encoding windows-1252 \
                or utf-16le"
            .to_owned();
    }
    match kind.column_like(name) {
        Some(like) => format!("{kind} have no such column: did you mean {like}?"),
        None => format!("{kind} have no such column; finops import --template {kind} shows those they have"),
    }
}
