//! Every language says everything that English says.

use crate::sample::{date, decimal};
use finops::render::languages::{self, Language, Text, variables};
use finops::render::{Fonts, RenderError};
use std::collections::{BTreeMap, BTreeSet};

fn speaking(tag: &str) -> &'static Language {
    languages::find(tag).unwrap()
}

/// Every text of a file by the path of its keys; the forms of a plural are one text.
fn texts(tag: &str) -> BTreeMap<String, Text> {
    let table: toml::Table = toml::from_str(languages::source(tag).unwrap()).unwrap();
    let mut texts = BTreeMap::new();
    collect("", &toml::Value::Table(table), &mut texts);
    texts
}

fn collect(path: &str, value: &toml::Value, texts: &mut BTreeMap<String, Text>) {
    match value {
        toml::Value::Table(table) if path != "plurals" && !is_counted(table) => {
            for (key, value) in table {
                collect(format!("{path}.{key}").trim_start_matches('.'), value, texts);
            }
        }
        toml::Value::Table(table) => {
            let forms = table.iter().map(|(form, text)| (form.clone(), text.as_str().unwrap().to_owned()));
            texts.insert(path.to_owned(), Text::Counted(forms.collect()));
        }
        toml::Value::Array(list) => {
            let list: Vec<&str> = list.iter().map(|text| text.as_str().unwrap()).collect();
            texts.insert(path.to_owned(), Text::Plain(list.join(" ")));
        }
        other => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            texts.insert(path.to_owned(), Text::Plain(text));
        }
    }
}

fn is_counted(table: &toml::Table) -> bool {
    table.keys().all(|key| ["zero", "one", "two", "few", "many", "other"].contains(&key.as_str()))
}

/// The forms that some whole number of things asks for.
fn forms(language: &Language) -> BTreeSet<String> {
    (0..=1_000).map(|count| language.plurals().form(count).to_owned()).collect()
}

#[test]
fn whoever_names_a_language_names_one_that_has_words() {
    assert_eq!(languages::tags().collect::<Vec<_>>(), finops::model::language::LANGUAGES);
}

#[test]
fn each_language_has_the_keys_of_english() {
    let english: BTreeSet<String> = texts("en").into_keys().collect();
    assert!(english.len() > 400, "{}", english.len());
    for tag in languages::tags() {
        let keys: BTreeSet<String> = texts(tag).into_keys().collect();
        let missing: Vec<_> = english.difference(&keys).collect();
        let unknown: Vec<_> = keys.difference(&english).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{tag}.toml lacks {missing:?}, and nobody reads {unknown:?}");
    }
}

#[test]
fn each_text_uses_the_variables_of_english() {
    let english = texts("en");
    for tag in languages::tags() {
        for (key, text) in texts(tag).iter().filter(|(key, _)| key.as_str() != "plurals") {
            let used = |text: &Text| -> BTreeSet<String> {
                text.wordings().iter().flat_map(|wording| variables(wording)).map(str::to_owned).collect()
            };
            assert_eq!(used(text), used(&english[key]), "{tag}.toml, {key}: {text:?}");
            // One thing may be named without its number, and then with its own; all others say the number alike.
            if let Text::Counted(wordings) = text {
                let of = |form: &String| variables(&wordings[form]);
                let mut several = wordings.keys().filter(|form| *form != "one");
                let first = several.next().map(of);
                assert!(several.all(|form| Some(of(form)) == first), "{tag}.toml, {key}: {text:?}");
            }
        }
    }
}

#[test]
fn each_plural_has_the_forms_of_its_language() {
    for tag in languages::tags() {
        let asked_for = forms(speaking(tag));
        for (key, text) in texts(tag).iter().filter(|(key, _)| key.as_str() != "plurals") {
            if let Text::Counted(wordings) = text {
                let there: BTreeSet<String> = wordings.keys().cloned().collect();
                assert_eq!(there, asked_for, "{tag}.toml, {key}");
            }
        }
    }
}

#[test]
fn plural_forms_are_those_of_cldr() {
    let of = |tag: &str, counts: &[u64]| -> Vec<String> {
        counts.iter().map(|count| speaking(tag).plurals().form(*count).to_owned()).collect()
    };
    assert_eq!(of("en", &[0, 1, 2, 21]), ["other", "one", "other", "other"]);
    assert_eq!(of("de", &[0, 1, 2]), ["other", "one", "other"]);
    assert_eq!(of("fr", &[0, 1, 2]), ["one", "one", "other"]);
    assert_eq!(of("es", &[0, 1, 2]), ["other", "one", "other"]);
    assert_eq!(
        of("pl", &[0, 1, 2, 4, 5, 11, 12, 14, 21, 22, 25, 101, 102, 112, 122]),
        ["many", "one", "few", "few", "many", "many", "many", "many", "many", "few", "many", "many", "few", "many", "few"]
    );
}

