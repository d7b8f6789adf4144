//! What is exported and imported elsewhere is the same, on either engine, in either format.

use crate::database::{TestDb, books, each_engine};
use crate::support::{Books, author};
use finops::error::Error;
use finops::import::{Format, Kind, Options};
use finops::operations::export::{self, Logo, Way};
use finops::operations::import::{How, Input, import_files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Texts that a spreadsheet would calculate, or that break what is not quoted.
const AWKWARD: &str = "company_id,name,attention,address_line1,city,region,country,time_zone,language,payment_terms_days,consolidate,billing_day,reference
=1+1,+49 30,-x,@SUM(A1),'=1,''@,DE,Asia/Kolkata,de-AT,0,yes,31,-95.00
x,\"a, \"\"b\"\";\",\tc,,Łódź,'n Sync,PL,,,,no,1,漢字 🦀
";
const ITEM: &str = "company_id,source_key,seller_id,currency,dated,description,quantity,unit,unit_price,tax_inclusive,tax_code
x,=k,nordlicht,KWD,2026-10-01,\"two
lines\",0.0001,-h,-95.000125,yes,
";
const OPENINGS: &str = "company_id,number,seller_id,currency,amount,issued_on,due_on,reference
x,=2025-1,nordlicht,EUR,119.00,2025-12-01,2025-12-15,PO 1
x,2025-2,nordlicht,JPY,5000,2025-12-01,2025-12-01,
weber,2025-3,nordlicht,EUR,0.01,2026-01-01,2026-02-01,
";
const CREDITS: &str = "company_id,reference,seller_id,currency,amount,dated,reason
x,+1,nordlicht,EUR,20.00,2025-12-31,@home
";
const PAID: &str = "company_id,invoice,amount,currency,received_on,reference,provider
x,=2025-1,100.00,EUR,2026-01-05,-1,bank
weber,2025-3,0.02,EUR,2026-01-05,2,manual
";

/// The example business, with what stood open before it, and some awkward rows: some of every kind.
pub fn fill(db: &TestDb) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut files: Vec<(Kind, Input)> = Vec::new();
    for kind in Kind::ALL.iter().filter(|kind| examples.join(kind.file_name()).exists()) {
        files.push((*kind, Input::Path(examples.join(kind.file_name()))));
    }
    import(db, &files);
    for (kind, text) in [
        (Kind::Companies, AWKWARD),
        (Kind::BillableItems, ITEM),
        (Kind::OpeningInvoices, OPENINGS),
        (Kind::OpeningCredits, CREDITS),
        (Kind::Payments, PAID),
    ] {
        import(db, &[(kind, Input::Stdin(text.as_bytes().to_vec()))]);
    }
    let later = "company_id,contract_id,item_id,valid_from,description,unit_price\n";
    let version =
        db.rows("SELECT company_id, contract_id, item_id FROM contract_items ORDER BY 1, 2, 3 LIMIT 1").remove(0).join(",");
    import(db, &[(Kind::ContractItems, Input::Stdin(format!("{later}{version},2027-01-01,Dearer,1.23456\n").into_bytes()))]);
}

pub fn import(db: &TestDb, files: &[(Kind, Input)]) {
    let (options, author) = (Options::default(), author());
    let how =
        How { options: &options, author: &author, as_of: "2026-11-02T10:00:00Z".parse().unwrap(), ctx: None, dry_run: false };
    import_files(&mut db.open(), files, &how).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
}

/// Writes every kind into a folder; how many rows of each.
pub fn export_all(db: &TestDb, folder: &Path, format: Format) -> BTreeMap<Kind, usize> {
    let keep = |logo: &Logo| {
        std::fs::write(folder.join(&logo.file_name), &logo.content).unwrap();
        Ok(())
    };
    let way = Way { keep_logo: Some(&keep), for_an_empty_database: true };
    let write = |kind: Kind| {
        let mut text = format.head(kind);
        let mut count = 0;
        db.open()
            .read(|tx| {
                export::rows(tx, kind, way, &mut |row| {
                    assert_eq!((row.kind(), row.cells().len()), (kind, kind.columns().len()), "a cell for each column");
                    text.push_str(&format.line(&row));
                    count += 1;
                    Ok::<_, Error>(())
                })
            })
            .unwrap();
        std::fs::write(folder.join(kind.file_name_as(format)), text).unwrap();
        (kind, count)
    };
    Kind::ALL.iter().map(|kind| write(*kind)).collect()
}

/// All rows but those of the audit log, and without what counts how often something was changed.
fn rows(db: &TestDb) -> Vec<String> {
    let mut rows = books::raw(db);
    rows.retain(|row| !row.starts_with("audit_"));
    let counted = |row: String| match row.strip_prefix("billing_schedule: ") {
        Some(schedule) => schedule.rsplit_once(" | ").map(|(rest, _)| rest.to_owned()).unwrap_or(row),
        None => row,
    };
    rows.into_iter().map(counted).collect()
}

#[test]
fn what_is_exported_imports_as_the_same_rows_on_either_engine() {
    each_engine(|source| {
        fill(source);
        let before = rows(source);
        for format in Format::ALL {
            let folder = tempfile::tempdir().unwrap();
            let counts = export_all(source, folder.path(), *format);
            assert!(counts.values().all(|count| *count > 0), "there is something of every kind: {counts:?}");
            let files: Vec<(Kind, Input)> =
                Kind::ALL.iter().map(|kind| (*kind, Input::Path(folder.path().join(kind.file_name_as(*format))))).collect();
            for target in TestDb::each_with_schema() {
                import(&target, &files);
                similar(&rows(&target), &before);
                let again = tempfile::tempdir().unwrap();
                export_all(&target, again.path(), *format);
                for kind in Kind::ALL {
                    let file = |folder: &Path| -> PathBuf { folder.join(kind.file_name_as(*format)) };
                    let read = |folder: &Path| std::fs::read_to_string(file(folder)).unwrap();
                    assert_eq!(read(again.path()), read(folder.path()), "{kind}: byte for byte");
                }
            }
        }
    });
}

