//! The rows of a file by their kind.

use crate::import::{Located, Row};

/// The values of one kind, with their places. A file holds rows of its own kind only.
pub(super) fn pick<T>(rows: Vec<Located<Row>>, of: fn(Row) -> Option<T>) -> Vec<Located<T>> {
    rows.into_iter().filter_map(|row| of(row.value).map(|value| Located { value, source: row.source })).collect()
}

macro_rules! pickers {
    ($($name:ident, $variant:ident, $value:ty;)+) => {
        $(pub(super) fn $name(row: Row) -> Option<$value> {
            if let Row::$variant(value) = row { Some(value) } else { None }
        })+
    };
}

pickers! {
    seller, Seller, Box<crate::import::SellerRow>;
    tax_rate, TaxRate, crate::model::TaxRate;
    company, Company, Box<crate::model::Company>;
    contact, Contact, Box<crate::model::Contact>;
    contract, Contract, crate::model::Contract;
    contract_item, ContractItem, Box<crate::import::ContractItemRow>;
    price_tier, PriceTier, crate::import::TierRow;
    plan, Plan, crate::model::Plan;
    plan_item, PlanItem, Box<crate::model::PlanItem>;
    plan_tier, PlanTier, crate::import::PlanTierRow;
    contract_plan, ContractPlan, crate::import::ContractPlanRow;
    contract_pause, ContractPause, crate::model::Pause;
    discount, Discount, Box<crate::import::DiscountRow>;
    used, Usage, crate::model::Usage;
    billable_item, BillableItem, crate::model::BillableItem;
    opening_invoice, OpeningInvoice, crate::model::OpeningInvoice;
    opening_credit, OpeningCredit, crate::model::OpeningCredit;
    payment, Payment, crate::import::PaymentRow;
}
