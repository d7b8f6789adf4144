//! The top of the first page: who bills whom, the facts, the title.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, Ink, Item, LEFT, Line, RIGHT, TOP};
use super::super::text::Length;
use super::{BODY, Facts, HEADING, LEAD, Look, QUIET, SMALL, STRONG, Setter, TITLE, named};
use crate::model::document::DocumentKind;

/// Where the right column begins.
const COLUMN: Length = LEFT + 292_000;
/// Where the values of the facts begin.
const VALUES: Length = COLUMN + 78_000;
/// The buyer's address stands here at the highest, in the window of a DIN 5008 envelope.
const WINDOW: Length = 144_000;

pub fn draw(setter: &Setter<'_>, flow: &mut Flow, logo: Option<(Length, Length)>) -> Result<(), RenderError> {
    letterhead(setter, flow, logo)?;
    flow.y = (flow.y + 22_000).max(WINDOW);
    buyer_and_facts(setter, flow)?;
    flow.space(30_000);
    let (doc, labels) = (setter.doc, setter.labels);
    let mut title = setter.lines(&setter.title(), TITLE, RIGHT - LEFT)?;
    let lead = match setter.payable() {
        true => (labels.summary)(&setter.money(doc.to_pay()), &(labels.date)(doc.due_on)),
        false => setter.money(doc.total),
    };
    title.extend(setter.lines(&lead, LEAD, RIGHT - LEFT)?);
    if let Some(corrects) = doc.corrects.as_ref().filter(|corrects| !corrects.reason.is_empty()) {
        let mut reason = setter.lines(&format!("{}: {}", labels.reason, corrects.reason), BODY, RIGHT - LEFT)?;
        if let Some(first) = reason.first_mut() {
            first.above = 5_000;
        }
        title.extend(reason);
    }
    flow.need(flow::height(&[Cell::left(LEFT, title.clone())]) + 60_000);
    flow.row(&[Cell::left(LEFT, title)]);
    flow.space(16_000);
    Ok(())
}

/// Logo or name on the left, the seller's particulars on the right.
fn letterhead(setter: &Setter<'_>, flow: &mut Flow, logo: Option<(Length, Length)>) -> Result<(), RenderError> {
    let (seller, labels) = (&setter.doc.seller, setter.labels);
    let name_look = Look { size: 14_000, height: 18_000, ink: Ink::Accent, ..STRONG };
    let mut right: Vec<Line> = Vec::new();
    let mut left: Vec<Line> = Vec::new();
    let width = RIGHT - COLUMN;
    match logo {
        Some(_) => right.extend(setter.lines(&seller.name, Look { ink: Ink::Text, ..HEADING }, width)?),
        None => left.extend(setter.lines(&seller.name, name_look, COLUMN - LEFT - 20_000)?),
    }
    let mut group = |texts: Vec<String>| -> Result<(), RenderError> {
        let mut above = 4_000;
        for text in texts {
            for mut line in setter.lines(&text, SMALL, width)? {
                line.above = std::mem::take(&mut above);
                right.push(line);
            }
        }
        Ok(())
    };
    let mut address = vec![seller.attention.clone()];
    address.extend(labels.address(&seller.address));
    group(address)?;
    group(vec![seller.email.clone(), seller.phone.clone(), seller.website.clone()])?;
    group(vec![named(labels.tax_id, &seller.tax_id), named(labels.registration, &seller.registration)])?;
    let mut least = TOP;
    if let Some((width, height)) = logo {
        flow.paint(Item::Logo { x: LEFT, y: TOP, width, height });
        least += height;
    }
    flow.row(&[Cell::left(LEFT, left), Cell::left(COLUMN, right)]);
    flow.y = flow.y.max(least);
    Ok(())
}

fn buyer_and_facts(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let (doc, labels) = (setter.doc, setter.labels);
    let buyer = &doc.buyer;
    let width = COLUMN - LEFT - 24_000;
    let mut left = setter.lines(labels.billed_to, Look { height: BODY.height, ..HEADING }, width)?;
    let name_from = left.len();
    left.extend(setter.lines(&buyer.name, Look { size: 10_000, height: 14_000, ..STRONG }, width)?);
    left.extend(setter.lines(&named(labels.attention, &buyer.attention), BODY, width)?);
    for text in labels.address(&buyer.address) {
        left.extend(setter.lines(&text, BODY, width)?);
    }
    let ids_from = left.len();
    for text in [named(labels.tax_id, &buyer.tax_id), named(labels.registration, &buyer.registration)] {
        left.extend(setter.lines(&text, QUIET, width)?);
    }
    for from in [name_from, ids_from] {
        if let Some(line) = left.get_mut(from) {
            line.above = 4_000;
        }
    }
    let mut facts = Facts::new();
    let revision = if doc.revision > 0 { doc.revision.to_string() } else { String::new() };
    let (number, due) = match doc.kind {
        DocumentKind::Invoice => (labels.number, (labels.date)(doc.due_on)),
        DocumentKind::CreditNote => (labels.credit_note_number, String::new()),
    };
    let corrects = doc.corrects.as_ref();
    for (name, value, look) in [
        (number, doc.number.clone(), STRONG),
        (labels.revision, revision, BODY),
        (labels.issued, (labels.date)(doc.issued_on), BODY),
        (labels.due, due, STRONG),
        (labels.corrects, corrects.map(|c| c.number.clone()).unwrap_or_default(), STRONG),
        (labels.corrects_issued, corrects.map(|c| (labels.date)(c.issued_on)).unwrap_or_default(), BODY),
        (labels.service, (labels.days)(doc.service_from, doc.service_to), BODY),
        (labels.reference, doc.reference.clone(), BODY),
    ] {
        facts.add(setter.line(name, QUIET)?, setter.lines(&value, look, RIGHT - VALUES)?);
    }
    let [names, values] = facts.cells(COLUMN, VALUES);
    flow.row(&[Cell::left(LEFT, left), names, values]);
    Ok(())
}
