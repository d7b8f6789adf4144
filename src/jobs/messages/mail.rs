//! Messages by mail: one at a time over one connection, each made a moment before it goes.
//!
//! Mail knows no idempotency (reliability.md, "Unknown outcomes"): one whose answer was lost, or whose
//! sender was killed, is sent once more after four hours, with the same Message-ID and marked, and
//! after that only a person can tell.

use super::came::Came;
use super::{Content, Workshop, sent_by_name};
use crate::config::MailConfig;
use crate::context::Context;
use crate::engine::outbox::{Calls, Deliver, Found, Outcome, Policy};
use crate::error::{Error, Result};
use crate::model::message::{Mail, Mailbox, Message, planned_id_left};
use crate::model::{CompanyId, EffectKind, EffectState, Failure, FailureClass, InvoiceId, Receipt, WorkClass};
use crate::providers::mail::{Mailer, smtp::Smtp};
use crate::rules::retry::Repeat;
use crate::store::effects::{self, Effect};
use crate::store::{Db, Tx};
use chrono::TimeDelta;
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a mail whose answer was lost is waited for, before it is sent once more.
const LOST_FOR: TimeDelta = TimeDelta::hours(4);

/// Mails that are begun together and made side by side, and then sent one by one …
const BLOCK: u32 = 16;

/// … and how old one may be when its turn comes: what was paid meanwhile must not be asked for.
const FRESH: Duration = Duration::from_secs(2);

pub struct MailCourier<'c> {
    ctx: &'c Context,
    config: &'c MailConfig,
    workshop: Rc<Workshop<'c>>,
    smtp: Smtp,
    ready: RefCell<Ready>,
    /// What is told once a run: mails that go without a part.
    told: RefCell<BTreeSet<(CompanyId, String)>>,
    came: Came,
}

/// Mails that were made beforehand, by company and key.
struct Ready {
    made_at: Instant,
    mails: HashMap<(CompanyId, String), Made>,
}

/// A mail, or why there is none.
type Made = std::result::Result<Letter, Failure>;

struct Letter {
    mail: Mail,
    /// The invoices that it is about.
    told: Vec<InvoiceId>,
    /// Why its statement of account is not in it.
    left_out: Option<Error>,
}

impl<'c> MailCourier<'c> {
    /// None where no mail is configured.
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Option<Self> {
        let config = ctx.config.mail.as_ref()?;
        let smtp = Smtp::new(config.server.clone());
        let ready = RefCell::new(Ready { made_at: Instant::now(), mails: HashMap::new() });
        Some(Self { ctx, config, workshop, smtp, ready, told: RefCell::default(), came: Came::default() })
    }

    fn make(&self, db: &mut Db, effects: &[Effect]) -> Result<()> {
        let opened = effects.iter().map(|effect| self.workshop.open(db, effect, self.ctx.as_of)).collect::<Result<Vec<_>>>()?;
        let (press, config) = (self.workshop.press()?, self.config);
        let now = self.ctx.clock.now();
        let made: Vec<Made> = opened
            .into_par_iter()
            .zip(effects)
            .map(|(opened, effect)| {
                let (message, mut content) = opened?;
                let (attachments, left_out) = press.attachments(message.kind, &mut content)?;
                let rendered = press.render(&message, &content.facts)?;
                let Message { to, cc, recipient, .. } = &message;
                let id = |left: &str| format!("{left}@{}", config.domain);
                let message_id = planned_id_left(&effect.company_id, &effect.payload)
                    .map_err(|invalid| Failure::new(FailureClass::Local, invalid.0))?;
                let mail = Mail {
                    message_id: id(&message_id),
                    references: content.follows.iter().map(|left| id(left)).collect(),
                    date: now,
                    from: from(config, &content),
                    reply_to: reply_to(config, &content),
                    to: to.clone(),
                    cc: cc.clone(),
                    recipient: recipient.address.clone(),
                    subject: rendered.subject,
                    text: rendered.text,
                    html: rendered.html,
                    attachments,
                    resend: false,
                };
                Ok(Letter { mail, told: content.told, left_out })
            })
            .collect();
        let keys = effects.iter().map(|effect| (effect.company_id.clone(), effect.key.clone()));
        *self.ready.borrow_mut() = Ready { made_at: Instant::now(), mails: keys.zip(made).collect() };
        Ok(())
    }

