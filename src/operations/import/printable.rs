//! What documents will not be able to show: told when it comes in, not in the night in which it is to be issued.
//!
//! It is a warning, for a font may be named later, and the customer may never be billed.

use crate::context::Context;
use crate::error::{Error, Problem, Result};
use crate::import::{Located, Row};
use crate::jobs::documents::load_fonts;
use crate::model::Invalid;
use crate::model::seller::Address;
use crate::render::{Fonts, Unprintable};
use std::cell::OnceCell;

/// So many are told one by one.
const TOLD: usize = 10;

/// Texts of imported rows that cannot be printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unprinted {
    /// The first of them.
    pub problems: Vec<Problem>,
    pub total: u64,
    /// What to do about them, each once.
    pub hints: Vec<&'static str>,
}

/// Looks at rows as they come; the fonts are loaded when a text is not plain Latin.
pub(super) struct Printable<'a> {
    ctx: Option<&'a Context>,
    fonts: OnceCell<Fonts>,
    pub(super) found: Unprinted,
}

impl<'a> Printable<'a> {
    pub(super) const fn new(ctx: Option<&'a Context>) -> Self {
        let found = Unprinted { problems: Vec::new(), total: 0, hints: Vec::new() };
        Self { ctx, fonts: OnceCell::new(), found }
    }

    pub(super) fn look(&mut self, rows: &[Located<Row>]) -> Result<()> {
        for row in rows {
            for (field, text) in printed(&row.value) {
                // The built-in font has these.
                if text.chars().all(|c| u32::from(c) < 0x180) {
                    continue;
                }
                let fonts = self.fonts()?;
                let Some(c) = text.chars().find(|c| !fonts.can_print(*c)) else { continue };
                let why = Unprintable::of(c);
                self.found.total += 1;
                if !self.found.hints.contains(&why.hint()) {
                    self.found.hints.push(why.hint());
                }
                if self.found.problems.len() < TOLD {
                    let reason = format!("cannot be printed for its {c:?} (U+{:04X}): {}", u32::from(c), why.why());
                    self.found.problems.push(row.source.problem(field, text, reason));
                }
            }
        }
        Ok(())
    }

    fn fonts(&self) -> Result<&Fonts> {
        if let Some(fonts) = self.fonts.get() {
            return Ok(fonts);
        }
        let fonts = match self.ctx {
            Some(ctx) => load_fonts(ctx)?,
            None => Fonts::builtin().map_err(|Invalid(why)| Error::failed(why))?,
        };
        Ok(self.fonts.get_or_init(|| fonts))
    }
}

/// The texts of a row that documents show, by their columns.
fn printed(row: &Row) -> Vec<(&'static str, &str)> {
    match row {
        Row::Seller(row) => {
            let seller = &row.seller;
            let own = [("name", &seller.name), ("registration", &seller.registration), ("footer", &seller.footer)];
            of_address(&seller.address, own).chain([("bank_name", seller.bank.bank_name.as_str())]).collect()
        }
        Row::Company(company) => {
            let own = [("name", &company.name), ("attention", &company.attention), ("reference", &company.reference)];
            of_address(&company.address, own).collect()
        }
        Row::TaxRate(rate) => vec![("name", &rate.name)],
        Row::Contract(contract) => vec![("reference", &contract.reference)],
        Row::ContractItem(item) => vec![("description", &item.description), ("unit", &item.unit)],
        Row::PlanItem(item) => vec![("description", &item.description), ("unit", &item.unit)],
        Row::BillableItem(item) => vec![("description", &item.description), ("unit", &item.unit)],
        Row::Discount(_)
        | Row::Contact(_)
        | Row::PriceTier(_)
        | Row::Plan(_)
        | Row::PlanTier(_)
        | Row::ContractPlan(_)
        | Row::ContractPause(_)
        | Row::Usage(_)
        | Row::OpeningInvoice(_)
        | Row::OpeningCredit(_)
        | Row::Payment(_) => Vec::new(),
    }
}

fn of_address<'r>(address: &'r Address, own: [(&'static str, &'r String); 3]) -> impl Iterator<Item = (&'static str, &'r str)> {
    let lines = [
        ("address_line1", &address.line1),
        ("address_line2", &address.line2),
        ("city", &address.city),
        ("region", &address.region),
    ];
    own.into_iter().chain(lines).map(|(field, text)| (field, text.as_str()))
}
