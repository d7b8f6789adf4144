//! What is issued never changes: the database itself refuses it, whoever asks.

use crate::fixtures::*;
use crate::support::{TestDb, each_engine, now};
use finops::model::{Correction, FullInvoice, Invoice, InvoiceKind, InvoiceState};
use finops::store::audit::{Author, Entry, append};
use finops::store::credit::{self, NewEntry};
use finops::store::documents::{self, NewDocument};
use finops::store::invoices;
use finops::store::numbers::{self, Given};

/// Company `a`: a draft (1), an issued invoice (2) with its document, number and audit row.
fn prepare(db: &TestDb) {
    let mut conn = db.open();
    seed(&mut conn, &["a"]);
    let open = Invoice {
        state: InvoiceState::Open,
        number: Some("N".to_owned()),
        issued_on: Some(day("2026-10-31")),
        due_on: Some(day("2026-11-14")),
        ..draft("a", 2).head
    };
    let small =
        FullInvoice { head: Invoice { net: euro(1), tax: euro(1), total: euro(2), ..draft("a", 1).head }, ..draft("a", 1) };
    write(&mut conn, |tx| {
        invoices::insert(tx, [small.clone(), draft("a", 2)].iter())?;
        assert!(invoices::issue(tx, std::slice::from_ref(&open))?);
        let company = "a".parse().unwrap();
        let document = NewDocument {
            company_id: "a".parse().unwrap(),
            invoice_id: invoice_id(2),
            sha256: "ab".into(),
            content: "{}".into(),
        };
        documents::insert(tx, &[document])?;
        numbers::record(tx, &[Given { series_id: "s", year: 2026, seq: 1, company_id: &company, document_id: &invoice_id(2) }])?;
        let (key, seller_id) = ("k", "seller".parse().unwrap());
        let (amount, entered_on) = (euro(1), day("2026-10-31"));
        credit::add(
            tx,
            NewEntry { company_id: &company, key, seller_id: &seller_id, amount, reason: "", entered_on, invoice_id: None },
        )?;
        let entry = Entry { company_id: "a".into(), action: "x", entity: "x", entity_id: "x".into(), payload: "{}".into() };
        append(tx, &Author::person("test", now()), &[entry])
    });
}

/// Every statement that would change what was issued, for the invoice with this id.
fn forbidden(issued: &str, draft: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for set in [
        "state = 'draft'",
        "company_id = 'b'",
        "invoice_id = 'x'",
        "seller_id = 'x'",
        "currency = 'USD'",
        "contract_id = 'x'",
        "period_start = '2020-01-01'",
        "period_end = '2030-01-01'",
        "revision = 9",
        "number = 'M'",
        "number = NULL",
        "issued_on = '2026-10-30'",
        "issued_on = NULL",
        "due_on = '2027-01-01'",
        "due_on = NULL",
        "payment_terms_days = 1",
        "tax_inclusive = 0",
        "reference = ''",
        "net_minor = 1, tax_minor = 1, total_minor = 2",
        "net_minor = net_minor - 1, tax_minor = tax_minor + 1",
        "stale = 1",
        "edited = 0",
        "kind = 'other'",
        "corrects_id = 'x'",
        "reason = 'x'",
        "ref_key = 'x'",
        "state = 'paid', reference = 'x'",
    ] {
        all.push(format!("UPDATE invoices SET {set} WHERE invoice_id = '{issued}'"));
    }
    all.push(format!("DELETE FROM invoices WHERE invoice_id = '{issued}'"));
    for (table, column) in [("invoice_lines", "description"), ("invoice_taxes", "name")] {
        all.push(format!("UPDATE {table} SET {column} = 'x' WHERE invoice_id = '{issued}'"));
        all.push(format!("UPDATE {table} SET net_minor = 0 WHERE invoice_id = '{issued}' AND position = 1"));
        all.push(format!("DELETE FROM {table} WHERE invoice_id = '{issued}'"));
        // A draft's part must not become an issued invoice's either, and not the other way round.
        all.push(format!(
            "UPDATE {table} SET invoice_id = '{issued}', position = 9 WHERE invoice_id = '{draft}' AND position = 1"
        ));
        all.push(format!(
            "UPDATE {table} SET invoice_id = '{draft}', position = 9 WHERE invoice_id = '{issued}' AND position = 1"
        ));
    }
    all.push(format!("INSERT INTO invoice_taxes VALUES ('a', '{issued}', 9, 'S', '19', 'VAT', '', 1, 1)"));
    all.push(format!(
        "INSERT INTO invoice_lines VALUES ('a', '{issued}', 9, 'item', '', '', '', '', '1', '', '1', '2026-10-01', '2026-10-02',
         0, 0, 'standard', 'S', '19', 1, 1, 0, '')"
    ));
    for statement in [
        "UPDATE invoice_documents SET content = 'x'",
        "UPDATE invoice_documents SET sha256 = 'x'",
        "DELETE FROM invoice_documents",
        "UPDATE document_numbers SET seq = 2",
        "UPDATE document_numbers SET document_id = 'x'",
        "DELETE FROM document_numbers",
        "UPDATE credit_entries SET amount_minor = amount_minor + 1",
        "UPDATE credit_entries SET invoice_id = 'x'",
        "DELETE FROM credit_entries",
        "UPDATE audit_log SET actor = 'x'",
        "UPDATE audit_log SET at = '2020-01-01T00:00:00.000Z'",
        "DELETE FROM audit_log",
    ] {
        all.push(statement.to_owned());
    }
    all
}

