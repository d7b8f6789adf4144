//! Which reminders came: noted with what became of each mail and text message, in the same transaction. The next step
//! counts from the last one that really came (`rules::dunning`).

use crate::error::Result;
use crate::model::message::{About, Message};
use crate::model::{CompanyId, InvoiceId, Receipt};
use crate::store::effects::Effect;
use crate::store::{Tx, dunning};
use chrono::{DateTime, Utc};
use std::cell::RefCell;
use std::collections::HashMap;

/// What a courier has just sent.
#[derive(Default)]
pub struct Came {
    /// The invoices that a message still asked for, by company and key.
    told: RefCell<HashMap<(CompanyId, String), Vec<InvoiceId>>>,
}

impl Came {
    /// What was sent before is recorded.
    pub fn forget(&self) {
        self.told.borrow_mut().clear();
    }

    pub fn sent(&self, effect: &Effect, told: Vec<InvoiceId>) {
        self.told.borrow_mut().insert((effect.company_id.clone(), effect.key.clone()), told);
    }

    /// Notes what came to those whom it is for. Where this process did not send it itself, all that it was planned for
    /// counts.
    pub fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)], at: DateTime<Utc>) -> Result<()> {
        for (effect, _) in done {
            let Ok(message) = Message::of_payload(&effect.payload) else { continue };
            let About::Invoices { invoice_ids, .. } = &message.about else { continue };
            if !message.kind.is_reminder() || message.is_copy() {
                continue;
            }
            let told = self.told.borrow();
            let told = told.get(&(effect.company_id.clone(), effect.key.clone())).unwrap_or(invoice_ids);
            dunning::came(tx, &effect.company_id, &message.message_key, told, at)?;
        }
        Ok(())
    }
}
