//! A small business with all that makes the main job hard: catch-up, advance and arrears, a month's
//! end, consolidation, items with and without a contract, two currencies, and a contract that fails.

use crate::support::{TestDb, now};
use chrono::NaiveDate;
use finops::model::seller::{Address, BankDetails};
use finops::model::{
    BillableItem, Cadence, Company, Contract, ContractItem, Interval, PriceModel, Seller, TaxCategory, TaxRate, Timing,
};
use finops::rules::schedule::{next_unbilled, stand_alone_on};
use finops::store::billing::{Next, ScheduleChange, move_schedules};
use finops::store::{companies, contracts, items, schema, sellers};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn address() -> Address {
    Address {
        line1: "Hafenstraße 12".into(),
        city: "Berlin".into(),
        postal_code: "10245".into(),
        country: "DE".into(),
        ..Address::default()
    }
}

fn seller() -> Seller {
    Seller {
        seller_id: "nordlicht".parse().unwrap(),
        name: "Nordlicht GmbH".into(),
        address: address(),
        tax_id: "DE000000000".into(),
        registration: String::new(),
        email: "billing@example.com".into(),
        phone: String::new(),
        website: String::new(),
        bank: BankDetails { iban: "DE89 3704 0044 0532 0130 00".into(), ..BankDetails::default() },
        time_zone: chrono_tz::Europe::Berlin,
        language: "en".into(),
        payment_terms_days: 14,
        series_id: "nordlicht".into(),
        number_format: "INV-{year}-{seq:06}".into(),
        tax_code: "standard".parse().unwrap(),
        logo_sha256: String::new(),
        footer: String::new(),
    }
}

fn rate() -> TaxRate {
    TaxRate {
        seller_id: "nordlicht".parse().unwrap(),
        tax_code: "standard".parse().unwrap(),
        valid_from: day("2007-01-01"),
        category: TaxCategory::Standard,
        rate: "19".parse().unwrap(),
        name: "VAT 19 %".into(),
        note: String::new(),
    }
}

fn company(id: &str, consolidate: bool) -> Company {
    Company {
        company_id: id.parse().unwrap(),
        name: format!("{id} Söhne KG"),
        attention: String::new(),
        address: address(),
        tax_id: String::new(),
        email: String::new(),
        time_zone: None,
        language: String::new(),
        payment_terms_days: None,
        consolidate,
        billing_day: 1,
        tax_code: None,
        reference: String::new(),
    }
}

struct Agreement {
    company: &'static str,
    contract: &'static str,
    currency: &'static str,
    timing: Timing,
    start: &'static str,
    tax_code: Option<&'static str>,
}

const fn agreement(company: &'static str, contract: &'static str, timing: Timing, start: &'static str) -> Agreement {
    Agreement { company, contract, currency: "EUR", timing, start, tax_code: None }
}

/// As of 2026-11-02 these have 3, 1, 1, 3, 1, 1, 2 and 1 periods due; the last one fails.
const AGREEMENTS: [Agreement; 9] = [
    agreement("weber", "managed", Timing::Advance, "2026-09-01"),
    agreement("kaethe", "a", Timing::Arrears, "2026-10-01"),
    agreement("kaethe", "b", Timing::Advance, "2026-11-01"),
    agreement("oezdemir", "end-of-month", Timing::Advance, "2026-08-31"),
    agreement("elbe", "network", Timing::Advance, "2026-10-12"),
    agreement("elbe", "phones", Timing::Advance, "2026-10-12"),
    Agreement { currency: "JPY", ..agreement("ocha", "tea", Timing::Advance, "2026-10-01") },
    agreement("Zürich", "z", Timing::Advance, "2026-10-15"),
    Agreement { tax_code: Some("unknown"), ..agreement("broken", "no-rate", Timing::Advance, "2026-10-01") },
];

/// Billed periods of an undisturbed run.
pub const PERIODS: &str = "13";
/// Invoices of an undisturbed run: one a period, but `elbe` has one for its two; and one for the item of `alpen`.
pub const INVOICES: &str = "13";

fn contract(a: &Agreement) -> Contract {
    Contract {
        company_id: a.company.parse().unwrap(),
        contract_id: a.contract.parse().unwrap(),
        seller_id: "nordlicht".parse().unwrap(),
        currency: a.currency.parse().unwrap(),
        interval: Interval::new(Cadence::Monthly, 1).unwrap(),
        timing: a.timing,
        anchor_day: None,
        start: day(a.start),
        end: None,
        bill_from: None,
        payment_terms_days: None,
        tax_inclusive: false,
        description: String::new(),
        reference: String::new(),
    }
}

fn priced(a: &Agreement, id: &str, price: &str) -> ContractItem {
    ContractItem {
        company_id: a.company.parse().unwrap(),
        contract_id: a.contract.parse().unwrap(),
        item_id: id.parse().unwrap(),
        valid_from: day(a.start),
        end: None,
        description: format!("Item {id}"),
        price_model: PriceModel::PerUnit,
        quantity: "7".parse().unwrap(),
        unit: "seat".into(),
        unit_price: price.parse().unwrap(),
        tax_code: a.tax_code.map(|c| c.parse().unwrap()),
    }
}

fn billable(company: &str, key: &str) -> BillableItem {
    BillableItem {
        company_id: company.parse().unwrap(),
        source_key: key.parse().unwrap(),
        seller_id: "nordlicht".parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        dated: day("2026-10-06"),
        description: format!("Work {key}"),
        quantity: "1.5".parse().unwrap(),
        unit: "hour".into(),
        unit_price: "95.01".parse().unwrap(),
        tax_inclusive: false,
        tax_code: None,
    }
}

/// A database with this business in it.
pub fn prepare(db: &TestDb) {
    let mut conn = db.open();
    schema::migrate(&mut conn, now()).unwrap();
    let ids = ["weber", "kaethe", "oezdemir", "elbe", "ocha", "Zürich", "broken", "alpen"];
    let all: Vec<Company> = ids.iter().map(|id| company(id, *id == "elbe")).collect();
    let agreed: Vec<Contract> = AGREEMENTS.iter().map(contract).collect();
    let priced: Vec<ContractItem> =
        AGREEMENTS.iter().flat_map(|a| [priced(a, "seats", "39.905"), priced(a, "devices", "0.333")]).collect();
    let work = [billable("weber", "ticket:1"), billable("weber", "ticket:2"), billable("alpen", "order:1")];
    conn.write(|tx| {
        sellers::upsert(tx, &[&seller()])?;
        sellers::upsert_tax_rates(tx, &[&rate()])?;
        companies::upsert(tx, &all.iter().collect::<Vec<_>>())?;
        contracts::upsert(tx, &agreed.iter().collect::<Vec<_>>())?;
        contracts::upsert_items(tx, &priced.iter().collect::<Vec<_>>())?;
        items::upsert(tx, &work.iter().map(|i| (i, stand_alone_on(i.dated, 1))).collect::<Vec<_>>())?;
        let changes: Vec<ScheduleChange> = agreed
            .iter()
            .map(|c| {
                let row = next_unbilled(c, None, &[]).unwrap();
                let next = row.map(|r| Next { start: r.next_start, due_on: r.next_due_on });
                ScheduleChange { company_id: c.company_id.clone(), contract_id: c.contract_id.clone(), next, revision: 0 }
            })
            .collect();
        move_schedules(tx, &changes)
    })
    .unwrap();
}
