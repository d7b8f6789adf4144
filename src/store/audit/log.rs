//! Reading the audit log, as it stands: for lists, exports and proofs. What it holds is taken for
//! nothing more than what it holds, since whoever reads it wants to know whether it was changed.

use crate::model::FullInvoice;
use crate::store::{Row, StoreError, Tx, Val, invoices, value};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// A row of the log, and its payload.
#[derive(Debug, Clone)]
pub struct Logged {
    pub company_id: String,
    pub seq: i64,
    /// As it was hashed.
    pub at: String,
    pub actor: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub payload_sha256: Vec<u8>,
    pub hash: Vec<u8>,
    /// Empty outside runs.
    pub run_id: String,
    pub batch: i64,
    /// None when it was erased.
    pub payload: Option<String>,
}

macro_rules! columns {
    () => {
        "l.company_id, l.seq, l.at, l.actor, l.action, l.entity, l.entity_id, l.payload_sha256, l.hash, l.run_id, l.batch,
           p.payload"
    };
}

fn read_logged(row: &Row) -> Result<Logged, StoreError> {
    Ok(Logged {
        company_id: row.string(0)?,
        seq: row.int(1)?,
        at: row.string(2)?,
        actor: row.string(3)?,
        action: row.string(4)?,
        entity: row.string(5)?,
        entity_id: row.string(6)?,
        payload_sha256: row.blob(7)?.to_vec(),
        hash: row.blob(8)?.to_vec(),
        run_id: row.string(9)?,
        batch: row.int(10)?,
        payload: row.opt_text(11)?.map(str::to_owned),
    })
}

/// A page of all chains, or of one company's, by (company, seq), after `after`.
pub fn page(tx: &mut Tx, of: Option<&str>, after: (&str, i64), limit: u32) -> Result<Vec<Logged>, StoreError> {
    const ALL: &str = concat!("SELECT ", columns!(), "
          FROM audit_log l
          LEFT JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq WHERE (l.company_id, l.seq) > ($1, $2) ORDER BY l.company_id, l.seq LIMIT $3");
    const ONE: &str = concat!("SELECT ", columns!(), "
          FROM audit_log l
          LEFT JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq WHERE l.company_id = $1 AND l.seq > $2 ORDER BY l.company_id, l.seq LIMIT $3");
    let (sql, company) = of.map_or((ALL, after.0), |company| (ONE, company));
    tx.query(sql, &[company.into(), after.1.into(), limit.into()], read_logged)
}

/// What a person looks for; an empty text is anything.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    pub company_id: &'a str,
    pub entity: &'a str,
    pub entity_id: &'a str,
    pub action: &'a str,
    pub run_id: &'a str,
    pub since: Option<DateTime<Utc>>,
    /// Before this instant.
    pub until: Option<DateTime<Utc>>,
}

macro_rules! filters {
    () => {
        " AND ($2 = '' OR l.entity = $2) AND ($3 = '' OR l.entity_id = $3) AND ($4 = '' OR l.action = $4)
          AND ($5 = '' OR l.run_id = $5) AND l.at >= $6 AND ($7 = '' OR l.at < $7)"
    };
}

/// The newest rows of that kind, newest first: of one company by its chain; of all by the instant,
/// which reads the whole log.
pub fn list(tx: &mut Tx, filter: &Filter, limit: u32) -> Result<Vec<Logged>, StoreError> {
    const ALL: &str = concat!(
        "SELECT ",
        columns!(),
        "
          FROM audit_log l
          LEFT JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq WHERE $1 = ''",
        filters!(),
        " ORDER BY l.at DESC, l.company_id DESC, l.seq DESC LIMIT $8"
    );
    const ONE: &str = concat!(
        "SELECT ",
        columns!(),
        "
          FROM audit_log l
          LEFT JOIN audit_payloads p ON p.company_id = l.company_id AND p.seq = l.seq WHERE l.company_id = $1",
        filters!(),
        " ORDER BY l.seq DESC LIMIT $8"
    );
    let instant = |at: Option<DateTime<Utc>>| at.map(value::instant).unwrap_or_default();
    let params: [Val; 8] = [
        filter.company_id.into(),
        filter.entity.into(),
        filter.entity_id.into(),
        filter.action.into(),
        filter.run_id.into(),
        instant(filter.since).into(),
        instant(filter.until).into(),
        limit.into(),
    ];
    tx.query(if filter.company_id.is_empty() { ALL } else { ONE }, &params, read_logged)
}

/// The head of a chain, as it stands.
#[derive(Debug, Clone)]
pub struct HeadRow {
    pub company_id: String,
    pub seq: i64,
    pub hash: Vec<u8>,
}

/// A page of heads by company, after the first text of `after`.
pub fn heads(tx: &mut Tx, of: Option<&str>, after: (&str, &str), limit: u32) -> Result<Vec<HeadRow>, StoreError> {
    const ALL: &str = "SELECT company_id, seq, hash FROM audit_heads WHERE company_id > $1 ORDER BY company_id LIMIT $2";
    const ONE: &str = "SELECT company_id, seq, hash FROM audit_heads WHERE company_id = $1 AND $2 > 0";
    let read = |row: &Row| Ok(HeadRow { company_id: row.string(0)?, seq: row.int(1)?, hash: row.blob(2)?.to_vec() });
    match of {
        None => tx.query(ALL, &[after.0.into(), limit.into()], read),
        Some(company) if after.0.is_empty() => tx.query(ONE, &[company.into(), limit.into()], read),
        Some(_) => Ok(Vec::new()),
    }
}

/// How long the chains are together, by their heads.
pub fn length(tx: &mut Tx) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(seq), 0) AS BIGINT) FROM audit_heads";
    Ok(tx.query_opt(SQL, &[], |row| row.number(0))?.unwrap_or(0))
}

/// An issued invoice or credit note as its rows are, and its frozen document, if there is one.
#[derive(Debug, Clone)]
pub struct IssuedDocument {
    pub invoice: FullInvoice,
    pub content: Option<String>,
    /// Hex; as it is kept beside the content.
    pub sha256: Option<String>,
}

/// A page of issued invoices by (company, invoice), after `after`.
pub fn issued_documents(
    tx: &mut Tx,
    of: Option<&str>,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<IssuedDocument>, StoreError> {
    const ALL: &str = "SELECT company_id, invoice_id, content, sha256 FROM invoice_documents
      WHERE (company_id, invoice_id) > ($1, $2) AND (company_id, invoice_id) <= ($3, $4)";
    const ONE: &str = "SELECT company_id, invoice_id, content, sha256 FROM invoice_documents
      WHERE company_id = $1 AND invoice_id > $2 AND company_id <= $3 AND invoice_id <= $4";
    let issued = invoices::issued(tx, of, after, limit)?;
    let Some(last) = issued.last() else { return Ok(Vec::new()) };
    let (sql, from) = of.map_or((ALL, after.0), |company| (ONE, company));
    let params = [from, after.1, last.head.company_id.as_str(), last.head.invoice_id.as_str()].map(Val::from);
    let mut documents: HashMap<(String, String), (String, String)> = HashMap::with_capacity(issued.len());
    documents.extend(tx.query(sql, &params, |row| Ok(((row.string(0)?, row.string(1)?), (row.string(2)?, row.string(3)?))))?);
    let with_document = |invoice: FullInvoice| {
        let key = (invoice.head.company_id.to_string(), invoice.head.invoice_id.to_string());
        let (content, sha256) = documents.remove(&key).unzip();
        IssuedDocument { invoice, content, sha256 }
    };
    Ok(issued.into_iter().map(with_document).collect())
}
