//! Documents to render: a managed-services business and its customers. Sums are made here by exact
//! arithmetic, as the rules make them.

use chrono::NaiveDate;
use finops::model::document::{DOCUMENT_VERSION, Document, DocumentKind, DocumentLine, DocumentTax, Party};
use finops::model::seller::{Address, BankDetails};
use finops::model::{Money, TaxCategory};
use rust_decimal::Decimal;

pub fn date(s: &str) -> NaiveDate {
    finops::model::calendar::parse_date(s).unwrap()
}

pub fn decimal(s: &str) -> Decimal {
    finops::model::money::parse_decimal(s).unwrap()
}

pub struct Rate {
    pub category: TaxCategory,
    pub percent: &'static str,
    pub name: &'static str,
    pub note: &'static str,
}

pub const VAT19: Rate = Rate { category: TaxCategory::Standard, percent: "19", name: "VAT", note: "" };
pub const VAT7: Rate = Rate { category: TaxCategory::Standard, percent: "7", name: "VAT reduced", note: "" };
pub const REVERSE: Rate = Rate {
    category: TaxCategory::ReverseCharge,
    percent: "0",
    name: "Reverse charge",
    note: "Reverse charge: the customer is liable for the VAT (Article 196, Directive 2006/112/EC).",
};

pub fn seller() -> Party {
    Party {
        id: "nordlicht".into(),
        name: "Nordlicht Managed Services GmbH".into(),
        address: Address {
            line1: "Speicherstraße 14".into(),
            postal_code: "20457".into(),
            city: "Hamburg".into(),
            country: "DE".into(),
            ..Address::default()
        },
        tax_id: "DE811907980".into(),
        registration: "HRB 120455, Amtsgericht Hamburg".into(),
        email: "billing@nordlicht.example".into(),
        phone: "+49 40 5555 0140".into(),
        website: "nordlicht.example".into(),
        ..Party::default()
    }
}

pub fn buyer() -> Party {
    Party {
        id: "acme".into(),
        name: "Zażółć Gęślą Sp. z o.o.".into(),
        attention: "Małgorzata Wiśniewska".into(),
        address: Address {
            line1: "ul. Świętokrzyska 31/33".into(),
            postal_code: "00-049".into(),
            city: "Warszawa".into(),
            country: "PL".into(),
            ..Address::default()
        },
        tax_id: "PL5261040828".into(),
        ..Party::default()
    }
}

pub fn empty(currency: &str) -> Document {
    Document {
        version: DOCUMENT_VERSION,
        kind: DocumentKind::Invoice,
        invoice_id: "0193f3a0-7c1e-7d4a-9d5e-0123456789ab".parse().unwrap(),
        number: "INV-2026-000042".into(),
        revision: 0,
        currency: currency.parse().unwrap(),
        language: "en".into(),
        issued_on: date("2026-11-01"),
        due_on: date("2026-11-15"),
        service_from: date("2026-10-01"),
        service_to: date("2026-10-31"),
        reference: "PO 4711-B".into(),
        seller: seller(),
        buyer: buyer(),
        tax_inclusive: false,
        lines: Vec::new(),
        taxes: Vec::new(),
        net: Decimal::ZERO,
        tax: Decimal::ZERO,
        total: Decimal::ZERO,
        credit_applied: Decimal::ZERO,
        corrects: None,
        payment_terms_days: 14,
        bank: BankDetails {
            bank_name: "Hamburger Sparkasse".into(),
            iban: "DE89370400440532013000".into(),
            bic: "HASPDEHHXXX".into(),
            account: String::new(),
        },
        logo_sha256: String::new(),
        footer: "Nordlicht Managed Services GmbH · Managing director: Jörg Müßig · HRB 120455 Hamburg".into(),
    }
}

/// Adds a line and counts it into the sums.
pub fn line(doc: &mut Document, description: &str, quantity: &str, unit: &str, price: &str, rate: &Rate) {
    add(doc, (description, quantity, unit, price), None, rate);
}

/// As `line`, of which only some days of the full period may be billed.
pub fn add(doc: &mut Document, what: (&str, &str, &str, &str), part: Option<(u32, u32)>, rate: &Rate) {
    let (description, quantity, unit, price) = what;
    let (billed, of) = part.unwrap_or((1, 1));
    let exact = decimal(quantity) * decimal(price) * Decimal::from(billed) / Decimal::from(of);
    let amount = Money::round(exact, doc.currency).unwrap().to_decimal();
    let unserved = part.map_or(0, |(billed, of)| u64::from(of - billed));
    doc.lines.push(DocumentLine {
        description: description.into(),
        service_from: doc.service_from + chrono::Days::new(unserved),
        service_to: doc.service_to,
        quantity: decimal(quantity),
        unit: unit.into(),
        unit_price: decimal(price),
        prorated: part,
        details: Vec::new(),
        tax_category: rate.category,
        tax_rate: decimal(rate.percent),
        amount,
        net: amount,
    });
    let percent = decimal(rate.percent);
    if !doc.taxes.iter().any(|t| t.category == rate.category && t.rate == percent) {
        doc.taxes.push(DocumentTax {
            category: rate.category,
            rate: percent,
            name: rate.name.into(),
            note: rate.note.into(),
            net: Decimal::ZERO,
            tax: Decimal::ZERO,
        });
    }
    for tax in &mut doc.taxes {
        let group = doc.lines.iter().filter(|l| l.tax_category == tax.category && l.tax_rate == tax.rate);
        tax.net = group.map(|l| l.net).sum();
        tax.tax = Money::round(tax.net * tax.rate / Decimal::ONE_HUNDRED, doc.currency).unwrap().to_decimal();
    }
    doc.net = doc.taxes.iter().map(|t| t.net).sum();
    doc.tax = doc.taxes.iter().map(|t| t.tax).sum();
    doc.total = doc.net + doc.tax;
}

const SERVICES: [(&str, &str, &str, &str); 12] = [
    ("Managed workstation", "48", "devices", "39.00"),
    ("Managed server, business hours", "6", "servers", "149.00"),
    ("Microsoft 365 Business Premium", "52", "seats", "20.60"),
    ("Endpoint protection", "54", "devices", "4.25"),
    ("Off-site backup", "3.5", "TB", "42.00"),
    ("Managed firewall and site-to-site VPN, Warszawa – Hamburg", "2", "sites", "120.00"),
    ("Service desk, incidents above the included hours", "7.25", "h", "96.00"),
    ("Domain renewal zazolc.example", "1", "", "14.90"),
    ("Printed handbook for new colleagues", "12", "copies", "8.40"),
    ("API requests", "1840233", "requests", "0.000125"),
    ("Internet access 500/500 Mbit/s", "1", "line", "249.00"),
    ("Credit for downtime on 7 October 2026", "1", "", "-75.50"),
];

/// A dozen lines, or as many as asked for, at two rates.
pub fn invoice(lines: usize) -> Document {
    let mut doc = empty("EUR");
    for (index, service) in SERVICES.iter().cycle().take(lines).enumerate() {
        let rate = if index % 12 == 8 { &VAT7 } else { &VAT19 };
        let part = (index == 1).then_some((17, 31));
        add(&mut doc, *service, part, rate);
    }
    doc
}
