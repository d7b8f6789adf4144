//! Credit notes: what a person takes back of an issued invoice (semantics.md, credit notes). First it
//! lowers what remains to be paid; what exceeds that becomes the company's credit.

mod again;

use crate::context::Context;
use crate::crash;
use crate::engine::{self, RunOptions, host};
use crate::error::{Error, Result};
use crate::jobs::credit::settle;
use crate::jobs::issue::Frozen;
use crate::jobs::send;
use crate::jobs::settle::Settle;
use crate::model::document::{Corrected, Document};
use crate::model::message::MessageKind;
use crate::model::{
    ContractId, Correction, EffectKind, FullInvoice, Invoice, InvoiceId, InvoiceKind, InvoiceState, Money, Seller, text,
};
use crate::operations::invoices::{held, note, states};
use crate::render::{Fonts, missing_characters};
use crate::rules::credit::{Credited, Uncreditable, Wanted, split};
use crate::rules::document::{Issue, freeze};
use crate::rules::numbering::NumberFormat;
use crate::rules::schedule::today;
use crate::store::credit::{self, NewEntry};
use crate::store::documents::{self, DocumentFile};
use crate::store::numbers::{self, Given, Taken};
use crate::store::payments::open_balance;
use crate::store::{Db, StoreError, Tx, audit, billing, companies, events, invoices, items, openings, sellers};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Longest key, in characters: an index takes at most 2,704 bytes.
const MAX_KEY_CHARS: usize = 260;

/// What a person asks for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The id that it will have, given by who may have to ask again without knowing whether the first
    /// time got through (`Db::write_surely`). None: made here.
    pub id: Option<InvoiceId>,
    /// Lines of the invoice, from 1; none: all.
    pub lines: Vec<u32>,
    /// With tax, in the invoice's currency. None: all that is left.
    pub amount: Option<Decimal>,
    /// Printed; may be empty.
    pub reason: String,
    /// Makes the same request again do nothing; may be empty.
    pub key: String,
}

/// What a request did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The same request was there before: nothing changed.
    pub already_made: bool,
    /// The number of the invoice.
    pub invoice: String,
    /// What of it lowered what remains to be paid.
    pub settled: Money,
    /// What became the company's credit.
    pub credited: Money,
    /// What remains to be paid of the invoice, and its state.
    pub balance: Money,
    pub invoice_state: InvoiceState,
    pub note: FullInvoice,
}

/// Credits an invoice, whole or in part. `fonts` are what it will be printed with: a character that
/// they lack is refused before a number is given.
/// After an error the caller rolls back.
pub fn credit(tx: &mut Tx, ctx: &Context, fonts: &Fonts, invoice: &Invoice, request: &Request) -> Result<Made> {
    check_texts(request)?;
    let invoice = held(tx, invoice)?;
    if let Some(own) = request.id.as_ref().map(|id| invoices::head(tx, &invoice.company_id, id)).transpose()?.flatten() {
        let note = invoices::full(tx, own)?;
        return again::told(tx, invoice, note, false);
    }
    if let Some(before) = invoices::by_ref_key(tx, &invoice.company_id, &request.key)? {
        return again::made_before(tx, invoice, before, request);
    }
    check_state(&invoice)?;
    if openings::is_opening(tx, &invoice.company_id, &invoice.invoice_id)? {
        let label = invoice.label();
        return Err(Error::refused(format!("invoice {label} was issued by another system, which knows its lines and its tax"))
            .hint(format!("credit it there, and keep here what it lowers: finops payments record {label} --help")));
    }
    let full = invoices::full(tx, invoice.clone())?;
    check_changes(tx, &full, request)?;
    let earlier = invoices::credit_notes(tx, &invoice.company_id, &invoice.invoice_id)?;
    let wanted = wanted(&invoice, request)?;
    let credited = split(&full, &earlier, &wanted).map_err(|why| refused(&invoice, &why, request))?;
    let seller = sellers::find(tx, invoice.seller_id.as_str())?;
    let seller =
        seller.ok_or_else(|| Error::refused(format!("seller {} does not exist", invoice.seller_id)).hint("import it"))?;
    let note = issue(tx, ctx, fonts, (&invoice, &seller), credited, request)?;
    book(tx, ctx, invoice, note)
}

