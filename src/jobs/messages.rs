//! Messages on their way: planned by jobs as effects, one a recipient and channel, and carried there.
//!
//! What a message is about is planned; its facts are gathered, and its words made, when it is sent
//! (`facts`). So a reminder of what was paid meanwhile is not sent, and what waited for a night or for a
//! mail server says what is true in the morning.

mod again;
mod came;
mod facts;
mod in_app;
mod letters;
mod mail;
mod names;
mod opening;
mod settled;
mod slack;
mod sms;
mod thread;
mod webhook;
mod workshop;

pub use again::{give_up, sent_by_name, take_over};
pub use facts::{Content, Gathered, gather, kind_of};
pub use thread::{Has, has_it};
pub use workshop::{Workshop, checked_templates};

use crate::context::Context;
use crate::engine::outbox::Deliver;
use crate::error::{Error, Result};
use crate::model::digest::sha256_hex;
use crate::model::message::{About, Channel, Mailbox, Message};
use crate::model::{CompanyId, EffectKind, Invalid};
use crate::rules::recipients::Recipient;
use crate::store::Tx;
use crate::store::effects::{self, NewEffect};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A message to one recipient by one channel.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub channel: Channel,
    pub message: Message,
    /// It waits until then (quiet hours, a digest); None: it goes at once.
    pub not_before: Option<DateTime<Utc>>,
}

/// Plans messages of a company, each once per key, in the transaction that decides them.
pub fn plan(tx: &mut Tx, company_id: &CompanyId, messages: &[Outgoing], at: DateTime<Utc>) -> Result<()> {
    for channel in Channel::ALL {
        let planned: Vec<NewEffect> = messages
            .iter()
            .filter(|outgoing| outgoing.channel == *channel)
            .map(|outgoing| effect(company_id, outgoing))
            .collect::<Result<_>>()?;
        if !planned.is_empty() {
            effects::plan(tx, EffectKind::of(*channel), &planned, at)?;
        }
    }
    Ok(())
}

fn effect(company_id: &CompanyId, outgoing: &Outgoing) -> Result<NewEffect> {
    let Outgoing { channel, message, not_before } = outgoing;
    let told = |invalid: Invalid| Error::failed(invalid.0);
    let said = message.to_payload().map_err(told)?;
    let content_sha256 = sha256_hex(said.as_bytes());
    let payload = if *channel == Channel::Email { message.to_mail_payload(company_id).map_err(told)? } else { said };
    Ok(NewEffect {
        company_id: company_id.clone(),
        key: message.effect_key(*channel),
        subject: subject(&message.about),
        content_sha256,
        payload,
        recipient: message.recipient.address.clone(),
        not_before: *not_before,
    })
}

/// A mail to these people and copies to those, as one message to each. A mail names all who get it,
/// and those are who read the same language: where there are several, each has a mail of its own, with
/// its own Message-ID. They share the message's key; effects differ by the address.
pub fn by_mail(message: &Message, to: &[Recipient], copies: &[Recipient]) -> Vec<Outgoing> {
    let languages: BTreeSet<&str> = to.iter().map(|recipient| recipient.language.as_str()).collect();
    let first = to.first().map(|recipient| recipient.language.as_str());
    let mut outgoing = Vec::with_capacity(to.len() + copies.len());
    for language in &languages {
        let of_language = |recipients: &[Recipient]| -> Vec<Mailbox> {
            recipients.iter().filter(|r| r.language == *language).map(|r| r.mailbox.clone()).collect()
        };
        // Whoever is copied reads it in their own language where somebody does, else as the first one.
        let reads = |copied: &&Recipient| match languages.contains(copied.language.as_str()) {
            true => copied.language == *language,
            false => first == Some(*language),
        };
        let cc: Vec<Mailbox> = copies.iter().filter(reads).map(|recipient| recipient.mailbox.clone()).collect();
        let to = of_language(to);
        for recipient in to.iter().chain(&cc) {
            let message = Message {
                language: (*language).to_owned(),
                recipient: recipient.clone(),
                to: to.clone(),
                cc: cc.clone(),
                ..message.clone()
            };
            outgoing.push(Outgoing { channel: Channel::Email, message, not_before: None });
        }
    }
    outgoing
}

/// What a list of effects shows that it is about.
fn subject(about: &About) -> String {
    match about {
        About::Invoices { invoice_ids, .. } => invoice_ids.first().map(ToString::to_string).unwrap_or_default(),
        About::Statement { seller_id, .. } => seller_id.to_string(),
        About::Event { event, .. } => event.subject.clone(),
        About::Digest { digest_key, .. } => digest_key.clone(),
    }
}

/// What carries the messages of each channel that the configuration has.
pub struct Couriers<'c> {
    couriers: Vec<Box<dyn Deliver + 'c>>,
}

impl<'c> Couriers<'c> {
    pub fn new(ctx: &'c Context) -> Self {
        let workshop = Rc::new(Workshop::new(ctx));
        let couriers = Channel::ALL.iter().filter_map(|channel| courier(*channel, ctx, &workshop)).collect();
        Self { couriers }
    }

    pub fn deliverers(&self) -> Vec<&dyn Deliver> {
        self.couriers.iter().map(|courier| &**courier).collect()
    }
}

impl<'c> IntoIterator for Couriers<'c> {
    type Item = Box<dyn Deliver + 'c>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.couriers.into_iter()
    }
}

/// What carries messages by a channel; None when the configuration does not have it.
pub fn courier<'c>(channel: Channel, ctx: &'c Context, workshop: &Rc<Workshop<'c>>) -> Option<Box<dyn Deliver + 'c>> {
    let workshop = Rc::clone(workshop);
    Some(match channel {
        Channel::Email => Box::new(mail::MailCourier::new(ctx, workshop)?),
        Channel::Sms => Box::new(sms::SmsCourier::new(ctx, workshop)?),
        Channel::Slack => Box::new(slack::SlackCourier::new(ctx, workshop)?),
        Channel::Webhook => Box::new(webhook::WebhookCourier::new(ctx, workshop)?),
        Channel::InApp => Box::new(in_app::InAppCourier::new(ctx, workshop)),
    })
}
