//! The way back: rows as the cells that [`Reader`](super::Reader) makes them of. A new kind of row
//! does not compile without its cells here.
//!
//! A cell of CSV that a spreadsheet would take for a formula (it begins with `= + - @`, a tab or a
//! carriage return, and is no number) gets a `'` before it, and so does one that begins like such a
//! cell already; reading takes one `'` off again. JSON lines hold texts as they are.

mod prices;

use super::rows::SellerRow;
use super::{Format, Kind, PaymentRow, Row};
use crate::model::money::parse_decimal;
use crate::model::seller::Address;
use crate::model::{BillableItem, Company, Contact, Contract, OpeningCredit, OpeningInvoice, TaxRate};
use std::borrow::Cow;
use std::fmt::Display;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

impl Row {
    /// The kind whose files hold such rows.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Seller(_) => Kind::Sellers,
            Self::TaxRate(_) => Kind::TaxRates,
            Self::Company(_) => Kind::Companies,
            Self::Contact(_) => Kind::Contacts,
            Self::Contract(_) => Kind::Contracts,
            Self::ContractItem(_) => Kind::ContractItems,
            Self::PriceTier(_) => Kind::PriceTiers,
            Self::Plan(_) => Kind::Plans,
            Self::PlanItem(_) => Kind::PlanItems,
            Self::PlanTier(_) => Kind::PlanTiers,
            Self::ContractPlan(_) => Kind::ContractPlans,
            Self::ContractPause(_) => Kind::ContractPauses,
            Self::Discount(_) => Kind::Discounts,
            Self::Usage(_) => Kind::Usage,
            Self::BillableItem(_) => Kind::BillableItems,
            Self::OpeningInvoice(_) => Kind::OpeningInvoices,
            Self::OpeningCredit(_) => Kind::OpeningCredits,
            Self::Payment(_) => Kind::Payments,
        }
    }

    /// Its cells, in the order of the kind's columns.
    pub fn cells(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Seller(row) => seller(row),
            Self::TaxRate(row) => tax_rate(row),
            Self::Company(row) => company(row),
            Self::Contact(row) => contact(row),
            Self::Contract(row) => contract(row),
            Self::ContractItem(row) => prices::contract_item(row),
            Self::PriceTier(row) => prices::price_tier(row),
            Self::Plan(row) => prices::plan(row),
            Self::PlanItem(row) => prices::plan_item(row),
            Self::PlanTier(row) => prices::plan_tier(row),
            Self::ContractPlan(row) => prices::contract_plan(row),
            Self::ContractPause(row) => prices::contract_pause(row),
            Self::Discount(row) => prices::discount(row),
            Self::Usage(row) => prices::usage(row),
            Self::BillableItem(row) => billable_item(row),
            Self::OpeningInvoice(row) => opening_invoice(row),
            Self::OpeningCredit(row) => opening_credit(row),
            Self::Payment(row) => payment(row),
        }
    }
}

fn tax_rate(r: &TaxRate) -> Vec<Cow<'_, str>> {
    let key = [text(&r.seller_id), text(&r.tax_code), text(r.valid_from)];
    key.into_iter().chain([text(r.category), text(r.rate), of(&r.name), of(&r.note)]).collect()
}

fn company(c: &Company) -> Vec<Cow<'_, str>> {
    let mut cells = vec![text(&c.company_id), of(&c.name), of(&c.attention)];
    cells.extend(address(&c.address));
    cells.extend([of(&c.tax_id), of(&c.email), c.time_zone.map_or(Cow::Borrowed(""), |z| z.name().into())]);
    cells.extend([of(&c.language), maybe(c.payment_terms_days), yes_no(c.consolidate), text(c.billing_day)]);
    cells.extend([maybe(c.tax_code.as_ref()), of(&c.reference)]);
    cells.extend([text(c.delivery), of(&c.account_manager), of(&c.reminder_policy)]);
    cells
}

fn contact(c: &Contact) -> Vec<Cow<'_, str>> {
    // Empty would be the default of a new row.
    let roles = if c.roles.is_empty() { Cow::Borrowed("none") } else { text(c.roles_text()) };
    let mut cells = vec![text(&c.company_id), text(&c.contact_id), of(&c.name), of(&c.email), of(&c.phone), roles];
    cells.extend([of(&c.language), c.time_zone.map_or(Cow::Borrowed(""), |z| z.name().into())]);
    cells
}

fn contract(c: &Contract) -> Vec<Cow<'_, str>> {
    vec![
        text(&c.company_id),
        text(&c.contract_id),
        text(&c.seller_id),
        text(c.currency),
        text(c.interval.cadence),
        text(c.interval.every),
        text(c.timing),
        maybe(c.anchor_day),
        text(c.start),
        maybe(c.end),
        maybe(c.bill_from),
        maybe(c.payment_terms_days),
        yes_no(c.tax_inclusive),
        of(&c.description),
        of(&c.reference),
        of(&c.reminder_policy),
        maybe(c.trial_end),
    ]
}

