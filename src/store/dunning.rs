//! Reminders: what is owed, which reminders were planned, and what holds them back.
//!
//! What is owed is found by an index of open invoices: what was paid long ago costs nothing.

use super::events::issued_events;
use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::dunning::{Hold, HoldKind};
use crate::model::{CompanyId, Currency, EffectState, FailureClass, InvoiceId, Money, SellerId};
use chrono::{DateTime, NaiveDate, Utc};

/// Due dates, both inclusive.
pub type DueRange = (NaiveDate, NaiveDate);

/// The companies after `after` that have open invoices with a due date in a range.
pub fn companies_owing(tx: &mut Tx, (from, to): DueRange, after: &str, limit: u32) -> Result<Vec<CompanyId>, StoreError> {
    // As an expression the date is no reason to go by the index of dates, which would sort all that is owed for each page.
    const SQL: &str = "SELECT DISTINCT company_id FROM invoices
      WHERE state = 'open' AND company_id > $1 AND due_on || '' >= $2 AND due_on || '' <= $3 ORDER BY company_id LIMIT $4";
    tx.query(SQL, &[after.into(), from.into(), to.into(), limit.into()], |row| Ok(CompanyId::stored(row.text(0)?)))
}

/// How many companies have such invoices.
pub fn count_owing(tx: &mut Tx, (from, to): DueRange) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(DISTINCT company_id) FROM invoices WHERE state = 'open' AND due_on >= $1 AND due_on <= $2";
    Ok(tx.query_opt(SQL, &[from.into(), to.into()], |row| row.number(0))?.unwrap_or(0))
}

/// An open invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    pub seller_id: SellerId,
    pub number: String,
    pub issued_on: NaiveDate,
    /// When it was sent to the company for the first time; None: not by finops, or not yet.
    pub sent_at: Option<DateTime<Utc>>,
    pub due_on: NaiveDate,
    /// What is still to be paid.
    pub balance: Money,
    /// The policy of reminders that its contract names; empty for none, or for no contract.
    pub policy: String,
}

fn read_owed(row: &Row) -> Result<Owed, StoreError> {
    let currency: Currency = row.parse(3)?;
    let (total, paid, credited) = (row.int(7)?, row.int(8)?, row.int(9)?);
    Ok(Owed {
        company_id: CompanyId::stored(row.text(0)?),
        invoice_id: InvoiceId::stored(row.text(1)?),
        seller_id: SellerId::stored(row.text(2)?),
        number: row.string(4)?,
        issued_on: row.date(5)?,
        sent_at: row.parse_opt(11)?,
        due_on: row.date(6)?,
        balance: Money::from_minor(total.saturating_sub(paid).saturating_sub(credited), currency),
        policy: row.string(10)?,
    })
}

/// The open invoices of these companies (ids ascending) with a due date in a range, by company and due date.
pub fn owed(tx: &mut Tx, companies: &[&str], (from, to): DueRange) -> Result<Vec<Owed>, StoreError> {
    const SQL: &str =
        "SELECT i.company_id, i.invoice_id, i.seller_id, i.currency, i.number, i.issued_on, i.due_on, i.total_minor,
      (SELECT CAST(COALESCE(SUM(a.amount_minor), 0) AS BIGINT) FROM payment_allocations a
       WHERE a.company_id = i.company_id AND a.invoice_id = i.invoice_id),
      (SELECT CAST(COALESCE(SUM(-e.amount_minor), 0) AS BIGINT) FROM credit_entries e
       WHERE e.company_id = i.company_id AND e.invoice_id = i.invoice_id AND e.invoice_id <> ''),
      COALESCE(c.reminder_policy, ''), e.told_at
      FROM invoices i LEFT JOIN contracts c ON c.company_id = i.company_id AND c.contract_id = i.contract_id
      LEFT JOIN events e ON e.company_id = i.company_id AND e.state = 'told'
        AND e.event_key = $4 || i.seller_id || ':' || i.number
      WHERE i.company_id = $1 AND i.state = 'open' AND i.due_on >= $2 AND i.due_on <= $3
      ORDER BY i.company_id, i.due_on, i.invoice_id";
    tx.query_companies(SQL, companies, &[from.into(), to.into(), issued_events().into()], read_owed)
}

/// A reminder of an invoice that was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub invoice_id: InvoiceId,
    /// Days relative to the due date.
    pub level: i32,
    /// Of its messages.
    pub message_key: String,
    pub planned_at: DateTime<Utc>,
    /// When the first mail or text message reached one of those whom it is for.
    pub came_at: Option<DateTime<Utc>>,
}

