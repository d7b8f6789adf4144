//! Invented invoices: as they are billed, paid and credited.

use super::{amount, day};
use crate::model::Currency;
use crate::model::message::{Amount, CorrectionFacts, InvoiceFacts, PaymentFacts};
use rust_decimal::Decimal;

pub(super) fn invoice(n: u32, currency: Currency) -> InvoiceFacts {
    InvoiceFacts {
        number: format!("INV-2024-{:06}", n + 41),
        corrects: String::new(),
        issued_on: day(u64::from(n)),
        due_on: day(u64::from(n) + 14),
        days_overdue: 16 - i64::from(n),
        total: amount(11_900 + 123_456 * i64::from(n), currency),
        balance: amount(11_900 + 123_456 * i64::from(n), currency),
        reference: if n == 1 { "PO 4711".to_owned() } else { String::new() },
        service_from: day(0),
        service_to: day(30),
        payments: Vec::new(),
        paid: None,
        from_credit: None,
        correction: None,
        replaced_by: None,
    }
}

/// Paid by two ways, the second time too much.
pub(super) fn as_paid(invoice: &mut InvoiceFacts) {
    let Amount { amount: total, currency } = invoice.total;
    let payment = |sum, excess, on, provider: &str, reference: &str| PaymentFacts {
        amount: Amount { amount: sum, currency },
        excess: Amount { amount: excess, currency },
        received_on: day(on),
        provider: provider.to_owned(),
        reference: reference.to_owned(),
    };
    let (ten, three) = (Decimal::from(10), Decimal::from(3));
    invoice.balance.amount = Decimal::ZERO;
    invoice.payments =
        vec![payment(ten, Decimal::ZERO, 12, "manual", "R-17"), payment(total - ten, three, 13, "bank", "TX-2024-000815")];
    invoice.paid = Some(Amount { amount: total - three, currency });
    invoice.from_credit = Some(Amount { amount: three, currency });
}

pub(super) fn as_credit_note(invoice: &mut InvoiceFacts) {
    let number = invoice.number.replace("INV-", "CN-");
    invoice.corrects = std::mem::replace(&mut invoice.number, number);
    (invoice.paid, invoice.from_credit) = (None, None);
    invoice.balance.amount = Decimal::ZERO;
    let Amount { amount: total, currency } = invoice.total;
    let amount = |amount| Amount { amount, currency };
    let excess = Decimal::from(if total > Decimal::from(1_000) { 0 } else { 19 });
    invoice.correction = Some(CorrectionFacts {
        reason: "The second half was not delivered.".to_owned(),
        settled: Some(amount(total - excess)),
        excess: Some(amount(excess)),
        remaining: amount(if excess.is_zero() { Decimal::from(50) } else { Decimal::ZERO }),
        remaining_due_on: invoice.due_on,
    });
    invoice.due_on = invoice.issued_on;
}
