//! A typed reader over TOML that collects every mistake instead of stopping at the first.
//!
//! A section costs a few lines: open it by name, ask for each key with its default and its check.
//! Keys that nobody asked for are mistakes, with the nearest known one as a suggestion.

use super::secret::presentable;
use super::{Environment, REDACTED};
use crate::error::Problem;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
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

struct Log<'t> {
    file: String,
    text: &'t str,
    /// Folder from which relative paths count.
    folder: &'t Path,
    environment: &'t Environment,
    problems: Vec<Problem>,
    settings: Vec<Setting>,
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
        let table = match self.root.get(name).map(|value| (value.span(), value.get_ref())) {
            Some((_, DeValue::Table(table))) => Some(table),
            Some((at, other)) => {
                let reason = format!("must be a section [{name}], not {}", article(other));
                self.log.mistake(&at, name, String::new(), reason);
                None
            }
            None => None,
        };
        let mut section = Section { name, table, log: &mut self.log, known: BTreeSet::new() };
        let read = read(&mut section);
        section.end();
        read
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

/// The source of a value that may be secret, as it stands in the file.
pub struct Given {
    /// `url_file`
    pub key: String,
    /// `_file`, or empty for the value itself.
    pub suffix: &'static str,
    pub at: Range<usize>,
    pub text: String,
}

/// One section while it is read.
pub struct Section<'s, 't> {
    name: &'static str,
    table: Option<&'s DeTable<'t>>,
    log: &'s mut Log<'t>,
    known: BTreeSet<String>,
}

impl<'s> Section<'s, '_> {
    /// A value by its own check, which returns the value or what would be right. The default is
    /// for a missing key; it also stands in for a wrong one, so that reading can go on.
    pub fn get<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> T {
        let Some(value) = self.find(key) else {
            self.note(key, &default, Origin::Default);
            return default;
        };
        match check(value.get_ref()) {
            Ok(read) => {
                let (line, _) = self.log.place(&value.span());
                self.note(key, &read, Origin::Line(line));
                read
            }
            Err(reason) => {
                self.wrong(value, key, reason);
                default
            }
        }
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        self.get(key, default, |value| {
            let DeValue::Integer(number) = value else {
                return Err(format!("must be a whole number, not {}", article(value)));
            };
            let read = i128::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| u32::try_from(n).ok());
            read.filter(|n| range.contains(n))
                .ok_or_else(|| format!("must be from {} to {}, not {number}", range.start(), range.end()))
        })
    }

    /// A file or folder; a relative one counts from the folder of the config file.
    pub fn path(&mut self, key: &'static str, default: &str) -> PathBuf {
        let folder = self.log.folder;
        self.get(key, folder.join(default), |value| Ok(folder.join(file_name(text_of(value)?)?)))
    }

    /// Any number of files.
    pub fn paths(&mut self, key: &'static str) -> Vec<PathBuf> {
        let folder = self.log.folder;
        self.get(key, Vec::new(), |value| {
            let wrong = || format!("must be a list of file names: {key} = [\"a.ttf\"]");
            let list = value.as_array().ok_or_else(wrong)?;
            list.iter().map(|file| Ok(folder.join(file_name(file.get_ref().as_str().ok_or_else(wrong)?)?))).collect()
        })
    }

    /// The one source that is given of a value that may be secret: `key` itself, or `key` with one
    /// of the suffixes. Two of them are a mistake.
    pub fn source(&mut self, key: &'static str, suffixes: &[&'static str]) -> Option<Given> {
        let mut given = Vec::new();
        let names: Vec<String> = suffixes.iter().map(|suffix| format!("{key}{suffix}")).collect();
        for (name, suffix) in names.iter().zip(suffixes) {
            given.extend(self.find(name).map(|value| (name, *suffix, value)));
        }
        let (name, suffix, value) = *given.first()?;
        for (second, _, value) in given.iter().skip(1) {
            let reason = format!("only one of {} may be given, and {name} already is", names.join(", "));
            self.mistake(&value.span(), second, reason);
        }
        match text_of(value.get_ref()) {
            Ok(text) => Some(Given { key: name.clone(), suffix, at: value.span(), text: text.to_owned() }),
            Err(reason) => {
                self.mistake(&value.span(), name, reason);
                None
            }
        }
    }

    /// A mistake that a check between keys has found; the value is not repeated.
    pub fn mistake(&mut self, at: &Range<usize>, key: &str, reason: impl Into<String>) {
        self.log.mistake(at, &format!("{}.{key}", self.name), String::new(), reason.into());
    }

    /// Notes a value for `config show`.
    pub fn note(&mut self, key: &str, value: &impl serde::Serialize, origin: Origin) {
        let value = serde_json::to_value(value).unwrap_or_else(|_| REDACTED.into());
        self.log.settings.push(Setting { key: format!("{}.{key}", self.name), value, origin });
    }

    pub fn line(&self, at: &Range<usize>) -> u64 {
        self.log.place(at).0
    }

    pub fn folder(&self) -> &Path {
        self.log.folder
    }

    pub fn environment(&self) -> &Environment {
        self.log.environment
    }

    fn find(&mut self, key: &str) -> Option<&'s Spanned<DeValue<'s>>> {
        self.known.insert(key.to_owned());
        self.table?.get(key)
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, key: &str, reason: String) {
        let shown = self.log.text.get(value.span()).unwrap_or_default().trim_matches('"');
        let shown = if shown.contains('\n') { "" } else { shown };
        self.log.mistake(&value.span(), &format!("{}.{key}", self.name), shorten(&presentable(shown)), reason);
    }

    fn end(self) {
        let Some(table) = self.table else { return };
        for (key, _) in table.iter().filter(|(key, _)| !self.known.contains(key.get_ref().as_ref())) {
            let help = match nearest(key.get_ref(), self.known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("[{}] knows {}", self.name, self.known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
            };
            let field = format!("{}.{}", self.name, presentable(key.get_ref()));
            self.log.mistake(&key.span(), &field, String::new(), format!("unknown key; {help}"));
        }
    }
}

impl Log<'_> {
    /// Line and column from 1, the column in characters.
    fn place(&self, at: &Range<usize>) -> (u64, u64) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        (line as u64, column as u64)
    }

    /// Notes a mistake, unless its line could not be parsed in the first place.
    fn mistake(&mut self, at: &Range<usize>, field: &str, value: String, reason: String) {
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

/// A text, or what stands there instead.
fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    match value.as_str() {
        Some("") => Err("must not be empty".to_owned()),
        Some(text) => Ok(text),
        None => Err(format!("must be a text in quotes, not {}", article(value))),
    }
}

/// A URL is no file name, and may hold a password.
fn file_name(text: &str) -> Result<&str, String> {
    if text.contains("://") { Err("must be a file or folder of this machine, not a URL".to_owned()) } else { Ok(text) }
}

fn article(value: &DeValue<'_>) -> &'static str {
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

fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The known word nearest to what was written, when it is near enough to be meant.
fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let near_enough = 1 + word.chars().count() / 4;
    let ranked = known.map(|known| (distance(word, known), known));
    ranked.min().filter(|(distance, _)| *distance <= near_enough).map(|(_, known)| known)
}

/// Levenshtein distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_near_or_there_is_none() {
        let known = || ["folder", "fallback_fonts"].into_iter();
        assert_eq!(nearest("foldr", known()), Some("folder"));
        assert_eq!(nearest("fallbackfont", known()), Some("fallback_fonts"));
        assert_eq!(nearest("colour", known()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
