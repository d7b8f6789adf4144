//! The languages that finops speaks: words, formats and the texts of messages, one file each.
//!
//! A new language is a new file beside `en.toml`, which says what each key is for, and its tag in
//! `model::language`. `tests/render/languages.rs` proves that every file has the same keys, that each
//! text uses the same variables, and that no plural form of its language is missing.

mod detail;
mod formats;
mod labels;
mod plural;
mod texts;

pub use detail::plain_detail;
pub use formats::iban;
pub use labels::{Labels, StatementLabels};
pub use plural::PluralRules;
pub(super) use texts::replace;
pub use texts::{Text, fill, variables};

use super::RenderError;
use crate::model::language::{LANGUAGES as TAGS, for_languages};
use formats::{Dates, Numbers};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A language's file, read when it is first asked for.
struct Source {
    tag: &'static str,
    text: &'static str,
    read: OnceLock<Result<Language, RenderError>>,
}

macro_rules! sources {
    ($($tag:literal),+) => {
        [$(Source { tag: $tag, text: include_str!(concat!($tag, ".toml")), read: OnceLock::new() }),+]
    };
}

/// The first one is spoken to those whose language is not among them.
static LANGUAGES: [Source; TAGS.len()] = for_languages!(sources);

/// How one language says it.
#[derive(Debug)]
pub struct Language {
    /// BCP 47: `de`.
    pub tag: &'static str,
    pub document: Labels,
    pub statement: StatementLabels,
    numbers: Numbers,
    dates: Dates,
    plurals: PluralRules,
    /// By the path of their keys: `reminder.step1.title`.
    texts: BTreeMap<String, Text>,
    /// By ISO 3166-1 alpha-2 code.
    countries: BTreeMap<String, String>,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    numbers: Numbers,
    plurals: BTreeMap<String, String>,
    dates: Dates,
    document: Labels,
    statement: StatementLabels,
    texts: toml::Table,
    countries: BTreeMap<String, String>,
}

/// The tags of all languages; English comes first.
pub fn tags() -> impl Iterator<Item = &'static str> {
    TAGS.iter().copied()
}

/// The file of a language that is among `tags`.
pub fn source(tag: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|source| source.tag == tag).map(|source| source.text)
}

/// The language of a BCP 47 tag, as near as finops speaks it: `de-AT` is answered by German, and a
/// language that is not there by English. Fails only for a file that is wrong, which is a defect.
pub fn find(tag: &str) -> Result<&'static Language, RenderError> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    let source = LANGUAGES.iter().find(|source| source.tag.eq_ignore_ascii_case(primary)).unwrap_or(&LANGUAGES[0]);
    source.read.get_or_init(|| Language::parse(source.tag, source.text)).as_ref().map_err(Clone::clone)
}

impl Language {
    /// Reads the file of a language.
    pub fn parse(tag: &'static str, text: &str) -> Result<Self, RenderError> {
        let wrong = |why: String| RenderError::Language { tag, why };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut texts = BTreeMap::new();
        texts::flatten("", file.texts, &mut texts).map_err(wrong)?;
        Ok(Self {
            tag,
            document: file.document,
            statement: file.statement,
            numbers: file.numbers,
            dates: file.dates,
            plurals: PluralRules::parse(&file.plurals).map_err(wrong)?,
            texts,
            countries: file.countries,
        })
    }

    pub fn plurals(&self) -> &PluralRules {
        &self.plurals
    }

    /// A text of messages by the path of its keys.
    pub fn text(&self, key: &str) -> Option<&Text> {
        self.texts.get(key)
    }

    pub fn text_keys(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// `Germany` for `DE`; a code that ISO does not list is printed as it stands.
    pub fn country<'a>(&'a self, code: &'a str) -> &'a str {
        self.countries.get(code).map_or(code, String::as_str)
    }
}
