//! What can be said of an event in words of the language.

use super::filters;
use crate::model::message::{EventFacts, MessageKind};
use crate::model::{EffectKind, EffectState, FailureClass, JobKind};
use crate::render::columns;
use crate::render::languages::{Language, fill};

/// The kinds of what can be wrong, each with its own words: names of tables in the languages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Item,
    Effect,
    Job,
}

impl Wrong {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Effect => "effect",
            Self::Job => "job",
        }
    }
}

/// What was wrong, also of what is over; None for what is no failure.
fn wrong(event: &EventFacts) -> Option<Wrong> {
    match event.what_was_wrong() {
        MessageKind::ItemFailed | MessageKind::ItemParked => Some(Wrong::Item),
        MessageKind::EffectFailed => Some(Wrong::Effect),
        MessageKind::JobFailed | MessageKind::JobCompleted => Some(Wrong::Job),
        _ => None,
    }
}

fn detail<'e>(event: &'e EventFacts, name: &str) -> Option<&'e str> {
    event.details.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn text(language: &Language, key: &str, values: &[(&str, &str)]) -> Option<String> {
    let text = language.text(key)?;
    Some(columns::one_line(&fill(language.wording(text, 1), values)))
}

/// What it is about, as a subject names it: number or kind of document, and the customer; a draft by its customer alone;
/// the job where there is nothing else.
pub(super) fn place(event: &EventFacts, language: &Language) -> String {
    if event.is_draft || event.kind == MessageKind::InvoiceDraft {
        let words = match event.company.trim() {
            "" => text(language, "common.draft", &[]),
            company => text(language, "alert.draft_for", &[("company", company)]),
        };
        return words.unwrap_or_default();
    }
    let document = document(event, language);
    let about = if document.is_empty() { &event.about } else { &document };
    let named: Vec<&str> = [about, &event.company].map(|name| name.trim()).into_iter().filter(|name| !name.is_empty()).collect();
    if named.is_empty() { event.job.clone() } else { named.join(", ") }
}

/// What was to be delivered: its kind in words, and its number; empty where the event is about no delivery.
pub(super) fn document(event: &EventFacts, language: &Language) -> String {
    let number = detail(event, "number").unwrap_or_default();
    let Some(kind) = detail(event, "effect").and_then(|kind| kind.parse().ok()) else { return String::new() };
    let of_message = || match detail(event, "message").and_then(|kind| kind.parse().ok()) {
        Some(kind) if detail(event, "audience") != Some("staff") => word_of(kind),
        _ => "message",
    };
    let word = match kind {
        EffectKind::Document => "pdf",
        EffectKind::CompletionNotice => "completion",
        EffectKind::Mail | EffectKind::Sms | EffectKind::Slack | EffectKind::Webhook | EffectKind::InApp => of_message(),
    };
    // What it was about is not in the books any more.
    let word = if number.is_empty() && !["statement", "completion"].contains(&word) { "message" } else { word };
    text(language, &format!("alert.documents.{word}"), &[("number", number)]).unwrap_or_default()
}

/// The name of what a message to a customer brings, among the texts.
const fn word_of(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::InvoiceIssued => "invoice",
        MessageKind::InvoicePaid => "receipt",
        MessageKind::InvoiceFailed => "declined",
        MessageKind::InvoiceRefunded => "refund",
        MessageKind::InvoiceVoided => "cancellation",
        MessageKind::CreditNoteIssued => "credit_note",
        MessageKind::ReminderUpcoming | MessageKind::ReminderOverdue | MessageKind::ReminderEscalation => "reminder",
        MessageKind::Statement => "statement",
        MessageKind::InvoiceDraft
        | MessageKind::InvoiceHeld
        | MessageKind::JobFailed
        | MessageKind::JobRecovered
        | MessageKind::JobCompleted
        | MessageKind::ItemFailed
        | MessageKind::ItemParked
        | MessageKind::EffectFailed
        | MessageKind::BalanceLow
        | MessageKind::Notice
        | MessageKind::Digest => "message",
    }
}

/// Why, by the word that was noted, as a sentence; empty where there is none. Those who run the books and read English
/// have the noted message itself, which says more; of what was not delivered that is what the other side said, in words
/// of its own.
pub(super) fn reason(event: &EventFacts, language: &Language) -> String {
    let Some(wrong) = wrong(event).filter(|wrong| language.tag != "en" || *wrong == Wrong::Effect) else {
        return String::new();
    };
    let word = detail(event, "reason").unwrap_or_default();
    text(language, &format!("reason.{}.{word}", wrong.as_str()), &[]).unwrap_or_default()
}

