//! sketch
use crate::model::document::Document;
use crate::model::{Company, Invoice, InvoiceLine, InvoiceTax, Seller};
use chrono::NaiveDate;

/// What is frozen.
pub struct Issue<'a> {
    pub invoice: &'a Invoice,
    pub lines: &'a [InvoiceLine],
    pub taxes: &'a [InvoiceTax],
    pub seller: &'a Seller,
    pub company: &'a Company,
    pub number: String,
    pub issued_on: NaiveDate,
}

pub fn freeze(_issue: Issue<'_>) -> Document {
    todo!()
}

pub fn canonical_json(_document: &Document) -> String {
    todo!()
}
