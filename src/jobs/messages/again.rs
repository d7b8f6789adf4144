//! What is sent once more by name takes the place of what was sent before and did not arrive: else that would
//! go as well, when it is retried or its address is put right.

use crate::error::Result;
use crate::model::{CompanyId, EffectState};
use crate::store::Tx;
use crate::store::audit::Entry;
use crate::store::effects::{self, Effect};
use chrono::{DateTime, Utc};
use serde_json::json;

/// Gives up the earlier mails of a message that is being planned under this key, in the same transaction.
/// One that is being sent is left to whoever sends it, and is not tried again after that ([`effects::sent_again`]).
pub fn take_over(tx: &mut Tx, company_id: &CompanyId, key: &str, subject: &str, at: DateTime<Utc>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for effect in effects::outstanding_before(tx, company_id, key, subject)? {
        entries.extend(give_up(tx, &effect, key, at)?);
    }
    Ok(entries)
}

/// Gives up a mail in whose place another was sent, of this key; None when it has changed meanwhile.
pub fn give_up(tx: &mut Tx, effect: &Effect, by: &str, at: DateTime<Utc>) -> Result<Option<Entry>> {
    let why = sent_by_name(by);
    Ok(effects::supersede(tx, effect, &why, at)?.then(|| Entry {
        company_id: effect.company_id.to_string(),
        action: "effect.superseded",
        entity: "effect",
        entity_id: effect.key.clone(),
        payload: json!({ "before": effect.state, "after": EffectState::Abandoned, "by": by, "message": why }).to_string(),
    }))
}

/// Why a mail does not go any more.
pub fn sent_by_name(by: &str) -> String {
    format!("it was sent by name since ({by})")
}
