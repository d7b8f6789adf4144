//! Bytes from values: invoices and statements as PDF, messages in words.
//!
//! ```text
//! Document  ─▶ invoice   ─┐ (what goes where)
//! Statement ─▶ statement ─┴─▶ flow (pages) ─▶ pdf (krilla) ─▶ bytes
//!                letter (looks)  text (glyphs, line breaks) ◀─ fonts
//! MessageFacts ─▶ messages (templates) ─▶ subject, text, HTML
//!                languages (words, formats, texts), for all of them
//! ```
//! PDF/A-3b, A4. The same document, logo and fonts give the same bytes, on any machine, in any
//! order, on any number of threads: dates come from the document and lengths are integers.
//! A character that the fonts lack is an error that names it, never a blank.

mod columns;
mod flow;
mod fonts;
mod invoice;
pub mod languages;
mod letter;
mod logo;
pub mod messages;
mod pdf;
mod statement;
pub mod text;
mod unprintable;

pub use fonts::{Fonts, Weight};
pub use languages::plain_detail;
pub use logo::Logo;
pub use statement::{StatementLetter, statement_file_name, statement_pdf, statement_text};
pub use unprintable::{Unprintable, unprintable};

use crate::error::Error;
use crate::model::document::Document;

/// Why a document could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Characters that cannot be printed, each with the field that it stands in.
    #[error("{}", unprintable::list(.0))]
    MissingCharacters(Vec<(char, String)>),
    /// krilla refused it: a defect of finops, or of a font or a logo.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
    /// A language's file cannot be read: a defect of finops.
    #[error("the language {tag} cannot be read: {why}")]
    Language { tag: &'static str, why: String },
}

impl RenderError {
    fn missing(c: char, text: &str) -> Self {
        Self::MissingCharacters(vec![(c, text.chars().take(40).collect())])
    }
}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        match &error {
            RenderError::MissingCharacters(missing) => Self::refused(error.to_string()).hint(unprintable::hint(missing)),
            RenderError::Pdf(_) | RenderError::Language { .. } => Self::failed(error.to_string()),
        }
    }
}

/// Each character of the document that cannot be printed, once a field, in the order of the page.
/// Fields are named as in the document (`buyer.name`); lines and taxes count from 1
/// (`lines[3].description`). Costs microseconds: ask before the invoice is given its number.
pub fn missing_characters(doc: &Document, fonts: &Fonts) -> Vec<(char, String)> {
    let mut missing: Vec<(char, String)> = Vec::new();
    invoice::printed_fields(doc, &mut |field, index, text| {
        for c in text.chars().filter(|c| !fonts.can_print(*c)) {
            let named = match index {
                Some(index) => field.replacen("[]", &format!("[{}]", index + 1), 1),
                None => field.to_owned(),
            };
            if !missing.iter().any(|known| *known == (c, named.clone())) {
                missing.push((c, named));
            }
        }
    });
    missing
}

/// The invoice as PDF/A-3b. Fails on a character that the fonts lack (`missing_characters` tells
/// all of them beforehand).
pub fn invoice_pdf(doc: &Document, logo: Option<&Logo>, fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    let missing = missing_characters(doc, fonts);
    if !missing.is_empty() {
        return Err(RenderError::MissingCharacters(missing));
    }
    let language = languages::find(&doc.language)?;
    let pages = invoice::compose(doc, logo.map(Logo::extent), fonts, language)?;
    pdf::write(&pages, &pdf::About::invoice(doc, language), logo, fonts)
}
