//! What is wrong at present, and what was: noted from the first failure on, so that it is told once.

use super::{Row, StoreError, Tx, Val};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{EventFacts, MessageKind, Severity};
use crate::model::{CompanyId, FailReason};
use chrono::{DateTime, Utc};

/// The key, and the reason, of the one alert of a company that cannot be written to.
pub const NO_ADDRESS: &str = FailReason::NoAddress.as_str();

/// Something that is wrong, as it is noted.
#[derive(Debug, Clone)]
pub struct NewAlert {
    pub company_id: CompanyId,
    /// What is wrong, always the same while it lasts: `job:invoices.issue`, `effect:KEY`.
    pub key: String,
    pub kind: MessageKind,
    pub severity: Severity,
    pub job: String,
    pub subject: String,
    /// The start of the period, or empty.
    pub period: String,
    pub facts: EventFacts,
}

/// Something that is or was wrong.
#[derive(Debug, Clone)]
pub struct Alert {
    pub noted: NewAlert,
    pub since: DateTime<Utc>,
    /// When it was last met.
    pub last_at: DateTime<Utc>,
    /// None: it is still wrong.
    pub over_at: Option<DateTime<Utc>>,
    /// How often it was met since.
    pub times: u32,
    /// How often it has begun: 1 the first time.
    pub episode: u32,
}

macro_rules! alert_columns {
    () => {
        "company_id, alert_key, kind, severity, job, subject, period, facts, since, last_at, over_at, times, episode"
    };
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let facts = row.text(7)?;
    let facts = serde_json::from_str(facts).map_err(|error| StoreError::Corrupt {
        column: 7,
        value: facts.to_owned(),
        reason: format!("the facts of an alert cannot be read: {error}"),
    })?;
    let noted = NewAlert {
        company_id: CompanyId::stored(row.text(0)?),
        key: row.string(1)?,
        kind: row.parse(2)?,
        severity: row.parse(3)?,
        job: row.string(4)?,
        subject: row.string(5)?,
        period: row.string(6)?,
        facts,
    };
    let over_at = if row.opt_text(10)?.is_some() { Some(row.instant(10)?) } else { None };
    Ok(Alert {
        noted,
        since: row.instant(8)?,
        last_at: row.instant(9)?,
        over_at,
        times: row.number(11)?,
        episode: row.number(12)?,
    })
}

/// Notes that something is wrong, or still is. Returns which time it has begun.
pub fn note(tx: &mut Tx, alert: &NewAlert, at: DateTime<Utc>) -> Result<u32, StoreError> {
    const SQL: &str = "INSERT INTO alerts
      (company_id, alert_key, kind, severity, job, subject, period, facts, since, last_at, over_at, times, episode)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, NULL, 1, 1)
      ON CONFLICT (company_id, alert_key) DO UPDATE SET kind = excluded.kind, severity = excluded.severity, facts = excluded.facts,
        since = CASE WHEN alerts.over_at IS NULL THEN alerts.since ELSE excluded.since END,
        times = CASE WHEN alerts.over_at IS NULL THEN alerts.times + 1 ELSE 1 END,
        episode = CASE WHEN alerts.over_at IS NULL THEN alerts.episode ELSE alerts.episode + 1 END,
        last_at = excluded.last_at, over_at = NULL
      RETURNING episode";
    let facts = serde_json::to_string(&alert.facts);
    let facts = facts.map_err(|error| StoreError::Other(format!("an alert cannot be written: {error}")))?;
    let params: [Val; 9] = [
        alert.company_id.as_str().into(),
        (&alert.key).into(),
        alert.kind.as_str().into(),
        alert.severity.as_str().into(),
        (&alert.job).into(),
        (&alert.subject).into(),
        (&alert.period).into(),
        facts.into(),
        at.into(),
    ];
    Ok(tx.query_opt(SQL, &params, |row| row.number(0))?.unwrap_or(1))
}

