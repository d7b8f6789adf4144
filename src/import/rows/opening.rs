//! Rows of what stood open in the system before.

use super::super::cells::Cells;
use crate::model::{Currency, Money, OpeningCredit, OpeningInvoice};
use rust_decimal::Decimal;

pub fn invoice(cells: &mut Cells) -> Option<OpeningInvoice> {
    let company_id = cells.parse("company_id", str::parse);
    let number = cells.line("number");
    let seller_id = cells.parse("seller_id", str::parse);
    let amount = positive(cells, "what is still to be paid is above 0: what is owed to the company is an opening credit");
    let issued_on = cells.service_date("issued_on");
    let due_on = cells.service_date("due_on");
    let reference = cells.line("reference");
    if let (Some(issued), Some(due)) = (issued_on, due_on)
        && due < issued
    {
        cells.refuse("due_on", format!("this is before issued_on {issued}"));
    }
    Some(OpeningInvoice {
        company_id: company_id?,
        number,
        seller_id: seller_id?,
        amount: amount?,
        issued_on: issued_on?,
        due_on: due_on?,
        reference,
    })
}

pub fn credit(cells: &mut Cells) -> Option<OpeningCredit> {
    let company_id = cells.parse("company_id", str::parse);
    let reference = cells.line("reference");
    let seller_id = cells.parse("seller_id", str::parse);
    let amount = positive(cells, "credit is above 0: what the company owes is an opening invoice");
    let dated = cells.service_date("dated");
    let reason = cells.line("reason");
    Some(OpeningCredit { company_id: company_id?, reference, seller_id: seller_id?, amount: amount?, dated: dated?, reason })
}

/// An amount with its currency.
fn positive(cells: &mut Cells, otherwise: &str) -> Option<Money> {
    let amount = cells.decimal("amount");
    let currency: Option<Currency> = cells.word("currency");
    if amount.is_some_and(|amount| amount <= Decimal::ZERO) {
        cells.refuse("amount", otherwise);
        return None;
    }
    Money::exact(amount?, currency?).map_err(|invalid| cells.refuse("amount", invalid.0)).ok()
}
