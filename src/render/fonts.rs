//! The typefaces: parsed once, shared by all threads, and asked for one character at a time.
//!
//! Text is set glyph by glyph without a shaping engine, which is right for Latin, Greek, Cyrillic
//! and East Asian scripts. A script that needs one (Arabic, Hebrew, Devanagari …) would come out
//! wrong without an error, so its characters count as missing even when a fallback font has them.

use crate::model::Invalid;
use krilla::text::Font;
use skrifa::raw::TableProvider;
use skrifa::raw::tables::glyf::Glyph as Outline;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

static REGULAR: &[u8] = include_bytes!("fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("fonts/NotoSans-Bold.ttf");

/// Characters below this are looked up in a table, the rest in a map.
const TABLE: u32 = 0x2600;

/// Which of the two weights a text is set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// A character's picture in one face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Index of the face, for `Fonts::face`.
    pub face: u8,
    pub glyph: u16,
    /// Width in thousandths of the font size.
    pub advance: i32,
}

/// The two built-in faces and the user's fallback fonts. Cheap to clone, and `Sync`.
#[derive(Clone)]
pub struct Fonts {
    /// Regular, bold, then the fallbacks in their order.
    faces: Arc<[Arc<Face>]>,
}

/// Both built-in faces, once a process has asked for them.
static BUILT_IN: OnceLock<[Arc<Face>; 2]> = OnceLock::new();

pub(super) struct Face {
    pub font: Font,
    data: FaceData,
    table: Vec<Option<(u16, u16)>>,
    map: HashMap<u32, (u16, u16)>,
}

enum FaceData {
    Static(&'static [u8]),
    Owned(Arc<Vec<u8>>),
}

impl Fonts {
    /// Noto Sans, cut to Latin, Greek and Cyrillic. The first one of a process parses both faces
    /// (about a millisecond).
    pub fn builtin() -> Result<Self, Invalid> {
        Self::with_fallback(Vec::new())
    }

    /// As `builtin`, with TrueType or OpenType files that are asked, in this order, for the
    /// characters that Noto Sans lacks. A file that is not a usable font is an error.
    pub fn with_fallback(files: Vec<Vec<u8>>) -> Result<Self, Invalid> {
        keep_freed_memory();
        if files.len() > 32 {
            return Err(Invalid::new(format!("{} fallback fonts: 32 at most", files.len())));
        }
        let mut faces = built_in()?.to_vec();
        for (index, file) in files.into_iter().enumerate() {
            faces.push(Arc::new(Face::parse(FaceData::Owned(Arc::new(file)), &format!("fallback font {}", index + 1))?));
        }
        Ok(Self { faces: faces.into() })
    }

    /// Whether the character can be printed, or is one that prints as nothing or as a space.
    pub fn can_print(&self, c: char) -> bool {
        matches!(c, '\n' | '\r' | '\t') || is_invisible(c) || self.find(c, Weight::Regular).is_some()
    }

    pub(super) fn find(&self, c: char, weight: Weight) -> Option<Found> {
        let first = match weight {
            Weight::Regular => 0,
            Weight::Bold => 1,
        };
        if let Some(found) = self.faces[first].find(c) {
            return Some(Found { face: u8::from(weight == Weight::Bold), glyph: found.0, advance: i32::from(found.1) });
        }
        if needs_shaping(c) {
            return None;
        }
        (2u8..)
            .zip(&self.faces[2..])
            .find_map(|(face, data)| data.find(c).map(|(glyph, advance)| Found { face, glyph, advance: i32::from(advance) }))
    }

    pub(super) fn face(&self, index: u8) -> &Face {
        &self.faces[usize::from(index)]
    }
}

fn built_in() -> Result<[Arc<Face>; 2], Invalid> {
    if let Some(faces) = BUILT_IN.get() {
        return Ok(faces.clone());
    }
    let regular = Face::parse(FaceData::Static(REGULAR), "NotoSans-Regular")?;
    let bold = Face::parse(FaceData::Static(BOLD), "NotoSans-Bold")?;
    Ok(BUILT_IN.get_or_init(|| [Arc::new(regular), Arc::new(bold)]).clone())
}

/// Each compressed stream of a PDF takes a third of a megabyte and gives it back; glibc then returns
/// it to the kernel, which has to clear it again for the next one: a third of the CPU time of an
/// invoice. Freeing one block of this size raises glibc's thresholds to it and to twice it
/// (mallopt(3), `M_MMAP_THRESHOLD`). The block is never touched, and other allocators do not care.
fn keep_freed_memory() {
    const BLOCK: usize = 8 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK)));
}

