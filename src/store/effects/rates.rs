//! Rate limits that hold across processes: one instant each (see `rules::retry::admit`).

use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};

/// From when the next act under a limit is free; None when there was none yet.
pub fn rate(tx: &mut Tx, company_id: &str, limit_key: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT free_at FROM rate_limits WHERE company_id = $1 AND limit_key = $2";
    tx.query_opt(SQL, &[company_id.into(), limit_key.into()], |row| row.instant(0))
}

/// Keeps it for the next one. Of two processes the later writer stands, which lets one act more through.
pub fn keep_rate(tx: &mut Tx, company_id: &str, limit_key: &str, free_at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO rate_limits (company_id, limit_key, free_at) VALUES ($1, $2, $3)
      ON CONFLICT (company_id, limit_key) DO UPDATE SET free_at = excluded.free_at";
    tx.execute(SQL, &[company_id.into(), limit_key.into(), free_at.into()]).map(drop)
}