#[test]
fn figures_and_amounts() {
    let eur = "EUR".parse().unwrap();
    for (tag, small, large, negative, rate) in [
        ("en", "EUR_1,234.50", "EUR_1,234,567.00", "EUR_−0.50", "19%"),
        ("de", "1.234,50_EUR", "1.234.567,00_EUR", "−0,50_EUR", "19_%"),
        ("fr", "1~234,50_EUR", "1~234~567,00_EUR", "−0,50_EUR", "19~%"),
        ("es", "1234,50_EUR", "1.234.567,00_EUR", "−0,50_EUR", "19_%"),
        ("pl", "1234,50_EUR", "1_234_567,00_EUR", "−0,50_EUR", "19%"),
    ] {
        let language = speaking(tag);
        let visible = |text: String| text.replace('\u{a0}', "_").replace('\u{202f}', "~");
        assert_eq!(visible(language.money(decimal("1234.5"), eur)), small);
        assert_eq!(visible(language.money(decimal("1234567"), eur)), large);
        assert_eq!(visible(language.money(decimal("-0.5"), eur)), negative);
        assert_eq!(visible(language.rate(decimal("19"))), rate);
    }
    for (tag, yen) in [("en", "JPY_1,234"), ("de", "1.234_JPY"), ("fr", "1~234_JPY"), ("es", "1234_JPY"), ("pl", "1234_JPY")] {
        let text = speaking(tag).money(decimal("1234"), "JPY".parse().unwrap());
        assert_eq!(text.replace('\u{a0}', "_").replace('\u{202f}', "~"), yen);
    }
    assert_eq!(speaking("es").number(decimal("12345.5"), 2), "12.345,50");
    assert_eq!(speaking("pl").number(decimal("-12345"), 0), "−12\u{a0}345");
}

#[test]
fn dates_and_days() {
    for (tag, first, month, quarter, year) in [
        ("en", "1_October 2026", "1–31_October 2026", "1_October – 31_December 2026", "1_October 2026 – 30_September 2027"),
        (
            "de",
            "1._Oktober 2026",
            "1.–31._Oktober 2026",
            "1._Oktober – 31._Dezember 2026",
            "1._Oktober 2026 – 30._September 2027",
        ),
        (
            "fr",
            "1er_octobre 2026",
            "du 1er au 31_octobre 2026",
            "du 1er_octobre au 31_décembre 2026",
            "du 1er_octobre 2026 au 30_septembre 2027",
        ),
        (
            "es",
            "1_de_octubre de 2026",
            "1–31_de_octubre de 2026",
            "1_de_octubre – 31_de_diciembre de 2026",
            "1_de_octubre de 2026 – 30_de_septiembre de 2027",
        ),
        (
            "pl",
            "1_października 2026",
            "1–31_października 2026",
            "1_października – 31_grudnia 2026",
            "1_października 2026 – 30_września 2027",
        ),
    ] {
        let language = speaking(tag);
        let from = date("2026-10-01");
        // The space between day and month must not break.
        let visible = |text: String| text.replace('\u{a0}', "_");
        assert_eq!(visible(language.date(from)), first);
        for (to, text) in [("2026-10-01", first), ("2026-10-31", month), ("2026-12-31", quarter), ("2027-09-30", year)] {
            assert_eq!(visible(language.days(from, date(to))), text);
        }
    }
}

#[test]
fn terms_and_countries() {
    assert_eq!(
        speaking("pl").terms(1, "2 marca 2026", "FV/1"),
        "Płatne w ciągu 1 dnia, do 2 marca 2026. W tytule przelewu prosimy podać FV/1."
    );
    assert_eq!(
        speaking("pl").terms(14, "2 marca 2026", "FV/1"),
        "Płatne w ciągu 14 dni, do 2 marca 2026. W tytule przelewu prosimy podać FV/1."
    );
    assert_eq!(speaking("de").terms(0, "", "R-1"), "Zahlbar sofort nach Erhalt. Bitte geben Sie R-1 an.");
    for (tag, name) in [("en", "Germany"), ("de", "Deutschland"), ("fr", "Allemagne"), ("es", "Alemania"), ("pl", "Niemcy")] {
        assert_eq!(speaking(tag).country("DE"), name);
    }
    assert_eq!(speaking("de").country("XX"), "XX");
}

#[test]
fn the_nearest_language_answers() {
    for (asked, answers) in [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("fr-CA", "fr"),
        ("en-US", "en"),
        ("nl", "en"),
        ("", "en"),
        ("deu", "en"),
    ] {
        assert_eq!(speaking(asked).tag, answers, "{asked:?}");
    }
}

#[test]
fn the_built_in_fonts_have_every_character() {
    let fonts = Fonts::builtin().unwrap();
    for tag in languages::tags() {
        for (key, text) in texts(tag) {
            let missing: Vec<char> = text.wordings().iter().flat_map(|w| w.chars()).filter(|c| !fonts.can_print(*c)).collect();
            assert!(missing.is_empty(), "{tag}.toml, {key}: {missing:?}");
        }
    }
}

#[test]
fn a_file_that_lacks_a_word_is_refused() {
    let lacking = languages::source("en").unwrap().replacen("billed_to = \"Billed to\"\n", "", 1);
    let told = Language::parse("en", &lacking).unwrap_err();
    assert!(matches!(&told, RenderError::Language { tag: "en", why } if why.contains("billed_to")), "{told}");
}
