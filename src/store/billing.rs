//! Where billing stands: the schedule that finds what is due, and the rows that say what is billed.

use super::contracts::{CONTRACT_COLUMNS, contract_columns, item_columns, read_contract, read_item};
use super::value::Kind::{Int, Text};
use super::{Bulk, StoreError, Tx, Val};
use crate::model::{CompanyId, Contract, ContractId, ContractItem, InvoiceId, InvoiceState, Period};
use chrono::NaiveDate;

/// The first period of a contract that is not billed; None when nothing is left to bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    pub start: NaiveDate,
    pub due_on: NaiveDate,
}

/// A contract whose schedule says that something is due.
#[derive(Debug, Clone)]
pub struct DueContract {
    pub contract: Contract,
    pub next: Next,
    /// The schedule's revision, which a change to it must name.
    pub revision: i64,
}

/// A place in the due index: (next_due_on, company, contract). The default is before the first.
pub type DueKey = (String, String, String);

/// The next contracts after `after` that are due until `until` (a local date): one range of one index.
pub fn due(tx: &mut Tx, until: NaiveDate, after: &DueKey, limit: u32) -> Result<Vec<DueKey>, StoreError> {
    const SQL: &str = "SELECT next_due_on, company_id, contract_id FROM billing_schedule
      WHERE next_due_on <= $1 AND (next_due_on, company_id, contract_id) > ($2, $3, $4)
      ORDER BY next_due_on, company_id, contract_id LIMIT $5";
    let params = [until.into(), (&after.0).into(), (&after.1).into(), (&after.2).into(), limit.into()];
    tx.query(SQL, &params, |row| Ok((row.string(0)?, row.string(1)?, row.string(2)?)))
}

/// How many companies have contracts that are due until that date.
pub fn count_due(tx: &mut Tx, until: NaiveDate) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(DISTINCT company_id) FROM billing_schedule WHERE next_due_on <= $1";
    Ok(tx.query_opt(SQL, &[until.into()], |row| row.number(0))?.unwrap_or(0))
}

/// The due contracts of these companies (ids ascending), by (company, contract).
pub fn due_contracts(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Vec<DueContract>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        contract_columns!(),
        ", b.next_start, b.next_due_on, b.revision FROM billing_schedule b
         JOIN contracts c ON c.company_id = b.company_id AND c.contract_id = b.contract_id
         WHERE b.company_id = $1 AND b.next_due_on <= $2 ORDER BY c.company_id, c.contract_id"
    );
    tx.query_companies(SQL, companies, &[until.into()], |row| {
        Ok(DueContract {
            contract: read_contract(row)?,
            next: Next { start: row.date(CONTRACT_COLUMNS)?, due_on: row.date(CONTRACT_COLUMNS + 1)? },
            revision: row.int(CONTRACT_COLUMNS + 2)?,
        })
    })
}

/// The item versions of the due contracts of these companies, by (company, contract, item, valid_from).
pub fn due_items(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Vec<ContractItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        item_columns!(),
        " FROM billing_schedule b
         JOIN contract_items i ON i.company_id = b.company_id AND i.contract_id = b.contract_id
         WHERE b.company_id = $1 AND b.next_due_on <= $2 ORDER BY i.company_id, i.contract_id, i.item_id, i.valid_from"
    );
    tx.query_companies(SQL, companies, &[until.into()], read_item)
}

/// Periods of the due contracts of these companies that were billed out of order: at or after the
/// first one that is not billed. Normally none. By (company, contract, period start).
pub fn due_billed(
    tx: &mut Tx,
    companies: &[&str],
    until: NaiveDate,
) -> Result<Vec<(CompanyId, ContractId, NaiveDate)>, StoreError> {
    const SQL: &str = "SELECT p.company_id, p.contract_id, p.period_start FROM billing_schedule b
      JOIN billed_periods p ON p.company_id = b.company_id AND p.contract_id = b.contract_id AND p.period_start >= b.next_start
      WHERE b.company_id = $1 AND b.next_due_on <= $2 ORDER BY p.company_id, p.contract_id, p.period_start, p.revision";
    tx.query_companies(SQL, companies, &[until.into()], |row| {
        Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?), row.date(2)?))
    })
}

