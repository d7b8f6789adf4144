//! `store::check`: sound books have no findings, and each way to break them is found and named.

use crate::fixtures::*;
use crate::support::{TestDb, each_engine};
use finops::model::{FullInvoice, Invoice, InvoiceLine, InvoiceState, InvoiceTax, Payment};
use finops::store::billing::{Next, ScheduleChange, move_schedules};
use finops::store::check::{contract_keys, documents as pages, findings, row_counts};
use finops::store::documents::{self, NewDocument};
use finops::store::numbers::{self, Given};
use finops::store::{invoices, items, payments};

/// A draft of 10.00 whose lines and groups add up.
fn sound(n: u32) -> FullInvoice {
    let made = draft("a", n);
    let lines = [400, 600].map(|net| InvoiceLine { net: euro(net), amount: euro(net), ..made.lines[0].clone() });
    let taxes = [(1000, 0)].map(|(net, tax)| InvoiceTax { net: euro(net), tax: euro(tax), ..made.taxes[0].clone() });
    let head = Invoice { net: euro(1000), tax: euro(0), total: euro(1000), ..made.head };
    FullInvoice { head, lines: lines.to_vec(), taxes: taxes.to_vec() }
}

/// Company `a`: a draft (1) that took up an item, and an invoice (2) of which 5.00 are paid.
fn prepare(db: &TestDb) {
    let mut conn = db.open();
    seed(&mut conn, &["a"]);
    let open = Invoice {
        state: InvoiceState::Open,
        number: Some("N-1".to_owned()),
        issued_on: Some(day("2026-10-31")),
        due_on: Some(day("2026-11-14")),
        ..sound(2).head
    };
    let payment = Payment {
        company_id: "a".parse().unwrap(),
        provider: "bank".to_owned(),
        reference: "r".to_owned(),
        amount: euro(500),
        received_on: day("2026-11-02"),
    };
    let next = Next { start: day("2026-11-01"), due_on: day("2026-11-01") };
    write(&mut conn, |tx| {
        let (company, contract) = ("a".parse().unwrap(), "c".parse().unwrap());
        move_schedules(tx, &[ScheduleChange { company_id: company, contract_id: contract, next: Some(next), revision: 0 }])?;
        invoices::insert(tx, [sound(1), sound(2)].iter())?;
        let item = billable("a", "k");
        items::upsert(tx, &[(&item, day("2026-11-01"))])?;
        assert!(items::take(tx, &item.company_id, &item.source_key, &invoice_id(1))?);
        assert!(invoices::issue(tx, std::slice::from_ref(&open))?);
        let document = NewDocument {
            company_id: item.company_id.clone(),
            invoice_id: invoice_id(2),
            sha256: "ab".into(),
            content: "{}".into(),
        };
        documents::insert(tx, &[document])?;
        numbers::take(tx, "s", 2026, 1, day("2026-10-31"))?;
        let given = Given { series_id: "s", year: 2026, seq: 1, company_id: &item.company_id, document_id: &invoice_id(2) };
        numbers::record(tx, &[given])?;
        assert!(payments::insert(tx, &payment, &invoice_id(2))?);
        payments::allocate(tx, &payment, &invoice_id(2), euro(500))
    });
}

/// A credit note of an invoice over so much, which gave the company so much. (Its document, number and line
/// are missing too, which other rules tell: the database is made to look as if it were a draft's.)
fn note(of: &str, minor: i64, gave: Option<i64>) -> Vec<String> {
    let id = invoice_id(5);
    let entry = gave.map(|minor| {
        format!("INSERT INTO credit_entries VALUES ('a', 'credit_note:{id}', 'seller', 'EUR', {minor}, '', '2026-10-31', '')")
    });
    let mut all = vec![
        format!(
            "INSERT INTO invoices SELECT company_id, '{id}', state, seller_id, currency, contract_id, period_start, period_end, revision,
               number, issued_on, due_on, payment_terms_days, tax_inclusive, reference, {minor}, 0, {minor}, stale, edited,
               'credit_note', '{of}', '', '' FROM invoices WHERE state = 'draft'"
        ),
        format!(
            "INSERT INTO invoice_taxes SELECT company_id, '{id}', position, category, rate, name, note, {minor}, 0 FROM invoice_taxes
               WHERE invoice_id = '{}'",
            invoice_id(1)
        ),
        format!(
            "INSERT INTO invoice_lines SELECT company_id, '{id}', position, kind, contract_id, item_id, source_key, description, quantity,
               unit, unit_price, period_start, period_end, days, of_days, tax_code, tax_category, tax_rate, {minor}, {minor}, 1, ''
               FROM invoice_lines WHERE invoice_id = '{}' AND position = 1",
            invoice_id(1)
        ),
    ];
    all.extend(entry);
    all
}

