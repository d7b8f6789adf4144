//! The sums of an invoice, in the one order of rounding (semantics.md, money; EN 16931 BR-CO-10,
//! BR-CO-13 to 15, BR-CO-17, BR-S-08).
//!
//! Lines are grouped by (category, rate); the tax is computed on a group's sum and rounded once. Where
//! prices include the tax, the group's net is its gross ÷ (1 + rate) rounded once, the tax is the
//! rest, and the lines' nets are given out by largest remainder, so that they add up to the cent.

use super::exact::{AmountError, divide_rounded, multiply, parts, power_of_ten, share_out, to_money};
use crate::model::{Currency, InvoiceLine, InvoiceTax, Money, TaxRate};
use rust_decimal::Decimal;

/// Total = Σ nets of the groups + Σ taxes of the groups, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// By category, then by rate.
    pub taxes: Vec<InvoiceTax>,
    pub net: Money,
    pub tax: Money,
    pub total: Money,
}

/// Adds up the `amount` of each line and sets its `net`. `rates[i]` is the rate of `lines[i]`.
pub fn add_up(
    lines: &mut [InvoiceLine],
    rates: &[&TaxRate],
    currency: Currency,
    tax_inclusive: bool,
) -> Result<Totals, AmountError> {
    let mut order: Vec<usize> = (0..lines.len().min(rates.len())).collect();
    order.sort_by_key(|index| (rates[*index].category, rates[*index].rate));
    let mut taxes = Vec::new();
    let (mut net, mut tax) = (0, 0);
    for group in order.chunk_by(|a, b| (rates[*a].category, rates[*a].rate) == (rates[*b].category, rates[*b].rate)) {
        let rate = rates[group[0]].rate;
        let (group_net, group_tax) =
            if tax_inclusive { inclusive(lines, group, rate, currency)? } else { exclusive(lines, group, rate)? };
        net += group_net;
        tax += group_tax;
        taxes.push(InvoiceTax {
            category: rates[group[0]].category,
            rate: rate.normalize(),
            name: distinct(group.iter().map(|index| rates[*index].name.as_str()), " / "),
            note: distinct(group.iter().map(|index| rates[*index].note.as_str()), "; "),
            net: to_money(group_net, currency)?,
            tax: to_money(group_tax, currency)?,
        });
    }
    Ok(Totals { taxes, net: to_money(net, currency)?, tax: to_money(tax, currency)?, total: to_money(net + tax, currency)? })
}

/// Net and tax of a group in minor units; the lines' amounts are their nets.
fn exclusive(lines: &mut [InvoiceLine], group: &[usize], rate: Decimal) -> Result<(i128, i128), AmountError> {
    let mut net = 0;
    for index in group {
        let line = &mut lines[*index];
        line.net = line.amount;
        net += i128::from(line.amount.minor());
    }
    let (percent, decimals) = parts(rate);
    let tax = divide_rounded(multiply(net, percent)?, multiply(100, power_of_ten(decimals)?)?);
    Ok((net, tax))
}

/// Net and tax of a group in minor units, from gross amounts.
fn inclusive(lines: &mut [InvoiceLine], group: &[usize], rate: Decimal, currency: Currency) -> Result<(i128, i128), AmountError> {
    let with_tax = rate.checked_add(Decimal::ONE_HUNDRED).ok_or(AmountError::TooManyDigits)?;
    let (divisor, decimals) = parts(with_tax);
    let factor = multiply(100, power_of_ten(decimals)?)?;
    let amount = |index: &usize| i128::from(lines[*index].amount.minor());
    let gross: i128 = group.iter().map(amount).sum();
    let exact = group.iter().map(|index| multiply(amount(index), factor)).collect::<Result<Vec<_>, _>>()?;
    let nets = share_out(&exact, divisor)?;
    for (index, net) in group.iter().zip(&nets) {
        lines[*index].net = to_money(*net, currency)?;
    }
    let net: i128 = nets.iter().sum();
    Ok((net, gross - net))
}

