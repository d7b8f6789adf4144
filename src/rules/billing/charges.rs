//! What a contract is charged in one period, line by line: its items by their price models, what was
//! used, minimums; discounts come after (`discounts`).
//!
//! Usage is billed when its period is over: in arrears with the period itself, in advance with the
//! next one, under its own dates. A minimum is compared with what is charged before discounts. One of
//! an item counts the days of that item; one of a contract (model `minimum`) counts all that is charged
//! for the period but what is billed once, and is settled along with the usage if there is any.

use super::invoice::Taxing;
use super::{ContractFacts, Failure};
use crate::model::invoice::{LineDetail, Proration};
use crate::model::{ContractItem, Currency, InvoiceLine, LineKind, Money, Period, PriceModel, TaxRate};
use crate::rules::exact::{AmountError, to_money};
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::rules::pricing::{Count, Priced, Segment, amount, price, proration, segments, used};
use crate::rules::tax::tax_code;
use rust_decimal::Decimal;

/// A line, the rate that it is taxed by, and the place of the period that it is for.
#[derive(Debug, Clone)]
pub(super) struct Charge<'a> {
    pub line: InvoiceLine,
    pub rate: &'a TaxRate,
    /// See [`BillingCalendar::index_of`].
    pub period: i64,
    /// Days of the item in the period, of the days in the full period; for discounts of fixed amounts.
    pub days: Proration,
}

/// The boundaries of a contract, with the closing period that its usage may need.
pub fn calendar(facts: &ContractFacts) -> Result<BillingCalendar, Failure> {
    let metered = facts.items.iter().any(|item| item.terms.meter.is_some());
    Ok(BillingCalendar::new(&facts.contract)?.metered(metered))
}

/// Whether anything is billed in a period. A closing period without any usage or minimum is not.
pub fn bills(facts: &ContractFacts, calendar: &BillingCalendar, period: &ServicePeriod) -> bool {
    let survey = Survey { facts, calendar };
    let agreed = !calendar.is_closing(period)
        && segments(&facts.items, period.service).iter().any(|segment| survey.is_agreed(segment, period));
    let usage = calendar.usage_of(period).is_some_and(|of| {
        let segments = segments(&facts.items, of.service);
        let counts = |segment: &Segment<'_>| {
            let minimum = segment.item.terms.minimum.is_some() || segment.item.price_model == PriceModel::Minimum;
            !calendar.is_closing(period) || minimum || !survey.used(segment).is_ok_and(|used| used.is_zero())
        };
        is_metered(&segments) && segments.iter().any(counts)
    });
    agreed || usage
}

/// The lines of a contract for one period, without discounts.
pub(super) fn charges<'a>(
    taxing: Taxing<'a>,
    facts: &ContractFacts,
    calendar: &BillingCalendar,
    period: &ServicePeriod,
) -> Result<Vec<Charge<'a>>, Failure> {
    let maker = Maker { taxing, survey: Survey { facts, calendar }, currency: facts.contract.currency };
    let usage_of = calendar.usage_of(period);
    let own = if calendar.is_closing(period) { Vec::new() } else { segments(&facts.items, period.service) };
    let mut charges = Vec::with_capacity(own.len());
    maker.agreed(&mut charges, &own, period)?;
    let in_arrears = usage_of.as_ref() == Some(period);
    if in_arrears {
        maker.usage(&mut charges, &own, period)?;
    }
    if in_arrears || !is_metered(&own) {
        maker.contract_minimums(&mut charges, &own, period, 0)?;
    }
    if let Some(before) = usage_of.filter(|_| !in_arrears) {
        let segments = segments(&facts.items, before.service);
        if is_metered(&segments) {
            // What was agreed for that period was billed with it; here it only counts.
            let mut billed = Vec::new();
            maker.agreed(&mut billed, &segments, &before)?;
            let mut settled = Vec::new();
            maker.usage(&mut settled, &segments, &before)?;
            maker.contract_minimums(&mut settled, &segments, &before, sum(&billed))?;
            charges.append(&mut settled);
        }
    }
    Ok(charges)
}

