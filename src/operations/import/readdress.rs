//! Mails and SMS that wait, or that were refused, follow the people they are for: when an import changes
//! how a company is reached, what was planned for an address that is no more goes to whoever took its
//! place. So a mail that was refused for good (SMTP 5xx) goes out once its address is put right
//! (reliability.md: "never until the data change").

use super::Work;
use crate::error::Result;
use crate::jobs::messages::{Outgoing, by_mail, plan};
use crate::model::message::{About, Channel, ContactRole, Mailbox, Message};
use crate::model::{Company, CompanyId, Contact, EffectKind, EffectState, Seller};
use crate::rules::recipients::{Recipient, by_mail as mailed, by_sms};
use crate::store::audit::Entry;
use crate::store::effects::{self, Effect};
use crate::store::{Tx, companies, contacts};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// How some companies are reached, as it stands.
#[derive(Default)]
pub struct Reached(BTreeMap<CompanyId, Reach>);

struct Reach {
    company: Company,
    contacts: Vec<Contact>,
}

impl Reached {
    /// `ids` ascend.
    pub fn load(tx: &mut Tx, ids: &[&str]) -> Result<Self> {
        let mut reached = BTreeMap::new();
        for company in companies::by_ids(tx, ids)? {
            reached.insert(company.company_id.clone(), Reach { company, contacts: Vec::new() });
        }
        for contact in contacts::of_companies(tx, ids)? {
            if let Some(reach) = reached.get_mut(&contact.company_id) {
                reach.contacts.push(contact);
            }
        }
        Ok(Self(reached))
    }
}

impl Reach {
    fn by(&self, channel: Channel, seller: &Seller, role: ContactRole) -> Vec<Recipient> {
        match channel {
            Channel::Email => mailed(seller, &self.company, &self.contacts, role),
            Channel::Sms => by_sms(seller, &self.company, &self.contacts, role),
            // Those go to one's own people and programs.
            Channel::Slack | Channel::Webhook | Channel::InApp => Vec::new(),
        }
    }

    fn addresses(&self, channel: Channel, seller: &Seller) -> BTreeSet<String> {
        let roles = [ContactRole::Billing, ContactRole::Management];
        let all = roles.into_iter().flat_map(|role| self.by(channel, seller, role));
        all.map(|recipient| recipient.mailbox.address).collect()
    }
}

/// Sends what waits for lost addresses to whoever is there now.
pub fn follow(tx: &mut Tx, work: &mut Work, before: &Reached) -> Result<()> {
    let ids: Vec<&str> = before.0.keys().map(CompanyId::as_str).collect();
    // Who is reached does not depend on the seller, only in which language.
    let Some(any) = work.sellers.values().next().cloned() else { return Ok(()) };
    if ids.is_empty() {
        return Ok(());
    }
    let after = Reached::load(tx, &ids)?;
    for channel in [Channel::Email, Channel::Sms] {
        let mut lost: BTreeMap<&CompanyId, BTreeSet<String>> = BTreeMap::new();
        for (company_id, was) in &before.0 {
            let now = after.0.get(company_id).map(|is| is.addresses(channel, &any)).unwrap_or_default();
            let gone: BTreeSet<String> = was.addresses(channel, &any).difference(&now).cloned().collect();
            if !gone.is_empty() {
                lost.insert(company_id, gone);
            }
        }
        let of: Vec<&str> = lost.keys().map(|company_id| company_id.as_str()).collect();
        let mut waiting: BTreeMap<(CompanyId, String), Vec<(Effect, Message)>> = BTreeMap::new();
        for effect in effects::undelivered(tx, EffectKind::of(channel), &of)? {
            if !lost.get(&effect.company_id).is_some_and(|gone| gone.contains(&effect.recipient)) {
                continue;
            }
            let message = Message::of_payload(&effect.payload).map_err(|invalid| crate::error::Error::failed(invalid.0))?;
            if matches!(message.about, About::Invoices { .. } | About::Statement { .. }) {
                waiting.entry((effect.company_id.clone(), message.message_key.clone())).or_default().push((effect, message));
            }
        }
        for ((company_id, _), stale) in waiting {
            if let (Some(reach), Some(gone)) = (after.0.get(&company_id), lost.get(&company_id)) {
                readdress(tx, work, channel, reach, gone, &stale)?;
            }
        }
    }
    Ok(())
}

/// One message of a company: `stale` are those of its effects whose recipients are `gone`.
fn readdress(
    tx: &mut Tx,
    work: &mut Work,
    channel: Channel,
    reach: &Reach,
    gone: &BTreeSet<String>,
    stale: &[(Effect, Message)],
) -> Result<()> {
    let Some((first, message)) = stale.first() else { return Ok(()) };
    let (About::Invoices { seller_id, .. } | About::Statement { seller_id, .. }) = &message.about else { return Ok(()) };
    let Some(seller) = work.sellers.get(seller_id) else { return Ok(()) };
    let to = reach.by(channel, seller, ContactRole::Billing);
    if to.is_empty() {
        // Nobody took the place: better the old address than none.
        return Ok(());
    }
    let outgoing: Vec<Outgoing> = match channel {
        Channel::Sms => to
            .into_iter()
            .map(|Recipient { mailbox, language, .. }| Outgoing {
                channel,
                message: Message { recipient: mailbox, language, ..message.clone() },
                not_before: first.next_at,
            })
            .collect(),
        _ => by_mail(message, &to, &copies(channel, reach, seller, message, gone)),
    };
    let mut planned = Vec::new();
    for one in outgoing {
        let key = one.message.effect_key(channel);
        if effects::find(tx, &reach.company.company_id, &key)?.is_none() {
            planned.push(one);
        }
    }
    plan(tx, &reach.company.company_id, &planned, work.author.at)?;
    let now: Vec<&str> = planned.iter().map(|one| one.message.recipient.address.as_str()).collect();
    for (effect, _) in stale {
        if effects::decide(tx, effect, EffectState::Abandoned, "", work.author.at)? {
            work.entries.push(Entry {
                company_id: effect.company_id.to_string(),
                action: "effect.readdressed",
                entity: "effect",
                entity_id: effect.key.clone(),
                payload: json!({ "before": effect.state, "from": effect.recipient, "to": now }).to_string(),
            });
        }
    }
    Ok(())
}

/// Who was copied and still is there, with the management of today where somebody is gone.
fn copies(channel: Channel, reach: &Reach, seller: &Seller, message: &Message, gone: &BTreeSet<String>) -> Vec<Recipient> {
    let zone = seller.time_zone;
    let as_copied =
        |mailbox: &Mailbox| Recipient { mailbox: mailbox.clone(), language: message.language.clone(), time_zone: zone };
    let (left, lost): (Vec<&Mailbox>, Vec<&Mailbox>) = message.cc.iter().partition(|copied| !gone.contains(&copied.address));
    let mut copies: Vec<Recipient> = left.into_iter().map(as_copied).collect();
    if !lost.is_empty() {
        copies.extend(reach.by(channel, seller, ContactRole::Management));
    }
    copies
}
