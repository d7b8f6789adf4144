//! Invoices from draft to paid, their lines and tax groups.

use super::{
    CompanyId, ContractId, Currency, Invalid, InvoiceId, ItemId, Money, Period, SellerId, SourceKey, TaxCategory, TaxCode,
    text_enum,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// `draft → open → paid | void | uncollectible`; `uncollectible → paid | void`. A credit note is
    /// `issued` once and stays so.
    pub enum InvoiceState ("invoice state") {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Void = "void",
        Uncollectible = "uncollectible",
        Issued = "issued",
    }
}

impl InvoiceState {
    /// Whether the life of an invoice has this step (semantics.md, invoice life).
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Draft => matches!(next, Self::Open | Self::Issued),
            Self::Open => matches!(next, Self::Paid | Self::Void | Self::Uncollectible),
            Self::Uncollectible => matches!(next, Self::Paid | Self::Void),
            Self::Paid | Self::Void | Self::Issued => false,
        }
    }
}

text_enum! {
    /// Where a line came from.
    pub enum LineKind ("line kind") {
        /// A contract item, for its period or a part of it.
        Recurring = "recurring",
        /// What was used of a contract item.
        Usage = "usage",
        /// A contract item that is billed once.
        OneTime = "one_time",
        /// What is missing to a minimum.
        Minimum = "minimum",
        /// Taken off an item or a contract: negative.
        Discount = "discount",
        /// A billable item.
        Item = "item",
        /// Added to a draft by hand.
        Manual = "manual",
    }
}

/// What an invoice's row is: an invoice, or a credit note, which is numbered, frozen, printed and
/// kept in the same way. The amounts of both are what is billed or credited: above zero as a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InvoiceKind {
    /// EN 16931 type code 380.
    Invoice,
    /// EN 16931 type code 381.
    CreditNote(Correction),
}

/// What a credit note takes back, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correction {
    /// The invoice.
    pub corrects: InvoiceId,
    /// Printed on the credit note; may be empty.
    pub reason: String,
    /// What makes a repeated command do nothing; empty when none was given.
    pub key: String,
}

impl InvoiceKind {
    /// The word that stands for it in the database and in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote(_) => "credit_note",
        }
    }

    pub const fn correction(&self) -> Option<&Correction> {
        match self {
            Self::Invoice => None,
            Self::CreditNote(correction) => Some(correction),
        }
    }
}

/// Days billed of the days in the full period; both 0 when the line is not prorated by days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Proration {
    pub days: u32,
    pub of_days: u32,
}

/// How the figures of a line came about, beyond quantity × unit price × days. Amounts are in major
/// units of the invoice's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LineDetail {
    /// The units above `from`, up to `to`, have this price; None: without limit.
    Tier { from: Decimal, to: Option<Decimal> },
    /// The fee of that tier.
    TierFee { from: Decimal, to: Option<Decimal> },
    /// The tiers up to `to` in one line.
    Tiers { to: Decimal },
    /// The price for quantities above `from`, up to `to`.
    Volume { from: Decimal, to: Option<Decimal> },
    /// So many units, in blocks of `size`.
    Package { units: Decimal, size: Decimal },
    /// So many units, of which `included` cost nothing.
    Included { units: Decimal, included: Decimal },
    /// The minimum, and what was reached without it.
    Minimum { minimum: Decimal, reached: Decimal },
    /// So many percent of an amount.
    Percent { percent: Decimal, of: Decimal },
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
    pub details: Vec<LineDetail>,
    pub tax_code: TaxCode,
    pub tax_category: TaxCategory,
    /// Percent.
    pub tax_rate: Decimal,
    /// Without tax, rounded once to the minor unit.
    pub net: Money,
    /// The amount as priced: equal to `net`, or with tax where prices include it.
    pub amount: Money,
    /// The line of the invoice, from 1, of which a credit note's line takes something back.
    pub corrects_line: Option<u32>,
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
    #[serde(flatten)]
    pub kind: InvoiceKind,
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

    pub const fn is_credit_note(&self) -> bool {
        matches!(self.kind, InvoiceKind::CreditNote(_))
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
