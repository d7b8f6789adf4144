//! Billable items between the jobs that bill them: each is billed once, whatever happens to the draft that has it.

use crate::database::each_engine;
use crate::firm::Firm;
use finops::import::Kind;
use finops::operations::invoices::delete_draft;

const SELLERS: &str = "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %\n";
const ITEMS: &str =
    "company_id,source_key,seller_id,currency,dated,description,unit_price\nacme,ticket:1,de,EUR,2026-10-05,Work,95\n";

fn company(billing_day: u8) -> String {
    format!("company_id,name,country,billing_day\nacme,Acme,DE,{billing_day}\n")
}

/// The billing day comes to be another while a draft has the item, and the draft goes: the item waits for the new one.
#[test]
fn an_item_of_a_draft_waits_for_a_new_billing_day() {
    for deleted in [false, true] {
        each_engine(|db| {
            let files =
                [(Kind::Sellers, SELLERS), (Kind::TaxRates, RATES), (Kind::Companies, &company(1)), (Kind::BillableItems, ITEMS)];
            let mut firm = Firm::new(db, "2026-11-01T10:00:00Z", &files);
            assert_eq!(firm.generate(), 1);
            firm.import(&[(Kind::Companies, &company(4))]).unwrap();
            if deleted {
                let draft = firm.invoice(&db.value("SELECT invoice_id FROM invoices"));
                firm.by_hand(|tx, ctx| delete_draft(tx, ctx, &draft)).unwrap();
            }
            for (at, drafts) in [("2026-11-01", "0"), ("2026-11-03", "0"), ("2026-11-04", "1"), ("2026-11-05", "1")] {
                firm.at = format!("{at}T11:00:00Z");
                firm.generate();
                assert_eq!(db.value("SELECT COUNT(*) FROM invoices"), drafts, "on {at}");
            }
        });
    }
}

/// However it came about that the day that is stored is not the rule's: the item is met, and billed when it is due.
#[test]
fn an_item_under_another_day_than_its_own_is_billed() {
    each_engine(|db| {
        let files =
            [(Kind::Sellers, SELLERS), (Kind::TaxRates, RATES), (Kind::Companies, &company(4)), (Kind::BillableItems, ITEMS)];
        let mut firm = Firm::new(db, "2026-11-03T10:00:00Z", &files);
        db.execute("UPDATE billable_items SET stand_alone_on = '2026-11-01'").unwrap();
        assert_eq!(firm.generate(), 0);
        firm.at = "2026-11-04T10:00:00Z".to_owned();
        assert_eq!(firm.generate(), 1);
    });
}
