//! One section of the file: each key asked for with its default and its check.

use super::nearest::nearest;
use super::reader::{Log, Origin, Setting, article};
use super::secret::presentable;
use super::{Environment, REDACTED};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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
    name: String,
    /// Its heading.
    at: Range<usize>,
    table: Option<&'s DeTable<'t>>,
    log: &'s mut Log<'t>,
    known: BTreeSet<String>,
}

impl<'s, 't> Section<'s, 't> {
    pub(super) fn open<T>(
        name: &str,
        table: Option<&'s DeTable<'t>>,
        at: Range<usize>,
        log: &'s mut Log<'t>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut section = Self { name: name.to_owned(), at, table, log, known: BTreeSet::new() };
        let read = read(&mut section);
        section.end();
        read
    }

    /// A section within this one that need not be there: `s3` is `[documents.s3]`.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        name: &'static str,
        read: impl FnOnce(&mut Section<'_, 't>) -> Option<T>,
    ) -> Option<T> {
        self.known.insert(key.to_owned());
        let found = self.table?.get(key)?;
        let table = self.log.table(name, found)?;
        Section::open(name, Some(table), found.span(), self.log, read)
    }

    /// A section within this one whose defaults hold when it is not there: `uploads` is `[retry.uploads]`.
    pub fn part<T>(&mut self, key: &'static str, name: &'static str, read: impl FnOnce(&mut Section<'_, 't>) -> T) -> T {
        self.known.insert(key.to_owned());
        let found = self.table.and_then(|table| table.get(key));
        let at = found.map_or_else(|| self.at.clone(), |found| found.span());
        let table = found.and_then(|found| self.log.table(name, found));
        Section::open(name, table, at, self.log, read)
    }

    /// Sections within this one, each with a name that the user chose: `jobs` is `[ping.jobs.NAME]`.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        name: &'static str,
        read: impl FnMut(&str, &mut Section<'_, 't>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        self.known.insert(key.to_owned());
        match self.table.and_then(|table| table.get(key)) {
            // Names that mean something are checked by what they mean.
            Some(found) => self.log.named(name, found, |_| true, read),
            None => BTreeMap::new(),
        }
    }

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

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.get(key, default, |value| value.as_bool().ok_or_else(|| format!("must be true or false, not {}", article(value))))
    }

    /// A text by its own check.
    pub fn text<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.get(key, default, |value| check(text_of(value)?))
    }

    /// A text without a default: none when it is not there, or wrong, which has been noted.
    pub fn optional_text<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.find(key)?;
        match text_of(value.get_ref()).and_then(check) {
            Ok(read) => {
                self.note(key, &read, Origin::Line(self.line(&value.span())));
                Some(read)
            }
            Err(reason) => {
                self.wrong(value, key, reason);
                None
            }
        }
    }

    /// A list of texts.
    pub fn texts<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(value) = self.find(key) else {
            self.note(key, &default, Origin::Default);
            return default;
        };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(value, key, format!("must be a list in brackets, not {}", article(value.get_ref())));
            return default;
        };
        let mut read = Vec::with_capacity(list.len());
        for item in list.iter() {
            match text_of(item.get_ref()).and_then(&check) {
                Ok(one) => read.push(one),
                Err(reason) => self.wrong(item, key, reason),
            }
        }
        self.note(key, &read, Origin::Line(self.line(&value.span())));
        read
    }

    /// A list of texts that must be there, with one at least; none when it is not or is wrong, which has been noted.
    pub fn required_texts<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        if !self.has(key) {
            self.missing(key, "");
            self.known.insert(key.to_owned());
            return None;
        }
        let texts = self.texts(key, Vec::new(), check);
        if texts.is_empty()
            && self.table.and_then(|t| t.get(key)).is_some_and(|v| v.get_ref().as_array().is_some_and(|a| a.is_empty()))
        {
            self.mistake(&self.place_of(key), key, "must not be empty");
        }
        (!texts.is_empty()).then_some(texts)
    }

    /// A text that must be there; none when it is not or is wrong, which has been noted.
    pub fn required_text<T: serde::Serialize>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, "");
        }
        self.optional_text(key, check)
    }

    /// Notes that a key is missing in this section, at its heading.
    pub fn missing(&mut self, key: &str, instead: &str) {
        self.mistake(&self.at.clone(), key, format!("is missing{instead}"));
    }

    /// A file or folder; a relative one counts from the folder of the config file.
    pub fn path(&mut self, key: &'static str, default: &str) -> PathBuf {
        let folder = self.log.folder;
        self.get(key, folder.join(default), |value| Ok(folder.join(file_name(text_of(value)?)?)))
    }

    /// A file or folder that need not be named.
    pub fn optional_path(&mut self, key: &'static str) -> Option<PathBuf> {
        let folder = self.log.folder;
        self.optional_text(key, |text| Ok(folder.join(file_name(text)?)))
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

    /// Notes that there must be no such section.
    pub fn refuse(&mut self, reason: &str) {
        self.log.mistake(&self.at, &self.name, String::new(), reason.to_owned());
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

    /// The place of a key, or of the heading when it is not given.
    pub fn place_of(&self, key: &str) -> Range<usize> {
        self.table.and_then(|table| table.get(key)).map_or_else(|| self.at.clone(), Spanned::span)
    }

    /// Whether a key is given, whatever it holds.
    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
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

/// A text, or what stands there instead.
fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    match value.as_str() {
        Some("") => Err("must not be empty".to_owned()),
        Some(text) => Ok(text),
        None => Err(format!("must be a text in quotes, not {}", article(value))),
    }
}

/// What a word that is none of these should have been.
pub(super) fn one_of(words: impl Iterator<Item = &'static str>) -> String {
    format!("must be one of {}", words.collect::<Vec<_>>().join(", "))
}

/// A URL is no file name, and may hold a password.
fn file_name(text: &str) -> Result<&str, String> {
    if text.contains("://") { Err("must be a file or folder of this machine, not a URL".to_owned()) } else { Ok(text) }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
