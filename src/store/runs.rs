//! Run state: runs, heartbeats, claims, and the items that are not done.

use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{CompanyId, RunId};
use chrono::{DateTime, Utc};

/// One execution of a job.
#[derive(Debug, Clone)]
pub struct Run {
    pub run_id: RunId,
    pub job: String,
    /// The flags that narrowed it, as a person would read them; empty when nothing did.
    pub scope: String,
    pub as_of: DateTime<Utc>,
    /// `cron`, `terminal` or `script`.
    pub started_by: String,
    pub host: String,
    pub pid: u32,
    /// Which process of all it is, on a machine that can tell (see `engine::host`); else empty.
    pub process: String,
    pub started_at: DateTime<Utc>,
    pub heartbeat_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// `running`, `done`, `partly`, `failed`, `interrupted`.
    pub outcome: String,
    /// The summary as JSON; `{}` while it runs.
    pub summary: String,
}

macro_rules! run_columns {
    () => {
        "run_id, job, scope, as_of, started_by, host, pid, started_at, heartbeat_at, finished_at, outcome, summary, process"
    };
}

fn read_run(row: &Row) -> Result<Run, StoreError> {
    let finished_at = match row.opt_text(9)? {
        None => None,
        Some(_) => Some(row.instant(9)?),
    };
    Ok(Run {
        run_id: RunId::stored(row.text(0)?),
        job: row.string(1)?,
        scope: row.string(2)?,
        as_of: row.instant(3)?,
        started_by: row.string(4)?,
        host: row.string(5)?,
        pid: row.number(6)?,
        started_at: row.instant(7)?,
        heartbeat_at: row.instant(8)?,
        finished_at,
        outcome: row.string(10)?,
        summary: row.string(11)?,
        process: row.string(12)?,
    })
}

/// A run begins; told twice, it began once.
pub fn begin(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO runs (",
        run_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, $12) ON CONFLICT (run_id) DO NOTHING"
    );
    let params = [
        run.run_id.as_str().into(),
        (&run.job).into(),
        (&run.scope).into(),
        run.as_of.into(),
        (&run.started_by).into(),
        (&run.host).into(),
        run.pid.into(),
        run.started_at.into(),
        run.heartbeat_at.into(),
        (&run.outcome).into(),
        (&run.summary).into(),
        (&run.process).into(),
    ];
    tx.execute(SQL, &params).map(drop)
}

/// A run is still alive.
pub fn beat(tx: &mut Tx, run_id: &RunId, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE runs SET heartbeat_at = $2 WHERE run_id = $1";
    tx.execute(SQL, &[run_id.as_str().into(), at.into()]).map(drop)
}

/// A run is alive and records a batch, by its ordinal from 1. As the first write of the batch's
/// transaction it tells, when a COMMIT was not answered, whether that got through: false, and the
/// batch is in already.
pub fn count_batch(tx: &mut Tx, run_id: &RunId, batch: i64, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE runs SET heartbeat_at = $3, batches = $2 WHERE run_id = $1 AND batches < $2";
    Ok(tx.execute(SQL, &[run_id.as_str().into(), batch.into(), at.into()])? > 0)
}

/// Whether a run is in this database.
pub fn exists(tx: &mut Tx, run_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM runs WHERE run_id = $1";
    Ok(tx.query_opt(SQL, &[run_id.into()], |_| Ok(()))?.is_some())
}

/// A run ends.
pub fn finish(tx: &mut Tx, run_id: &RunId, at: DateTime<Utc>, outcome: &str, summary: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE runs SET heartbeat_at = $2, finished_at = $2, outcome = $3, summary = $4 WHERE run_id = $1";
    tx.execute(SQL, &[run_id.as_str().into(), at.into(), outcome.into(), summary.into()]).map(drop)
}

