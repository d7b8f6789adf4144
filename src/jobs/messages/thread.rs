//! Which mails a mail follows up: a mail program shows what is said of an invoice below the mail that brought it.

use crate::error::Result;
use crate::model::message::{Message, message_id_left, time_of_key};
use crate::model::{CompanyId, EffectState, FailureClass};
use crate::store::Tx;
use crate::store::effects::{self, Effect};

/// Mails that one follows up, at most: its header should not grow without end.
const MOST_FOLLOWED: usize = 20;

/// The first parts of the Message-IDs of what a mail follows up; `keys` are those of the messages that brought its
/// invoices. Each language has a mail of its own, so it is the one that this recipient got, under whatever language
/// they were known then; else one in their language, which came to somebody beside them.
pub fn followed(tx: &mut Tx, company_id: &CompanyId, message: &Message, keys: &[String]) -> Result<Vec<String>> {
    // Other channels know no threads.
    if message.to.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    for key in keys.iter().filter(|key| **key != message.message_key).take(MOST_FOLLOWED) {
        let sent = effects::all_times(tx, company_id, key)?.into_iter().filter(|(_, effect)| may_have_come(effect));
        let mut sent: Vec<(u32, Message)> =
            sent.filter_map(|(times, effect)| Some((times, Message::of_payload(&effect.payload).ok()?))).collect();
        // Not what follows it itself, when it is sent by name once more.
        sent.retain(|(_, sent)| sent.message_key != message.message_key);
        sent.sort_by_key(|(times, sent)| (sent.recipient.address != message.recipient.address, *times));
        let theirs = |sent: &Message| sent.recipient.address == message.recipient.address || sent.language == message.language;
        let is_the_same = time_of_key(&message.message_key).is_some_and(|(base, _)| base == key);
        ids.extend(match sent.into_iter().find(|(_, sent)| theirs(sent)) {
            Some((_, sent)) => Some(sent.message_id_left(company_id)),
            // It came by other ways; what is said of it stays together all the same.
            None => (!is_the_same).then(|| message_id_left(company_id, key)),
        });
    }
    Ok(ids)
}

fn may_have_come(effect: &Effect) -> bool {
    match effect.state {
        EffectState::Failed => false,
        EffectState::Abandoned => effect.class == Some(FailureClass::NoAnswer),
        EffectState::Planned | EffectState::Sending | EffectState::Succeeded | EffectState::Unknown | EffectState::NeedsHuman => {
            true
        }
    }
}
