//! The table of lines.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, Ink, LEFT, Line, RIGHT};
use super::super::text::Length;
use super::{BODY, HEADING, Look, SMALL, Setter};
use crate::model::TaxCategory;
use crate::model::document::{DocumentLine, DocumentTax};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// White space between columns, and between a quantity and its unit.
const GAP: Length = 14_000;
const UNIT_GAP: Length = 3_500;
/// What a description keeps, however long the figures are.
const DESCRIPTION: Length = 150_000;
/// An amount of 2^63 minor units fits.
const AMOUNT: Length = 140_000;

/// Right edges and widths of the columns, fitted to what stands in them.
struct Columns {
    quantity: Column,
    unit: Column,
    price: Column,
    tax: Column,
    amount: Column,
    description: Length,
}

#[derive(Clone, Copy)]
struct Column {
    right: Length,
    width: Length,
}

/// The figures of a line as they are printed.
struct Figures {
    quantity: String,
    unit: String,
    price: String,
    tax: String,
    amount: String,
}

/// White space below the last line.
const BELOW: Length = 7_000;

/// `following` is the height of what should not be parted from the last line: totals on a page of
/// their own could be anybody's.
pub fn draw(setter: &Setter<'_>, flow: &mut Flow, following: Length) -> Result<(), RenderError> {
    let lines = lines(setter);
    let figures: Vec<Figures> = lines.iter().map(|line| figures(setter, line)).collect();
    let columns = columns(setter, &figures)?;
    let header = header(setter, &columns)?;
    flow.need(flow::height(&header) + 50_000);
    flow.begin_table(header);
    for (index, (line, figures)) in lines.iter().zip(&figures).enumerate() {
        if index > 0 {
            flow.space(5_000);
        }
        let row = row(setter, &columns, line, figures)?;
        let last = index > 0 && index + 1 == lines.len();
        flow.need(flow::height(&row).min(flow::KEPT) + if last { BELOW + following } else { 0 });
        if index > 0 && !flow.is_fresh() {
            flow.rule(LEFT, RIGHT - LEFT, 500, Ink::Hairline);
            flow.space(5_500);
        }
        flow.row(&row);
    }
    flow.end_table();
    flow.space(BELOW);
    flow.rule(LEFT, RIGHT - LEFT, 750, Ink::Accent);
    Ok(())
}

/// What is billed or credited. Of an amount that was taken back it does not matter over which lines of the invoice it was
/// spread: one line a tax rate says why.
fn lines<'d>(setter: &Setter<'d>) -> Cow<'d, [DocumentLine]> {
    let doc = setter.doc;
    let Some(corrected) = doc.corrects.as_ref().filter(|corrected| corrected.is_of_an_amount) else {
        return Cow::Borrowed(&doc.lines);
    };
    let description = match corrected.reason.as_str() {
        "" => setter.language.credited_part(&corrected.number),
        reason => reason.to_owned(),
    };
    let of_tax = |tax: &DocumentTax| {
        let own = || doc.lines.iter().filter(|line| (line.tax_category, line.tax_rate) == (tax.category, tax.rate));
        let amount: Decimal = own().map(|line| line.amount).sum();
        DocumentLine {
            description: description.clone(),
            service_from: doc.service_from,
            service_to: doc.service_to,
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: amount,
            prorated: None,
            details: Vec::new(),
            tax_category: tax.category,
            tax_rate: tax.rate,
            amount,
            net: own().map(|line| line.net).sum(),
        }
    };
    Cow::Owned(doc.taxes.iter().map(of_tax).collect())
}

fn figures(setter: &Setter<'_>, line: &DocumentLine) -> Figures {
    let language = setter.language;
    Figures {
        quantity: language.number(line.quantity, 0),
        unit: line.unit.clone(),
        price: setter.amount(line.unit_price),
        // What is outside the scope of tax has no rate (EN 16931 BR-O-05).
        tax: if line.tax_category == TaxCategory::OutOfScope { "–".to_owned() } else { language.rate(line.tax_rate) },
        amount: setter.amount(line.amount),
    }
}

