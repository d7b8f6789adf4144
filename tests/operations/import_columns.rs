//! What a file has no column for stays as it stands; only an empty cell resets it.

use crate::database::each_engine;
use crate::support::{Books, COMPANIES, company, contract};
use finops::import::{Kind, Need};
use finops::store::{companies, contacts, contracts, sellers};

/// One row a kind, every column filled in, and none with what it would be by default.
const FULL: &[(Kind, &str)] = &[
    (
        Kind::Sellers,
        "seller_id,name,address_line1,address_line2,postal_code,city,region,country,tax_id,registration,email,phone,website,\
         bank_name,iban,bic,account,time_zone,language,payment_terms_days,series_id,number_format,credit_series_id,\
         credit_number_format,tax_code,logo,footer\n\
         de,Muster,Weg 1,Hof,10115,Berlin,BE,DE,DE000000000,HRB 1,a@example.com,+49 30 1,https://example.com,\
         Bank,DE89370400440532013000,COBADEFFXXX,ACC 1,Europe/Berlin,de,30,main,R-{seq},notes,C-{seq},standard,logo.png,Foot\n",
    ),
    (
        Kind::TaxRates,
        "seller_id,tax_code,valid_from,category,rate,name,note\nde,standard,2021-01-01,S,19,VAT,Why\n\
         de,exempt,2021-01-01,E,0,Exempt,§ 4 UStG\n",
    ),
    (Kind::Plans, "plan_id,valid_from,name,currency\nbasic,2026-01-01,Basic,EUR\n"),
    (
        Kind::PlanItems,
        "plan_id,version,item_id,description,price_model,quantity,unit,unit_price,tax_code,package_size,included,meter,minimum\n\
         basic,2026-01-01,calls,Calls,package,2,call,5,standard,3,2,api,7\n",
    ),
    (
        Kind::Companies,
        "company_id,name,attention,address_line1,address_line2,postal_code,city,region,country,tax_id,email,time_zone,language,\
         payment_terms_days,consolidate,billing_day,tax_code,reference,delivery,account_manager,reminder_policy\n\
         acme,Acme,Jo,Weg 2,Hof 2,10115,Berlin,BE,DE,DE000000001,b@example.com,Europe/Vienna,de-AT,7,yes,15,standard,PO 1,\
         none,c@example.com,strict\n",
    ),
    (
        Kind::Contacts,
        "company_id,contact_id,name,email,phone,roles,language,time_zone\n\
         acme,jo,Jo Muster,jo@example.com,+49 30 123456,technical management,fr,Europe/Paris\n",
    ),
    (
        Kind::Contracts,
        "company_id,contract_id,seller_id,currency,cadence,every,timing,anchor_day,start,end,bill_from,payment_terms_days,\
         tax_inclusive,description,reference,reminder_policy,trial_end\n\
         acme,care,de,EUR,monthly,2,advance,15,2026-01-01,2027-01-01,2026-03-15,21,yes,Care,PO 2,gentle,2026-02-15\n",
    ),
    (
        Kind::ContractItems,
        "company_id,contract_id,item_id,valid_from,end,description,price_model,quantity,unit,unit_price,tax_code,package_size,\
         included,meter,minimum\n\
         acme,care,seats,2026-02-01,2026-12-01,Seats,package,10,seat,5.00,standard,3,2,seats,7\n",
    ),
    (
        Kind::Discounts,
        "company_id,contract_id,discount_id,item_id,percent,amount,valid_from,periods,description\n\
         acme,care,off,seats,,5,2026-06-01,3,Off\n",
    ),
    (
        Kind::BillableItems,
        "company_id,source_key,seller_id,currency,dated,description,quantity,unit,unit_price,tax_inclusive,tax_code\n\
         acme,ticket:1,de,EUR,2026-01-05,Work,2,hour,95,yes,standard\n",
    ),
];

fn full_books(db: &crate::database::TestDb) -> Books {
    let mut books = Books::empty(db);
    books.write("logo.png", include_bytes!("../render/files/logo.png"));
    books.import(FULL).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
    books
}

/// The file without some of its columns.
fn without(text: &str, columns: &[&str]) -> String {
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let keep = |cells: Vec<&str>| {
        assert_eq!(cells.len(), header.len());
        let kept = cells.into_iter().zip(&header).filter(|(_, name)| !columns.contains(*name));
        kept.map(|(cell, _)| cell).collect::<Vec<_>>().join(",") + "\n"
    };
    text.lines().map(|line| keep(line.split(',').collect())).collect()
}

#[test]
fn a_column_that_is_left_out_changes_nothing() {
    each_engine(|db| {
        let mut books = full_books(db);
        for (kind, text) in FULL {
            let rows = text.lines().count() as u64 - 1;
            let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
            let columns = kind.columns();
            assert!(columns.iter().all(|c| names.contains(&c.name)), "{kind}: every column is tried");
            let optional: Vec<&str> = columns.iter().filter(|c| c.need != Need::Required).map(|c| c.name).collect();
            for column in &optional {
                assert_eq!(books.counts(*kind, &without(text, &[column])), (0, 0, rows), "{kind} without {column}");
            }
            assert_eq!(books.counts(*kind, &without(text, &optional)), (0, 0, rows), "{kind} with required columns alone");
        }
    });
}