#[track_caller]
fn similar(found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn no_cell_of_an_export_is_a_formula() {
    let db = TestDb::each_with_schema().remove(0);
    fill(&db);
    let folder = tempfile::tempdir().unwrap();
    export_all(&db, folder.path(), Format::Csv);
    let mut guarded = 0;
    for kind in Kind::ALL {
        let mut reader = csv::Reader::from_path(folder.path().join(kind.file_name())).unwrap();
        for record in reader.records() {
            for cell in &record.unwrap() {
                let number = cell.parse::<rust_decimal::Decimal>().is_ok();
                assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{kind}: {cell}");
                guarded += usize::from(cell.starts_with('\''));
            }
        }
    }
    assert!(guarded >= 8, "{guarded}");
}

const COMPANY: &str = "company_id,number,seller_id,currency,amount,issued_on,due_on\n";

#[test]
fn an_opening_invoice_is_paid_and_takes_no_number_twice() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let file = format!("{COMPANY}acme,OLD-1,de,EUR,119.00,2025-12-01,2025-12-15\n");
        assert_eq!(books.counts(Kind::OpeningInvoices, &file), (1, 0, 0));
        assert_eq!(books.counts(Kind::OpeningInvoices, &file), (0, 0, 1), "taken over once");
        let paid = "company_id,invoice,amount,currency,received_on,reference\nacme,OLD-1,119.00,EUR,2026-01-02,b1\n";
        assert_eq!(books.counts(Kind::Payments, paid), (1, 0, 0));
        assert_eq!(books.counts(Kind::OpeningInvoices, &file), (0, 0, 1), "also once it is paid");
        assert_eq!(db.rows("SELECT state, number FROM invoices ORDER BY number"), [["paid", "OLD-1"]]);
        let noted =
            format!("{}acme,OLD-0,de,EUR,1.00,2025-12-01,2025-12-15,PO 7\n", COMPANY.replace("due_on", "due_on,reference"));
        assert_eq!(books.counts(Kind::OpeningInvoices, &noted), (1, 0, 0));
        let less = format!("{COMPANY}acme,OLD-0,de,EUR,1.00,2025-12-01,2025-12-15\n");
        assert_eq!(books.counts(Kind::OpeningInvoices, &less), (0, 0, 1), "a file without the column says nothing about it");
        assert_eq!(finops::operations::check::check(&mut db.open()).unwrap().len(), 0, "and all is in order");
        assert!(crate::database::audit::verify(db).contains_key("acme"));

        // A number that was given here, or one that two files claim.
        books.invoice("2026-01-01", "2026-02-01", finops::model::InvoiceState::Open);
        for (row, told) in [
            ("acme,R-1,de,EUR,1,2026-01-01,2026-01-01", "number: seller de has given this number already"),
            ("acme,OLD-1,de,EUR,120.00,2025-12-01,2025-12-15", "number: invoice OLD-1 was taken over with other content"),
            ("acme,OLD-2,de,EUR,1,2027-01-01,2027-01-01", "issued_on: this is in the future"),
            ("acme,OLD-2,de,EUR,1,2025-12-02,2025-12-01", "due_on: this is before issued_on"),
            ("acme,OLD-2,de,EUR,0,2025-12-02,2025-12-02", "amount: what is still to be paid is above 0"),
            ("nobody,OLD-2,de,EUR,1,2025-12-02,2025-12-02", "company_id: there is no such row"),
            ("acme,OLD-2,nobody,EUR,1,2025-12-02,2025-12-02", "seller_id: there is no such row"),
            ("acme,OLD-2,de,JPY,1.5,2025-12-02,2025-12-02", "amount: "),
        ] {
            let said = books.told(Kind::OpeningInvoices, &format!("{COMPANY}{row}\n"));
            assert!(said.starts_with(told), "{row}: {said}");
        }
    });
}

#[test]
fn opening_credit_is_taken_over_once() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let head = "company_id,reference,seller_id,currency,amount,dated\n";
        let file = format!("{head}acme,c1,de,EUR,20.00,2025-12-31\n");
        assert_eq!(books.counts(Kind::OpeningCredits, &file), (1, 0, 0));
        assert_eq!(books.counts(Kind::OpeningCredits, &file), (0, 0, 1));
        let why = "company_id,reference,seller_id,currency,amount,dated,reason\nacme,c2,de,EUR,1.00,2025-12-31,Overpaid\n";
        assert_eq!(books.counts(Kind::OpeningCredits, why), (1, 0, 0));
        assert_eq!(books.counts(Kind::OpeningCredits, &format!("{head}acme,c2,de,EUR,1.00,2025-12-31\n")), (0, 0, 1));
        assert_eq!(
            db.rows("SELECT entry_key, amount_minor FROM credit_entries ORDER BY 1"),
            [["opening:c1", "2000"], ["opening:c2", "100"]]
        );
        let said = books.told(Kind::OpeningCredits, &format!("{head}acme,c1,de,EUR,21.00,2025-12-31\n"));
        assert!(said.starts_with("reference: 20.00 EUR were taken over"), "{said}");
        let said = books.told(Kind::OpeningCredits, &format!("{head}acme,c3,de,EUR,-1,2025-12-31\n"));
        assert!(said.starts_with("amount: credit is above 0"), "{said}");
    });
}