impl Face {
    fn parse(data: FaceData, name: &str) -> Result<Self, Invalid> {
        let unusable = |why: &str| Invalid::new(format!("{name} is not a usable TrueType or OpenType font: {why}"));
        let font = match &data {
            FaceData::Static(bytes) => Font::new((*bytes).into(), 0),
            FaceData::Owned(bytes) => Font::new(bytes.clone().into(), 0),
        };
        let font = font.ok_or_else(|| unusable("it cannot be read"))?;
        let parsed = data.parse().map_err(|e| unusable(&e.to_string()))?;
        let metrics = parsed.hmtx().map_err(|e| unusable(&e.to_string()))?;
        let units = parsed.head().map_err(|e| unusable(&e.to_string()))?.units_per_em();
        if units == 0 {
            return Err(unusable("its em has no units"));
        }
        let mut table = vec![None; TABLE as usize];
        let mut map = HashMap::new();
        for (code, glyph) in parsed.charmap().mappings() {
            let (Ok(id), Some(advance)) = (u16::try_from(glyph.to_u32()), metrics.advance(glyph)) else { continue };
            let thousandths = u16::try_from(u32::from(advance) * 1000 / u32::from(units)).unwrap_or(u16::MAX);
            match table.get_mut(code as usize) {
                Some(slot) => *slot = Some((id, thousandths)),
                None => drop(map.insert(code, (id, thousandths))),
            }
        }
        Ok(Self { font, data, table, map })
    }

    fn find(&self, c: char) -> Option<(u16, u16)> {
        match self.table.get(c as usize) {
            Some(slot) => *slot,
            None => self.map.get(&u32::from(c)).copied(),
        }
    }

    /// Left, bottom, right and top edge of a glyph in thousandths of the font size, from the origin
    /// on the baseline; `None` for an empty glyph and for fonts with PostScript outlines.
    pub fn bounds(&self, glyph: u16) -> Option<[i32; 4]> {
        let font = self.data.parse().ok()?;
        let units = i32::from(font.head().ok()?.units_per_em());
        let outline: Outline<'_> = font.loca(None).ok()?.get_glyf(GlyphId::from(glyph), &font.glyf().ok()?).ok()??;
        let edges = [outline.x_min(), outline.y_min(), outline.x_max(), outline.y_max()];
        Some(edges.map(|edge| i32::from(edge) * 1000 / units))
    }
}

impl FaceData {
    fn parse(&self) -> Result<FontRef<'_>, skrifa::raw::ReadError> {
        FontRef::from_index(
            match self {
                Self::Static(bytes) => bytes,
                Self::Owned(bytes) => bytes,
            },
            0,
        )
    }
}

/// Marks that steer line breaks or writing direction and have no picture of their own.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Scripts that are written from the right or whose letters join and reorder.
pub(super) const fn needs_shaping(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{109f}' | '\u{1700}'..='\u{1c7f}' | '\u{1cd0}'..='\u{1cff}' | '\u{a800}'..='\u{abff}'
        | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{11fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_what_invoices_need() {
        let fonts = Fonts::builtin().unwrap();
        for c in "AzÄßŁőğЖєћΩάỆ0123456789 €£¥₴₺–—…„“”’·×−→½№ﬁ\u{a0}\u{202f}\u{301}".chars()
        {
            for weight in [Weight::Regular, Weight::Bold] {
                assert!(fonts.find(c, weight).is_some_and(|found| found.glyph != 0), "{c:?} {weight:?}");
            }
        }
    }

    #[test]
    fn figures_are_of_one_width() {
        let fonts = Fonts::builtin().unwrap();
        for weight in [Weight::Regular, Weight::Bold] {
            let widths: Vec<i32> = "0123456789".chars().map(|c| fonts.find(c, weight).unwrap().advance).collect();
            assert!(widths.iter().all(|w| *w == widths[0]), "{widths:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_font_is_refused() {
        let told = Fonts::with_fallback(vec![b"not a font".to_vec()]).err().unwrap().to_string();
        assert!(told.contains("fallback font 1"), "{told}");
    }

    #[test]
    fn scripts_that_need_shaping_are_missing() {
        let fonts = Fonts::builtin().unwrap();
        for c in ['ש', 'م', 'ह', '漢', '\u{7}', '😀'] {
            assert!(!fonts.can_print(c), "{c:?}");
        }
    }
}
