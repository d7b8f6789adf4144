//! What users bring: files of CSV or JSON lines, read row by row into the values of `model`.
//!
//! Bytes become text (`decode`), text becomes records whose cells know their place (`scan`, `json`), a
//! header says which cell is which column (`columns`), and each row becomes a value that cannot be
//! wrong (`rows`), or the list of all that is wrong with it. A file is read as a stream, and memory does
//! not grow with it. Whoever writes the rows does so in one transaction, and rolls back when any row was refused.

mod cells;
mod checks;
mod columns;
mod contacts;
mod decode;
mod header;
mod json;
pub mod keep;
mod prices;
mod read;
mod rows;
mod scan;
mod seen;
mod source;
mod write;

pub use columns::{Column, Need};
pub use contacts::UNREACHABLE;
pub use prices::{ContractPlanRow, DiscountRow, FLAT_HAS_NO_QUANTITY, NEEDS_OFF, PlanTierRow, TierRow, has_none};
pub use read::{Located, Options, Problems, Reader, Refused, RowError, RowKey, encoding};
pub use rows::{ContractItemRow, NEEDS_NOTE, PaymentRow, SellerRow};
pub use source::{Source, Spot};

pub use write::csv_cell;

use crate::model::{
    BillableItem, Company, Contact, Contract, OpeningCredit, OpeningInvoice, Pause, Plan, PlanItem, TaxRate, Usage, text_enum,
};
use header::Header;

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
        ContractPauses = "contract_pauses",
        ContractItems = "contract_items",
        PriceTiers = "price_tiers",
        Discounts = "discounts",
        Usage = "usage",
        BillableItems = "billable_items",
        OpeningInvoices = "opening_invoices",
        OpeningCredits = "opening_credits",
        Payments = "payments",
    }
}

text_enum! {
    /// How rows are written down; the word is the end of a file's name, too.
    pub enum Format ("the format") {
        Csv = "csv",
        Jsonl = "jsonl",
    }
}

impl Format {
    /// By the end of the file's name, in capitals or not.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        path.extension()?.to_str()?.to_ascii_lowercase().parse().ok()
    }
}

impl Kind {
    /// The name under which it is found in a folder: `companies.csv`.
    pub fn file_name(self) -> String {
        self.file_name_as(Format::Csv)
    }

    /// The same in another format: `companies.jsonl`.
    pub fn file_name_as(self, format: Format) -> String {
        format!("{self}.{format}")
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
    ContractPause(Pause),
    Discount(Box<DiscountRow>),
    Usage(Usage),
    BillableItem(BillableItem),
    OpeningInvoice(OpeningInvoice),
    OpeningCredit(OpeningCredit),
    Payment(PaymentRow),
}
