//! `invoices show`.

use super::OneArgs;
use crate::context::Context;
use crate::error::{ExitCode, Result};
use crate::model::{FullInvoice, Money};
use crate::operations::invoices as operations;
use crate::store::payments::{self, Allocation};
use crate::store::{Db, documents, invoices};
use crate::ui::{Column, Table};
use serde::Serialize;

/// An invoice with what was paid for it, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    invoice: &'a FullInvoice,
    paid: Money,
    balance: Option<Money>,
    payments: &'a [Allocation],
    pdf: Option<String>,
}

/// Shows one invoice.
pub(super) fn show(one: &OneArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let (invoice, payments, balance, pdf) = db.read(|tx| {
        let head = operations::find(tx, &one.invoice, one.company_id.as_ref())?;
        let payments = payments::of_invoice(tx, &head.company_id, &head.invoice_id, head.currency)?;
        let balance = operations::balance(tx, &head)?;
        let pdf = documents::pdf(tx, &head.company_id, &head.invoice_id)?;
        Ok::<_, crate::error::Error>((invoices::full(tx, head)?, payments, balance, pdf))
    })?;
    let paid = payments.iter().fold(Money::zero(invoice.head.currency), |sum, p| sum.checked_add(p.amount).unwrap_or(sum));
    let pdf = pdf.map(|file| match file.place.as_str() {
        "" => ctx.config.documents.folder.join(file.path).display().to_string(),
        _ => file.path,
    });
    let shown = Shown { invoice: &invoice, paid, balance, payments: &payments, pdf };
    ctx.ui.item(&shown, || heading(&invoice, &shown));
    ctx.ui.table(&lines(&invoice));
    ctx.ui.table(&sums(&invoice, &shown));
    Ok(ExitCode::Done)
}

fn heading(invoice: &FullInvoice, shown: &Shown) -> String {
    let head = &invoice.head;
    let mut text = format!("{} ({}) for {}, {}", head.label(), head.state, head.company_id, head.period);
    if let (Some(issued), Some(due)) = (head.issued_on, head.due_on) {
        text.push_str(&format!("\nissued {issued}, due {due}"));
    }
    if head.stale {
        text.push_str("\nits inputs changed: finops invoices generate makes it anew");
    }
    if let Some(pdf) = &shown.pdf {
        text.push_str(&format!("\n{pdf}"));
    }
    text
}

fn lines(invoice: &FullInvoice) -> Table {
    let columns = [
        Column::text("Description"),
        Column::left("Period"),
        Column::right("Quantity"),
        Column::right("Unit price"),
        Column::left("Days"),
        Column::right("Tax %"),
        Column::right("Amount"),
    ];
    let mut table = Table::new(&columns);
    for line in &invoice.lines {
        table.row(vec![
            line.description.clone(),
            line.period.to_string(),
            format!("{} {}", line.quantity.normalize(), line.unit).trim().to_owned(),
            line.unit_price.to_string(),
            line.proration.map(|p| format!("{} of {}", p.days, p.of_days)).unwrap_or_default(),
            line.tax_rate.normalize().to_string(),
            line.amount.to_string(),
        ]);
    }
    table
}

fn sums(invoice: &FullInvoice, shown: &Shown) -> Table {
    let head = &invoice.head;
    let mut table = Table::new(&[Column::left(""), Column::right("")]);
    let mut row = |name: String, amount: Money| table.row(vec![name, format!("{amount} {}", head.currency)]);
    row("Net".to_owned(), head.net);
    for tax in &invoice.taxes {
        row(format!("{} on {}", tax.name, tax.net), tax.tax);
    }
    row("Total".to_owned(), head.total);
    for payment in shown.payments {
        row(format!("Paid {} ({} {})", payment.received_on, payment.provider, payment.reference), payment.amount.negated());
    }
    if let Some(balance) = shown.balance {
        row("To pay".to_owned(), balance);
    }
    table
}
