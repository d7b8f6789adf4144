//! Export: what stands in the database as the rows that import reads, kind by kind, company by
//! company. Memory grows with the rows of one page of companies, never with the table.
//!
//! A new kind does not compile without its arm in [`rows`].

use crate::error::{Error, Result};
use crate::import::{ContractItemRow, ContractPlanRow, DiscountRow, Kind, PaymentRow, PlanTierRow, Row, SellerRow, TierRow};
use crate::model::{BillableItem, ContractItem, ContractPlan, Discount, InvoiceState, PlanItem, PriceTerms, Tier, Usage};
use crate::rules::pricing::is_agreed_usage;
use crate::store::{StoreError, Tx, companies, contacts, contracts, items, openings, pauses, payments, plans, sellers, usage};

use super::contracts::MOVED;
use super::import::standing::Scope;
use rust_decimal::Decimal;

/// Companies whose rows are read together.
const PAGE: u32 = 200;
/// Before and after every id.
const ALL_IDS: (&str, &str) = ("", "\u{10FFFF}");

/// The file of a seller's logo, which lies beside the file of sellers.
pub struct Logo {
    pub file_name: String,
    pub content: Vec<u8>,
}

/// Keeps a logo beside the file of sellers.
pub type KeepLogo<'a> = &'a dyn Fn(&Logo) -> Result<()>;

/// What is done with the rows.
#[derive(Clone, Copy, Default)]
pub struct Way<'a> {
    /// Keeps a logo, before the sellers that name it; None leaves them out.
    pub keep_logo: Option<KeepLogo<'a>>,
    /// Only what an empty database can take, and what is still to be done: payments are of invoices, of which only those
    /// that were taken over go along, and an item that is on an issued invoice would be billed again. Otherwise the rows
    /// are for the database that they come from, which knows what is billed.
    pub for_an_empty_database: bool,
}

/// Hands over every row of a kind, by its key.
pub fn rows(tx: &mut Tx, kind: Kind, way: Way, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    match kind {
        Kind::Sellers => sellers_with_logos(tx, way, each),
        Kind::TaxRates => sellers::tax_rates(tx)?.into_iter().try_for_each(|rate| each(Row::TaxRate(rate))),
        Kind::Companies => by_company(tx, each, |tx, ids| {
            Ok(companies::by_ids(tx, ids)?.into_iter().map(|company| Row::Company(Box::new(company))).collect())
        }),
        Kind::Contacts => by_company(tx, each, |tx, ids| {
            Ok(contacts::of_companies(tx, ids)?.into_iter().map(|contact| Row::Contact(Box::new(contact))).collect())
        }),
        Kind::Contracts => by_company(tx, each, |tx, ids| {
            Ok(contracts::of_companies(tx, ids, ALL_IDS)?.into_iter().map(Row::Contract).collect())
        }),
        Kind::ContractItems => by_company(tx, each, |tx, ids| {
            Ok(contracts::items_of_companies(tx, ids, ALL_IDS)?
                .into_iter()
                .map(|item| Row::ContractItem(Box::new(version(item))))
                .collect())
        }),
        Kind::PriceTiers => by_company(tx, each, |tx, ids| {
            Ok(contracts::items_of_companies(tx, ids, ALL_IDS)?.iter().flat_map(price_tiers).collect())
        }),
        Kind::Plans => plans::all(tx)?.into_iter().try_for_each(|plan| each(Row::Plan(plan))),
        Kind::PlanItems => plans::items(tx)?.into_iter().try_for_each(|item| each(Row::PlanItem(Box::new(item)))),
        Kind::PlanTiers => plans::items(tx)?.iter().flat_map(plan_tiers).try_for_each(each),
        Kind::ContractPlans => by_company(tx, each, |tx, ids| {
            let found = plans::of_companies(tx, ids, ALL_IDS)?;
            Ok(found.into_iter().map(|on| Row::ContractPlan(contract_plan(on))).collect())
        }),
        Kind::ContractPauses => by_company(tx, each, |tx, ids| {
            let mut found = pauses::of_companies(tx, ids)?;
            // One that was taken back is none.
            found.retain(|pause| pause.until != Some(pause.from));
            Ok(found.into_iter().map(Row::ContractPause).collect())
        }),
        Kind::Discounts => by_company(tx, each, |tx, ids| {
            let found = usage::discounts_of_companies(tx, ids, ALL_IDS)?;
            Ok(found.into_iter().map(|one| Row::Discount(Box::new(discount(one)))).collect())
        }),
        Kind::Usage => by_company(tx, each, used),
        Kind::BillableItems => by_company(tx, each, |tx, ids| billable(tx, ids, way)),
        Kind::Payments => by_company(tx, each, |tx, ids| {
            let mut paid = payments::of_companies(tx, ids)?;
            paid.retain(|paid| paid.of_opening || !way.for_an_empty_database);
            Ok(paid.into_iter().map(|paid| Row::Payment(PaymentRow { invoice: paid.invoice, payment: paid.payment })).collect())
        }),
        Kind::OpeningInvoices => {
            by_company(tx, each, |tx, ids| Ok(openings::of_companies(tx, ids)?.into_iter().map(Row::OpeningInvoice).collect()))
        }
        Kind::OpeningCredits => by_company(tx, each, |tx, ids| {
            Ok(openings::credits_of_companies(tx, ids)?.into_iter().map(Row::OpeningCredit).collect())
        }),
    }
}

