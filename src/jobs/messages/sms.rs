//! Text messages: one at a time, since each costs money. The carrier knows no idempotency, so one whose
//! answer was lost is looked for in its list of what went to the number since: the same words are it, others may be.

use super::Workshop;
use super::came::Came;
use crate::context::Context;
use crate::crash;
use crate::engine::outbox::{Calls, Deliver, Found, Outcome, Policy};
use crate::error::Result;
use crate::model::{EffectKind, Failure, FailureClass, InvoiceId, Receipt, WorkClass};
use crate::providers::sms::twilio::Twilio;
use crate::providers::sms::{Texter, Trace};
use crate::rules::retry::Repeat;
use crate::store::effects::Effect;
use crate::store::{Db, Tx};
use chrono::{DateTime, Utc};
use std::rc::Rc;

pub struct SmsCourier<'c> {
    ctx: &'c Context,
    workshop: Rc<Workshop<'c>>,
    texter: Twilio,
    came: Came,
}

impl<'c> SmsCourier<'c> {
    /// None where no carrier is configured.
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Option<Self> {
        let settings = ctx.config.sms.as_ref()?;
        Some(Self { ctx, workshop, texter: Twilio::new(settings.clone()), came: Came::default() })
    }

    /// What the message says as of an instant: that of its sending, when it is looked for.
    fn text(
        &self,
        db: &mut Db,
        effect: &Effect,
        as_of: DateTime<Utc>,
    ) -> Result<std::result::Result<(String, Vec<InvoiceId>), Failure>> {
        let (message, content) = match self.workshop.open(db, effect, as_of)? {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        let rendered = self.workshop.press()?.render(&message, &content.facts);
        Ok(rendered.map(|rendered| (rendered.short, content.told)))
    }
}

impl Deliver for SmsCourier<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Sms
    }

    fn provider(&self) -> &str {
        "sms"
    }

    fn ready(&self) -> Result<()> {
        self.workshop.check()
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::LookUp, block: 1, calls: Calls::Together }
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        self.came.forget();
        let mut outcomes = Vec::with_capacity(effects.len());
        for effect in effects {
            let now = self.ctx.clock.now();
            outcomes.push(match self.text(db, effect, effect.sending_at.unwrap_or(now))? {
                Ok((text, told)) => {
                    self.came.sent(effect, told);
                    let sent = self.texter.send(&effect.recipient, &text, now);
                    crash::point("sms.sent");
                    sent
                }
                Err(failure) => Err(failure),
            });
        }
        Ok(outcomes)
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        self.came.record(tx, done, self.ctx.as_of)
    }

    fn look_up(&self, db: &mut Db, effect: &Effect) -> Result<std::result::Result<Found, Failure>> {
        let now = self.ctx.clock.now();
        let since = effect.sending_at.unwrap_or(now);
        let text = match self.text(db, effect, since)? {
            Ok((text, _)) => text,
            // What it was for is gone: the next attempt finds that out, and drops it.
            Err(failure) if failure.class == FailureClass::Obsolete => return Ok(Ok(Found::NotDone)),
            // What it said cannot be told any more; that something was sent still can.
            Err(_) => String::new(),
        };
        let found = self.texter.look_up(&effect.recipient, &text, since, now);
        Ok(found.map(|trace| match trace {
            Trace::Sent(receipt) => Found::Done(receipt),
            Trace::Nothing => Found::NotDone,
            // Its words are made anew, and may not be those of then: what was owed has changed since.
            Trace::Other(sid) => Found::Undecidable(format!("{sid} went to {} since, with other words", effect.recipient)),
        }))
    }
}
