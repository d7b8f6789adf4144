//! Three sellers in one database, each with its series, bank, logo, language, zone and currency.

use crate::database::{TestDb, each_engine};
use crate::firm::Firm;
use finops::import::Kind;
use finops::model::document::Document;
use finops::operations::credit_notes::Request;

const SELLERS: &str = "seller_id,name,country,time_zone,language,payment_terms_days,series_id,number_format,credit_series_id,credit_number_format,tax_code,iban,account
de,Muster GmbH,DE,Europe/Berlin,de,14,,RE-{year}-{seq:04},,GS-{year}-{seq:04},standard,DE89370400440532013000,
jp,Muster KK,JP,Asia/Tokyo,fr,30,tokyo,JP{seq},tokyo,JP{seq},standard,,Example Bank 0000000
us,Muster Inc,US,Pacific/Pago_Pago,en-US,7,,,,,none,,Routing 000000000
";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name,note
de,standard,2021-01-01,S,19,USt 19 %,\njp,standard,2019-10-01,S,10,JCT 10 %,\nus,none,2020-01-01,O,0,No tax,Not subject to VAT\n";
const COMPANIES: &str = "company_id,name,country,language\nacme,Acme,DE,\nfr,Fleur,FR,fr\n";
const CONTRACTS: &str = "company_id,contract_id,seller_id,currency,cadence,timing,start
acme,a,de,EUR,monthly,advance,2026-10-31\nacme,b,jp,JPY,monthly,advance,2026-11-01\nacme,c,us,USD,monthly,advance,2026-10-31
fr,d,de,EUR,monthly,advance,2026-10-31\n";
const ITEMS: &str = "company_id,contract_id,item_id,description,quantity,unit_price
acme,a,x,Service,1,100.00\nacme,b,x,Service,1,10001\nacme,c,x,Service,1,99.99\nfr,d,x,Service,1,100.00\n";

/// At an instant when it is November in Tokyo already, and still the 31st in Berlin and Pago Pago.
fn firm(db: &TestDb) -> Firm {
    let files = [
        (Kind::Sellers, SELLERS),
        (Kind::TaxRates, RATES),
        (Kind::Companies, COMPANIES),
        (Kind::Contracts, CONTRACTS),
        (Kind::ContractItems, ITEMS),
    ];
    Firm::new(db, "2026-10-31T16:00:00Z", &files)
}

fn document(db: &TestDb, number: &str) -> Document {
    let sql = format!(
        "SELECT d.content FROM invoice_documents d JOIN invoices i ON i.company_id = d.company_id AND i.invoice_id = d.invoice_id
         WHERE i.number = '{number}'"
    );
    serde_json::from_str(&db.value(&sql)).unwrap()
}

/// What tells them apart: language, issue date, due date, total with currency, bank.
fn told(d: &Document) -> String {
    format!("{} {} {} {} {} {}{}", d.language, d.issued_on, d.due_on, d.total, d.currency, d.bank.iban, d.bank.account)
}

#[test]
fn each_bills_by_its_own_day_series_currency_language_and_bank() {
    each_engine(|db| {
        let mut firm = firm(db);
        assert_eq!(firm.bill(), (4, 4));
        for (number, expected) in [
            ("RE-2026-0001", "de 2026-10-31 2026-11-14 119.00 EUR DE89370400440532013000"),
            ("RE-2026-0002", "fr 2026-10-31 2026-11-14 119.00 EUR DE89370400440532013000"),
            ("JP1", "fr 2026-11-01 2026-12-01 11001 JPY Example Bank 0000000"),
            ("INV-2026-000001", "en-US 2026-10-31 2026-11-07 99.99 USD Routing 000000000"),
        ] {
            assert_eq!(told(&document(db, number)), expected, "{number}");
        }
        firm.is_sound();
    });
}

#[test]
fn credit_notes_have_the_series_of_their_seller_and_credit_stays_with_it() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.bill();
        let mut credited = Vec::new();
        for number in ["RE-2026-0001", "JP1", "INV-2026-000001"] {
            let total = firm.invoice(number).total.minor();
            firm.pay(number, total, number);
            let made = firm.credit(number, &Request::default()).unwrap();
            credited.push(made.note.head.number.unwrap());
        }
        // Tokyo draws both from one series.
        assert_eq!(credited, ["GS-2026-0001", "JP2", "CN-2026-000001"]);
        assert_eq!(told(&document(db, "JP2")), "fr 2026-11-01 2026-11-01 11001 JPY Example Bank 0000000");
        assert_eq!(document(db, "GS-2026-0001").corrects.unwrap().number, "RE-2026-0001");
        assert_eq!(firm.credit_of("acme"), ["de 119.00 EUR", "jp 11001 JPY", "us 99.99 USD"]);

        // A month later each seller's invoice uses its own.
        firm.at = "2026-11-30T16:00:00Z".to_owned();
        assert_eq!(firm.bill(), (4, 4));
        assert_eq!(
            ["RE-2026-0003", "JP3", "INV-2026-000002"].map(|number| firm.stands(number)),
            ["0.00 paid", "0 paid", "0.00 paid"]
        );
        assert!(firm.credit_of("acme").is_empty());
        assert_eq!(firm.stands("RE-2026-0004"), "119.00 open");
        firm.is_sound();
    });
}

#[test]
fn a_series_that_would_give_numbers_twice_is_refused_when_it_is_imported() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.bill();
        firm.credit("RE-2026-0001", &Request::default()).unwrap();
        let told = |firm: &mut Firm, from: &str, to: &str| {
            assert!(SELLERS.contains(from), "{from}");
            let error = firm.import(&[(Kind::Sellers, &SELLERS.replace(from, to))]).expect_err("it is refused");
            error.problems.iter().map(|p| format!("{}: {}\n", p.field, p.reason)).collect::<String>()
        };
        let said = told(&mut firm, "14,,RE", "14,new,RE");
        assert!(said.contains("series_id: seller de has given RE-2026-0001 already, and series \"new\""), "{said}");
        let said = told(&mut firm, ",,GS", ",notes,GS");
        assert!(said.contains("credit_series_id: seller de has given GS-2026-0001 already, and series \"notes\""), "{said}");
        let said = told(&mut firm, "GS-{year}", "RE-{year}");
        assert!(said.contains("credit_number_format: invoices and credit notes of two series"), "{said}");
        let said = told(&mut firm, ",,GS-{year}-{seq:04}", ",tokyo,JP{seq}");
        assert!(said.contains("time_zone: seller jp draws from series \"tokyo\" too"), "{said}");
        let said = told(&mut firm, "GS-{year}-{seq:04}", "GS-{year}");
        assert!(said.contains("credit_number_format: ") && said.contains("{seq}"), "{said}");
        // A new series with a format of its own is in order, and begins at 1.
        firm.import(&[(Kind::Sellers, &SELLERS.replace("14,,RE", "14,new,NR"))]).unwrap();
        firm.at = "2026-11-30T16:00:00Z".to_owned();
        firm.bill();
        assert_eq!(firm.stands("NR-2026-0001"), "119.00 open");
        firm.is_sound();
    });
}