fn used(tx: &mut Tx, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
    let all = Scope { companies: ids.to_vec(), range: ALL_IDS };
    let (contracts, items) = (all.contracts(tx)?, all.items(tx)?);
    // What a change has left unbilled import would refuse.
    let is_billed = |used: &Usage| {
        let key = (used.company_id.clone(), used.contract_id.clone());
        let agreed = contracts.get(&key).zip(items.get(&key));
        agreed.is_some_and(|(contract, items)| is_agreed_usage(contract, items, &used.meter, used.used_on))
    };
    Ok(usage::of_companies(tx, ids)?.into_iter().filter(is_billed).map(Row::Usage).collect())
}

fn billable(tx: &mut Tx, ids: &[&str], way: Way) -> Result<Vec<Row>, StoreError> {
    // What a voided invoice has comes back only by a new revision of it, which stays behind as well.
    let is_to_be_billed = |taken: Option<InvoiceState>| matches!(taken, None | Some(InvoiceState::Draft));
    let mut found = items::of_companies(tx, ids)?;
    found.retain(|(item, taken)| is_to_be_billed(*taken) || item.adjustment.is_none() && !way.for_an_empty_database);
    let mut found: Vec<BillableItem> = found.into_iter().filter_map(|(item, _)| as_imported(item)).collect();
    found.sort_by(|a, b| (&a.company_id, &a.source_key).cmp(&(&b.company_id, &b.source_key)));
    Ok(found.into_iter().map(Row::BillableItem).collect())
}

/// An item as import takes it. What a change of a contract credits or charges stands with the invoices that it
/// corrects; while it is still to be billed, it goes along as an item of its own, under another key.
fn as_imported(item: BillableItem) -> Option<BillableItem> {
    let Some(adjustment) = &item.adjustment else { return Some(item) };
    let amount = adjustment.amount.to_decimal();
    let source_key = format!("{MOVED}{}", item.source_key).parse().ok()?;
    let description = format!("{}, {}", item.description, adjustment.period);
    Some(BillableItem {
        source_key,
        dated: adjustment.supplied_on,
        description,
        quantity: Decimal::ONE,
        unit: String::new(),
        unit_price: amount,
        adjustment: None,
        ..item
    })
}

fn sellers_with_logos(tx: &mut Tx, way: Way, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    for seller in sellers::all(tx)? {
        let logo = match way.keep_logo {
            Some(keep) if !seller.logo_sha256.is_empty() => Some(logo(tx, &seller.logo_sha256, keep)?),
            _ => None,
        };
        each(Row::Seller(Box::new(SellerRow { seller, logo })))?;
    }
    Ok(())
}

/// The rows of all companies, page by page.
fn by_company(
    tx: &mut Tx,
    each: &mut dyn FnMut(Row) -> Result<()>,
    of: impl Fn(&mut Tx, &[&str]) -> Result<Vec<Row>, StoreError>,
) -> Result<()> {
    let mut after = String::new();
    loop {
        let ids = companies::ids(tx, &after, PAGE)?;
        let Some(last) = ids.last() else { return Ok(()) };
        let page = of(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>())?;
        after.clone_from(last);
        page.into_iter().try_for_each(&mut *each)?;
    }
}

/// A version with its own first day: the row that puts it where it stands.
fn version(item: ContractItem) -> ContractItemRow {
    ContractItemRow {
        company_id: item.company_id,
        contract_id: item.contract_id,
        item_id: item.item_id,
        valid_from: Some(item.valid_from),
        end: item.end,
        description: item.description,
        price_model: item.price_model,
        quantity: item.price_model.quantity(item.quantity),
        unit: item.unit,
        unit_price: item.unit_price,
        terms: item.terms,
        tax_code: item.tax_code,
    }
}

fn tiers(terms: &PriceTerms) -> impl Iterator<Item = Tier> {
    terms.tiers.iter().flat_map(|tiers| tiers.as_slice().to_vec())
}

fn price_tiers(item: &ContractItem) -> impl Iterator<Item = Row> {
    tiers(&item.terms).map(|tier| {
        Row::PriceTier(TierRow {
            company_id: item.company_id.clone(),
            contract_id: item.contract_id.clone(),
            item_id: item.item_id.clone(),
            valid_from: Some(item.valid_from),
            tier,
        })
    })
}

fn plan_tiers(item: &PlanItem) -> impl Iterator<Item = Row> {
    tiers(&item.terms).map(|tier| {
        Row::PlanTier(PlanTierRow { plan_id: item.plan_id.clone(), version: item.version, item_id: item.item_id.clone(), tier })
    })
}

fn contract_plan(on: ContractPlan) -> ContractPlanRow {
    let (plan_id, version) = on.plan.unzip();
    ContractPlanRow { company_id: on.company_id, contract_id: on.contract_id, valid_from: Some(on.valid_from), plan_id, version }
}

fn discount(one: Discount) -> DiscountRow {
    DiscountRow {
        company_id: one.company_id,
        contract_id: one.contract_id,
        discount_id: one.discount_id,
        item_id: one.item_id,
        valid_from: Some(one.valid_from),
        periods: one.periods,
        off: Some(one.off),
        description: one.description,
    }
}

/// Hands over a logo under a name that its content decides, and returns the name.
fn logo(tx: &mut Tx, sha256: &str, keep: &dyn Fn(&Logo) -> Result<()>) -> Result<String> {
    let content = sellers::asset(tx, sha256)?
        .ok_or_else(|| Error::failed(format!("the logo {sha256} is missing")).hint("finops db check tells what else is"))?;
    // By the first byte of PNG and of JPEG: nothing else is printed as a logo.
    let extension = if content.first() == Some(&0x89) { "png" } else { "jpg" };
    let file_name = format!("logo-{}.{extension}", sha256.get(..12).unwrap_or(sha256));
    keep(&Logo { file_name: file_name.clone(), content })?;
    Ok(file_name)
}
