//! Messages that another application shows.

use super::{Row, StoreError, Tx};
use crate::model::CompanyId;
use crate::model::message::{MessageKind, Severity};
use chrono::{DateTime, Utc};

#[derive(Debug, Clone)]
pub struct Notification {
    pub company_id: CompanyId,
    pub key: String,
    /// A user, a team or a screen of the other application.
    pub recipient: String,
    pub kind: MessageKind,
    pub severity: Severity,
    pub title: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

/// Writes one, once per key.
pub fn insert(tx: &mut Tx, n: &Notification) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO notifications
      (company_id, notification_key, recipient, kind, severity, title, body, created_at, read_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL) ON CONFLICT (company_id, notification_key) DO NOTHING";
    let params = [
        n.company_id.as_str().into(),
        (&n.key).into(),
        (&n.recipient).into(),
        n.kind.as_str().into(),
        n.severity.as_str().into(),
        (&n.title).into(),
        (&n.body).into(),
        n.created_at.into(),
    ];
    tx.execute(SQL, &params).map(drop)
}

fn read(row: &Row) -> Result<Notification, StoreError> {
    Ok(Notification {
        company_id: CompanyId::stored(row.text(0)?),
        key: row.string(1)?,
        recipient: row.string(2)?,
        kind: row.parse(3)?,
        severity: row.parse(4)?,
        title: row.string(5)?,
        body: row.string(6)?,
        created_at: row.instant(7)?,
        read_at: if row.opt_text(8)?.is_some() { Some(row.instant(8)?) } else { None },
    })
}

macro_rules! notification_columns {
    () => {
        "company_id, notification_key, recipient, kind, severity, title, body, created_at, read_at"
    };
}

/// What nobody has read yet, the oldest first: of one recipient, or of all ("").
pub fn unread(tx: &mut Tx, recipient: &str, limit: u32) -> Result<Vec<Notification>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        notification_columns!(),
        " FROM notifications WHERE read_at IS NULL AND recipient = $1
      ORDER BY recipient, created_at, company_id, notification_key LIMIT $2"
    );
    const OF_ALL: &str = concat!(
        "SELECT ",
        notification_columns!(),
        " FROM notifications WHERE read_at IS NULL ORDER BY recipient, created_at, company_id, notification_key LIMIT $1"
    );
    match recipient {
        "" => tx.query(OF_ALL, &[limit.into()], read),
        recipient => tx.query(SQL, &[recipient.into(), limit.into()], read),
    }
}

/// Everything, read or not, the latest first: of one recipient, or of all ("").
pub fn all(tx: &mut Tx, recipient: &str, limit: u32) -> Result<Vec<Notification>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        notification_columns!(),
        " FROM notifications WHERE ($1 = '' OR recipient = $1) ORDER BY created_at DESC, company_id, notification_key LIMIT $2"
    );
    tx.query(SQL, &[recipient.into(), limit.into()], read)
}

/// One by its key, of whatever company.
pub fn find(tx: &mut Tx, key: &str) -> Result<Option<Notification>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", notification_columns!(), " FROM notifications WHERE notification_key = $1 ORDER BY company_id");
    tx.query_opt(SQL, &[key.into()], read)
}

/// Somebody has read it. False when it was read before: the first time stands.
pub fn mark_read(tx: &mut Tx, notification: &Notification, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE notifications SET read_at = $3 WHERE company_id = $1 AND notification_key = $2 AND read_at IS NULL";
    Ok(tx.execute(SQL, &[notification.company_id.as_str().into(), (&notification.key).into(), at.into()])? > 0)
}

/// How many are unread, by recipient.
pub fn unread_counts(tx: &mut Tx) -> Result<Vec<(String, u64)>, StoreError> {
    const SQL: &str = "SELECT recipient, COUNT(*) FROM notifications WHERE read_at IS NULL GROUP BY recipient ORDER BY recipient";
    tx.query(SQL, &[], |row| Ok((row.string(0)?, row.number(1)?)))
}