fn read_planned(row: &Row) -> Result<Planned, StoreError> {
    Ok(Planned {
        invoice_id: InvoiceId::stored(row.text(1)?),
        level: row.number(2)?,
        message_key: row.string(3)?,
        planned_at: row.instant(4)?,
        came_at: Some(row.text(5)?).filter(|at| !at.is_empty()).map(|_| row.instant(5)).transpose()?,
    })
}

/// What was planned of the same invoices, by level.
pub fn planned(tx: &mut Tx, companies: &[&str], (from, to): DueRange) -> Result<Vec<Planned>, StoreError> {
    const SQL: &str = "SELECT r.company_id, r.invoice_id, r.level, r.message_key, r.planned_at, r.came_at FROM invoices i
      JOIN reminders r ON r.company_id = i.company_id AND r.invoice_id = i.invoice_id
      WHERE i.company_id = $1 AND i.state = 'open' AND i.due_on >= $2 AND i.due_on <= $3
      ORDER BY r.company_id, r.invoice_id, r.level";
    tx.query_companies(SQL, companies, &[from.into(), to.into()], read_planned)
}

/// What was planned of one invoice, by level.
pub fn planned_of(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<Planned>, StoreError> {
    const SQL: &str = "SELECT company_id, invoice_id, level, message_key, planned_at, came_at FROM reminders
      WHERE company_id = $1 AND invoice_id = $2 ORDER BY level";
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], read_planned)
}

/// A message of a reminder of open invoices that did not come yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Of the reminder.
    pub message_key: String,
    pub state: EffectState,
    /// It dropped out by itself: what it was about was over.
    pub is_obsolete: bool,
    /// As it was planned.
    pub payload: String,
}

/// The mails and text messages of reminders that did not come yet, of open invoices of these companies (ids ascending).
pub fn messages(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Message>, StoreError> {
    const SQL: &str = "SELECT r.company_id, r.message_key, e.state, e.class, e.payload FROM invoices i
      JOIN reminders r ON r.company_id = i.company_id AND r.invoice_id = i.invoice_id
      JOIN effects e ON e.company_id = r.company_id
        AND (e.idempotency_key >= 'email:' || r.message_key || ':' AND e.idempotency_key < 'email:' || r.message_key || ';'
          OR e.idempotency_key >= 'sms:' || r.message_key || ':' AND e.idempotency_key < 'sms:' || r.message_key || ';')
      WHERE i.company_id = $1 AND i.state = 'open' AND r.came_at = '' AND r.level > 0
      ORDER BY r.company_id, r.message_key, e.idempotency_key";
    let read = |row: &Row| {
        let is_obsolete = row.text(3)? == FailureClass::Obsolete.as_str();
        Ok(Message { message_key: row.string(1)?, state: row.parse(2)?, is_obsolete, payload: row.string(4)? })
    };
    tx.query_companies(SQL, companies, &[], read)
}

/// A reminder of these invoices came, by a message of this key.
pub fn came(tx: &mut Tx, company_id: &CompanyId, key: &str, invoices: &[InvoiceId], at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE reminders SET came_at = $4
      WHERE company_id = $1 AND invoice_id = $2 AND message_key = $3 AND came_at = ''";
    for invoice_id in invoices {
        tx.execute(SQL, &[company_id.as_str().into(), invoice_id.as_str().into(), key.into(), at.into()])?;
    }
    Ok(())
}

/// Whether a reminder of some invoice goes by the messages of this key.
pub fn is_in_use(tx: &mut Tx, company_id: &CompanyId, key: &str, invoices: &[InvoiceId]) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT level FROM reminders WHERE company_id = $1 AND invoice_id = $2 AND message_key = $3";
    for invoice_id in invoices {
        let params = [company_id.as_str().into(), invoice_id.as_str().into(), key.into()];
        if tx.query_opt(SQL, &params, |row| row.int(0))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A reminder to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    /// Days relative to the due date.
    pub level: i32,
    /// Of its messages.
    pub message_key: String,
    /// The key of the messages that did not arrive, and in whose place these go; empty: it is the first time.
    pub instead_of: String,
}

static RECORD: Bulk<5> = Bulk {
    table: "reminders",
    columns: [("company_id", Text), ("invoice_id", Text), ("level", Int), ("message_key", Text), ("planned_at", Text)],
    on_conflict: "ON CONFLICT (company_id, invoice_id, level) DO NOTHING",
};

/// Records reminders. False when one of them was recorded meanwhile: then the caller rolls back.
pub fn record(tx: &mut Tx, reminders: &[Reminder], at: DateTime<Utc>) -> Result<bool, StoreError> {
    const AGAIN: &str = "UPDATE reminders SET message_key = $4, planned_at = $5
      WHERE company_id = $1 AND invoice_id = $2 AND level = $3 AND message_key = $6 AND came_at = ''";
    let (first, again): (Vec<&Reminder>, Vec<&Reminder>) = reminders.iter().partition(|r| r.instead_of.is_empty());
    for r in again {
        let (company_id, invoice_id) = (r.company_id.as_str().into(), r.invoice_id.as_str().into());
        let params =
            [company_id, invoice_id, i64::from(r.level).into(), (&r.message_key).into(), at.into(), (&r.instead_of).into()];
        if tx.execute(AGAIN, &params)? != 1 {
            return Ok(false);
        }
    }
    let rows = first.iter().map(|r| -> [Val; 5] {
        [
            r.company_id.as_str().into(),
            r.invoice_id.as_str().into(),
            i64::from(r.level).into(),
            (&r.message_key).into(),
            at.into(),
        ]
    });
    Ok(tx.insert(&RECORD, rows)? == first.len() as u64)
}

/// A reminder as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub reminder: Reminder,
    pub number: String,
    pub planned_at: DateTime<Utc>,
}

