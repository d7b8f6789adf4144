//! Messages to programs: the facts as JSON, signed after Standard Webhooks.

use super::Workshop;
use crate::context::Context;
use crate::crash;
use crate::engine::outbox::{Calls, Deliver, Outcome, Policy};
use crate::error::Result;
use crate::model::{EffectKind, Failure, FailureClass, WorkClass};
use crate::providers::webhook::{Webhook, message_id};
use crate::rules::retry::Repeat;
use crate::store::Db;
use crate::store::effects::Effect;
use chrono::SecondsFormat;
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Calls a block: one that hangs holds up few.
const BLOCK: u32 = 4;

pub struct WebhookCourier<'c> {
    ctx: &'c Context,
    workshop: Rc<Workshop<'c>>,
    /// By the name that the configuration gives them.
    receivers: BTreeMap<String, Webhook>,
}

impl<'c> WebhookCourier<'c> {
    /// None where no webhook is configured.
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Option<Self> {
        let receivers: BTreeMap<_, _> =
            ctx.config.webhooks.iter().map(|(name, settings)| (name.clone(), Webhook::new(settings.clone()))).collect();
        (!receivers.is_empty()).then_some(Self { ctx, workshop, receivers })
    }

    fn send(&self, db: &mut Db, effect: &Effect) -> Result<Outcome> {
        let Some(receiver) = self.receivers.get(&effect.recipient) else {
            let why = format!("the configuration has no [webhooks.{}] any more", effect.recipient);
            return Ok(Err(Failure::new(FailureClass::Rejected, why)));
        };
        let (message, content) = match self.workshop.open(db, effect, self.ctx.as_of)? {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        let body = json!({
            "type": message.kind,
            "timestamp": effect.planned_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "data": content.facts,
        });
        let sent = receiver.post(
            &message_id(effect.company_id.as_str(), &effect.key),
            body.to_string().as_bytes(),
            self.ctx.clock.now(),
        );
        crash::point("webhook.sent");
        Ok(sent)
    }
}

impl Deliver for WebhookCourier<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Webhook
    }

    fn provider(&self) -> &str {
        "webhook"
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::Harmless, block: BLOCK, calls: Calls::Together }
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        effects.iter().map(|effect| self.send(db, effect)).collect()
    }
}
