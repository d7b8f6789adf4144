//! What a company is billed now against what it was billed for the period before, and why it differs.
//!
//! Like is held against like: for each contract period that is billed, the last one of the same
//! contract that was billed before it, and the items that were on its invoice. Amounts are without tax.

use crate::model::{CompanyId, ContractId, Currency, InvoiceLine, ItemId, LineKind, Money, text_enum};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

text_enum! {
    /// How a company's amount moved.
    pub enum Change ("change") {
        /// Nothing was billed before.
        New = "new",
        /// Nothing is billed now.
        Gone = "gone",
        /// By more than the threshold.
        Changed = "changed",
        /// Within the threshold.
        Same = "same",
    }
}

text_enum! {
    /// Why it moved.
    pub enum Why ("reason") {
        NewContract = "new_contract",
        /// Nothing of the contract is billed this time: it ended, or could not be billed.
        NotBilled = "not_billed",
        ItemAdded = "item_added",
        ItemRemoved = "item_removed",
        Price = "price",
        Quantity = "quantity",
        /// Another part of the period is billed.
        Proration = "proration",
        /// What is billed once: usage, tickets, orders.
        Usage = "usage",
        /// Another number of periods is billed at once.
        Periods = "periods",
        /// Discounts, minimums and the like.
        Other = "other",
    }
}

/// One company in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub company_id: CompanyId,
    pub currency: Currency,
    /// Net, in `currency`; None when nothing was billed before, or nothing is now.
    pub before: Option<Money>,
    pub now: Option<Money>,
    pub why: BTreeSet<Why>,
}

impl Comparison {
    /// Compares the lines of one company in one currency. Nothing when there are none on either side.
    pub fn of(company_id: &CompanyId, currency: Currency, before: &[&InvoiceLine], now: &[&InvoiceLine]) -> Option<Self> {
        if before.is_empty() && now.is_empty() {
            return None;
        }
        let (before_net, now_net) = (sum(currency, before), sum(currency, now));
        let why = if before_net == now_net { BTreeSet::new() } else { reasons(before, now) };
        Some(Self { company_id: company_id.clone(), currency, before: before_net, now: now_net, why })
    }

    /// Takes in what a contract was billed before it ended. A sum that is too large is cut.
    pub fn lose(&mut self, before: Money) {
        let sum = self.before.map_or(0, Money::minor).saturating_add(before.minor());
        self.before = Some(Money::from_minor(sum, self.currency));
        self.why.insert(Why::NotBilled);
    }

    /// By how much it moved, without tax.
    pub fn difference(&self) -> i128 {
        let minor = |side: Option<Money>| side.map_or(0, |money| i128::from(money.minor()));
        minor(self.now) - minor(self.before)
    }

    /// By how many percent of what it was, to one decimal; None when that was nothing.
    pub fn percent(&self) -> Option<Decimal> {
        let before = self.before.filter(|before| !before.is_zero())?;
        let difference = Decimal::try_from_i128_with_scale(self.difference(), self.currency.exponent()).ok()?;
        difference.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before.to_decimal().abs()).map(|percent| percent.round_dp(1))
    }

    /// What that is, with changes up to `threshold` percent taken for the same.
    pub fn change(&self, threshold: Decimal) -> Change {
        match (self.before, self.now) {
            (None, _) => Change::New,
            (Some(_), None) => Change::Gone,
            _ if self.difference() == 0 => Change::Same,
            _ => match self.percent() {
                Some(percent) if percent.abs() <= threshold => Change::Same,
                _ => Change::Changed,
            },
        }
    }
}

/// A sum that is too large to be one amount is cut at the largest: it is for looking at.
fn sum(currency: Currency, lines: &[&InvoiceLine]) -> Option<Money> {
    let minor = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.net.minor()));
    (!lines.is_empty()).then(|| Money::from_minor(minor, currency))
}

/// What of an item decides its amount.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    prices: BTreeSet<Decimal>,
    quantities: BTreeSet<Decimal>,
    shares: BTreeSet<(u32, u32)>,
    periods: BTreeSet<NaiveDate>,
    net: i128,
}

