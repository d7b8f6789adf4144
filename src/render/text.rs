//! Text as glyphs: measured, wrapped, never lost.
//!
//! Lengths are integers in thousandths of a point, so that a layout is the same on every machine.

use super::RenderError;
use super::fonts::{Fonts, Weight, is_invisible};
use std::ops::Range;
use unicode_normalization::char::{compose, is_combining_mark};

/// A length in thousandths of a point (1/72,000 inch).
pub type Length = i32;

/// One picture on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    pub face: u8,
    pub id: u16,
    /// Width, and displacement of an accent, in thousandths of the font size.
    pub advance: i32,
    pub shift: (i32, i32),
    /// The bytes of the text that it stands for.
    pub from: u32,
    pub to: u32,
}

impl Glyph {
    pub const fn range(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// One line of text, ready to be placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub glyphs: Vec<Glyph>,
    /// In thousandths of the font size.
    width: i64,
}

impl Run {
    /// Its width at a font size.
    pub fn width(&self, size: Length) -> Length {
        scale(self.width, size)
    }

    /// The width of some of its glyphs.
    pub fn advance(glyphs: &[Glyph], size: Length) -> Length {
        scale(glyphs.iter().map(|g| i64::from(g.advance)).sum(), size)
    }
}

fn scale(thousandths: i64, size: Length) -> Length {
    Length::try_from(thousandths * i64::from(size) / 1000).unwrap_or(Length::MAX)
}

/// Sets one line. A line break in the text becomes a space.
pub fn line(fonts: &Fonts, text: &str, weight: Weight) -> Result<Run, RenderError> {
    let text: String = text.replace("\r\n", " ").chars().map(|c| if is_line_break(c) { ' ' } else { c }).collect();
    let glyphs = shape(fonts, &text, weight)?;
    let width = glyphs.iter().map(|g| i64::from(g.advance)).sum();
    Ok(Run { text, glyphs, width })
}

/// Sets a text in lines of at most `width`. Breaks at spaces and after hyphens and slashes between
/// letters, and at a no-break space only where a line has nothing else; a word that is wider than a line
/// is split between its characters. Nothing but the spaces at a break is left out.
pub fn wrap(fonts: &Fonts, text: &str, weight: Weight, size: Length, width: Length) -> Result<Vec<Run>, RenderError> {
    let mut lines = Vec::new();
    for paragraph in text.split(is_line_break) {
        let paragraph = paragraph.trim_end_matches('\r');
        let glyphs = shape(fonts, paragraph, weight)?;
        for range in breaks(paragraph, &glyphs, size, width) {
            lines.push(cut(paragraph, &glyphs[range]));
        }
    }
    Ok(lines)
}

const fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Spaces at which a line may end; no-break spaces are not among them.
fn is_space(text: &str) -> bool {
    matches!(text, " " | "\t" | "\u{2002}" | "\u{2003}" | "\u{2009}" | "\u{200a}")
}

/// Spaces that hold together what stands beside them, as long as it fits on a line.
fn is_no_break_space(text: &str) -> bool {
    matches!(text, "\u{a0}" | "\u{202f}")
}

/// The glyphs of each line.
fn breaks(text: &str, glyphs: &[Glyph], size: Length, width: Length) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0i64);
    let (mut chance, mut last_resort) = (None, None);
    let mut at = 0;
    while at < glyphs.len() {
        let glyph = &glyphs[at];
        let space = is_space(&text[glyph.range()]);
        let fits = scale(used + i64::from(glyph.advance), size) <= width;
        if !fits && !space && at > start && glyph.advance > 0 {
            let end = chance.take().or(last_resort).unwrap_or(at);
            last_resort = None;
            lines.push(start..end);
            (start, used, at) = (end, 0, end);
            continue;
        }
        used += i64::from(glyph.advance);
        at += 1;
        if space || may_break_after(text, glyph, glyphs.get(at)) {
            chance = Some(at);
        } else if is_no_break_space(&text[glyph.range()]) {
            last_resort = Some(at);
        }
    }
    lines.push(start..glyphs.len());
    lines
}

