//! Wrapping: whatever the text and the width, nothing is lost and nothing sticks out.

use finops::render::text::{Run, wrap};
use finops::render::{Fonts, Weight};
use proptest::prelude::*;
use std::sync::LazyLock;

static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::builtin().unwrap());

const SIZE: i32 = 9_000;

/// Words of the three scripts, figures, loose accents, spaces of several kinds and line breaks.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[a-zA-Zäöüßłőşžéñ]{1,40}",
        "[α-ωΑ-ΡΣ-Ωά-ώ]{1,20}",
        "[а-яА-ЯёїґЂ]{1,20}",
        "[0-9.,/€%-]{1,30}",
        "[a-z][\u{300}-\u{304}\u{323}]{1,3}",
        "[ \t\u{a0}\u{2009}]{1,3}",
        "(\n|\r\n|-|–|/)",
    ];
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_sticks_out(text in texts(), width in 1i32..300_000) {
        let lines = wrap(&FONTS, &text, Weight::Regular, SIZE, width).unwrap();
        let mut rest = text.as_str();
        for line in &lines {
            // Between two lines there is nothing but the space that they were broken at.
            let at = rest.find(&line.text).unwrap();
            prop_assert!(rest[..at].trim().is_empty(), "{:?} is lost", &rest[..at]);
            rest = &rest[at + line.text.len()..];
            prop_assert!(line.width(SIZE) <= width || letters(line) == 1, "{:?} sticks out", line.text);
            prop_assert_eq!(covered(line), line.text.len());
        }
        prop_assert!(rest.trim().is_empty(), "{:?} is lost", rest);
    }

    #[test]
    fn one_line_is_as_wide_as_its_parts(a in "[a-zа-я ]{0,30}", b in "[a-zа-я ]{0,30}") {
        let width = |text: &str| finops::render::text::line(&FONTS, text, Weight::Bold).unwrap().width(1_000);
        let whole = format!("{a}{b}");
        prop_assert_eq!(width(&whole), width(&a) + width(&b));
    }
}

/// Glyphs that take up room.
fn letters(line: &Run) -> usize {
    line.glyphs.iter().filter(|g| g.advance > 0).count()
}

/// Bytes of the text that a glyph stands for; each exactly once, in order.
fn covered(line: &Run) -> usize {
    line.glyphs.iter().fold(0, |end, glyph| if glyph.range().start == end { glyph.range().end } else { usize::MAX })
}

#[test]
fn breaks_where_readers_expect_it() {
    let lines = |text: &str| -> Vec<String> {
        wrap(&FONTS, text, Weight::Regular, SIZE, 66_000).unwrap().into_iter().map(|run| run.text).collect()
    };
    assert_eq!(lines("Managed site-to-site connection"), ["Managed site-", "to-site", "connection"]);
    assert_eq!(lines("on 2026-10-01 we"), ["on 2026-10-01", "we"]);
    assert_eq!(lines("first\nsecond"), ["first", "second"]);
    assert_eq!(lines("a\n\nb"), ["a", "", "b"]);
    assert_eq!(lines("1–31\u{a0}de\u{a0}diciembre\u{a0}de\u{a0}2026"), ["1–31\u{a0}de", "diciembre\u{a0}de", "2026"]);
    assert_eq!(lines("paid on 3\u{a0}May\u{a0}2026"), ["paid on", "3\u{a0}May\u{a0}2026"], "kept together where it fits");
}
