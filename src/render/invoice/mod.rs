//! What goes where on an invoice.

mod closing;
mod heading;
mod table;

use super::RenderError;
use super::flow::{Cell, FOOT, Flow, LEFT, Line, Page, RIGHT};
use super::fonts::Fonts;
use super::languages::{Labels, Language};
use super::letter::{self, BODY, HEADING, LEAD, Look, QUIET, SMALL, STRONG, TITLE, TOTAL, Typesetter, foot_items, party_fields};
use super::text::Length;
use crate::model::document::{Document, Party};
use rust_decimal::Decimal;

/// Lays the invoice out. `logo` is the logo's extent on the page.
pub fn compose(
    doc: &Document,
    logo: Option<(Length, Length)>,
    fonts: &Fonts,
    language: &Language,
) -> Result<Vec<Page>, RenderError> {
    let setter = Setter { doc, language, labels: &language.document, typesetter: Typesetter { fonts, language } };
    let mut foot = setter.lines(&doc.footer, SMALL, RIGHT - LEFT - 90_000)?;
    // A footer of a page's length would leave no page: it follows the invoice once instead.
    let long_footer = if foot.len() > 8 { std::mem::take(&mut foot) } else { Vec::new() };
    let foot_top = FOOT - SMALL.height * Length::try_from(foot.len().max(1)).unwrap_or(1);
    let mut flow = Flow::new(
        foot_top - 22_000,
        setter.typesetter.running_head(&format!("{} {}", language.document.invoice, doc.number), &doc.seller.name)?,
    );
    heading::draw(&setter, &mut flow, logo)?;
    let closing = closing::Closing::set(&setter)?;
    table::draw(&setter, &mut flow, closing.kept())?;
    closing.draw(&setter, &mut flow)?;
    if !long_footer.is_empty() {
        flow.space(18_000);
        flow.row(&[Cell::left(LEFT, long_footer)]);
    }
    let pages = flow.len();
    let numbers = (1..=pages).map(|page| setter.line(&language.page(page, pages), SMALL)).collect::<Result<Vec<_>, _>>()?;
    Ok(flow.finish(|index| foot_items(foot_top, &foot, &numbers[index])))
}

/// Calls with each text of the document that is printed: its field, the index in a list, the text.
/// What finops itself prints (labels, dates, numbers) is in every font.
pub fn printed_fields(doc: &Document, call: &mut dyn FnMut(&str, Option<usize>, &str)) {
    let mut field = |name: &str, text: &str| call(name, None, text);
    let party = |call: &mut dyn FnMut(&str, &str), names: [&str; 13], party: &Party| {
        names.iter().zip(letter::party_texts(party)).for_each(|(name, text)| call(name, text));
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
    labels: &'a Labels,
    language: &'a Language,
    typesetter: Typesetter<'a>,
}

impl Setter<'_> {
    fn line(&self, text: &str, look: Look) -> Result<Line, RenderError> {
        self.typesetter.line(text, look)
    }

    fn lines(&self, text: &str, look: Look, width: Length) -> Result<Vec<Line>, RenderError> {
        self.typesetter.lines(text, look, width)
    }

    /// An amount with the currency's decimals: 1,234.50.
    fn amount(&self, value: Decimal) -> String {
        self.language.number(value, self.doc.currency.exponent())
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
        self.language.money(value, self.doc.currency)
    }
}
