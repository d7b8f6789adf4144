//! JSON lines to records: one flat object a line, its keys the columns, each value with the place
//! where an editor shows it.
//!
//! Ours rather than `serde_json`'s, because that one tells no place of a value, makes numbers into
//! floats, and lets the last of two equal keys win. A test checks that both read the same values.
//! Memory is bounded by `MAX_LINE_BYTES`, whatever the file holds.

use super::decode::Text;
use super::scan::{Place, Record};
use std::io::{self, Read};

/// Longest line that is read. Longer ones are reported.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Most keys of an object; every kind has far fewer columns.
const MAX_KEYS: usize = 200;

/// Reads objects one after the other.
pub struct JsonScanner<R> {
    text: Text<R>,
    piece: String,
    at: usize,
    line: String,
    /// Of the line to come.
    number: u64,
    after_cr: bool,
}

impl<R: Read> JsonScanner<R> {
    pub fn new(text: Text<R>) -> Self {
        Self { text, piece: String::new(), at: 0, line: String::new(), number: 1, after_cr: false }
    }

    /// Reads the next object: its keys into `keys`, its values into `record`. Blank lines are
    /// skipped; false at the end of the file.
    pub fn read_record(&mut self, keys: &mut Vec<Key>, record: &mut Record) -> io::Result<bool> {
        loop {
            let number = self.number;
            let (there, length) = self.read_line()?;
            if !there {
                return Ok(false);
            }
            keys.clear();
            record.clear(Place { line: number, column: 1 });
            if length > MAX_LINE_BYTES {
                let reason = format!("this line has {length} bytes; at most {MAX_LINE_BYTES} are read");
                record.fault(Place { line: number, column: 1 }, reason);
                return Ok(true);
            }
            if self.line.trim().is_empty() {
                continue;
            }
            let mut parser = Parser { rest: self.line.as_str(), place: Place { line: number, column: 1 } };
            if let Err(reason) = parser.object(keys, record) {
                record.fault(parser.place, reason);
            }
            return Ok(true);
        }
    }

    /// The next line without its end, and how long it is. A line ends with LF, CR LF or CR: within
    /// JSON none of them stands in a text.
    fn read_line(&mut self) -> io::Result<(bool, usize)> {
        self.line.clear();
        let mut length = 0;
        let mut seen = false;
        loop {
            if self.after_cr && self.piece[self.at..].starts_with('\n') {
                self.at += 1;
            }
            if self.at < self.piece.len() {
                self.after_cr = false;
                seen = true;
            }
            let rest = &self.piece[self.at..];
            let end = rest.find(['\n', '\r']);
            let part = &rest[..end.unwrap_or(rest.len())];
            length += part.len();
            if length <= MAX_LINE_BYTES {
                self.line.push_str(part);
            }
            if let Some(end) = end {
                self.after_cr = rest[end..].starts_with('\r');
                self.at += end + 1;
                self.number += 1;
                return Ok((true, length));
            }
            self.piece.clear();
            self.at = 0;
            if !self.text.read_piece(&mut self.piece)? {
                return Ok((seen, length));
            }
        }
    }
}

/// A key of an object, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub place: Place,
}

/// One line, as far as it is read.
struct Parser<'a> {
    rest: &'a str,
    place: Place,
}