type ItemKey<'a> = (Option<&'a ContractId>, Option<&'a ItemId>);

/// The lines of one side, by what tells why they differ.
#[derive(Default)]
struct Side<'a> {
    contracts: BTreeSet<&'a ContractId>,
    items: BTreeMap<ItemKey<'a>, Parts>,
    /// What was used or is billed once, and what is taken off or added for a minimum; in minor units.
    usage: i128,
    other: i128,
}

impl<'a> Side<'a> {
    fn of(lines: &[&'a InvoiceLine]) -> Self {
        let mut side = Self::default();
        for line in lines {
            side.contracts.extend(&line.contract_id);
            let net = i128::from(line.net.minor());
            match line.kind {
                LineKind::Item | LineKind::Usage => side.usage += net,
                LineKind::Discount | LineKind::Minimum | LineKind::Manual => side.other += net,
                LineKind::Recurring | LineKind::OneTime => {
                    let parts = side.items.entry((line.contract_id.as_ref(), line.item_id.as_ref())).or_default();
                    parts.prices.insert(line.unit_price.normalize());
                    parts.quantities.insert(line.quantity.normalize());
                    parts.shares.insert(line.proration.map_or((1, 1), |share| (share.days, share.of_days)));
                    parts.periods.insert(line.period.start());
                    parts.net += net;
                }
            }
        }
        side
    }

    fn has(&self, (contract, _): &ItemKey) -> bool {
        contract.is_some_and(|contract| self.contracts.contains(contract))
    }
}

fn reasons(before: &[&InvoiceLine], now: &[&InvoiceLine]) -> BTreeSet<Why> {
    let (before, now) = (Side::of(before), Side::of(now));
    let mut why = BTreeSet::new();
    for (key, parts) in &now.items {
        match before.items.get(key) {
            None if before.has(key) => drop(why.insert(Why::ItemAdded)),
            None => {}
            Some(was) if was.net == parts.net => {}
            Some(was) => {
                let found = [
                    (was.prices != parts.prices, Why::Price),
                    (was.quantities != parts.quantities, Why::Quantity),
                    (was.shares != parts.shares, Why::Proration),
                    (was.periods.len() != parts.periods.len(), Why::Periods),
                ];
                let found: Vec<Why> = found.into_iter().filter(|(differs, _)| *differs).map(|(_, why)| why).collect();
                why.extend(if found.is_empty() { vec![Why::Other] } else { found });
            }
        }
    }
    let removed = before.items.keys().any(|key| !now.items.contains_key(key) && now.has(key));
    let told = [
        (removed, Why::ItemRemoved),
        (!now.contracts.is_subset(&before.contracts), Why::NewContract),
        (!before.contracts.is_subset(&now.contracts), Why::NotBilled),
        (before.usage != now.usage, Why::Usage),
        (before.other != now.other, Why::Other),
    ];
    why.extend(told.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why));
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::invoice::Proration;
    use crate::model::{Period, TaxCategory};

    fn line(contract: &str, item: &str, quantity: i64, price: i64, share: Option<(u32, u32)>, net: i64) -> InvoiceLine {
        let eur = "EUR".parse().unwrap();
        let day = |text: &str| text.parse().unwrap();
        let net = Money::from_minor(net, eur);
        InvoiceLine {
            kind: if contract.is_empty() { LineKind::Item } else { LineKind::Recurring },
            contract_id: contract.parse().ok(),
            item_id: item.parse().ok(),
            source_key: None,
            description: String::new(),
            quantity: quantity.into(),
            unit: String::new(),
            unit_price: price.into(),
            period: Period::new(day("2026-10-01"), day("2026-11-01")).unwrap(),
            proration: share.map(|(days, of_days)| Proration { days, of_days }),
            details: Vec::new(),
            tax_code: "standard".parse().unwrap(),
            tax_category: TaxCategory::Standard,
            tax_rate: Decimal::ZERO,
            net,
            amount: net,
            corrects_line: None,
        }
    }

