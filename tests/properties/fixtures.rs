//! Contracts, sellers and rates for the cases, and the strategies that vary them.

use chrono::{Days, NaiveDate};
use finops::model::seller::{Address, BankDetails};
use finops::model::{
    BillableItem, Cadence, Company, Contract, ContractItem, Interval, PriceModel, Seller, TaxCategory, TaxRate, Timing,
};
use finops::rules::billing::{ContractFacts, Reference};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// (tax code, category, percent). Two categories share the rate 0, two codes share the rate 19.
pub const RATES: [(&str, TaxCategory, &str); 8] = [
    ("zero", TaxCategory::Zero, "0"),
    ("reverse", TaxCategory::ReverseCharge, "0"),
    ("reduced", TaxCategory::Standard, "7"),
    ("fine", TaxCategory::Standard, "8.875"),
    ("french", TaxCategory::Standard, "5.50"),
    ("standard", TaxCategory::Standard, "19"),
    ("services", TaxCategory::Standard, "19.0"),
    ("hungarian", TaxCategory::Standard, "27"),
];

pub fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub fn company() -> Company {
    Company {
        company_id: "acme".parse().unwrap(),
        name: String::new(),
        attention: String::new(),
        address: Address::default(),
        tax_id: String::new(),
        email: String::new(),
        time_zone: None,
        language: String::new(),
        payment_terms_days: None,
        consolidate: false,
        billing_day: 1,
        tax_code: None,
        reference: String::new(),
        delivery: finops::model::Delivery::Email,
        account_manager: String::new(),
        reminder_policy: String::new(),
    }
}

pub fn reference(zone: chrono_tz::Tz) -> Reference {
    let seller = Seller {
        seller_id: "s".parse().unwrap(),
        name: String::new(),
        address: Address::default(),
        tax_id: String::new(),
        registration: String::new(),
        email: String::new(),
        phone: String::new(),
        website: String::new(),
        bank: BankDetails::default(),
        time_zone: zone,
        language: "en".to_owned(),
        payment_terms_days: 30,
        series_id: "main".to_owned(),
        number_format: "{seq}".to_owned(),
        credit_series_id: "credit".to_owned(),
        credit_number_format: "CN-{seq}".to_owned(),
        tax_code: "zero".parse().unwrap(),
        logo_sha256: String::new(),
        footer: String::new(),
    };
    let rates = RATES.map(|(code, category, percent)| TaxRate {
        seller_id: "s".parse().unwrap(),
        tax_code: code.parse().unwrap(),
        valid_from: day(1900, 1, 1),
        category,
        rate: percent.parse().unwrap(),
        name: String::new(),
        note: String::new(),
    });
    Reference::new(vec![seller], rates.into())
}

pub fn contract(cadence: Cadence, every: u16, start: NaiveDate) -> Contract {
    Contract {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        seller_id: "s".parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        interval: Interval::new(cadence, every).unwrap(),
        timing: Timing::Advance,
        anchor_day: None,
        start,
        end: None,
        bill_from: None,
        trial_end: None,
        payment_terms_days: None,
        tax_inclusive: false,
        description: String::new(),
        reference: String::new(),
        reminder_policy: String::new(),
    }
}

pub fn version(valid_from: NaiveDate, quantity: Decimal, unit_price: Decimal) -> ContractItem {
    ContractItem {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        item_id: "i".parse().unwrap(),
        valid_from,
        end: None,
        description: String::new(),
        price_model: PriceModel::PerUnit,
        quantity,
        unit: String::new(),
        unit_price,
        terms: finops::model::PriceTerms::default(),
        tax_code: None,
    }
}

/// Never billed so far, with one item that costs 1.
pub fn facts(contract: Contract) -> ContractFacts {
    let next_start = contract.bill_from.map_or(contract.start, |from| from.max(contract.start));
    let items = vec![version(day(1900, 1, 1), Decimal::ONE, Decimal::ONE)];
    ContractFacts {
        contract,
        items,
        pauses: Vec::new(),
        discounts: Vec::new(),
        usage: Vec::new(),
        next_start,
        billed: Vec::new(),
    }
}

pub fn item(key: usize, currency: &str, code: &str, unit_price: Decimal, tax_inclusive: bool) -> BillableItem {
    BillableItem {
        adjustment: None,
        company_id: "acme".parse().unwrap(),
        source_key: format!("{key:06}").parse().unwrap(),
        seller_id: "s".parse().unwrap(),
        currency: currency.parse().unwrap(),
        dated: day(2026, 10, 1),
        description: String::new(),
        quantity: Decimal::ONE,
        unit: String::new(),
        unit_price,
        tax_inclusive,
        tax_code: Some(code.parse().unwrap()),
    }
}

/// Any day from 2020 to 2040; month ends and Feb 29 far more often than by chance.
pub fn any_day() -> impl Strategy<Value = NaiveDate> {
    let evenly = (0_u64..7670).prop_map(|days| day(2020, 1, 1) + Days::new(days));
    let month_end = (2020..=2040, 1_u32..=12).prop_map(|(year, month)| {
        let next = if month == 12 { day(year + 1, 1, 1) } else { day(year, month + 1, 1) };
        next.pred_opt().unwrap()
    });
    let leap_day = (0..=5).prop_map(|n| day(2020 + 4 * n, 2, 29));
    prop_oneof![4 => evenly, 2 => month_end, 1 => leap_day]
}

/// Every cadence, anchor and timing, with and without end and `bill_from`.
pub fn any_contract() -> impl Strategy<Value = Contract> {
    let cadence = prop::sample::select(Cadence::ALL);
    let anchor = prop::option::of(prop_oneof![2 => 1_u8..=31, 1 => 28_u8..=31]);
    let clip = (prop::option::of(0_u64..1500), prop::option::of(0_u64..1500));
    (cadence, 1_u16..=3, anchor, any_day(), clip, any::<bool>()).prop_map(|(cadence, every, anchor, start, clip, advance)| {
        let anchor_day = anchor.map(|day| if cadence == Cadence::Weekly { (day - 1) % 7 + 1 } else { day });
        let (end, bill_from) = clip;
        Contract {
            anchor_day,
            end: end.map(|days| start + Days::new(days)),
            bill_from: bill_from.map(|days| start + Days::new(days)),
            timing: if advance { Timing::Advance } else { Timing::Arrears },
            ..contract(cadence, every, start)
        }
    })
}
