//! Books that are under way, moved by export and import: nothing is lost, and nothing is billed twice.

use crate::database::{TestDb, each_engine};
use crate::export::{export_all, import};
use crate::firm::Firm;
use finops::error::Error;
use finops::import::{Format, Kind};
use finops::operations::export::{self, Way};
use finops::operations::invoices::{uncollectible, void};
use std::path::Path;

const SELLERS: &str = "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %\n";
const COMPANIES: &str = "company_id,name,country\nacme,Acme,DE\nbeta,Beta,DE\nvoid,Void,DE\n";
const ITEMS: &str = "company_id,source_key,seller_id,currency,dated,description,unit_price
acme,billed,de,EUR,2026-10-05,Work,95
beta,billed,de,EUR,2026-10-05,Work,95
void,billed,de,EUR,2026-10-05,Work,95
";
const OPENINGS: &str = "company_id,number,seller_id,currency,amount,issued_on,due_on
acme,OLD-1,de,EUR,119.00,2026-09-01,2026-09-15
acme,OLD-2,de,EUR,50.00,2026-09-01,2026-09-15
acme,OLD-3,de,EUR,80.00,2026-09-01,2026-09-15
acme,OLD-4,de,EUR,30.00,2026-09-01,2026-09-15
";

fn firm(db: &TestDb) -> Firm {
    let files = [
        (Kind::Sellers, SELLERS),
        (Kind::TaxRates, RATES),
        (Kind::Companies, COMPANIES),
        (Kind::BillableItems, ITEMS),
        (Kind::OpeningInvoices, OPENINGS),
    ];
    Firm::new(db, "2026-11-02T10:00:00Z", &files)
}

fn files(folder: &Path) -> Vec<(Kind, finops::operations::import::Input)> {
    let input = |kind: &Kind| finops::operations::import::Input::Path(folder.join(kind.file_name()));
    Kind::ALL.iter().map(|kind| (*kind, input(kind))).collect()
}

/// One that was written off came with what was paid of it, and is open until somebody writes it off there, too.
#[test]
fn an_opening_invoice_that_was_written_off_is_moved_with_its_payments() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.pay("OLD-2", 5_000, "p2");
        firm.pay("OLD-3", 1_000, "p3");
        for (number, end) in [("OLD-3", true), ("OLD-4", false)] {
            let invoice = firm.invoice(number);
            firm.by_hand(|tx, ctx| {
                if end {
                    uncollectible(tx, ctx, &invoice, "insolvent").map(drop)
                } else {
                    void(tx, ctx, &invoice, "wrong").map(drop)
                }
            })
            .unwrap();
        }
        // Nothing of a void one goes along, nor what came on it.
        firm.try_pay("OLD-4", 3_000, "p4", true).unwrap();
        firm.is_sound();
        let folder = tempfile::tempdir().unwrap();
        export_all(db, folder.path(), Format::Csv);
        for target in TestDb::each_with_schema() {
            import(&target, &files(folder.path()));
            let standing = target.rows("SELECT number, state FROM invoices ORDER BY number");
            assert_eq!(standing, [["OLD-1", "open"], ["OLD-2", "paid"], ["OLD-3", "open"]]);
            let paid = target.rows("SELECT reference, amount_minor FROM payments ORDER BY reference");
            assert_eq!(paid, [["p2", "5000"], ["p3", "1000"]]);
            assert_eq!(finops::operations::check::check(&mut target.open()).unwrap(), []);
        }
    });
}

fn exported_items(db: &TestDb, for_an_empty_database: bool) -> Vec<String> {
    let way = Way { keep_logo: None, for_an_empty_database };
    let mut keys = Vec::new();
    let each = &mut |row: finops::import::Row| {
        keys.push(row.cells()[..2].join(" "));
        Ok::<_, Error>(())
    };
    db.open().read(|tx| export::rows(tx, Kind::BillableItems, way, each)).unwrap();
    keys
}

/// An item goes along while the next run would bill it; alone, the kind has all, to be corrected and given back.
#[test]
fn an_item_that_is_billed_is_not_moved() {
    each_engine(|db| {
        let mut firm = firm(db);
        assert_eq!(firm.bill(), (3, 3));
        let voided = firm.invoice(&db.value("SELECT number FROM invoices WHERE company_id = 'void'"));
        firm.by_hand(|tx, ctx| void(tx, ctx, &voided, "wrong")).unwrap();
        let more = format!("{}acme,draft,de,EUR,2026-10-06,Work,95\n", ITEMS.split_inclusive('\n').next().unwrap());
        firm.import(&[(Kind::BillableItems, &more)]).unwrap();
        assert_eq!(firm.generate(), 1);
        firm.import(&[(Kind::BillableItems, &more.replace("acme,draft", "beta,open"))]).unwrap();

        let all = ["acme billed", "acme draft", "beta billed", "beta open", "void billed"];
        assert_eq!(exported_items(db, false), all);
        assert_eq!(exported_items(db, true), ["acme draft", "beta open"]);
        let folder = tempfile::tempdir().unwrap();
        export_all(db, folder.path(), Format::Csv);
        for target in TestDb::each_with_schema() {
            import(&target, &files(folder.path()));
            let items = target.rows("SELECT company_id, source_key FROM billable_items ORDER BY 1, 2");
            assert_eq!(items, [["acme", "draft"], ["beta", "open"]]);
        }
        // Back in the database that it came from, it changes nothing.
        let before = db.rows("SELECT company_id, source_key, invoice_id FROM billable_items ORDER BY 1, 2");
        import(db, &files(folder.path()));
        assert_eq!(db.rows("SELECT company_id, source_key, invoice_id FROM billable_items ORDER BY 1, 2"), before);
    });
}
