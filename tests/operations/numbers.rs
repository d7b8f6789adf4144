//! No number is given twice, where invoices of the system before have numbers of their own: on both engines.

use crate::database::{TestDb, each_engine};
use crate::firm::Firm;
use finops::import::Kind;
use finops::operations::reconcile;

const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name
de,standard,2021-01-01,S,19,VAT 19 %
at,standard,2021-01-01,S,20,VAT 20 %
";
const OPENING: &str = "company_id,number,seller_id,currency,amount,issued_on,due_on\n";
const AT: &str = "2026-11-02T10:00:00Z";

fn sellers(format: &str) -> String {
    let columns = "seller_id,name,country,time_zone,tax_code,number_format";
    let row = |seller: &str, format: &str| format!("{seller},{seller} GmbH,DE,Europe/Berlin,standard,{format}\n");
    format!("{columns}\n{}{}", row("de", format), row("at", "INV-{year}-{seq:06}"))
}

/// Twelve companies with something to bill by `de`, and one with something by `at`.
fn firm(db: &TestDb, format: &str) -> Firm {
    let (mut companies, mut items) = ("company_id,name,country\n".to_owned(), String::new());
    for n in 1..=13 {
        let seller = if n == 13 { "at" } else { "de" };
        companies.push_str(&format!("c{n:02},Company {n},DE\n"));
        items.push_str(&format!("c{n:02},ticket,{seller},EUR,2026-10-05,Work,95\n"));
    }
    let items = format!("company_id,source_key,seller_id,currency,dated,description,unit_price\n{items}");
    let files = [
        (Kind::Sellers, &*sellers(format)),
        (Kind::TaxRates, RATES),
        (Kind::Companies, &companies),
        (Kind::BillableItems, &items),
    ];
    Firm::new(db, AT, &files)
}

fn opening(number: &str) -> String {
    format!("{OPENING}c01,{number},de,EUR,119.00,2026-10-01,2026-10-15\n")
}

/// `finops db reconcile --given de=NUMBER --accept`: the numbers that are passed over.
fn reconcile(firm: &mut Firm, number: &str) -> Vec<(u64, u64)> {
    let ctx = firm.context();
    let outside = reconcile::look(&ctx, &mut firm.db, &[("de".parse().unwrap(), number.to_owned())]).unwrap();
    let passed_over = reconcile::accept(&ctx, &mut firm.db, &outside).unwrap();
    passed_over.into_iter().map(|over| (over.from, over.to)).collect()
}

fn numbers(db: &TestDb, seller: &str) -> Vec<String> {
    let sql = format!("SELECT number FROM invoices WHERE seller_id = '{seller}' AND state <> 'draft' ORDER BY number");
    db.rows(&sql).into_iter().flatten().collect()
}

/// The seller's format came to be that of the system before: wherever in the block the number lies, it is seen.
#[test]
fn a_number_that_was_taken_over_is_not_given_again() {
    const YEARLY: &str = "INV-{year}-{seq:06}";
    for (format, taken_over, last) in [
        (YEARLY, "INV-2026-000003", "INV-2026-000015"),
        (YEARLY, "INV-2026-000012", "INV-2026-000024"),
        ("R{seq}", "R9", "R21"),
        ("R{seq}", "R10", "R22"),
    ] {
        each_engine(|db| {
            let mut firm = firm(db, "OLD-{seq}");
            firm.import(&[(Kind::OpeningInvoices, &opening(taken_over))]).unwrap();
            firm.import(&[(Kind::Sellers, &sellers(format))]).unwrap();
            assert_eq!(firm.generate(), 13);
            let issued = firm.try_issue();
            assert_eq!((issued.done, issued.failed), (1, 12), "{taken_over}: of the other seller");
            assert_eq!(numbers(db, "de"), [taken_over], "none is given beside it");
            let told = db.rows("SELECT DISTINCT class, message FROM run_items WHERE job = 'invoices.issue'");
            let [told] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!(told[0], "number_given");
            assert!(told[1].contains(&format!("seller de has an invoice {taken_over} already")), "{told:?}");

            assert_eq!(reconcile(&mut firm, taken_over).len(), 1, "as the hint says");
            assert_eq!(reconcile(&mut firm, taken_over), [], "once");
            let issued = firm.try_issue();
            let left = db.rows("SELECT class, message FROM run_items");
            assert_eq!((issued.done, issued.failed), (12, 0), "{taken_over}: {left:?}");
            let given = numbers(db, "de");
            assert!(given.len() == 13 && given.iter().any(|number| number == last), "{given:?}");
            assert_eq!(given.iter().filter(|number| *number == taken_over).count(), 1);
            firm.is_sound();
        });
    }
}

/// In a fresh database: the sellers, then the last number of the system before, then what is open of it.
#[test]
fn a_number_that_would_be_given_is_not_taken_over() {
    each_engine(|db| {
        let mut firm = firm(db, "INV-{year}-{seq:06}");
        for number in ["INV-2026-000042", "INV-2026-000001", "CN-2026-000001"] {
            let refused = firm.import(&[(Kind::OpeningInvoices, &opening(number))]).unwrap_err();
            let told = format!("finops db reconcile --given de={number} --accept");
            assert!(refused.problems[0].reason.contains(&told), "{number}: {:?}", refused.problems);
        }
        // Of a year that is over, and what no series here makes.
        for number in ["INV-2025-000042", "INV-2026-42", "2026-000042"] {
            firm.import(&[(Kind::OpeningInvoices, &opening(number))]).unwrap();
        }
        assert_eq!(reconcile(&mut firm, "INV-2026-000040"), [(1, 40)]);
        let refused = firm.import(&[(Kind::OpeningInvoices, &opening("INV-2026-000042"))]).unwrap_err();
        assert!(refused.problems[0].reason.contains("de=INV-2026-000042"), "{:?}", refused.problems);
        assert_eq!(reconcile(&mut firm, "INV-2026-000042"), [(41, 42)]);
        for number in ["INV-2026-000042", "INV-2026-000001"] {
            firm.import(&[(Kind::OpeningInvoices, &opening(number))]).unwrap();
        }
        assert_eq!(firm.bill(), (13, 13));
        let given = numbers(db, "de");
        assert_eq!(given.first().map(String::as_str), Some("2026-000042"));
        assert_eq!(given[given.len() - 2..], ["INV-2026-000054", "INV-2026-42"]);
        firm.is_sound();
    });
}