/// What changes of its contracts have credited or charged already must not be taken back once more: then a
/// person says how much is left.
fn check_changes(tx: &mut Tx, full: &FullInvoice, request: &Request) -> Result<()> {
    let FullInvoice { head: invoice, lines, .. } = full;
    if request.amount.is_some() {
        return Ok(());
    }
    let named = (1..).zip(lines).filter(|(position, _)| request.lines.is_empty() || request.lines.contains(position));
    let contracts: BTreeSet<&ContractId> = named.filter_map(|(_, line)| line.contract_id.as_ref()).collect();
    let made = items::adjusted_periods(tx, &invoice.company_id, contracts)?;
    for period in billing::of_invoice(tx, &invoice.company_id, &invoice.invoice_id)? {
        let Some(made) = made.get(&(period.contract_id.clone(), period.start)) else { continue };
        // Those on a voided invoice, too: it may be billed anew.
        let amounts: Vec<Money> = made.iter().filter_map(|(item, _)| item.adjustment.as_ref()).map(|a| a.amount).collect();
        if amounts.is_empty() {
            continue;
        }
        let zero = Money::zero(invoice.currency);
        let sum = amounts.into_iter().try_fold(zero, Money::checked_add).unwrap_or(zero);
        let (label, currency, contract) = (invoice.label(), invoice.currency, &period.contract_id);
        return Err(Error::refused(format!(
            "contract {contract} changed in the period from {}: {sum} {currency} of it are credited (below 0) or charged by that",
            period.start
        ))
        .hint(format!("say how much of {label} is still to be taken back, with tax: --amount")));
    }
    Ok(())
}

fn check_texts(request: &Request) -> Result<()> {
    for (what, value) in [("the reason", &request.reason), ("--ref", &request.key)] {
        text::check(value).map_err(|invalid| {
            Error::refused(format!("{what} cannot be kept: {invalid}")).hint("write it in other words: it stays for ever")
        })?;
    }
    if request.key.chars().count() > MAX_KEY_CHARS || request.key.trim() != request.key || request.key.contains(char::is_control)
    {
        return Err(Error::usage(format!("--ref is one line of at most {MAX_KEY_CHARS} characters")));
    }
    Ok(())
}

fn check_state(invoice: &Invoice) -> Result<()> {
    let label = invoice.label();
    match invoice.state {
        InvoiceState::Open | InvoiceState::Paid | InvoiceState::Uncollectible => Ok(()),
        InvoiceState::Draft => Err(Error::refused(format!("invoice {label} is a draft, of which nothing is billed yet"))
            .hint(format!("change it: finops invoices edit {label}"))),
        InvoiceState::Void => Err(Error::refused(format!("invoice {label} is void: all of it was taken back already"))
            .hint(format!("to bill its periods again: finops invoices regenerate {label}"))),
        InvoiceState::Issued => {
            Err(Error::refused(format!("{label} is a credit note")).hint("bill again what it credited too much, as an item"))
        }
    }
}

fn wanted(invoice: &Invoice, request: &Request) -> Result<Wanted> {
    let exact = |amount| Money::exact(amount, invoice.currency).map_err(|invalid| Error::usage(format!("--amount: {invalid}")));
    Ok(Wanted { lines: request.lines.clone(), amount: request.amount.map(exact).transpose()? })
}

fn refused(invoice: &Invoice, why: &Uncreditable, request: &Request) -> Error {
    let label = invoice.label();
    let error = match why {
        Uncreditable::NotPositive(_) | Uncreditable::TooMuch { .. } | Uncreditable::MoreThanItsGroup { .. } => {
            Error::refused(format!("invoice {label} cannot be credited so: {why} ({})", invoice.currency))
        }
        Uncreditable::NothingLeft if !request.lines.is_empty() => {
            Error::refused(format!("invoice {label} cannot be credited so: nothing of the named lines is left to be credited"))
        }
        _ => Error::refused(format!("invoice {label} cannot be credited so: {why}")),
    };
    let show = format!("finops invoices show {label} shows its lines, what was credited and what is left");
    match why {
        Uncreditable::NothingLeft if invoice.total.minor() <= 0 => {
            Error::refused(format!("invoice {label} asks for nothing: {} {}", invoice.total, invoice.currency))
                .hint("bill what it gave back too much as an item of its own")
        }
        Uncreditable::MoreThanItsGroup { .. } => error.hint("credit all lines, or less of these with --amount"),
        _ => error.hint(show),
    }
}

