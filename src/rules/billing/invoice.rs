//! The one place that makes an invoice of what it bills.

use super::charges::{Charge, calendar, charges};
use super::{Claim, Failure, Part, PlannedInvoice, Reference, Subject, discounts};
use crate::model::{BillableItem, Company, Currency, Invalid, InvoiceLine, LineKind, Money, Period, Seller, SellerId, TaxRate};
use crate::rules::periods::due_on;
use crate::rules::pricing::amount;
use crate::rules::schedule::alone_on;
use crate::rules::tax::tax_code;
use crate::rules::totals::add_up;
use chrono::NaiveDate;

/// Bills periods of contracts (one a contract) and items together. None when nothing is left to
/// bill: no version of any item is active in the periods, and there are no billable items.
///
/// Also what makes a stale draft or a voided invoice anew: the caller finds the periods again by
/// [`BillingCalendar::beginning_on`](crate::rules::periods::BillingCalendar::beginning_on).
pub fn build_invoice(
    company: &Company,
    reference: &Reference,
    parts: &[Part<'_>],
    items: &[&BillableItem],
) -> Result<Option<PlannedInvoice>, Failure> {
    let mut parts: Vec<&Part<'_>> = parts.iter().collect();
    parts.sort_by(|a, b| a.0.contract.contract_id.cmp(&b.0.contract.contract_id));
    let mut items = items.to_vec();
    items.sort_by(|a, b| (a.dated, &a.source_key).cmp(&(b.dated, &b.source_key)));
    let Some(common) = common_terms(&parts, &items)? else { return Ok(None) };

    let seller = reference.seller(common.seller_id)?;
    let mut draft = Draft::new(Taxing { company, seller, reference }, common);
    let mut billed: Vec<&Part<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        if draft.add_part(part)? {
            billed.push(part);
        }
    }
    for item in &items {
        draft.add_item(item)?;
    }
    draft.finish(&billed, &items)
}

/// Whether an item can be billed at all, its tax included; so that one that cannot does not take an invoice with it.
pub(super) fn check_item(company: &Company, reference: &Reference, item: &BillableItem) -> Result<(), Failure> {
    build_invoice(company, reference, &[], &[item]).map(|_| ())
}

/// What all that is on one invoice must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Common<'a> {
    pub seller_id: &'a SellerId,
    pub currency: Currency,
    pub tax_inclusive: bool,
}

impl<'a> Common<'a> {
    pub fn of_part(part: &'a Part<'_>) -> Self {
        let contract = &part.0.contract;
        Self { seller_id: &contract.seller_id, currency: contract.currency, tax_inclusive: contract.tax_inclusive }
    }

    pub fn of_item(item: &'a BillableItem) -> Self {
        Self { seller_id: &item.seller_id, currency: item.currency, tax_inclusive: item.tax_inclusive }
    }
}

/// None when there is nothing at all. A draft's contracts may have changed apart since it was made.
fn common_terms<'a>(parts: &[&'a Part<'_>], items: &[&'a BillableItem]) -> Result<Option<Common<'a>>, Failure> {
    let contracts = parts.iter().map(|part| (Common::of_part(part), Subject::Contract(part.0.contract.contract_id.clone())));
    let items = items.iter().map(|item| (Common::of_item(item), Subject::Item(item.source_key.clone())));
    let mut all = contracts.chain(items);
    let Some((common, first)) = all.next() else { return Ok(None) };
    match all.find(|(other, _)| *other != common) {
        Some((_, second)) => Err(Failure::Mixed { first, second }),
        None => Ok(Some(common)),
    }
}

/// Whose taxes a line is taxed by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taxing<'a> {
    pub company: &'a Company,
    pub seller: &'a Seller,
    pub reference: &'a Reference,
}

/// An invoice without its sums; `rates[i]` is the rate of `lines[i]`.
struct Draft<'a> {
    taxing: Taxing<'a>,
    common: Common<'a>,
    lines: Vec<InvoiceLine>,
    rates: Vec<&'a TaxRate>,
}

impl<'a> Draft<'a> {
    fn new(taxing: Taxing<'a>, common: Common<'a>) -> Self {
        Self { taxing, common, lines: Vec::new(), rates: Vec::new() }
    }

    /// False when nothing of the contract is billed in the period.
    fn add_part(&mut self, part: &Part<'_>) -> Result<bool, Failure> {
        let (facts, period) = part;
        let calendar = calendar(facts)?;
        let mut charges = charges(self.taxing, facts, &calendar, period)?;
        discounts::apply(&mut charges, facts, &calendar, period)?;
        let bills = !charges.is_empty();
        self.lines.reserve(charges.len());
        for Charge { line, rate, .. } in charges {
            self.lines.push(line);
            self.rates.push(rate);
        }
        Ok(bills)
    }

    fn add_item(&mut self, item: &BillableItem) -> Result<(), Failure> {
        let (line, rate) = item_line(self.taxing, item)?;
        self.lines.push(line);
        self.rates.push(rate);
        Ok(())
    }

