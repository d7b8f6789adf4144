//! What the items of a contract cost in one period.
//!
//! An item is a row of versions; each holds until the next one or its own end. A version that holds
//! for a part of the full period only is prorated by days: amount × days ÷ days of the full period
//! (semantics.md, contracts and prices). Each line is rounded once.

use super::exact::{AmountError, divide_rounded, multiply, parts, power_of_ten, to_money};
use crate::model::invoice::Proration;
use crate::model::{ContractItem, Currency, Money, Period, PriceModel};
use rust_decimal::Decimal;

/// One version of an item, and the days of a period on which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    pub item: &'a ContractItem,
    pub days: Period,
}

/// What is active in a service period, by item and then by date. The versions may come in any order.
pub fn segments(versions: &[ContractItem], service: Period) -> Vec<Segment<'_>> {
    let mut versions: Vec<&ContractItem> = versions.iter().collect();
    versions.sort_by(|a, b| (&a.item_id, a.valid_from).cmp(&(&b.item_id, b.valid_from)));
    let mut active = Vec::with_capacity(versions.len());
    for (index, item) in versions.iter().enumerate() {
        let next = versions.get(index + 1).filter(|next| next.item_id == item.item_id);
        let until = [Some(service.end()), item.end, next.map(|next| next.valid_from)].into_iter().flatten().min();
        let days = until.and_then(|until| Period::new(service.start().max(item.valid_from), until).ok());
        active.extend(days.map(|days| Segment { item, days }));
    }
    active
}

/// Days billed of the days in the full period; None when the whole of it is billed.
pub fn proration(days: Period, full: Period) -> Option<Proration> {
    (days != full).then(|| Proration { days: days.days(), of_days: full.days() })
}

/// The quantity that is printed and multiplied: a flat price is for the item as it is.
pub fn billed_quantity(item: &ContractItem) -> Decimal {
    match item.price_model {
        PriceModel::Flat => Decimal::ONE,
        PriceModel::PerUnit => item.quantity,
    }
}

/// Quantity × unit price, of which the prorated part, rounded once to the minor unit.
pub fn amount(
    quantity: Decimal,
    unit_price: Decimal,
    proration: Option<Proration>,
    currency: Currency,
) -> Result<Money, AmountError> {
    let (quantity, quantity_decimals) = parts(quantity);
    let (price, price_decimals) = parts(unit_price);
    let (days, of_days) = proration.map_or((1, 1), |part| (i128::from(part.days), i128::from(part.of_days.max(1))));
    let product = multiply(multiply(quantity, price)?, days)?;
    let decimals = quantity_decimals + price_decimals;
    let minor = match decimals.checked_sub(currency.exponent()) {
        Some(finer) => divide_rounded(product, multiply(of_days, power_of_ten(finer)?)?),
        None => divide_rounded(multiply(product, power_of_ten(currency.exponent() - decimals)?)?, of_days),
    };
    to_money(minor, currency)
}