/// A contract's schedule: what is next, and the revision that a change must name.
pub fn schedule(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
) -> Result<Option<(Option<Next>, i64)>, StoreError> {
    const SQL: &str = "SELECT next_start, next_due_on, revision FROM billing_schedule WHERE company_id = $1 AND contract_id = $2";
    tx.query_opt(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], |row| {
        let next = match (row.opt_date(0)?, row.opt_date(1)?) {
            (Some(start), Some(due_on)) => Some(Next { start, due_on }),
            _ => None,
        };
        Ok((next, row.int(2)?))
    })
}

/// Moves a contract's schedule on.
#[derive(Debug, Clone)]
pub struct ScheduleChange {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub next: Option<Next>,
    /// The revision that the change was made from; 0 for a contract that has none yet.
    pub revision: i64,
}

static MOVE: Bulk<5> = Bulk {
    table: "billing_schedule",
    columns: [("company_id", Text), ("contract_id", Text), ("next_start", Text), ("next_due_on", Text), ("revision", Int)],
    on_conflict: "ON CONFLICT (company_id, contract_id) DO UPDATE SET next_start = excluded.next_start,
      next_due_on = excluded.next_due_on, revision = billing_schedule.revision + 1
      WHERE billing_schedule.revision = excluded.revision",
};

/// Moves schedules on. A contract whose inputs changed since the plan was made (another revision)
/// refuses it, as `Busy`, so that the transaction is replayed from what is there now.
pub fn move_schedules(tx: &mut Tx, changes: &[ScheduleChange]) -> Result<(), StoreError> {
    let rows = changes.iter().map(|c| -> [Val; 5] {
        [
            c.company_id.as_str().into(),
            c.contract_id.as_str().into(),
            c.next.map(|n| n.start).into(),
            c.next.map(|n| n.due_on).into(),
            c.revision.into(),
        ]
    });
    let moved = tx.insert(&MOVE, rows)?;
    if moved == changes.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::Busy("a contract changed while it was being billed".to_owned()))
    }
}

/// One period of one contract, billed by one invoice.
#[derive(Debug, Clone)]
pub struct BilledPeriod {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub revision: u32,
    pub invoice_id: InvoiceId,
}

static CLAIM: Bulk<6> = Bulk {
    table: "billed_periods",
    columns: [
        ("company_id", Text),
        ("contract_id", Text),
        ("period_start", Text),
        ("revision", Int),
        ("period_end", Text),
        ("invoice_id", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, contract_id, period_start, revision) DO NOTHING",
};

/// Claims periods for invoices. False if one of them was billed already; the caller rolls back.
pub fn claim(tx: &mut Tx, periods: &[&BilledPeriod]) -> Result<bool, StoreError> {
    let rows = periods.iter().map(|p| -> [Val; 6] {
        [
            p.company_id.as_str().into(),
            p.contract_id.as_str().into(),
            p.start.into(),
            p.revision.into(),
            p.end.into(),
            p.invoice_id.as_str().into(),
        ]
    });
    Ok(tx.insert(&CLAIM, rows)? == periods.len() as u64)
}

/// The periods that an invoice bills, by (contract, start).
pub fn of_invoice(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<BilledPeriod>, StoreError> {
    const SQL: &str = "SELECT contract_id, period_start, period_end, revision FROM billed_periods
      WHERE company_id = $1 AND invoice_id = $2 ORDER BY contract_id, period_start";
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| {
        Ok(BilledPeriod {
            company_id: company_id.clone(),
            contract_id: ContractId::stored(row.text(0)?),
            start: row.date(1)?,
            end: row.date(2)?,
            revision: row.number(3)?,
            invoice_id: invoice_id.clone(),
        })
    })
}

/// Frees the periods of a draft that goes away.
pub fn release(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM billed_periods WHERE company_id = $1 AND invoice_id = $2";
    tx.execute(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()])
}

/// A billed period is charged beyond where an end had cut it: it is billed until then.
pub fn extend(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
    start: NaiveDate,
    end: NaiveDate,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE billed_periods SET period_end = $4
      WHERE company_id = $1 AND contract_id = $2 AND period_start = $3 AND period_end < $4";
    tx.execute(SQL, &[company_id.as_str().into(), contract_id.as_str().into(), start.into(), end.into()]).map(drop)
}

/// The starts and ends of all periods of a contract that are billed, each once, by start.
pub fn billed_periods(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
) -> Result<Vec<(NaiveDate, NaiveDate)>, StoreError> {
    const SQL: &str = "SELECT DISTINCT period_start, period_end FROM billed_periods
      WHERE company_id = $1 AND contract_id = $2 ORDER BY period_start";
    tx.query(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], |row| Ok((row.date(0)?, row.date(1)?)))
}

