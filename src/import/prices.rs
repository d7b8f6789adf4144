//! Rows of what prices are made of: the price of an item, its tiers, plans, discounts, usage. They
//! read the columns of their tables as `rows` does.

use super::cells::Cells;
use crate::model::{
    CompanyId, ContractId, Currency, DiscountId, ItemId, Off, Pause, Plan, PlanId, PlanItem, PriceModel, PriceTerms, TaxCode,
    Tier, Usage,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Whose item it is: only one of a contract may be priced by a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Contract,
    Plan,
}

/// The price of an item, whoever has it.
pub struct Priced {
    pub price_model: PriceModel,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub terms: PriceTerms,
    pub tax_code: Option<TaxCode>,
}

pub fn priced(cells: &mut Cells, own: Own) -> Option<Priced> {
    let price_model: Option<PriceModel> = cells.word("price_model");
    let quantity = cells.decimal("quantity");
    let unit = cells.line("unit");
    let unit_price = cells.decimal("unit_price");
    let tax_code = cells.parse("tax_code", str::parse);
    let package_size = cells.decimal("package_size");
    let included = cells.decimal("included").unwrap_or_default();
    let meter = cells.parse("meter", str::parse);
    let minimum = cells.decimal("minimum");
    if quantity.is_some_and(|q| q < Decimal::ZERO) {
        cells.refuse("quantity", "the quantity is below 0: to give money back, write a negative unit_price");
    }
    // Without its column the model is the one that stands: the upsert knows which.
    let model_here = price_model.filter(|_| cells.has("price_model"));
    if model_here.zip(quantity).is_some_and(|(model, quantity)| model.quantity(quantity) != quantity) {
        cells.refuse("quantity", FLAT_HAS_NO_QUANTITY);
    }
    if package_size.is_some_and(|size| size <= Decimal::ZERO) {
        cells.refuse("package_size", "a block has more than 0 units");
    }
    if included < Decimal::ZERO {
        cells.refuse("included", "units that cost nothing are 0 or more");
    }
    if minimum.is_some_and(|minimum| minimum < Decimal::ZERO) {
        cells.refuse("minimum", "a minimum is 0 or more");
    }
    let terms = PriceTerms { package_size, included, meter, minimum, tiers: None };
    match price_model {
        // Without its column the model is the one that stands; what that has not, the upsert refuses.
        Some(_) if !cells.has("price_model") && cells.is_blank("unit_price") => {
            cells.refuse("unit_price", "this must not be empty, unless a column price_model says that tiers or a plan have it")
        }
        Some(_) if !cells.has("price_model") => {}
        Some(model) => check_model(cells, own, model, unit_price, &terms),
        None => {}
    }
    // Where it may be left out, the upsert knows what stands.
    let elsewhere = price_model.is_some_and(|model| !model.has_price()) || !cells.has("unit_price");
    let unit_price = if elsewhere { Some(unit_price.unwrap_or_default()) } else { unit_price };
    Some(Priced { price_model: price_model?, quantity: quantity?, unit, unit_price: unit_price?, terms, tax_code })
}

/// What a model has, and what it has not.
fn check_model(cells: &mut Cells, own: Own, model: PriceModel, unit_price: Option<Decimal>, terms: &PriceTerms) {
    let elsewhere = match model {
        PriceModel::Graduated | PriceModel::Volume => Some("has its prices in tiers (price_tiers, plan_tiers)"),
        PriceModel::Plan => Some("has the price of the contract's plan"),
        _ => None,
    };
    match (elsewhere, unit_price) {
        (Some(elsewhere), Some(_)) => {
            cells.refuse("unit_price", format!("an item of price_model {model} {elsewhere}: leave this empty"))
        }
        (None, None) if cells.is_blank("unit_price") => cells.refuse("unit_price", "this must not be empty"),
        _ => {}
    }
    if model == PriceModel::Plan && own == Own::Plan {
        cells.refuse("price_model", "only an item of a contract has the price of a plan");
    }
    if model == PriceModel::Minimum && unit_price.is_some_and(|price| price < Decimal::ZERO) {
        cells.refuse("unit_price", "a minimum is 0 or more");
    }
    for column in terms.beyond(model) {
        cells.refuse(column, has_none(model));
    }
}

/// Why an item is refused what its model has not.
pub fn has_none(model: PriceModel) -> String {
    format!("an item of price_model {model} has none: leave this empty")
}

/// Why an item with a flat price and a quantity is refused.
pub const FLAT_HAS_NO_QUANTITY: &str =
    "a flat price is billed once, whatever the quantity: leave it empty, or make the model per_unit";

/// Why a discount of nothing is refused.
pub const NEEDS_OFF: &str = "write what is taken off, as percent or as amount";

/// One tier of an item of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierRow {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub item_id: ItemId,
    /// None: the first day that is not billed yet.
    pub valid_from: Option<NaiveDate>,
    pub tier: Tier,
}

/// One tier of an item of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTierRow {
    pub plan_id: PlanId,
    pub version: NaiveDate,
    pub item_id: ItemId,
    pub tier: Tier,
}

/// Which plan a contract is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractPlanRow {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    /// None: the first day that is not billed yet.
    pub valid_from: Option<NaiveDate>,
    /// None: on no plan any more.
    pub plan_id: Option<PlanId>,
    /// None: the latest that is offered then.
    pub version: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountRow {
    pub company_id: CompanyId,
    pub contract_id: ContractId,
    pub discount_id: DiscountId,
    pub item_id: Option<ItemId>,
    /// None: the first day that is not billed yet.
    pub valid_from: Option<NaiveDate>,
    pub periods: Option<u16>,
    /// None: the file has not both columns, and says nothing in the one it has.
    pub off: Option<Off>,
    pub description: String,
}

