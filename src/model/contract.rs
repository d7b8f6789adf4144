//! Contracts and their priced items.

use super::{CompanyId, ContractId, Currency, Interval, ItemId, SellerId, TaxCode, text_enum};
use chrono::NaiveDate;
use rust_decimal::Decimal;

text_enum! {
    /// When a period is billed.
    pub enum Timing ("timing") {
        /// Due on the period's first day.
        Advance = "advance",
        /// Due on the day after the period's last (its end), or on the contract's end.
        Arrears = "arrears",
    }
}

text_enum! {
    /// How an item's price is made.
    pub enum PriceModel ("price model") {
        /// The unit price a period, whatever the quantity says.
        Flat = "flat",
        /// Quantity × unit price a period.
        PerUnit = "per_unit",
    }
}

/// An agreement with one company, in one currency, billed by a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub seller_id: SellerId,
    pub currency: Currency,
    pub interval: Interval,
    pub timing: Timing,
    /// Day of the month (1..=31), or of the week for weekly contracts (1 = Monday ..= 7). None: the start's own.
    pub anchor_day: Option<u8>,
    /// First day of service.
    pub start: NaiveDate,
    /// First day no longer served.
    pub end: Option<NaiveDate>,
    /// First day that this system bills; None: the start. Anchor and phase follow the start all the same.
    pub bill_from: Option<NaiveDate>,
    /// Overrides the company's and the seller's terms.
    pub payment_terms_days: Option<u16>,
    /// Unit prices include the tax.
    pub tax_inclusive: bool,
    pub description: String,
    /// The customer's reference for this contract; overrides the company's.
    pub reference: String,
    /// The policy of reminders for its invoices; empty: the company's.
    pub reminder_policy: String,
}

/// Days on which a contract serves and bills nothing. Its anchor and phase stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    /// First day that is not served.
    pub from: NaiveDate,
    /// First day that is served again; None: until it is resumed. The day `from` itself: none at all.
    pub until: Option<NaiveDate>,
}

/// One version of an item: it holds from `valid_from` until the next version or `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractItem {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub item_id: ItemId,
    pub valid_from: NaiveDate,
    /// First day no longer billed.
    pub end: Option<NaiveDate>,
    pub description: String,
    pub price_model: PriceModel,
    pub quantity: Decimal,
    /// Printed beside the quantity: `seat`, `device`, `GB`. May be empty.
    pub unit: String,
    /// In the contract's currency; may be finer than its minor unit.
    pub unit_price: Decimal,
    /// None: the seller's default.
    pub tax_code: Option<TaxCode>,
}
