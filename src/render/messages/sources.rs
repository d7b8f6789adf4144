//! The built-in templates by name. HTML, plain text and what a chat shows of a message are made from one body, so that
//! they say the same; `parts.html`, `parts.txt` and `parts.slack` are how each of them says it.

use crate::model::message::MessageKind;
use crate::render::languages;

/// What each message has.
pub(super) const PARTS: [&str; 5] = ["html", "txt", "slack", "subject", "short"];

/// Those that are made from its body.
const FORMATS: [&str; 3] = ["html", "txt", "slack"];

/// What the messages share.
const SHARED: [(&str, &str); 6] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("layout.txt", include_str!("templates/layout.txt")),
    ("layout.slack", include_str!("templates/layout.slack")),
    ("parts.html", include_str!("templates/parts.html")),
    ("parts.txt", include_str!("templates/parts.txt")),
    ("parts.slack", include_str!("templates/parts.slack")),
];

/// Body, subject and short text of a kind.
const fn texts(kind: MessageKind) -> [&'static str; 3] {
    use MessageKind as Kind;
    const SUBJECT: &str = "{{ t(kind ~ \".subject\") }}";
    const SHORT: &str = "{{ t(kind ~ \".short\") }}";
    match kind {
        Kind::InvoiceDraft => [include_str!("templates/draft.jinja"), SUBJECT, SHORT],
        Kind::InvoiceIssued => {
            let short = "{{ t(kind ~ (\".short\" if to_pay else \".short_nothing_due\")) }}";
            [include_str!("templates/issued.jinja"), SUBJECT, short]
        }
        Kind::InvoicePaid => [include_str!("templates/paid.jinja"), SUBJECT, SHORT],
        Kind::InvoiceFailed => [include_str!("templates/failed.jinja"), SUBJECT, SHORT],
        Kind::InvoiceRefunded => [include_str!("templates/refunded.jinja"), SUBJECT, SHORT],
        Kind::InvoiceVoided => [include_str!("templates/voided.jinja"), SUBJECT, SHORT],
        Kind::ReminderUpcoming | Kind::ReminderOverdue | Kind::ReminderEscalation => [
            include_str!("templates/reminder.jinja"),
            "{{ t(\"reminder.\" ~ stage ~ \".subject\") }}",
            "{{ t(\"reminder.\" ~ stage ~ \".short\") }}",
        ],
        Kind::CreditNoteIssued => [include_str!("templates/credit_note.jinja"), SUBJECT, SHORT],
        Kind::Statement => [include_str!("templates/statement.jinja"), SUBJECT, SHORT],
        Kind::InvoiceHeld
        | Kind::JobFailed
        | Kind::JobRecovered
        | Kind::ItemFailed
        | Kind::ItemParked
        | Kind::EffectFailed
        | Kind::BalanceLow => {
            // How something was wrong that is over would read as if it still were.
            let short = "{% set said %}finops: {{ t(kind ~ \".subject\") }}{% if event and kind != \"job.recovered\" %}\
                {% set why = reason(event) or event.message %}{% if why %}. {{ why }}{% endif %}{% endif %}{% endset %}\
                {{ said|with_room_for(advice(event) if event else \"\") }}";
            [include_str!("templates/alert.jinja"), SUBJECT, short]
        }
        Kind::JobCompleted => {
            const ENDED: &str = "{% set failed = event.details.failed|default(\"0\")|int + event.details.untold_failed|default(\"0\")|int %}\
                {% if event.details.outcome|default(\"done\") not in [\"done\", \"partly\"] %}{{ t(\"job.failed.subject\") }}\
                {% elif failed %}{{ t(\"job.completed.with_failures\", count=failed) }}{% else %}{{ t(\"job.completed.subject\") }}{% endif %}";
            [include_str!("templates/completed.jinja"), ENDED, "finops: {% include \"job.completed.subject\" %}"]
        }
        Kind::Notice => {
            const WORDS: &str = "{{ t(\"notice.\" ~ event.kind, where=place(event)) }}";
            [include_str!("templates/notice.jinja"), WORDS, "finops: {{ t(\"notice.\" ~ event.kind, where=place(event)) }}"]
        }
        Kind::Digest => [include_str!("templates/digest.jinja"), SUBJECT, SHORT],
    }
}

/// Name and text of every built-in template.
pub fn built_in() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = SHARED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for kind in MessageKind::ALL {
        let [body, subject, short] = texts(*kind);
        for format in FORMATS {
            let text = format!(
                "{{% extends \"layout.{format}\" %}}{{% block body %}}{{% import \"parts.{format}\" as part %}}\n{body}{{% endblock %}}\n"
            );
            all.push((format!("{kind}.{format}"), text));
        }
        all.push((format!("{kind}.subject"), subject.to_owned()));
        all.push((format!("{kind}.short"), short.to_owned()));
    }
    all
}

/// The built-in template that a file replaces, and the language that it is for, if only for one.
pub(super) fn replaces(file: &str) -> Option<(String, Option<&'static str>)> {
    let (stem, part) = file.rsplit_once('.')?;
    let known = |stem: &str| {
        let shared = SHARED.iter().any(|(name, _)| name.strip_suffix(part).and_then(|s| s.strip_suffix('.')) == Some(stem));
        shared || (PARTS.contains(&part) && stem.parse::<MessageKind>().is_ok())
    };
    if known(stem) {
        return Some((file.to_owned(), None));
    }
    let (stem, language) = stem.rsplit_once('.')?;
    let tag = languages::tags().find(|tag| *tag == language)?;
    known(stem).then(|| (format!("{stem}.{part}"), Some(tag)))
}

/// Whether a message of a kind is made with a template: one of its own, or one that all of them share.
pub(super) fn is_part_of(name: &str, kind: MessageKind) -> bool {
    let own = name.rsplit_once('.').is_some_and(|(stem, _)| stem == kind.as_str());
    own || SHARED.iter().any(|(shared, _)| *shared == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_replaces() {
        let replaced = |file| replaces(file).map(|(name, language)| (name, language.unwrap_or("all")));
        for (file, name, language) in [
            ("reminder.overdue.html", "reminder.overdue.html", "all"),
            ("reminder.overdue.de.subject", "reminder.overdue.subject", "de"),
            ("statement.pl.short", "statement.short", "pl"),
            ("layout.html", "layout.html", "all"),
            ("layout.fr.txt", "layout.txt", "fr"),
        ] {
            assert_eq!(replaced(file), Some((name.to_owned(), language)), "{file}");
        }
        for file in ["reminder.html", "reminder.overdue", "reminder.overdue.nl.html", "layout.subject", "notes.txt", "README"] {
            assert_eq!(replaced(file), None, "{file}");
        }
    }
}
