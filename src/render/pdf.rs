//! Paints pages with krilla, as PDF/A-3b.

use super::RenderError;
use super::flow::{Ink, Item, PAGE_HEIGHT, PAGE_WIDTH, Page};
use super::fonts::Fonts;
use super::languages::Language;
use super::logo::Logo;
use super::text::{Length, Run};
use crate::model::document::{Document, Party};
use crate::model::message::Statement;
use chrono::{Datelike, NaiveDate};
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::{Location, Surface};
use krilla::text::{Glyph as KrillaGlyph, GlyphId};
use std::ops::Range;

/// What the file says about itself.
pub struct About {
    title: String,
    author: String,
    language: String,
    /// Instead of the clock, which would give each rendering other bytes.
    dated: NaiveDate,
    /// Makes the file's identifier: equal for every rendering of the same revision.
    id: String,
}

impl About {
    pub fn invoice(doc: &Document, language: &Language) -> Self {
        Self {
            title: format!("{} {}", language.document.title(doc.kind), doc.number),
            author: doc.seller.name.clone(),
            language: language.tag.to_owned(),
            dated: doc.issued_on,
            id: format!("{}/{}", doc.invoice_id, doc.revision),
        }
    }

    /// The same days and entries of the same two give the same file.
    pub fn statement(title: &str, statement: &Statement, [seller, company]: [&Party; 2], language: &str) -> Self {
        Self {
            title: format!("{title} {}", company.name),
            author: seller.name.clone(),
            language: language.to_owned(),
            dated: statement.to,
            id: format!("statement/{}/{}/{}/{}", seller.id, company.id, statement.from, statement.to),
        }
    }

    /// For a file that is thrown away.
    pub fn trial() -> Self {
        Self {
            title: "Trial".to_owned(),
            author: String::new(),
            language: String::new(),
            dated: NaiveDate::default(),
            id: String::new(),
        }
    }

    fn metadata(&self) -> Metadata {
        let part = |n: u32| u8::try_from(n).unwrap_or(1);
        let date = DateTime::new(u16::try_from(self.dated.year()).unwrap_or(0))
            .month(part(self.dated.month()))
            .day(part(self.dated.day()))
            .hour(0)
            .minute(0)
            .second(0)
            .utc_offset_hour(0)
            .utc_offset_minute(0);
        let metadata = Metadata::new()
            .title(self.title.clone())
            .authors(vec![self.author.clone()])
            .creator("finops".to_owned())
            .document_id(self.id.clone())
            .creation_date(date);
        if self.language.is_empty() { metadata } else { metadata.language(self.language.clone()) }
    }
}

/// The file.
pub fn write(pages: &[Page], about: &About, logo: Option<&Logo>, fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish().map_err(told)?;
    let mut document = krilla::Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(about.metadata());
    let sheet = PageSettings::from_wh(points(PAGE_WIDTH), points(PAGE_HEIGHT)).ok_or_else(|| told("no page size"))?;
    for items in pages {
        let mut page = document.start_page_with(sheet.clone());
        let mut surface = page.surface();
        for item in items {
            paint(&mut surface, item, logo, fonts)?;
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(told)
}

fn paint(surface: &mut Surface<'_>, item: &Item, logo: Option<&Logo>, fonts: &Fonts) -> Result<(), RenderError> {
    match item {
        Item::Text { x, y, run, size, ink } => {
            surface.set_fill(Some(fill(*ink)));
            text(surface, (*x, *y), run, *size, fonts);
        }
        Item::Rule { x, y, width, thickness, ink } => {
            let rect = Rect::from_xywh(points(*x), points(*y), points(*width), points(*thickness));
            let mut path = PathBuilder::new();
            path.push_rect(rect.ok_or_else(|| told("a rule without extent"))?);
            surface.set_fill(Some(fill(*ink)));
            surface.draw_path(&path.finish().ok_or_else(|| told("a rule without extent"))?);
        }
        Item::Logo { x, y, width, height } => {
            let size = Size::from_wh(points(*width), points(*height)).ok_or_else(|| told("a logo without extent"))?;
            if let Some(logo) = logo {
                surface.push_transform(&Transform::from_translate(points(*x), points(*y)));
                surface.draw_image(logo.image(), size);
                surface.pop();
            }
        }
    }
    Ok(())
}

/// Draws a line, one stretch of the same face after the other.
fn text(surface: &mut Surface<'_>, (mut x, y): (Length, Length), run: &Run, size: Length, fonts: &Fonts) {
    for stretch in run.glyphs.chunk_by(|a, b| a.face == b.face) {
        let font = fonts.face(stretch[0].face).font.clone();
        let glyphs: Vec<Placed> = stretch.iter().map(|glyph| Placed(*glyph)).collect();
        surface.draw_glyphs(Point::from_xy(points(x), points(y)), &glyphs, font, &run.text, points(size), false);
        x += Run::advance(stretch, size);
    }
}

struct Placed(super::text::Glyph);

impl KrillaGlyph for Placed {
    fn glyph_id(&self) -> GlyphId {
        GlyphId::new(u32::from(self.0.id))
    }
    fn text_range(&self) -> Range<usize> {
        self.0.range()
    }
    fn x_advance(&self, size: f32) -> f32 {
        thousandths(self.0.advance, size)
    }
    fn x_offset(&self, size: f32) -> f32 {
        thousandths(self.0.shift.0, size)
    }
    fn y_offset(&self, size: f32) -> f32 {
        thousandths(self.0.shift.1, size)
    }
    fn y_advance(&self, _size: f32) -> f32 {
        0.0
    }
    fn location(&self) -> Option<Location> {
        None
    }
}

fn fill(ink: Ink) -> Fill {
    let color = match ink {
        Ink::Text => rgb::Color::new(0x1b, 0x1f, 0x24),
        Ink::Muted => rgb::Color::new(0x5f, 0x68, 0x73),
        Ink::Accent => rgb::Color::new(0x17, 0x4a, 0x6e),
        Ink::Hairline => rgb::Color::new(0xd9, 0xde, 0xe3),
    };
    Fill { paint: color.into(), ..Fill::default() }
}

#[expect(clippy::float_arithmetic, reason = "krilla takes points as floats; no amount passes here")]
fn points(length: Length) -> f32 {
    length as f32 / 1000.0
}

#[expect(clippy::float_arithmetic, reason = "krilla asks for widths at a font size in floats; no amount passes here")]
fn thousandths(value: i32, size: f32) -> f32 {
    value as f32 / 1000.0 * size
}

fn told(error: impl std::fmt::Debug) -> RenderError {
    RenderError::Pdf(format!("{error:?}"))
}