fn columns(setter: &Setter<'_>, figures: &[Figures]) -> Result<Columns, RenderError> {
    let labels = setter.labels;
    let widest = |label: &str, of: &dyn Fn(&Figures) -> &str| -> Result<Length, RenderError> {
        let mut widest = setter.line(label, HEADING)?.run.width(HEADING.size);
        for figures in figures {
            widest = widest.max(setter.line(of(figures), BODY)?.run.width(BODY.size));
        }
        Ok(widest)
    };
    let amount_label = amount_label(setter);
    let amount = widest(&amount_label, &|f| &f.amount)?.min(AMOUNT);
    // Figures beyond these shares of the rest are wrapped in their columns.
    let rest = RIGHT - LEFT - DESCRIPTION - amount - 4 * GAP - UNIT_GAP;
    let quantity = widest(&labels.quantity, &|f| &f.quantity)?.min(rest * 28 / 100);
    let unit = widest("", &|f| &f.unit)?.min(rest * 25 / 100);
    let price = widest(&labels.unit_price, &|f| &f.price)?.min(rest * 32 / 100);
    let tax = widest(&labels.tax, &|f| &f.tax)?.min(rest * 15 / 100);

    let amount = Column { right: RIGHT, width: amount };
    let tax = Column { right: amount.right - amount.width - GAP, width: tax };
    let price = Column { right: tax.right - tax.width - GAP, width: price };
    let unit = Column { right: price.right - price.width - GAP, width: unit };
    let unit_gap = if unit.width > 0 { UNIT_GAP } else { 0 };
    let quantity = Column { right: unit.right - unit.width - unit_gap, width: quantity };
    let description = quantity.right - quantity.width - GAP - LEFT;
    Ok(Columns { quantity, unit, price, tax, amount, description })
}

fn amount_label(setter: &Setter<'_>) -> String {
    format!("{} ({})", setter.labels.amount, setter.doc.currency)
}

fn header(setter: &Setter<'_>, columns: &Columns) -> Result<Vec<Cell>, RenderError> {
    let labels = setter.labels;
    let figure = |text: &str, column: Column| cell(setter, text, HEADING, column);
    Ok(vec![
        Cell::left(LEFT, setter.lines(&labels.description, HEADING, columns.description)?),
        figure(&labels.quantity, columns.quantity)?,
        figure(&labels.unit_price, columns.price)?,
        figure(&labels.tax, columns.tax)?,
        figure(&amount_label(setter), columns.amount)?,
    ])
}

fn row(setter: &Setter<'_>, columns: &Columns, line: &DocumentLine, figures: &Figures) -> Result<Vec<Cell>, RenderError> {
    let mut about = setter.lines(&line.description, BODY, columns.description)?;
    about.extend(setter.lines(&served(setter, line), SMALL, columns.description)?);
    let unit = setter.lines(&figures.unit, Look { ink: Ink::Muted, ..BODY }, columns.unit.width)?;
    Ok(vec![
        Cell::left(LEFT, about),
        cell(setter, &figures.quantity, BODY, columns.quantity)?,
        Cell::left(columns.unit.right - columns.unit.width, unit),
        cell(setter, &figures.price, BODY, columns.price)?,
        cell(setter, &figures.tax, BODY, columns.tax)?,
        cell(setter, &figures.amount, BODY, columns.amount)?,
    ])
}

/// When a line was served, unless that is what the head of the invoice says already, which part of
/// the full period is billed, and how the figures came about.
fn served(setter: &Setter<'_>, line: &DocumentLine) -> String {
    let (doc, language) = (setter.doc, setter.language);
    let mut said = Vec::with_capacity(2);
    if line.prorated.is_some() || (line.service_from, line.service_to) != (doc.service_from, doc.service_to) {
        said.push(language.days(line.service_from, line.service_to));
    }
    said.extend(line.prorated.map(|(billed, of)| language.part(billed, of)));
    said.extend(line.details.iter().map(|detail| language.detail(detail, &|amount| setter.amount(amount))));
    said.join(" · ")
}

fn cell(setter: &Setter<'_>, text: &str, look: Look, column: Column) -> Result<Cell, RenderError> {
    let lines: Vec<Line> = setter.lines(text, look, column.width)?;
    Ok(Cell::right(column.right, lines))
}
