//! Cells to typed rows, and the checks that take more than one cell. One function a kind; each
//! reads the columns of its table in `columns`.

pub mod opening;

use super::cells::Cells;
use super::checks;
use super::prices::{Own, Priced, priced};
use crate::model::calendar::{Cadence, Interval, parse_date};
use crate::model::language::parse_language;
use crate::model::money::parse_decimal;
use crate::model::seller::{Address, BankDetails};
use crate::model::{
    BillableItem, Company, CompanyId, Contract, ContractId, ContractItem, Currency, Invalid, ItemId, Money, Payment, PriceModel,
    PriceTerms, Seller, SellerId, TaxCategory, TaxCode, TaxRate, tax_id,
};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

/// The first and the last year of service that are taken for meant.
const SERVICE_YEARS: (i32, i32) = (1990, 2199);
/// Longest payment terms that are taken for meant.
const MAX_TERMS_DAYS: u16 = 3650;

/// Why a tax rate without a note is refused.
pub const NEEDS_NOTE: &str = "say why no tax is charged: EN 16931 wants the reason on invoices of this category";

/// A seller, and the file of its logo, which the caller reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellerRow {
    /// Its `logo_sha256` is empty.
    pub seller: Seller,
    /// Relative to the CSV file; None: no logo.
    pub logo: Option<String>,
}

/// A version of a contract item whose first day may be left to the upsert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractItemRow {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub item_id: ItemId,
    /// None: the first day that is not billed yet.
    pub valid_from: Option<NaiveDate>,
    pub end: Option<NaiveDate>,
    pub description: String,
    pub price_model: PriceModel,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    /// Without tiers: those have files of their own.
    pub terms: PriceTerms,
    pub tax_code: Option<TaxCode>,
}

impl ContractItemRow {
    /// The version as it holds from `valid_from` on.
    pub fn valid_from(self, valid_from: NaiveDate) -> ContractItem {
        ContractItem {
            company_id: self.company_id,
            contract_id: self.contract_id,
            item_id: self.item_id,
            valid_from,
            end: self.end,
            description: self.description,
            price_model: self.price_model,
            quantity: self.quantity,
            unit: self.unit,
            unit_price: self.unit_price,
            terms: self.terms,
            tax_code: self.tax_code,
        }
    }
}

/// A payment, and what the user calls the invoice it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRow {
    /// Number or id.
    pub invoice: String,
    pub payment: Payment,
}

/// Dates, numbers and small words as cells hold them. None: empty, or wrong and reported.
impl Cells<'_> {
    pub(super) fn date(&mut self, column: &str) -> Option<NaiveDate> {
        self.parse(column, parse_date)
    }

    /// A day of service or payment: years outside are slips of the hand, and a contract
    /// would be billed for all of them.
    pub(super) fn service_date(&mut self, column: &str) -> Option<NaiveDate> {
        self.parse(column, |s| {
            let date = parse_date(s)?;
            let (first, last) = SERVICE_YEARS;
            let told = || Invalid::new(format!("write a day from {first}-01-01 to {last}-12-31"));
            if (first..=last).contains(&date.year()) { Ok(date) } else { Err(told()) }
        })
    }

    pub(super) fn decimal(&mut self, column: &str) -> Option<Decimal> {
        self.parse(column, parse_decimal)
    }

    fn terms(&mut self) -> Option<u16> {
        self.whole("payment_terms_days", 0, MAX_TERMS_DAYS)
    }

    fn address(&mut self) -> Option<Address> {
        Some(Address {
            line1: self.line("address_line1"),
            line2: self.line("address_line2"),
            postal_code: self.line("postal_code"),
            city: self.line("city"),
            region: self.line("region"),
            country: self.parse("country", checks::country)?,
        })
    }

    /// Reports an `end` that comes before the first day.
    pub(super) fn check_end(&mut self, first: Option<NaiveDate>, first_column: &str, end: Option<NaiveDate>) {
        if let (Some(first), Some(end)) = (first, end)
            && end < first
        {
            self.refuse("end", format!("this is before {first_column} {first}: end is the first day no longer billed"));
        }
    }
}

// In each function everything is read first and `?` comes last, so that all mistakes of a row are told.

