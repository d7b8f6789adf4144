//! Messages by mail: one at a time over one connection, each made a moment before it goes.
//!
//! Mail knows no idempotency (reliability.md, "Unknown outcomes"): one whose answer was lost, or whose
//! sender was killed, is sent once more after four hours, with the same Message-ID and marked, and
//! after that only a person can tell.

use super::came::Came;
use super::letters::{Letter, Letters, lost_attempts};
use super::{Workshop, sent_by_name};
use crate::context::Context;
use crate::engine::outbox::{Calls, Deliver, Found, Outcome, Policy};
use crate::error::{Error, Result};
use crate::model::{CompanyId, EffectKind, Failure, FailureClass, Receipt, WorkClass};
use crate::providers::mail::smtp::Smtp;
use crate::rules::retry::Repeat;
use crate::store::effects::{self, Effect};
use crate::store::{Db, Tx};
use chrono::TimeDelta;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How long a mail whose answer was lost is waited for, before it is sent once more.
const LOST_FOR: TimeDelta = TimeDelta::hours(4);

/// Mails that are begun together and made side by side, and then sent one by one.
const BLOCK: u32 = 16;

pub struct MailCourier<'c> {
    ctx: &'c Context,
    letters: RefCell<Letters<'c>>,
    workshop: Rc<Workshop<'c>>,
    smtp: Smtp,
    /// What is told once a run: mails that go without a part.
    told: RefCell<BTreeSet<(CompanyId, String)>>,
    came: Came,
}

impl<'c> MailCourier<'c> {
    /// None where no mail is configured.
    pub fn new(ctx: &'c Context, workshop: Rc<Workshop<'c>>) -> Option<Self> {
        let config = ctx.config.mail.as_ref()?;
        let smtp = Smtp::new(config.server.clone());
        let letters = RefCell::new(Letters::new(ctx, config, Rc::clone(&workshop)));
        Some(Self { ctx, letters, workshop, smtp, told: RefCell::default(), came: Came::default() })
    }

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

    fn prepare(&self, db: &mut Db, coming: &[Effect], then: &[Effect]) -> Result<()> {
        self.came.forget();
        self.letters.borrow_mut().prepare(db, coming, then)
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        self.came.record(tx, done, self.ctx.as_of)
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(effects.len());
        for effect in effects {
            if let Some(later) = sent_again(db, effect)? {
                outcomes.push(Err(Failure::new(FailureClass::Obsolete, sent_by_name(&later.key))));
                continue;
            }
            let letter = self.letters.borrow_mut().take(db, effect)?;
            outcomes.push(match letter {
                Ok(Letter { written, told, left_out }) => {
                    if let Some(why) = left_out {
                        self.tell_left_out(effect, &why);
                    }
                    self.came.sent(effect, told);
                    self.smtp.deliver(&written)
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