impl<'a> Parser<'a> {
    /// Errors say what is wrong at the place that was reached.
    fn object(&mut self, keys: &mut Vec<Key>, record: &mut Record) -> Result<(), String> {
        const EXPECTED: &str = "a line of JSON is one object: {\"company_id\": \"C-1001\", \"name\": \"…\"}";
        self.space();
        self.past('{', EXPECTED)?;
        self.space();
        if self.rest.starts_with('}') {
            self.take(1);
        } else {
            loop {
                self.space();
                let place = self.place;
                let name = self.string("a key in double quotes is expected here")?;
                if keys.len() == MAX_KEYS {
                    self.place = place;
                    return Err(format!("this object has more than {MAX_KEYS} keys"));
                }
                let of_key = format!("{name:?}");
                keys.push(Key { name, place });
                self.space();
                self.past(':', "a colon is expected here, after the key")?;
                self.space();
                let place = self.place;
                let value = self.value().map_err(|reason| format!("{of_key}: {reason}"))?;
                record.push_value(&value, place);
                self.space();
                if self.rest.starts_with('}') {
                    self.take(1);
                    break;
                }
                self.past(',', "a comma or the closing brace is expected here")?;
            }
        }
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(format!("there is text after the object; {EXPECTED}")) }
    }

    /// What a cell of CSV would hold: the text, a number as it is written, true or false, nothing for null.
    fn value(&mut self) -> Result<String, String> {
        const EXPECTED: &str = "a text in double quotes, a number, true, false or null is expected here";
        for (word, text) in [("null", ""), ("true", "true"), ("false", "false")] {
            if self.rest.starts_with(word) {
                self.take(word.len());
                return Ok(text.to_owned());
            }
        }
        match self.rest.chars().next() {
            Some('"') => self.string(EXPECTED),
            Some('-' | '0'..='9') => self.number(),
            Some('[' | '{') => Err("lists and objects cannot stand in a column: write a text or a number".to_owned()),
            _ => Err(EXPECTED.to_owned()),
        }
    }

    /// As RFC 8259 writes it, and as it stands there: nothing is rounded.
    fn number(&mut self) -> Result<String, String> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(start);
        let mut end = start + whole;
        let mut sound = whole == 1 || (whole > 1 && bytes[start] != b'0');
        if bytes.get(end) == Some(&b'.') {
            let decimals = digits(end + 1);
            sound &= decimals > 0;
            end += 1 + decimals;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            sound &= exponent > 0;
            end += 1 + sign + exponent;
        }
        if !sound {
            return Err("this is no number as JSON writes it: 12, -3.50, 1e3".to_owned());
        }
        let text = self.rest[..end].to_owned();
        self.take(end);
        Ok(text)
    }

    fn string(&mut self, expected: &str) -> Result<String, String> {
        self.past('"', expected)?;
        let mut text = String::new();
        loop {
            let plain = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(self.rest.len());
            text.push_str(&self.rest[..plain]);
            self.take(plain);
            match self.rest.chars().next() {
                Some('"') => {
                    self.take(1);
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                Some(c) => return Err(format!("a control character (U+{:04X}) must be escaped here", u32::from(c))),
                None => return Err("the text that began before is never closed on this line".to_owned()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let unknown = "there is no such escape in JSON: write \\\\ for a backslash";
        let c = match self.rest.chars().nth(1).ok_or(unknown)? {
            c @ ('"' | '\\' | '/') => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => return self.unicode(),
            _ => return Err(unknown.to_owned()),
        };
        self.take(2);
        Ok(c)
    }

    /// `\u00e9`, or two halves of a character beyond the first 65,536.
    fn unicode(&mut self) -> Result<char, String> {
        let wrong = "this is no character: \\u and four hexadecimal digits, or two such halves of one";
        let unit = |rest: &str| {
            let digits =
                rest.strip_prefix("\\u").and_then(|rest| rest.get(..4)).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            digits.and_then(|digits| u16::from_str_radix(digits, 16).ok())
        };
        let first = unit(self.rest).ok_or(wrong)?;
        let units: Vec<u16> = std::iter::once(first).chain(self.rest.get(6..).and_then(unit)).collect();
        let one = char::decode_utf16([first]).next().and_then(Result::ok);
        let c = one.or_else(|| char::decode_utf16(units).next().and_then(Result::ok)).ok_or(wrong)?;
        self.take(if one.is_some() { 6 } else { 12 });
        Ok(c)
    }

    fn past(&mut self, c: char, reason: &str) -> Result<(), String> {
        if !self.rest.starts_with(c) {
            return Err(reason.to_owned());
        }
        self.take(c.len_utf8());
        Ok(())
    }

    fn space(&mut self) {
        self.take(self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len());
    }

    fn take(&mut self, bytes: usize) {
        let (taken, rest): (&'a str, &'a str) = self.rest.split_at(bytes);
        self.place.column += taken.chars().count() as u64;
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Read = Result<Vec<(String, String)>, (u64, u64, String)>;

    fn read(text: &str) -> Vec<Read> {
        let mut scanner = JsonScanner::new(Text::new(text.as_bytes(), encoding_rs::UTF_8));
        let (mut keys, mut record, mut all) = (Vec::new(), Record::new(), Vec::new());
        while scanner.read_record(&mut keys, &mut record).unwrap() {
            all.push(match record.faults().first() {
                Some(fault) => Err((fault.place.line, fault.place.column, fault.reason.clone())),
                None => Ok(keys.iter().enumerate().map(|(i, key)| (key.name.clone(), record.cell(i).to_owned())).collect()),
            });
        }
        all
    }

    fn one(text: &str) -> Read {
        read(text).remove(0)
    }

    #[test]
    fn values_are_what_a_cell_would_hold() {
        let read = one(r#" { "a" : "x\"\\\/\n\u00e9\ud83e\udd80" , "b":-0.50,"c":1e3, "d":true,"e":null} "#).unwrap();
        let values: Vec<&str> = read.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["x\"\\/\né🦀", "-0.50", "1e3", "true", ""]);
        assert_eq!(one("{}").unwrap(), []);
    }

    #[test]
    fn lines_are_counted_and_blank_ones_skipped() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["{\"a\":1}", "", "  ", "{\"a\":2}", "{\"a\":x}"].join(end);
            let read = read(&text);
            assert_eq!(read.len(), 3, "{end:?}");
            let (line, column, _) = read[2].clone().unwrap_err();
            assert_eq!((line, column), (5, 6), "{end:?}");
        }
        let long = format!("{{\"a\":\"{}\"}}\n{{\"a\":1}}", "ü".repeat(MAX_LINE_BYTES));
        let read = read(&long);
        assert!(read[0].clone().unwrap_err().2.contains("at most 1048576"));
        assert_eq!(read[1], Ok(vec![("a".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, column, told) in [
            ("[1]", 1, "one object"),
            ("{\"a\" 1}", 6, "colon"),
            ("{\"ü\":[1]}", 6, "lists"),
            ("{\"a\":1,}", 8, "key"),
            ("{\"a\":1} 2", 9, "after the object"),
            ("{\"a\":\"x", 8, "never closed"),
            ("{\"a\":\"\\x\"}", 7, "escape"),
            ("{\"a\":\"\\ud800\"}", 7, "no character"),
            ("{\"a\":01}", 6, "no number"),
            ("{\"a\":1.}", 6, "no number"),
            ("{\"a\":\"\t\"}", 7, "U+0009"),
        ] {
            let (_, at, reason) = one(text).unwrap_err();
            assert!(at == column && reason.contains(told), "{text}: {at} {reason}");
        }
    }

    fn flat() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(
            &[
                "{", "}", "\"", "a", ":", ",", "1", "-", ".", "e", "0", "\\", "n", "u00e9", "ud83e", " ", "true", "null", "ü",
                "[", "]",
            ][..],
        );
        prop_oneof![
            prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat()),
            ("[a-z]{1,3}", ".{0,6}", "-?[0-9]{1,3}(\\.[0-9]{1,2})?(e[0-9])?")
                .prop_map(|(key, text, number)| { format!("{{\"{key}\":{},\"n\":{number}}}", serde_json::Value::from(text)) }),
        ]
    }

    proptest! {
        #[test]
        fn serde_json_reads_the_same(text in flat()) {
            // It lets the last of two equal keys win, and knows values that a column cannot hold.
            let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            let ours = read(&text);
            if text.trim().is_empty() {
                prop_assert!(ours.is_empty());
                return Ok(());
            }
            match (&theirs, &ours[0]) {
                (Ok(map), Ok(pairs)) => {
                    for (key, value) in pairs {
                        let last = pairs.iter().rev().find(|pair| pair.0 == *key).map(|pair| &pair.1);
                        match &map[key] {
                            serde_json::Value::String(text) => prop_assert_eq!(Some(text), last),
                            serde_json::Value::Null => prop_assert_eq!("", last.unwrap().as_str()),
                            serde_json::Value::Number(number) => {
                                prop_assert_eq!(number.as_f64(), last.unwrap().parse::<f64>().ok());
                            }
                            _ => prop_assert!(value == "true" || value == "false" || last != Some(value)),
                        }
                    }
                }
                (Ok(map), Err(_)) => prop_assert!(map.values().any(|v| v.is_array() || v.is_object()) || text.contains(['\n', '\r'])),
                (Err(_), Ok(pairs)) => prop_assert!(false, "only we read {text:?} as {pairs:?}"),
                (Err(_), Err(_)) => {}
            }
        }
    }
}