    fn finish(mut self, parts: &[&Part<'_>], items: &[&BillableItem]) -> Result<Option<PlannedInvoice>, Failure> {
        let (Some(period), Some(due)) = (served(&self.lines)?, fell_due(parts, items, self.taxing.company)) else {
            return Ok(None);
        };
        let Common { currency, tax_inclusive, .. } = self.common;
        let totals = add_up(&mut self.lines, &self.rates, currency, tax_inclusive)
            .map_err(|error| Failure::Amount { line: "the sum of the invoice".to_owned(), error })?;
        let Taxing { company, seller, .. } = self.taxing;
        let claims: Vec<Claim> = parts
            .iter()
            .map(|(facts, period)| Claim { contract_id: facts.contract.contract_id.clone(), period: period.service })
            .collect();
        Ok(Some(PlannedInvoice {
            company_id: company.company_id.clone(),
            seller_id: seller.seller_id.clone(),
            currency,
            contract_id: if let [claim] = claims.as_slice() { Some(claim.contract_id.clone()) } else { None },
            due,
            period,
            payment_terms_days: parts.first().map_or_else(
                || company.payment_terms_days.unwrap_or(seller.payment_terms_days),
                |part| payment_terms_days(part, company, seller),
            ),
            tax_inclusive,
            reference: customer_reference(parts, company),
            lines: self.lines,
            taxes: totals.taxes,
            net: totals.net,
            tax: totals.tax,
            total: totals.total,
            claims,
            takes: items.iter().map(|item| item.source_key.clone()).collect(),
        }))
    }
}

/// Days from issue to due date: the contract's, or the company's, or the seller's.
pub(super) fn payment_terms_days(part: &Part<'_>, company: &Company, seller: &Seller) -> u16 {
    part.0.contract.payment_terms_days.or(company.payment_terms_days).unwrap_or(seller.payment_terms_days)
}

fn item_line<'a>(taxing: Taxing<'a>, item: &BillableItem) -> Result<(InvoiceLine, &'a TaxRate), Failure> {
    let named = || format!("item {}", item.source_key);
    let adjustment = item.adjustment.as_ref();
    // What is taken back is taxed as it was billed.
    let as_billed = adjustment.filter(|adjustment| adjustment.amount.minor() < 0).and(item.tax_code.as_ref());
    let code = as_billed.unwrap_or_else(|| tax_code(taxing.company, item.tax_code.as_ref(), taxing.seller));
    let rate = taxing
        .reference
        .taxes()
        .find(&taxing.seller.seller_id, code, adjustment.map_or(item.dated, |adjustment| adjustment.supplied_on))
        .map_err(|missing| Failure::MissingRate { line: named(), missing })?;
    let amount = match adjustment {
        Some(adjustment) => adjustment.amount,
        None => amount(item.quantity, item.unit_price, None, item.currency)
            .map_err(|error| Failure::Amount { line: named(), error })?,
    };
    let line = InvoiceLine {
        kind: if adjustment.is_some() { LineKind::Adjustment } else { LineKind::Item },
        contract_id: adjustment.map(|adjustment| adjustment.contract_id.clone()),
        item_id: adjustment.map(|adjustment| adjustment.item_id.clone()),
        source_key: Some(item.source_key.clone()),
        description: item.description.clone(),
        quantity: item.quantity,
        unit: item.unit.clone(),
        unit_price: item.unit_price,
        period: adjustment.map_or_else(|| Period::day(item.dated), |adjustment| Ok(adjustment.period))?,
        proration: adjustment.and_then(|adjustment| adjustment.proration),
        details: Vec::new(),
        tax_code: code.clone(),
        tax_category: rate.category,
        tax_rate: rate.rate.normalize(),
        net: Money::zero(item.currency),
        amount,
        corrects_line: None,
    };
    Ok((line, rate))
}

/// From the first to the last day of any line.
fn served(lines: &[InvoiceLine]) -> Result<Option<Period>, Invalid> {
    let start = lines.iter().map(|line| line.period.start()).min();
    let end = lines.iter().map(|line| line.period.end()).max();
    start.zip(end).map(|(start, end)| Period::new(start, end)).transpose()
}

/// The day from which it could have been billed.
fn fell_due(parts: &[&Part<'_>], items: &[&BillableItem], company: &Company) -> Option<NaiveDate> {
    let of_parts = parts.iter().map(|(facts, period)| due_on(facts.contract.timing, period.service)).min();
    of_parts.or_else(|| items.iter().map(|item| alone_on(item, company.billing_day)).min())
}

/// The references of the contracts (or else the company's), each once.
fn customer_reference(parts: &[&Part<'_>], company: &Company) -> String {
    let mut references: Vec<&str> = Vec::with_capacity(parts.len());
    for (facts, _) in parts {
        let own = facts.contract.reference.as_str();
        let reference = if own.is_empty() { company.reference.as_str() } else { own };
        if !reference.is_empty() && !references.contains(&reference) {
            references.push(reference);
        }
    }
    if parts.is_empty() { company.reference.clone() } else { references.join(", ") }
}
