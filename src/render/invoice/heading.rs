//! The top of the first page: who bills whom, the facts, the title.

use super::super::RenderError;
use super::super::flow::{self, Cell, Flow, LEFT, RIGHT};
use super::super::letter::{self, COLUMN, WINDOW};
use super::super::text::Length;
use super::{BODY, LEAD, STRONG, Setter, TITLE};
use crate::model::document::DocumentKind;

/// From the names of the facts to their values, at least.
const NAMES: Length = 78_000;

pub fn draw(setter: &Setter<'_>, flow: &mut Flow, logo: Option<(Length, Length)>) -> Result<(), RenderError> {
    letter::letterhead(&setter.typesetter, flow, &setter.doc.seller, logo)?;
    flow.y = (flow.y + 22_000).max(WINDOW);
    buyer_and_facts(setter, flow)?;
    flow.space(30_000);
    let (doc, labels, language) = (setter.doc, setter.labels, setter.language);
    let mut title = setter.lines(&setter.title(), TITLE, RIGHT - LEFT)?;
    let lead = match setter.payable() {
        true => language.summary(&setter.money(doc.to_pay()), &language.date(doc.due_on)),
        false => setter.money(doc.total),
    };
    title.extend(setter.lines(&lead, LEAD, RIGHT - LEFT)?);
    if let Some(corrects) = doc.corrects.as_ref().filter(|corrects| !corrects.reason.is_empty()) {
        let mut reason = setter.lines(&format!("{} {}", language.label(&labels.reason), corrects.reason), BODY, RIGHT - LEFT)?;
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

fn buyer_and_facts(setter: &Setter<'_>, flow: &mut Flow) -> Result<(), RenderError> {
    let (doc, labels, language) = (setter.doc, setter.labels, setter.language);
    let (billed_to, issued) = match doc.kind {
        DocumentKind::Invoice => (&labels.billed_to, &labels.issued),
        DocumentKind::CreditNote => (&labels.credited_to, &labels.credit_note_issued),
    };
    let left = letter::addressee(&setter.typesetter, billed_to, &doc.buyer)?;
    let revision = if doc.revision > 0 { doc.revision.to_string() } else { String::new() };
    let (number, due) = match doc.kind {
        DocumentKind::Invoice => (&labels.number, language.date(doc.due_on)),
        DocumentKind::CreditNote => (&labels.credit_note_number, String::new()),
    };
    let corrects = doc.corrects.as_ref();
    let rows = [
        (number.as_str(), doc.number.clone(), STRONG),
        (&labels.revision, revision, BODY),
        (issued, language.date(doc.issued_on), BODY),
        (&labels.due, due, STRONG),
        (&labels.corrects, corrects.map(|c| c.number.clone()).unwrap_or_default(), STRONG),
        (&labels.corrects_issued, corrects.map(|c| language.date(c.issued_on)).unwrap_or_default(), BODY),
        (&labels.service, language.days(doc.service_from, doc.service_to), BODY),
        (&labels.customer_number, doc.buyer.id.clone(), BODY),
        (&labels.reference, doc.reference.clone(), BODY),
    ];
    let [names, values] = setter.typesetter.facts(&rows, COLUMN, NAMES, RIGHT)?;
    flow.row(&[Cell::left(LEFT, left), names, values]);
    Ok(())
}
