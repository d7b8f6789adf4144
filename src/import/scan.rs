//! Text to records of cells (RFC 4180), each with the place where an editor shows it.
//!
//! Ours rather than the `csv` crate's reader, because that one tells no place of a cell, and takes
//! a quote that is never closed for one cell that holds the rest of the file: lost rows, no error.
//! `tests/import_scan.rs` checks that both read the same cells. Memory is bounded by
//! `MAX_CELLS` × `MAX_CELL_CHARS`, whatever the file holds.

use super::decode::Text;
use std::io::{self, Read};

/// Longest cell, in characters. Longer ones are reported, so that no file fills the memory.
pub const MAX_CELL_CHARS: usize = 10_000;
/// Most cells that are kept of one record; the others are only counted.
const MAX_CELLS: usize = 200;
/// Where the header must have ended for its delimiter to be found.
const HEADER_BYTES: usize = 64 * 1024;

/// As an editor shows it: from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

/// A record that does not keep the rules of CSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub reason: String,
}

struct Cell {
    end: usize,
    place: Place,
    form: Form,
}

/// How a cell's content stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    /// In the quotes of CSV.
    Quoted,
    /// A value of JSON, on one line.
    Json,
}

/// One record, its buffers used again for the next.
pub struct Record {
    text: Vec<u8>,
    cells: Vec<Cell>,
    /// Cells beyond `MAX_CELLS`.
    surplus: usize,
    faults: Vec<Fault>,
    /// Of the cell being read: where it starts, whether by a quote, its length in characters.
    start: Place,
    quoted: bool,
    chars: usize,
}

impl Record {
    pub fn new() -> Self {
        let start = Place { line: 1, column: 1 };
        Self { text: Vec::new(), cells: Vec::new(), surplus: 0, faults: Vec::new(), start, quoted: false, chars: 0 }
    }

    pub fn width(&self) -> usize {
        self.cells.len() + self.surplus
    }

    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The content of a cell, without its quotes; empty when there is no such cell.
    pub fn cell(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.cells.get(index - 1).map_or(0, |cell| cell.end) };
        let bytes = self.cells.get(index).map_or(&[][..], |cell| &self.text[start..cell.end]);
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Where a cell starts.
    pub fn place(&self, index: usize) -> Place {
        self.cells.get(index).or(self.cells.last()).map_or(self.start, |cell| cell.place)
    }

    /// Where the character before which the `before` part of a cell's content stands is found in the file.
    pub fn place_after(&self, index: usize, before: &str) -> Place {
        let mut place = self.place(index);
        let form = self.cells.get(index).map_or(Form::Bare, |cell| cell.form);
        let quoted = form == Form::Quoted;
        place.column += u64::from(form != Form::Bare);
        if form == Form::Json {
            // What is escaped takes more room than is counted here: the place is in the value, at its latest.
            place.column += before.chars().count() as u64;
            return place;
        }
        for (at, c) in before.char_indices() {
            match c {
                '\r' if before[at + 1..].starts_with('\n') => {}
                '\r' | '\n' => place = Place { line: place.line + 1, column: 1 },
                '"' if quoted => place.column += 2,
                _ => place.column += 1,
            }
        }
        place
    }

    /// An empty line, or one of delimiters only, as spreadsheets leave below the last row.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty() && self.faults.is_empty() && self.cells.iter().all(|cell| cell.form == Form::Bare)
    }

    pub(super) fn clear(&mut self, start: Place) {
        self.text.clear();
        self.cells.clear();
        self.surplus = 0;
        self.faults.clear();
        self.start = start;
        self.quoted = false;
        self.chars = 0;
    }

    /// What is wrong with the record as such.
    pub(super) fn fault(&mut self, place: Place, reason: String) {
        self.faults.push(Fault { place, reason });
    }

    /// A cell that is whole already: a value of JSON.
    pub(super) fn push_value(&mut self, text: &str, place: Place) {
        let chars = text.chars().count();
        if chars > MAX_CELL_CHARS {
            self.fault(place, format!("this value has {chars} characters; at most {MAX_CELL_CHARS} are read"));
        } else {
            self.text.extend_from_slice(text.as_bytes());
        }
        self.cells.push(Cell { end: self.text.len(), place, form: Form::Json });
    }

    fn push(&mut self, byte: u8) {
        self.chars += usize::from(starts_char(byte));
        if self.chars <= MAX_CELL_CHARS && self.cells.len() < MAX_CELLS {
            self.text.push(byte);
        }
    }

    fn end_cell(&mut self) {
        if self.chars > MAX_CELL_CHARS {
            let reason = format!("this cell has {} characters; at most {MAX_CELL_CHARS} are read", self.chars);
            self.faults.push(Fault { place: self.start, reason });
        }
        if self.cells.len() < MAX_CELLS {
            let form = if self.quoted { Form::Quoted } else { Form::Bare };
            self.cells.push(Cell { end: self.text.len(), place: self.start, form });
        } else {
            self.surplus += 1;
        }
        self.quoted = false;
        self.chars = 0;
    }
}