/// Refuses a price that could not be counted, however long the period of which it is billed a part.
pub fn check_countable(quantity: Decimal, unit_price: Decimal, currency: Currency) -> Result<(), AmountError> {
    // The longest period: 999 years (`Interval`).
    const DAYS: u32 = 999 * 366;
    amount(quantity, unit_price, Some(Proration { days: DAYS, of_days: DAYS }), currency).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::money::parse_decimal;

    fn version(id: &str, from: &str, end: Option<&str>) -> ContractItem {
        ContractItem {
            company_id: "acme".parse().unwrap(),
            contract_id: "c-1".parse().unwrap(),
            item_id: id.parse().unwrap(),
            valid_from: parse_date(from).unwrap(),
            end: end.map(|end| parse_date(end).unwrap()),
            description: String::new(),
            price_model: PriceModel::PerUnit,
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: Decimal::ONE_HUNDRED,
            tax_code: None,
        }
    }

    fn period(start: &str, end: &str) -> Period {
        Period::new(parse_date(start).unwrap(), parse_date(end).unwrap()).unwrap()
    }

    fn priced(quantity: &str, price: &str, part: Option<(u32, u32)>, currency: &str) -> Result<String, AmountError> {
        let proration = part.map(|(days, of_days)| Proration { days, of_days });
        let decimal = |text| parse_decimal(text).unwrap();
        Ok(amount(decimal(quantity), decimal(price), proration, currency.parse().unwrap())?.to_string())
    }

    /// Numbers of published rules, with the page that shows them.
    #[test]
    fn published_prorations() {
        for (price, days, of_days, amount) in [
            // Stripe, docs.stripe.com/billing/subscriptions/prorations: from 10 to 20 USD halfway through the month.
            ("-10", 15, 30, "-5.00"),
            ("20", 15, 30, "10.00"),
            // Chargebee, chargebee.com/docs/proration-old.html: $60 from 1 April, downgraded to $30 on the 21st.
            ("60", 20, 30, "40.00"),
            ("30", 10, 30, "10.00"),
            // Lago's documentation of upgrades: 14 of the 31 days of a €100 plan.
            ("100", 14, 31, "45.16"),
        ] {
            assert_eq!(priced("1", price, Some((days, of_days)), "EUR").as_deref(), Ok(amount));
        }
    }

    #[test]
    fn rounds_once_in_the_currencys_decimals() {
        for (quantity, price, part, currency, amount) in [
            ("3", "0.335", None, "EUR", "1.01"), // 1.005: half away from zero
            ("-3", "0.335", None, "EUR", "-1.01"),
            ("1", "0.5", None, "JPY", "1"),
            ("1", "1000", Some((1, 3)), "JPY", "333"),
            ("1", "10", Some((1, 3)), "KWD", "3.333"),
            ("7", "1234", None, "KWD", "8638.000"),
            ("1000000", "0.000125", None, "EUR", "125.00"),
            ("0", "99.99", None, "EUR", "0.00"),
            // 0.00499… in 28 digits rounds up to 0.005, and then to 0.01: it must not.
            ("0.0149999999999999999999999997", "1", Some((1, 3)), "EUR", "0.00"),
        ] {
            assert_eq!(priced(quantity, price, part, currency).as_deref(), Ok(amount), "{quantity} × {price} {currency}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_an_error() {
        let huge = "9999999999999999999999999999";
        assert_eq!(priced(huge, huge, None, "EUR"), Err(AmountError::TooManyDigits));
        assert_eq!(priced(huge, "1", None, "EUR"), Err(AmountError::TooLarge("EUR".parse().unwrap())));
        let fine = "0.0000000000000000000000000001";
        assert_eq!(priced(fine, fine, None, "EUR"), Err(AmountError::TooManyDigits));
    }

    #[test]
    fn a_version_holds_until_the_next_or_its_end() {
        let versions = [
            version("seats", "2026-10-11", None),
            version("seats", "2026-01-01", None),
            version("backup", "2026-01-01", Some("2026-10-05")),
            version("later", "2026-11-01", None),
            version("gone", "2026-01-01", Some("2026-10-01")),
            // Ended by a version that holds for no day.
            version("ended", "2026-01-01", None),
            version("ended", "2026-02-01", Some("2026-02-01")),
        ];
        let found: Vec<(&str, String)> = segments(&versions, period("2026-10-01", "2026-11-01"))
            .into_iter()
            .map(|segment| (segment.item.item_id.as_str(), segment.days.to_string()))
            .collect();
        let expected = [
            ("backup", "2026-10-01 to 2026-10-04"),
            ("seats", "2026-10-01 to 2026-10-10"),
            ("seats", "2026-10-11 to 2026-10-31"),
        ];
        assert_eq!(found, expected.map(|(id, days)| (id, days.to_owned())));
    }

    #[test]
    fn only_a_part_is_prorated() {
        let full = period("2026-10-01", "2026-11-01");
        assert_eq!(proration(full, full), None);
        assert_eq!(proration(period("2026-10-18", "2026-11-01"), full), Some(Proration { days: 14, of_days: 31 }));
    }
}