/// Two codes may share a category and a rate; what the law wants printed for each must not be lost.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    let mut seen: Vec<&str> = Vec::with_capacity(1);
    for text in texts {
        if !text.is_empty() && !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::{LineKind, Period, TaxCategory};

    fn rate(category: TaxCategory, percent: &str, note: &str) -> TaxRate {
        TaxRate {
            seller_id: "de".parse().unwrap(),
            tax_code: "x".parse().unwrap(),
            valid_from: parse_date("2020-01-01").unwrap(),
            category,
            rate: percent.parse().unwrap(),
            name: format!("VAT {percent} %"),
            note: note.to_owned(),
        }
    }

    fn line(minor: i64, rate: &TaxRate) -> InvoiceLine {
        let currency: Currency = "EUR".parse().unwrap();
        InvoiceLine {
            kind: LineKind::Item,
            contract_id: None,
            item_id: None,
            source_key: None,
            description: String::new(),
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: Decimal::ONE,
            period: Period::new(parse_date("2026-10-01").unwrap(), parse_date("2026-11-01").unwrap()).unwrap(),
            proration: None,
            details: Vec::new(),
            tax_code: rate.tax_code.clone(),
            tax_category: rate.category,
            tax_rate: rate.rate,
            net: Money::zero(currency),
            amount: Money::from_minor(minor, currency),
            corrects_line: None,
        }
    }

    /// Nets of the lines, (net, tax) of the groups, and the total, in cents.
    fn sums(amounts: &[(i64, &TaxRate)], inclusive: bool) -> (Vec<i64>, Vec<(i64, i64)>, i64) {
        let mut lines: Vec<InvoiceLine> = amounts.iter().map(|(minor, rate)| line(*minor, rate)).collect();
        let rates: Vec<&TaxRate> = amounts.iter().map(|(_, rate)| *rate).collect();
        let totals = add_up(&mut lines, &rates, "EUR".parse().unwrap(), inclusive).unwrap();
        let groups = totals.taxes.iter().map(|tax| (tax.net.minor(), tax.tax.minor())).collect();
        (lines.iter().map(|line| line.net.minor()).collect(), groups, totals.total.minor())
    }

    #[test]
    fn tax_is_rounded_once_a_group() {
        let (full, reduced) = (rate(TaxCategory::Standard, "19", ""), rate(TaxCategory::Standard, "7.0", ""));
        // 3 × round(0.03 × 19 %) would be 0.03; BR-CO-17 has round(0.09 × 19 %) = 0.02.
        assert_eq!(sums(&[(3, &full), (3, &full), (3, &full)], false), (vec![3, 3, 3], vec![(9, 2)], 11));
        // Groups by rate, whatever the order of the lines.
        assert_eq!(sums(&[(100, &full), (100, &reduced), (50, &full)], false).1, [(100, 7), (150, 29)]);
        // Half away from zero, on both sides: 0.50 × 7 % = 0.035.
        assert_eq!(sums(&[(50, &reduced)], false).1, [(50, 4)]);
        assert_eq!(sums(&[(-50, &reduced)], false).1, [(-50, -4)]);
    }

    #[test]
    fn inclusive_prices_keep_their_gross() {
        let full = rate(TaxCategory::Standard, "19", "");
        assert_eq!(sums(&[(11_900, &full)], true), (vec![10_000], vec![(10_000, 1_900)], 11_900));
        // 3 × 0.10 ÷ 1.19 = 0.2521…: 25 cents over three lines of 8.4, the extra one to the first.
        assert_eq!(sums(&[(10, &full), (10, &full), (10, &full)], true), (vec![9, 8, 8], vec![(25, 5)], 30));
        // A group that sums to zero has no tax, and its lines' nets cancel.
        assert_eq!(sums(&[(10, &full), (-10, &full)], true), (vec![8, -8], vec![(0, 0)], 0));
        assert_eq!(sums(&[(-11_900, &full)], true), (vec![-10_000], vec![(-10_000, -1_900)], -11_900));
    }

    #[test]
    fn what_the_law_wants_printed_is_not_lost() {
        let (a, b) = (rate(TaxCategory::Exempt, "0", "§ 4 Nr. 21 UStG"), rate(TaxCategory::Exempt, "0.00", "§ 4 Nr. 14 UStG"));
        let mut lines = vec![line(100, &a), line(100, &b), line(100, &a)];
        let totals = add_up(&mut lines, &[&a, &b, &a], "EUR".parse().unwrap(), false).unwrap();
        assert_eq!(totals.taxes.len(), 1);
        assert_eq!(totals.taxes[0].note, "§ 4 Nr. 21 UStG; § 4 Nr. 14 UStG");
    }

    #[test]
    fn sums_too_large_are_errors() {
        let full = rate(TaxCategory::Standard, "19", "");
        let mut lines = vec![line(i64::MAX, &full), line(i64::MAX, &full)];
        let summed = add_up(&mut lines, &[&full, &full], "EUR".parse().unwrap(), false);
        assert_eq!(summed, Err(AmountError::TooLarge("EUR".parse().unwrap())));
    }
}
