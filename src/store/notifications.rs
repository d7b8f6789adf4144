//! Messages that another application shows.

use super::{StoreError, Tx};
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
