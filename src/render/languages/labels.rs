//! The words of documents. What each one is for stands in `en.toml`.

use super::{Text, iban};
use crate::model::document::DocumentKind;
use crate::model::seller::BankDetails;
use serde::{Deserialize, Serialize};

/// What invoices and credit notes print.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    #[serde(skip_serializing)]
    pub(super) label: String,
    pub invoice: String,
    pub billed_to: String,
    pub attention: String,
    pub number: String,
    pub revision: String,
    pub issued: String,
    pub due: String,
    pub service: String,
    pub reference: String,
    pub customer_number: String,
    pub tax_id: String,
    pub registration: String,
    pub description: String,
    pub quantity: String,
    pub unit_price: String,
    pub tax: String,
    pub amount: String,
    pub tax_included: String,
    pub subtotal: String,
    pub total: String,
    pub total_only: String,
    pub nothing_due: String,
    pub payment: String,
    pub account_holder: String,
    pub bank: String,
    pub iban: String,
    pub bic: String,
    pub account: String,
    pub payment_reference: String,
    #[serde(skip_serializing)]
    pub(super) part: String,
    #[serde(skip_serializing)]
    pub(super) on: String,
    #[serde(skip_serializing)]
    pub(super) summary: String,
    #[serde(skip_serializing)]
    pub(super) terms: Text,
    #[serde(skip_serializing)]
    pub(super) terms_on_receipt: String,
    #[serde(skip_serializing)]
    pub(super) page: String,
    pub credit_note: String,
    pub credit_note_number: String,
    /// The invoice that a credit note takes something back of, its date, and why.
    pub corrects: String,
    pub corrects_issued: String,
    pub credited_to: String,
    pub credit_note_issued: String,
    pub reason: String,
    pub total_credited: String,
    /// Where an invoice says how to pay.
    pub credited: String,
    #[serde(skip_serializing)]
    pub(super) credited_lowers: String,
    #[serde(skip_serializing)]
    pub(super) credited_split: String,
    #[serde(skip_serializing)]
    pub(super) credited_excess: String,
    #[serde(skip_serializing)]
    pub(super) credited_part: String,
    pub credit_applied: String,
    pub amount_to_pay: String,
    #[serde(skip_serializing)]
    pub(super) detail: DetailLabels,
}

/// How the figures of a line came about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailLabels {
    pub(super) up_to: String,
    pub(super) between: String,
    pub(super) any: String,
    pub(super) above: String,
    pub(super) tier: String,
    pub(super) tier_fee: String,
    pub(super) tiers: String,
    pub(super) volume: String,
    pub(super) package: String,
    pub(super) included: String,
    pub(super) minimum: String,
    pub(super) percent: String,
}

impl Labels {
    /// What a document is called.
    pub const fn title(&self, kind: DocumentKind) -> &String {
        match kind {
            DocumentKind::Invoice => &self.invoice,
            DocumentKind::CreditNote => &self.credit_note,
        }
    }
}

impl Labels {
    /// Where to pay, as names and values; a value may be empty. `reference` is what the payer is to quote.
    pub fn bank_rows(&self, holder: &str, bank: &BankDetails, reference: &str) -> [(&str, String); 6] {
        let told = !bank.iban.is_empty() || !bank.account.is_empty();
        let if_told = |text: &str| if told { text.to_owned() } else { String::new() };
        [
            (&self.account_holder, if_told(holder)),
            (&self.bank, bank.bank_name.clone()),
            (&self.iban, iban(&bank.iban)),
            (&self.bic, bank.bic.clone()),
            (&self.account, bank.account.clone()),
            (&self.payment_reference, if_told(reference)),
        ]
    }
}

/// What statements of account print.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementLabels {
    pub title: String,
    pub prepared_for: String,
    pub period: String,
    pub date: String,
    pub entry: String,
    pub due: String,
    pub change: String,
    pub balance: String,
    pub opening: String,
    pub closing: String,
    pub overdue: String,
    pub in_your_favour: String,
    pub no_entries: String,
    pub(super) account_in: String,
    pub(super) opening_credit: String,
    pub(super) invoice: String,
    pub(super) credit_note: String,
    pub(super) payment: String,
    pub(super) refund: String,
    pub(super) void: String,
    pub(super) write_off: String,
    pub please_pay: String,
}