/// After a hyphen, dash or slash between letters: not within numbers, dates and ids.
fn may_break_after(text: &str, glyph: &Glyph, next: Option<&Glyph>) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    matches!(&text[glyph.range()], "-" | "\u{2010}" | "–" | "—" | "/")
        && letter(text[..glyph.from as usize].chars().next_back())
        && next.is_some_and(|next| letter(text[next.range()].chars().next()))
}

/// A line out of a paragraph, without the spaces at its end.
fn cut(text: &str, glyphs: &[Glyph]) -> Run {
    let is_blank = |text: &str| is_space(text) || is_no_break_space(text);
    let kept = glyphs.iter().rposition(|g| !is_blank(&text[g.range()])).map_or(0, |last| last + 1);
    let glyphs = &glyphs[..kept];
    let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else { return Run::default() };
    let (from, to) = (first.from, last.to);
    let width = glyphs.iter().map(|g| i64::from(g.advance)).sum();
    let glyphs = glyphs.iter().map(|g| Glyph { from: g.from - from, to: g.to - from, ..*g }).collect();
    Run { text: text[from as usize..to as usize].to_owned(), glyphs, width }
}

fn shape(fonts: &Fonts, text: &str, weight: Weight) -> Result<Vec<Glyph>, RenderError> {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    // The last letter as far as it is composed, for the accents that may follow it.
    let mut base: Option<(char, usize)> = None;
    for (from, c) in text.char_indices() {
        if is_invisible(c) {
            continue;
        }
        let (from, to) = (offset(from)?, offset(from + c.len_utf8())?);
        if u32::from(c) >= 0x300 && is_combining_mark(c) {
            // `e` + `◌́` is set as the font's own `é`; the text stays as it was written. Not across
            // an accent that stands loose between them: the glyphs would no longer follow the text.
            if let Some((letter, index)) = base.filter(|(_, index)| index + 1 == glyphs.len()) {
                let whole = compose(letter, c).and_then(|whole| Some((whole, fonts.find(whole, weight)?)));
                if let Some((whole, found)) = whole {
                    glyphs[index] = Glyph { face: found.face, id: found.glyph, advance: found.advance, to, ..glyphs[index] };
                    base = Some((whole, index));
                    continue;
                }
            }
        } else {
            base = Some((c, glyphs.len()));
        }
        let shown = if c == '\t' { ' ' } else { c };
        let found = fonts.find(shown, weight).ok_or_else(|| RenderError::missing(c, text))?;
        let mut glyph = Glyph { face: found.face, id: found.glyph, advance: found.advance, shift: (0, 0), from, to };
        if u32::from(c) >= 0x300 && is_combining_mark(c) {
            if let Some((_, index)) = base {
                glyph.shift = over(fonts, &glyphs[index], &glyph, &glyphs[index + 1..]);
            }
            glyph.advance = 0;
        }
        glyphs.push(glyph);
    }
    Ok(glyphs)
}

/// Where an accent goes that has no composed letter: centred over (or under) its letter, and above
/// the accents that are there already.
fn over(fonts: &Fonts, letter: &Glyph, accent: &Glyph, others: &[Glyph]) -> (i32, i32) {
    let bounds = |glyph: &Glyph| fonts.face(glyph.face).bounds(glyph.id);
    let (Some(below), Some(mark)) = (bounds(letter), bounds(accent)) else { return (0, 0) };
    let centre = i32::midpoint(below[0], below[2]) - letter.advance;
    let x = centre - i32::midpoint(mark[0], mark[2]);
    // A mark that hangs below the baseline or crosses the letter keeps its height.
    if mark[1] < 400 {
        return (x, 0);
    }
    let top = others.iter().filter_map(|o| Some(bounds(o)?[3] + o.shift.1)).fold(below[3], i32::max);
    (x, (top + 40 - mark[1]).max(0))
}

fn offset(at: usize) -> Result<u32, RenderError> {
    u32::try_from(at).map_err(|_| RenderError::Pdf("a text is longer than 4 GiB".to_owned()))
}
