//! The top of the first page: who bills whom, the facts, the title.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, LEFT, RIGHT};
use super::super::letter::{self, COLUMN, WINDOW};
use super::super::text::Length;
use super::{BODY, LEAD, STRONG, Setter, TITLE};

/// From the names of the facts to their values, at least.
const NAMES: Length = 78_000;

pub fn draw(setter: &Setter<'_>, flow: &mut Flow, logo: Option<(Length, Length)>) -> Result<(), RenderError> {
    letter::letterhead(&setter.typesetter, flow, &setter.doc.seller, logo)?;
    flow.y = (flow.y + 22_000).max(WINDOW);
    buyer_and_facts(setter, flow)?;
    flow.space(30_000);
    let (doc, labels, language) = (setter.doc, setter.labels, setter.language);
    let mut title = setter.lines(&format!("{} {}", labels.invoice, doc.number), TITLE, RIGHT - LEFT)?;
    let total = setter.money(doc.total);
    let lead = if setter.payable() { language.summary(&total, &language.date(doc.due_on)) } else { total };
    title.extend(setter.lines(&lead, LEAD, RIGHT - LEFT)?);
    flow.need(flow::height(&[Cell::left(LEFT, title.clone())]) + 60_000);
    flow.row(&[Cell::left(LEFT, title)]);
    flow.space(16_000);
    Ok(())
}

fn buyer_and_facts(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let (doc, labels, language) = (setter.doc, setter.labels, setter.language);
    let left = letter::addressee(&setter.typesetter, &labels.billed_to, &doc.buyer)?;
    let revision = if doc.revision > 0 { doc.revision.to_string() } else { String::new() };
    let rows = [
        (labels.number.as_str(), doc.number.clone(), STRONG),
        (&labels.revision, revision, BODY),
        (&labels.issued, language.date(doc.issued_on), BODY),
        (&labels.due, language.date(doc.due_on), STRONG),
        (&labels.service, language.days(doc.service_from, doc.service_to), BODY),
        (&labels.reference, doc.reference.clone(), BODY),
    ];
    let [names, values] = setter.typesetter.facts(&rows, COLUMN, NAMES, RIGHT)?;
    flow.row(&[Cell::left(LEFT, left), names, values]);
    Ok(())
}
