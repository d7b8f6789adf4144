//! Messages in words: the facts of a message, a template and a language make subject, plain text,
//! HTML and a short text.
//!
//! ```text
//! facts ─▶ context (what templates see) ─▶ template (minijinja, strict) ─▶ Rendered
//!                                              ▲ texts and formats of the language
//! ```
//! A kind of message has four templates: `reminder.overdue.html`, `.txt`, `.subject` and `.short`.
//! A file of the user's replaces the built-in one of the same name, for all languages or, as
//! `reminder.overdue.de.html`, for one. HTML is escaped; nothing in the facts is ever read as a template.

mod check;
mod context;
mod environment;
mod error;
mod events;
mod filters;
mod hints;
mod samples;
mod short;
mod sources;

pub use error::TemplateError;
pub use samples::samples;
pub use sources::built_in;

use super::{columns, languages};
use crate::model::message::{MessageFacts, MessageKind, Rendered};
use environment::Spoken;
use std::sync::OnceLock;

/// The built-in templates, and those that replace them. Parsed for each language when it is first needed.
pub struct Templates {
    /// Name of the file and its text.
    overrides: Vec<(String, String)>,
    /// In the order of `languages::tags`.
    spoken: Vec<OnceLock<Result<Spoken, TemplateError>>>,
}

impl Templates {
    pub fn built_in() -> Self {
        Self::with_overrides(Vec::new())
    }

    /// `files`: the names and texts of the files that replace built-in templates. What is wrong with
    /// them is told by `check`, and by `render` where it matters.
    pub fn with_overrides(files: Vec<(String, String)>) -> Self {
        Self { overrides: files, spoken: languages::tags().map(|_| OnceLock::new()).collect() }
    }

    /// Writes a message. `language` is a BCP 47 tag.
    pub fn render(&self, kind: MessageKind, language: &str, facts: &MessageFacts) -> Result<Rendered, TemplateError> {
        let spoken = self.speaking(language)?;
        let context = context::of(kind, facts, spoken.language)?;
        let part = |part: &str| {
            let name = format!("{kind}.{part}");
            let rendered = spoken.render(&name, &context)?;
            if rendered.trim().is_empty() { Err(spoken.blank(&name)) } else { Ok(rendered) }
        };
        Ok(Rendered {
            subject: columns::subject(&part("subject")?),
            text: columns::tidy(&part("txt")?),
            html: part("html")?,
            short: short::fit(&columns::one_line(&part("short")?)),
        })
    }

    fn speaking(&self, language: &str) -> Result<&Spoken, TemplateError> {
        let language = languages::find(language)?;
        let index = languages::tags().position(|tag| tag == language.tag).unwrap_or_default();
        let read = || Spoken::new(language, &self.overrides);
        self.spoken[index].get_or_init(|| Ok(read())).as_ref().map_err(Clone::clone)
    }
}
