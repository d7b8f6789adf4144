//! Below the table: totals, taxes, legal notes, how to pay.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, Ink, LEFT, RIGHT};
use super::super::text::Length;
use super::{BODY, Facts, HEADING, Look, QUIET, Setter, TOTAL, iban};
use crate::model::document::DocumentTax;

/// Where the names of the totals begin.
const TOTALS: Length = LEFT + 236_000;
const GAP: Length = 14_000;
/// Where the values of the bank details begin.
const VALUES: Length = LEFT + 52_000;

pub fn draw(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    totals(setter, flow)?;
    notes(setter, flow)?;
    payment(setter, flow)
}

fn totals(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let (doc, labels) = (setter.doc, setter.labels);
    let mut widest = setter.line(&setter.amount(doc.net), BODY)?.run.width(BODY.size);
    for tax in &doc.taxes {
        widest = widest.max(setter.line(&setter.amount(tax.tax), BODY)?.run.width(BODY.size));
    }
    let subtotal = vec![
        Cell::left(TOTALS, setter.lines(labels.subtotal, BODY, 120_000)?),
        Cell::right(RIGHT, vec![setter.line(&setter.amount(doc.net), BODY)?]),
    ];
    let mut rows = vec![subtotal];
    for tax in &doc.taxes {
        rows.push(tax_row(setter, tax, RIGHT - widest - GAP)?);
    }
    let total = vec![
        Cell::left(TOTALS, setter.lines(labels.total, TOTAL, 100_000)?),
        Cell::right(RIGHT, vec![setter.line(&setter.money(doc.total), TOTAL)?]),
    ];
    let between = 3_000;
    let all: Length = rows.iter().chain([&total]).map(|row| flow::height(row) + between).sum();
    flow.space(10_000);
    flow.need(all + 14_000);
    for row in &rows {
        flow.row(row);
        flow.space(between);
    }
    flow.space(3_000);
    flow.need(flow::height(&total) + 8_000);
    flow.rule(TOTALS, RIGHT - TOTALS, 750, Ink::Accent);
    flow.space(6_000);
    flow.row(&total);
    Ok(())
}

/// `VAT 19%   on 1,000.00   190.00`
fn tax_row(setter: &Setter<'_>, tax: &DocumentTax, base_right: Length) -> Result<Vec<Cell>, RenderError> {
    let labels = setter.labels;
    let rate = labels.rate(tax.rate);
    // A seller may have put the rate into the name: `VAT 19 %`.
    let squeezed: String = tax.name.chars().filter(|c| !c.is_whitespace()).collect();
    let name = match (tax.name.as_str(), squeezed.contains(&rate) || tax.rate.is_zero()) {
        ("", _) => format!("{} {rate}", labels.tax),
        (name, true) => name.to_owned(),
        (name, false) => format!("{name} {rate}"),
    };
    let base = setter.line(&(labels.on)(&setter.amount(tax.net)), QUIET)?;
    let room = base_right - base.run.width(base.size) - GAP - TOTALS;
    Ok(vec![
        Cell::left(TOTALS, setter.lines(&name, BODY, room.max(60_000))?),
        Cell::right(base_right, vec![base]),
        Cell::right(RIGHT, vec![setter.line(&setter.amount(tax.tax), BODY)?]),
    ])
}

/// What the law wants said about the taxes, each once.
fn notes(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let mut notes: Vec<&str> = Vec::new();
    if setter.doc.tax_inclusive {
        notes.push(setter.labels.tax_included);
    }
    for tax in &setter.doc.taxes {
        if !tax.note.trim().is_empty() && !notes.contains(&tax.note.as_str()) {
            notes.push(&tax.note);
        }
    }
    flow.space(20_000);
    for note in notes {
        flow.row(&[Cell::left(LEFT, setter.lines(note, BODY, RIGHT - LEFT)?)]);
        flow.space(3_000);
    }
    Ok(())
}

fn payment(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let (doc, labels) = (setter.doc, setter.labels);
    let mut told = setter.lines(labels.payment, Look { height: 14_000, ..HEADING }, RIGHT - LEFT)?;
    let terms = (labels.terms)(doc.payment_terms_days, &(labels.date)(doc.due_on), &doc.number);
    told.extend(setter.lines(&terms, BODY, RIGHT - LEFT)?);
    let mut facts = Facts::new();
    for (name, value) in [
        (labels.bank, doc.bank.bank_name.clone()),
        (labels.iban, iban(&doc.bank.iban)),
        (labels.bic, doc.bank.bic.clone()),
        (labels.account, doc.bank.account.clone()),
    ] {
        facts.add(setter.line(name, QUIET)?, setter.lines(&value, BODY, RIGHT - VALUES)?);
    }
    let told = [Cell::left(LEFT, told)];
    let bank = facts.cells(LEFT, VALUES);
    flow.space(8_000);
    flow.need(flow::height(&told) + flow::height(&bank) + 4_000);
    flow.row(&told);
    flow.space(4_000);
    flow.row(&bank);
    Ok(())
}
