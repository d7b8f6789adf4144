//! What can be said of an event in words of the language.

use crate::model::message::{EventFacts, MessageKind};
use crate::render::languages::{Language, fill};

/// What it is about, as a subject names it: number or id, and the customer; a draft by its customer alone;
/// the job where there is nothing else.
pub(super) fn place(event: &EventFacts, language: &Language) -> String {
    if event.is_draft || event.kind == MessageKind::InvoiceDraft {
        return match (event.company.trim(), language.text("alert.draft_for")) {
            ("", _) | (_, None) => {
                language.text("common.draft").map_or_else(String::new, |text| language.wording(text, 1).to_owned())
            }
            (company, Some(text)) => fill(language.wording(text, 1), &[("company", company)]),
        };
    }
    let named: Vec<&str> =
        [&event.about, &event.company].map(|name| name.trim()).into_iter().filter(|name| !name.is_empty()).collect();
    if named.is_empty() { event.job.clone() } else { named.join(", ") }
}

/// Why, by the word that was noted, as a sentence; empty where there is none. Those who run the books and read English
/// have the noted message itself, which says more.
pub(super) fn reason(event: &EventFacts, language: &Language) -> String {
    let detail = |name: &str| event.details.get(name).map(String::as_str);
    let kind = detail("over").and_then(|over| over.parse().ok()).unwrap_or(event.kind);
    let of = match kind {
        MessageKind::ItemFailed | MessageKind::ItemParked => "item",
        MessageKind::EffectFailed => "effect",
        MessageKind::JobFailed | MessageKind::JobCompleted => "job",
        _ => return String::new(),
    };
    let text = detail("reason").and_then(|word| language.text(&format!("reason.{of}.{word}")));
    match text.filter(|_| language.tag != "en") {
        Some(text) => language.wording(text, 1).to_owned(),
        None => String::new(),
    }
}