const fn starts_char(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Bare,
    Quoted,
    /// A quote within a quoted cell: its end, or the first of two that stand for one.
    QuoteSeen,
}

/// Reads records one after the other.
pub struct Scanner<R> {
    text: Text<R>,
    piece: String,
    at: usize,
    delimiter: u8,
    state: State,
    /// Of the next byte.
    here: Place,
    after_cr: bool,
}

impl<R: Read> Scanner<R> {
    /// Reads as far as the end of the header, to see which delimiter it uses: comma, semicolon
    /// (spreadsheets in countries with a decimal comma) or tab.
    pub fn new(mut text: Text<R>) -> io::Result<Self> {
        let mut piece = String::new();
        while !piece.contains(['\n', '\r']) && piece.len() < HEADER_BYTES && text.read_piece(&mut piece)? {}
        let header = piece.split(['\n', '\r']).next().unwrap_or_default();
        let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
        let mut delimiter = b',';
        for other in [b';', b'\t'] {
            if count(other) > count(delimiter) {
                delimiter = other;
            }
        }
        let here = Place { line: 1, column: 1 };
        Ok(Self { text, piece, at: 0, delimiter, state: State::CellStart, here, after_cr: false })
    }

    /// Reads the next record into `record`; false at the end of the file.
    pub fn read_record(&mut self, record: &mut Record) -> io::Result<bool> {
        record.clear(self.here);
        loop {
            while let Some(byte) = self.piece.as_bytes().get(self.at).copied() {
                self.at += 1;
                // The second half of CR LF: the first has ended the record already.
                let ended =
                    if byte == b'\n' && self.after_cr && self.state != State::Quoted { false } else { self.take(byte, record) };
                self.advance(byte);
                if ended {
                    return Ok(true);
                }
            }
            self.piece.clear();
            self.at = 0;
            if !self.text.read_piece(&mut self.piece)? {
                return Ok(self.finish(record));
            }
        }
    }

    /// True when the byte ends the record.
    fn take(&mut self, byte: u8, record: &mut Record) -> bool {
        if self.state == State::CellStart {
            record.start = self.here;
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::QuoteSeen,
            (State::Quoted, _) => record.push(byte),
            (State::QuoteSeen, b'"') => {
                record.push(byte);
                self.state = State::Quoted;
            }
            (_, byte) if byte == self.delimiter => {
                record.end_cell();
                self.state = State::CellStart;
            }
            (_, b'\r' | b'\n') => {
                record.end_cell();
                self.state = State::CellStart;
                return true;
            }
            (State::CellStart, b'"') => {
                record.quoted = true;
                self.state = State::Quoted;
            }
            (State::QuoteSeen, _) => {
                let reason = "there is text after the closing quote: write a quote inside a quoted cell twice (\"\")";
                record.faults.push(Fault { place: self.here, reason: reason.to_owned() });
                record.push(byte);
                self.state = State::Bare;
            }
            (State::CellStart | State::Bare, _) => {
                record.push(byte);
                self.state = State::Bare;
            }
        }
        false
    }

    fn advance(&mut self, byte: u8) {
        let newline = byte == b'\r' || (byte == b'\n' && !self.after_cr);
        if newline {
            self.here = Place { line: self.here.line + 1, column: 1 };
        } else if byte != b'\n' {
            self.here.column += u64::from(starts_char(byte));
        }
        self.after_cr = byte == b'\r';
    }

