//! Which mails a mail follows up: a mail program shows what is said of an invoice below the mail that brought it.

use crate::error::Result;
use crate::model::message::{Message, message_id_left, planned_id_left, times_of};
use crate::model::{CompanyId, EffectState, FailureClass, Invoice};
use crate::store::effects::{self, Mailed};
use crate::store::events::issued_key;
use crate::store::{Tx, dunning, openings};

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
    let keys: Vec<&str> = keys.iter().map(String::as_str).filter(|key| *key != message.message_key).take(MOST_FOLLOWED).collect();
    let mut mailed = effects::mailed(tx, company_id, &keys)?;
    // Not what follows it itself, when it is sent by name once more.
    mailed.retain(|mailed| may_have_come(mailed) && mailed.message_key != message.message_key);
    let mut ids = Vec::new();
    for key in keys {
        let mut sent: Vec<(u32, &Mailed)> =
            mailed.iter().filter_map(|mailed| Some((times_of(&mailed.message_key, key)?, mailed))).collect();
        let is_theirs = |mailed: &Mailed| mailed.recipient == message.recipient.address;
        sent.sort_by_key(|(times, mailed)| (!is_theirs(mailed), *times, &mailed.recipient));
        let answered = sent.into_iter().find_map(|(_, mailed)| {
            let speaks = || Message::of_payload(&mailed.payload).is_ok_and(|sent| sent.language == message.language);
            if is_theirs(mailed) || speaks() { planned_id_left(company_id, &mailed.payload).ok() } else { None }
        });
        let is_the_same = times_of(&message.message_key, key).is_some();
        // Where it came by other ways, what is said of it stays together all the same.
        ids.extend(answered.or_else(|| (!is_the_same).then(|| message_id_left(company_id, key))));
    }
    Ok(ids)
}

/// How sure it is that a mail came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// It went, or may have gone.
    Surely,
    /// It is on its way, too.
    Soon,
}

/// Whether the customer has an invoice: by the mail that brought it, by a reminder of it, or from the system before.
pub fn has_it(tx: &mut Tx, invoice: &Invoice, has: Has) -> Result<bool> {
    let Some(number) = &invoice.number else { return Ok(false) };
    if openings::is_opening(tx, &invoice.company_id, &invoice.invoice_id)? {
        return Ok(true);
    }
    let mut keys = vec![issued_key(&invoice.seller_id, number)];
    let reminders = dunning::planned_of(tx, &invoice.company_id, &invoice.invoice_id)?;
    keys.extend(reminders.into_iter().map(|planned| planned.message_key));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let is_lost = |mailed: &Mailed| mailed.class == Some(FailureClass::NoAnswer);
    let mailed = effects::mailed(tx, &invoice.company_id, &keys)?;
    // What waits drops out once the invoice is void; a first try of it may have come.
    let went = |mailed: &Mailed| has == Has::Soon || mailed.state != EffectState::Planned || is_lost(mailed);
    Ok(mailed.iter().any(|mailed| may_have_come(mailed) && went(mailed)))
}

fn may_have_come(mailed: &Mailed) -> bool {
    match mailed.state {
        EffectState::Failed => false,
        EffectState::Abandoned => mailed.class == Some(FailureClass::NoAnswer),
        EffectState::Planned | EffectState::Sending | EffectState::Succeeded | EffectState::Unknown | EffectState::NeedsHuman => {
            true
        }
    }
}
