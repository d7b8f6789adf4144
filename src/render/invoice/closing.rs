//! Below the table: totals, taxes, legal notes, how to pay.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, Ink, LEFT, Line, RIGHT};
use super::super::text::{Length, Run};
use super::{BODY, HEADING, Look, QUIET, Setter, TOTAL};
use crate::model::document::{DocumentKind, DocumentTax};
use crate::model::seller::BankDetails;

/// Where the names of the totals begin.
const TOTALS: Length = LEFT + 236_000;
const GAP: Length = 14_000;
/// From the names of the bank details to their values, at least.
const NAMES: Length = 46_000;

/// What stands side by side is no taller than this; it goes to the next page as a whole.
const SIDE_BY_SIDE: Length = 260_000;

/// Totals on the right, payment on the left.
pub struct Closing {
    totals: Totals,
    payment: [Cell; 2],
}

/// White space below the table.
const ABOVE: Length = 11_000;

impl Closing {
    pub fn set(setter: &Setter<'_>) -> Result<Self, RenderError> {
        Ok(Self { totals: totals(setter)?, payment: payment(setter)? })
    }

    /// What should follow the last line of the table on the same page; zero if it is too tall for that.
    pub fn kept(&self) -> Length {
        if self.height() <= SIDE_BY_SIDE { ABOVE + self.height() } else { 0 }
    }

    fn height(&self) -> Length {
        self.totals.height().max(flow::height(&self.payment))
    }

    pub fn draw(&self, setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
        flow.space(ABOVE);
        if self.height() <= SIDE_BY_SIDE {
            flow.need(self.height());
            let top = flow.y;
            flow.row(&self.payment);
            let end = std::mem::replace(&mut flow.y, top);
            self.totals.draw(flow);
            flow.y = flow.y.max(end);
        } else {
            self.totals.draw(flow);
            flow.space(16_000);
            flow.row(&self.payment);
        }
        notes(setter, flow)
    }
}

/// Subtotal and taxes, then the total under a rule.
struct Totals {
    rows: Vec<Vec<Cell>>,
    total: Vec<Cell>,
}

const BETWEEN: Length = 3_000;
const ABOVE_RULE: Length = 3_000;
const BELOW_RULE: Length = 6_000;

impl Totals {
    fn height(&self) -> Length {
        let rows: Length = self.rows.iter().map(|row| flow::height(row) + BETWEEN).sum();
        rows + ABOVE_RULE + BELOW_RULE + flow::height(&self.total)
    }

    fn draw(&self, flow: &mut Flow) {
        for row in &self.rows {
            flow.row(row);
            flow.space(BETWEEN);
        }
        flow.space(ABOVE_RULE);
        flow.need(flow::height(&self.total) + BELOW_RULE);
        flow.rule(TOTALS, RIGHT - TOTALS, 750, Ink::Accent);
        flow.space(BELOW_RULE);
        flow.row(&self.total);
    }
}

fn totals(setter: &Setter<'_>) -> Result<Totals, RenderError> {
    let (doc, labels) = (setter.doc, setter.labels);
    let mut widest = setter.line(&setter.amount(doc.net), BODY)?.run.width(BODY.size);
    for tax in &doc.taxes {
        widest = widest.max(setter.line(&setter.amount(tax.tax), BODY)?.run.width(BODY.size));
    }
    let mut rows = vec![vec![
        Cell::left(TOTALS, setter.lines(&labels.subtotal, BODY, 120_000)?),
        Cell::right(RIGHT, vec![setter.line(&setter.amount(doc.net), BODY)?]),
    ]];
    for tax in &doc.taxes {
        rows.push(tax_row(setter, tax, RIGHT - widest - GAP)?);
    }
    let (name, amount) = match doc.kind {
        DocumentKind::CreditNote => (&labels.total_credited, doc.total),
        DocumentKind::Invoice if !doc.credit_applied.is_zero() => {
            for (name, amount) in [(&labels.total_only, doc.total), (&labels.credit_applied, -doc.credit_applied)] {
                rows.push(vec![
                    Cell::left(TOTALS, setter.lines(name, BODY, 120_000)?),
                    Cell::right(RIGHT, vec![setter.line(&setter.amount(amount), BODY)?]),
                ]);
            }
            (&labels.amount_to_pay, doc.to_pay())
        }
        DocumentKind::Invoice if setter.payable() => (&labels.total, doc.total),
        DocumentKind::Invoice => (&labels.total_only, doc.total),
    };
    let amount = setter.line(&setter.money(amount), TOTAL)?;
    let room = RIGHT - TOTALS - GAP - amount.run.width(amount.size);
    let total = vec![Cell::left(TOTALS, setter.lines(name, TOTAL, room.max(100_000))?), Cell::right(RIGHT, vec![amount])];
    Ok(Totals { rows, total })
}

