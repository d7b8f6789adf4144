//! Mails, made side by side on all cores: those that are about to go, and beside their going the ones after them.

use super::workshop::{Opened, Press};
use super::{Content, Workshop};
use crate::config::MailConfig;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::message::{Mail, Mailbox, Message, planned_id_left};
use crate::model::{CompanyId, EffectState, Failure, FailureClass, InvoiceId};
use crate::providers::mail::mime::{self, Written};
use crate::store::Db;
use crate::store::effects::{self, Effect};
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How old a mail may be when its turn comes: what was paid meanwhile must not be asked for.
const FRESH: Duration = Duration::from_secs(2);

/// A mail, or why there is none.
pub type Made = std::result::Result<Letter, Failure>;

pub struct Letter {
    pub written: Written,
    /// The invoices that it is about.
    pub told: Vec<InvoiceId>,
    /// Why its statement of account is not in it.
    pub left_out: Option<Error>,
}

type Key = (CompanyId, String);

/// Mails that were made beforehand.
pub struct Letters<'c> {
    ctx: &'c Context,
    workshop: Rc<Workshop<'c>>,
    head: Arc<Letterhead>,
    ready: HashMap<Key, (Instant, Made)>,
    coming: Option<Coming>,
}

/// What all mails have in common.
struct Letterhead {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// What Message-IDs end with.
    domain: String,
}

/// Mails that are being made.
struct Coming {
    read_at: Instant,
    making: JoinHandle<Vec<(Key, Made)>>,
}

/// A planned mail, and what it is about as it is now.
struct Draft {
    key: Key,
    payload: String,
    resend: bool,
    opened: Opened,
}

impl<'c> Letters<'c> {
    pub fn new(ctx: &'c Context, config: &MailConfig, workshop: Rc<Workshop<'c>>) -> Self {
        let MailConfig { from, reply_to, domain, .. } = config;
        let head = Letterhead { from: from.clone(), reply_to: reply_to.clone(), domain: domain.clone() };
        Self { ctx, workshop, head: Arc::new(head), ready: HashMap::new(), coming: None }
    }

    /// Makes these ready, and begins with those that come after them.
    pub fn prepare(&mut self, db: &mut Db, now: &[Effect], then: &[Effect]) -> Result<()> {
        self.ready.clear();
        if let Some(Coming { read_at, making }) = self.coming.take() {
            let made = making.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            self.ready.extend(made.into_iter().map(|(key, made)| (key, (read_at, made))));
        }
        self.ready.retain(|_, (read_at, _)| read_at.elapsed() < FRESH);
        let missing: Vec<&Effect> = now.iter().filter(|effect| !self.ready.contains_key(&key(effect))).collect();
        self.make(db, &missing)?;
        if !then.is_empty() {
            self.coming = self.begin(db, then)?;
        }
        Ok(())
    }

    /// The mail as it was made a moment ago, or made now.
    pub fn take(&mut self, db: &mut Db, effect: &Effect) -> Result<Made> {
        let key = key(effect);
        if let Some((read_at, made)) = self.ready.remove(&key)
            && read_at.elapsed() < FRESH
        {
            return Ok(made);
        }
        self.make(db, &[effect])?;
        let made = self.ready.remove(&key).map(|(_, made)| made);
        Ok(made.unwrap_or_else(|| Err(Failure::new(FailureClass::Local, "the mail was not made"))))
    }

    fn make(&mut self, db: &mut Db, effects: &[&Effect]) -> Result<()> {
        let read_at = Instant::now();
        let drafts = self.read(db, effects.iter().copied())?;
        let made = make(drafts, self.workshop.press()?, &self.head, self.ctx.clock.now());
        self.ready.extend(made.into_iter().map(|(key, made)| (key, (read_at, made))));
        Ok(())
    }

