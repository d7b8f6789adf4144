//! What messages say of invoices that another system issued.

use crate::error::Result;
use crate::model::document::Document;
use crate::model::{FullInvoice, Invoice, Money, Seller};
use crate::rules::document::{Issue, freeze};
use crate::store::{Tx, companies, invoices};

/// What is known of an invoice of another system, in the form of a document: it is named, never printed.
pub fn opening(tx: &mut Tx, head: Invoice, seller: &Seller) -> Result<Option<Document>> {
    let Some(company) = companies::by_ids(tx, &[head.company_id.as_str()])?.pop() else { return Ok(None) };
    let FullInvoice { head, lines, taxes } = invoices::full(tx, head)?;
    Ok(head.issued_on.map(|issued_on| {
        let document = freeze(Issue {
            invoice: &head,
            lines: &lines,
            taxes: &taxes,
            seller,
            company: &company,
            number: head.label().to_owned(),
            issued_on,
            credit_applied: Money::zero(head.currency),
            corrects: None,
        });
        Document { due_on: head.due_on.unwrap_or(document.due_on), ..document }
    }))
}