/// Gives it its number and freezes it, in the way of invoices.
fn issue(
    tx: &mut Tx,
    ctx: &Context,
    fonts: &Fonts,
    (invoice, seller): (&Invoice, &Seller),
    credited: Credited,
    request: &Request,
) -> Result<(FullInvoice, Document)> {
    let issued_on = today(ctx.as_of, seller.time_zone);
    let id = request.id.clone().unwrap_or_else(|| InvoiceId::from(ctx.ids.uuid()));
    let draft = draft(id, invoice, credited, request);
    let mut document = document(tx, &draft, (invoice, seller), issued_on, request)?;
    if let Some((character, field)) = missing_characters(&document, fonts).into_iter().next() {
        return Err(Error::refused(format!("{field} has {character:?} (U+{:04X}), which no font has", u32::from(character)))
            .hint("name a font that has it in [documents] fallback_fonts"));
    }
    invoices::insert(tx, std::iter::once(&draft))?;
    document.number = number(tx, seller, &draft.head, issued_on)?;
    let head = Invoice {
        state: InvoiceState::Issued,
        number: Some(document.number.clone()),
        issued_on: Some(issued_on),
        due_on: Some(document.due_on),
        ..draft.head
    };
    if !invoices::issue(tx, std::slice::from_ref(&head))? {
        return Err(StoreError::Busy("the credit note changed while it was being issued".to_owned()).into());
    }
    Ok((FullInvoice { head, ..draft }, document))
}

/// The credit note without its number.
fn draft(invoice_id: InvoiceId, invoice: &Invoice, credited: Credited, request: &Request) -> FullInvoice {
    let correction =
        Correction { corrects: invoice.invoice_id.clone(), reason: request.reason.clone(), key: request.key.clone() };
    let Credited { lines, taxes, net, tax, total } = credited;
    let head = Invoice {
        invoice_id,
        kind: InvoiceKind::CreditNote(correction),
        state: InvoiceState::Draft,
        revision: 0,
        number: None,
        issued_on: None,
        due_on: None,
        payment_terms_days: 0,
        net,
        tax,
        total,
        stale: false,
        edited: false,
        ..invoice.clone()
    };
    FullInvoice { head, lines, taxes }
}

/// Its document, without the number.
fn document(
    tx: &mut Tx,
    draft: &FullInvoice,
    (invoice, seller): (&Invoice, &Seller),
    issued_on: NaiveDate,
    request: &Request,
) -> Result<Document> {
    let of_invoice = invoice.issued_on.unwrap_or(issued_on);
    if issued_on < of_invoice {
        return Err(Error::refused(format!("invoice {} is of {of_invoice}, and today is {issued_on}", invoice.label()))
            .hint("a credit note is not older than its invoice: correct the clock, or --now"));
    }
    let company = companies::by_ids(tx, &[invoice.company_id.as_str()])?;
    let company = company.first().ok_or_else(|| Error::failed(format!("company {} is gone", invoice.company_id)))?;
    Ok(freeze(Issue {
        invoice: &draft.head,
        lines: &draft.lines,
        taxes: &draft.taxes,
        seller,
        company,
        number: String::new(),
        issued_on,
        credit_applied: Money::zero(invoice.currency),
        corrects: Some(Corrected {
            invoice_id: invoice.invoice_id.clone(),
            number: invoice.label().to_owned(),
            issued_on: of_invoice,
            reason: request.reason.clone(),
            settled: Some(lowers(invoice, draft.head.total, still_owed(tx, invoice)?).to_decimal()),
            is_of_an_amount: request.amount.is_some() && request.lines.is_empty(),
        }),
    }))
}

/// The next number of the seller's series of credit notes.
fn number(tx: &mut Tx, seller: &Seller, note: &Invoice, issued_on: NaiveDate) -> Result<String> {
    let (series_id, seller_id) = (seller.credit_series_id.as_str(), &seller.seller_id);
    let again = "correct it and import the seller again";
    let format = NumberFormat::parse(&seller.credit_number_format)
        .map_err(|invalid| Error::refused(format!("seller {seller_id}: credit_number_format: {invalid}")).hint(again))?;
    let year = if format.restarts_yearly() { issued_on.year() } else { 0 };
    let seq = match numbers::take(tx, series_id, year, 1, issued_on)? {
        Taken::From(seq) => seq,
        Taken::LaterDateIssued(last) => {
            return Err(Error::refused(format!("series {series_id} has already issued on {last}, which is after {issued_on}"))
                .hint("numbers and dates must ascend together: issue on or after that day"));
        }
    };
    let number = format.format(issued_on.year(), seq);
    if numbers::is_given(tx, seller_id, &number)? {
        return Err(Error::refused(format!(
            "seller {seller_id} has given the number {number} already, and {series_id} would again"
        ))
        .hint(format!(
            "finops db reconcile --given {seller_id}={number} --accept passes over it; or give the series of credit notes a \
                 credit_number_format of its own, and import the seller again"
        )));
    }
    let given = Given { series_id, year, seq, company_id: &note.company_id, document_id: &note.invoice_id };
    numbers::record(tx, &[given])?;
    Ok(number)
}