    /// None where no thread is to be had: they are made when their turn comes.
    fn begin(&self, db: &mut Db, effects: &[Effect]) -> Result<Option<Coming>> {
        let read_at = Instant::now();
        let drafts = self.read(db, effects)?;
        let (press, head, now) = (Arc::clone(self.workshop.press()?), Arc::clone(&self.head), self.ctx.clock.now());
        let making = Builder::new().name("letters".to_owned()).spawn(move || make(drafts, &press, &head, now));
        Ok(making.ok().map(|making| Coming { read_at, making }))
    }

    fn read<'e>(&self, db: &mut Db, effects: impl IntoIterator<Item = &'e Effect>) -> Result<Vec<Draft>> {
        let draft = |effect: &Effect| {
            let resend = !lost_attempts(db, effect)?.is_empty();
            let opened = self.workshop.open(db, effect, self.ctx.as_of)?;
            Ok(Draft { key: key(effect), payload: effect.payload.clone(), resend, opened })
        };
        effects.into_iter().map(draft).collect()
    }
}

fn key(effect: &Effect) -> Key {
    (effect.company_id.clone(), effect.key.clone())
}

/// The earlier attempts whose answer was lost: the mail may have been delivered.
pub fn lost_attempts(db: &mut Db, effect: &Effect) -> Result<BTreeSet<u32>> {
    let ended = effect.attempts.saturating_sub(u32::from(effect.state == EffectState::Sending));
    if ended == 0 {
        return Ok(BTreeSet::new());
    }
    let attempts = db.read(|tx| effects::attempts_of(tx, effect))?;
    Ok(attempts.iter().filter(|a| a.outcome == EffectState::Unknown.as_str()).map(|a| a.attempt).collect())
}

fn make(drafts: Vec<Draft>, press: &Press, head: &Letterhead, now: DateTime<Utc>) -> Vec<(Key, Made)> {
    let letter = |draft: Draft| (draft.key.clone(), letter(draft, press, head, now));
    drafts.into_par_iter().map(letter).collect()
}

fn letter(draft: Draft, press: &Press, head: &Letterhead, now: DateTime<Utc>) -> Made {
    let Draft { key: (company_id, _), payload, resend, opened } = draft;
    let (message, mut content) = opened?;
    let (attachments, left_out) = press.attachments(message.kind, &mut content)?;
    let rendered = press.render(&message, &content.facts)?;
    let id = |left: &str| format!("{left}@{}", head.domain);
    let planned_id = planned_id_left(&company_id, &payload).map_err(|invalid| Failure::new(FailureClass::Local, invalid.0))?;
    let (from, reply_to) = (head.from(&content), head.reply_to(&content));
    let Message { to, cc, recipient, .. } = message;
    let mail = Mail {
        message_id: id(&planned_id),
        references: content.follows.iter().map(|left| id(left)).collect(),
        date: now,
        from,
        reply_to,
        to,
        cc,
        recipient: recipient.address,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        attachments,
        resend,
    };
    let written = mime::write(&mail).map_err(|error| Failure::new(FailureClass::Rejected, error.to_string()))?;
    Ok(Letter { written, told: content.told, left_out })
}

impl Letterhead {
    /// The seller writes to its customers, by the configured address.
    fn from(&self, content: &Content) -> Mailbox {
        let seller = content.facts.seller.as_ref().map(|seller| seller.name.as_str());
        match (self.from.name.as_str(), seller) {
            ("", Some(name)) => Mailbox { name: name.to_owned(), ..self.from.clone() },
            _ => self.from.clone(),
        }
    }

    /// Answers go to the configured address, else to the seller's own.
    fn reply_to(&self, content: &Content) -> Option<Mailbox> {
        let seller = content.facts.seller.as_ref().filter(|seller| !seller.email.is_empty());
        let seller = || seller.map(|seller| Mailbox { name: seller.name.clone(), address: seller.email.clone() });
        self.reply_to.clone().or_else(seller)
    }
}
