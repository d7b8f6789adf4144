//! What goes wrong, noted where it goes wrong: in the transaction that records it, once while it lasts,
//! and only when a route leads to somebody who wants to know. `alerts dispatch` tells it, and its end.

use super::host;
use super::items;
use super::job::Failed;
use super::outbox::SILENCE;
use super::summary::Summary;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{About, EventFacts, Message, MessageKind, Severity};
use crate::model::{CompanyId, EffectKind, EffectState, FailureClass, InvoiceId, JobKind, Routing};
use crate::rules::routing::{Happened, is_wanted};
use crate::store::alerts::{self, NewAlert};
use crate::store::effects::Settled;
use crate::store::events::{self, Audience, Event};
use crate::store::runs::Run;
use crate::store::{Db, Tx};
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;

/// The detail that says in one stable word why: languages have sentences for them.
const REASON: &str = "reason";

/// The detail that lists, with spaces between them, the ids of the invoices that an act is about.
pub const INVOICE_IDS: &str = "invoice_ids";

/// The reason of a run that ended without a word.
pub const DIED: &str = "died";

/// Notes what is wrong, and raises an event for it the first time. `reason` makes it another event when
/// the same thing fails for another reason. Alerts of two companies may have one key, and whoever is told
/// knows messages by their keys alone, so the company is in it.
fn raise(
    tx: &mut Tx,
    routing: &Routing,
    found: impl IntoIterator<Item = (NewAlert, &'static str)>,
    at: DateTime<Utc>,
) -> Result<()> {
    let mut raised = Vec::new();
    for (alert, reason) in found {
        let happened = Happened { kind: alert.kind, severity: alert.severity, over: None, company_id: &alert.company_id };
        if !is_wanted(routing, happened) {
            continue;
        }
        let episode = alerts::note(tx, &alert, at)?;
        raised.push(Event {
            key: format!("{}:{}:{}:{reason}#{episode}", alert.kind, alert.company_id, alert.key),
            company_id: alert.company_id,
            audience: Audience::Staff,
            kind: alert.kind,
            severity: alert.severity,
            subject: alert.subject,
            facts: Some(alert.facts),
        });
    }
    if raised.is_empty() { Ok(()) } else { Ok(events::raise(tx, &raised, at)?) }
}

/// Whether a run's end is to be noted: it failed by itself.
pub(super) fn run_failed<'r>(ctx: &Context, summary: &Summary, ended: &'r Result<()>) -> Option<&'r Error> {
    let error = ended.as_ref().err()?;
    (error.kind.is_a_failure() && !ctx.config.routing.routes.is_empty() && summary.job.parse::<JobKind>().is_ok())
        .then_some(error)
}

/// Notes that a run failed.
pub(super) fn note_run(tx: &mut Tx, ctx: &Context, summary: &Summary, error: &Error, at: DateTime<Utc>) -> Result<()> {
    let routing = &ctx.config.routing;
    let alert = of_machine(format!("job:{}", summary.job), summary.job, severity_of(routing, summary.job), error, at);
    raise(tx, routing, [(alert, "")], at)
}

