//! `[messages]`: what customers are told, and in whose words.

use super::Section;
use super::routing::still_to_come;
use super::section::one_of;
use crate::model::message::MessageKind;
use crate::model::routing::COMING_KINDS;
use std::path::PathBuf;

/// `[messages]`
#[derive(Debug, Clone)]
pub struct MessagesConfig {
    /// A folder with templates in place of the built-in ones.
    pub templates: Option<PathBuf>,
    /// What customers hear of their invoices.
    pub customer: Vec<MessageKind>,
}

impl MessagesConfig {
    /// Whether customers are told of it. Whoever gets invoices gets what corrects them.
    pub fn tells(&self, kind: MessageKind) -> bool {
        let asked = if kind == MessageKind::CreditNoteIssued { MessageKind::InvoiceIssued } else { kind };
        self.customer.contains(&asked)
    }
}

/// What may be told to customers of an invoice, besides reminders.
const TOLD: [MessageKind; 3] = [MessageKind::InvoiceIssued, MessageKind::InvoicePaid, MessageKind::InvoiceVoided];

pub fn read(section: &mut Section<'_, '_>) -> MessagesConfig {
    let templates = section.optional_path("templates");
    let customer = section.texts("customer", vec![MessageKind::InvoiceIssued, MessageKind::InvoiceVoided], |text| {
        match text.parse::<MessageKind>() {
            Ok(kind) if TOLD.contains(&kind) => Ok(kind),
            Ok(kind) if COMING_KINDS.contains(&kind) => Err(still_to_come(text)),
            Ok(_) | Err(_) => Err(one_of(TOLD.iter().map(|kind| kind.as_str()))),
        }
    });
    MessagesConfig { templates, customer }
}
