//! `invoices list` and `invoices show`.

use super::OneArgs;
use crate::context::Context;
use crate::error::{ExitCode, Result};
use crate::model::{CompanyId, FullInvoice, Invoice, Money};
use crate::operations::invoices as operations;
use crate::render::plain_detail;
use crate::store::payments::{self, Allocation};
use crate::store::{Db, documents, invoices};
use crate::ui::{Column, Table};
use serde::Serialize;

/// Rows that are read at a time.
const PAGE: u32 = 500;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only in this state.
    #[arg(long, value_parser = ["draft", "open", "paid", "void", "uncollectible"])]
    state: Option<String>,
    /// Only of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists invoices by company and age.
pub(super) fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let state = args.state.as_deref().unwrap_or_default();
    let company = args.company_id.as_ref().map_or("", CompanyId::as_str);
    let mut after = (String::new(), String::new());
    let mut found: Vec<Invoice> = Vec::new();
    let mut left = args.limit;
    while left > 0 {
        let page = db.read(|tx| invoices::list(tx, state, company, (&after.0, &after.1), left.min(PAGE)))?;
        let Some(last) = page.last() else { break };
        after = (last.company_id.to_string(), last.invoice_id.to_string());
        left -= u32::try_from(page.len()).unwrap_or(left).min(left);
        if ctx.ui.is_json() {
            page.iter().for_each(|invoice| ctx.ui.item(invoice, String::new));
            if ctx.ui.is_closed() {
                break;
            }
        } else {
            found.extend(page);
        }
    }
    let columns = [
        Column::left("Invoice"),
        Column::left("State"),
        Column::left("Company"),
        Column::left("Period"),
        Column::left("Issued"),
        Column::left("Due"),
        Column::right("Total"),
        Column::left(""),
    ];
    let mut table = Table::new(&columns);
    found.iter().for_each(|i| table.row(cells(i)));
    ctx.ui.table(&table);
    if left == 0 {
        ctx.ui.note(format!("only the first {} are shown; --limit N shows more", args.limit));
    }
    Ok(ExitCode::Done)
}

fn cells(i: &Invoice) -> Vec<String> {
    let date = |d: Option<chrono::NaiveDate>| d.map(|d| d.to_string()).unwrap_or_default();
    let state = if i.stale { "draft, stale".to_owned() } else { i.state.to_string() };
    vec![
        i.label().to_owned(),
        state,
        i.company_id.to_string(),
        i.period.to_string(),
        date(i.issued_on),
        date(i.due_on),
        i.total.to_string(),
        i.currency.to_string(),
    ]
}

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
        Column::left("Description"),
        Column::left("Period"),
        Column::right("Quantity"),
        Column::right("Unit price"),
        Column::left("Days"),
        Column::right("Tax %"),
        Column::right("Amount"),
    ];
    let mut table = Table::new(&columns);
    for line in &invoice.lines {
        let details: String = line.details.iter().map(|detail| format!(", {}", plain_detail(detail))).collect();
        table.row(vec![
            format!("{}{details}", line.description),
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
