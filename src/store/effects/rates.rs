//! Rate limits that hold across processes: one instant each (see `rules::retry::admit`).

use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};

/// From when the next act under a limit is free; None when there was none yet.
pub fn rate(tx: &mut Tx, company_id: &str, limit_key: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT free_at FROM rate_limits WHERE company_id = $1 AND limit_key = $2";
    tx.query_opt(SQL, &[company_id.into(), limit_key.into()], |row| row.instant(0))
}

/// Keeps it for the next one, in place of what was read.
///
/// # Errors
/// `Busy` when another process was first: the transaction is replayed.
pub fn keep_rate(
    tx: &mut Tx,
    company_id: &str,
    limit_key: &str,
    before: Option<DateTime<Utc>>,
    free_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const FIRST: &str = "INSERT INTO rate_limits (company_id, limit_key, free_at) VALUES ($1, $2, $3)
      ON CONFLICT (company_id, limit_key) DO NOTHING";
    const NEXT: &str = "UPDATE rate_limits SET free_at = $3 WHERE company_id = $1 AND limit_key = $2 AND free_at = $4";
    let written = match before {
        None => tx.execute(FIRST, &[company_id.into(), limit_key.into(), free_at.into()])?,
        Some(before) => tx.execute(NEXT, &[company_id.into(), limit_key.into(), free_at.into(), before.into()])?,
    };
    if written > 0 { Ok(()) } else { Err(StoreError::Busy(format!("the rate {limit_key} was used meanwhile"))) }
}