/// `VAT 19%   on 1,000.00   190.00`
fn tax_row(setter: &Setter<'_>, tax: &DocumentTax, base_right: Length) -> Result<Vec<Cell>, RenderError> {
    let labels = setter.labels;
    let rate = setter.language.rate(tax.rate);
    // A seller may have put the rate into the name: `VAT 19 %`.
    let name =
        match (tax.name.as_str(), names_rate(&tax.name, &[&rate, &format!("{}%", tax.rate.normalize())]) || tax.rate.is_zero()) {
            ("", _) => format!("{} {rate}", labels.tax),
            (name, true) => name.to_owned(),
            (name, false) => format!("{name} {rate}"),
        };
    let base = setter.line(&setter.language.on(&setter.amount(tax.net)), QUIET)?;
    let room = base_right - base.run.width(base.size) - GAP - TOTALS;
    Ok(vec![
        Cell::left(TOTALS, setter.lines(&name, BODY, room.max(60_000))?),
        Cell::right(base_right, vec![base]),
        Cell::right(RIGHT, vec![setter.line(&setter.amount(tax.tax), BODY)?]),
    ])
}

/// Whether a rate stands in a name in one of these ways, spaced as they are or not.
fn names_rate(name: &str, ways: &[&str]) -> bool {
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    ways.iter().any(|way| squeezed(name).contains(&squeezed(way)))
}

/// What the law wants said about the taxes, each once.
fn notes(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let mut notes: Vec<&str> = Vec::new();
    if setter.doc.tax_inclusive {
        notes.push(&setter.labels.tax_included);
    }
    for tax in &setter.doc.taxes {
        if !tax.note.trim().is_empty() && !notes.contains(&tax.note.as_str()) {
            notes.push(&tax.note);
        }
    }
    flow.space(20_000);
    for note in notes {
        flow.space(3_000);
        flow.row(&[Cell::left(LEFT, setter.lines(note, BODY, RIGHT - LEFT)?)]);
    }
    Ok(())
}

/// By when to pay, and where to.
fn payment(setter: &Setter<'_>) -> Result<[Cell; 2], RenderError> {
    let (doc, labels, language) = (setter.doc, setter.labels, setter.language);
    let width = TOTALS - LEFT - 26_000;
    let (heading, terms) = match doc.kind {
        DocumentKind::CreditNote => {
            let lowered = doc.corrects.as_ref().and_then(|corrected| corrected.settled);
            (&labels.credit_note, language.credited(doc.total, lowered, doc.currency))
        }
        DocumentKind::Invoice if setter.payable() => {
            (&labels.payment, language.terms(doc.payment_terms_days, &language.date(doc.due_on), &doc.number))
        }
        DocumentKind::Invoice => (&labels.payment, labels.nothing_due.clone()),
    };
    let mut told = setter.lines(heading, Look { height: BODY.height, ..HEADING }, width)?;
    told.extend(setter.lines(&terms, BODY, width)?);
    // Nobody pays a credit note.
    let bank = if doc.kind == DocumentKind::Invoice { doc.bank.clone() } else { BankDetails::default() };
    // Whose account it is stands above, and what to quote in the terms.
    let rows = labels.bank_rows("", &bank, "").map(|(name, value)| (name, value, BODY));
    let [mut names, mut values] = setter.typesetter.facts(&rows, LEFT, NAMES, LEFT + width)?;
    for cell in [&mut names, &mut values] {
        if let Some(first) = cell.lines.first_mut() {
            first.above = 5_000;
        }
    }
    // The values begin below the text, which stands on the left alone.
    let blank = |line: &Line| Line { run: Run::default(), ..line.clone() };
    values.lines.splice(0..0, told.iter().map(blank));
    names.lines.splice(0..0, told);
    Ok([names, values])
}
