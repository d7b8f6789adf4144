//! The languages that finops speaks, for whoever names one. Their words are in `render::languages`.

use super::Invalid;

/// Hands their tags (BCP 47) to a macro; English comes first. Each has a file in `render/languages`.
macro_rules! for_languages {
    ($what:ident) => {
        $what!["en", "de", "fr", "es", "pl"]
    };
}
pub(crate) use for_languages;

macro_rules! list {
    ($($tag:literal),+) => { &[$($tag),+] };
}

/// Their tags; English comes first.
pub const LANGUAGES: &[&str] = for_languages!(list);

/// Reads the tag of a language that finops speaks: `de`, or `de-AT`, which is answered by German. Another one would be
/// answered by English, which nobody meant who named it.
pub fn parse_language(text: &str) -> Result<String, Invalid> {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let rest = parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    let spoken = LANGUAGES.iter().any(|tag| tag.eq_ignore_ascii_case(primary));
    if spoken && rest {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(format!(
        "write a language that finops speaks: {}, or one of them with a country, such as de-AT",
        LANGUAGES.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_that_nobody_speaks_are_no_languages() {
        for good in LANGUAGES.iter().copied().chain(["de-AT", "EN-gb", "fr-CA", "es-419"]) {
            assert_eq!(parse_language(good).unwrap(), good);
        }
        for bad in ["", "d", "german", "nl", "xx", "zh-Hant", "de_AT", "de-", "deu", "klingon"] {
            assert!(parse_language(bad).unwrap_err().0.contains("en, de, fr, es, pl"), "{bad}");
        }
    }
}
