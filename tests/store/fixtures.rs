//! Entities for the suite, with texts that break what is not bound, escaped or long enough.

use chrono::NaiveDate;
use finops::model::invoice::Proration;
use finops::model::message::ContactRole;
use finops::model::seller::{Address, BankDetails};
use finops::model::{
    BillableItem, Cadence, Company, Contact, Contract, ContractItem, Currency, FullInvoice, Interval, Invoice, InvoiceId,
    InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, LineDetail, LineKind, Money, Period, PriceModel, PriceTerms, Seller,
    TaxCategory, TaxRate, Timing,
};
use finops::store::{Db, StoreError, Tx, companies, contracts, sellers};
use rust_decimal::Decimal;

/// Quotes of all kinds, placeholders, comments, a newline, a script that is not Latin, an emoji.
pub const AWKWARD: &str = "O'Brien \"&\" Söhne; -- $1 ?1 %s \\ \\x00 {}\n\tΆλφα Борис 漢字 🦀";

pub fn long() -> String {
    "Überlänge ".repeat(2_000)
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

pub fn euro(minor: i64) -> Money {
    Money::from_minor(minor, eur())
}

pub fn address() -> Address {
    Address {
        line1: AWKWARD.to_owned(),
        line2: String::new(),
        postal_code: "0'1".to_owned(),
        city: "Łódź".to_owned(),
        region: long(),
        country: "PL".to_owned(),
    }
}

pub fn seller(id: &str) -> Seller {
    Seller {
        seller_id: id.parse().unwrap(),
        name: AWKWARD.to_owned(),
        address: address(),
        tax_id: "DE'1".to_owned(),
        registration: long(),
        email: "a@b".to_owned(),
        phone: String::new(),
        website: "https://x/?a=$1".to_owned(),
        bank: BankDetails { bank_name: "B".to_owned(), iban: "I".to_owned(), bic: String::new(), account: AWKWARD.to_owned() },
        time_zone: chrono_tz::Pacific::Kiritimati,
        language: "de".to_owned(),
        payment_terms_days: u16::MAX,
        series_id: "series".to_owned(),
        number_format: "INV-{year}-{seq:06}".to_owned(),
        credit_series_id: "series-credit".to_owned(),
        credit_number_format: "CN'{seq}".to_owned(),
        tax_code: "standard".parse().unwrap(),
        logo_sha256: "ab".to_owned(),
        footer: AWKWARD.to_owned(),
    }
}

pub fn rate(seller: &str, code: &str, from: &str) -> TaxRate {
    TaxRate {
        seller_id: seller.parse().unwrap(),
        tax_code: code.parse().unwrap(),
        valid_from: day(from),
        category: TaxCategory::Standard,
        rate: dec("8.875"),
        name: AWKWARD.to_owned(),
        note: long(),
    }
}

pub fn company(id: &str) -> Company {
    Company {
        company_id: id.parse().unwrap(),
        name: AWKWARD.to_owned(),
        attention: String::new(),
        address: address(),
        tax_id: "x".to_owned(),
        email: "é@x".to_owned(),
        time_zone: Some(chrono_tz::Asia::Kolkata),
        language: "ja".to_owned(),
        payment_terms_days: Some(0),
        consolidate: true,
        billing_day: 31,
        tax_code: Some("reverse".parse().unwrap()),
        reference: AWKWARD.to_owned(),
        delivery: finops::model::Delivery::None,
        account_manager: "é@y".to_owned(),
        reminder_policy: "strict".to_owned(),
    }
}

pub fn contact(company: &str, id: &str) -> Contact {
    Contact {
        company_id: company.parse().unwrap(),
        contact_id: id.parse().unwrap(),
        name: AWKWARD.to_owned(),
        email: "é@x".to_owned(),
        phone: "+15550100000".to_owned(),
        roles: ContactRole::ALL.to_vec(),
        language: "ja".to_owned(),
        time_zone: Some(chrono_tz::Asia::Tokyo),
    }
}

pub fn contract(company: &str, id: &str) -> Contract {
    Contract {
        company_id: company.parse().unwrap(),
        contract_id: id.parse().unwrap(),
        seller_id: "seller".parse().unwrap(),
        currency: "KWD".parse().unwrap(),
        interval: Interval::new(Cadence::Quarterly, u16::MAX).unwrap(),
        timing: Timing::Arrears,
        anchor_day: Some(31),
        start: day("1999-12-31"),
        end: Some(day("9999-12-31")),
        bill_from: Some(day("2026-02-28")),
        trial_end: Some(day("2026-03-01")),
        payment_terms_days: Some(7),
        tax_inclusive: true,
        description: AWKWARD.to_owned(),
        reference: long(),
        reminder_policy: "none".to_owned(),
    }
}

/// Every term there is, whatever the model.
pub fn terms() -> PriceTerms {
    PriceTerms {
        package_size: Some(dec("2.50")),
        included: dec("0.000001"),
        meter: Some("api / 漢".parse().unwrap()),
        minimum: Some(dec("100.00")),
        tiers: Some("10.5:0.000125:0 *:0:49.90".parse().unwrap()),
    }
}

pub fn item(company: &str, contract: &str, id: &str, from: &str) -> ContractItem {
    ContractItem {
        company_id: company.parse().unwrap(),
        contract_id: contract.parse().unwrap(),
        item_id: id.parse().unwrap(),
        valid_from: day(from),
        end: None,
        description: AWKWARD.to_owned(),
        price_model: PriceModel::PerUnit,
        quantity: dec("-1284560.000001"),
        unit: "GB".to_owned(),
        unit_price: dec("0.000125"),
        terms: terms(),
        tax_code: None,
    }
}

pub fn billable(company: &str, key: &str) -> BillableItem {
    BillableItem {
        company_id: company.parse().unwrap(),
        source_key: key.parse().unwrap(),
        seller_id: "seller".parse().unwrap(),
        currency: eur(),
        dated: day("2026-10-06"),
        description: AWKWARD.to_owned(),
        quantity: dec("1.50"),
        unit: String::new(),
        unit_price: dec("-95.00"),
        tax_inclusive: true,
        tax_code: Some("standard".parse().unwrap()),
    }
}

/// The n-th id; they ascend with n.
pub fn invoice_id(n: u32) -> InvoiceId {
    format!("01930000-0000-7000-8000-{n:012}").parse().unwrap()
}

/// A draft with two lines and two tax groups.
pub fn draft(company: &str, n: u32) -> FullInvoice {
    let period = Period::new(day("2026-10-01"), day("2026-11-01")).unwrap();
    let head = Invoice {
        company_id: company.parse().unwrap(),
        invoice_id: invoice_id(n),
        kind: InvoiceKind::Invoice,
        state: InvoiceState::Draft,
        seller_id: "seller".parse().unwrap(),
        currency: eur(),
        contract_id: Some("c".parse().unwrap()),
        period,
        revision: 2,
        number: None,
        issued_on: None,
        due_on: None,
        payment_terms_days: 14,
        tax_inclusive: true,
        reference: AWKWARD.to_owned(),
        net: euro(i64::MAX - 1),
        tax: euro(1),
        total: euro(i64::MAX),
        stale: false,
        edited: true,
    };
    let line = InvoiceLine {
        kind: LineKind::Recurring,
        contract_id: Some("c".parse().unwrap()),
        item_id: Some("i".parse().unwrap()),
        source_key: None,
        description: AWKWARD.to_owned(),
        quantity: dec("3"),
        unit: "seat".to_owned(),
        unit_price: dec("0.000000001"),
        period,
        proration: Some(Proration { days: 20, of_days: 31 }),
        details: vec![
            LineDetail::Included { units: dec("1750"), included: dec("1000") },
            LineDetail::Tier { from: dec("10"), to: None },
        ],
        tax_code: "standard".parse().unwrap(),
        tax_category: TaxCategory::Standard,
        tax_rate: dec("19"),
        net: euro(i64::MIN),
        amount: euro(i64::MAX),
        corrects_line: None,
    };
    let other = InvoiceLine {
        kind: LineKind::Item,
        contract_id: None,
        item_id: None,
        source_key: Some("ticket:1".parse().unwrap()),
        description: long(),
        proration: None,
        details: Vec::new(),
        ..line.clone()
    };
    let tax = InvoiceTax {
        category: TaxCategory::ReverseCharge,
        rate: dec("0"),
        name: AWKWARD.to_owned(),
        note: long(),
        net: euro(-5),
        tax: euro(0),
    };
    let taxes = vec![tax.clone(), InvoiceTax { category: TaxCategory::Exempt, note: String::new(), ..tax }];
    FullInvoice { head, lines: vec![line, other], taxes }
}

/// What other rows lean on: the seller, and companies with one contract `c` each.
pub fn seed(db: &mut Db, ids: &[&str]) {
    db.write(|tx| {
        sellers::upsert(tx, &[&seller("seller")])?;
        let all: Vec<Company> = ids.iter().map(|id| company(id)).collect();
        companies::upsert(tx, &all.iter().collect::<Vec<_>>())?;
        let all: Vec<Contract> = ids.iter().map(|id| contract(id, "c")).collect();
        contracts::upsert(tx, &all.iter().collect::<Vec<_>>())
    })
    .unwrap();
}

/// One writing transaction.
pub fn write<R>(db: &mut Db, work: impl FnMut(&mut Tx) -> Result<R, StoreError>) -> R {
    db.write(work).unwrap()
}

/// One reading transaction.
pub fn read<R>(db: &mut Db, work: impl FnOnce(&mut Tx) -> Result<R, StoreError>) -> R {
    db.read(work).unwrap()
}
