//! What of an invoice a credit note takes back, and how it is split (semantics.md, money; EN 16931
//! type 381).
//!
//! The invoice's own figures rule, not its rates: within each tax group the credit notes of an invoice
//! together never take back more net, tax or gross than it billed, and once all is taken back nothing
//! is left, to the minor unit. An amount is split over the tax groups by largest remainder; within a
//! group the tax is its share, rounded once; lines share a group's net likewise.

use super::exact::{AmountError, divide_rounded, multiply, to_money};
use crate::model::{FullInvoice, InvoiceLine, InvoiceTax, Money};
use std::cmp::Reverse;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Lines of the invoice, from 1; none: all.
    pub lines: Vec<u32>,
    /// With tax. None: all that is left of the lines.
    pub amount: Option<Money>,
}

/// What a credit note says. Its amounts have the sign of the invoice's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credited {
    pub lines: Vec<InvoiceLine>,
    pub taxes: Vec<InvoiceTax>,
    pub net: Money,
    pub tax: Money,
    pub total: Money,
}

/// Why it cannot be credited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncreditable {
    #[error("it has the lines 1 to {lines}, and no line {line}")]
    NoSuchLine { line: u32, lines: usize },
    #[error("nothing of it is left to be credited")]
    NothingLeft,
    #[error("a credit is above 0, not {0}")]
    NotPositive(Money),
    #[error("{left} is left to be credited, and {asked} is more", left = .left, asked = .asked)]
    TooMuch { asked: Money, left: Money },
    /// Other lines of the group are below zero, so that these are more than the group as a whole.
    #[error("these lines are {asked} at {rate} % tax, and of all that was billed at this rate {left} is left")]
    MoreThanItsGroup { asked: Money, left: Money, rate: String },
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What can still be credited of an invoice, tax included; `earlier` are its credit notes.
pub fn left(invoice: &FullInvoice, earlier: &[FullInvoice]) -> Money {
    let done: i64 = earlier.iter().map(|note| note.head.total.minor()).sum();
    Money::from_minor(invoice.head.total.minor().saturating_sub(done), invoice.head.currency)
}

/// Decides what a credit note says. `earlier` are the invoice's credit notes so far.
pub fn split(invoice: &FullInvoice, earlier: &[FullInvoice], wanted: &Wanted) -> Result<Credited, Uncreditable> {
    let currency = invoice.head.currency;
    if let Some(line) = wanted.lines.iter().find(|line| !(1..=invoice.lines.len()).contains(&(**line as usize))) {
        return Err(Uncreditable::NoSuchLine { line: *line, lines: invoice.lines.len() });
    }
    let mut groups = Vec::with_capacity(invoice.taxes.len());
    for tax in &invoice.taxes {
        groups.extend(group(invoice, earlier, tax, &wanted.lines)?);
    }
    let weights: Vec<i128> = groups.iter().map(|group| group.net + group.tax).collect();
    let all: i128 = weights.iter().sum();
    if all <= 0 {
        return Err(Uncreditable::NothingLeft);
    }
    let amount = match wanted.amount {
        None => all,
        Some(asked) if asked.minor() <= 0 => return Err(Uncreditable::NotPositive(asked)),
        Some(asked) if i128::from(asked.minor()) > all => {
            return Err(Uncreditable::TooMuch { asked, left: to_money(all, currency)? });
        }
        Some(asked) => i128::from(asked.minor()),
    };
    let (mut lines, mut taxes) = (Vec::new(), Vec::new());
    let (mut net, mut tax) = (0, 0);
    for (group, gross) in groups.iter().zip(spread(amount, &weights)?) {
        let part = group.part(gross, amount == all, invoice.head.tax_inclusive)?;
        if part.lines.is_empty() {
            continue;
        }
        net += part.net;
        tax += part.tax;
        for (open, priced, net) in &part.lines {
            let line = &invoice.lines[open.position as usize - 1];
            lines.push(credited_line(line, open.position, to_money(*priced, currency)?, to_money(*net, currency)?));
        }
        let (net, tax) = (to_money(part.net, currency)?, to_money(part.tax, currency)?);
        taxes.push(InvoiceTax { net, tax, ..group.of.clone() });
    }
    lines.sort_by_key(|line| line.corrects_line);
    let (net, tax, total) = (to_money(net, currency)?, to_money(tax, currency)?, to_money(net + tax, currency)?);
    Ok(Credited { lines, taxes, net, tax, total })
}

/// A line of the invoice that is asked for, and what is left of it, as priced.
#[derive(Debug, Clone, Copy)]
struct Open {
    position: u32,
    left: i128,
}

/// What is asked for of one (category, rate): at most this much net and tax.
struct Group<'a> {
    of: &'a InvoiceTax,
    lines: Vec<Open>,
    net: i128,
    tax: i128,
}

/// What of a group is taken back: each line as priced, and its net.
struct Part {
    lines: Vec<(Open, i128, i128)>,
    net: i128,
    tax: i128,
}