    fn compared(before: &[InvoiceLine], now: &[InvoiceLine]) -> Comparison {
        let (before, now): (Vec<&InvoiceLine>, Vec<&InvoiceLine>) = (before.iter().collect(), now.iter().collect());
        Comparison::of(&"acme".parse().unwrap(), "EUR".parse().unwrap(), &before, &now).unwrap()
    }

    #[test]
    fn what_moved_an_amount_is_named() {
        let seats = line("c", "seats", 10, 5, None, 5000);
        let of_kind = |kind, contract, net| InvoiceLine { kind, ..line(contract, "seats", 1, 1, None, net) };
        for (now, why, percent) in [
            (vec![seats.clone(), of_kind(LineKind::Discount, "c", -1000)], vec![Why::Other], "-20"),
            (vec![seats.clone(), of_kind(LineKind::Usage, "c", 1000)], vec![Why::Usage], "20"),
            (vec![seats.clone(), of_kind(LineKind::Usage, "d", 1000)], vec![Why::NewContract, Why::Usage], "20"),
            (vec![line("c", "seats", 10, 6, None, 6000)], vec![Why::Price], "20"),
            (vec![line("c", "seats", 12, 5, None, 6000)], vec![Why::Quantity], "20"),
            (vec![line("c", "seats", 12, 6, Some((10, 31)), 2323)], vec![Why::Price, Why::Quantity, Why::Proration], "-53.5"),
            (vec![seats.clone(), line("c", "backup", 1, 10, None, 1000)], vec![Why::ItemAdded], "20"),
            (vec![seats.clone(), line("d", "seats", 1, 10, None, 1000)], vec![Why::NewContract], "20"),
            (vec![line("c", "backup", 1, 10, None, 1000)], vec![Why::ItemAdded, Why::ItemRemoved], "-80"),
            (vec![line("d", "seats", 1, 10, None, 1000)], vec![Why::NewContract, Why::NotBilled], "-80"),
            (vec![seats.clone(), line("", "", 1, 10, None, 1000)], vec![Why::Usage], "20"),
            (vec![line("c", "seats", 10, 5, None, 4999)], vec![Why::Other], "0"),
        ] {
            let compared = compared(std::slice::from_ref(&seats), &now);
            assert_eq!(compared.why.iter().copied().collect::<Vec<_>>(), why, "{now:?}");
            assert_eq!(compared.percent().unwrap().normalize().to_string(), percent);
        }
        let later = |start: &str, end: &str| {
            let day = |text: &str| text.parse().unwrap();
            InvoiceLine { period: Period::new(day(start), day(end)).unwrap(), ..seats.clone() }
        };
        let two = [later("2026-11-01", "2026-12-01"), later("2026-12-01", "2027-01-01")];
        assert_eq!(compared(std::slice::from_ref(&seats), &two).why, BTreeSet::from([Why::Periods]));
        assert_eq!(compared(std::slice::from_ref(&seats), std::slice::from_ref(&seats)).why, BTreeSet::new());
    }

    #[test]
    fn the_threshold_parts_changed_from_same() {
        let (five, six) = (line("c", "s", 10, 5, None, 5000), line("c", "s", 10, 6, None, 6000));
        let change = |before: &[InvoiceLine], now: &[InvoiceLine], threshold: i64| compared(before, now).change(threshold.into());
        let (five, six) = (std::slice::from_ref(&five), std::slice::from_ref(&six));
        assert_eq!((change(five, six, 20), change(five, six, 19)), (Change::Same, Change::Changed));
        assert_eq!(
            (change(five, five, 0), change(&[], six, 99), change(six, &[], 99)),
            (Change::Same, Change::New, Change::Gone)
        );
        let nothing = [line("c", "s", 0, 5, None, 0)];
        assert_eq!(change(&nothing, six, 1000), Change::Changed, "from nothing to something is no number of percent");
        let (credit, less) = ([line("c", "s", 1, -5, None, -500)], [line("c", "s", 1, -6, None, -600)]);
        assert_eq!(compared(&credit, &less).percent().unwrap().to_string(), "-20", "below zero, more is less");
    }
}
