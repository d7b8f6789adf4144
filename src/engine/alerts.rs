//! What goes wrong, noted where it goes wrong: in the transaction that records it, once while it lasts,
//! and only when a route leads to somebody who wants to know. `alerts dispatch` tells it, and its end.

use super::host;
use super::items;
use super::job::Failed;
use super::outbox::SILENCE;
use super::summary::Summary;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{About, EventFacts, Message, MessageKind, Severity};
use crate::model::{CompanyId, EffectState, JobKind, Routing};
use crate::rules::routing::{Happened, is_wanted};
use crate::store::alerts::{self, NewAlert};
use crate::store::effects::Settled;
use crate::store::events::{self, Audience, Event};
use crate::store::runs::Run;
use crate::store::{Db, Tx};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

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

/// Whether a run's end is to be noted: it failed by itself. What waits for its turn, or was stopped by
/// a person, did not.
pub(super) fn run_failed<'r>(ctx: &Context, summary: &Summary, ended: &'r Result<()>) -> Option<&'r Error> {
    let error = ended.as_ref().err()?;
    let failed = match error.kind {
        ErrorKind::Failed | ErrorKind::Input | ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Config => true,
        ErrorKind::Usage | ErrorKind::TryLater | ErrorKind::Interrupted | ErrorKind::Terminated => false,
    };
    (failed && !ctx.config.routing.routes.is_empty() && summary.job.parse::<JobKind>().is_ok()).then_some(error)
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
    let alert = of_machine(format!("job:{}", run.job), &run.job, severity_of(routing, &run.job), &error, now);
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
        details: BTreeMap::from([("host".to_owned(), host::name())]),
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
    let alerts = news.into_iter().map(|(failed, parked)| {
        let kind = if parked { MessageKind::ItemParked } else { MessageKind::ItemFailed };
        let Failed { company_id, subject, period, reason, message, hint } = failed;
        let details = [("company_id", company_id.as_str()), ("period", period), ("reason", reason)];
        let details = details.into_iter().filter(|(_, value)| !value.is_empty());
        let facts = EventFacts {
            kind,
            severity: Severity::Warning,
            job: job.to_owned(),
            // The database refused a company's rows, whichever they are.
            subject: if subject == items::REFUSED { company_id.to_string() } else { subject.clone() },
            message: message.clone(),
            hint: hint.clone(),
            at,
            company: String::new(),
            details: details.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        let alert = NewAlert {
            company_id: company_id.clone(),
            key: format!("item:{job}:{subject}:{period}"),
            kind,
            severity: facts.severity,
            job: job.to_owned(),
            subject: subject.clone(),
            period: period.clone(),
            facts,
        };
        (alert, *reason)
    });
    raise(tx, routing, alerts, at)
}

/// Notes acts that failed for good, or of which only a person can tell what became. What tells staff
/// of something is left out: it would tell that it cannot be told, by the way that is broken.
pub(super) fn note_effects(tx: &mut Tx, routing: &Routing, job: &str, settled: &[Settled], at: DateTime<Utc>) -> Result<()> {
    if routing.routes.is_empty() {
        return Ok(());
    }
    let failed = settled.iter().filter(|s| matches!(s.state, EffectState::Failed | EffectState::NeedsHuman));
    let alerts = failed.filter(|s| !tells_staff(&s.effect.payload)).map(|s| {
        let (kind, severity) = (MessageKind::EffectFailed, Severity::Warning);
        let key = &s.effect.key;
        let hint = match s.state {
            EffectState::NeedsHuman => format!("look it up, then finops effects settle {key} --as succeeded, or --as not-done"),
            _ => format!("mend the cause, then finops effects retry {key}"),
        };
        let details = [
            ("company_id", s.effect.company_id.to_string()),
            ("effect", s.effect.kind.to_string()),
            ("state", s.state.to_string()),
        ];
        let facts = EventFacts {
            kind,
            severity,
            job: job.to_owned(),
            subject: Message::of_payload(&s.effect.payload).map_or_else(|_| key.clone(), |message| message.in_words()),
            message: s.error.to_owned(),
            hint,
            at,
            company: String::new(),
            details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        let (company_id, subject) = (s.effect.company_id.clone(), key.clone());
        let alert = NewAlert {
            company_id,
            key: format!("effect:{key}"),
            kind,
            severity,
            job: job.to_owned(),
            subject,
            period: String::new(),
            facts,
        };
        (alert, s.state.as_str())
    });
    raise(tx, routing, alerts, at)
}

fn tells_staff(payload: &str) -> bool {
    Message::of_payload(payload).is_ok_and(|message| matches!(message.about, About::Event { .. } | About::Digest { .. }))
}
