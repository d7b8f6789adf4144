//! What a customer, a bookkeeper or an archive reads in the file.

use crate::{sample, tools};
use finops::model::TaxCategory;
use finops::model::document::Document;
use finops::render::{Fonts, RenderError, invoice_pdf, missing_characters};
use rayon::prelude::*;

fn pdf(doc: &Document) -> Vec<u8> {
    invoice_pdf(doc, None, &Fonts::builtin().unwrap()).unwrap()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[track_caller]
fn has_row(rows: &[String], row: &str) {
    assert!(rows.iter().any(|r| r.contains(row)), "no {row:?} in\n{}", rows.join("\n"));
}

#[test]
fn a_dozen_lines_on_one_page() {
    let file = pdf(&sample::invoice(12));
    tools::check(&file);
    let rows = tools::rows(&file);
    for row in [
        "Nordlicht Managed Services GmbH",
        "20457 Hamburg",
        "Tax ID DE811907980",
        "Zażółć Gęślą Sp. z o.o.",
        "Attn. Małgorzata Wiśniewska",
        "00-049 Warszawa",
        "Issue date 1 November 2026",
        "Due date 15 November 2026",
        "Service period 1–31 October 2026",
        "Your reference PO 4711-B",
        "Invoice INV-2026-000042",
        "EUR 6,253.48 due 15 November 2026",
        "Managed workstation 48 devices 39.00 19% 1,872.00",
        "Managed server, business hours 6 servers 149.00 19% 490.26",
        "15–31 October 2026 · 17 of 31 days",
        "API requests 1,840,233 requests 0.000125 19% 230.03",
        "Credit for downtime on 7 October 2026 1 −75.50 19% −75.50",
        "Subtotal 5,265.19",
        "VAT 19% on 5,164.39 981.23",
        "VAT reduced 7% on 100.80 7.06",
        "Total due EUR 6,253.48",
        "IBAN DE89 3704 0044 0532 0130 00",
        "BIC HASPDEHHXXX",
        "Page 1 of 1",
    ] {
        has_row(&rows, row);
    }
    assert!(file.len() <= 40_000, "{} bytes", file.len());
}

/// A seller who has put the rate into the tax's name, spaced in any way, does not read it twice.
#[test]
fn a_rate_in_the_name_of_a_tax_stands_there_once() {
    for language in ["en", "de", "fr", "es", "pl"] {
        for name in ["VAT 19 %", "VAT 19%", "VAT 19\u{a0}%", "VAT 19\u{202f}%"] {
            let mut doc = sample::invoice(1);
            doc.language = language.to_owned();
            for tax in &mut doc.taxes {
                tax.name = name.replace("19", &tax.rate.normalize().to_string());
            }
            let rows = tools::rows(&pdf(&doc));
            let text = rows.join("\n").replace(['\u{a0}', '\u{202f}', ' '], "");
            assert!(text.contains("VAT19%"), "{language}: {text}");
            assert!(!text.contains("VAT19%19%"), "{language}: {text}");
        }
    }
}

#[test]
fn the_file_says_what_it_is() {
    let file = pdf(&sample::invoice(1));
    let info = tools::info(&file);
    for fact in [
        "Title:           Invoice INV-2026-000042",
        "Author:          Nordlicht Managed Services GmbH",
        "CreationDate:    2026-11-01T00:00:00Z",
        "ModDate:         2026-11-01T00:00:00Z",
        "595.276 x 841.89 pts (A4)",
    ] {
        assert!(info.contains(fact), "no {fact:?} in\n{info}");
    }
    let raw = String::from_utf8_lossy(&file);
    assert!(raw.contains("<pdfaid:part>3</pdfaid:part>") && raw.contains("<pdfaid:conformance>B</pdfaid:conformance>"));
    assert!(raw.contains("/Lang(en)") || raw.contains("/Lang (en)"), "no language");
    for font in tools::fonts(&file) {
        let columns: Vec<&str> = font.split_whitespace().collect();
        assert!(columns.windows(3).any(|w| w == ["yes", "yes", "yes"]), "embedded, subset, with Unicode: {font}");
    }
}

#[test]
fn names_of_three_scripts_and_loose_accents() {
    let mut doc = sample::invoice(1);
    doc.seller.name = "Ελληνικές Υπηρεσίες Πληροφορικής Α.Ε.".into();
    doc.buyer.name = "ТОВ «Їжак і Ґава» – Đặng Thị Ngọc".into();
    doc.buyer.address.line1 = "Rue de l'E\u{301}cole".into();
    doc.footer = "λόγος, Юлія, Łódź, Škoda, İstanbul, Ðóra".into();
    let text = tools::text(&pdf(&doc)).replace('\n', " ");
    for name in [&doc.seller.name, &doc.buyer.name, &doc.footer] {
        assert!(text.contains(name.as_str()), "no {name:?} in\n{text}");
    }
    let composed = text.contains("Rue de l'École") || text.contains(&doc.buyer.address.line1);
    assert!(composed, "an accent went astray in\n{text}");
}

#[test]
fn an_overlong_word_is_wrapped_and_kept() {
    let mut doc = sample::invoice(1);
    let word: String = (0..120).map(|n| format!("{n}ö")).collect();
    doc.lines[0].description = format!("Serial {word} end");
    doc.buyer.name = word.clone();
    doc.reference = word.clone();
    doc.bank.bank_name = word.clone();
    let text = squeezed(&tools::text(&pdf(&doc)));
    // Names and values of facts are columns of their own in the raw order, so each is whole.
    assert_eq!(text.matches(&word).count(), 4, "in\n{text}");
}

#[test]
fn two_hundred_lines_lose_nothing() {
    let mut doc = sample::empty("EUR");
    for n in 1..=200 {
        sample::line(&mut doc, &format!("Position {n} of the list"), "1", "pc", "1.10", &sample::VAT19);
    }
    doc.lines[99].description = "Every word counts. ".repeat(600);
    let file = pdf(&doc);
    tools::check(&file);
    let pages = tools::pages(&file);
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())), "page number of\n{page}");
        if index > 0 {
            assert!(page.contains("Invoice INV-2026-000042"), "head of\n{page}");
        }
        if index + 1 < pages.len() {
            assert!(page.contains("Description Quantity Unit price Tax Amount (EUR)"), "table header of\n{page}");
        }
    }
    let all = pages.join("\n");
    for n in (1..=200).filter(|n| *n != 100) {
        assert!(all.contains(&format!("Position {n} of the list")), "line {n}");
    }
    assert_eq!(squeezed(&all).matches("Everywordcounts.").count(), 600);
    assert!(all.contains("EUR 261.80"), "200 × 1.10 + 19 %");
}

