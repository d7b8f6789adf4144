//! Telling a URL that a job has ended: `[notify_on_completion]`, signed after Standard Webhooks.
//!
//! The notice is planned in the transaction that ends the run, so that none is forgotten, and sent
//! after it; what fails is tried again by later runs of any job. Its failure never fails the job:
//! the receiver being down says nothing of the books. A repetition is harmless, since
//! the receiver knows the message by its `webhook-id`. The mail (`mail`) goes the way of all mails.

mod mail;

pub(super) use mail::is_mail;

use super::outbox::{Calls, Deliver, Outcome, Policy};
use super::summary::Summary;
use crate::config::NotifyConfig;
use crate::context::Context;
use crate::crash;
use crate::error::{Error, Result};
use crate::model::digest::sha256_hex;
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::{CompanyId, EffectKind, JobKind, RunId, WorkClass};
use crate::providers::webhook::{Webhook, message_id};
use crate::rules::retry::Repeat;
use crate::store::effects::{self, Effect, NewEffect};
use crate::store::{Db, Tx};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

/// Messages a block: each is a call of its own, so that one that hangs holds up few.
const BLOCK: u32 = 4;

/// Sends completion notices.
pub struct CompletionNotices<'c> {
    ctx: &'c Context,
    webhook: Webhook,
}

impl<'c> CompletionNotices<'c> {
    /// None when nobody is to be told.
    pub fn new(ctx: &'c Context) -> Option<Self> {
        let config = ctx.config.notify.as_ref()?;
        Some(Self { ctx, webhook: Webhook::new(config.webhook.clone()?) })
    }
}

/// Whether the end of this run is to be told. That earlier ends could not be told, or were told now, is not enough.
pub(super) fn is_wanted(config: Option<&NotifyConfig>, summary: &Summary, ended: &Result<()>) -> bool {
    let (Some(config), Ok(job)) = (config, summary.job.parse::<JobKind>()) else { return false };
    config.wants(job, summary.is_news(), ended.is_err() || summary.failed_work() > 0)
}

/// Plans the notices of a run that ends, in the transaction that says so. What they tell is the
/// summary, as on the command line.
pub(super) fn plan(tx: &mut Tx, ctx: &Context, end: End, at: DateTime<Utc>) -> Result<()> {
    let Some(config) = &ctx.config.notify else { return Ok(()) };
    if config.webhook.is_some() {
        plan_webhook(tx, end, at)?;
    }
    match &config.email {
        Some(address) => mail::plan(tx, ctx, address, end, at),
        None => Ok(()),
    }
}

/// How a run ended.
#[derive(Clone, Copy)]
pub(super) struct End<'r> {
    pub run_id: &'r RunId,
    pub summary: &'r Summary,
    pub outcome: &'r str,
    /// What ended it, when it did not come to its end.
    pub error: Option<&'r Error>,
}

fn plan_webhook(tx: &mut Tx, end: End, at: DateTime<Utc>) -> Result<()> {
    let End { run_id, summary, outcome, .. } = end;
    let body = json!({
        "type": "job.completed",
        "timestamp": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "data": { "outcome": outcome, "summary": summary },
    })
    .to_string();
    let notice = NewEffect {
        company_id: CompanyId::stored(SYSTEM_COMPANY),
        key: format!("{}:{run_id}", EffectKind::CompletionNotice),
        subject: run_id.to_string(),
        content_sha256: sha256_hex(body.as_bytes()),
        payload: body,
        recipient: String::new(),
        not_before: None,
    };
    effects::plan(tx, EffectKind::CompletionNotice, &[notice], at).map_err(Error::from)
}

impl Deliver for CompletionNotices<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::CompletionNotice
    }

    fn provider(&self) -> &str {
        "webhook"
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::Harmless, block: BLOCK, calls: Calls::Together }
    }

    fn carry_out(&self, _db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let sent = effects.iter().map(|effect| {
            let sent = self.webhook.post(
                &message_id(effect.company_id.as_str(), &effect.key),
                effect.payload.as_bytes(),
                self.ctx.clock.now(),
            );
            crash::point("webhook.sent");
            sent
        });
        Ok(sent.collect())
    }
}
