//! Import as users meet it: a corpus of files as spreadsheets write them, good and bad, each with
//! what finops must say about it; the templates; the bundled examples.
//!
//! `tests/import_corpus/KIND.CASE.csv` (or `.jsonl`) is told in `KIND.CASE.txt`: the line and key of each good
//! row, and each problem. After a wanted change: copy the file that the failing test names.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use finops::import::{ContractItemRow, Kind, Located, Options, Problems, Reader, Row, RowError, encoding};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All good rows, and all that is wrong, as text.
fn read(kind: Kind, file: &str, bytes: &[u8], options: &Options) -> (Vec<Located<Row>>, String) {
    let mut rows = Vec::new();
    let mut problems = Problems::default();
    let error = match Reader::new(kind, file, bytes, options) {
        Err(error) => Some(error),
        Ok(reader) => {
            for row in reader {
                match row {
                    Ok(row) => rows.push(row),
                    Err(RowError::Problems(found)) => problems.extend(found.problems),
                    Err(RowError::Io(error)) => panic!("{file}: {error}"),
                }
            }
            problems.into_error()
        }
    };
    let told = error.map_or(String::new(), |e| {
        e.problems.iter().fold(format!("{e}\n"), |mut text, problem| {
            writeln!(text, "{problem}").unwrap();
            text
        })
    });
    (rows, told)
}

fn outline(row: &Row) -> String {
    match row {
        Row::Seller(r) => format!("{} {:?} series {}", r.seller.seller_id, r.seller.name, r.seller.series_id),
        Row::TaxRate(r) => format!("{} {} {} {}", r.seller_id, r.tax_code, r.category, r.rate),
        Row::Company(r) => format!("{} {:?} {:?} {}", r.company_id, r.name, r.address.line1, r.address.country),
        Row::Contact(r) => format!("{} {:?} {:?} {:?} [{}]", r.contact_id, r.name, r.email, r.phone, r.roles_text()),
        Row::Contract(r) => format!("{} {} {} {:?} {:?}", r.company_id, r.contract_id, r.start, r.interval, r.end),
        Row::ContractItem(row) => {
            let ContractItemRow { item_id, valid_from, quantity, unit_price, .. } = &**row;
            format!("{item_id} {valid_from:?} {quantity} × {unit_price}")
        }
        Row::PriceTier(r) => format!("{} {:?} {:?}", r.item_id, r.valid_from, r.tier),
        Row::Plan(r) => format!("{} {} {:?} {}", r.plan_id, r.valid_from, r.name, r.currency),
        Row::PlanItem(r) => format!("{}/{} {} {} × {}", r.plan_id, r.item_id, r.price_model, r.quantity, r.unit_price),
        Row::PlanTier(r) => format!("{}/{} {:?}", r.plan_id, r.item_id, r.tier),
        Row::ContractPlan(r) => format!("{} {:?} {:?} {:?}", r.contract_id, r.valid_from, r.plan_id, r.version),
        Row::ContractPause(r) => format!("{} {} {:?}", r.contract_id, r.from, r.until),
        Row::Discount(r) => format!("{} {:?} {:?} for {:?}", r.discount_id, r.item_id, r.off, r.periods),
        Row::Usage(r) => format!("{} {} {} {}", r.usage_key, r.meter, r.used_on, r.quantity),
        Row::BillableItem(r) => format!("{} {} {} × {} {}", r.source_key, r.dated, r.quantity, r.unit_price, r.tax_inclusive),
        Row::OpeningInvoice(r) => format!("{} {} {}..{}", r.number, r.amount, r.issued_on, r.due_on),
        Row::OpeningCredit(r) => format!("{} {} {}", r.reference, r.amount, r.dated),
        Row::Payment(r) => format!("{} {} {}", r.invoice, r.payment.amount, r.payment.provider),
    }
}

fn check(expected: &Path, found: &str) {
    if std::fs::read_to_string(expected).ok().as_deref() != Some(found) {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(expected.file_name().unwrap());
        std::fs::write(&copy, found).unwrap();
        panic!("{} differs from {}:\n{found}", expected.display(), copy.display());
    }
}

#[test]
fn corpus() {
    let folder = root().join("tests/import_corpus");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "csv" || e == "jsonl"));
    files.sort();
    assert!(files.len() >= 20, "the corpus is here");
    let mut failures = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let kind: Kind = name.split('.').next().unwrap().parse().unwrap();
        let (rows, told) = read(kind, name, &std::fs::read(&path).unwrap(), &Options::default());
        let mut found = String::new();
        for row in &rows {
            writeln!(found, "row {}: {}", row.source.line(), outline(&row.value)).unwrap();
        }
        found.push_str(&told);
        if let Err(panic) = std::panic::catch_unwind(|| check(&path.with_extension("txt"), &found)) {
            failures.push(panic.downcast::<String>().unwrap());
        }
    }
    assert!(failures.is_empty(), "{} files", failures.len());
}

