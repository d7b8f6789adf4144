//! What goes where on an invoice.
//!
//! One grid: text on the left edge, facts in a right column, amounts on the right edge.

mod closing;
mod heading;
mod table;

use super::RenderError;
use super::flow::{Cell, FOOT, Flow, Ink, Item, LEFT, Line, Page, RIGHT};
use super::fonts::{Fonts, Weight};
use super::labels::Labels;
use super::text::{self, Length};
use crate::model::document::{Document, Party};
use rust_decimal::Decimal;

/// How a line looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    weight: Weight,
    size: Length,
    ink: Ink,
    height: Length,
}

const BODY: Look = Look { weight: Weight::Regular, size: 9_000, ink: Ink::Text, height: 12_600 };
const STRONG: Look = Look { weight: Weight::Bold, ..BODY };
const QUIET: Look = Look { ink: Ink::Muted, ..BODY };
const SMALL: Look = Look { weight: Weight::Regular, size: 7_800, ink: Ink::Muted, height: 10_800 };
const HEADING: Look = Look { weight: Weight::Bold, size: 7_800, ink: Ink::Accent, height: 10_800 };
const TITLE: Look = Look { weight: Weight::Bold, size: 19_000, ink: Ink::Text, height: 25_000 };
const LEAD: Look = Look { weight: Weight::Regular, size: 11_000, ink: Ink::Accent, height: 16_000 };
const TOTAL: Look = Look { weight: Weight::Bold, size: 12_000, ink: Ink::Text, height: 17_000 };

/// Lays the invoice out. `logo` is the logo's extent on the page.
pub fn compose(doc: &Document, logo: Option<(Length, Length)>, fonts: &Fonts, labels: &Labels) -> Result<Vec<Page>, RenderError> {
    let setter = Setter { doc, fonts, labels };
    let mut foot = setter.lines(&doc.footer, SMALL, RIGHT - LEFT - 90_000)?;
    // A footer of a page's length would leave no page: it follows the invoice once instead.
    let long_footer = if foot.len() > 8 { std::mem::take(&mut foot) } else { Vec::new() };
    let foot_top = FOOT - SMALL.height * Length::try_from(foot.len().max(1)).unwrap_or(1);
    let mut flow = Flow::new(foot_top - 22_000, setter.running_head()?);
    heading::draw(&setter, &mut flow, logo)?;
    let closing = closing::Closing::set(&setter)?;
    table::draw(&setter, &mut flow, closing.kept())?;
    closing.draw(&setter, &mut flow)?;
    if !long_footer.is_empty() {
        flow.space(18_000);
        flow.row(&[Cell::left(LEFT, long_footer)]);
    }
    let pages = flow.len();
    let numbers = (1..=pages).map(|page| setter.line(&(labels.page)(page, pages), SMALL)).collect::<Result<Vec<_>, _>>()?;
    Ok(flow.finish(|index| foot_items(foot_top, &foot, &numbers[index])))
}

fn foot_items(top: Length, foot: &[Line], number: &Line) -> Vec<Item> {
    let mut items = vec![Item::Rule { x: LEFT, y: top - 7_000, width: RIGHT - LEFT, thickness: 500, ink: Ink::Hairline }];
    let mut write = |x: Length, y: Length, line: &Line| {
        items.push(Item::Text { x, y, run: line.run.clone(), size: line.size, ink: line.ink });
    };
    for (y, line) in (top..).step_by(10_800).zip(foot) {
        write(LEFT, y + SMALL.size, line);
    }
    write(RIGHT - number.run.width(number.size), top + SMALL.size, number);
    items
}

