//! Messages to Slack. One that comes twice after a lost answer does no harm there.

use super::Workshop;
use crate::context::Context;
use crate::crash;
use crate::engine::outbox::{Calls, Deliver, Outcome, Policy};
use crate::error::Result;
use crate::model::{EffectKind, WorkClass};
use crate::providers::slack::{Message, Slack};
use crate::rules::retry::Repeat;
use crate::store::Db;
use crate::store::effects::Effect;
use std::rc::Rc;

/// Calls a block: one that hangs holds up few.
const BLOCK: u32 = 4;

pub struct SlackCourier<'c> {
    ctx: &'c Context,
    workshop: Rc<Workshop<'c>>,
    slack: Slack,
}

impl<'c> SlackCourier<'c> {
    /// None where no Slack is configured.
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Option<Self> {
        let settings = ctx.config.slack.as_ref()?;
        Some(Self { ctx, workshop, slack: Slack::new(settings.clone()) })
    }

    fn send(&self, db: &mut Db, effect: &Effect) -> Result<Outcome> {
        let (message, content) = match self.workshop.open(db, effect, self.ctx.as_of)? {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        let (rendered, text) = match self.workshop.press()?.for_slack(&message, &content.facts) {
            Ok(written) => written,
            Err(failure) => return Ok(Err(failure)),
        };
        let post = Message { title: &rendered.subject, short: &rendered.short, text: &text };
        let sent = self.slack.post(&effect.recipient, &post, self.ctx.clock.now());
        crash::point("slack.sent");
        Ok(sent)
    }
}

impl Deliver for SlackCourier<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Slack
    }

    fn provider(&self) -> &str {
        "slack"
    }

    fn ready(&self) -> Result<()> {
        self.workshop.check()
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::Harmless, block: BLOCK, calls: Calls::Together }
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        effects.iter().map(|effect| self.send(db, effect)).collect()
    }
}
