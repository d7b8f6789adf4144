//! What is wrong with a template, and where.

use crate::error::Error;
use crate::render::RenderError;
use std::error::Error as _;
use std::fmt;

/// A template that cannot be read, or asks for what a message has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TemplateError {
    /// The file, or `built-in reminder.overdue.html`.
    pub template: String,
    /// Line and column (in characters), from 1.
    pub place: Option<(usize, usize)>,
    /// The expression that has no value: `invoice.numbr`.
    pub variable: Option<String>,
    pub problem: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        if let Some((line, _)) = self.place {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl TemplateError {
    pub(super) fn new(template: &str, problem: impl Into<String>) -> Self {
        Self { template: template.to_owned(), place: None, variable: None, problem: problem.into() }
    }

    /// A name that no message has. The engine does not say where it stands: where it is first found in the text does.
    pub(super) fn unknown(file: &str, text: &str, variable: String) -> Self {
        let problem = format!("{variable} is not among the facts of any message");
        let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
        let found = text.match_indices(variable.as_str()).map(|(at, _)| at).find(|at| {
            let (before, after) = (&text[..*at], &text[at + variable.len()..]);
            !before.ends_with(|c| is_of_a_name(c) || c == '.') && !after.starts_with(is_of_a_name)
        });
        Self { template: file.to_owned(), place: found.map(|at| place(text, at)), variable: Some(variable), problem }
    }

    /// `file` tells which file a template's text came from.
    pub(super) fn of(error: &minijinja::Error, file: impl Fn(&str) -> String) -> Self {
        // An error within an included template is told by the innermost one.
        let mut innermost = error;
        while let Some(inner) = innermost.source().and_then(|source| source.downcast_ref::<minijinja::Error>()) {
            innermost = inner;
        }
        let expression = innermost.range().and_then(|range| innermost.template_source()?.get(range)).map(str::trim);
        let (variable, problem) = match innermost.kind() {
            minijinja::ErrorKind::UndefinedError => {
                let what = expression.unwrap_or("a variable");
                (expression.map(str::to_owned), format!("{what} is not among the facts of this message"))
            }
            kind => (None, innermost.detail().map_or_else(|| kind.to_string(), str::to_owned)),
        };
        let exact = innermost.range().zip(innermost.template_source()).filter(|(range, text)| text.is_char_boundary(range.start));
        let place = exact.map(|(range, text)| place(text, range.start)).or_else(|| Some((innermost.line()?, 1)));
        Self { template: file(innermost.name().unwrap_or("template")), place, variable, problem }
    }
}

/// Line and column of an offset in bytes.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

impl From<RenderError> for TemplateError {
    fn from(error: RenderError) -> Self {
        Self::new("languages", error.to_string())
    }
}

impl From<TemplateError> for Error {
    fn from(error: TemplateError) -> Self {
        Self::failed(error.to_string()).hint("`finops config check` tries every template with sample facts")
    }
}
