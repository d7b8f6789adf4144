//! Contracts and their priced items.

use super::{CompanyId, ContractId, Currency, Interval, ItemId, Meter, SellerId, TaxCode, Tiers, text_enum};
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
        /// The unit price a period. It has no quantity, which is 1.
        Flat = "flat",
        /// Quantity × unit price a period.
        PerUnit = "per_unit",
        /// Each unit at the price of the tier it falls into.
        Graduated = "graduated",
        /// All units at the price of the tier that the quantity reaches.
        Volume = "volume",
        /// The unit price for each block of units that is begun.
        Package = "package",
        /// Quantity × unit price once, with the first period billed: setup, onboarding.
        OneTime = "one_time",
        /// What the contract comes to at least; what is missing becomes a line.
        Minimum = "minimum",
        /// As the contract's plan prices the item of the same id; the quantity is the contract's own.
        Plan = "plan",
    }
}

impl PriceModel {
    /// Whether its prices are in tiers.
    pub const fn has_tiers(self) -> bool {
        matches!(self, Self::Graduated | Self::Volume)
    }

    /// A quantity as an item of this model has it: a flat price is billed once.
    pub fn quantity(self, given: Decimal) -> Decimal {
        if self == Self::Flat { Decimal::ONE } else { given }
    }

    /// Whether it needs a unit price of its own.
    pub const fn has_price(self) -> bool {
        !matches!(self, Self::Graduated | Self::Volume | Self::Plan)
    }

    /// Whether its quantity may be counted by a meter.
    pub const fn has_units(self) -> bool {
        matches!(self, Self::PerUnit | Self::Graduated | Self::Volume | Self::Package)
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
    /// First day after a free trial; None: no trial. Anchor and phase follow the start all the same.
    pub trial_end: Option<NaiveDate>,
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

impl Contract {
    /// The first day that is billed here.
    pub fn billed_from(&self) -> NaiveDate {
        self.bill_from.map_or(self.paid_from(), |from| from.max(self.paid_from()))
    }

    /// The first day that is not free, whoever bills it.
    pub fn paid_from(&self) -> NaiveDate {
        self.trial_end.map_or(self.start, |end| end.max(self.start))
    }
}

/// What the price models need beyond quantity and unit price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTerms {
    /// Units in a block of `package`; None: 1.
    pub package_size: Option<Decimal>,
    /// Units of a full period that cost nothing.
    pub included: Decimal,
    /// Some: the quantity is what was used, billed when the period is over.
    pub meter: Option<Meter>,
    /// What a full period of this item comes to at least.
    pub minimum: Option<Decimal>,
    /// Of graduated and volume prices.
    pub tiers: Option<Tiers>,
}

impl PriceTerms {
    /// Without what a model has not: terms of the one before it, which a file left as they stood.
    #[must_use]
    pub fn of_model(self, model: PriceModel) -> Self {
        let once = matches!(model, PriceModel::OneTime | PriceModel::Minimum | PriceModel::Plan);
        Self {
            package_size: self.package_size.filter(|_| model == PriceModel::Package),
            included: if model.has_units() { self.included } else { Decimal::ZERO },
            meter: self.meter.filter(|_| model.has_units()),
            minimum: self.minimum.filter(|_| !once),
            tiers: self.tiers.filter(|_| model.has_tiers()),
        }
    }

    /// The columns of what a model has not, and these terms have; tiers have no column.
    pub fn beyond(&self, model: PriceModel) -> impl Iterator<Item = &'static str> {
        let fit = self.clone().of_model(model);
        let beyond = [
            ("package_size", self.package_size != fit.package_size),
            ("included", self.included != fit.included),
            ("meter", self.meter != fit.meter),
            ("minimum", self.minimum != fit.minimum),
        ];
        beyond.into_iter().filter_map(|(column, is_beyond)| is_beyond.then_some(column))
    }
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
    pub terms: PriceTerms,
    /// None: the seller's default.
    pub tax_code: Option<TaxCode>,
}
