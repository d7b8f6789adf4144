//! Invoices from draft to paid, their lines and tax groups.

use super::{
    CompanyId, ContractId, Currency, Invalid, InvoiceId, ItemId, Money, Period, SellerId, SourceKey, TaxCategory, TaxCode,
    text_enum,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

text_enum! {
    /// `draft → open → paid | void | uncollectible`; `uncollectible → paid | void`.
    pub enum InvoiceState ("invoice state") {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Void = "void",
        Uncollectible = "uncollectible",
    }
}

impl InvoiceState {
    /// Whether the life of an invoice has this step (semantics.md, invoice life).
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Draft => matches!(next, Self::Open),
            Self::Open => matches!(next, Self::Paid | Self::Void | Self::Uncollectible),
            Self::Uncollectible => matches!(next, Self::Paid | Self::Void),
            Self::Paid | Self::Void => false,
        }
    }
}

text_enum! {
    /// Where a line came from.
    pub enum LineKind ("line kind") {
        /// A contract item, for its period or a part of it.
        Recurring = "recurring",
        /// A billable item.
        Item = "item",
        /// A credit (below zero) or a charge for days of a billed period whose contract changed since.
        Adjustment = "adjustment",
    }
}

/// Days billed of the days in the full period; both 0 when the line is not prorated by days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Proration {
    pub days: u32,
    pub of_days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceLine {
    pub kind: LineKind,
    pub contract_id: Option<ContractId>,
    pub item_id: Option<ItemId>,
    pub source_key: Option<SourceKey>,
    pub description: String,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    /// The service period; a billable item has the one day of its date.
    pub period: Period,
    /// Some when only a part of the full period is billed.
    pub proration: Option<Proration>,
    pub tax_code: TaxCode,
    pub tax_category: TaxCategory,
    /// Percent.
    pub tax_rate: Decimal,
    /// Without tax, rounded once to the minor unit.
    pub net: Money,
    /// The amount as priced: equal to `net`, or with tax where prices include it.
    pub amount: Money,
}

/// The sum of one (category, rate) of an invoice: the tax is computed on it and rounded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceTax {
    pub category: TaxCategory,
    /// Percent.
    pub rate: Decimal,
    pub name: String,
    pub note: String,
    pub net: Money,
    pub tax: Money,
}

/// The head of an invoice. Amounts are in `currency`; dates are the seller's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invoice {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    pub state: InvoiceState,
    pub seller_id: SellerId,
    pub currency: Currency,
    /// The contract that it bills; None for consolidated invoices and for items that stand alone.
    pub contract_id: Option<ContractId>,
    /// From the first to the last day served by any of its lines.
    pub period: Period,
    /// 0, then one more each time that a voided invoice is regenerated.
    pub revision: u32,
    pub number: Option<String>,
    pub issued_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub payment_terms_days: u16,
    pub tax_inclusive: bool,
    pub reference: String,
    pub net: Money,
    pub tax: Money,
    pub total: Money,
    /// An input changed since the draft was made.
    pub stale: bool,
    /// Changed by hand: never rebuilt.
    pub edited: bool,
}

/// An invoice with all that is on it. In JSON the fields of the head stand beside `lines` and `taxes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FullInvoice {
    #[serde(flatten)]
    pub head: Invoice,
    pub lines: Vec<InvoiceLine>,
    pub taxes: Vec<InvoiceTax>,
}

impl Invoice {
    /// What people call it: its number, or its id while it is a draft.
    pub fn label(&self) -> &str {
        self.number.as_deref().unwrap_or(self.invoice_id.as_str())
    }

    /// Refuses a step that the life of an invoice does not have, in words.
    pub fn check_step(&self, next: InvoiceState) -> Result<(), Invalid> {
        if self.state.may_become(next) {
            Ok(())
        } else {
            Err(Invalid::new(format!("invoice {} is {} and cannot become {next}", self.label(), self.state)))
        }
    }
}
