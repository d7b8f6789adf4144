//! Invoice numbers as people read them: `INV-{year}-{seq:06}` is INV-2026-000042.

use crate::model::Invalid;
use std::fmt::Write as _;

/// A pattern of literal text, `{year}` (of the issue date), `{seq}`, and `{seq:06}` (at least six digits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Year,
    /// At least that many digits.
    Seq(usize),
}

/// More digits than a counter can have.
const MAX_WIDTH: usize = 20;

impl NumberFormat {
    /// Refuses, in words, a field that does not exist, a brace left open, or a pattern without `{seq}`.
    pub fn parse(format: &str) -> Result<Self, Invalid> {
        let mut pieces = Vec::new();
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, field) = rest.split_at(at);
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            let (field, after) = field
                .strip_prefix('{')
                .and_then(|field| field.split_once('}'))
                .ok_or_else(|| Invalid::new(format!("number format {format:?} has a brace without its partner")))?;
            pieces.push(Piece::parse(field).ok_or_else(|| {
                Invalid::new(format!(
                    "number format {format:?} has the field {{{field}}}: write {{year}}, {{seq}} or {{seq:06}} (1 to {MAX_WIDTH} digits)"
                ))
            })?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if format.chars().any(char::is_control) {
            return Err(Invalid::new(format!("number format {format:?} contains a control character")));
        }
        match pieces.iter().filter(|piece| matches!(piece, Piece::Seq(_))).count() {
            1 => Ok(Self { pieces }),
            0 => Err(Invalid::new(format!("number format {format:?} has no {{seq}}, so all numbers would be the same"))),
            _ => Err(Invalid::new(format!("number format {format:?} has more than one {{seq}}"))),
        }
    }

    /// The number of a document, by the year of its issue date and its place in the series.
    pub fn format(&self, year: i32, seq: u64) -> String {
        let mut number = String::new();
        for piece in &self.pieces {
            // Writing to a String cannot fail.
            let _ = match piece {
                Piece::Text(text) => number.write_str(text),
                Piece::Year => write!(number, "{year:04}"),
                Piece::Seq(width) => write!(number, "{seq:0width$}"),
            };
        }
        number
    }

    /// The counter's value in a number that this format makes in that year; None for any other text.
    pub fn read(&self, number: &str, year: i32) -> Option<u64> {
        let at = self.pieces.iter().position(|piece| matches!(piece, Piece::Seq(_)))?;
        let around = |pieces: &[Piece]| Self { pieces: pieces.to_vec() }.format(year, 0);
        let digits = number.strip_prefix(&around(&self.pieces[..at]))?.strip_suffix(&around(&self.pieces[at + 1..]))?;
        let seq = digits.parse().ok()?;
        (self.format(year, seq) == number).then_some(seq)
    }

    /// Whether the counter starts again at 1 each year: a number without its year must never repeat.
    pub fn restarts_yearly(&self) -> bool {
        self.pieces.contains(&Piece::Year)
    }
}

impl Piece {
    fn parse(field: &str) -> Option<Self> {
        match field {
            "year" => Some(Self::Year),
            "seq" => Some(Self::Seq(1)),
            _ => {
                let digits = field.strip_prefix("seq:0")?;
                let width = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok()? } else { 0 };
                (1..=MAX_WIDTH).contains(&width).then_some(Self::Seq(width))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (format, seq, number, yearly) in [
            ("INV-{year}-{seq:06}", 42, "INV-2026-000042", true),
            ("INV-{year}-{seq:06}", 12_345_678, "INV-2026-12345678", true),
            ("{seq}", 7, "7", false),
            ("RE{seq:04}/{year}", 7, "RE0007/2026", true),
            ("№ {seq:012}", 7, "№ 000000000007", false),
        ] {
            let parsed = NumberFormat::parse(format).unwrap();
            assert_eq!((parsed.format(2026, seq).as_str(), parsed.restarts_yearly()), (number, yearly));
            assert_eq!(parsed.read(number, 2026), Some(seq));
            for other in ["", "x", &format!("{number}0x"), &format!("0{number}"), &number.replace('7', "+7")] {
                assert_eq!(parsed.read(other, 2026).map(|seq| parsed.format(2026, seq)).as_deref().unwrap_or(other), other);
            }
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (format, told) in [
            ("INV-{year}", "has no {seq}"),
            ("", "has no {seq}"),
            ("INV-{seq", "without its partner"),
            ("INV-seq}", "without its partner"),
            ("{{seq}}", "has the field {{seq}"),
            ("{month}-{seq}", "has the field {month}"),
            ("{seq:6}", "has the field {seq:6}"),
            ("{seq:00}", "has the field {seq:00}"),
            ("{seq:021}", "has the field {seq:021}"),
            ("{seq:0+6}", "has the field"),
            ("{seq}{seq}", "more than one {seq}"),
            ("{seq}\n", "control character"),
        ] {
            let error = NumberFormat::parse(format).unwrap_err().to_string();
            assert!(error.contains(told), "{format:?}: {error}");
        }
    }
}
