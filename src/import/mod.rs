//! What users bring: CSV files, read row by row into the values of `model`.
//!
//! Bytes become text (`decode`), text becomes records whose cells know their place (`scan`), a
//! header says which cell is which column (`columns`), and each row becomes a value that cannot be
//! wrong (`rows`), or the list of all that is wrong with it. A file is read as a stream: besides
//! the keys of its rows, which are kept to find the same one twice, memory does not grow with it.
//! Whoever writes the rows does so in one transaction, and rolls back when any row was refused.

mod cells;
mod checks;
mod columns;
mod contacts;
mod decode;
pub mod keep;
mod prices;
mod read;
mod rows;
mod scan;

pub use columns::{Column, Need};
pub use contacts::UNREACHABLE;
pub use prices::{ContractPlanRow, DiscountRow, NEEDS_OFF, PlanTierRow, TierRow};
pub use read::{Located, Options, Problems, Reader, Refused, RowError, RowKey, Source, encoding};
pub use rows::{ContractItemRow, NEEDS_NOTE, PaymentRow, SellerRow};

use crate::model::{BillableItem, Company, Contact, Contract, Plan, PlanItem, TaxRate, Usage, text_enum};
use read::Header;

text_enum! {
    /// What a file holds. In the order in which one needs the other: sellers first.
    pub enum Kind ("the kind of file") {
        Sellers = "sellers",
        TaxRates = "tax_rates",
        Plans = "plans",
        PlanItems = "plan_items",
        PlanTiers = "plan_tiers",
        Companies = "companies",
        Contacts = "contacts",
        Contracts = "contracts",
        ContractPlans = "contract_plans",
        ContractItems = "contract_items",
        PriceTiers = "price_tiers",
        Discounts = "discounts",
        Usage = "usage",
        BillableItems = "billable_items",
        Payments = "payments",
    }
}

impl Kind {
    /// The name under which it is found in a folder: `companies.csv`.
    pub fn file_name(self) -> String {
        format!("{self}.csv")
    }
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    Seller(Box<SellerRow>),
    TaxRate(TaxRate),
    Company(Box<Company>),
    Contact(Box<Contact>),
    Contract(Contract),
    ContractItem(Box<ContractItemRow>),
    PriceTier(TierRow),
    Plan(Plan),
    PlanItem(Box<PlanItem>),
    PlanTier(PlanTierRow),
    ContractPlan(ContractPlanRow),
    Discount(Box<DiscountRow>),
    Usage(Usage),
    BillableItem(BillableItem),
    Payment(PaymentRow),
}