#[test]
fn totals_never_stand_without_a_line() {
    for lines in 10..40 {
        let file = pdf(&sample::invoice(lines));
        let pages = tools::pages(&file);
        let last = pages.last().unwrap();
        assert!(last.contains("Total due") && last.contains("Amount (EUR)"), "{lines} lines end with\n{last}");
    }
}

#[test]
fn texts_of_any_length_stay_on_the_paper() {
    let mut doc = sample::invoice(3);
    let long = |seed: &str| (0..900).map(|n| format!("{seed}{n}")).collect::<Vec<_>>().join(" ");
    doc.seller.name = long("seller");
    doc.seller.address.line1 = long("street");
    doc.buyer.name = long("buyer");
    doc.lines[0].unit = long("unit");
    doc.taxes[0].name = long("tax");
    doc.taxes[0].note = long("note");
    doc.bank.account = long("account");
    doc.footer = long("footer");
    let file = pdf(&doc);
    tools::check(&file);
    let text = squeezed(&tools::text(&file));
    for seed in ["seller", "street", "buyer", "unit", "tax", "note", "account", "footer"] {
        for n in (0..900).step_by(7).chain([899]) {
            assert!(text.contains(&format!("{seed}{n}")), "{seed}{n}");
        }
    }
}

/// EN 16931 BR-E-10, BR-AE-10, BR-IC-10, BR-G-10 and BR-O-10 want the reason in words.
#[test]
fn why_there_is_no_tax_is_printed() {
    for category in TaxCategory::ALL.iter().copied().filter(|category| category.needs_reason()) {
        let mut doc = sample::invoice(1);
        doc.buyer.tax_id = "PL8567346215".to_owned();
        doc.taxes.truncate(1);
        doc.taxes[0].category = category;
        doc.taxes[0].note = format!("The reason of category {category} in words");
        let rows = tools::rows(&pdf(&doc));
        has_row(&rows, &format!("The reason of category {category} in words"));
        has_row(&rows, "Tax ID PL8567346215");
    }
}