macro_rules! party_fields {
    ($who:literal) => {
        [
            concat!($who, ".name"),
            concat!($who, ".attention"),
            concat!($who, ".address.line1"),
            concat!($who, ".address.line2"),
            concat!($who, ".address.postal_code"),
            concat!($who, ".address.city"),
            concat!($who, ".address.region"),
            concat!($who, ".address.country"),
            concat!($who, ".tax_id"),
            concat!($who, ".registration"),
            concat!($who, ".email"),
            concat!($who, ".phone"),
            concat!($who, ".website"),
        ]
    };
}
/// Calls with each text of the document that is printed: its field, the index in a list, the text.
/// What finops itself prints (labels, dates, numbers) is in every font.
pub fn printed_fields(doc: &Document, call: &mut dyn FnMut(&str, Option<usize>, &str)) {
    let mut field = |name: &str, text: &str| call(name, None, text);
    let party = |call: &mut dyn FnMut(&str, &str), names: [&str; 13], party: &Party| {
        let address = &party.address;
        let texts = [
            &party.name,
            &party.attention,
            &address.line1,
            &address.line2,
            &address.postal_code,
            &address.city,
            &address.region,
            &address.country,
            &party.tax_id,
            &party.registration,
            &party.email,
            &party.phone,
            &party.website,
        ];
        names.iter().zip(texts).for_each(|(name, text)| call(name, text));
    };
    party(&mut field, party_fields!("seller"), &doc.seller);
    party(&mut field, party_fields!("buyer"), &doc.buyer);
    field("number", &doc.number);
    field("reference", &doc.reference);
    if let Some(corrects) = &doc.corrects {
        field("corrects.number", &corrects.number);
        field("corrects.reason", &corrects.reason);
    }
    field("bank.bank_name", &doc.bank.bank_name);
    field("bank.iban", &doc.bank.iban);
    field("bank.bic", &doc.bank.bic);
    field("bank.account", &doc.bank.account);
    field("footer", &doc.footer);
    for (index, line) in doc.lines.iter().enumerate() {
        call("lines[].description", Some(index), &line.description);
        call("lines[].unit", Some(index), &line.unit);
    }
    for (index, tax) in doc.taxes.iter().enumerate() {
        call("taxes[].name", Some(index), &tax.name);
        call("taxes[].note", Some(index), &tax.note);
    }
}

/// Sets texts in the document's words and formats.
struct Setter<'a> {
    doc: &'a Document,
    fonts: &'a Fonts,
    labels: &'a Labels,
}

impl Setter<'_> {
    /// One line, however wide.
    fn line(&self, text: &str, look: Look) -> Result<Line, RenderError> {
        let run = text::line(self.fonts, text, look.weight)?;
        Ok(Line { run, size: look.size, ink: look.ink, height: look.height, above: 0 })
    }

    /// As many lines as the width asks for; none for an empty text.
    fn lines(&self, text: &str, look: Look, width: Length) -> Result<Vec<Line>, RenderError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let runs = text::wrap(self.fonts, text, look.weight, look.size, width)?;
        Ok(runs.into_iter().map(|run| Line { run, size: look.size, ink: look.ink, height: look.height, above: 0 }).collect())
    }

    /// An amount with the currency's decimals: 1,234.50.
    fn amount(&self, value: Decimal) -> String {
        self.labels.number(value, self.doc.currency.exponent())
    }

    /// Whether there is something to pay: a credit may outweigh what is billed.
    fn payable(&self) -> bool {
        self.doc.to_pay() > Decimal::ZERO
    }

    fn title(&self) -> String {
        format!("{} {}", self.labels.title(self.doc.kind), self.doc.number)
    }

    /// An amount with its currency: EUR 1,234.50.
    fn money(&self, value: Decimal) -> String {
        format!("{}\u{a0}{}", self.doc.currency, self.amount(value))
    }

    /// What each page but the first begins with.
    fn running_head(&self) -> Result<Vec<Cell>, RenderError> {
        let half = (RIGHT - LEFT) / 2 - 10_000;
        let mut number = self.lines(&self.title(), HEADING, half)?;
        let mut seller = self.lines(&self.doc.seller.name, SMALL, half)?;
        // A reminder of what the first page says in full: one line is enough.
        number.truncate(1);
        seller.truncate(1);
        Ok(vec![Cell::left(LEFT, number), Cell::right(RIGHT, seller)])
    }
}

/// A column of names and one of values, row by row, however many lines a value takes.
struct Facts {
    names: Vec<Line>,
    values: Vec<Line>,
}

impl Facts {
    fn new() -> Self {
        Self { names: Vec::new(), values: Vec::new() }
    }

    fn add(&mut self, name: Line, values: Vec<Line>) {
        if values.is_empty() {
            return;
        }
        let blank = Line { run: text::Run::default(), ..name.clone() };
        self.names.push(name);
        while self.names.len() < self.values.len() + values.len() {
            self.names.push(blank.clone());
        }
        self.values.extend(values);
    }

    fn cells(self, name_x: Length, value_x: Length) -> [Cell; 2] {
        [Cell::left(name_x, self.names), Cell::left(value_x, self.values)]
    }
}

/// `Tax ID DE123` as one text, or nothing.
fn named(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name} {value}") }
}
