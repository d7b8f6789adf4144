//! Credit notes, and invoices that used up credit, as they are read.

use crate::{sample, tools};
use chrono::NaiveDate;
use finops::model::document::{Corrected, Document, DocumentKind, DocumentLine, DocumentTax};
use finops::render::{Fonts, invoice_pdf, languages, missing_characters};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

fn rows(doc: &Document) -> Vec<String> {
    let file = invoice_pdf(doc, None, &Fonts::builtin().unwrap()).unwrap();
    tools::check(&file);
    tools::rows(&file)
}

#[track_caller]
fn has_rows(rows: &[String], expected: &[&str]) {
    for row in expected {
        assert!(rows.iter().any(|r| r.contains(row)), "no {row:?} in\n{}", rows.join("\n"));
    }
}

fn credit_note() -> Document {
    let of = sample::invoice(3);
    Document {
        kind: DocumentKind::CreditNote,
        number: "CN-2026-000007".to_owned(),
        due_on: of.issued_on,
        payment_terms_days: 0,
        corrects: Some(Corrected {
            invoice_id: of.invoice_id.clone(),
            number: "INV-2026-000042".to_owned(),
            issued_on: "2026-10-01".parse().unwrap(),
            reason: "Cancelled on 15 October, before anything of it was delivered; see your letter of the same day.".to_owned(),
            settled: None,
            is_of_an_amount: false,
        }),
        ..of
    }
}

#[test]
fn a_credit_note_says_what_it_corrects_and_asks_for_nothing() {
    let doc = credit_note();
    let total = format!("Total credited EUR {}", doc.total);
    let rows = rows(&doc);
    has_rows(
        &rows,
        &[
            "Credit note CN-2026-000007",
            "Credit note number CN-2026-000007",
            "Corrects invoice INV-2026-000042",
            "Invoice date 1 October 2026",
            "Issue date 1 November 2026",
            "Reason: Cancelled on 15 October",
            "What exceeds it is set off against",
        ],
    );
    let plain: String = rows.join("\n").replace(',', "");
    assert!(plain.contains(&total), "{total} in {plain}");
    for absent in ["Due date", "Payable", "IBAN", "Total due", "Invoice number"] {
        assert!(!rows.iter().any(|row| row.contains(absent)), "{absent}");
    }
    let file = invoice_pdf(&doc, None, &Fonts::builtin().unwrap()).unwrap();
    assert!(tools::info(&file).contains("Title:           Credit note CN-2026-000007"));
}

#[test]
fn only_where_there_is_an_excess_it_becomes_credit() {
    let mut doc = credit_note();
    let told = |doc: &Document| rows(doc).join(" ").replace('\u{a0}', " ");
    let mut settle = |settled: Decimal| {
        doc.corrects.as_mut().unwrap().settled = Some(settled);
        told(&doc)
    };
    let total = sample::invoice(3).total;
    let all = settle(total);
    assert!(all.contains("lowers what you owe") && !all.contains("next invoice"), "{all}");
    let part = settle("1.00".parse().unwrap());
    assert!(part.contains("EUR 1.00 lowers") && part.contains("set off against what is open, or against your next"), "{part}");
    let none = settle(Decimal::ZERO);
    assert!(none.contains("Nothing is left to pay") && none.contains("next invoice"), "{none}");
    let file = |settled| {
        let mut doc = credit_note();
        doc.corrects.as_mut().unwrap().settled = settled;
        doc.language = "de".to_owned();
        told(&doc)
    };
    assert!(!file(Some(total)).contains("verrechnet") && file(Some(Decimal::ONE)).contains("verrechnet"));
}

#[test]
fn an_amount_that_is_taken_back_is_one_line_a_tax_rate_and_says_why() {
    let mut doc = credit_note();
    let second = DocumentTax { rate: "7".parse().unwrap(), ..doc.taxes[0].clone() };
    doc.lines[1].tax_rate = second.rate;
    doc.taxes.push(second);
    let corrected = doc.corrects.as_mut().unwrap();
    (corrected.is_of_an_amount, corrected.reason) = (true, "Goodwill".to_owned());
    let table = |doc: &Document| {
        let rows = rows(doc);
        let (from, to) =
            (rows.iter().position(|r| r.starts_with("Description")), rows.iter().position(|r| r.contains("Subtotal")));
        rows[from.unwrap() + 1..to.unwrap()].to_vec()
    };
    let amount = |of: &dyn Fn(&DocumentLine) -> bool| -> Decimal { doc.lines.iter().filter(|l| of(l)).map(|l| l.amount).sum() };
    let (of_second, of_first) =
        (amount(&|l| l.tax_rate == doc.lines[1].tax_rate), amount(&|l| l.tax_rate != doc.lines[1].tax_rate));
    let expected = |what: &str| [format!("{what} 1 {of_first} 19% {of_first}"), format!("{what} 1 {of_second} 7% {of_second}")];
    let told: Vec<String> = table(&doc).iter().map(|row| row.replace([',', '\u{a0}'], "")).collect();
    assert_eq!(told, expected("Goodwill"));
    doc.corrects.as_mut().unwrap().reason.clear();
    let told: Vec<String> = table(&doc).iter().map(|row| row.replace([',', '\u{a0}'], "")).collect();
    assert_eq!(told, expected("Part of invoice INV-2026-000042"));
}