pub fn seller(cells: &mut Cells) -> Option<SellerRow> {
    let seller_id = cells.parse("seller_id", str::parse);
    let name = cells.line("name");
    let address = cells.address();
    let tax_id = cells.line("tax_id");
    let registration = cells.line("registration");
    let email = cells.parse("email", checks::email).unwrap_or_default();
    let phone = cells.line("phone");
    let website = cells.line("website");
    let bank = BankDetails {
        bank_name: cells.line("bank_name"),
        iban: cells.parse("iban", checks::iban).unwrap_or_default(),
        bic: cells.parse("bic", checks::bic).unwrap_or_default(),
        account: cells.text("account"),
    };
    let time_zone = cells.parse("time_zone", checks::time_zone);
    let language = cells.parse("language", parse_language);
    let payment_terms_days = cells.terms();
    let series_id = cells.line("series_id");
    let number_format = cells.line("number_format");
    let credit_series_id = cells.line("credit_series_id");
    let credit_number_format = cells.line("credit_number_format");
    let tax_code = cells.parse("tax_code", str::parse);
    let logo = cells.parse("logo", checks::logo);
    let footer = cells.text("footer");
    let seller_id: SellerId = seller_id?;
    let series_id = if series_id.is_empty() { seller_id.to_string() } else { series_id };
    let seller = Seller {
        credit_series_id: if credit_series_id.is_empty() { format!("{series_id}-credit") } else { credit_series_id },
        credit_number_format,
        series_id,
        seller_id,
        name,
        address: address?,
        tax_id,
        registration,
        email,
        phone,
        website,
        bank,
        time_zone: time_zone?,
        language: language?,
        payment_terms_days: payment_terms_days?,
        number_format,
        tax_code: tax_code?,
        logo_sha256: String::new(),
        footer,
    };
    Some(SellerRow { seller, logo })
}

pub fn tax_rate(cells: &mut Cells) -> Option<TaxRate> {
    let seller_id = cells.parse("seller_id", str::parse);
    let tax_code = cells.parse("tax_code", str::parse);
    let valid_from = cells.date("valid_from");
    let category: Option<TaxCategory> = cells.word("category");
    let rate = cells.decimal("rate");
    let name = cells.line("name");
    let note = cells.text("note");
    // Without their columns, both are checked once it is known what stands.
    if let Some(rate) = rate.filter(|_| cells.has("rate")) {
        check_rate(cells, rate, category);
    }
    if cells.has("note") && category.is_some_and(TaxCategory::needs_reason) && note.is_empty() {
        cells.refuse("note", NEEDS_NOTE);
    }
    Some(TaxRate {
        seller_id: seller_id?,
        tax_code: tax_code?,
        valid_from: valid_from?,
        category: category?,
        rate: rate?,
        name,
        note,
    })
}

fn check_rate(cells: &mut Cells, rate: Decimal, category: Option<TaxCategory>) {
    let positive = rate > Decimal::ZERO;
    if rate < Decimal::ZERO || rate > Decimal::ONE_HUNDRED {
        cells.refuse("rate", "the rate is in percent, from 0 to 100");
    } else if let Some(category) = category.filter(|c| positive && !c.allows_rate()) {
        cells.refuse("rate", format!("category {category} has no rate: write 0, or category S"));
    } else if category == Some(TaxCategory::Standard) && !positive {
        cells.refuse("rate", "category S has a rate above 0: for zero rated goods write category Z");
    }
}

pub fn company(cells: &mut Cells) -> Option<Company> {
    let company_id = cells.parse("company_id", str::parse);
    let name = cells.line("name");
    let attention = cells.line("attention");
    let address = cells.address();
    let tax_id = cells.line("tax_id");
    let country = address.as_ref().map_or("", |address| address.country.as_str());
    // Wrong check digits are for `doctor` to tell: an id that its owner wrote so is printed so.
    if let Err(mistake @ tax_id::Mistake::Form { .. }) = tax_id::check(country, &tax_id) {
        cells.refuse("tax_id", mistake.to_string());
    }
    let email = cells.parse("email", checks::email).unwrap_or_default();
    let time_zone = cells.parse("time_zone", checks::time_zone);
    let language = cells.parse("language", parse_language).unwrap_or_default();
    let payment_terms_days = cells.terms();
    let consolidate = cells.yes_no("consolidate");
    let billing_day = cells.whole("billing_day", 1, 31);
    let tax_code = cells.parse("tax_code", str::parse);
    let reference = cells.line("reference");
    let delivery = cells.word("delivery");
    let account_manager = cells.parse("account_manager", checks::email).unwrap_or_default();
    let reminder_policy = cells.parse("reminder_policy", checks::policy).unwrap_or_default();
    Some(Company {
        company_id: company_id?,
        name,
        attention,
        address: address?,
        tax_id,
        email,
        time_zone,
        language,
        payment_terms_days,
        consolidate: consolidate?,
        billing_day: billing_day?,
        tax_code,
        reference,
        delivery: delivery?,
        account_manager,
        reminder_policy,
    })
}

