//! Plans: price lists that contracts refer to. A version is known by the day from which it is offered.

use super::contract::PriceTerms;
use super::{CompanyId, ContractId, Currency, ItemId, PlanId, PriceModel, TaxCode};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One version of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub plan_id: PlanId,
    /// First day on which the version is offered. A contract keeps its version all the same.
    pub valid_from: NaiveDate,
    pub name: String,
    pub currency: Currency,
}

/// An item of one version of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanItem {
    pub plan_id: PlanId,
    pub version: NaiveDate,
    pub item_id: ItemId,
    pub description: String,
    pub price_model: PriceModel,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub terms: PriceTerms,
    /// None: the seller's default.
    pub tax_code: Option<TaxCode>,
}

/// Which version of which plan a contract is on, from `valid_from` until the next row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractPlan {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub valid_from: NaiveDate,
    /// None: on no plan any more.
    pub plan: Option<(PlanId, NaiveDate)>,
}
