//! What happened and is to be told: raised in the transaction in which it happened, and told once.

use super::value::Kind::Text;
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::message::{EventFacts, MessageKind, Severity};
use crate::model::{CompanyId, SellerId, text_enum};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

text_enum! {
    /// Whom an event is for. Each has its own row, so that one does not wait for the other.
    pub enum Audience ("audience") {
        /// The company itself: `invoices send` tells it.
        Customer = "customer",
        /// Those whom the routes name: `alerts dispatch` tells them.
        Staff = "staff",
    }
}

text_enum! {
    pub enum EventState ("event state") {
        New = "new",
        Told = "told",
        /// Nobody was to be told, or what happened is void.
        Dropped = "dropped",
    }
}

/// What the keys in the database begin with by which customers are told of their invoices; after it come the seller's id, a
/// colon, and the number.
pub(super) fn issued_events() -> String {
    format!("{}:{}:", Audience::Customer, MessageKind::InvoiceIssued)
}

/// The key of the message by which an invoice is first sent, and of its event: what is said of it later answers that.
pub fn issued_key(seller_id: &SellerId, number: &str) -> String {
    format!("{}:{seller_id}:{number}", MessageKind::InvoiceIssued)
}

/// Something to be told.
#[derive(Debug, Clone)]
pub struct Event {
    pub company_id: CompanyId,
    /// Derived from what happened, never from a clock or a row id: `invoice.issued:de:INV-2026-000001`.
    pub key: String,
    pub audience: Audience,
    pub kind: MessageKind,
    pub severity: Severity,
    /// An invoice's id, a job, an effect's key.
    pub subject: String,
    /// None where the subject says it all.
    pub facts: Option<EventFacts>,
}

impl Event {
    /// The key in the database: each audience has a row of its own.
    fn row_key(&self) -> String {
        format!("{}:{}", self.audience, self.key)
    }
}

static RAISE: Bulk<9> = Bulk {
    table: "events",
    columns: [
        ("company_id", Text),
        ("event_key", Text),
        ("audience", Text),
        ("kind", Text),
        ("severity", Text),
        ("subject", Text),
        ("facts", Text),
        ("state", Text),
        ("raised_at", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, event_key) DO NOTHING",
};

/// Notes what happened, once per key: one that was told is not told again.
pub fn raise(tx: &mut Tx, events: &[Event], at: DateTime<Utc>) -> Result<(), StoreError> {
    let mut rows: Vec<(String, String)> = Vec::with_capacity(events.len());
    for event in events {
        let facts = event.facts.as_ref().map(serde_json::to_string).transpose();
        let facts = facts.map_err(|error| StoreError::Other(format!("an event cannot be written: {error}")))?;
        rows.push((event.row_key(), facts.unwrap_or_default()));
    }
    let rows = events.iter().zip(&rows).map(|(e, (key, facts))| -> [Val; 9] {
        [
            e.company_id.as_str().into(),
            key.into(),
            e.audience.as_str().into(),
            e.kind.as_str().into(),
            e.severity.as_str().into(),
            (&e.subject).into(),
            facts.into(),
            EventState::New.as_str().into(),
            at.into(),
        ]
    });
    tx.insert(&RAISE, rows).map(drop)
}

macro_rules! event_columns {
    () => {
        "company_id, event_key, audience, kind, severity, subject, facts"
    };
}

fn read(row: &Row) -> Result<Event, StoreError> {
    let audience: Audience = row.parse(2)?;
    let (key, facts) = (row.text(1)?, row.text(6)?);
    let facts = match facts {
        "" => None,
        facts => Some(serde_json::from_str(facts).map_err(|error| StoreError::Corrupt {
            column: 6,
            value: facts.to_owned(),
            reason: format!("the facts of event {key} cannot be read: {error}"),
        })?),
    };
    Ok(Event {
        company_id: CompanyId::stored(row.text(0)?),
        key: key.strip_prefix(audience.as_str()).and_then(|key| key.strip_prefix(':')).unwrap_or(key).to_owned(),
        audience,
        kind: row.parse(3)?,
        severity: row.parse(4)?,
        subject: row.string(5)?,
        facts,
    })
}

/// Where an event stands; None when it was never raised.
pub fn state(tx: &mut Tx, company_id: &CompanyId, audience: Audience, key: &str) -> Result<Option<EventState>, StoreError> {
    const SQL: &str = "SELECT state FROM events WHERE company_id = $1 AND event_key = $2";
    let row_key = format!("{audience}:{key}");
    tx.query_opt(SQL, &[company_id.as_str().into(), (&row_key).into()], |row| row.parse(0))
}

/// Where a page of events ended: the last one's company and key.
pub type After = (String, String);

/// A page of what is still to be told, after `after`: one range of an index that holds nothing else.
pub fn new_page(tx: &mut Tx, audience: Audience, after: &After, limit: u32) -> Result<(Vec<Event>, Option<After>), StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM events WHERE state = 'new' AND audience = $1 AND (company_id, event_key) > ($2, $3)
      ORDER BY company_id, event_key LIMIT $4"
    );
    let params = [audience.as_str().into(), (&after.0).into(), (&after.1).into(), limit.into()];
    let page = tx.query(SQL, &params, read)?;
    let next = page.last().filter(|_| page.len() == limit as usize).map(|e| (e.company_id.to_string(), e.row_key()));
    Ok((page, next))
}

/// What is still to be told of these companies (ids ascending).
pub fn new_of(tx: &mut Tx, audience: Audience, companies: &[&str]) -> Result<Vec<Event>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM events WHERE company_id = $1 AND state = 'new' AND audience = $2 ORDER BY company_id, event_key"
    );
    tx.query_companies(SQL, companies, &[audience.as_str().into()], read)
}

/// Of these events, by company and key, those that are still to be told: since they were read, another
/// process may have told some.
pub fn still_new<'e>(
    tx: &mut Tx,
    audience: Audience,
    events: impl Iterator<Item = &'e Event>,
) -> Result<BTreeSet<(CompanyId, String)>, StoreError> {
    let companies: BTreeSet<&str> = events.map(|event| event.company_id.as_str()).collect();
    let new = new_of(tx, audience, &companies.into_iter().collect::<Vec<_>>())?;
    Ok(new.into_iter().map(|event| (event.company_id, event.key)).collect())
}

/// How much is still to be told, for the progress bar.
pub fn count_new(tx: &mut Tx, audience: Audience) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM events WHERE state = 'new' AND audience = $1";
    Ok(tx.query_opt(SQL, &[audience.as_str().into()], |row| row.number(0))?.unwrap_or(0))
}

/// An event is over. False when it was before: somebody else told it meanwhile.
pub fn settle(tx: &mut Tx, event: &Event, state: EventState, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE events SET state = $3, told_at = $4 WHERE company_id = $1 AND event_key = $2 AND state = 'new'";
    let key = event.row_key();
    Ok(tx.execute(SQL, &[event.company_id.as_str().into(), (&key).into(), state.as_str().into(), at.into()])? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_of_an_issued_invoice_has_one_key() {
        let seller_id: SellerId = "de".parse().unwrap();
        let event = Event {
            company_id: "acme".parse().unwrap(),
            key: issued_key(&seller_id, "R-1"),
            audience: Audience::Customer,
            kind: MessageKind::InvoiceIssued,
            severity: Severity::Info,
            subject: String::new(),
            facts: None,
        };
        assert_eq!(event.row_key(), format!("{}de:R-1", issued_events()));
    }
}
