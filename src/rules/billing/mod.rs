//! The decision of the main job: which invoices a company gets, and why not the others.
//!
//! Facts in, a plan out. `plan_company` chooses what is billed together; `build_invoice` makes one
//! invoice of what it bills, and is used as well to make a stale draft or a voided invoice anew.

mod changes;
mod charges;
mod discounts;
mod invoice;
mod plan;
#[cfg(test)]
mod tests;

pub use changes::{Adjusted, adjustments, unserved};
pub use charges::{bills, calendar};
pub use invoice::build_invoice;
pub use plan::plan_company;

use super::exact::AmountError;
use super::periods::ServicePeriod;
use super::schedule::ScheduleRow;
use super::tax::{MissingRate, TaxTable};
use crate::model::calendar::PeriodFilter;
use crate::model::{
    BillableItem, Cadence, Company, CompanyId, Contract, ContractId, ContractItem, Currency, Discount, Invalid, InvoiceLine,
    InvoiceTax, Money, Pause, Period, Seller, SellerId, SourceKey, TaxRate, UsageDay, text_enum,
};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::HashMap;
use std::fmt;

/// What all companies share; loaded once a run.
#[derive(Debug, Clone)]
pub struct Reference {
    sellers: HashMap<SellerId, Seller>,
    taxes: TaxTable,
}

impl Reference {
    pub fn new(sellers: Vec<Seller>, rates: Vec<TaxRate>) -> Self {
        let sellers = sellers.into_iter().map(|seller| (seller.seller_id.clone(), seller)).collect();
        Self { sellers, taxes: TaxTable::new(rates) }
    }

    pub fn taxes(&self) -> &TaxTable {
        &self.taxes
    }

    pub fn seller(&self, id: &SellerId) -> Result<&Seller, Failure> {
        self.sellers.get(id).ok_or_else(|| Failure::MissingSeller(id.clone()))
    }
}

/// A contract and how far it is billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractFacts {
    pub contract: Contract,
    /// All versions of all its items, those of its plans among them ([`resolve`](super::plans::resolve)),
    /// without the days on which it is paused ([`served`](super::pauses::served)).
    pub items: Vec<ContractItem>,
    pub pauses: Vec<Pause>,
    pub discounts: Vec<Discount>,
    /// What was used in the periods that may be billed, by meter and day.
    pub usage: Vec<UsageDay>,
    /// The first period start that may be unbilled.
    pub next_start: NaiveDate,
    /// Period starts from `next_start` on that are claimed; filled when periods were billed out of order.
    pub billed: Vec<NaiveDate>,
}

/// All that is known of one company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyFacts {
    pub company: Company,
    pub contracts: Vec<ContractFacts>,
    /// Open billable items.
    pub items: Vec<BillableItem>,
}

/// What one run bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// "Today" of every seller follows from it; fixed for the run.
    pub as_of: DateTime<Utc>,
    /// Only periods that it names.
    pub period: Option<PeriodFilter>,
    /// Only contracts of this cadence, and no items that stand alone.
    pub cadence: Option<Cadence>,
    /// A contract with more due periods than this is skipped (semantics.md, time: three) …
    pub max_missed: u32,
    /// … unless a person has said that they are all to be billed.
    pub allow_many_missed: bool,
}

/// What is to be done for one company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyPlan {
    /// By the day on which they fell due, then by contract.
    pub invoices: Vec<PlannedInvoice>,
    /// The schedule rows that change; None when nothing is left to bill.
    pub schedule: Vec<(ContractId, Option<ScheduleRow>)>,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<Failed>,
}

/// An invoice that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedInvoice {
    pub company_id: CompanyId,
    pub seller_id: SellerId,
    pub currency: Currency,
    /// None when it consolidates several contracts, or bills items only.
    pub contract_id: Option<ContractId>,
    /// Seller's local date on which it fell due for billing (not for payment).
    pub due: NaiveDate,
    /// From the first to the last day served by any of its lines.
    pub period: Period,
    pub payment_terms_days: u16,
    pub tax_inclusive: bool,
    pub reference: String,
    pub lines: Vec<InvoiceLine>,
    pub taxes: Vec<InvoiceTax>,
    pub net: Money,
    pub tax: Money,
    pub total: Money,
    /// The contract periods that it bills.
    pub claims: Vec<Claim>,
    /// The billable items that it bills.
    pub takes: Vec<SourceKey>,
}

/// One period of one contract, billed once; known by its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub contract_id: ContractId,
    /// The service period.
    pub period: Period,
}

/// What is billed: a period of a contract, or an item by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Contract(ContractId),
    Item(SourceKey),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(id) => write!(f, "contract {id}"),
            Self::Item(key) => write!(f, "item {key}"),
        }
    }
}

text_enum! {
    /// Why something is not billed in this run, without being an error.
    pub enum SkipReason ("reason") {
        /// It was asked for, but its day has not come.
        NotDue = "not_due",
        /// More periods are due than are billed without asking.
        TooManyMissed = "too_many_missed",
        /// The contract has no item at all: probably not imported yet.
        NoItems = "no_items",
        /// It is paused in this period, which is passed over.
        Paused = "paused",
        /// No item is active in this period, which is passed over.
        NothingToBill = "nothing_to_bill",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub subject: Subject,
    pub period: Option<Period>,
    pub reason: SkipReason,
    /// For people: what, and what to do.
    pub detail: String,
    /// The day on which it falls due, or since when it is missed.
    pub on: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub subject: Subject,
    pub period: Option<Period>,
    pub problem: Failure,
}

/// Why an invoice cannot be made until the data change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("seller {0} does not exist")]
    MissingSeller(SellerId),
    #[error("{0}")]
    Contract(#[from] Invalid),
    /// `line` names the contract's item, or the billable item.
    #[error("{line}: {missing}")]
    MissingRate { line: String, missing: MissingRate },
    #[error("{line}: {error}")]
    Amount { line: String, error: AmountError },
    #[error("{line}: its price is to come from a plan, but the contract is on none with this item on {on}")]
    NoPlanPrice { line: String, on: NaiveDate },
    /// Terms changed after they were put on one draft.
    #[error("{first} and {second} do not fit on one invoice: they differ in seller, currency or prices with or without tax")]
    Mixed { first: Subject, second: Subject },
}

impl Failure {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::MissingSeller(seller) => format!("import the seller {seller}, or correct the seller_id where it is named"),
            Self::Contract(_) => "correct the row and import it again".to_owned(),
            Self::MissingRate { missing, .. } => missing.hint(),
            Self::Amount { error: AmountError::NoTiers, .. } => "import its tiers (price_tiers or plan_tiers)".to_owned(),
            Self::NoPlanPrice { .. } => {
                "put the contract on a plan that has this item (contract_plans), or give the item a price of its own".to_owned()
            }
            Self::Amount { .. } => "check quantity and unit price, correct the row and import it again".to_owned(),
            Self::Mixed { .. } => "delete the draft: the next run bills them apart".to_owned(),
        }
    }
}

/// A contract and the period of it that an invoice bills.
pub type Part<'a> = (&'a ContractFacts, ServicePeriod);