/// It is over. False when it was already.
pub fn end(tx: &mut Tx, alert: &NewAlert, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE alerts SET over_at = $3 WHERE company_id = $1 AND alert_key = $2 AND over_at IS NULL";
    Ok(tx.execute(SQL, &[alert.company_id.as_str().into(), (&alert.key).into(), at.into()])? > 0)
}

/// Where a page of alerts ended: the last one's company and key.
pub type After = (String, String);

/// A page of what is wrong, after `after`, by company and key.
pub fn open(tx: &mut Tx, after: &After, limit: u32) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts WHERE over_at IS NULL AND (company_id, alert_key) > ($1, $2) ORDER BY company_id, alert_key LIMIT $3"
    );
    tx.query(SQL, &[(&after.0).into(), (&after.1).into(), limit.into()], read)
}

/// What is or was wrong, the latest first.
pub fn all(tx: &mut Tx, limit: u32) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!("SELECT ", alert_columns!(), " FROM alerts ORDER BY since DESC, company_id, alert_key LIMIT $1");
    tx.query(SQL, &[limit.into()], read)
}

/// How many things are wrong, by severity.
pub fn counts(tx: &mut Tx) -> Result<Vec<(Severity, u64)>, StoreError> {
    const SQL: &str = "SELECT severity, COUNT(*) FROM alerts WHERE over_at IS NULL GROUP BY severity ORDER BY severity";
    tx.query(SQL, &[], |row| Ok((row.parse(0)?, row.number(1)?)))
}

/// A page of what could not be done and is no longer in the way: done, or not wanted any more. That a company has no
/// address is over once it has one or owes nothing, and not when the days of one kind of reminder have passed.
pub fn items_that_are_over(tx: &mut Tx, after: &After, limit: u32) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts WHERE over_at IS NULL AND kind IN ('item.failed', 'item.parked') AND (company_id, alert_key) > ($1, $2)
      AND NOT EXISTS (SELECT 1 FROM run_items r WHERE r.company_id = alerts.company_id AND CASE alerts.alert_key
        WHEN 'no_address' THEN r.class = 'no_address'
        ELSE r.job = alerts.job AND r.subject = alerts.subject AND r.period = alerts.period END)
      AND (alert_key <> 'no_address'
        OR NOT EXISTS (SELECT 1 FROM invoices i WHERE i.company_id = alerts.company_id AND i.state = 'open')
        OR EXISTS (SELECT 1 FROM companies c WHERE c.company_id = alerts.company_id AND c.email <> '')
        OR EXISTS (SELECT 1 FROM contacts k WHERE k.company_id = alerts.company_id AND k.roles LIKE '%billing%'
          AND k.email <> ''))
      ORDER BY company_id, alert_key LIMIT $3"
    );
    tx.query(SQL, &[(&after.0).into(), (&after.1).into(), limit.into()], read)
}

/// A page of acts that failed and are settled: done, or not to be done any more.
pub fn effects_that_are_over(tx: &mut Tx, after: &After, limit: u32) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts WHERE over_at IS NULL AND kind = 'effect.failed' AND (company_id, alert_key) > ($1, $2)
      AND NOT EXISTS (SELECT 1 FROM effects e WHERE e.company_id = alerts.company_id AND e.idempotency_key = alerts.subject
        AND e.state NOT IN ('succeeded', 'abandoned'))
      ORDER BY company_id, alert_key LIMIT $3"
    );
    tx.query(SQL, &[(&after.0).into(), (&after.1).into(), limit.into()], read)
}

/// Jobs that failed, and machines in doubt: as few as there are jobs and machines.
pub fn of_jobs(tx: &mut Tx) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        alert_columns!(),
        " FROM alerts WHERE company_id = $1 AND over_at IS NULL AND kind = 'job.failed' ORDER BY alert_key"
    );
    tx.query(SQL, &[SYSTEM_COMPANY.into()], read)
}