/// None when no line of the group is asked for.
fn group<'a>(
    invoice: &FullInvoice,
    earlier: &[FullInvoice],
    of: &'a InvoiceTax,
    wanted: &[u32],
) -> Result<Option<Group<'a>>, Uncreditable> {
    let is_of = |category, rate| (category, rate) == (of.category, of.rate);
    let notes = || earlier.iter().flat_map(|note| &note.taxes).filter(|tax| is_of(tax.category, tax.rate));
    let done_net: i128 = notes().map(|tax| i128::from(tax.net.minor())).sum();
    let done_tax: i128 = notes().map(|tax| i128::from(tax.tax.minor())).sum();
    let mut lines = Vec::new();
    for (position, line) in (1..).zip(&invoice.lines) {
        if is_of(line.tax_category, line.tax_rate) && (wanted.is_empty() || wanted.contains(&position)) {
            let notes = earlier.iter().flat_map(|note| &note.lines).filter(|note| note.corrects_line == Some(position));
            let done: i128 = notes.map(|note| i128::from(note.amount.minor())).sum();
            lines.push(Open { position, left: i128::from(line.amount.minor()) - done });
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let (billed_net, billed_tax) = (i128::from(of.net.minor()), i128::from(of.tax.minor()));
    let (left_net, left_tax) = (billed_net - done_net, billed_tax - done_tax);
    let asked: i128 = lines.iter().map(|line| line.left).sum();
    let inclusive = invoice.head.tax_inclusive;
    // What the lines are measured by: their group's gross where prices include the tax, else its net.
    let (billed, left) = match inclusive {
        true => (billed_net + billed_tax, left_net + left_tax),
        false => (billed_net, left_net),
    };
    if asked.signum() * left.signum() < 0 || asked.abs() > left.abs() {
        let (asked, left) = (to_money(asked, invoice.head.currency)?, to_money(left, invoice.head.currency)?);
        return Err(Uncreditable::MoreThanItsGroup { asked, left, rate: of.rate.normalize().to_string() });
    }
    let tax = if asked == left {
        left_tax
    } else {
        // Each credit note holds by itself what a document must (BR-CO-17), as far as there is tax left; the one that
        // takes the rest takes what roundings have left.
        let share = signed_division(multiply(billed_tax, asked)?, billed);
        let (low, high) = if inclusive { bounds(asked, left_net, left_tax) } else { (left_tax.min(0), left_tax.max(0)) };
        share.clamp(low, high)
    };
    let net = if inclusive { asked - tax } else { asked };
    Ok(Some(Group { of, lines, net, tax }))
}

/// How much tax a part of a group's gross may hold, so that neither its net nor its tax is exceeded.
fn bounds(gross: i128, left_net: i128, left_tax: i128) -> (i128, i128) {
    if gross < 0 {
        let (low, high) = bounds(-gross, -left_net, -left_tax);
        return (-high, -low);
    }
    let low = (gross - left_net).max(0);
    (low, left_tax.min(gross).max(low))
}

/// Rounded once; 0 for nothing of nothing.
fn signed_division(dividend: i128, divisor: i128) -> i128 {
    if divisor == 0 { 0 } else { divide_rounded(dividend * divisor.signum(), divisor.abs()) }
}

impl Group<'_> {
    /// Takes `gross` of the group back; `all` when everything that is asked for is.
    fn part(&self, gross: i128, all: bool, inclusive: bool) -> Result<Part, AmountError> {
        let whole = self.net + self.tax;
        let complete = all || (gross == whole && whole != 0);
        let tax = if complete { self.tax } else { signed_division(multiply(self.tax, gross)?, whole) };
        let net = gross - tax;
        let open: Vec<i128> = self.lines.iter().map(|line| line.left).collect();
        let priced = if complete { open } else { spread(if inclusive { gross } else { net }, &open)? };
        let nets = if inclusive { spread(net, &priced)? } else { priced.clone() };
        let mut lines: Vec<(Open, i128, i128)> =
            self.lines.iter().zip(priced).zip(nets).map(|((open, priced), net)| (*open, priced, net)).collect();
        // A cent of tax alone still needs a line that bears its rate.
        let bearer = lines.first().copied().filter(|_| gross != 0);
        lines.retain(|(_, priced, net)| (*priced, *net) != (0, 0));
        if lines.is_empty() {
            lines.extend(bearer);
        }
        Ok(Part { lines, net, tax })
    }
}

/// Splits an amount by weights of either sign, by largest remainder (on a tie to the earlier part). For
/// an amount between nothing and the sum of the weights, each part lies between nothing and its weight.
fn spread(amount: i128, weights: &[i128]) -> Result<Vec<i128>, AmountError> {
    let total: i128 = weights.iter().sum();
    if total < 0 {
        let negated: Vec<i128> = weights.iter().map(|weight| -weight).collect();
        return Ok(spread(-amount, &negated)?.into_iter().map(|part| -part).collect());
    }
    if total == 0 {
        return Ok(vec![0; weights.len()]);
    }
    let mut cut = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let exact = multiply(amount, *weight)?;
        cut.push((exact.rem_euclid(total), exact.div_euclid(total), index));
    }
    let missing = amount - cut.iter().map(|(_, whole, _)| whole).sum::<i128>();
    cut.sort_by_key(|(rest, _, _)| Reverse(*rest));
    let mut parts = vec![0; weights.len()];
    for (place, (_, whole, index)) in (0_i128..).zip(cut) {
        parts[index] = if place < missing { whole + 1 } else { whole };
    }
    Ok(parts)
}

/// A line that is taken back as a whole says what was billed; of a part only the amount is known.
fn credited_line(line: &InvoiceLine, position: u32, amount: Money, net: Money) -> InvoiceLine {
    let whole = InvoiceLine { net, amount, corrects_line: Some(position), ..line.clone() };
    if amount == line.amount {
        return whole;
    }
    InvoiceLine {
        quantity: rust_decimal::Decimal::ONE,
        unit: String::new(),
        unit_price: amount.to_decimal(),
        proration: None,
        ..whole
    }
}

#[cfg(test)]
mod tests;