#[test]
fn an_empty_cell_resets_and_a_new_row_gets_the_default() {
    each_engine(|db| {
        let mut books = full_books(db);
        let head = "company_id,name,country,email,consolidate\n";
        assert_eq!(books.counts(Kind::Companies, &format!("{head}acme,New name,DE,,\nbeta,Beta,AT,,\n")), (1, 1, 0));
        let stored = books.read(|tx| companies::by_ids(tx, &["acme", "beta"]));
        let [acme, beta] = &stored[..] else { panic!("{stored:?}") };
        assert_eq!((acme.name.as_str(), acme.email.as_str(), acme.consolidate), ("New name", "", false));
        assert_eq!((acme.billing_day, acme.address.line1.as_str(), acme.tax_code.is_some()), (15, "Weg 2", true));
        assert_eq!((beta.billing_day, beta.address.line1.as_str(), beta.payment_terms_days), (1, "", None));

        let short = "seller_id,name,country,time_zone,tax_code,logo\nde,Muster,DE,Europe/Berlin,standard,\n";
        assert_eq!(books.counts(Kind::Sellers, short), (0, 1, 0));
        let seller = books.read(sellers::all).remove(0);
        assert_eq!((seller.logo_sha256.as_str(), seller.series_id.as_str(), seller.payment_terms_days), ("", "main", 30));
    });
}

#[test]
fn a_contact_can_be_reached_whatever_columns_a_file_has() {
    each_engine(|db| {
        let mut books = full_books(db);
        let no_mail = "company_id,contact_id,email\nacme,jo,\n";
        assert_eq!(books.counts(Kind::Contacts, no_mail), (0, 1, 0), "a telephone is left");
        let told = books.told(Kind::Contacts, "company_id,contact_id,phone\nacme,jo,\nacme,new,\n");
        assert_eq!(told, "email: give an email, a phone, or both: nothing can reach this contact\n".repeat(2));
        let left = "company_id,contact_id,roles\nacme,jo,none\n";
        assert_eq!((books.counts(Kind::Contacts, left), books.counts(Kind::Contacts, left)), ((0, 1, 0), (0, 0, 1)));
        let stored = books.read(|tx| contacts::of_companies(tx, &["acme"]));
        let [jo] = &stored[..] else { panic!("{stored:?}") };
        assert_eq!((jo.phone.as_str(), jo.email.as_str(), jo.roles.len()), ("+4930123456", "", 0));
        let told = books.told(Kind::Contacts, "company_id,contact_id,email\nnobody,x,a@example.com\n");
        assert!(told.starts_with("company_id: there is no such row among the companies"), "{told}");
    });
}

#[test]
fn a_price_list_leaves_the_rest_of_an_item() {
    each_engine(|db| {
        let mut books = full_books(db);
        let head = "company_id,contract_id,item_id,valid_from,description,unit_price\n";
        assert_eq!(books.counts(Kind::ContractItems, &format!("{head}acme,care,seats,2026-06-01,Seats,6.00\n")), (1, 0, 0));
        let told = books.told(Kind::ContractItems, &format!("{head}acme,care,seats,2027-06-01,Seats,7.00\n"));
        assert!(told.starts_with("end: this item ended on 2026-12-01"), "{told}");
        let items = books.read(|tx| contracts::items(tx, &company(), &contract()));
        let [_, version] = &items[..] else { panic!("{items:?}") };
        assert_eq!((version.quantity.to_string(), version.unit.as_str()), ("10".to_owned(), "seat"));
        assert_eq!((version.price_model.as_str(), version.end.unwrap().to_string()), ("package", "2026-12-01".to_owned()));
    });
}

#[test]
fn what_is_kept_is_checked_with_what_is_new() {
    each_engine(|db| {
        let mut books = full_books(db);
        let rate = |row: &str| format!("seller_id,tax_code,valid_from,category,name\nde,{row}\n");
        assert!(books.told(Kind::TaxRates, &rate("standard,2021-01-01,Z,VAT")).starts_with("rate: category Z has no rate"));
        assert!(books.told(Kind::TaxRates, &rate("other,2021-01-01,E,Exempt")).starts_with("note: say why"));
        assert!(books.told(Kind::TaxRates, &rate("other,2021-01-01,S,VAT")).starts_with("rate: category S"));
        let weekly =
            "company_id,contract_id,seller_id,currency,cadence,timing,start\nacme,care,de,EUR,weekly,advance,2026-01-01\n";
        assert!(books.told(Kind::Contracts, weekly).contains("anchor day"));
        assert_eq!(books.counts(Kind::Companies, COMPANIES), (0, 0, 1));
    });
}