/// The latest runs, newest first; of one job, or of all ("").
pub fn list(tx: &mut Tx, job: &str, limit: u32) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        run_columns!(),
        " FROM runs WHERE ($1 = '' OR job = $1) ORDER BY started_at DESC, run_id DESC LIMIT $2"
    );
    tx.query(SQL, &[job.into(), limit.into()], read_run)
}

/// The latest run of a job.
pub fn latest(tx: &mut Tx, job: &str) -> Result<Option<Run>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", run_columns!(), " FROM runs WHERE job = $1 ORDER BY started_at DESC, run_id DESC LIMIT 1");
    tx.query_opt(SQL, &[job.into()], read_run)
}

/// A page of all runs by id, after `after`.
pub fn page(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = concat!("SELECT ", run_columns!(), " FROM runs WHERE run_id > $1 ORDER BY run_id LIMIT $2");
    tx.query(SQL, &[after.into(), limit.into()], read_run)
}

/// Runs whose id starts so (people copy the first characters); at most two are read.
pub fn find(tx: &mut Tx, prefix: &str) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = concat!("SELECT ", run_columns!(), " FROM runs WHERE run_id >= $1 AND run_id < $2 ORDER BY run_id LIMIT 2");
    // 'g' comes after every hexadecimal digit.
    tx.query(SQL, &[prefix.into(), format!("{prefix}g").into()], read_run)
}

/// The job ran, whether or not it found work.
pub fn heartbeat(tx: &mut Tx, job: &str, at: DateTime<Utc>, outcome: &str) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO heartbeats (job, at, outcome) VALUES ($1, $2, $3)
      ON CONFLICT (job) DO UPDATE SET at = excluded.at, outcome = excluded.outcome";
    tx.execute(SQL, &[job.into(), at.into(), outcome.into()]).map(drop)
}

/// When each job last ran, and how it ended.
pub fn heartbeats(tx: &mut Tx) -> Result<Vec<(String, DateTime<Utc>, String)>, StoreError> {
    const SQL: &str = "SELECT job, at, outcome FROM heartbeats ORDER BY job";
    tx.query(SQL, &[], |row| Ok((row.string(0)?, row.instant(1)?, row.string(2)?)))
}

/// The last sign of life of any job, for whoever doubts the clock.
pub fn latest_heartbeat(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT at FROM heartbeats ORDER BY at DESC LIMIT 1";
    tx.query_opt(SQL, &[], |row| row.instant(0))
}

/// Signs of life that lie ahead of a clock that was found to be right are moved back to it.
pub fn pull_back_heartbeats(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE heartbeats SET at = $1 WHERE at > $1";
    tx.execute(SQL, &[now.into()])
}

/// Something that a job could not do: it waits for data, for a person, or for the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunItem {
    pub company_id: CompanyId,
    pub job: String,
    /// A contract's id, an invoice's id, a source key.
    pub subject: String,
    /// The start of the period, or empty.
    pub period: String,
    /// A stable word for scripts: `no_tax_rate`, `too_many_missed`.
    pub class: String,
    /// What is wrong and what to do, for people.
    pub message: String,
    pub attempts: u32,
    pub parked: bool,
}

macro_rules! item_columns {
    () => {
        "company_id, job, subject, period, class, message, attempts, parked"
    };
}

fn read_item(row: &Row) -> Result<RunItem, StoreError> {
    Ok(RunItem {
        company_id: CompanyId::stored(row.text(0)?),
        job: row.string(1)?,
        subject: row.string(2)?,
        period: row.string(3)?,
        class: row.string(4)?,
        message: row.string(5)?,
        attempts: row.number(6)?,
        parked: row.flag(7)?,
    })
}

/// What a job could not do for these companies (ids ascending).
pub fn items_of(tx: &mut Tx, job: &str, companies: &[&str]) -> Result<Vec<RunItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        item_columns!(),
        " FROM run_items WHERE company_id = $1 AND job = $2 ORDER BY company_id, subject, period"
    );
    tx.query_companies(SQL, companies, &[job.into()], read_item)
}

