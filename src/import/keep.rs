//! What a file has no column for stays as it stands: only a cell that is there, and empty, resets a
//! value. One function a kind; each names all columns of its table that a file may lack, which
//! `tests/operations/import_columns.rs` checks column by column.

use super::Source;
use super::prices::DiscountRow;
use super::rows::SellerRow;
use crate::model::seller::Address;
use crate::model::{
    BillableItem, Company, Contact, Contract, ContractItem, Discount, PlanItem, PriceModel, PriceTerms, Seller, TaxRate,
};

/// Takes over the fields of the columns that the file lacks.
macro_rules! keep {
    ($row:expr, $before:expr, $source:expr; $($column:literal: $($field:ident).+),+ $(,)?) => {
        $(if !$source.has($column) {
            $row.$($field).+.clone_from(&$before.$($field).+);
        })+
    };
}

pub fn seller(row: &mut SellerRow, before: &Seller, source: &Source) {
    let seller = &mut row.seller;
    address(&mut seller.address, &before.address, source);
    keep!(seller, before, source;
        "tax_id": tax_id, "registration": registration, "email": email, "phone": phone, "website": website,
        "bank_name": bank.bank_name, "iban": bank.iban, "bic": bank.bic, "account": bank.account,
        "language": language, "payment_terms_days": payment_terms_days, "series_id": series_id,
        "number_format": number_format, "credit_series_id": credit_series_id,
        "credit_number_format": credit_number_format, "logo": logo_sha256, "footer": footer,
    );
    // The default follows the first series of invoices: a new one is none of the credit notes' business.
    let is_default = |seller: &Seller| seller.credit_series_id == format!("{}-credit", seller.series_id);
    if before.series_id != seller.series_id && is_default(seller) && is_default(before) {
        seller.credit_series_id.clone_from(&before.credit_series_id);
    }
}

pub fn tax_rate(row: &mut TaxRate, before: &TaxRate, source: &Source) {
    keep!(row, before, source; "rate": rate, "note": note);
}

pub fn company(row: &mut Company, before: &Company, source: &Source) {
    address(&mut row.address, &before.address, source);
    keep!(row, before, source;
        "attention": attention, "tax_id": tax_id, "email": email, "time_zone": time_zone, "language": language,
        "payment_terms_days": payment_terms_days, "consolidate": consolidate, "billing_day": billing_day,
        "tax_code": tax_code, "reference": reference, "delivery": delivery, "account_manager": account_manager,
        "reminder_policy": reminder_policy,
    );
}

pub fn contact(row: &mut Contact, before: &Contact, source: &Source) {
    keep!(row, before, source;
        "name": name, "email": email, "phone": phone, "roles": roles, "language": language, "time_zone": time_zone,
    );
}

pub fn contract(row: &mut Contract, before: &Contract, source: &Source) {
    keep!(row, before, source;
        "every": interval.every, "anchor_day": anchor_day, "end": end, "bill_from": bill_from,
        "payment_terms_days": payment_terms_days, "tax_inclusive": tax_inclusive, "description": description,
        "reference": reference, "reminder_policy": reminder_policy, "trial_end": trial_end,
    );
}

/// `before` is the version that the new one replaces or follows. A quantity that the file gives stays, for the upsert to
/// refuse where the model has none.
pub fn contract_item(row: &mut ContractItem, before: &ContractItem, source: &Source) {
    keep!(row, before, source;
        "end": end, "price_model": price_model, "quantity": quantity, "unit": unit, "unit_price": unit_price,
        "tax_code": tax_code, "package_size": terms.package_size, "included": terms.included, "meter": terms.meter,
        "minimum": terms.minimum,
    );
    if !source.has("quantity") {
        row.quantity = row.price_model.quantity(row.quantity);
    }
    terms(&mut row.terms, &before.terms, row.price_model, source);
}

pub fn plan_item(row: &mut PlanItem, before: &PlanItem, source: &Source) {
    keep!(row, before, source;
        "price_model": price_model, "quantity": quantity, "unit": unit, "unit_price": unit_price,
        "tax_code": tax_code, "package_size": terms.package_size, "included": terms.included, "meter": terms.meter,
        "minimum": terms.minimum,
    );
    if !source.has("quantity") {
        row.quantity = row.price_model.quantity(row.quantity);
    }
    terms(&mut row.terms, &before.terms, row.price_model, source);
}

/// What stood and another model has not goes with it; what the file gives of that is the upsert's to refuse.
fn terms(terms: &mut PriceTerms, before: &PriceTerms, model: PriceModel, source: &Source) {
    // Tiers have files of their own.
    terms.tiers.clone_from(&before.tiers);
    let fit = terms.clone().of_model(model);
    keep!(terms, &fit, source; "package_size": package_size, "included": included, "meter": meter, "minimum": minimum);
    terms.tiers = fit.tiers;
}

pub fn discount(row: &mut DiscountRow, before: &Discount, source: &Source) {
    keep!(row, before, source; "item_id": item_id, "periods": periods);
    row.off = row.off.or(Some(before.off));
}

pub fn billable_item(row: &mut BillableItem, before: &BillableItem, source: &Source) {
    keep!(row, before, source;
        "quantity": quantity, "unit": unit, "tax_inclusive": tax_inclusive, "tax_code": tax_code,
    );
}

fn address(row: &mut Address, before: &Address, source: &Source) {
    keep!(row, before, source;
        "address_line1": line1, "address_line2": line2, "postal_code": postal_code, "city": city, "region": region,
    );
}
