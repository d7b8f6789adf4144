//! Characters that documents cannot show: which, why, and what to do about it.

use super::fonts::needs_shaping;

/// Why a character cannot be printed, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unprintable {
    /// Its script is written from the right, or its letters join: no font helps.
    Script,
    /// No font has it.
    Glyph,
}

impl Unprintable {
    /// Of a character that the fonts cannot print.
    pub const fn of(c: char) -> Self {
        if needs_shaping(c) { Self::Script } else { Self::Glyph }
    }

    pub const fn why(self) -> &'static str {
        match self {
            Self::Script => {
                "documents cannot show its script yet, whatever the font: it is written from the right, or its letters join"
            }
            Self::Glyph => "no font has it",
        }
    }

    pub const fn hint(self) -> &'static str {
        match self {
            Self::Script => "write it in Latin letters",
            Self::Glyph => "write it in another way, or name a font that has it in [documents] fallback_fonts",
        }
    }
}

/// What is wrong with a text or a field of this name.
pub fn unprintable(c: char, field: &str) -> String {
    format!("{field} has {c:?} (U+{:04X}): {}", u32::from(c), Unprintable::of(c).why())
}

/// The same of several characters, each with its field.
pub(super) fn list(missing: &[(char, String)]) -> String {
    let named = |(c, field): &(char, String)| format!("{c:?} (U+{:04X}) in {field}", u32::from(*c));
    let told: Vec<String> = missing.iter().take(5).map(named).collect();
    let told = match missing.len().checked_sub(5) {
        Some(more @ 1..) => format!("{}, and {more} more", told.join(", ")),
        _ => told.join(", "),
    };
    match missing.iter().any(|(c, _)| Unprintable::of(*c) == Unprintable::Script) {
        true => format!("documents cannot show {told}: not every script can be printed, whatever the font"),
        false => format!("the fonts lack {told}"),
    }
}

/// What to do about these characters.
pub(super) fn hint(missing: &[(char, String)]) -> &'static str {
    let script = missing.iter().map(|(c, _)| Unprintable::of(*c)).find(|why| *why == Unprintable::Script);
    script.unwrap_or(Unprintable::Glyph).hint()
}