/// What is done to sound books, and the findings that must come of it: (rule, subject's second part).
type Break = (Vec<String>, Vec<(&'static str, String)>);

fn ways_to_break() -> Vec<Break> {
    let (draft, issued) = (invoice_id(1).to_string(), invoice_id(2).to_string());
    let ghost = invoice_id(9).to_string();
    let given = |id: &str| {
        vec![
            format!("INSERT INTO document_numbers VALUES ('s', 2026, 2, 'a', '{id}')"),
            "UPDATE series_counters SET next_seq = 3".to_owned(),
        ]
    };
    let one = |sql: String| vec![sql];
    let noted = invoice_id(5).to_string();
    vec![
        (
            one(format!("UPDATE invoice_taxes SET net_minor = 999 WHERE invoice_id = '{draft}'")),
            vec![("invoice_taxes", draft.clone())],
        ),
        (
            one(format!("UPDATE invoice_taxes SET tax_minor = 1 WHERE invoice_id = '{draft}'")),
            vec![("invoice_taxes", draft.clone())],
        ),
        (
            one(format!("UPDATE invoice_lines SET net_minor = 401 WHERE invoice_id = '{draft}' AND position = 1")),
            vec![("invoice_lines", draft.clone())],
        ),
        (one(format!("DELETE FROM invoice_lines WHERE invoice_id = '{draft}'")), vec![("invoice_lines", draft.clone())]),
        (
            one(format!("UPDATE invoices SET number = 'N-2' WHERE invoice_id = '{draft}'")),
            vec![("invoice_number", draft.clone())],
        ),
        (
            one(format!("UPDATE invoices SET number = 'N-1' WHERE invoice_id = '{draft}'")),
            vec![("invoice_number", draft.clone()), ("number_twice", "N-1".to_owned())],
        ),
        (
            one(format!("INSERT INTO invoice_documents VALUES ('a', '{draft}', 'ab', 'x')")),
            vec![("invoice_number", draft.clone())],
        ),
        // Issued past finops: no number, no document, nothing from the series.
        (
            one(format!("UPDATE invoices SET state = 'open' WHERE invoice_id = '{draft}'")),
            vec![("invoice_number", draft.clone()), ("numbers_given", draft.clone())],
        ),
        (one("UPDATE series_counters SET next_seq = 3".to_owned()), vec![("series_gap", "2026".to_owned())]),
        (given(&ghost), vec![("number_owner", ghost)]),
        (given(&draft), vec![("number_owner", draft.clone())]),
        (given(&issued), vec![("numbers_given", issued.clone())]),
        (one("UPDATE payment_allocations SET amount_minor = 501".to_owned()), vec![("payment_settles", "r".to_owned())]),
        (
            vec![
                "UPDATE payments SET amount_minor = 5000".to_owned(),
                "UPDATE payment_allocations SET amount_minor = 1001".to_owned(),
            ],
            vec![("invoice_balance", issued.clone())],
        ),
        (
            one(format!("UPDATE invoices SET state = 'paid' WHERE invoice_id = '{issued}'")),
            vec![("invoice_balance", issued.clone())],
        ),
        (
            one(format!("UPDATE invoices SET state = 'void' WHERE invoice_id = '{issued}'")),
            vec![("invoice_closing", issued.clone())],
        ),
        // Paid by credit that the company does not have.
        (
            one(format!("INSERT INTO credit_entries VALUES ('a', 'x', 's', 'EUR', -600, '', '2026-10-31', '{issued}')")),
            vec![("invoice_balance", issued.clone()), ("credit_below_zero", "s".to_owned())],
        ),
        (one(format!("INSERT INTO credit_entries VALUES ('a', 'x', 's', 'EUR', 600, '', '2026-10-31', '{issued}')")), vec![]),
        // A credit note of 10.00 that gave the company nothing, then 9.00; of a draft; of more than was billed.
        (note(&issued, 1000, None), vec![("credit_note", noted.clone())]),
        (note(&issued, 1000, Some(900)), vec![("credit_note", noted.clone())]),
        (note(&issued, 1000, Some(1000)), vec![]),
        (note(&draft, 1000, Some(1000)), vec![("credit_note", noted.clone())]),
        (note(&issued, 1001, Some(1001)), vec![("credited_beyond", issued.clone())]),
        (
            [note(&issued, 1000, Some(1000)), vec![format!("UPDATE invoice_taxes SET rate = '7' WHERE invoice_id = '{noted}'")]]
                .concat(),
            vec![("credited_beyond", issued.clone())],
        ),
        (one("DELETE FROM billing_schedule".to_owned()), vec![("schedule_missing", "c".to_owned())]),
        (one("UPDATE billable_items SET invoice_id = 'gone'".to_owned()), vec![("item_taken", "k".to_owned())]),
    ]
}

#[test]
fn each_broken_rule_is_found_and_named() {
    each_engine(|db| {
        prepare(db);
        let found = |db: &TestDb| -> Vec<(&'static str, String)> {
            let findings = read(&mut db.open(), findings);
            assert!(findings.iter().all(|f| !f.message.is_empty() && ["a", "s", "seller"].contains(&f.subject.0.as_str())));
            findings.into_iter().map(|f| (f.rule, f.subject.1)).collect()
        };
        assert_eq!(found(db), [], "sound books");
        for (statements, expected) in ways_to_break() {
            let broken = db.copy();
            for statement in &statements {
                broken.execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
            assert_eq!(found(&broken), expected, "{statements:?}");
        }
    });
}

#[test]
fn at_most_a_hundred_of_a_rule_are_told() {
    each_engine(|db| {
        let mut conn = db.open();
        let ids: Vec<String> = (0..120).map(|n| format!("c{n:03}")).collect();
        seed(&mut conn, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        let found = read(&mut conn, findings);
        assert_eq!(found.len(), 100);
        assert!(found.iter().zip(&ids).all(|(f, id)| f.rule == "schedule_missing" && f.subject.0 == *id), "the first ones");
    });
}

#[test]
fn documents_contracts_and_counts_are_read() {
    each_engine(|db| {
        prepare(db);
        let mut conn = db.open();
        let page = read(&mut conn, |tx| pages(tx, ("", ""), 9));
        let [issued] = page.as_slice() else { panic!("{page:?}") };
        assert_eq!((issued.company_id.as_str(), &issued.invoice_id), ("a", &invoice_id(2)));
        assert_eq!((issued.content.as_str(), issued.sha256.as_str(), issued.number.as_str()), ("{}", "ab", "N-1"));
        assert_eq!(issued.total_minor, 1000);
        assert!(read(&mut conn, |tx| pages(tx, ("a", invoice_id(2).as_str()), 9)).is_empty(), "after the last");

        seed(&mut conn, &["A", "b"]);
        let mut seen = Vec::new();
        let mut after = (String::new(), String::new());
        while let Some((company, contract)) = read(&mut conn, |tx| contract_keys(tx, (&after.0, &after.1), 1)).pop() {
            after = (company.to_string(), contract.to_string());
            seen.push(after.clone());
        }
        assert_eq!(seen, ["A", "a", "b"].map(|company| (company.to_owned(), "c".to_owned())));
        let counts = read(&mut conn, row_counts);
        for (table, rows) in counts {
            assert_eq!(rows.to_string(), db.value(&format!("SELECT COUNT(*) FROM {table}")), "{table}");
        }
    });
}