    fn finish(&mut self, record: &mut Record) -> bool {
        if self.state == State::CellStart && record.cells.is_empty() {
            return false;
        }
        if self.state == State::CellStart {
            record.start = self.here;
        }
        if self.state == State::Quoted {
            // It swallowed the rest of the file: its length says nothing.
            record.chars = 0;
            let reason = "the quote that opens here is never closed";
            record.faults.push(Fault { place: record.start, reason: reason.to_owned() });
        }
        record.end_cell();
        self.state = State::CellStart;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (Vec<(String, u64, u64)>, Vec<Fault>);

    fn scan(text: &str) -> Vec<Seen> {
        let mut scanner = Scanner::new(Text::new(text.as_bytes(), encoding_rs::UTF_8)).unwrap();
        let mut record = Record::new();
        let mut all = Vec::new();
        while scanner.read_record(&mut record).unwrap() {
            let cells = (0..record.width()).map(|i| {
                let place = record.place(i);
                (record.cell(i).to_owned(), place.line, place.column)
            });
            all.push((cells.collect(), record.faults().to_vec()));
        }
        all
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        scan(text).into_iter().map(|(cells, _)| cells.into_iter().map(|c| c.0).collect()).collect()
    }

    #[test]
    fn line_ends_and_quotes() {
        for text in ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2\r", "a,b\n1,2", "a;b\n1;2", "a\tb\n1\t2", "\"a\",b\n\"1\",2"] {
            assert_eq!(cells(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
        assert_eq!(cells("a,b\n\"x\r\ny\",\"say \"\"hi\"\"\"\n"), [["a", "b"], ["x\r\ny", "say \"hi\""]]);
        assert_eq!(cells("a,b\n5\" pipe,"), [["a", "b"], ["5\" pipe", ""]], "a quote within a bare cell is a character");
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn places_are_those_of_an_editor() {
        let seen = scan("a,b\r\n\"ü\r\nx\",y\r\n,z");
        assert_eq!(seen[1].0, [("ü\r\nx".into(), 2, 1), ("y".into(), 3, 4)]);
        assert_eq!(seen[2].0, [(String::new(), 4, 1), ("z".into(), 4, 2)]);
        let wide = scan("a,b\nüöä,x\n");
        assert_eq!(wide[1].0[1], ("x".into(), 2, 5), "columns count characters, not bytes");
    }

    #[test]
    fn a_quote_never_closed_is_told_where_it_opens() {
        let seen = scan("a,b\n1,\"two\n3,4\n");
        assert_eq!(seen[1].1[0].place, Place { line: 2, column: 3 });
        assert!(seen[1].1[0].reason.contains("never closed"));
        assert!(scan("a,b\n1,\"two\" x\n")[1].1[0].reason.contains("after the closing quote"));
    }

    #[test]
    fn a_huge_cell_is_cut_and_told() {
        let seen = scan(&format!("a,b\n{},2\n3,4\n", "ü".repeat(MAX_CELL_CHARS + 1)));
        assert_eq!(seen[1].1[0].reason, "this cell has 10001 characters; at most 10000 are read");
        assert_eq!(seen[1].0[0].0.chars().count(), MAX_CELL_CHARS);
        assert_eq!(seen[2].0[1].0, "4");
        assert_eq!(scan(&format!("a\n{}\n", "x,".repeat(5000)))[1].0.len(), 5001, "surplus cells are counted");
    }

    #[test]
    fn place_within_a_cell() {
        let mut scanner = Scanner::new(Text::new(&b"a,b\n1,\"x\"\"y\r\nz!\"\n"[..], encoding_rs::UTF_8)).unwrap();
        let mut record = Record::new();
        assert!(scanner.read_record(&mut record).unwrap() && scanner.read_record(&mut record).unwrap());
        assert_eq!(record.place_after(1, "x\"y"), Place { line: 2, column: 8 });
        assert_eq!(record.place_after(1, "x\"y\r\nz"), Place { line: 3, column: 2 });
    }
}