fn billable_item(i: &BillableItem) -> Vec<Cow<'_, str>> {
    vec![
        text(&i.company_id),
        text(&i.source_key),
        text(&i.seller_id),
        text(i.currency),
        text(i.dated),
        of(&i.description),
        text(i.quantity),
        of(&i.unit),
        text(i.unit_price),
        yes_no(i.tax_inclusive),
        maybe(i.tax_code.as_ref()),
    ]
}

fn opening_invoice(i: &OpeningInvoice) -> Vec<Cow<'_, str>> {
    let key = [text(&i.company_id), of(&i.number), text(&i.seller_id), text(i.amount.currency()), text(i.amount)];
    key.into_iter().chain([text(i.issued_on), text(i.due_on), of(&i.reference)]).collect()
}

fn opening_credit(c: &OpeningCredit) -> Vec<Cow<'_, str>> {
    let key = [text(&c.company_id), of(&c.reference), text(&c.seller_id), text(c.amount.currency()), text(c.amount)];
    key.into_iter().chain([text(c.dated), of(&c.reason)]).collect()
}

fn payment(PaymentRow { invoice, payment: p }: &PaymentRow) -> Vec<Cow<'_, str>> {
    let of_invoice = [text(&p.company_id), of(invoice), text(p.amount), text(p.amount.currency())];
    of_invoice.into_iter().chain([text(p.received_on), of(&p.reference), of(&p.provider)]).collect()
}

fn seller(SellerRow { seller: s, logo }: &SellerRow) -> Vec<Cow<'_, str>> {
    let mut cells = vec![text(&s.seller_id), of(&s.name)];
    cells.extend(address(&s.address));
    cells.extend([&s.tax_id, &s.registration, &s.email, &s.phone, &s.website].map(|part| of(part)));
    cells.extend([&s.bank.bank_name, &s.bank.iban, &s.bank.bic, &s.bank.account].map(|part| of(part)));
    cells.extend([Cow::Borrowed(s.time_zone.name()), of(&s.language), text(s.payment_terms_days)]);
    cells.extend([&s.series_id, &s.number_format, &s.credit_series_id, &s.credit_number_format].map(|part| of(part)));
    cells.extend([text(&s.tax_code), maybe(logo.as_ref()), of(&s.footer)]);
    cells
}

fn address(a: &Address) -> [Cow<'_, str>; 6] {
    [&a.line1, &a.line2, &a.postal_code, &a.city, &a.region, &a.country].map(|part| of(part))
}

fn of(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn text(value: impl Display) -> Cow<'static, str> {
    Cow::Owned(value.to_string())
}

fn maybe(value: Option<impl Display>) -> Cow<'static, str> {
    value.map_or(Cow::Borrowed(""), text)
}

const fn yes_no(value: bool) -> Cow<'static, str> {
    Cow::Borrowed(if value { "yes" } else { "no" })
}

impl Format {
    /// What stands before the first row of a file.
    pub fn head(self, kind: Kind) -> String {
        match self {
            Self::Csv => kind.columns().iter().map(|column| column.name).collect::<Vec<_>>().join(",") + "\n",
            Self::Jsonl => String::new(),
        }
    }

    /// One row, with its newline.
    pub fn line(self, row: &Row) -> String {
        let cells = row.cells();
        let line = match self {
            Self::Csv => cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(","),
            Self::Jsonl => {
                let value = |cell: &str| if cell.is_empty() { serde_json::Value::Null } else { cell.into() };
                let pairs = row.kind().columns().iter().zip(&cells);
                let pairs = pairs.map(|(column, cell)| format!("\"{}\":{}", column.name, value(cell)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
            }
        };
        line + "\n"
    }
}

/// Quoted where it needs to be, and no formula. What is escaped in JSON lines needs none of this.
pub fn csv_cell(cell: &str) -> Cow<'_, str> {
    let cell: Cow<str> =
        if begins_like_a_formula(cell) && parse_decimal(cell).is_err() { format!("'{cell}").into() } else { cell.into() };
    if cell.contains([',', '"', '\n', '\r', ';', '\t']) || cell.trim().len() < cell.len() {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell
    }
}

fn begins_like_a_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA)
}

/// The cell without the `'` that keeps a spreadsheet from calculating it.
pub(super) fn without_guard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| begins_like_a_formula(rest)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_reads_back() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49 30 000", "'+49 30 000"),
            ("-x, y", "\"'-x, y\""),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "\"'\tx\""),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("'n Sync", "'n Sync"),
            ("-95.00", "-95.00"),
            ("plain", "plain"),
            ("a \"b\"\nc", "\"a \"\"b\"\"\nc\""),
        ] {
            assert_eq!(csv_cell(cell), written);
            let content = written.strip_prefix('"').map_or(written.to_owned(), |w| w[..w.len() - 1].replace("\"\"", "\""));
            assert_eq!(without_guard(&content), cell);
        }
    }
}