/// Writes the PDF at once, as `effects settle` would, and tells where it lies. The credit note stands in
/// any case, so what goes wrong here is a warning and no more.
pub fn write_pdf(ctx: &Context, db: &mut Db, note: &Invoice) -> Result<Option<DocumentFile>> {
    crash::point("credit_note.committed");
    let options = RunOptions { scope: format!("credit note {}", note.label()), by_the_way: true, ..RunOptions::default() };
    let (_, ended) = engine::run(&mut Settle::new(ctx, Some(EffectKind::Document)), ctx, db, &options);
    if let Err(error) = ended {
        ctx.ui.warn(format!("the PDF is not written yet: {}; finops effects settle writes it", error.message));
    }
    Ok(db.read(|tx| documents::pdf(tx, &note.company_id, &note.invoice_id))?)
}

/// What is left to be paid of an invoice.
fn still_owed(tx: &mut Tx, invoice: &Invoice) -> Result<Money> {
    Ok(match invoice.state {
        InvoiceState::Open | InvoiceState::Uncollectible => open_balance(tx, invoice)?,
        InvoiceState::Paid | InvoiceState::Draft | InvoiceState::Void | InvoiceState::Issued => Money::zero(invoice.currency),
    })
}

/// What of a credit note lowers it.
fn lowers(invoice: &Invoice, total: Money, open: Money) -> Money {
    Money::from_minor(total.minor().min(open.minor()).max(0), invoice.currency)
}

/// Lowers what remains to be paid, gives the company the rest, and tells the audit log.
fn book(tx: &mut Tx, ctx: &Context, invoice: Invoice, (note_of, document): (FullInvoice, Document)) -> Result<Made> {
    let head = &note_of.head;
    let (currency, total) = (invoice.currency, head.total);
    let open = still_owed(tx, &invoice)?;
    let settled = lowers(&invoice, total, open);
    let entry = |key, amount, invoice_id, reason| NewEntry {
        company_id: &invoice.company_id,
        key,
        seller_id: &invoice.seller_id,
        amount,
        reason,
        entered_on: document.issued_on,
        invoice_id,
    };
    let (key, by) = (key_of(&head.invoice_id), format!("credit note {} of invoice {}", document.number, invoice.label()));
    let mut added = credit::add(tx, entry(&key, total, None, &by))?;
    if !settled.is_zero() {
        let key = settles_key(&head.invoice_id);
        let what = format!("invoice {}", invoice.label());
        added &= credit::add(tx, entry(&key, settled.negated(), Some(&invoice.invoice_id), &what))?;
    }
    if !added {
        return Err(StoreError::Busy("the credit note was made meanwhile".to_owned()).into());
    }
    let balance = Money::from_minor(open.minor() - settled.minor(), currency);
    let state = settle(tx, &invoice, balance)?;
    let credited = Money::from_minor(total.minor() - settled.minor(), currency);
    let mut frozen = Frozen::default();
    let about = json!({ "corrects": invoice.invoice_id, "reason": document.corrects.as_ref().map(|c| &c.reason),
        "settled": settled, "credited": credited });
    frozen.add("credit_note.issued", head, &document, about)?;
    let told = send::event(&ctx.config, MessageKind::CreditNoteIssued, head, &document.number);
    events::raise(tx, told.as_slice(), ctx.clock.now())?;
    let entries = frozen.write(tx, ctx.clock.now())?;
    audit::append(tx, &host::author(ctx), &entries)?;
    if state != invoice.state {
        note(tx, ctx, &invoice, "invoice.paid", &states(invoice.state, state))?;
    }
    let invoice = invoice.label().to_owned();
    Ok(Made { already_made: false, invoice, settled, credited, balance, invoice_state: state, note: note_of })
}

/// The key of what a credit note gives the company.
fn key_of(note: &InvoiceId) -> String {
    format!("credit_note:{note}")
}

/// The key of what of it lowers its invoice.
pub fn settles_key(note: &InvoiceId) -> String {
    format!("credit_note:{note}:settles")
}
