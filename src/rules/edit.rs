//! A draft changed by hand: lines added, removed, set. Sums follow by the rules that make any invoice.

use super::exact::AmountError;
use super::pricing::amount;
use super::tax::{MissingRate, TaxTable, tax_code};
use super::totals::{Totals, add_up};
use crate::model::{
    Company, FullInvoice, Invalid, Invoice, InvoiceLine, InvoiceTax, LineKind, Money, Period, Seller, SourceKey, TaxCode, TaxRate,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What is to be changed. Lines are numbered from 1, as they stand before the change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    pub remove: Vec<u32>,
    pub set: Option<(u32, Fields)>,
    pub add: Option<Fields>,
}

/// What a line is given; None: what it has, or the default of a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    pub description: Option<String>,
    pub quantity: Option<Decimal>,
    pub unit: Option<String>,
    pub unit_price: Option<Decimal>,
    pub tax_code: Option<TaxCode>,
    /// The day of supply.
    pub dated: Option<NaiveDate>,
}

/// A draft as it is after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub invoice: FullInvoice,
    /// Billable items that it no longer bills.
    pub released: Vec<SourceKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("it has the lines 1 to {lines}, and no line {line}")]
    NoSuchLine { line: u32, lines: usize },
    #[error("line {0} cannot be both removed and set")]
    RemovedAndSet(u32),
    #[error("no line would be left")]
    Empty,
    #[error("a new line needs {0}")]
    Lacks(&'static str),
    #[error(transparent)]
    Rate(#[from] MissingRate),
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error(transparent)]
    Date(#[from] Invalid),
}

/// Whose taxes apply.
#[derive(Debug, Clone, Copy)]
pub struct Taxing<'a> {
    pub company: &'a Company,
    pub seller: &'a Seller,
    pub taxes: &'a TaxTable,
}

/// Changes a draft.
pub fn edit(draft: &FullInvoice, edit: &Edit, taxing: Taxing) -> Result<Edited, EditError> {
    let count = draft.lines.len();
    let named = edit.remove.iter().chain(edit.set.iter().map(|(line, _)| line));
    if let Some(line) = named.copied().find(|line| !(1..=count).contains(&(*line as usize))) {
        return Err(EditError::NoSuchLine { line, lines: count });
    }
    if let Some((line, _)) = edit.set.as_ref().filter(|(line, _)| edit.remove.contains(line)) {
        return Err(EditError::RemovedAndSet(*line));
    }
    let mut lines = Vec::with_capacity(count + 1);
    let mut rates = Vec::with_capacity(count + 1);
    let mut released = Vec::new();
    for (position, line) in (1..).zip(&draft.lines) {
        if edit.remove.contains(&position) {
            released.extend(line.source_key.clone());
            continue;
        }
        let (line, rate) = match edit.set.as_ref().filter(|(set, _)| *set == position) {
            Some((_, fields)) => set(line, fields, &draft.taxes, taxing)?,
            None => (line.clone(), rate_of(line, &draft.taxes, taxing)),
        };
        lines.push(line);
        rates.push(rate);
    }
    if let Some(fields) = &edit.add {
        let (line, rate) = added(&draft.head, fields, taxing)?;
        lines.push(line);
        rates.push(rate);
    }
    let start = lines.iter().map(|line| line.period.start()).min();
    let end = lines.iter().map(|line| line.period.end()).max();
    let Some((start, end)) = start.zip(end) else { return Err(EditError::Empty) };
    let rates: Vec<&TaxRate> = rates.iter().collect();
    let Totals { taxes, net, tax, total } = add_up(&mut lines, &rates, draft.head.currency, draft.head.tax_inclusive)?;
    let head = Invoice { period: Period::new(start, end)?, net, tax, total, stale: false, edited: true, ..draft.head.clone() };
    Ok(Edited { invoice: FullInvoice { head, lines, taxes }, released })
}

/// The tax of a line as it stands: of its code, or what its group says if the code has changed since.
fn rate_of(line: &InvoiceLine, groups: &[InvoiceTax], taxing: Taxing) -> TaxRate {
    let (category, rate) = (line.tax_category, line.tax_rate);
    let of_code = taxing.taxes.find(&taxing.seller.seller_id, &line.tax_code, line.period.last_day());
    if let Some(found) = of_code.ok().filter(|found| found.category == category && found.rate == rate) {
        return found.clone();
    }
    let group = groups.iter().find(|group| (group.category, group.rate) == (category, rate));
    let (name, note) = group.map_or_else(Default::default, |group| (group.name.clone(), group.note.clone()));
    let (seller_id, tax_code) = (taxing.seller.seller_id.clone(), line.tax_code.clone());
    TaxRate { seller_id, tax_code, valid_from: line.period.start(), category, rate, name, note }
}

fn set(line: &InvoiceLine, fields: &Fields, groups: &[InvoiceTax], taxing: Taxing) -> Result<(InvoiceLine, TaxRate), EditError> {
    let mut line = line.clone();
    let Fields { description, quantity, unit, unit_price, tax_code, dated } = fields.clone();
    let priced_anew = quantity.is_some() || unit_price.is_some();
    let taxed_anew = tax_code.is_some() || dated.is_some();
    line.description = description.unwrap_or(line.description);
    line.quantity = quantity.unwrap_or(line.quantity);
    line.unit = unit.unwrap_or(line.unit);
    line.unit_price = unit_price.unwrap_or(line.unit_price);
    line.tax_code = tax_code.unwrap_or(line.tax_code);
    if let Some(dated) = dated {
        line.period = Period::day(dated)?;
    }
    if priced_anew {
        line.amount = amount(line.quantity, line.unit_price, line.proration, line.amount.currency())?;
    }
    if !taxed_anew {
        let rate = rate_of(&line, groups, taxing);
        return Ok((line, rate));
    }
    let rate = taxing.taxes.find(&taxing.seller.seller_id, &line.tax_code, line.period.last_day())?.clone();
    (line.tax_category, line.tax_rate) = (rate.category, rate.rate.normalize());
    Ok((line, rate))
}

fn added(head: &Invoice, fields: &Fields, taxing: Taxing) -> Result<(InvoiceLine, TaxRate), EditError> {
    let Fields { description, quantity, unit, unit_price, tax_code: code, dated } = fields.clone();
    let description = description.filter(|text| !text.is_empty()).ok_or(EditError::Lacks("a description"))?;
    let unit_price = unit_price.ok_or(EditError::Lacks("a unit price"))?;
    let code = code.unwrap_or_else(|| tax_code(taxing.company, None, taxing.seller).clone());
    let period = Period::day(dated.unwrap_or(head.period.last_day()))?;
    let rate = taxing.taxes.find(&taxing.seller.seller_id, &code, period.last_day())?.clone();
    let quantity = quantity.unwrap_or(Decimal::ONE);
    let line = InvoiceLine {
        kind: LineKind::Manual,
        contract_id: None,
        item_id: None,
        source_key: None,
        description,
        quantity,
        unit: unit.unwrap_or_default(),
        unit_price,
        period,
        proration: None,
        details: Vec::new(),
        tax_code: code,
        tax_category: rate.category,
        tax_rate: rate.rate.normalize(),
        net: Money::zero(head.currency),
        amount: amount(quantity, unit_price, None, head.currency)?,
        corrects_line: None,
    };
    Ok((line, rate))
}