/// What was agreed for these days of a period, without what is used, minimums of the contract and discounts.
pub(super) fn agreed<'a>(
    taxing: Taxing<'a>,
    facts: &ContractFacts,
    calendar: &BillingCalendar,
    period: &ServicePeriod,
) -> Result<Vec<Charge<'a>>, Failure> {
    let maker = Maker { taxing, survey: Survey { facts, calendar }, currency: facts.contract.currency };
    let mut charges = Vec::new();
    maker.agreed(&mut charges, &segments(&facts.items, period.service), period)?;
    Ok(charges)
}

fn is_metered(segments: &[Segment<'_>]) -> bool {
    segments.iter().any(|segment| segment.item.terms.meter.is_some())
}

/// What the charges come to in minor units, without what is billed once.
fn sum(charges: &[Charge<'_>]) -> i128 {
    let recurring = charges.iter().filter(|charge| charge.line.kind != LineKind::OneTime);
    recurring.map(|charge| i128::from(charge.line.amount.minor())).sum()
}

struct Survey<'f> {
    facts: &'f ContractFacts,
    calendar: &'f BillingCalendar,
}

impl Survey<'_> {
    /// Whether a segment is billed by what was agreed, with its own period.
    fn is_agreed(&self, segment: &Segment<'_>, period: &ServicePeriod) -> bool {
        if segment.item.terms.meter.is_some() {
            return false;
        }
        match segment.item.price_model {
            PriceModel::OneTime => self.once_on(segment.item).is_some_and(|day| segment.days.contains(day)),
            PriceModel::Minimum => !is_metered(&segments(&self.facts.items, period.service)),
            PriceModel::Flat
            | PriceModel::PerUnit
            | PriceModel::Graduated
            | PriceModel::Volume
            | PriceModel::Package
            | PriceModel::Plan => true,
        }
    }

    /// The day on which an item is billed that is billed once: the first on which it is served, after
    /// a trial if there is one. None when that was before this system billed the contract.
    fn once_on(&self, item: &ContractItem) -> Option<chrono::NaiveDate> {
        let contract = &self.facts.contract;
        let paid_from = contract.paid_from();
        let versions = self.facts.items.iter().filter(|version| version.item_id == item.item_id);
        let served = versions.filter_map(|version| {
            let day = version.valid_from.max(paid_from);
            version.end.is_none_or(|end| day < end).then_some(day)
        });
        served.min().filter(|day| *day >= contract.billed_from())
    }

    fn used(&self, segment: &Segment<'_>) -> Result<Decimal, AmountError> {
        match &segment.item.terms.meter {
            Some(meter) => used(&self.facts.usage, meter, segment.days),
            None => Ok(Decimal::ZERO),
        }
    }
}

struct Maker<'a, 'f> {
    taxing: Taxing<'a>,
    survey: Survey<'f>,
    currency: Currency,
}