/// What to do about it, in the language; empty where nothing is known, or where it is over. Whoever reads English has what
/// was noted with it, which names the row and the command.
pub(super) fn advice(event: &EventFacts, language: &Language) -> String {
    match told_advice(event, language) {
        _ if event.kind == MessageKind::JobRecovered => String::new(),
        Some(told) if language.tag != "en" || wrong(event) == Some(Wrong::Effect) || event.hint.is_empty() => told,
        _ if language.tag == "en" => event.hint.clone(),
        _ => String::new(),
    }
}

/// The advice as it was noted, which is English, for whoever reads another language: it goes beside what is said in theirs, or in
/// its place where there is none.
pub(super) fn noted_advice(event: &EventFacts, language: &Language) -> String {
    let says_no_more = || wrong(event) == Some(Wrong::Effect) && told_advice(event, language).is_some();
    if language.tag == "en" || says_no_more() { String::new() } else { event.hint.clone() }
}

/// What the language has to say, by what was wrong.
fn told_advice(event: &EventFacts, language: &Language) -> Option<String> {
    let wrong = wrong(event)?;
    if wrong != Wrong::Effect {
        return text(language, &format!("todo.{}.{}", wrong.as_str(), detail(event, "reason")?), &[]);
    }
    let time = detail(event, "next_at").and_then(|at| filters::date(language, at).ok()).unwrap_or_default();
    let (again, key) = (again(event), detail(event, "key")?);
    let values = [("again", again.as_str()), ("key", key), ("time", time.as_str())];
    text(language, &format!("todo.effect.{}", next_step(event)?), &values)
}

/// What follows for a person from where an act stands: the name of a text.
fn next_step(event: &EventFacts) -> Option<&'static str> {
    let class: Option<FailureClass> = detail(event, "reason").and_then(|class| class.parse().ok());
    Some(match detail(event, "state")?.parse().ok()? {
        EffectState::NeedsHuman => "unsure",
        EffectState::Unknown => "looked_up",
        EffectState::Planned if class == Some(FailureClass::Denied) => "denied",
        EffectState::Planned => detail(event, "next_at").map(|_| "later")?,
        EffectState::Failed if class == Some(FailureClass::Rejected) => match detail(event, "audience") {
            Some("customer") => "address",
            Some("staff") => "own_address",
            _ => "given_up",
        },
        EffectState::Failed => "given_up",
        EffectState::Sending | EffectState::Succeeded | EffectState::Abandoned => return None,
    })
}

/// The command that sends it once more. One by the number of the invoice is for what went to one recipient alone: it goes to all
/// of them.
fn again(event: &EventFacts) -> String {
    let is_document = ["invoice.issued", "credit_note.issued"].map(Some).contains(&detail(event, "message"));
    match detail(event, "numbers").filter(|_| is_document && detail(event, "recipients") == Some("1")) {
        Some(numbers) => format!("finops invoices send {numbers}"),
        None => format!("finops effects retry {}", detail(event, "key").unwrap_or_default()),
    }
}

/// What a job counts as done, in words.
pub(super) fn done(job: &str, language: &Language) -> String {
    let word = match job.parse() {
        Ok(JobKind::InvoicesGenerate) => "drafted",
        Ok(JobKind::InvoicesIssue) => "issued",
        Ok(JobKind::InvoicesSend) => "prepared",
        Ok(JobKind::RemindersUpcoming | JobKind::RemindersOverdue | JobKind::RemindersEscalation) => "reminders",
        Ok(JobKind::AlertsDispatch) => "told",
        Ok(JobKind::EffectsSettle) | Err(_) => "any",
    };
    text(language, &format!("job.completed.done.{word}"), &[]).unwrap_or_default()
}

/// What a job delivers, in words.
pub(super) fn delivered(job: &str, language: &Language) -> String {
    let word = match job.parse() {
        Ok(JobKind::InvoicesIssue) => "documents",
        Ok(
            JobKind::InvoicesSend
            | JobKind::RemindersUpcoming
            | JobKind::RemindersOverdue
            | JobKind::RemindersEscalation
            | JobKind::AlertsDispatch,
        ) => "messages",
        Ok(JobKind::InvoicesGenerate | JobKind::EffectsSettle) | Err(_) => "any",
    };
    text(language, &format!("job.completed.delivered.{word}"), &[]).unwrap_or_default()
}
