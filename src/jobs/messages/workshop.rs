//! What messages are made with: templates and fonts, loaded when the first message is made.

use super::facts::Attached;
use super::{Content, Gathered, gather};
use crate::config::MessagesConfig;
use crate::context::Context;
use crate::error::{Error, Problem, Result};
use crate::jobs::documents::load_fonts;
use crate::model::digest::sha256_hex;
use crate::model::message::{Attachment, Message, MessageFacts, MessageKind, Rendered};
use crate::model::{Failure, FailureClass};
use crate::render::messages::{TemplateError, Templates};
use crate::render::{Fonts, RenderError, invoice_pdf};
use crate::store::effects::Effect;
use crate::store::{Db, is_of_the_database};
use chrono::{DateTime, Utc};
use std::cell::{Cell, OnceCell};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shared by the couriers of a run.
pub struct Workshop<'c> {
    ctx: &'c Context,
    press: OnceCell<Arc<Press>>,
    is_checked: Cell<bool>,
}

/// A message with what it is made from, or why it is not sent.
pub type Opened = std::result::Result<(Message, Box<Content>), Failure>;

impl<'c> Workshop<'c> {
    pub const fn new(ctx: &'c Context) -> Self {
        Self { ctx, press: OnceCell::new(), is_checked: Cell::new(false) }
    }

    /// Tries the templates, once: with one that has a mistake nothing is planned or sent, and all that is due stays due.
    ///
    /// # Errors
    /// Exit 78, with file, line and variable.
    pub fn check(&self) -> Result<()> {
        if !self.is_checked.get() {
            checked(&self.press()?.templates, &self.ctx.config.messages)?;
            self.is_checked.set(true);
        }
        Ok(())
    }

    /// Templates and fonts, ready for use on all cores.
    pub fn press(&self) -> Result<&Arc<Press>> {
        if let Some(press) = self.press.get() {
            return Ok(press);
        }
        let ui = self.ctx.ui.clone();
        let press = Press {
            templates: load_templates(&self.ctx.config.messages)?,
            fonts: load_fonts(self.ctx)?,
            folder: self.ctx.config.documents.folder.clone(),
            warn: Box::new(move |text| ui.warn(text)),
        };
        Ok(self.press.get_or_init(|| Arc::new(press)))
    }

    /// Reads what a planned message is about, as it is now; `as_of` decides what is today. What cannot be
    /// read (a damaged logo, an entry of a digest) keeps this message alone.
    pub fn open(&self, db: &mut Db, effect: &Effect, as_of: DateTime<Utc>) -> Result<Opened> {
        let message = match Message::of_payload(&effect.payload) {
            Ok(message) => message,
            Err(invalid) => return Ok(Err(Failure::new(FailureClass::Local, invalid.0))),
        };
        match db.read(|tx| gather(tx, as_of, &effect.company_id, &message)) {
            Ok(Gathered::Ready(content)) => Ok(Ok((message, content))),
            Ok(Gathered::Gone(why)) => Ok(Err(Failure::new(FailureClass::Obsolete, why))),
            Err(error) if is_of_the_database(&error) => Err(error),
            Err(error) => Ok(Err(Failure::new(FailureClass::Local, error.message))),
        }
    }
}

/// What makes words and documents.
pub struct Press {
    templates: Templates,
    fonts: Fonts,
    /// Of documents.
    folder: PathBuf,
    /// For stderr.
    warn: Box<dyn Fn(String) + Send + Sync>,
}

impl Press {
    /// What Slack shows of a message of a kind, below its subject.
    pub fn slack(&self, kind: MessageKind, language: &str, facts: &MessageFacts) -> Result<String> {
        Ok(self.templates.slack(kind, language, facts)?)
    }

    /// The words of a message of a kind.
    pub fn words(&self, kind: MessageKind, language: &str, facts: &MessageFacts) -> Result<Rendered> {
        Ok(self.templates.render(kind, language, facts)?)
    }

    /// The words of a planned message. One that these facts break, though the samples did not, is put off as mail is that
    /// a server refuses for now: it goes out once the template is mended, and after some days a person hears of it. It
    /// says nothing of the others. What tells one's own people of trouble is never lost to a template: the built-in one tells it.
    pub fn render(&self, message: &Message, facts: &MessageFacts) -> std::result::Result<Rendered, Failure> {
        self.written_by(message, facts, |templates, kind, language| templates.render(kind, language, facts))
    }

    /// The same for Slack: its words, and what stands below the subject.
    pub fn for_slack(&self, message: &Message, facts: &MessageFacts) -> std::result::Result<(Rendered, String), Failure> {
        self.written_by(message, facts, |templates, kind, language| {
            Ok((templates.render(kind, language, facts)?, templates.slack(kind, language, facts)?))
        })
    }

