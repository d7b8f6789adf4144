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
    pub line: Option<usize>,
    /// The expression that has no value: `invoice.numbr`.
    pub variable: Option<String>,
    pub problem: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl TemplateError {
    pub(super) fn new(template: &str, problem: impl Into<String>) -> Self {
        Self { template: template.to_owned(), line: None, variable: None, problem: problem.into() }
    }

    /// A name that no message has.
    pub(super) fn unknown(file: &str, variable: String) -> Self {
        let problem = format!("{variable} is not among the facts of any message");
        Self { template: file.to_owned(), line: None, variable: Some(variable), problem }
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
        Self { template: file(innermost.name().unwrap_or("template")), line: innermost.line(), variable, problem }
    }
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
