//! `invoices show`.

use super::OneArgs;
use crate::context::Context;
use crate::error::{ExitCode, Result};
use crate::model::{FullInvoice, Invoice, Money};
use crate::operations::credit_notes::settles_key;
use crate::operations::deliveries::{self, Deliveries};
use crate::operations::invoices as operations;
use crate::render::plain_detail;
use crate::store::credit::{self, Entry};
use crate::store::documents::{self, DocumentFile};
use crate::store::payments::{self, Allocation};
use crate::store::{Db, Tx, invoices};
use crate::ui::{Column, Table};
use serde::Serialize;

/// An invoice with what was paid and credited of it, as JSON.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    invoice: FullInvoice,
    paid: Money,
    /// By credit notes, and by credit of the company that it used up.
    credited: Money,
    balance: Option<Money>,
    payments: Vec<Allocation>,
    credit: Vec<Entry>,
    credit_notes: Vec<NoteRow>,
    /// Of a credit note: the number of the invoice that it corrects.
    corrects_number: Option<String>,
    pdf: Option<String>,
    deliveries: Option<Deliveries>,
}

/// A credit note of the invoice.
#[derive(Serialize)]
struct NoteRow {
    number: Option<String>,
    invoice_id: String,
    issued_on: Option<chrono::NaiveDate>,
    total: Money,
    reason: String,
    /// The key of the entry by which it lowers the balance.
    #[serde(skip)]
    settles: String,
}

/// Where a PDF lies.
pub(super) fn place_of(ctx: &Context, file: DocumentFile) -> String {
    match file.place.as_str() {
        "" => ctx.config.documents.folder.join(file.path).display().to_string(),
        _ => file.path,
    }
}

/// Shows one invoice or credit note.
pub(super) fn show(one: &OneArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let shown = db.read(|tx| {
        let head = operations::find(tx, &one.invoice, one.company_id.as_ref())?;
        read(tx, ctx, head)
    })?;
    ctx.ui.item(&shown, || heading(&shown, ctx.config.mail.is_some()));
    ctx.ui.table(&lines(&shown.invoice));
    ctx.ui.table(&sums(&shown));
    Ok(ExitCode::Done)
}

fn read(tx: &mut Tx, ctx: &Context, head: Invoice) -> Result<Shown> {
    let (company_id, invoice_id, currency) = (head.company_id.clone(), head.invoice_id.clone(), head.currency);
    let notes = invoices::credit_notes(tx, &company_id, &invoice_id)?.into_iter().map(|note| NoteRow {
        settles: settles_key(&note.head.invoice_id),
        number: note.head.number.clone(),
        invoice_id: note.head.invoice_id.to_string(),
        issued_on: note.head.issued_on,
        total: note.head.total,
        reason: note.head.kind.correction().map(|c| c.reason.clone()).unwrap_or_default(),
    });
    let corrects = match head.kind.correction() {
        Some(correction) => invoices::head(tx, &company_id, &correction.corrects)?,
        None => None,
    };
    Ok(Shown {
        paid: payments::paid(tx, &company_id, &invoice_id, currency)?,
        credited: credit::settled(tx, &company_id, &invoice_id, currency)?,
        balance: operations::balance(tx, &head)?,
        payments: payments::of_invoice(tx, &company_id, &invoice_id, currency)?,
        credit: credit::of_invoice(tx, &company_id, &invoice_id)?,
        credit_notes: notes.collect(),
        corrects_number: corrects.map(|invoice| invoice.label().to_owned()),
        deliveries: deliveries::of(tx, &head)?,
        pdf: documents::pdf(tx, &company_id, &invoice_id)?.map(|file| place_of(ctx, file)),
        invoice: invoices::full(tx, head)?,
    })
}

fn heading(shown: &Shown, has_mail: bool) -> String {
    let head = &shown.invoice.head;
    let state = if head.is_credit_note() { "credit note" } else { head.state.as_str() };
    let mut text = format!("{} ({state}) for {}, {}", head.label(), head.company_id, head.period);
    match (head.issued_on, head.due_on, &shown.corrects_number) {
        (Some(issued), _, Some(corrects)) => text.push_str(&format!("\nissued {issued}, corrects invoice {corrects}")),
        (Some(issued), Some(due), None) => text.push_str(&format!("\nissued {issued}, due {due}")),
        _ => {}
    }
    if let Some(correction) = head.kind.correction().filter(|c| !c.reason.is_empty()) {
        text.push_str(&format!("\nreason: {}", correction.reason));
    }
    if head.edited {
        text.push_str("\nedited by hand");
    }
    if head.stale {
        text.push_str(match head.edited {
            true => "\nits inputs changed since: delete it, or change it by hand again",
            false => "\nits inputs changed: finops invoices generate makes it anew",
        });
    }
    if let Some(pdf) = &shown.pdf {
        text.push_str(&format!("\n{pdf}"));
    }
    // Without a server of mail nobody expects it.
    if let Some(deliveries) = shown.deliveries.as_ref().filter(|deliveries| has_mail || !deliveries.is_left_out) {
        text.push_str(&format!("\n{}", deliveries.text(head)));
    }
    text
}

pub(super) fn lines(invoice: &FullInvoice) -> Table {
    let columns = [
        Column::right("#"),
        Column::text("Description"),
        Column::left("Period"),
        Column::right("Quantity"),
        Column::right("Unit price"),
        Column::left("Days"),
        Column::right("Tax %"),
        Column::right("Amount"),
    ];
    let mut table = Table::new(&columns);
    for (position, line) in (1..).zip(&invoice.lines) {
        let details: String = line.details.iter().map(|detail| format!(", {}", plain_detail(detail))).collect();
        table.row(vec![
            position.to_string(),
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

fn sums(shown: &Shown) -> Table {
    let FullInvoice { head, taxes, .. } = &shown.invoice;
    let mut table = Table::new(&[Column::left(""), Column::right("")]);
    let mut row = |name: String, amount: Money| table.row(vec![name, format!("{amount} {}", head.currency)]);
    row("Net".to_owned(), head.net);
    for tax in taxes {
        row(format!("{} on {}", tax.name, tax.net), tax.tax);
    }
    row(if head.is_credit_note() { "Total credited" } else { "Total" }.to_owned(), head.total);
    let is_of_a_note = |entry: &Entry| shown.credit_notes.iter().any(|note| entry.key == note.settles);
    for entry in shown.credit.iter().filter(|entry| !is_of_a_note(entry)) {
        row(format!("Company credit {}", entry.entered_on), entry.amount);
    }
    for note in &shown.credit_notes {
        let name = format!("Credit note {} over {}", note.number.as_deref().unwrap_or(&note.invoice_id), note.total);
        // What exceeded the balance went to the company's credit.
        let settles = shown.credit.iter().find(|entry| entry.key == note.settles);
        row(name, settles.map_or(Money::zero(head.currency), |entry| entry.amount));
    }
    for payment in &shown.payments {
        row(format!("Paid {} ({} {})", payment.received_on, payment.provider, payment.reference), payment.amount.negated());
    }
    if let Some(balance) = shown.balance.filter(|_| !head.is_credit_note()) {
        row("To pay".to_owned(), balance);
    }
    table
}
