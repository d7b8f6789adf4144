//! The sums of an invoice, in the one order of rounding (semantics.md, money; EN 16931 BR-CO-10,
//! BR-CO-13 to 15, BR-CO-17, BR-S-08).
//!
//! Lines are grouped by (category, rate); the tax is computed on a group's sum and rounded once. Where
//! prices include the tax, the group's net is its gross ÷ (1 + rate) rounded once, the tax is the
//! rest, and the lines' nets are given out by largest remainder, so that they add up to the cent.

use super::exact::{AmountError, divide_rounded, multiply, parts, power_of_ten, to_money};
use crate::model::{Currency, InvoiceLine, InvoiceTax, Money, TaxRate};
use rust_decimal::Decimal;
use std::cmp::Reverse;

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

/// Net and tax of a group in minor units, from gross amounts. Every exact net is cut down to a whole
/// minor unit, and the missing units go to the largest cuts (on a tie to the earlier line): so it
/// holds for negative lines and for groups that sum to zero as well.
fn inclusive(lines: &mut [InvoiceLine], group: &[usize], rate: Decimal, currency: Currency) -> Result<(i128, i128), AmountError> {
    let with_tax = rate.checked_add(Decimal::ONE_HUNDRED).ok_or(AmountError::TooManyDigits)?;
    let (divisor, decimals) = parts(with_tax);
    let factor = multiply(100, power_of_ten(decimals)?)?;

    let mut gross = 0;
    let mut cut = Vec::with_capacity(group.len());
    for index in group {
        let amount = i128::from(lines[*index].amount.minor());
        let exact = multiply(amount, factor)?;
        gross += amount;
        cut.push((exact.rem_euclid(divisor), exact.div_euclid(divisor), *index));
    }
    let net = divide_rounded(multiply(gross, factor)?, divisor);

    let missing = net - cut.iter().map(|(_, whole, _)| whole).sum::<i128>();
    cut.sort_by_key(|(rest, _, _)| Reverse(*rest));
    for (place, (_, whole, index)) in (0_i128..).zip(cut) {
        lines[index].net = to_money(if place < missing { whole + 1 } else { whole }, currency)?;
    }
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
