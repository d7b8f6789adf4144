//! Tax categories and rates. A rate is in force from a date until the next one of the same code.

use super::{SellerId, TaxCode, text_enum};
use chrono::NaiveDate;
use rust_decimal::Decimal;

text_enum! {
    /// The VAT category codes that EN 16931 takes from UNTDID 5305.
    pub enum TaxCategory ("tax category") {
        /// Standard or reduced rate.
        Standard = "S",
        /// Zero rated goods.
        Zero = "Z",
        /// Exempt from tax.
        Exempt = "E",
        /// Reverse charge: the buyer owes the tax.
        ReverseCharge = "AE",
        /// Intra-community supply of goods.
        IntraCommunity = "K",
        /// Export outside the EU.
        Export = "G",
        /// Outside the scope of tax.
        OutOfScope = "O",
    }
}

impl TaxCategory {
    /// Whether the category may carry a rate above zero (EN 16931 BR-S-05 against BR-Z-05, BR-E-05,
    /// BR-AE-05, BR-IC-05, BR-G-05, BR-O-05).
    pub const fn allows_rate(self) -> bool {
        matches!(self, Self::Standard)
    }

    /// Whether an invoice in this category must say why no tax is charged (BR-E-10, BR-AE-10, BR-IC-10, BR-G-10, BR-O-10).
    pub const fn needs_reason(self) -> bool {
        !matches!(self, Self::Standard | Self::Zero)
    }

    /// What EN 16931 calls the category in the names of its rules: BR-AE-02, BR-IC-02.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::IntraCommunity => "IC",
            other => other.as_str(),
        }
    }

    /// Whether an invoice in this category must name the buyer's tax id (EN 16931 BR-AE-02, BR-IC-02).
    pub const fn needs_buyer_tax_id(self) -> bool {
        matches!(self, Self::ReverseCharge | Self::IntraCommunity)
    }
}

/// How one seller taxes under one code, from a date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRate {
    pub seller_id: SellerId,
    pub tax_code: TaxCode,
    /// First supply date to which it applies.
    pub valid_from: NaiveDate,
    pub category: TaxCategory,
    /// Percent: 19 is 19 %.
    pub rate: Decimal,
    /// What the document calls it: `VAT 19 %`.
    pub name: String,
    /// The legal note printed beside a category without tax; may be empty where none is needed.
    pub note: String,
}
