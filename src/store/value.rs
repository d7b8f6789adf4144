//! What goes into a statement and what comes out of a row, the same on both engines.

use super::StoreError;
use crate::model::{Currency, LineDetail, Money, Period, calendar, money};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::str::FromStr;

/// A parameter. Dates, instants and decimals are stored as text (schema.sql, conventions).
#[derive(Debug, Clone, PartialEq)]
pub enum Val<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Blob(&'a [u8]),
}

impl Val<'_> {
    /// Writes it as JSON.
    fn json(&self, out: &mut Vec<u8>) {
        let written = match self {
            Self::Null => serde_json::to_writer(out, &()),
            Self::Int(value) => serde_json::to_writer(out, value),
            Self::Text(text) => serde_json::to_writer(out, text.as_ref()),
            // Files are told by their size; their content has its own digest beside.
            Self::Blob(bytes) => serde_json::to_writer(out, &bytes.len()),
        };
        debug_assert!(written.is_ok(), "memory takes whatever is written to it");
    }
}

impl<'a> From<&'a str> for Val<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl<'a> From<&'a String> for Val<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl From<String> for Val<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}
impl From<NaiveDate> for Val<'_> {
    fn from(value: NaiveDate) -> Self {
        Self::Text(Cow::Owned(value.to_string()))
    }
}
impl From<DateTime<Utc>> for Val<'_> {
    fn from(value: DateTime<Utc>) -> Self {
        Self::Text(Cow::Owned(instant(value)))
    }
}
impl From<Decimal> for Val<'_> {
    fn from(value: Decimal) -> Self {
        Self::Text(Cow::Owned(value.to_string()))
    }
}
impl From<Money> for Val<'_> {
    fn from(value: Money) -> Self {
        Self::Int(value.minor())
    }
}
impl From<Currency> for Val<'_> {
    fn from(value: Currency) -> Self {
        Self::Text(Cow::Borrowed(value.code()))
    }
}
impl From<i64> for Val<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u32> for Val<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<u16> for Val<'_> {
    fn from(value: u16) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<u8> for Val<'_> {
    fn from(value: u8) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<bool> for Val<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl<'a> From<&'a [u8]> for Val<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}
impl<'a, T: Into<Val<'a>>> From<Option<T>> for Val<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An instant as it is stored: UTC, milliseconds, always the same width, so that text order is time order.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The type of a column, as far as the engines differ about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Blob,
}