/// All rows of the tables that are guarded.
fn content(db: &TestDb) -> Vec<Vec<String>> {
    ["invoices", "invoice_lines", "invoice_taxes", "invoice_documents", "document_numbers", "credit_entries", "audit_log"]
        .iter()
        .flat_map(|table| db.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")))
        .collect()
}

#[test]
fn nothing_changes_what_is_issued() {
    each_engine(|db| {
        // The guards are left out there; the hashes tell (`db check`).
        if db.is_citus() {
            return;
        }
        prepare(db);
        for state in ["open", "paid"] {
            db.execute(&format!("UPDATE invoices SET state = '{state}' WHERE state <> 'draft'")).unwrap();
            let before = content(db);
            for statement in forbidden(invoice_id(2).as_str(), invoice_id(1).as_str()) {
                let refused = db.execute(&statement);
                assert!(refused.as_ref().is_err_and(|e| e.contains("finops")), "{state}: {statement}: {refused:?}");
            }
            assert_eq!(before, content(db));
        }
    });
}

#[test]
fn a_credit_note_is_frozen_as_its_invoice_is_and_its_state_too() {
    each_engine(|db| {
        if db.is_citus() {
            return;
        }
        prepare(db);
        let made = draft("a", 3);
        let correction = Correction { corrects: invoice_id(2), reason: "wrong".to_owned(), key: "k".to_owned() };
        let kind = InvoiceKind::CreditNote(correction);
        let note = FullInvoice { head: Invoice { kind, ..made.head.clone() }, ..made };
        let issued = Invoice {
            state: InvoiceState::Issued,
            number: Some("CN".to_owned()),
            issued_on: Some(day("2026-10-31")),
            due_on: Some(day("2026-10-31")),
            ..note.head.clone()
        };
        write(&mut db.open(), |tx| {
            invoices::insert(tx, std::iter::once(&note))?;
            assert!(invoices::issue(tx, std::slice::from_ref(&issued))?);
            Ok(())
        });
        let before = content(db);
        let states = ["open", "paid", "void", "uncollectible"]
            .map(|state| format!("UPDATE invoices SET state = '{state}' WHERE invoice_id = '{}'", invoice_id(3)));
        for statement in forbidden(invoice_id(3).as_str(), invoice_id(1).as_str()).into_iter().chain(states) {
            let refused = db.execute(&statement);
            assert!(refused.as_ref().is_err_and(|e| e.contains("finops")), "{statement}: {refused:?}");
        }
        assert_eq!(before, content(db));
    });
}

#[test]
fn a_draft_and_the_life_of_an_invoice_are_free() {
    each_engine(|db| {
        prepare(db);
        let (draft, issued) = (invoice_id(1), invoice_id(2));
        for statement in [
            format!("UPDATE invoices SET reference = 'x', stale = 1 WHERE invoice_id = '{draft}'"),
            format!("UPDATE invoice_lines SET description = 'x' WHERE invoice_id = '{draft}'"),
            format!("DELETE FROM invoice_lines WHERE invoice_id = '{draft}'"),
            format!("DELETE FROM invoice_taxes WHERE invoice_id = '{draft}'"),
            format!("DELETE FROM invoices WHERE invoice_id = '{draft}'"),
            format!("UPDATE invoices SET state = 'uncollectible' WHERE invoice_id = '{issued}'"),
            format!("UPDATE invoices SET state = 'void' WHERE invoice_id = '{issued}'"),
            // Personal data may be erased; the chain holds only its digest.
            "UPDATE audit_payloads SET payload = ''".to_owned(),
        ] {
            assert_eq!(db.execute(&statement), Ok(()), "{statement}");
        }
    });
}