/// The reminders of a company that were planned, by time; of one invoice when its id is not empty.
pub fn of_company(tx: &mut Tx, company_id: &CompanyId, invoice_id: &str) -> Result<Vec<Listed>, StoreError> {
    const SQL: &str = "SELECT r.invoice_id, r.level, r.message_key, COALESCE(i.number, ''), r.planned_at FROM reminders r
      JOIN invoices i ON i.company_id = r.company_id AND i.invoice_id = r.invoice_id
      WHERE r.company_id = $1 AND ($2 = '' OR r.invoice_id = $2)
      ORDER BY r.planned_at, r.message_key, r.invoice_id";
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.into()], |row| {
        Ok(Listed {
            reminder: Reminder {
                company_id: company_id.clone(),
                invoice_id: InvoiceId::stored(row.text(0)?),
                level: row.number(1)?,
                message_key: row.string(2)?,
                instead_of: String::new(),
            },
            number: row.string(3)?,
            planned_at: row.instant(4)?,
        })
    })
}

/// The companies after `after` that were reminded, or whose reminders are held.
pub fn companies_reminded(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<CompanyId>, StoreError> {
    const SQL: &str = "SELECT company_id FROM reminders WHERE company_id > $1
      UNION SELECT company_id FROM dunning_holds WHERE company_id > $1 ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| Ok(CompanyId::stored(row.text(0)?)))
}

fn read_hold(row: &Row) -> Result<Hold, StoreError> {
    Ok(Hold {
        company_id: CompanyId::stored(row.text(0)?),
        invoice_id: Some(row.text(1)?).filter(|id| !id.is_empty()).map(InvoiceId::stored),
        kind: row.parse(2)?,
        until: row.opt_date(3)?,
        reason: row.string(4)?,
    })
}

/// What holds back reminders of these companies (ids ascending), also what is over by date.
pub fn holds(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Hold>, StoreError> {
    const SQL: &str = "SELECT company_id, subject, kind, until, reason FROM dunning_holds WHERE company_id = $1
      ORDER BY company_id, subject, kind";
    tx.query_companies(SQL, companies, &[], read_hold)
}

/// Holds reminders back; what held them for the same reason before is replaced.
pub fn hold(tx: &mut Tx, hold: &Hold, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO dunning_holds (company_id, subject, kind, until, reason, held_at) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (company_id, subject, kind) DO UPDATE SET until = excluded.until, reason = excluded.reason, held_at = excluded.held_at";
    let params = [
        hold.company_id.as_str().into(),
        subject(hold.invoice_id.as_ref()).into(),
        hold.kind.as_str().into(),
        hold.until.into(),
        (&hold.reason).into(),
        at.into(),
    ];
    tx.execute(SQL, &params).map(drop)
}

/// Lets reminders go on. False when nothing of this kind held them.
pub fn release(tx: &mut Tx, company_id: &CompanyId, invoice_id: Option<&InvoiceId>, kind: HoldKind) -> Result<bool, StoreError> {
    const SQL: &str = "DELETE FROM dunning_holds WHERE company_id = $1 AND subject = $2 AND kind = $3";
    Ok(tx.execute(SQL, &[company_id.as_str().into(), subject(invoice_id).into(), kind.as_str().into()])? == 1)
}

fn subject(invoice_id: Option<&InvoiceId>) -> &str {
    invoice_id.map_or("", InvoiceId::as_str)
}