#[test]
fn what_is_left_to_pay_stands_below_the_credit() {
    let mut doc = sample::invoice(12);
    doc.credit_applied = "253.48".parse().unwrap();
    has_rows(
        &rows(&doc),
        &[
            "EUR 6,000.00 due 15 November 2026",
            "Total 6,253.48",
            "Credit applied −253.48",
            "Amount to pay EUR 6,000.00",
            "Payable within",
        ],
    );
    doc.credit_applied = doc.total;
    let all = rows(&doc);
    has_rows(&all, &["Credit applied −6,253.48", "Amount to pay EUR 0.00", "No payment is due."]);
    assert_eq!(doc.to_pay(), Decimal::ZERO);
    assert!(!all.iter().any(|row| row.contains("Payable within")));
}

#[test]
fn a_reason_that_cannot_be_printed_is_told_beforehand() {
    let mut doc = credit_note();
    doc.corrects.as_mut().unwrap().reason = "漢".to_owned();
    let fonts = Fonts::builtin().unwrap();
    assert_eq!(missing_characters(&doc, &fonts), [('漢', "corrects.reason".to_owned())]);
}

#[test]
fn documents_of_version_1_are_still_read() {
    let mut old = serde_json::to_value(sample::invoice(1)).unwrap();
    let fields = old.as_object_mut().unwrap();
    for new in ["kind", "credit_applied", "corrects"] {
        assert!(fields.remove(new).is_some(), "{new}");
    }
    fields.insert("version".to_owned(), 1.into());
    let doc: Document = serde_json::from_value(old).unwrap();
    assert_eq!((doc.kind, doc.to_pay()), (DocumentKind::Invoice, doc.total));
}

#[test]
fn a_credit_note_has_labels_of_its_own_and_none_is_broken() {
    for (language, issued, corrected, total, reason) in [
        ("de", "Gutschriftdatum ", "Rechnung vom ", "Gutschriftsbetrag ", "Grund: "),
        ("en", "Issue date ", "Invoice date ", "Total credited ", "Reason: "),
        ("es", "Fecha de emisión ", "Fecha de la factura ", "Importe rectificado ", "Motivo: "),
        ("fr", "Date d’émission ", "Date de la facture ", "Montant de l’avoir ", "Motif : "),
        ("pl", "Data wystawienia ", "Data faktury ", "Kwota korekty ", "Przyczyna: "),
    ] {
        let rows = rows(&Document { language: language.to_owned(), ..credit_note() });
        has_rows(&rows, &[issued, corrected, total, reason]);
    }
}

/// What finops itself prints is never broken inside a word, whatever the language and the month.
#[test]
fn no_word_of_a_language_is_broken() {
    let words = |text: &str| -> BTreeSet<String> { text.split_whitespace().map(str::to_owned).collect() };
    for language in finops::model::language::LANGUAGES.iter().map(|tag| (*tag).to_owned()) {
        for month in [9, 10, 12] {
            let day = |day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
            let mut doc = sample::invoice(12);
            doc.language.clone_from(&language);
            (doc.issued_on, doc.due_on, doc.service_from, doc.service_to) = (day(28), day(29), day(1), day(28));
            let mut note = Document { language: language.clone(), ..credit_note() };
            (note.issued_on, note.service_from, note.service_to) = (day(28), day(1), day(28));
            note.corrects.as_mut().unwrap().issued_on = day(27);
            let said = languages::find(&language).unwrap();
            let labels = &said.document;
            let of_invoice =
                [&labels.number, &labels.issued, &labels.due, &labels.service, &labels.customer_number, &labels.total];
            let of_note = [&labels.credit_note_number, &labels.corrects, &labels.corrects_issued, &labels.total_credited];
            for (doc, labels) in [(&doc, &of_invoice[..]), (&note, &of_note)] {
                let rows = rows(doc);
                let printed = words(&rows.join(" "));
                let days = [said.date(doc.issued_on), said.days(doc.service_from, doc.service_to)];
                let numbers = doc.corrects.iter().map(|corrected| &corrected.number).chain([&doc.number]);
                for text in days.iter().chain(labels.iter().copied()).chain(numbers) {
                    assert!(words(text).is_subset(&printed), "{language}: {text:?} is broken in\n{}", rows.join("\n"));
                }
            }
        }
    }
}
