//! Who hears of what: the decisions of `alerts dispatch`, as data.

use super::Key;
use crate::engine::job::Plan;
use crate::model::message::{EventFacts, MessageKind, Severity};
use crate::model::{CompanyId, Money, Routing};
use crate::rules::routing::{self, Delivery, Happened, When};
use crate::store::alerts::{Alert, NewAlert};
use crate::store::events::{Audience, Event};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which kind of thing it was that is over, and how serious: names of details of a recovery.
const WAS: &str = "was";

/// What is decided.
pub enum DispatchPlan {
    /// Something is wrong that nobody has noted.
    Begin(NewAlert),
    /// Something is over; None: nobody wants to know.
    End(Alert, Option<Box<Event>>),
    Tell(Event, Vec<Delivery>),
    /// No route leads from it to anybody.
    Drop(Event),
}

pub(super) fn decide(routing: &Routing, keys: &[Key], as_of: DateTime<Utc>) -> Vec<DispatchPlan> {
    let mut plans: Vec<DispatchPlan> = keys
        .iter()
        .map(|key| match key {
            Key::Broke(alert) => DispatchPlan::Begin((**alert).clone()),
            Key::Over(alert) => {
                let recovery = recovery(alert, as_of);
                let wanted = routing::is_wanted(routing, happened(&recovery));
                DispatchPlan::End((**alert).clone(), wanted.then(|| Box::new(recovery)))
            }
            Key::Tell(event) => match routing::deliveries(routing, happened(event), as_of) {
                told if told.is_empty() => DispatchPlan::Drop((**event).clone()),
                told => DispatchPlan::Tell((**event).clone(), told),
            },
        })
        .collect();
    routing::dam(plans.iter_mut().flat_map(|plan| match plan {
        DispatchPlan::Tell(_, told) => told.iter_mut(),
        DispatchPlan::Begin(_) | DispatchPlan::End(..) | DispatchPlan::Drop(_) => [].iter_mut(),
    }));
    plans
}

/// An event as routes see it.
pub(super) fn happened(event: &Event) -> Happened<'_> {
    let detail = |name: &str| event.facts.as_ref()?.details.get(name).map(String::as_str);
    let over = detail(EventFacts::OVER).and_then(|kind| Some((kind.parse().ok()?, detail(WAS)?.parse().ok()?)));
    Happened { kind: event.kind, severity: event.severity, over, company_id: &event.company_id }
}

/// What tells that something is over.
fn recovery(alert: &Alert, at: DateTime<Utc>) -> Event {
    let Alert { noted, since, times, episode, .. } = alert;
    let (kind, severity) = (MessageKind::JobRecovered, Severity::Info);
    let details = [
        (EventFacts::OVER, noted.kind.to_string()),
        (WAS, noted.severity.to_string()),
        ("since", since.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ("times", times.to_string()),
    ];
    let mut all: BTreeMap<String, String> = noted.facts.details.clone();
    all.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let facts = EventFacts { kind, severity, hint: String::new(), at, details: all, ..noted.facts.clone() };
    Event {
        company_id: noted.company_id.clone(),
        key: format!("{kind}:{}:{}#{episode}", noted.company_id, noted.key),
        audience: Audience::Staff,
        kind,
        severity,
        subject: noted.subject.clone(),
        facts: Some(facts),
    }
}

impl Plan for DispatchPlan {
    fn counts(&self) -> bool {
        matches!(self, Self::Tell(..))
    }

    fn amount(&self) -> Option<Money> {
        None
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match self {
            Self::Begin(alert) => vec![(alert.company_id.clone(), alert.key.clone())],
            Self::End(alert, _) => vec![(alert.noted.company_id.clone(), alert.noted.key.clone())],
            Self::Tell(event, _) | Self::Drop(event) => vec![(event.company_id.clone(), event.key.clone())],
        }
    }

    fn item(&self) -> Value {
        let of_event = |outcome: &str, event: &Event| {
            json!({ "outcome": outcome, "kind": event.kind, "severity": event.severity, "company_id": event.company_id,
                "key": event.key, "message": event.facts.as_ref().map(|facts| &facts.message) })
        };
        match self {
            Self::Begin(alert) => {
                json!({ "outcome": "noted", "kind": alert.kind, "severity": alert.severity, "company_id": alert.company_id,
                    "key": alert.key, "message": alert.facts.message })
            }
            Self::End(alert, _) => {
                json!({ "outcome": "over", "kind": alert.noted.kind, "company_id": alert.noted.company_id, "key": alert.noted.key })
            }
            Self::Tell(event, told) => {
                let mut item = of_event("told", event);
                let to = told.iter().map(|d| json!({ "channel": d.channel, "recipient": d.recipient, "when": when(d.when) }));
                item["to"] = to.collect::<Vec<_>>().into();
                item
            }
            Self::Drop(event) => of_event("dropped", event),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Begin(alert) => format!("note      {:<20} {:<9} {}", alert.company_id, alert.severity, alert.key),
            Self::End(alert, _) => format!("over      {:<20} {}", alert.noted.company_id, alert.noted.key),
            Self::Tell(event, told) => {
                let to: Vec<String> =
                    told.iter().map(|d| format!("{}:{} {}", d.channel, d.recipient.address, when(d.when))).collect();
                format!("tell      {:<20} {:<9} {} to {}", event.company_id, event.severity, event.key, to.join(", "))
            }
            Self::Drop(event) => format!("drop      {:<20} {}", event.company_id, event.key),
        }
    }
}

fn when(when: When) -> String {
    match when {
        When::Now => "now".to_owned(),
        When::Together => "now, with others".to_owned(),
        When::At(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}