#[test]
fn templates_read_themselves() {
    for kind in Kind::ALL {
        let (rows, told) = read(*kind, &kind.file_name(), kind.template().as_bytes(), &Options::default());
        assert_eq!((rows.len(), told.as_str()), (1, ""), "{kind}");
        let (lines, told) = read(*kind, "t.jsonl", kind.json_template().as_bytes(), &Options::default());
        assert_eq!((lines.len(), told.as_str()), (1, ""), "{kind}");
        assert_eq!(lines[0].value, rows[0].value, "in either format the same");
    }
}

#[test]
fn a_cell_of_blanks_is_empty_and_loses_no_row() {
    let bytes = b"seller_id,tax_code,valid_from,category,rate,name,note\ns,e,2015-01-01,E,  ,Exempt,vocational training\n";
    let (rows, told) = read(Kind::TaxRates, "f", bytes, &Options::default());
    assert_eq!((rows.len(), told.as_str()), (1, ""));
}

#[test]
fn an_encoding_can_be_named() {
    let bytes = std::fs::read(root().join("tests/import_corpus/companies.latin1.csv")).unwrap();
    let options = Options { encoding: encoding("windows-1252").unwrap(), ..Options::default() };
    let (rows, told) = read(Kind::Companies, "companies.csv", &bytes, &options);
    assert_eq!(told, "");
    assert!(matches!(&rows[0].value, Row::Company(c) if c.name == "Müller" && c.address.city == "Köln"));
    assert!(encoding("latin-99").is_err());
}

#[test]
fn columns_may_be_freed_to_hold_long_numbers() {
    let bytes = b"company_id,name,reference,country\nC-1,A,4242424242424242,DE\n";
    assert!(read(Kind::Companies, "f", bytes, &Options::default()).1.contains("--allow-numbers reference"));
    assert!(!read(Kind::Companies, "f", bytes, &Options::default()).1.contains("4242424242424242"), "never repeated");
    let options = Options { allow_numbers: vec!["reference".into()], ..Options::default() };
    assert_eq!(read(Kind::Companies, "f", bytes, &options).0.len(), 1);
}

#[test]
fn what_is_found_later_still_has_its_place() {
    let bytes = b"name,company_id,country\nA,C-1,DE\n\"B\n\",C-2,DE\n";
    let (rows, _) = read(Kind::Companies, "c.csv", bytes, &Options::default());
    let problem = rows[1].source.problem("country", "DE", "no");
    assert_eq!(problem.to_string(), "c.csv:4:7: country \"DE\": no");
}

#[test]
fn thousands_of_mistakes_are_counted_not_told() {
    let mut text = String::from("company_id,name,country\n");
    for i in 0..5000 {
        writeln!(text, "C-{i},,DE").unwrap();
    }
    let (_, told) = read(Kind::Companies, "c.csv", text.as_bytes(), &Options::default());
    assert!(told.starts_with("5000 mistakes found, of which the first 200 are shown"), "{}", &told[..80]);
    assert_eq!(told.lines().count(), 201);
}

/// Far apart in a long file: their keys are compared at the end of it.
#[test]
fn the_same_row_twice_is_told_however_far_apart() {
    let mut text = String::from("country,company_id,name\n");
    for row in (0..120_000).chain([119_999, 0, 7]) {
        writeln!(text, "DE,c-{row},C").unwrap();
    }
    let (rows, told) = read(Kind::Companies, "c.csv", text.as_bytes(), &Options::default());
    assert_eq!(rows.len(), 120_002, "all but the one that is told as it is met");
    let expected = [
        "3 mistakes found; nothing was imported",
        "c.csv:120002:4: company_id \"c-119999\": line 120001 has the same company_id",
        "c.csv:120003:4: company_id: line 2 has the same company_id",
        "c.csv:120004:4: company_id: line 9 has the same company_id",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn columns_are_documented() {
    let mut text = String::from(
        "# Columns of the files\n\n`finops import --template KIND` prints a header and a sample row; with `--format jsonl` the same \
         as JSON lines: one flat object a line, the columns as its keys. Columns may stand in any order; those that are not required may be left out: a row that stands already then keeps what it has, and a new one gets \
         the default. An empty cell (or null) resets its value to the default. Dates are written 2026-10-31, numbers 1234.50, truth yes or \
         no.\n",
    );
    for kind in Kind::ALL {
        write!(text, "\n{}", kind.reference()).unwrap();
    }
    check(&root().join("examples/COLUMNS.md"), &text);
}

#[test]
fn examples_are_good() {
    for kind in Kind::ALL {
        let path = root().join("examples/data").join(kind.file_name());
        // Numbers are not known before invoices are issued, and the example begins with nothing open.
        if matches!(kind, Kind::Payments | Kind::OpeningInvoices | Kind::OpeningCredits) {
            assert!(!path.exists());
            continue;
        }
        let (rows, told) = read(*kind, &kind.file_name(), &std::fs::read(&path).unwrap(), &Options::default());
        assert_eq!(told, "");
        assert!(rows.len() >= 2, "{kind}");
        for row in rows {
            if let Row::Seller(seller) = row.value
                && let Some(logo) = seller.logo
            {
                assert!(path.with_file_name(logo).exists());
            }
        }
    }
}