impl<'a> Maker<'a, '_> {
    fn agreed(&self, into: &mut Vec<Charge<'a>>, segments: &[Segment<'_>], period: &ServicePeriod) -> Result<(), Failure> {
        for segment in segments.iter().filter(|segment| self.survey.is_agreed(segment, period)) {
            match segment.item.price_model {
                PriceModel::Minimum => {}
                PriceModel::OneTime => {
                    let once = self.survey.once_on(segment.item).and_then(|day| Period::day(day).ok());
                    let days = once.unwrap_or(segment.days);
                    self.item(into, &Segment { item: segment.item, days }, period, LineKind::OneTime, Count::Agreed)?;
                }
                PriceModel::Plan => return Err(Failure::NoPlanPrice { line: named(segment.item), on: segment.days.start() }),
                _ => self.item(into, segment, period, LineKind::Recurring, Count::Agreed)?,
            }
        }
        Ok(())
    }

    fn usage(&self, into: &mut Vec<Charge<'a>>, segments: &[Segment<'_>], period: &ServicePeriod) -> Result<(), Failure> {
        for segment in segments.iter().filter(|segment| segment.item.terms.meter.is_some()) {
            let used = self.survey.used(segment).map_err(|error| failed(segment.item, error))?;
            self.item(into, segment, period, LineKind::Usage, Count::Used(used))?;
        }
        Ok(())
    }

    /// The lines of one segment, and what is missing to the minimum of its item.
    fn item(
        &self,
        into: &mut Vec<Charge<'a>>,
        segment: &Segment<'_>,
        period: &ServicePeriod,
        kind: LineKind,
        count: Count,
    ) -> Result<(), Failure> {
        let item = segment.item;
        let part = proration(segment.days, period.full);
        let priced = price(item, count, part, self.currency).map_err(|error| failed(item, error))?;
        let mut reached = 0;
        for priced in priced {
            reached += i128::from(priced.amount.minor());
            into.push(self.charge(segment, period, kind, priced)?);
        }
        if let Some(minimum) = item.terms.minimum {
            into.extend(self.missing(segment, period, minimum, reached)?);
        }
        Ok(())
    }

    /// What is missing to the minimums of the contract. `billed` counts on top of the charges.
    fn contract_minimums(
        &self,
        charges: &mut Vec<Charge<'a>>,
        segments: &[Segment<'_>],
        period: &ServicePeriod,
        billed: i128,
    ) -> Result<(), Failure> {
        if !segments.iter().any(|segment| segment.item.price_model == PriceModel::Minimum) {
            return Ok(());
        }
        let reached = billed + sum(charges);
        let minimums: Vec<&Segment<'_>> =
            segments.iter().filter(|segment| segment.item.price_model == PriceModel::Minimum).collect();
        for versions in minimums.chunk_by(|a, b| a.item.item_id == b.item.item_id) {
            // Where the minimum changed within the period, what each version asks for adds up.
            let mut open = reached;
            for segment in versions {
                let part = proration(segment.days, period.full);
                let asked = amount(Decimal::ONE, segment.item.unit_price, part, self.currency);
                let asked = i128::from(asked.map_err(|error| failed(segment.item, error))?.minor());
                let counted = open.min(asked);
                charges.extend(self.missing(segment, period, segment.item.unit_price, counted)?);
                open -= counted;
            }
        }
        Ok(())
    }

    /// A line for what is missing to a minimum of a full period; None when it is reached.
    fn missing(
        &self,
        segment: &Segment<'_>,
        period: &ServicePeriod,
        minimum: Decimal,
        reached: i128,
    ) -> Result<Option<Charge<'a>>, Failure> {
        let error = |error| failed(segment.item, error);
        let minimum = amount(Decimal::ONE, minimum, proration(segment.days, period.full), self.currency).map_err(error)?;
        let missing = i128::from(minimum.minor()) - reached;
        if missing <= 0 {
            return Ok(None);
        }
        let amount = to_money(missing, self.currency).map_err(error)?;
        let reached = to_money(reached, self.currency).map_err(error)?.to_decimal();
        let priced = Priced {
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: amount.to_decimal(),
            proration: None,
            details: vec![LineDetail::Minimum { minimum: minimum.to_decimal(), reached }],
            amount,
        };
        self.charge(segment, period, LineKind::Minimum, priced).map(Some)
    }

    fn charge(
        &self,
        segment: &Segment<'_>,
        period: &ServicePeriod,
        kind: LineKind,
        priced: Priced,
    ) -> Result<Charge<'a>, Failure> {
        let item = segment.item;
        let code = tax_code(self.taxing.company, item.tax_code.as_ref(), self.taxing.seller);
        let rates = self.taxing.reference.taxes();
        let rate = rates
            .find(&self.taxing.seller.seller_id, code, segment.days.last_day())
            .map_err(|missing| Failure::MissingRate { line: named(item), missing })?;
        let line = InvoiceLine {
            kind,
            contract_id: Some(item.contract_id.clone()),
            item_id: Some(item.item_id.clone()),
            source_key: None,
            description: item.description.clone(),
            quantity: priced.quantity,
            unit: priced.unit,
            unit_price: priced.unit_price,
            period: segment.days,
            proration: priced.proration,
            details: priced.details,
            tax_code: code.clone(),
            tax_category: rate.category,
            tax_rate: rate.rate.normalize(),
            net: Money::zero(self.currency),
            amount: priced.amount,
            corrects_line: None,
        };
        let days = Proration { days: segment.days.days(), of_days: period.full.days() };
        Ok(Charge { line, rate, period: self.survey.calendar.index_of(period), days })
    }
}

fn named(item: &ContractItem) -> String {
    format!("contract {}, item {}", item.contract_id, item.item_id)
}

fn failed(item: &ContractItem, error: AmountError) -> Failure {
    Failure::Amount { line: named(item), error }
}