pub fn contract(cells: &mut Cells) -> Option<Contract> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let seller_id = cells.parse("seller_id", str::parse);
    let currency = cells.word("currency");
    let cadence: Option<Cadence> = cells.word("cadence");
    let every: Option<u16> = cells.whole("every", 1, 999);
    let timing = cells.word("timing");
    let anchor_day: Option<u8> = match cadence {
        Some(Cadence::Weekly) => cells.whole("anchor_day", 1, 7),
        _ => cells.whole("anchor_day", 1, 31),
    };
    let start = cells.service_date("start");
    let end = cells.service_date("end");
    let bill_from = cells.service_date("bill_from");
    let trial_end = cells.service_date("trial_end");
    let payment_terms_days = cells.terms();
    let tax_inclusive = cells.yes_no("tax_inclusive");
    let description = cells.text("description");
    let reference = cells.line("reference");
    let reminder_policy = cells.parse("reminder_policy", checks::policy).unwrap_or_default();
    cells.check_end(start, "start", end);
    if let (Some(start), Some(trial_end)) = (start, trial_end)
        && trial_end < start
    {
        cells.refuse("trial_end", format!("this is before start {start}: it is the first day that is billed after the trial"));
    }
    Some(Contract {
        company_id: company_id?,
        contract_id: contract_id?,
        seller_id: seller_id?,
        currency: currency?,
        interval: Interval::new(cadence?, every?).ok()?,
        timing: timing?,
        anchor_day,
        start: start?,
        end,
        bill_from,
        trial_end,
        payment_terms_days,
        tax_inclusive: tax_inclusive?,
        description,
        reference,
        reminder_policy,
    })
}

pub fn contract_item(cells: &mut Cells) -> Option<ContractItemRow> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let item_id = cells.parse("item_id", str::parse);
    let valid_from = cells.service_date("valid_from");
    let end = cells.service_date("end");
    let description = cells.text("description");
    let priced = priced(cells, Own::Contract);
    cells.check_end(valid_from, "valid_from", end);
    let Priced { price_model, quantity, unit, unit_price, terms, tax_code } = priced?;
    Some(ContractItemRow {
        company_id: company_id?,
        contract_id: contract_id?,
        item_id: item_id?,
        valid_from,
        end,
        description,
        price_model,
        quantity,
        unit,
        unit_price,
        terms,
        tax_code,
    })
}

pub fn billable_item(cells: &mut Cells) -> Option<BillableItem> {
    let company_id = cells.parse("company_id", str::parse);
    let source_key = cells.parse("source_key", str::parse);
    let seller_id = cells.parse("seller_id", str::parse);
    let currency = cells.word("currency");
    let dated = cells.service_date("dated");
    let description = cells.text("description");
    let quantity = cells.decimal("quantity");
    let unit = cells.line("unit");
    let unit_price = cells.decimal("unit_price");
    let tax_inclusive = cells.yes_no("tax_inclusive");
    let tax_code = cells.parse("tax_code", str::parse);
    if quantity.is_some_and(|q| q < Decimal::ZERO) {
        cells.refuse("quantity", "the quantity is below 0: to give money back, write a negative unit_price");
    }
    Some(BillableItem {
        adjustment: None,
        company_id: company_id?,
        source_key: source_key?,
        seller_id: seller_id?,
        currency: currency?,
        dated: dated?,
        description,
        quantity: quantity?,
        unit,
        unit_price: unit_price?,
        tax_inclusive: tax_inclusive?,
        tax_code,
    })
}

pub fn payment(cells: &mut Cells) -> Option<PaymentRow> {
    let company_id = cells.parse("company_id", str::parse);
    let invoice = cells.line("invoice");
    let amount = cells.decimal("amount");
    let currency: Option<Currency> = cells.word("currency");
    let received_on = cells.service_date("received_on");
    let reference = cells.line("reference");
    let provider = cells.line("provider");
    if amount.is_some_and(|a| a <= Decimal::ZERO) {
        cells.refuse("amount", "a payment is above 0");
    }
    let amount = match Money::exact(amount?, currency?) {
        Ok(amount) => Some(amount),
        Err(invalid) => {
            cells.refuse("amount", invalid.0);
            None
        }
    };
    let payment = Payment { company_id: company_id?, provider, reference, amount: amount?, received_on: received_on? };
    Some(PaymentRow { invoice, payment })
}
