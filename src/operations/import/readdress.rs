//! Mails and SMS that wait, or that were refused, follow the people they are for: when an import changes
//! how a company is reached, what was planned for an address that is no more goes to whoever took its
//! place. So a mail that was refused for good (SMTP 5xx) goes out once its address is put right
//! (reliability.md: "never until the data change").

use super::Work;
use crate::error::{Error, Result};
use crate::jobs::messages::{Outgoing, by_mail, plan};
use crate::model::message::{About, Channel, ContactRole, Mailbox, Message};
use crate::model::{Company, CompanyId, Contact, EffectKind, EffectState, Seller};
use crate::rules::recipients::{Recipient, by_mail as mailed, by_sms};
use crate::store::audit::Entry;
use crate::store::effects::{self, Effect};
use crate::store::{Tx, companies, contacts};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What was refused for good and is older than this stays so.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

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

    /// Each address by whose it is: a contact's id, or none for the company's own.
    fn owners<'r>(&'r self, channel: Channel) -> BTreeMap<Option<&'r str>, &'r String> {
        let of_contact = |contact: &'r Contact| if channel == Channel::Sms { &contact.phone } else { &contact.email };
        let own = (channel == Channel::Email).then_some((None, &self.company.email));
        own.into_iter()
            .chain(self.contacts.iter().map(|contact| (Some(contact.contact_id.as_str()), of_contact(contact))))
            .collect()
    }
}

/// How a company is reached otherwise than before.
struct Moves {
    gone: BTreeSet<String>,
    came: BTreeSet<String>,
    /// New address to the one that the same person had.
    former: BTreeMap<String, String>,
}

impl Moves {
    fn between(was: &Reach, is: &Reach, channel: Channel, seller: &Seller) -> Self {
        let (before, after) = (was.addresses(channel, seller), is.addresses(channel, seller));
        let owned = was.owners(channel);
        let moved =
            is.owners(channel).into_iter().filter_map(|(owner, address)| Some((address.clone(), (*owned.get(&owner)?).clone())));
        Self {
            gone: before.difference(&after).cloned().collect(),
            came: after.difference(&before).cloned().collect(),
            former: moved.filter(|(new, old)| new != old).collect(),
        }
    }

    fn former(&self, address: &str) -> Option<&String> {
        self.former.get(address)
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
        let mut moves: BTreeMap<&CompanyId, Moves> = BTreeMap::new();
        for (company_id, was) in &before.0 {
            let Some(is) = after.0.get(company_id) else { continue };
            let moved = Moves::between(was, is, channel, &any);
            if !moved.gone.is_empty() {
                moves.insert(company_id, moved);
            }
        }
        let of: Vec<&str> = moves.keys().map(|company_id| company_id.as_str()).collect();
        let mut waiting: BTreeMap<(CompanyId, String), Vec<(Effect, Message)>> = BTreeMap::new();
        for effect in effects::undelivered(tx, EffectKind::of(channel), &of)? {
            let is_stale = moves.get(&effect.company_id).is_some_and(|moved| moved.gone.contains(&effect.recipient));
            // What was given up long ago is not taken up again by the way.
            let is_old = effect.state == EffectState::Failed && effect.planned_at + REMEMBERED < work.author.at;
            if !is_stale || is_old || effects::sent_again(tx, &effect)?.is_some() {
                continue;
            }
            let message = Message::of_payload(&effect.payload).map_err(|invalid| Error::failed(invalid.0))?;
            if matches!(message.about, About::Invoices { .. } | About::Statement { .. }) {
                waiting.entry((effect.company_id.clone(), message.message_key.clone())).or_default().push((effect, message));
            }
        }
        for ((company_id, _), stale) in waiting {
            if let (Some(reach), Some(moved)) = (after.0.get(&company_id), moves.get(&company_id)) {
                readdress(tx, work, channel, reach, moved, &stale)?;
            }
        }
    }
    Ok(())
}

