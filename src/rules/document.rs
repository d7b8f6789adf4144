//! Freezing: everything that an issued invoice shows, copied as it is on the day of issue.

use crate::model::document::{DOCUMENT_VERSION, Document, DocumentLine, DocumentTax, Party};
use crate::model::{Company, Invoice, InvoiceLine, InvoiceTax, Seller};
use chrono::{Days, NaiveDate};

/// A draft that is being issued.
#[derive(Debug, Clone)]
pub struct Issue<'a> {
    pub invoice: &'a Invoice,
    pub lines: &'a [InvoiceLine],
    pub taxes: &'a [InvoiceTax],
    pub seller: &'a Seller,
    pub company: &'a Company,
    pub number: String,
    /// The seller's today.
    pub issued_on: NaiveDate,
}

/// The document as it will stay. It is due for payment its terms after the issue date.
pub fn freeze(issue: Issue<'_>) -> Document {
    let Issue { invoice, lines, taxes, seller, company, number, issued_on } = issue;
    let terms = Days::new(u64::from(invoice.payment_terms_days));
    Document {
        version: DOCUMENT_VERSION,
        invoice_id: invoice.invoice_id.clone(),
        number,
        revision: invoice.revision,
        currency: invoice.currency,
        language: if company.language.is_empty() { seller.language.clone() } else { company.language.clone() },
        issued_on,
        // Dates end in the year 262142: beyond it the terms cannot be counted, and it is due at once.
        due_on: issued_on.checked_add_days(terms).unwrap_or(issued_on),
        service_from: invoice.period.start(),
        service_to: invoice.period.last_day(),
        reference: invoice.reference.clone(),
        seller: seller_party(seller),
        buyer: buyer_party(company),
        tax_inclusive: invoice.tax_inclusive,
        lines: lines.iter().map(document_line).collect(),
        taxes: taxes.iter().map(document_tax).collect(),
        net: invoice.net.to_decimal(),
        tax: invoice.tax.to_decimal(),
        total: invoice.total.to_decimal(),
        payment_terms_days: invoice.payment_terms_days,
        bank: seller.bank.clone(),
        logo_sha256: seller.logo_sha256.clone(),
        footer: seller.footer.clone(),
    }
}

/// The bytes that are hashed and kept: fields in the order of declaration, no white space, amounts as
/// strings with the currency's decimals, quantities, prices and rates without needless zeros.
pub fn canonical_json(document: &Document) -> Result<String, serde_json::Error> {
    serde_json::to_string(document)
}

fn seller_party(seller: &Seller) -> Party {
    Party {
        id: seller.seller_id.to_string(),
        name: seller.name.clone(),
        attention: String::new(),
        address: seller.address.clone(),
        tax_id: seller.tax_id.clone(),
        registration: seller.registration.clone(),
        email: seller.email.clone(),
        phone: seller.phone.clone(),
        website: seller.website.clone(),
    }
}

fn buyer_party(company: &Company) -> Party {
    Party {
        id: company.company_id.to_string(),
        name: company.name.clone(),
        attention: company.attention.clone(),
        address: company.address.clone(),
        tax_id: company.tax_id.clone(),
        email: company.email.clone(),
        ..Party::default()
    }
}

fn document_line(line: &InvoiceLine) -> DocumentLine {
    DocumentLine {
        description: line.description.clone(),
        service_from: line.period.start(),
        service_to: line.period.last_day(),
        quantity: line.quantity.normalize(),
        unit: line.unit.clone(),
        unit_price: line.unit_price.normalize(),
        prorated: line.proration.map(|part| (part.days, part.of_days)),
        tax_category: line.tax_category,
        tax_rate: line.tax_rate.normalize(),
        amount: line.amount.to_decimal(),
        net: line.net.to_decimal(),
    }
}

fn document_tax(tax: &InvoiceTax) -> DocumentTax {
    DocumentTax {
        category: tax.category,
        rate: tax.rate.normalize(),
        name: tax.name.clone(),
        note: tax.note.clone(),
        net: tax.net.to_decimal(),
        tax: tax.tax.to_decimal(),
    }
}
