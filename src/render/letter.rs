//! What invoices and statements have in common: looks, the letterhead, names beside values, the foot.
//!
//! One grid: text on the left edge, facts in a right column, amounts on the right edge.

use super::RenderError;
use super::flow::{Cell, Flow, Ink, Item, LEFT, Line, RIGHT, TOP};
use super::fonts::{Fonts, Weight};
use super::languages::Language;
use super::text::{self, Length};
use crate::model::document::Party;

/// Where the right column begins.
pub const COLUMN: Length = LEFT + 292_000;
/// The addressee stands here at the highest, in the window of a DIN 5008 envelope.
pub const WINDOW: Length = 144_000;

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub weight: Weight,
    pub size: Length,
    pub ink: Ink,
    pub height: Length,
}

pub const BODY: Look = Look { weight: Weight::Regular, size: 9_000, ink: Ink::Text, height: 12_600 };
pub const STRONG: Look = Look { weight: Weight::Bold, ..BODY };
pub const QUIET: Look = Look { ink: Ink::Muted, ..BODY };
pub const SMALL: Look = Look { weight: Weight::Regular, size: 7_800, ink: Ink::Muted, height: 10_800 };
pub const HEADING: Look = Look { weight: Weight::Bold, size: 7_800, ink: Ink::Accent, height: 10_800 };
pub const TITLE: Look = Look { weight: Weight::Bold, size: 19_000, ink: Ink::Text, height: 25_000 };
pub const LEAD: Look = Look { weight: Weight::Regular, size: 11_000, ink: Ink::Accent, height: 16_000 };
pub const TOTAL: Look = Look { weight: Weight::Bold, size: 12_000, ink: Ink::Text, height: 17_000 };

/// Sets texts in the fonts and words of a document.
#[derive(Clone, Copy)]
pub struct Typesetter<'a> {
    pub fonts: &'a Fonts,
    pub language: &'a Language,
}

impl Typesetter<'_> {
    /// One line, however wide.
    pub fn line(&self, text: &str, look: Look) -> Result<Line, RenderError> {
        let run = text::line(self.fonts, text, look.weight)?;
        Ok(Line { run, size: look.size, ink: look.ink, height: look.height, above: 0 })
    }

    /// As many lines as the width asks for; none for an empty text.
    pub fn lines(&self, text: &str, look: Look, width: Length) -> Result<Vec<Line>, RenderError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let runs = text::wrap(self.fonts, text, look.weight, look.size, width)?;
        Ok(runs.into_iter().map(|run| Line { run, size: look.size, ink: look.ink, height: look.height, above: 0 }).collect())
    }

    /// The width of the widest of some texts.
    pub fn widest<'t>(&self, texts: impl IntoIterator<Item = &'t str>, look: Look) -> Result<Length, RenderError> {
        let mut widest = 0;
        for text in texts {
            widest = widest.max(self.line(text, look)?.run.width(look.size));
        }
        Ok(widest)
    }

    /// Names and values side by side; the values begin behind the widest name, and no nearer than `least`.
    pub fn facts(
        &self,
        rows: &[(&str, String, Look)],
        x: Length,
        least: Length,
        right: Length,
    ) -> Result<[Cell; 2], RenderError> {
        let told = rows.iter().filter(|(_, value, _)| !value.trim().is_empty());
        let values_from = x + least.max(self.widest(told.map(|row| row.0), QUIET)? + 8_000);
        let mut facts = Facts::new();
        for (name, value, look) in rows {
            facts.add(self.line(name, QUIET)?, self.lines(value, *look, right - values_from)?);
        }
        Ok(facts.cells(x, values_from))
    }

    /// What each page but the first begins with: what it belongs to, and whose it is.
    pub fn running_head(&self, what: &str, seller: &str) -> Result<Vec<Cell>, RenderError> {
        let half = (RIGHT - LEFT) / 2 - 10_000;
        let mut what = self.lines(what, HEADING, half)?;
        let mut seller = self.lines(seller, SMALL, half)?;
        // A reminder of what the first page says in full: one line is enough.
        what.truncate(1);
        seller.truncate(1);
        Ok(vec![Cell::left(LEFT, what), Cell::right(RIGHT, seller)])
    }
}

/// Logo or name on the left, the seller's particulars on the right.
pub fn letterhead(
    setter: &Typesetter<'_>,
    flow: &mut Flow,
    seller: &Party,
    logo: Option<(Length, Length)>,
) -> Result<(), RenderError> {
    let labels = &setter.language.document;
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
    address.extend(setter.language.address(&seller.address));
    group(address)?;
    group(vec![seller.email.clone(), seller.phone.clone(), seller.website.clone()])?;
    group(vec![named(&labels.tax_id, &seller.tax_id), named(&labels.registration, &seller.registration)])?;
    let mut least = TOP;
    if let Some((width, height)) = logo {
        flow.paint(Item::Logo { x: LEFT, y: TOP, width, height });
        least += height;
    }
    flow.row(&[Cell::left(LEFT, left), Cell::left(COLUMN, right)]);
    flow.y = flow.y.max(least);
    Ok(())
}

/// Whom it is for, under a heading.
pub fn addressee(setter: &Typesetter<'_>, heading: &str, party: &Party) -> Result<Vec<Line>, RenderError> {
    let labels = &setter.language.document;
    let width = COLUMN - LEFT - 24_000;
    let mut left = setter.lines(heading, Look { height: BODY.height, ..HEADING }, width)?;
    let name_from = left.len();
    left.extend(setter.lines(&party.name, Look { size: 10_000, height: 14_000, ..STRONG }, width)?);
    left.extend(setter.lines(&named(&labels.attention, &party.attention), BODY, width)?);
    for text in setter.language.address(&party.address) {
        left.extend(setter.lines(&text, BODY, width)?);
    }
    let ids_from = left.len();
    for text in [named(&labels.tax_id, &party.tax_id), named(&labels.registration, &party.registration)] {
        left.extend(setter.lines(&text, QUIET, width)?);
    }
    for from in [name_from, ids_from] {
        if let Some(line) = left.get_mut(from) {
            line.above = 4_000;
        }
    }
    Ok(left)
}

/// A column of names and one of values, row by row, however many lines a value takes.
pub struct Facts {
    names: Vec<Line>,
    values: Vec<Line>,
}

impl Facts {
    pub fn new() -> Self {
        Self { names: Vec::new(), values: Vec::new() }
    }

    pub fn add(&mut self, name: Line, values: Vec<Line>) {
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

    pub fn cells(self, name_x: Length, value_x: Length) -> [Cell; 2] {
        [Cell::left(name_x, self.names), Cell::left(value_x, self.values)]
    }
}

/// A rule across the page, and below it the seller's words and the number of the page.
pub fn foot_items(top: Length, foot: &[Line], number: &Line) -> Vec<Item> {
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

/// `Tax ID DE123` as one text, or nothing.
pub fn named(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name} {value}") }
}

/// The names of a party's printed fields, in the order of `party_texts`.
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
pub(super) use party_fields;

/// What is printed of a party.
pub fn party_texts(party: &Party) -> [&str; 13] {
    let address = &party.address;
    [
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
    ]
}
