//! Freezing: everything that an issued invoice shows, copied as it is on the day of issue.

use crate::model::document::{Corrected, DOCUMENT_VERSION, Document, DocumentKind, DocumentLine, DocumentTax, Party};
use crate::model::{Company, FullInvoice, Invoice, InvoiceKind, InvoiceLine, InvoiceTax, Money, Seller};
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
    /// The company's credit that it uses up.
    pub credit_applied: Money,
    /// What a credit note takes back; None for an invoice.
    pub corrects: Option<Corrected>,
}

/// The document as it will stay. It is due for payment its terms after the issue date.
pub fn freeze(issue: Issue<'_>) -> Document {
    let Issue { invoice, lines, taxes, seller, company, number, issued_on, credit_applied, corrects } = issue;
    let terms = match invoice.kind {
        InvoiceKind::Invoice => Days::new(u64::from(invoice.payment_terms_days)),
        InvoiceKind::CreditNote(_) => Days::new(0),
    };
    Document {
        version: DOCUMENT_VERSION,
        kind: document_kind(&invoice.kind),
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
        credit_applied: credit_applied.to_decimal(),
        corrects,
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

/// What an issued invoice's rows say otherwise than its document, or None. What of a document stands in
/// no row (addresses, bank details, the language) is proved by its hash alone.
pub fn difference(document: &Document, invoice: &FullInvoice) -> Option<&'static str> {
    let FullInvoice { head, lines, taxes } = invoice;
    let correction = head.kind.correction();
    let agrees = [
        ("kind", document.kind == document_kind(&head.kind)),
        ("invoice id", document.invoice_id == head.invoice_id),
        ("number", Some(&document.number) == head.number.as_ref()),
        ("revision", document.revision == head.revision),
        ("seller", document.seller.id == head.seller_id.as_str()),
        ("company", document.buyer.id == head.company_id.as_str()),
        ("currency", document.currency == head.currency),
        ("issue date", Some(document.issued_on) == head.issued_on),
        ("due date", Some(document.due_on) == head.due_on),
        ("payment terms", document.payment_terms_days == head.payment_terms_days),
        ("period", (document.service_from, document.service_to) == (head.period.start(), head.period.last_day())),
        ("reference", document.reference == head.reference),
        ("prices with or without tax", document.tax_inclusive == head.tax_inclusive),
        ("corrected invoice", document.corrects.as_ref().map(|c| &c.invoice_id) == correction.map(|c| &c.corrects)),
        ("reason", document.corrects.as_ref().map(|c| &c.reason) == correction.map(|c| &c.reason)),
        ("net", document.net == head.net.to_decimal()),
        ("tax", document.tax == head.tax.to_decimal()),
        ("total", document.total == head.total.to_decimal()),
        ("lines", lines.iter().map(document_line).eq(document.lines.iter().cloned())),
        ("tax groups", taxes.iter().map(document_tax).eq(document.taxes.iter().cloned())),
    ];
    agrees.into_iter().find(|(_, agrees)| !agrees).map(|(field, _)| field)
}

const fn document_kind(kind: &InvoiceKind) -> DocumentKind {
    match kind {
        InvoiceKind::Invoice => DocumentKind::Invoice,
        InvoiceKind::CreditNote(_) => DocumentKind::CreditNote,
    }
}

/// Who bills, as documents show it.
pub fn seller_party(seller: &Seller) -> Party {
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

/// Who is billed, as documents show it.
pub fn buyer_party(company: &Company) -> Party {
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
        details: line.details.clone(),
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::seller::{Address, BankDetails};
    use crate::model::{InvoiceState, LineKind, Money, Period, TaxCategory};

    pub fn seller() -> Seller {
        Seller {
            seller_id: "de".parse().unwrap(),
            name: "Muster GmbH".to_owned(),
            address: Address::default(),
            tax_id: "DE123456789".to_owned(),
            registration: "HRB 1".to_owned(),
            email: String::new(),
            phone: String::new(),
            website: String::new(),
            bank: BankDetails::default(),
            time_zone: chrono_tz::Europe::Berlin,
            language: "de".to_owned(),
            payment_terms_days: 14,
            series_id: "main".to_owned(),
            number_format: "{seq}".to_owned(),
            credit_series_id: "credit".to_owned(),
            credit_number_format: "CN-{seq}".to_owned(),
            tax_code: "standard".parse().unwrap(),
            logo_sha256: String::new(),
            footer: String::new(),
        }
    }

    pub fn company() -> Company {
        Company {
            company_id: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            attention: "Accounts".to_owned(),
            address: Address::default(),
            tax_id: String::new(),
            email: String::new(),
            time_zone: None,
            language: String::new(),
            payment_terms_days: None,
            consolidate: false,
            billing_day: 1,
            tax_code: None,
            reference: String::new(),
            delivery: crate::model::Delivery::Email,
            account_manager: String::new(),
            reminder_policy: String::new(),
        }
    }

    fn frozen(company: &Company) -> Document {
        let period = Period::new(parse_date("2026-10-01").unwrap(), parse_date("2026-11-01").unwrap()).unwrap();
        let dinars = |minor| Money::from_minor(minor, "KWD".parse().unwrap());
        let invoice = Invoice {
            company_id: company.company_id.clone(),
            invoice_id: "0199a000-0000-7000-8000-000000000001".parse().unwrap(),
            kind: InvoiceKind::Invoice,
            state: InvoiceState::Draft,
            seller_id: "de".parse().unwrap(),
            currency: "KWD".parse().unwrap(),
            contract_id: None,
            period,
            revision: 0,
            number: None,
            issued_on: None,
            due_on: None,
            payment_terms_days: 30,
            tax_inclusive: false,
            reference: String::new(),
            net: dinars(10_000),
            tax: dinars(1_900),
            total: dinars(11_900),
            stale: false,
            edited: false,
        };
        let line = InvoiceLine {
            kind: LineKind::Item,
            contract_id: None,
            item_id: None,
            source_key: None,
            description: "Work \"on site\"".to_owned(),
            quantity: "2.50".parse().unwrap(),
            unit: "h".to_owned(),
            unit_price: "4.000".parse().unwrap(),
            period,
            proration: None,
            details: Vec::new(),
            tax_code: "standard".parse().unwrap(),
            tax_category: TaxCategory::Standard,
            tax_rate: "19.00".parse().unwrap(),
            net: dinars(10_000),
            amount: dinars(10_000),
            corrects_line: None,
        };
        let seller = seller();
        freeze(Issue {
            invoice: &invoice,
            lines: &[line],
            taxes: &[],
            seller: &seller,
            company,
            number: "7".to_owned(),
            issued_on: parse_date("2027-01-30").unwrap(),
            credit_applied: dinars(0),
            corrects: None,
        })
    }

    #[test]
    fn amounts_have_the_currencys_decimals_and_the_rest_no_needless_zeros() {
        let document = frozen(&company());
        assert_eq!(
            (document.due_on, document.service_to),
            (parse_date("2027-03-01").unwrap(), parse_date("2026-10-31").unwrap())
        );
        let json = canonical_json(&document).unwrap();
        for part in [
            r#""quantity":"2.5""#,
            r#""unit_price":"4""#,
            r#""tax_rate":"19""#,
            r#""amount":"10.000""#,
            r#""total":"11.900""#,
            r#""description":"Work \"on site\"""#,
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
    }

    #[test]
    fn the_companys_language_goes_before_the_sellers() {
        assert_eq!(frozen(&company()).language, "de");
        assert_eq!(frozen(&Company { language: "fr".to_owned(), ..company() }).language, "fr");
    }
}