#[test]
fn amounts_have_the_currency_s_decimals() {
    for (currency, price, amount, total) in [
        ("JPY", "1234567", "1,234,567", "JPY 1,469,135"),
        ("KWD", "1234.5", "1,234.500", "KWD 1,469.055"),
        ("EUR", "46116860184273879.03", "46,116,860,184,273,879.03", "EUR 54,879,063,619,285,916.05"),
    ] {
        let mut doc = sample::empty(currency);
        sample::line(&mut doc, "Service", "1", "", price, &sample::VAT19);
        let rows = tools::rows(&pdf(&doc));
        has_row(&rows, &format!("Subtotal {amount}"));
        has_row(&rows, &format!("Total due {total}"));
    }
}

#[test]
fn figures_wider_than_a_column_are_whole() {
    let mut doc = sample::invoice(1);
    doc.lines[0].quantity = sample::decimal("1234567890123456789.123456789");
    doc.lines[0].unit_price = sample::decimal("0.0000000000000000000000000123");
    doc.lines[0].amount = sample::decimal("-92233720368547758.07");
    let text = squeezed(&tools::text(&pdf(&doc)));
    for figure in ["1,234,567,890,123,456,789.123456789", "0.0000000000000000000000000123", "−92,233,720,368,547,758.07"] {
        assert!(text.contains(figure), "no {figure} in\n{text}");
    }
}

#[test]
fn legal_notes_are_printed_once_and_whole() {
    let mut doc = sample::empty("EUR");
    sample::line(&mut doc, "Consulting", "2", "days", "900", &sample::REVERSE);
    sample::line(&mut doc, "Travel", "1", "", "180.20", &sample::REVERSE);
    doc.revision = 2;
    doc.tax_inclusive = true;
    let text = tools::text(&pdf(&doc));
    assert_eq!(text.matches(sample::REVERSE.note).count(), 1, "in\n{text}");
    assert!(text.contains("Prices and amounts include tax.") && text.contains("Revision"), "in\n{text}");
}

#[test]
fn nothing_is_asked_for_when_nothing_is_owed() {
    let mut doc = sample::empty("EUR");
    sample::line(&mut doc, "Credit for unused days", "1", "", "-45.16", &sample::VAT19);
    let text = tools::text(&pdf(&doc));
    assert!(text.contains("EUR −53.74") && text.contains("No payment is due."), "in\n{text}");
    assert!(!text.contains("Total due") && !text.contains("Payable"), "in\n{text}");
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let doc = sample::invoice(60);
    let first = pdf(&doc);
    let shared = Fonts::builtin().unwrap();
    let others: Vec<Vec<u8>> = (0..16).into_par_iter().map(|_| invoice_pdf(&doc, None, &shared).unwrap()).collect();
    assert!(others.iter().all(|other| *other == first));
    let mut later = doc.clone();
    later.revision = 1;
    assert_ne!(pdf(&later), first, "a revision has an identifier of its own");
}

#[test]
fn a_character_without_a_picture_is_named_with_its_field() {
    let fonts = Fonts::builtin().unwrap();
    let mut doc = sample::invoice(2);
    assert_eq!(missing_characters(&doc, &fonts), []);
    doc.buyer.name = "株式会社".into();
    doc.lines[1].description = "Party 🎉 time 🎉".into();
    let expected =
        [('株', "buyer.name"), ('式', "buyer.name"), ('会', "buyer.name"), ('社', "buyer.name"), ('🎉', "lines[2].description")];
    let expected: Vec<(char, String)> = expected.map(|(c, field)| (c, field.to_owned())).to_vec();
    assert_eq!(missing_characters(&doc, &fonts), expected);
    let error = invoice_pdf(&doc, None, &fonts).unwrap_err();
    assert_eq!(error, RenderError::MissingCharacters(expected));
    assert!(error.to_string().contains("'株' (U+682A) in buyer.name"), "{error}");
}

#[test]
fn a_fallback_font_is_asked_before_it_is_an_error() {
    let mut doc = sample::invoice(1);
    doc.lines[0].description = "Backup ✓ verified ✓".into();
    assert_eq!(missing_characters(&doc, &Fonts::builtin().unwrap()), [('✓', "lines[1].description".to_owned())]);
    let fonts = Fonts::with_fallback(vec![include_bytes!("files/check-mark.ttf").to_vec()]).unwrap();
    let file = invoice_pdf(&doc, None, &fonts).unwrap();
    tools::check(&file);
    has_row(&tools::rows(&file), "Backup ✓ verified ✓ 48 devices");
    assert_eq!(tools::fonts(&file).len(), 3);
}