/// The companies after `after` for which a job could not do something.
pub fn companies_with_items(tx: &mut Tx, job: &str, after: &str, limit: u32) -> Result<Vec<CompanyId>, StoreError> {
    const SQL: &str = "SELECT DISTINCT company_id FROM run_items WHERE job = $1 AND company_id > $2 ORDER BY company_id LIMIT $3";
    tx.query(SQL, &[job.into(), after.into(), limit.into()], |row| Ok(CompanyId::stored(row.text(0)?)))
}

/// How many things wait, by job and reason, and how many of them gave up trying.
pub fn item_counts(tx: &mut Tx) -> Result<Vec<ItemCount>, StoreError> {
    const SQL: &str =
        "SELECT job, class, COUNT(*), CAST(SUM(parked) AS BIGINT) FROM run_items GROUP BY job, class ORDER BY job, class";
    tx.query(SQL, &[], |row| {
        Ok(ItemCount { job: row.string(0)?, class: row.string(1)?, count: row.number(2)?, parked: row.number(3)? })
    })
}

/// Things of one job that wait for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemCount {
    pub job: String,
    pub class: String,
    pub count: u64,
    /// Tried so often that they wait for a person.
    pub parked: u64,
}

/// The first things of a job that wait for one reason.
pub fn items_of_class(tx: &mut Tx, job: &str, class: &str, limit: u32) -> Result<Vec<RunItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        item_columns!(),
        " FROM run_items WHERE job = $1 AND class = $2 ORDER BY company_id, subject, period LIMIT $3"
    );
    tx.query(SQL, &[job.into(), class.into(), limit.into()], read_item)
}

/// Everything that waits, by job and company.
pub fn all_items(tx: &mut Tx, limit: u32) -> Result<Vec<RunItem>, StoreError> {
    const SQL: &str = concat!("SELECT ", item_columns!(), " FROM run_items ORDER BY job, company_id, subject, period LIMIT $1");
    tx.query(SQL, &[limit.into()], read_item)
}

static PUT_ITEMS: Bulk<10> = Bulk {
    table: "run_items",
    columns: [
        ("company_id", Text),
        ("job", Text),
        ("subject", Text),
        ("period", Text),
        ("class", Text),
        ("message", Text),
        ("attempts", Int),
        ("parked", Int),
        ("first_at", Text),
        ("last_at", Text),
    ],
    on_conflict:
        "ON CONFLICT (company_id, job, subject, period) DO UPDATE SET class = excluded.class, message = excluded.message,
      attempts = excluded.attempts, parked = excluded.parked, last_at = excluded.last_at",
};

/// Writes down what could not be done, with the attempts that the caller has counted.
pub fn put_items(tx: &mut Tx, items: &[RunItem], at: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = items.iter().map(|i| -> [Val; 10] {
        [
            i.company_id.as_str().into(),
            (&i.job).into(),
            (&i.subject).into(),
            (&i.period).into(),
            (&i.class).into(),
            (&i.message).into(),
            i.attempts.into(),
            i.parked.into(),
            at.into(),
            at.into(),
        ]
    });
    tx.insert(&PUT_ITEMS, rows).map(drop)
}

/// It was done, or is not wanted any more.
pub fn clear_item(tx: &mut Tx, item: &RunItem) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM run_items WHERE company_id = $1 AND job = $2 AND subject = $3 AND period = $4";
    tx.execute(SQL, &[item.company_id.as_str().into(), (&item.job).into(), (&item.subject).into(), (&item.period).into()])
        .map(drop)
}

/// What a job could not do about a subject is over: the subject is gone, or its data changed.
pub fn clear_subject(tx: &mut Tx, company_id: &CompanyId, job: &str, subject: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM run_items WHERE company_id = $1 AND job = $2 AND subject = $3";
    tx.execute(SQL, &[company_id.as_str().into(), job.into(), subject.into()]).map(drop)
}
