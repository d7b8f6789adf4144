//! Credit notes, and invoices that used up credit, as they are read.

use crate::{sample, tools};
use finops::model::document::{Corrected, Document, DocumentKind};
use finops::render::{Fonts, invoice_pdf, missing_characters};
use rust_decimal::Decimal;

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
            "What exceeds it is credited to your",
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
    assert!(part.contains("EUR 1.00 lowers") && part.contains("credited to your next"), "{part}");
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
