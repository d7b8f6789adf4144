//! What was billed for the periods before those that are due: what a run is compared with.

use super::read::{line_columns, read_line};
use crate::model::{CompanyId, ContractId, InvoiceId, InvoiceLine};
use crate::store::{Row, StoreError, Tx};
use chrono::NaiveDate;

/// A line of an invoice that billed an earlier period of a contract that is due.
#[derive(Debug, Clone)]
pub struct Before {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    pub position: u32,
    /// The period on the invoice: its contract and its start.
    pub contract_id: ContractId,
    pub start: NaiveDate,
    pub revision: u32,
    pub line: InvoiceLine,
}

/// Of the contracts of these companies (ids ascending) that are due until a day: the lines of all
/// periods that were billed since `since`, and the items beside them. Voided invoices are left out.
/// Each contract's part is one range of the key, so its older history costs nothing.
pub fn before_due(tx: &mut Tx, companies: &[&str], until: NaiveDate, since: NaiveDate) -> Result<Vec<Before>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        line_columns!(),
        ", p.contract_id, p.period_start, p.revision, l.position FROM billing_schedule s
          JOIN billed_periods p ON p.company_id = s.company_id AND p.contract_id = s.contract_id AND p.period_start >= $3
          JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
          JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
          WHERE s.company_id = $1 AND s.next_due_on <= $2 AND i.state <> 'void' AND (l.kind = 'item' OR l.contract_id = p.contract_id)"
    );
    tx.query_companies(SQL, companies, &[until.into(), since.into()], read_before)
}

/// A contract that ended, with a line of the last periods that it was billed for.
#[derive(Debug, Clone)]
pub struct Ended {
    pub end: NaiveDate,
    pub period_end: NaiveDate,
    pub before: Before,
}

/// Of the contracts that ended within these days: the lines of all periods billed since the first of
/// them, and the items beside them. A look at all contracts.
pub fn before_end(tx: &mut Tx, (first, last): (NaiveDate, NaiveDate), since: NaiveDate) -> Result<Vec<Ended>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        line_columns!(),
        ", p.contract_id, p.period_start, p.revision, l.position, c.end_on, p.period_end FROM contracts c
          JOIN billed_periods p ON p.company_id = c.company_id AND p.contract_id = c.contract_id AND p.period_start >= $3
          JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
          JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
          WHERE c.end_on >= $1 AND c.end_on <= $2 AND i.state <> 'void' AND (l.kind = 'item' OR l.contract_id = p.contract_id)"
    );
    tx.query(SQL, &[first.into(), last.into(), since.into()], |row| {
        Ok(Ended { end: row.date(26)?, period_end: row.date(27)?, before: read_before(row)? })
    })
}

fn read_before(row: &Row) -> Result<Before, StoreError> {
    let (invoice_id, line) = read_line(row)?;
    Ok(Before {
        company_id: CompanyId::stored(row.text(0)?),
        invoice_id,
        position: row.number(25)?,
        contract_id: ContractId::stored(row.text(22)?),
        start: row.date(23)?,
        revision: row.number(24)?,
        line,
    })
}
