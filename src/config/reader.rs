//! A typed reader over TOML that collects every mistake instead of stopping at the first.
//!
//! A section costs a few lines: open it by name, ask for each key with its default and its check.
//! Keys that nobody asked for are mistakes, with the nearest known one as a suggestion.

use super::nearest::nearest;
use super::secret::presentable;
use super::{Environment, Section};
use crate::error::Problem;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// A line of the config file.
    Line(u64),
    /// A line of the config file names a source that is outside it, such as a file or a variable.
    Via(u64, String),
    /// `--database`
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Via(line, source) => write!(f, "line {line}: {source}"),
            Self::Flag => f.write_str("--database"),
        }
    }
}

/// One value in force, as `config show` prints it: never a secret.
#[derive(Debug, Clone)]
pub struct Setting {
    pub key: String,
    pub value: serde_json::Value,
    pub origin: Origin,
}

/// The file while it is read.
pub struct Reader<'t> {
    root: DeTable<'t>,
    log: Log<'t>,
    known_sections: BTreeSet<&'static str>,
}

/// What is found while reading, and where.
pub(super) struct Log<'t> {
    file: String,
    pub(super) text: &'t str,
    /// Folder from which relative paths count.
    pub(super) folder: &'t Path,
    pub(super) environment: &'t Environment,
    problems: Vec<Problem>,
    pub(super) settings: Vec<Setting>,
    /// Lines that could not be parsed: what is found there besides is a consequence.
    broken_lines: BTreeSet<u64>,
}

impl<'t> Reader<'t> {
    /// Parses the text; what the parser finds wrong is noted, and the rest is read all the same.
    pub fn new(file: &str, text: &'t str, folder: &'t Path, environment: &'t Environment) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let (problems, settings, broken_lines) = Default::default();
        let mut log = Log { file: file.to_owned(), text, folder, environment, problems, settings, broken_lines };
        for error in errors {
            let at = error.span().unwrap_or(text.len()..text.len());
            let (line, _) = log.place(&at);
            if log.broken_lines.insert(line) {
                log.push(&at, "", String::new(), format!("not valid TOML: {}", error.message()));
            }
        }
        Self { root: root.into_inner(), log, known_sections: BTreeSet::new() }
    }

    /// The section `[name]`; when it is absent, all its defaults hold.
    pub fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'_, 't>) -> T) -> T {
        self.known_sections.insert(name);
        let found = self.root.get(name);
        let table = found.and_then(|value| self.log.table(name, value));
        Section::open(name, table, found.map_or(0..0, Spanned::span), &mut self.log, read)
    }

    /// A section that need not be there, and does nothing then.
    pub fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'_, 't>) -> Option<T>) -> Option<T> {
        self.known_sections.insert(name);
        let found = self.root.get(name)?;
        let table = self.log.table(name, found)?;
        Section::open(name, Some(table), found.span(), &mut self.log, read)
    }

    /// Sections of free names, `[webhooks.office]`, each read the same way. A name is of small letters,
    /// digits, `_` and `-`, so that it needs no quotes anywhere.
    pub fn named<T>(
        &mut self,
        name: &'static str,
        read: impl FnMut(&str, &mut Section<'_, 't>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        self.known_sections.insert(name);
        match self.root.get(name) {
            Some(found) => self.log.named(name, found, is_plain, read),
            None => BTreeMap::new(),
        }
    }

    /// The sections `[[name]]`, in the order of the file.
    pub fn list<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Section<'_, 't>) -> Option<T>) -> Vec<T> {
        self.known_sections.insert(name);
        let Some(found) = self.root.get(name) else { return Vec::new() };
        let heading = format!("[[{name}]]");
        let Some(array) = found.get_ref().as_array() else {
            let reason = format!("must be sections {heading}, not {}", article(found.get_ref()));
            self.log.mistake(&found.span(), name, String::new(), reason);
            return Vec::new();
        };
        let mut all = Vec::with_capacity(array.len());
        for (at, one) in array.iter().enumerate() {
            let table = self.log.table(&heading, one);
            let name = format!("{name}.{}", at + 1);
            all.extend(table.and_then(|table| Section::open(&name, Some(table), one.span(), &mut self.log, &mut read)));
        }
        all
    }

    /// Whether a section is there, whatever it holds.
    pub fn has(&self, name: &str) -> bool {
        self.root.contains_key(name)
    }

    /// The names of the sections `[name.NAME]`, whatever they hold.
    pub fn names(&self, name: &str) -> BTreeSet<String> {
        let table = self.root.get(name).and_then(|found| found.get_ref().as_table());
        table.into_iter().flatten().map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// What was read, or all mistakes in the order of the file.
    pub fn finish(mut self) -> Result<Vec<Setting>, Vec<Problem>> {
        for (key, value) in self.root.iter().filter(|(key, _)| !self.known_sections.contains(key.get_ref().as_ref())) {
            let name = key.get_ref();
            let known = self.known_sections.iter().map(|known| format!("[{known}]")).collect::<Vec<_>>().join(", ");
            let what = if value.get_ref().is_table() { "unknown section" } else { "a key outside any section" };
            let help = match nearest(name, self.known_sections.iter().copied()) {
                Some(near) => format!("did you mean [{near}]?"),
                None => format!("the sections are {known}"),
            };
            self.log.mistake(&key.span(), &presentable(name), String::new(), format!("{what}; {help}"));
        }
        let Log { mut problems, settings, .. } = self.log;
        problems.sort_by_key(|p| (p.line, p.column));
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

impl<'t> Log<'t> {
    /// The table of a section, or a mistake.
    pub(super) fn table<'v>(&mut self, name: &str, value: &'v Spanned<DeValue<'t>>) -> Option<&'v DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                let reason = format!("must be a section [{name}], not {}", article(other));
                self.mistake(&value.span(), name, String::new(), reason);
                None
            }
        }
    }

    /// The sections within `name`, each with a name of its own.
    pub(super) fn named<T>(
        &mut self,
        name: &str,
        found: &Spanned<DeValue<'t>>,
        is_name: fn(&str) -> bool,
        mut read: impl FnMut(&str, &mut Section<'_, 't>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let Some(outer) = self.table(&format!("{name}.NAME"), found) else { return BTreeMap::new() };
        let mut all = BTreeMap::new();
        for (key, one) in outer {
            let (at, key) = (key.span(), key.get_ref().as_ref());
            let full = format!("{name}.{}", presentable(key));
            if !is_name(key) {
                self.mistake(&at, &full, String::new(), "a name must be of small letters, digits, _ and -".to_owned());
                continue;
            }
            let Some(table) = self.table(&full, one) else { continue };
            let read = Section::open(&full, Some(table), one.span(), self, |section| read(key, section));
            all.extend(read.map(|read| (key.to_owned(), read)));
        }
        all
    }

    /// Line and column from 1, the column in characters.
    pub(super) fn place(&self, at: &Range<usize>) -> (u64, u64) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        (line as u64, column as u64)
    }

    /// Notes a mistake, unless its line could not be parsed in the first place.
    pub(super) fn mistake(&mut self, at: &Range<usize>, field: &str, value: String, reason: String) {
        if !self.broken_lines.contains(&self.place(at).0) {
            self.push(at, field, value, reason);
        }
    }

    fn push(&mut self, at: &Range<usize>, field: &str, value: String, reason: String) {
        let (line, column) = self.place(at);
        let (file, field) = (self.file.clone(), field.to_owned());
        self.problems.push(Problem { file, line, column, field, value, reason });
    }
}

fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(letter)
}

pub(super) fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