/// One message of a company: `stale` are those of its effects whose recipients are gone.
fn readdress(
    tx: &mut Tx,
    work: &mut Work,
    channel: Channel,
    reach: &Reach,
    moved: &Moves,
    stale: &[(Effect, Message)],
) -> Result<()> {
    let Some((_, message)) = stale.first() else { return Ok(()) };
    let (About::Invoices { seller_id, .. } | About::Statement { seller_id, .. }) = &message.about else { return Ok(()) };
    let Some(seller) = work.sellers.get(seller_id).cloned() else { return Ok(()) };
    let (company_id, at) = (&reach.company.company_id, work.author.at);
    if reach.by(channel, &seller, ContactRole::Billing).is_empty() {
        // Nobody took the place: better the old address than none.
        return Ok(());
    }
    let mut given_up = Vec::new();
    for (effect, _) in stale {
        // One that is being sent by now is left to it.
        if effects::decide(tx, effect, EffectState::Abandoned, "", at)? {
            given_up.push(effect);
        }
    }
    if given_up.is_empty() {
        return Ok(());
    }
    let standing: BTreeMap<String, Effect> = effects::of_message(tx, company_id, &message.message_key)?
        .into_iter()
        .filter(|effect| effect.kind == EffectKind::of(channel))
        .map(|effect| (effect.recipient.clone(), effect))
        .collect();
    let was_reached = |address: &String| standing.get(address).is_some_and(|effect| !is_over_in_vain(effect.state));
    let anybody = standing.values().any(|effect| !is_over_in_vain(effect.state));
    let wanted = |recipient: &String| {
        let newcomer = moved.came.contains(recipient) && !moved.former(recipient).is_some_and(was_reached);
        newcomer || !anybody
    };
    let outgoing = outgoing(channel, reach, &seller, moved, stale);
    let mut now: Vec<String> = Vec::new();
    for one in outgoing.into_iter().filter(|one| wanted(&one.message.recipient.address)) {
        let address = one.message.recipient.address.clone();
        match standing.get(&address) {
            None => plan(tx, company_id, &[one], at)?,
            Some(effect) if is_over_in_vain(effect.state) => {
                effects::decide(tx, effect, EffectState::Planned, "", at)?;
            }
            Some(_) => continue,
        }
        now.push(address);
    }
    work.entries.extend(given_up.into_iter().map(|effect| Entry {
        company_id: effect.company_id.to_string(),
        action: "effect.readdressed",
        entity: "effect",
        entity_id: effect.key.clone(),
        payload: json!({ "before": effect.state, "from": effect.recipient, "to": now }).to_string(),
    }));
    Ok(())
}

/// The message to all who get it now.
fn outgoing(channel: Channel, reach: &Reach, seller: &Seller, moved: &Moves, stale: &[(Effect, Message)]) -> Vec<Outgoing> {
    let Some((first, message)) = stale.first() else { return Vec::new() };
    let to = reach.by(channel, seller, ContactRole::Billing);
    let mut outgoing: Vec<Outgoing> = match channel {
        Channel::Sms => to.into_iter().map(|recipient| by_channel(channel, message, recipient)).collect(),
        _ => by_mail(message, &to, &copies(channel, reach, seller, message, moved)),
    };
    // What waited for the morning waits on; a pause after a failure was the other address's.
    let not_before = first.next_at.filter(|_| first.state == EffectState::Planned && first.attempts == 0);
    for one in &mut outgoing {
        one.not_before = not_before;
    }
    outgoing
}

/// Nothing came of it, and nothing will by itself.
const fn is_over_in_vain(state: EffectState) -> bool {
    matches!(state, EffectState::Failed | EffectState::Abandoned)
}

fn by_channel(channel: Channel, message: &Message, recipient: Recipient) -> Outgoing {
    let Recipient { mailbox, language, .. } = recipient;
    Outgoing { channel, message: Message { recipient: mailbox, language, ..message.clone() }, not_before: None }
}

/// Who was copied and still is there, with the management of today where somebody is gone.
fn copies(channel: Channel, reach: &Reach, seller: &Seller, message: &Message, moved: &Moves) -> Vec<Recipient> {
    let zone = seller.time_zone;
    let as_copied =
        |mailbox: &Mailbox| Recipient { mailbox: mailbox.clone(), language: message.language.clone(), time_zone: zone };
    let (lost, left): (Vec<&Mailbox>, Vec<&Mailbox>) = message.cc.iter().partition(|copied| moved.gone.contains(&copied.address));
    let mut copies: Vec<Recipient> = left.into_iter().map(as_copied).collect();
    if !lost.is_empty() {
        copies.extend(reach.by(channel, seller, ContactRole::Management));
    }
    copies
}