pub fn tier(cells: &mut Cells) -> Option<TierRow> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let item_id = cells.parse("item_id", str::parse);
    let valid_from = cells.service_date("valid_from");
    let tier = tier_cells(cells);
    Some(TierRow { company_id: company_id?, contract_id: contract_id?, item_id: item_id?, valid_from, tier: tier? })
}

pub fn plan_tier(cells: &mut Cells) -> Option<PlanTierRow> {
    let plan_id = cells.parse("plan_id", str::parse);
    let version = cells.service_date("version");
    let item_id = cells.parse("item_id", str::parse);
    let tier = tier_cells(cells);
    Some(PlanTierRow { plan_id: plan_id?, version: version?, item_id: item_id?, tier: tier? })
}

fn tier_cells(cells: &mut Cells) -> Option<Tier> {
    let up_to = cells.decimal("up_to");
    if !cells.has("up_to") {
        cells.refuse("up_to", "the file has no column up_to: it says where each tier ends");
    }
    let unit_price = cells.decimal("unit_price");
    let flat_fee = cells.decimal("flat_fee");
    if up_to.is_some_and(|limit| limit <= Decimal::ZERO) {
        cells.refuse("up_to", "tiers begin at 0: write the last quantity of this one, or nothing in the last tier");
    }
    Some(Tier { up_to, unit_price: unit_price?, flat_fee: flat_fee? })
}

pub fn plan(cells: &mut Cells) -> Option<Plan> {
    let plan_id = cells.parse("plan_id", str::parse);
    let valid_from = cells.service_date("valid_from");
    let name = cells.line("name");
    let currency: Option<Currency> = cells.word("currency");
    Some(Plan { plan_id: plan_id?, valid_from: valid_from?, name, currency: currency? })
}

pub fn plan_item(cells: &mut Cells) -> Option<PlanItem> {
    let plan_id = cells.parse("plan_id", str::parse);
    let version = cells.service_date("version");
    let item_id = cells.parse("item_id", str::parse);
    let description = cells.text("description");
    let Priced { price_model, quantity, unit, unit_price, terms, tax_code } = priced(cells, Own::Plan)?;
    Some(PlanItem {
        plan_id: plan_id?,
        version: version?,
        item_id: item_id?,
        description,
        price_model,
        quantity,
        unit,
        unit_price,
        terms,
        tax_code,
    })
}

pub fn contract_plan(cells: &mut Cells) -> Option<ContractPlanRow> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let valid_from = cells.service_date("valid_from");
    let plan_id = cells.parse("plan_id", str::parse);
    let version = cells.service_date("version");
    if plan_id.is_none() && version.is_some() {
        cells.refuse("version", "a version of which plan? Name the plan_id, or leave both empty for no plan any more");
    }
    Some(ContractPlanRow { company_id: company_id?, contract_id: contract_id?, valid_from, plan_id, version })
}

pub fn contract_pause(cells: &mut Cells) -> Option<Pause> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let from = cells.service_date("from");
    let until = cells.service_date("until");
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        cells.refuse("until", "the first day that is served again comes after the first that is not");
    }
    Some(Pause { company_id: company_id?, contract_id: contract_id?, from: from?, until })
}

pub fn discount(cells: &mut Cells) -> Option<DiscountRow> {
    let company_id = cells.parse("company_id", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let discount_id = cells.parse("discount_id", str::parse);
    let item_id = cells.parse("item_id", str::parse);
    let percent = cells.decimal("percent");
    let amount = cells.decimal("amount");
    let valid_from = cells.service_date("valid_from");
    let periods = cells.whole("periods", 1, 9999);
    let description = cells.text("description");
    if percent.is_some_and(|percent| percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED) {
        cells.refuse("percent", "a discount is above 0 and up to 100 percent");
    }
    if amount.is_some_and(|amount| amount <= Decimal::ZERO) {
        cells.refuse("amount", "a discount is above 0");
    }
    let off = match (percent, amount) {
        (Some(percent), None) => Some(Off::Percent(percent)),
        (None, Some(amount)) => Some(Off::Amount(amount)),
        (Some(_), Some(_)) => {
            cells.refuse("amount", "write either percent or amount, not both: two discounts have two discount_ids");
            None
        }
        (None, None) => {
            if cells.is_blank("percent") && cells.is_blank("amount") {
                cells.refuse("percent", NEEDS_OFF);
            }
            None
        }
    };
    Some(DiscountRow {
        company_id: company_id?,
        contract_id: contract_id?,
        discount_id: discount_id?,
        item_id,
        valid_from,
        periods,
        off,
        description,
    })
}

pub fn usage(cells: &mut Cells) -> Option<Usage> {
    let company_id = cells.parse("company_id", str::parse);
    let usage_key = cells.parse("usage_key", str::parse);
    let contract_id = cells.parse("contract_id", str::parse);
    let meter = cells.parse("meter", str::parse);
    let used_on = cells.service_date("used_on");
    let quantity = cells.decimal("quantity");
    if quantity.is_some_and(|quantity| quantity < Decimal::ZERO) {
        cells.refuse("quantity", "what was used is 0 or more: to correct a count, import its usage_key again with the right one");
    }
    Some(Usage {
        company_id: company_id?,
        usage_key: usage_key?,
        contract_id: contract_id?,
        meter: meter?,
        used_on: used_on?,
        quantity: quantity?,
    })
}
