//! Messages in words: the facts of a message, a template and a language make subject, plain text,
//! HTML and a short text.
//!
//! ```text
//! facts ─▶ context (what templates see) ─▶ template (minijinja, strict) ─▶ Rendered
//!                                              ▲ texts and formats of the language
//! ```
//! A kind of message has five templates: `reminder.overdue.html`, `.txt`, `.slack`, `.subject` and `.short`.
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
        let written = Written::of(self.speaking(language)?, kind, facts)?;
        Ok(Rendered {
            subject: columns::subject(&written.part("subject")?),
            text: columns::tidy(&written.part("txt")?),
            html: written.part("html")?,
            short: short::fit(&columns::one_line(&written.part("short")?)),
        })
    }

    /// What Slack shows below the subject, in its own markup but not escaped.
    pub fn slack(&self, kind: MessageKind, language: &str, facts: &MessageFacts) -> Result<String, TemplateError> {
        Ok(columns::tidy(&Written::of(self.speaking(language)?, kind, facts)?.part("slack")?))
    }

    fn speaking(&self, language: &str) -> Result<&Spoken, TemplateError> {
        let language = languages::find(language)?;
        let index = languages::tags().position(|tag| tag == language.tag).unwrap_or_default();
        let read = || Spoken::new(language, &self.overrides);
        self.spoken[index].get_or_init(|| Ok(read())).as_ref().map_err(Clone::clone)
    }
}

/// A message that is being written, part by part.
struct Written<'s> {
    spoken: &'s Spoken,
    kind: MessageKind,
    context: minijinja::Value,
}

impl<'s> Written<'s> {
    fn of(spoken: &'s Spoken, kind: MessageKind, facts: &MessageFacts) -> Result<Self, TemplateError> {
        Ok(Self { spoken, kind, context: context::of(kind, facts, spoken.language)? })
    }

    fn part(&self, part: &str) -> Result<String, TemplateError> {
        let name = format!("{}.{part}", self.kind);
        let rendered = self.spoken.render(&name, &self.context)?;
        if rendered.trim().is_empty() { Err(self.spoken.blank(&name)) } else { Ok(rendered) }
    }
}
