//! Acts that are begun in a block and called one after the other: whose call is made, and whose was not.

use super::Effect;
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};

/// The call of an attempt that was begun is made now. False when the act is another's meanwhile.
pub fn call(tx: &mut Tx, effect: &Effect, at: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE effects SET sending_at = $3 WHERE company_id = $1 AND idempotency_key = $2
      AND state = 'sending' AND attempts = $4 AND owner = $5";
    let Effect { company_id, key, attempts, owner, .. } = effect;
    let params = [company_id.as_str().into(), key.into(), at.into(), (*attempts).into(), owner.into()];
    Ok(tx.execute(SQL, &params)? > 0)
}

/// An act that was begun, and whose call was not made, is as it was. One whose call has begun meanwhile
/// is left alone.
pub fn give_back(tx: &mut Tx, effect: &Effect) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE effects SET state = 'planned', next_at = '', retried_from = retried_from + 1
      WHERE company_id = $1 AND idempotency_key = $2 AND state = 'sending' AND attempts = $3 AND owner = $4 AND sending_at = ''";
    let Effect { company_id, key, attempts, owner, .. } = effect;
    tx.execute(SQL, &[company_id.as_str().into(), key.into(), (*attempts).into(), owner.into()]).map(drop)
}