    fn written_by<T>(
        &self,
        message: &Message,
        facts: &MessageFacts,
        write: impl Fn(&Templates, MessageKind, &str) -> std::result::Result<T, TemplateError>,
    ) -> std::result::Result<T, Failure> {
        let (kind, language) = (message.kind.template(facts.event.is_some()), &message.language);
        let error = match write(&self.templates, kind, language) {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        if message.about.is_for_staff()
            && let Ok(written) = write(&Templates::built_in(), kind, language)
        {
            (self.warn)(format!("{error}; {} was written with the built-in template", message.in_words()));
            return Ok(written);
        }
        Err(Failure::new(FailureClass::Deferred, format!("{error}; correct the template, and the message goes out")))
    }

    /// The PDFs of a message's documents, and of its statement of account. A reminder is about its invoices, so a
    /// name that cannot be printed keeps back the statement alone: then it is told why.
    pub fn attachments(
        &self,
        kind: MessageKind,
        content: &mut Content,
    ) -> std::result::Result<(Vec<Attachment>, Option<Error>), Failure> {
        let made = content.documents.iter().map(|attached| {
            let Attached { document, logo, .. } = attached;
            let bytes = match self.written(attached) {
                Some(bytes) => bytes,
                None => invoice_pdf(document, logo.as_ref(), &self.fonts)?,
            };
            Ok(Attachment { name: file_name(&document.number), content_type: "application/pdf", bytes })
        });
        let made: std::result::Result<Vec<Attachment>, RenderError> = made.collect();
        let mut made = made.map_err(|error| rejected(&error))?;
        let Some(letter) = &content.statement else { return Ok((made, None)) };
        match letter.pdf(&self.fonts) {
            Ok(bytes) => {
                made.push(Attachment { name: letter.file_name(), content_type: "application/pdf", bytes });
                Ok((made, None))
            }
            Err(error @ RenderError::MissingCharacters(_)) if kind != MessageKind::Statement => {
                content.facts.statement = None;
                Ok((made, Some(error.into())))
            }
            Err(error) => Err(rejected(&error)),
        }
    }
}

fn rejected(error: &RenderError) -> Failure {
    Failure::new(FailureClass::Rejected, error.to_string())
}

impl Press {
    /// The file of a document, if it is there as it was written.
    fn written(&self, attached: &Attached) -> Option<Vec<u8>> {
        let file = attached.written.as_ref()?;
        let bytes = std::fs::read(self.folder.join(&file.path)).ok()?;
        (sha256_hex(&bytes) == file.sha256).then_some(bytes)
    }
}

/// Templates, with those of the configured folder in place of the built-in ones, each of these tried with sample facts.
///
/// # Errors
/// Exit 78: every mistake in them, with file, line and variable.
pub fn checked_templates(config: &MessagesConfig) -> Result<Templates> {
    let templates = load_templates(config)?;
    checked(&templates, config)?;
    Ok(templates)
}

fn checked(templates: &Templates, config: &MessagesConfig) -> Result<()> {
    let Some(folder) = &config.templates else { return Ok(()) };
    let problem = |error: TemplateError| {
        let (line, column) = error.place.unwrap_or((1, 1));
        let (line, column) = (line as u64, column as u64);
        let file = folder.join(&error.template).display().to_string();
        Problem { file, line, column, field: String::new(), value: String::new(), reason: error.problem }
    };
    let problems: Vec<Problem> = templates.check().into_iter().map(problem).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let error = Error::config(format!("the templates in {} cannot be used", folder.display()));
    Err(Error { problems, ..error }.hint("correct them, and see with finops config check; what is due stays due until then"))
}

/// Templates, with those of the configured folder in place of the built-in ones.
fn load_templates(config: &MessagesConfig) -> Result<Templates> {
    let Some(folder) = &config.templates else { return Ok(Templates::built_in()) };
    Ok(Templates::with_overrides(read_folder(folder)?))
}

/// The files of a folder, by name. Hidden ones, and those that editors leave, are not ours.
fn read_folder(folder: &Path) -> Result<Vec<(String, String)>> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let what = format!("cannot read {}: {error}", path.display());
        match error.kind() {
            ErrorKind::InvalidData => Error::config(what).hint("save the template as UTF-8"),
            _ => Error::config(what)
                .hint("correct `templates` in [messages], or who may read the folder; without it the built-in ones are used"),
        }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_file() && !name.starts_with('.') && !name.ends_with('~') {
            files.push((name, std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?));
        }
    }
    files.sort();
    Ok(files)
}

/// A number may hold what no file's name may.
fn file_name(number: &str) -> String {
    let plain: String = number.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    format!("{}.pdf", plain.trim_start_matches('.'))
}
