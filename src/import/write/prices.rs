//! The cells of what prices are made of, as `super::super::prices` reads them.

use super::{maybe, of, text};
use crate::import::{ContractItemRow, ContractPlanRow, DiscountRow, PlanTierRow, TierRow};
use crate::model::{Off, Pause, Plan, PlanItem, PriceModel, PriceTerms, TaxCode, Tier, Usage};
use rust_decimal::Decimal;
use std::borrow::Cow;

pub fn contract_item(i: &ContractItemRow) -> Vec<Cow<'_, str>> {
    let mut cells = vec![text(&i.company_id), text(&i.contract_id), text(&i.item_id), maybe(i.valid_from), maybe(i.end)];
    cells.extend([of(&i.description), text(i.price_model), text(i.quantity), of(&i.unit)]);
    cells.extend(price(i.price_model, i.unit_price, i.tax_code.as_ref(), &i.terms));
    cells
}

pub fn price_tier(t: &TierRow) -> Vec<Cow<'_, str>> {
    let key = [text(&t.company_id), text(&t.contract_id), text(&t.item_id), maybe(t.valid_from)];
    key.into_iter().chain(tier(&t.tier)).collect()
}

pub fn plan(p: &Plan) -> Vec<Cow<'_, str>> {
    vec![text(&p.plan_id), text(p.valid_from), of(&p.name), text(p.currency)]
}

pub fn plan_item(i: &PlanItem) -> Vec<Cow<'_, str>> {
    let mut cells = vec![text(&i.plan_id), text(i.version), text(&i.item_id), of(&i.description)];
    cells.extend([text(i.price_model), text(i.quantity), of(&i.unit)]);
    cells.extend(price(i.price_model, i.unit_price, i.tax_code.as_ref(), &i.terms));
    cells
}

pub fn plan_tier(t: &PlanTierRow) -> Vec<Cow<'_, str>> {
    [text(&t.plan_id), text(t.version), text(&t.item_id)].into_iter().chain(tier(&t.tier)).collect()
}

pub fn contract_plan(c: &ContractPlanRow) -> Vec<Cow<'_, str>> {
    let contract = [text(&c.company_id), text(&c.contract_id), maybe(c.valid_from)];
    contract.into_iter().chain([maybe(c.plan_id.as_ref()), maybe(c.version)]).collect()
}

pub fn contract_pause(p: &Pause) -> Vec<Cow<'_, str>> {
    vec![text(&p.company_id), text(&p.contract_id), text(p.from), maybe(p.until)]
}

pub fn discount(d: &DiscountRow) -> Vec<Cow<'_, str>> {
    let (percent, amount) = match d.off {
        Some(Off::Percent(percent)) => (text(percent), of("")),
        Some(Off::Amount(amount)) => (of(""), text(amount)),
        None => (of(""), of("")),
    };
    let key = [text(&d.company_id), text(&d.contract_id), text(&d.discount_id), maybe(d.item_id.as_ref())];
    key.into_iter().chain([percent, amount, maybe(d.valid_from), maybe(d.periods), of(&d.description)]).collect()
}

pub fn usage(u: &Usage) -> Vec<Cow<'_, str>> {
    let key = [text(&u.company_id), text(&u.usage_key), text(&u.contract_id)];
    key.into_iter().chain([text(&u.meter), text(u.used_on), text(u.quantity)]).collect()
}

/// From the unit price on. A model whose price stands elsewhere has none here.
fn price<'a>(model: PriceModel, unit_price: Decimal, tax_code: Option<&TaxCode>, terms: &PriceTerms) -> [Cow<'a, str>; 6] {
    let PriceTerms { package_size, included, meter, minimum, tiers: _ } = terms;
    [
        maybe(Some(unit_price).filter(|_| model.has_price())),
        maybe(tax_code),
        maybe(*package_size),
        text(included),
        maybe(meter.as_ref()),
        maybe(*minimum),
    ]
}

fn tier(t: &Tier) -> [Cow<'_, str>; 3] {
    [maybe(t.up_to), text(t.unit_price), text(t.flat_fee)]
}
