//! The mail that a job has ended, whose text is that of the command line.
//!
//! While no mail goes, only the last end of each job waits: it takes the place of those before it that were not delivered,
//! and says how many there were, since when, and what failed in them.

use super::End;
use crate::context::Context;
use crate::engine::host;
use crate::engine::summary::NAMED;
use crate::error::{Error, Result};
use crate::model::digest::sha256_hex;
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{About, Channel, EventFacts, Mailbox, Message, MessageKind, Severity, effect_key};
use crate::model::{CompanyId, EffectKind, Invalid};
use crate::store::Tx;
use crate::store::effects::{self, Effect, NewEffect};
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;

/// Details of an end that takes the place of earlier ones: how many runs they were, the first of them, and how much failed.
const RUNS: &str = "untold_runs";
const SINCE: &str = "untold_since";
const FAILED: &str = "untold_failed";

/// Plans the mail, in place of those of earlier runs of this job to this address that were not delivered.
pub(super) fn plan(tx: &mut Tx, ctx: &Context, address: &str, end: End, at: DateTime<Utc>) -> Result<()> {
    let (kind, routing, company_id) = (MessageKind::JobCompleted, &ctx.config.routing, CompanyId::stored(SYSTEM_COMPANY));
    let recipient = Mailbox { name: String::new(), address: address.to_owned() };
    let message_key = format!("{kind}:{}", end.run_id);
    let key = effect_key(Channel::Email, &message_key, address);
    // Of a COMMIT whose answer was lost: it is planned, and those before it are not outstanding any more.
    if effects::find(tx, &company_id, &key)?.is_some() {
        return Ok(());
    }
    let mut event = told(end, at);
    Untold::take_over(tx, &company_id, address, (end.summary.job, &key), at)?.tell(&mut event);
    let message = Message {
        kind,
        severity: event.severity,
        language: routing.language.clone(),
        to: vec![recipient.clone()],
        cc: Vec::new(),
        recipient,
        message_key,
        about: About::Event { event, time_zone: routing.time_zone },
    };
    let wrong = |invalid: Invalid| Error::failed(invalid.0);
    let said = message.to_payload().map_err(wrong)?;
    let payload = message.to_mail_payload(&company_id).map_err(wrong)?;
    let notice = NewEffect {
        company_id,
        key,
        subject: end.run_id.to_string(),
        content_sha256: sha256_hex(said.as_bytes()),
        payload,
        recipient: address.to_owned(),
        not_before: None,
    };
    effects::plan(tx, EffectKind::Mail, &[notice], at).map_err(Error::from)
}

/// The end of a run, as it is told.
fn told(end: End, at: DateTime<Utc>) -> EventFacts {
    let End { run_id, summary, outcome, error } = end;
    let failed = summary.failed_work();
    let mut details = BTreeMap::from([
        ("outcome", outcome.to_owned()),
        ("run_id", run_id.to_string()),
        ("host", host::name()),
        // The line that anchors the audit log outside the database.
        ("line", summary.anchored_text("done")),
        ("done", summary.done.to_string()),
    ]);
    let counts = [("delivered", summary.delivered), ("failed", failed), ("waiting", summary.waiting)];
    details.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.to_string())));
    details.extend(error.map(|error| ("reason", error.kind.as_str().to_owned())));
    let mut details: BTreeMap<String, String> = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    details.extend(summary.total_texts().into_iter().map(|(code, amount)| (format!("total.{code}"), amount)));
    EventFacts {
        kind: MessageKind::JobCompleted,
        severity: if error.is_some() || failed > 0 { Severity::Warning } else { Severity::Info },
        job: summary.job.to_owned(),
        subject: String::new(),
        about: String::new(),
        is_draft: false,
        message: error.map(Error::whole).unwrap_or_default(),
        hint: error.and_then(|error| error.hint.clone()).unwrap_or_default(),
        at,
        company: String::new(),
        details,
        failures: summary.failures.clone(),
    }
}

/// Ends of earlier runs that were not told.
#[derive(Default)]
struct Untold {
    runs: u64,
    since: Option<DateTime<Utc>>,
    failed: u64,
    /// Of the latest first.
    failures: Vec<EventFacts>,
}

impl Untold {
    /// Gives up the mails of a job to an address that nobody has in hand, for the one of key `by`.
    fn take_over(tx: &mut Tx, company_id: &CompanyId, address: &str, (job, by): (&str, &str), at: DateTime<Utc>) -> Result<Self> {
        let mut before: Vec<(Effect, EventFacts)> = effects::unsent_to(tx, EffectKind::Mail, company_id, address)?
            .into_iter()
            .filter_map(|effect| end_in(&effect).filter(|event| event.job == job).map(|event| (effect, event)))
            .collect();
        before.sort_by_key(|(_, event)| std::cmp::Reverse(event.at));
        let why = format!("a later run of the job tells it ({by})");
        let mut untold = Self::default();
        for (effect, event) in before {
            // One that is being sent by now is told by itself.
            if effects::supersede(tx, &effect, &why, at)? {
                untold.add(event);
            }
        }
        Ok(untold)
    }

    fn add(&mut self, event: EventFacts) {
        let count = |name: &str| event.details.get(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        let first = event.details.get(SINCE).and_then(|since| since.parse().ok()).unwrap_or(event.at);
        self.runs += 1 + count(RUNS);
        self.since = Some(self.since.map_or(first, |since| since.min(first)));
        self.failed += count("failed") + count(FAILED);
        if !event.message.is_empty() {
            self.failed += 1;
            self.failures.push(EventFacts { kind: MessageKind::JobFailed, failures: Vec::new(), ..event.clone() });
        }
        self.failures.extend(event.failures);
    }

    /// Adds to the end of a run what those before it had to say; what failed in the latest goes first.
    fn tell(self, event: &mut EventFacts) {
        let Some(since) = self.since else { return };
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        event.details.extend([(RUNS.to_owned(), self.runs.to_string()), (SINCE.to_owned(), since)]);
        if self.failed > 0 {
            event.details.insert(FAILED.to_owned(), self.failed.to_string());
            event.severity = Severity::Warning;
        }
        let room = NAMED.saturating_sub(event.failures.len());
        event.failures.extend(self.failures.into_iter().take(room));
    }
}

/// The end of a run that a mail tells.
fn end_in(effect: &Effect) -> Option<EventFacts> {
    match Message::of_payload(&effect.payload).ok()? {
        Message { kind: MessageKind::JobCompleted, about: About::Event { event, .. }, .. } => Some(event),
        _ => None,
    }
}

/// Whether an act is the mail that tells the end of a run.
pub(in crate::engine) fn is_mail(effect: &Effect) -> bool {
    effect.kind == EffectKind::Mail && effect.company_id.as_str() == SYSTEM_COMPANY && end_in(effect).is_some()
}
