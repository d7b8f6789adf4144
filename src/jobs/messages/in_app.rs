//! Messages for another application to show: rows, written in the transaction that records the act.

use super::Workshop;
use crate::context::Context;
use crate::engine::outbox::{Calls, Deliver, Outcome, Policy};
use crate::error::{Error, Result};
use crate::model::message::{Message, Rendered};
use crate::model::{EffectKind, Receipt, WorkClass};
use crate::rules::retry::Repeat;
use crate::store::effects::Effect;
use crate::store::notifications::{self, Notification};
use crate::store::{Db, Tx};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Rows a transaction.
const BLOCK: u32 = 200;

pub struct InAppCourier<'c> {
    ctx: &'c Context,
    workshop: Rc<Workshop<'c>>,
    /// What the acts in hand say, by company and key, until it is recorded.
    words: RefCell<HashMap<(String, String), (Message, Rendered)>>,
}

impl<'c> InAppCourier<'c> {
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Self {
        Self { ctx, workshop, words: RefCell::default() }
    }
}

impl Deliver for InAppCourier<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::InApp
    }

    fn provider(&self) -> &str {
        "in_app"
    }

    fn ready(&self) -> Result<()> {
        self.workshop.check()
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::Harmless, block: BLOCK, calls: Calls::Together }
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let mut words = self.words.borrow_mut();
        words.clear();
        let mut outcomes = Vec::with_capacity(effects.len());
        for effect in effects {
            outcomes.push(match self.workshop.open(db, effect, self.ctx.as_of)? {
                Err(failure) => Err(failure),
                Ok((message, content)) => self.workshop.press()?.render(&message, &content.facts).map(|rendered| {
                    words.insert((effect.company_id.to_string(), effect.key.clone()), (message, rendered));
                    Receipt { provider_ref: "notifications".to_owned(), sha256: String::new(), bytes: 0 }
                }),
            });
        }
        Ok(outcomes)
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        let words = self.words.borrow();
        for (effect, _) in done {
            // One that a person settled has no words.
            let Some((message, rendered)) = words.get(&(effect.company_id.to_string(), effect.key.clone())) else { continue };
            let notification = Notification {
                company_id: effect.company_id.clone(),
                key: effect.key.clone(),
                recipient: effect.recipient.clone(),
                kind: message.kind,
                severity: message.severity,
                title: rendered.subject.clone(),
                body: rendered.text.clone(),
                created_at: self.ctx.clock.now(),
                read_at: None,
            };
            notifications::insert(tx, &notification).map_err(Error::from)?;
        }
        Ok(())
    }
}