    /// The mail as it was made a moment ago, or made now.
    fn take(&self, db: &mut Db, effect: &Effect) -> Result<Made> {
        let key = (effect.company_id.clone(), effect.key.clone());
        let found = {
            let mut ready = self.ready.borrow_mut();
            if ready.made_at.elapsed() < FRESH { ready.mails.remove(&key) } else { None }
        };
        if let Some(mail) = found {
            return Ok(mail);
        }
        self.make(db, std::slice::from_ref(effect))?;
        let mail = self.ready.borrow_mut().mails.remove(&key);
        Ok(mail.unwrap_or_else(|| Err(Failure::new(FailureClass::Local, "the mail was not made"))))
    }
}

impl MailCourier<'_> {
    fn tell_left_out(&self, effect: &Effect, why: &Error) {
        let Effect { company_id, key, .. } = effect;
        if self.told.borrow_mut().insert((company_id.clone(), key.clone())) {
            let hint = why.hint.as_deref().unwrap_or_default();
            let what = format!("{key} ({company_id}) goes without its statement of account: {}", why.message);
            self.ctx.ui.warn(format!("{what}\nhint: {hint}"));
        }
    }
}

impl Deliver for MailCourier<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Mail
    }

    fn provider(&self) -> &str {
        "mail"
    }

    fn ready(&self) -> Result<()> {
        self.workshop.check()
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Mail, repeat: Repeat::LookUp, block: BLOCK, calls: Calls::InTurn }
    }

    fn prepare(&self, db: &mut Db, coming: &[Effect]) -> Result<()> {
        self.came.forget();
        self.make(db, coming)
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        self.came.record(tx, done, self.ctx.clock.now())
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(effects.len());
        for effect in effects {
            if let Some(later) = sent_again(db, effect)? {
                outcomes.push(Err(Failure::new(FailureClass::Obsolete, sent_by_name(&later.key))));
                continue;
            }
            let resend = !lost_attempts(db, effect)?.is_empty();
            outcomes.push(match self.take(db, effect)? {
                Ok(Letter { mail, told, left_out }) => {
                    if let Some(why) = left_out {
                        self.tell_left_out(effect, &why);
                    }
                    self.came.sent(effect, told);
                    self.smtp.send(&Mail { resend, ..mail })
                }
                Err(failure) => Err(failure),
            });
        }
        Ok(outcomes)
    }

    fn after_a_lost_answer(&self) -> &'static str {
        "it goes once more after 4 hours, marked as a resend; if that answer is lost too, only you can tell"
    }

    /// No server can be asked whether it took a mail: time decides, and then a person.
    fn look_up(&self, db: &mut Db, effect: &Effect) -> Result<std::result::Result<Found, Failure>> {
        let now = self.ctx.clock.now();
        let due = effect.sending_at.unwrap_or(now) + LOST_FOR;
        Ok(Ok(match lost_attempts(db, effect)?.len() {
            0 | 1 if now < due => Found::NotYet(due - now),
            0 | 1 => Found::NotDone,
            _ => Found::Undecidable("its answer was lost twice: ask the recipient, or the log of the mail server".to_owned()),
        }))
    }
}

/// A mail by which the same was sent since. One that was never tried before was given up when that was planned.
fn sent_again(db: &mut Db, effect: &Effect) -> Result<Option<Effect>> {
    if effect.attempts <= 1 { Ok(None) } else { Ok(db.read(|tx| effects::sent_again(tx, effect))?) }
}

/// The earlier attempts whose answer was lost: the mail may have been delivered.
fn lost_attempts(db: &mut Db, effect: &Effect) -> Result<BTreeSet<u32>> {
    if effect.attempts <= 1 && effect.state == EffectState::Sending {
        return Ok(BTreeSet::new());
    }
    let attempts = db.read(|tx| effects::attempts_of(tx, effect))?;
    Ok(attempts.iter().filter(|a| a.outcome == EffectState::Unknown.as_str()).map(|a| a.attempt).collect())
}

/// The seller writes to its customers, by the configured address.
fn from(config: &MailConfig, content: &Content) -> Mailbox {
    let seller = content.facts.seller.as_ref().map(|seller| seller.name.as_str());
    match (config.from.name.as_str(), seller) {
        ("", Some(name)) => Mailbox { name: name.to_owned(), ..config.from.clone() },
        _ => config.from.clone(),
    }
}

/// Answers go to the configured address, else to the seller's own.
fn reply_to(config: &MailConfig, content: &Content) -> Option<Mailbox> {
    let seller = content.facts.seller.as_ref().filter(|seller| !seller.email.is_empty());
    let seller = || seller.map(|seller| Mailbox { name: seller.name.clone(), address: seller.email.clone() });
    config.reply_to.clone().or_else(seller)
}