/// What is to be noted of a run that ended without a word: killed, out of memory, a power cut. None while
/// it may still be at work, or when nobody wants to know. `beat` is when its job last came to its end.
pub fn broken_off(routing: &Routing, run: &Run, beat: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<NewAlert> {
    let gone = match host::life(&run.process) {
        host::Life::Alive => false,
        host::Life::Gone => true,
        host::Life::Unknown => run.heartbeat_at + SILENCE < now,
    };
    if run.finished_at.is_some() || !gone || beat.is_some_and(|beat| beat >= run.started_at) {
        return None;
    }
    let message = format!("the run {} on {} ended without a word: its process is gone", run.run_id, run.host);
    let error = Error::failed(message).hint("run it again: it goes on where it stopped; finops runs show tells more");
    let mut alert = of_machine(format!("job:{}", run.job), &run.job, severity_of(routing, &run.job), &error, now);
    alert.facts.details.insert(REASON.to_owned(), DIED.to_owned());
    let happened = Happened { kind: alert.kind, severity: alert.severity, over: None, company_id: &alert.company_id };
    is_wanted(routing, happened).then_some(alert)
}

/// Notes something that is wrong, and raises an event for it the first time.
pub fn begin(tx: &mut Tx, routing: &Routing, alert: &NewAlert, at: DateTime<Utc>) -> Result<()> {
    raise(tx, routing, [(alert.clone(), "")], at)
}

fn severity_of(routing: &Routing, job: &str) -> Severity {
    let is_critical = job.parse().is_ok_and(|job: JobKind| routing.critical_jobs.contains(&job));
    if is_critical { Severity::Critical } else { Severity::Warning }
}

/// Notes that this machine's clock or database is in doubt: until a person has looked, no job runs.
///
/// The refusal is the one to tell: that it could not be noted as well is no news.
pub(super) fn note_doubt(ctx: &Context, db: &mut Db, job: &str, error: &Error) {
    if ctx.config.routing.routes.is_empty() {
        return;
    }
    let at = ctx.clock.now();
    let alert = of_machine(doubt_key(), job, Severity::Critical, error, at);
    if let Err(error) = db.write(|tx| raise(tx, &ctx.config.routing, [(alert.clone(), "")], at)) {
        ctx.ui.warn(format!("nobody could be told of it: {}", error.message));
    }
}

/// The key of a doubt about this machine.
pub fn doubt_key() -> String {
    format!("doubt:{}", host::name())
}

fn of_machine(key: String, job: &str, severity: Severity, error: &Error, at: DateTime<Utc>) -> NewAlert {
    let kind = MessageKind::JobFailed;
    let facts = EventFacts {
        kind,
        severity,
        job: job.to_owned(),
        subject: String::new(),
        message: error.whole(),
        hint: error.hint.clone().unwrap_or_default(),
        at,
        company: String::new(),
        about: String::new(),
        is_draft: false,
        details: BTreeMap::from([("host".to_owned(), host::name()), (REASON.to_owned(), error.kind.as_str().to_owned())]),
        failures: Vec::new(),
    };
    let company_id = CompanyId::stored(SYSTEM_COMPANY);
    NewAlert { company_id, key, kind, severity, job: job.to_owned(), subject: String::new(), period: String::new(), facts }
}

/// Notes what newly could not be done; `parked` says of each whether it waits for a person from now on.
pub(super) fn note_items<'f>(
    tx: &mut Tx,
    routing: &Routing,
    job: &str,
    news: impl IntoIterator<Item = (&'f Failed, bool)>,
    at: DateTime<Utc>,
) -> Result<()> {
    if routing.routes.is_empty() {
        return Ok(());
    }
    raise(tx, routing, news.into_iter().map(|(failed, parked)| (alert_of_item(job, failed, parked, at), failed.reason)), at)
}

fn alert_of_item(job: &str, failed: &Failed, parked: bool, at: DateTime<Utc>) -> NewAlert {
    let facts = of_item(job, failed, parked, at);
    let Failed { company_id, subject, period, reason, .. } = failed;
    // A company has an address or has none: whichever job and seller miss it, that is one thing to mend.
    let (key, subject, period) = if *reason == alerts::NO_ADDRESS {
        (alerts::NO_ADDRESS.to_owned(), String::new(), String::new())
    } else {
        (format!("item:{job}:{subject}:{period}"), subject.clone(), period.clone())
    };
    let (kind, severity) = (facts.kind, facts.severity);
    NewAlert { company_id: company_id.clone(), key, kind, severity, job: job.to_owned(), subject, period, facts }
}

/// Notes acts that failed for good, or of which only a person can tell what became. What tells staff
/// of something is left out: it would tell that it cannot be told, by the way that is broken.
pub(super) fn note_effects(tx: &mut Tx, routing: &Routing, job: &str, settled: &[Settled], at: DateTime<Utc>) -> Result<()> {
    if routing.routes.is_empty() {
        return Ok(());
    }
    let failed = settled.iter().filter(|s| matches!(s.state, EffectState::Failed | EffectState::NeedsHuman));
    let alerts = failed.filter(|s| !tells_staff(&s.effect.payload)).map(|s| {
        let (facts, key) = (of_effect(job, s, at), &s.effect.key);
        let alert = NewAlert {
            company_id: s.effect.company_id.clone(),
            key: format!("effect:{key}"),
            kind: facts.kind,
            severity: facts.severity,
            job: job.to_owned(),
            subject: key.clone(),
            period: String::new(),
            facts,
        };
        (alert, s.state.as_str())
    });
    raise(tx, routing, alerts, at)
}

/// What could not be done, as it is told.
pub(super) fn of_item(job: &str, failed: &Failed, parked: bool, at: DateTime<Utc>) -> EventFacts {
    let Failed { company_id, subject, period, reason, message, hint } = failed;
    let details = [("company_id", company_id.as_str()), ("period", period), (REASON, reason)];
    let details = details.into_iter().filter(|(_, value)| !value.is_empty());
    EventFacts {
        kind: if parked { MessageKind::ItemParked } else { MessageKind::ItemFailed },
        severity: Severity::Warning,
        job: job.to_owned(),
        // The database refused a company's rows, whichever they are.
        subject: if subject == items::REFUSED { company_id.to_string() } else { subject.clone() },
        about: String::new(),
        is_draft: false,
        message: message.clone(),
        hint: hint.clone(),
        at,
        company: String::new(),
        details: details.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        failures: Vec::new(),
    }
}

/// An act that failed, as it is told. Ids and keys go along for programs and for the commands of whoever mends it.
pub(super) fn of_effect(job: &str, settled: &Settled, at: DateTime<Utc>) -> EventFacts {
    let Settled { effect, error, .. } = settled;
    let message = Message::of_payload(&effect.payload).ok();
    EventFacts {
        kind: MessageKind::EffectFailed,
        severity: Severity::Warning,
        job: job.to_owned(),
        subject: message.as_ref().map_or_else(|| effect.key.clone(), Message::in_words),
        about: String::new(),
        is_draft: false,
        message: (*error).to_owned(),
        hint: hint_of_effect(settled, message.as_ref()),
        at,
        company: String::new(),
        details: details_of_effect(settled, message.as_ref()),
        failures: Vec::new(),
    }
}

/// For programs and for logs, in English; messages to people say the same in their languages (`texts.todo.effect`).
fn hint_of_effect(settled: &Settled, message: Option<&Message>) -> String {
    let Settled { effect, state, class, next_at, .. } = settled;
    let key = &effect.key;
    let of_customer = message.is_some_and(|message| !message.about.is_for_staff());
    match (state, next_at) {
        (EffectState::NeedsHuman, _) => format!("look it up, then finops effects settle {key} --as succeeded, or --as not-done"),
        (EffectState::Failed, _) if *class == Some(FailureClass::Rejected) && of_customer => format!(
            "if the address is wrong, correct it and import it with finops import contacts FILE: it goes there by itself; \
             if not, mend the cause, then finops effects retry {key}"
        ),
        (EffectState::Failed, _) | (_, None) => format!("mend the cause, then finops effects retry {key}"),
        (EffectState::Planned, Some(at)) => format!("it is tried again after {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        (_, Some(_)) => String::new(),
    }
}

fn details_of_effect(settled: &Settled, message: Option<&Message>) -> BTreeMap<String, String> {
    let Settled { effect, state, class, next_at, .. } = settled;
    let mut details = BTreeMap::from([
        ("company_id", effect.company_id.to_string()),
        ("effect", effect.kind.to_string()),
        ("key", effect.key.clone()),
        ("state", state.to_string()),
    ]);
    details.extend(class.map(|class| (REASON, class.to_string())));
    details.extend(next_at.map(|at| ("next_at", at.to_rfc3339_opts(SecondsFormat::Secs, true))));
    if let Some(message) = message {
        let audience = if message.about.is_for_staff() { Audience::Staff } else { Audience::Customer };
        details.insert("audience", audience.to_string());
        details.insert("message", message.kind.to_string());
        details.insert("recipient", message.recipient.address.clone());
        details.insert("recipients", message.to.len().max(1).to_string());
    }
    match message.map(|message| &message.about) {
        Some(About::Invoices { invoice_ids, .. }) => {
            let ids: Vec<&str> = invoice_ids.iter().map(InvoiceId::as_str).collect();
            details.insert(INVOICE_IDS, ids.join(" "));
        }
        Some(About::Statement { from, .. }) => {
            details.insert("period", from.to_string());
        }
        None if effect.kind == EffectKind::Document => {
            details.insert(INVOICE_IDS, effect.subject.clone());
        }
        Some(About::Event { .. } | About::Digest { .. }) | None => {}
    }
    details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn tells_staff(payload: &str) -> bool {
    Message::of_payload(payload).is_ok_and(|message| message.about.is_for_staff())
}
