//! Writing what was decided: the messages of each event, and what is put aside for a digest.
//!
//! A digest says what lies in it when it is sent. So something is put in only while its message has
//! not been begun, under that row's lock; what comes later goes into the next one.

use super::DispatchPlan;
use crate::engine::alerts as wrong;
use crate::error::Result;
use crate::jobs::messages::{self, Outgoing};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{About, Channel, EventFacts, Mailbox, Message, MessageKind, Severity};
use crate::model::{CompanyId, Routing};
use crate::rules::routing::{Delivery, When};
use crate::store::events::{self, Event, EventState};
use crate::store::{StoreError, Tx, alerts, digests, effects};
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;

/// A digest to one recipient, as it is put together.
struct Digest<'d> {
    /// What makes it that one: when it is told.
    time: String,
    not_before: Option<DateTime<Utc>>,
    delivery: &'d Delivery,
    entries: Vec<(String, &'d EventFacts)>,
}

pub(super) fn record(tx: &mut Tx, routing: &Routing, plans: &[DispatchPlan], at: DateTime<Utc>) -> Result<()> {
    let mut digests: BTreeMap<(Channel, &str, When), Digest> = BTreeMap::new();
    let mut raised = Vec::new();
    for plan in plans {
        let (event, told) = match plan {
            DispatchPlan::Begin(alert) => {
                wrong::begin(tx, routing, alert, at)?;
                continue;
            }
            DispatchPlan::End(alert, recovery) => {
                if alerts::end(tx, &alert.noted, at)? {
                    raised.extend(recovery.iter().map(|event| (**event).clone()));
                }
                continue;
            }
            DispatchPlan::Drop(event) => {
                settle(tx, event, EventState::Dropped, at)?;
                continue;
            }
            DispatchPlan::Tell(event, told) => (event, told),
        };
        settle(tx, event, EventState::Told, at)?;
        let Some(facts) = &event.facts else { continue };
        let single = told.iter().filter(|delivery| delivery.when == When::Now);
        let single: Vec<Outgoing> = single.map(|delivery| message(event, facts, delivery)).collect();
        messages::plan(tx, &event.company_id, &single, at)?;
        for delivery in told {
            let (time, not_before) = match delivery.when {
                When::Now => continue,
                When::Together => (format!("flood:{}", at.format("%Y-%m-%dT%H:%MZ")), None),
                When::At(at) => (at.to_rfc3339_opts(SecondsFormat::Secs, true), Some(at)),
            };
            let key = (delivery.channel, delivery.recipient.address.as_str(), delivery.when);
            let digest = digests.entry(key).or_insert(Digest { time, not_before, delivery, entries: Vec::new() });
            digest.entries.push((format!("{}:{}", event.company_id, event.key), facts));
        }
    }
    events::raise(tx, &raised, at)?;
    digests.values().try_for_each(|digest| put(tx, digest, at))
}

fn settle(tx: &mut Tx, event: &Event, state: EventState, at: DateTime<Utc>) -> Result<()> {
    if events::settle(tx, event, state, at)? {
        return Ok(());
    }
    Err(StoreError::Busy("an event was told by somebody else meanwhile".to_owned()).into())
}

fn message(event: &Event, facts: &EventFacts, delivery: &Delivery) -> Outgoing {
    let about = About::Event { event: facts.clone(), time_zone: delivery.time_zone };
    outgoing(delivery, event.kind, event.severity, event.key.clone(), about, None)
}

fn outgoing(
    delivery: &Delivery,
    kind: MessageKind,
    severity: Severity,
    message_key: String,
    about: About,
    not_before: Option<DateTime<Utc>>,
) -> Outgoing {
    let to: Vec<Mailbox> = if delivery.channel == Channel::Email { vec![delivery.recipient.clone()] } else { Vec::new() };
    let Delivery { channel, recipient, language, .. } = delivery;
    let message = Message {
        kind,
        severity,
        language: language.clone(),
        recipient: recipient.clone(),
        to,
        cc: Vec::new(),
        message_key,
        about,
    };
    Outgoing { channel: *channel, message, not_before }
}

/// Puts entries into the first digest of their time that has not been begun.
fn put(tx: &mut Tx, digest: &Digest, at: DateTime<Utc>) -> Result<()> {
    let system = CompanyId::stored(SYSTEM_COMPANY);
    for number in 1_u32.. {
        let later = if number == 1 { String::new() } else { format!("/{number}") };
        let message_key = format!("{}:{}{later}", MessageKind::Digest, digest.time);
        let about = |digest_key| About::Digest { digest_key, time_zone: digest.delivery.time_zone };
        let mut planned =
            outgoing(digest.delivery, MessageKind::Digest, Severity::Info, message_key, about(String::new()), digest.not_before);
        let key = planned.message.effect_key(planned.channel);
        planned.message.about = about(key.clone());
        if effects::find(tx, &system, &key)?.is_none() {
            messages::plan(tx, &system, &[planned], at)?;
        }
        if effects::hold_planned(tx, &system, &key)? {
            digests::put(tx, &key, &digest.entries)?;
            break;
        }
    }
    Ok(())
}