/// The end of the last billed period of a contract that is no longer a draft.
pub fn issued_until(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<Option<NaiveDate>, StoreError> {
    const SQL: &str = "SELECT p.period_end FROM billed_periods p
      JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
      WHERE p.company_id = $1 AND p.contract_id = $2 AND i.state <> 'draft' ORDER BY p.period_start DESC LIMIT 1";
    tx.query_opt(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], |row| row.date(0))
}

/// The latest revision in which a contract's period was billed, and by which invoice.
pub fn latest_revision(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
    start: NaiveDate,
) -> Result<Option<(u32, InvoiceId)>, StoreError> {
    const SQL: &str =
        "SELECT revision, invoice_id FROM billed_periods WHERE company_id = $1 AND contract_id = $2 AND period_start = $3
      ORDER BY revision DESC LIMIT 1";
    tx.query_opt(SQL, &[company_id.as_str().into(), contract_id.as_str().into(), start.into()], |row| {
        Ok((row.number(0)?, InvoiceId::stored(row.text(1)?)))
    })
}

/// The invoice that billed a period last, in a later revision than this one.
pub fn billed_anew(tx: &mut Tx, period: &BilledPeriod) -> Result<Option<InvoiceId>, StoreError> {
    let latest = latest_revision(tx, &period.company_id, &period.contract_id, period.start)?;
    Ok(latest.filter(|(revision, _)| *revision > period.revision).map(|(_, id)| id))
}

/// A billed period, and how far the invoice that bills it has come.
#[derive(Debug, Clone)]
pub struct Billed {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub period: Period,
    pub state: InvoiceState,
    pub invoice_id: InvoiceId,
}

impl Billed {
    /// Whether its service stands on an issued invoice. A voided one no longer counts: its service
    /// may be corrected, to be billed again by `regenerate`.
    pub const fn is_issued(&self) -> bool {
        match self.state {
            InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible => true,
            InvoiceState::Draft | InvoiceState::Void | InvoiceState::Issued => false,
        }
    }
}

/// All billed periods of the contracts of these companies (ids ascending) with an id from the first
/// to the last given, by (company, contract, start, revision). Grows with their history.
pub fn billed_of_companies(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<Billed>, StoreError> {
    const SQL: &str =
        "SELECT p.company_id, p.contract_id, p.period_start, p.period_end, i.state, i.invoice_id FROM billed_periods p
      JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
      WHERE p.company_id = $1 AND p.contract_id >= $2 AND p.contract_id <= $3
      ORDER BY p.company_id, p.contract_id, p.period_start, p.revision";
    tx.query_companies(SQL, companies, &[first.into(), last.into()], |row| {
        Ok(Billed {
            company_id: CompanyId::stored(row.text(0)?),
            contract_id: ContractId::stored(row.text(1)?),
            period: row.period(2)?,
            state: row.parse(4)?,
            invoice_id: InvoiceId::stored(row.text(5)?),
        })
    })
}

/// The schedules of the contracts of these companies (ids ascending) with an id from the first to
/// the last given, each as a change that would leave it where it is.
pub fn schedules_of_companies(
    tx: &mut Tx,
    companies: &[&str],
    (first, last): (&str, &str),
) -> Result<Vec<ScheduleChange>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, next_start, next_due_on, revision FROM billing_schedule
      WHERE company_id = $1 AND contract_id >= $2 AND contract_id <= $3 ORDER BY company_id, contract_id";
    tx.query_companies(SQL, companies, &[first.into(), last.into()], |row| {
        let next = match (row.opt_date(2)?, row.opt_date(3)?) {
            (Some(start), Some(due_on)) => Some(Next { start, due_on }),
            _ => None,
        };
        Ok(ScheduleChange {
            company_id: CompanyId::stored(row.text(0)?),
            contract_id: ContractId::stored(row.text(1)?),
            next,
            revision: row.int(4)?,
        })
    })
}

/// Tells the plans being made of a company's contracts that what they were made from has changed.
pub fn touch_schedules(tx: &mut Tx, company_id: &CompanyId) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE billing_schedule SET revision = revision + 1 WHERE company_id = $1";
    tx.execute(SQL, &[company_id.as_str().into()]).map(drop)
}