/// A statement that writes many rows of one table.
pub struct Bulk<const N: usize> {
    pub table: &'static str,
    pub columns: [(&'static str, Kind); N],
    /// `""`, or an `ON CONFLICT …` clause.
    pub on_conflict: &'static str,
}

/// Names a statement by where its constant lies, which is cheaper than hashing its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Address(usize, usize);

impl Address {
    pub(super) fn of(sql: &'static str) -> Self {
        Self(sql.as_ptr().addr(), sql.len())
    }
}

impl<const N: usize> Bulk<N> {
    pub(super) fn address(&'static self) -> Address {
        Address(std::ptr::from_ref(self).addr(), 0)
    }

    /// What a write changes, as JSON for the audit log: `{"after":{…}}` for a new row, and for one
    /// that stood there before, `{"before":{…},"after":{…}}` with the columns that differ.
    pub(super) fn change(&self, before: Option<&[Val; N]>, after: &[Val; N]) -> String {
        let differs = |index: &usize| before.is_none_or(|before| before[*index] != after[*index]);
        // One for each row of an import: written in one go, without a text for each field.
        let mut out = Vec::with_capacity(64 * N);
        let mut side = |head: &str, row: &[Val; N], end: &str| {
            out.extend_from_slice(head.as_bytes());
            for (place, index) in (0..N).filter(differs).enumerate() {
                out.extend_from_slice(if place > 0 { b",\"" } else { b"\"" });
                out.extend_from_slice(self.columns[index].0.as_bytes());
                out.extend_from_slice(b"\":");
                row[index].json(&mut out);
            }
            out.extend_from_slice(end.as_bytes());
        };
        match before {
            Some(before) => {
                side("{\"before\":{", before, "},");
                side("\"after\":{", after, "}}");
            }
            None => side("{\"after\":{", after, "}}"),
        }
        String::from_utf8(out).unwrap_or_default()
    }

    pub(super) fn column_names(&self) -> String {
        self.columns.iter().map(|c| c.0).collect::<Vec<_>>().join(", ")
    }
}

/// A row of a result, read by position.
pub struct Row<'a>(pub(super) Inner<'a>);

pub(super) enum Inner<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match &self.0 {
            Inner::Sqlite(row) => row
                .get_ref(column)
                .map_err(super::sqlite::store_error)?
                .as_str_or_null()
                .map_err(|e| corrupt(column, "", &e.to_string())),
            Inner::Postgres(row) => row.try_get(column).map_err(|e| super::postgres::store_error(&e)),
        }
    }

    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match &self.0 {
            Inner::Sqlite(row) => row.get(column).map_err(super::sqlite::store_error),
            Inner::Postgres(row) => row.try_get(column).map_err(|e| super::postgres::store_error(&e)),
        }
    }

    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match &self.0 {
            Inner::Sqlite(row) => row
                .get_ref(column)
                .map_err(super::sqlite::store_error)?
                .as_blob()
                .map_err(|e| corrupt(column, "", &e.to_string())),
            Inner::Postgres(row) => row.try_get(column).map_err(|e| super::postgres::store_error(&e)),
        }
    }

    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| corrupt(column, "", "it is NULL"))
    }

    pub fn string(&self, column: usize) -> Result<String, StoreError> {
        self.text(column).map(str::to_owned)
    }

    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| corrupt(column, "", "it is NULL"))
    }

    /// A whole number that must fit its type (days, counts, positions).
    pub fn number<T: TryFrom<i64>>(&self, column: usize) -> Result<T, StoreError> {
        let value = self.int(column)?;
        T::try_from(value).map_err(|_| corrupt(column, &value.to_string(), "it is out of range"))
    }

    pub fn opt_number<T: TryFrom<i64>>(&self, column: usize) -> Result<Option<T>, StoreError> {
        match self.opt_int(column)? {
            None => Ok(None),
            Some(value) => T::try_from(value).map(Some).map_err(|_| corrupt(column, &value.to_string(), "it is out of range")),
        }
    }

    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub fn date(&self, column: usize) -> Result<NaiveDate, StoreError> {
        let text = self.text(column)?;
        calendar::parse_date(text).map_err(|e| corrupt(column, text, &e.0))
    }

    pub fn opt_date(&self, column: usize) -> Result<Option<NaiveDate>, StoreError> {
        match self.opt_text(column)? {
            None => Ok(None),
            Some(text) => calendar::parse_date(text).map(Some).map_err(|e| corrupt(column, text, &e.0)),
        }
    }

    /// Two neighbouring columns: start and end of a half-open period.
    pub fn period(&self, column: usize) -> Result<Period, StoreError> {
        let (start, end) = (self.date(column)?, self.date(column + 1)?);
        Period::new(start, end).map_err(|e| corrupt(column, &start.to_string(), &e.0))
    }

    pub fn instant(&self, column: usize) -> Result<DateTime<Utc>, StoreError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| corrupt(column, text, "it is not an instant"))
    }

    pub fn decimal(&self, column: usize) -> Result<Decimal, StoreError> {
        let text = self.text(column)?;
        money::parse_decimal(text).map_err(|e| corrupt(column, text, &e.0))
    }

    pub fn parse<T: FromStr>(&self, column: usize) -> Result<T, StoreError>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.text(column)?;
        text.parse().map_err(|e: T::Err| corrupt(column, text, &e.to_string()))
    }

    /// A text that is empty when there is nothing.
    pub fn parse_opt<T: FromStr>(&self, column: usize) -> Result<Option<T>, StoreError>
    where
        T::Err: std::fmt::Display,
    {
        match self.opt_text(column)? {
            None | Some("") => Ok(None),
            Some(_) => self.parse(column).map(Some),
        }
    }

    /// Details of a line, as JSON; empty when there are none.
    pub fn details(&self, column: usize) -> Result<Vec<LineDetail>, StoreError> {
        match self.text(column)? {
            "" => Ok(Vec::new()),
            text => serde_json::from_str(text).map_err(|e| corrupt(column, text, &e.to_string())),
        }
    }

    pub fn money(&self, column: usize, currency: Currency) -> Result<Money, StoreError> {
        Ok(Money::from_minor(self.int(column)?, currency))
    }
}

fn corrupt(column: usize, value: &str, reason: &str) -> StoreError {
    StoreError::Corrupt { column, value: value.to_owned(), reason: reason.to_owned() }
}
