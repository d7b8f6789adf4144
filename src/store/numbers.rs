//! Number series: gapless, taken in the transaction that issues the documents.

use super::value::Kind::{Int, Text};
use super::{Bulk, StoreError, Tx, Val};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::{CompanyId, InvoiceId, SellerId};
use chrono::NaiveDate;

/// What a series answers when numbers are asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The first of the numbers that were taken.
    From(u64),
    /// The series has already issued on a later date than this; nothing was taken.
    LaterDateIssued(NaiveDate),
}

/// Takes `count` numbers of a series for a year (0 where numbers do not restart), for documents
/// issued on `issued_on`. Holds the counter's row until the transaction ends, which makes issuing
/// serial per series.
pub fn take(tx: &mut Tx, series_id: &str, year: i32, count: u64, issued_on: NaiveDate) -> Result<Taken, StoreError> {
    const OPEN: &str = "INSERT INTO series_counters (series_id, year, next_seq, last_issued_on) VALUES ($1, $2, 1, $3)
      ON CONFLICT (series_id, year) DO NOTHING";
    const TAKE: &str = "UPDATE series_counters SET next_seq = next_seq + $3, last_issued_on = $4
      WHERE series_id = $1 AND year = $2 AND NOT EXISTS
        (SELECT 1 FROM series_counters o WHERE o.series_id = $1 AND o.last_issued_on > $4) RETURNING next_seq";
    let year = Val::Int(i64::from(year));
    let count_value = Val::Int(i64::try_from(count).map_err(|_| StoreError::Other("too many numbers asked for".to_owned()))?);
    tx.execute(OPEN, &[series_id.into(), year.clone(), issued_on.into()])?;
    let next =
        tx.query_opt(TAKE, &[series_id.into(), year.clone(), count_value, issued_on.into()], |row| row.number::<u64>(0))?;
    match next {
        Some(next) => Ok(Taken::From(next - count)),
        None => Ok(Taken::LaterDateIssued(last_issued_on(tx, series_id)?.unwrap_or(issued_on))),
    }
}

/// The date of the latest document of a series, in any year: dates ascend with the numbers.
pub fn last_issued_on(tx: &mut Tx, series_id: &str) -> Result<Option<NaiveDate>, StoreError> {
    const SQL: &str = "SELECT last_issued_on FROM series_counters WHERE series_id = $1 ORDER BY last_issued_on DESC LIMIT 1";
    tx.query_opt(SQL, &[series_id.into()], |row| row.date(0))
}

/// One number that was given.
pub struct Given<'a> {
    pub series_id: &'a str,
    pub year: i32,
    pub seq: u64,
    pub company_id: &'a CompanyId,
    pub document_id: &'a InvoiceId,
}

static INSERT: Bulk<5> = Bulk {
    table: "document_numbers",
    columns: [("series_id", Text), ("year", Int), ("seq", Int), ("company_id", Text), ("document_id", Text)],
    on_conflict: "",
};

/// Writes down which document got which number.
pub fn record(tx: &mut Tx, given: &[Given]) -> Result<(), StoreError> {
    let rows = given.iter().map(|g| -> [Val; 5] {
        [
            g.series_id.into(),
            Val::Int(i64::from(g.year)),
            Val::Int(i64::try_from(g.seq).unwrap_or(i64::MAX)),
            g.company_id.as_str().into(),
            g.document_id.as_str().into(),
        ]
    });
    tx.insert(&INSERT, rows).map(drop)
}

/// Numbers that were given, and of which this database has lost the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostNumbers {
    pub from: u64,
    pub to: u64,
}

/// Passes over the numbers of a series up to `to`, all of which count as given: each is kept under
/// `_system` as `restored:` and its label. None when the series is beyond it already.
pub fn pass_over(
    tx: &mut Tx,
    (series_id, year): (&str, i32),
    to: u64,
    opened_on: NaiveDate,
    label: impl Fn(u64) -> String,
) -> Result<Option<LostNumbers>, StoreError> {
    const OPEN: &str = "INSERT INTO series_counters (series_id, year, next_seq, last_issued_on) VALUES ($1, $2, 1, $3)
      ON CONFLICT (series_id, year) DO NOTHING";
    const HOLD: &str = "UPDATE series_counters SET next_seq = next_seq WHERE series_id = $1 AND year = $2 RETURNING next_seq";
    const RAISE: &str = "UPDATE series_counters SET next_seq = $3 WHERE series_id = $1 AND year = $2";
    let year_value = Val::Int(i64::from(year));
    tx.execute(OPEN, &[series_id.into(), year_value.clone(), opened_on.into()])?;
    let from = tx.query_opt(HOLD, &[series_id.into(), year_value.clone()], |row| row.number::<u64>(0))?.unwrap_or(1);
    if from > to {
        return Ok(None);
    }
    let next = Val::Int(i64::try_from(to + 1).map_err(|_| StoreError::Other("a number is too high".to_owned()))?);
    tx.execute(RAISE, &[series_id.into(), year_value, next])?;
    let company_id = CompanyId::stored(SYSTEM_COMPANY);
    let documents: Vec<InvoiceId> = (from..=to).map(|seq| InvoiceId::stored(&format!("restored:{}", label(seq)))).collect();
    let given: Vec<Given> = (from..)
        .zip(&documents)
        .map(|(seq, document_id)| Given { series_id, year, seq, company_id: &company_id, document_id })
        .collect();
    record(tx, &given)?;
    Ok(Some(LostNumbers { from, to }))
}

/// The number that a series gives next in a year.
pub fn next(tx: &mut Tx, series_id: &str, year: i32) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT next_seq FROM series_counters WHERE series_id = $1 AND year = $2";
    let next = tx.query_opt(SQL, &[series_id.into(), Val::Int(i64::from(year))], |row| row.number(0))?;
    Ok(next.unwrap_or(1))
}

/// Whether any document was ever issued.
pub fn any_given(tx: &mut Tx) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM document_numbers LIMIT 1";
    Ok(tx.query_opt(SQL, &[], |_| Ok(()))?.is_some())
}

/// The numbers of a seller between these two, ends included, byte by byte: whoever gave them, here or in another system.
pub fn given_between(tx: &mut Tx, seller_id: &SellerId, (first, last): (&str, &str)) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT number FROM invoices WHERE number >= $1 AND number <= $2 AND seller_id = $3";
    tx.query(SQL, &[first.into(), last.into(), seller_id.as_str().into()], |row| row.string(0))
}

/// Whether a seller has given this number already, in whatever series or system.
pub fn is_given(tx: &mut Tx, seller_id: &SellerId, number: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM invoices WHERE number = $1 AND seller_id = $2";
    Ok(tx.query_opt(SQL, &[number.into(), seller_id.as_str().into()], |_| Ok(()))?.is_some())
}
