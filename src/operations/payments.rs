//! Recording money that arrived: what settles the invoice, what becomes company credit, once per
//! provider reference (semantics.md, invoice life).

use crate::context::Context;
use crate::engine::events::{self, InvoiceEvent};
use crate::error::{Error, Result};
use crate::jobs::credit::settle;
use crate::jobs::send;
use crate::model::message::MessageKind;
use crate::model::{CompanyId, Invoice, InvoiceState, Money, Payment, Seller, SellerId, text};
use crate::rules::schedule::today;
use crate::store::audit::{self, Author, Entry};
use crate::store::events::raise;
use crate::store::{StoreError, Tx, credit, invoices, payments, sellers};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Longest provider or reference, in characters: both are keys, and an index takes at most 2,704 bytes.
const MAX_KEY_CHARS: usize = 260;

/// Who records, and by which clock.
pub struct Desk<'a> {
    pub author: &'a Author,
    /// Decides what is today at each seller.
    pub as_of: DateTime<Utc>,
    zones: BTreeMap<SellerId, Tz>,
    /// The texts were checked already, by who knows which numbers are meant.
    checked: bool,
    /// What comes on a void invoice is kept, as credit.
    as_credit: bool,
    /// Whose configuration says who wants to hear of it.
    ctx: Option<&'a Context>,
}

impl<'a> Desk<'a> {
    pub fn open(tx: &mut Tx, author: &'a Author, as_of: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self::of(author, as_of, &sellers::all(tx)?))
    }

    /// A desk for sellers that the caller has read already.
    pub fn of<'s>(author: &'a Author, as_of: DateTime<Utc>, sellers: impl IntoIterator<Item = &'s Seller>) -> Self {
        let zones = sellers.into_iter().map(|seller| (seller.seller_id.clone(), seller.time_zone)).collect();
        Self { author, as_of, zones, checked: false, as_credit: false, ctx: None }
    }

    /// Tells of what is paid: staff, as far as the routes lead to anybody, and customers who get a receipt.
    #[must_use]
    pub fn telling(self, ctx: Option<&'a Context>) -> Self {
        Self { ctx, ..self }
    }

    /// Takes money that came on a void invoice, as credit of the company.
    #[must_use]
    pub fn keeping_as_credit(self, as_credit: bool) -> Self {
        Self { as_credit, ..self }
    }

    /// Takes texts as they are: those of an import were checked with `--allow-numbers` in mind.
    #[must_use]
    pub fn with_checked_texts(self) -> Self {
        Self { checked: true, ..self }
    }

    /// Today at the seller of an invoice; a seller that was never imported has no zone but UTC.
    pub fn today(&self, seller_id: &SellerId) -> NaiveDate {
        today(self.as_of, self.zones.get(seller_id).copied().unwrap_or(Tz::UTC))
    }
}

/// What a payment did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    pub company_id: CompanyId,
    /// The invoice's number.
    pub invoice: String,
    pub provider: String,
    pub reference: String,
    pub amount: Money,
    pub currency: &'static str,
    pub received_on: NaiveDate,
    /// The same payment was there before: nothing changed.
    pub already_recorded: bool,
    /// What settled the invoice.
    pub settled: Money,
    /// What became company credit.
    pub credited: Money,
    /// What remains to be paid.
    pub balance: Money,
    pub state: InvoiceState,
}

/// Why a payment is not recorded, and which of its fields is to blame (as the columns are called).
#[derive(Debug)]
pub struct Refusal {
    pub field: &'static str,
    pub reason: String,
    pub hint: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("{}", .0.reason)]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refused(Refusal { reason, hint, .. }) => Self::refused(reason).hint(hint),
            RecordError::Store(error) => error.into(),
        }
    }
}

fn refused<T>(field: &'static str, reason: String, hint: &'static str) -> Result<T, RecordError> {
    Err(RecordError::Refused(Refusal { field, reason, hint }))
}

/// Records a payment of an invoice. The same payment again (company, provider, reference, and all
/// the rest alike) changes nothing. What exceeds the balance becomes company credit.
/// After an error the caller rolls back.
pub fn record(tx: &mut Tx, desk: &Desk, invoice: &Invoice, payment: &Payment) -> Result<Recorded, RecordError> {
    check(desk, invoice, payment)?;
    invoices::hold(tx, &invoice.company_id, &invoice.invoice_id)?;
    let invoice = invoices::head(tx, &invoice.company_id, &invoice.invoice_id)?.unwrap_or_else(|| invoice.clone());
    if !payments::insert(tx, payment, &invoice.invoice_id)? {
        return recorded_before(tx, &invoice, payment);
    }
    check_state(desk, &invoice)?;
    let balance = owed(tx, &invoice)?;
    // Nothing is owed on a paid invoice, nor on one whose total is below zero.
    let settled = Money::from_minor(payment.amount.minor().min(balance.minor()).max(0), invoice.currency);
    let credited = Money::from_minor(payment.amount.minor() - settled.minor(), invoice.currency);
    if settled.minor() > 0 {
        payments::allocate(tx, payment, &invoice.invoice_id, settled)?;
    }
    if credited.minor() > 0 {
        let key = payments::excess_key(&payment.provider, &payment.reference);
        let reason = match invoice.state {
            InvoiceState::Void => format!("paid on invoice {}, which is void", invoice.label()),
            _ => format!("paid beyond invoice {}", invoice.label()),
        };
        let entry = credit::NewEntry {
            company_id: &payment.company_id,
            key: &key,
            seller_id: &invoice.seller_id,
            amount: credited,
            reason: &reason,
            entered_on: payment.received_on,
            invoice_id: None,
        };
        credit::add(tx, entry)?;
    }
    let balance = Money::from_minor(balance.minor() - settled.minor(), invoice.currency);
    let state = settle(tx, &invoice, balance)?;
    if let (Some(ctx), InvoiceState::Paid, false) = (desk.ctx, state, invoice.state == InvoiceState::Paid) {
        tell_of_paid(tx, ctx, &invoice, payment, desk.author.at)?;
    }
    let recorded = told(&invoice, payment, Outcome { already_recorded: false, settled, credited, balance, state });
    audit::append(tx, desk.author, &entries(&invoice, payment, &recorded))?;
    Ok(recorded)
}

fn tell_of_paid(tx: &mut Tx, ctx: &Context, invoice: &Invoice, payment: &Payment, at: DateTime<Utc>) -> Result<(), StoreError> {
    let occasion = format!("{}:{}", payment.provider, payment.reference);
    let staff = InvoiceEvent {
        company_id: &invoice.company_id,
        invoice_id: &invoice.invoice_id,
        label: invoice.label(),
        amount: payment.amount,
        occasion: &occasion,
        message: "",
    };
    events::invoice(tx, &ctx.config.routing, MessageKind::InvoicePaid, &[staff], at)?;
    match invoice.number.as_ref().and_then(|number| send::event(&ctx.config, MessageKind::InvoicePaid, invoice, number)) {
        Some(receipt) => raise(tx, &[receipt], at),
        None => Ok(()),
    }
}

fn check(desk: &Desk, invoice: &Invoice, payment: &Payment) -> Result<(), RecordError> {
    let label = invoice.label();
    if payment.company_id != invoice.company_id {
        let reason = format!("invoice {label} is one of company {}, not of {}", invoice.company_id, payment.company_id);
        return refused("invoice", reason, "check the company and the number");
    }
    if payment.amount.currency() != invoice.currency {
        let reason = format!("invoice {label} is in {}, and the payment in {}", invoice.currency, payment.amount.currency());
        return refused("currency", reason, "record what arrived in the invoice's currency");
    }
    if payment.amount.minor() <= 0 {
        return refused("amount", format!("a payment is above 0, not {}", payment.amount), "money that goes back is a refund");
    }
    let today = desk.today(&invoice.seller_id);
    if payment.received_on > today {
        let reason = format!("{} is in the future: today is {today} at seller {}", payment.received_on, invoice.seller_id);
        return refused("received_on", reason, "give the day on which the money arrived");
    }
    for (field, text) in [("provider", &payment.provider), ("reference", &payment.reference)] {
        if !desk.checked
            && let Err(invalid) = text::check(text)
        {
            let hint =
                "give another reference; a number that is no card's: finops import payments FILE --allow-numbers reference";
            return refused(field, format!("{field}: {invalid}"), hint);
        }
    }
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if payment.provider.is_empty() || payment.provider.chars().count() > MAX_KEY_CHARS || !payment.provider.chars().all(word) {
        let reason = format!("{:?} is no provider: it is one word of letters and digits", payment.provider);
        return refused("provider", reason, "write manual, bank, stripe …");
    }
    let reference = payment.reference.trim();
    let sound = !reference.is_empty() && reference == payment.reference && !reference.contains(char::is_control);
    if !sound || reference.chars().count() > MAX_KEY_CHARS {
        let reason = format!("{:?} is no reference: one line of 1 to {MAX_KEY_CHARS} characters", payment.reference);
        return refused("reference", reason, "give the bank's or the provider's own reference of this payment");
    }
    Ok(())
}

fn check_state(desk: &Desk, invoice: &Invoice) -> Result<(), RecordError> {
    let label = invoice.label();
    match invoice.state {
        InvoiceState::Issued => {
            let reason = format!("{label} is a credit note, and nobody owes anything on it");
            refused("invoice", reason, "record the payment on the invoice that was paid")
        }
        InvoiceState::Open | InvoiceState::Uncollectible | InvoiceState::Paid if desk.as_credit => {
            let reason = format!("invoice {label} is {}, and --as-credit is for money that came on a void one", invoice.state);
            refused("invoice", reason, "leave --as-credit away: what is paid beyond its balance becomes credit anyway")
        }
        InvoiceState::Open | InvoiceState::Uncollectible | InvoiceState::Paid => Ok(()),
        InvoiceState::Draft => {
            let reason = format!("invoice {label} is a draft, and nobody owes anything on it yet");
            refused("invoice", reason, "issue it first: finops invoices issue")
        }
        InvoiceState::Void if desk.as_credit => Ok(()),
        InvoiceState::Void => {
            let reason = format!("invoice {label} is void, and nobody owes anything on it");
            refused(
                "invoice",
                reason,
                "record the payment on the invoice that replaces it, or keep it as the company's credit: \
                 finops payments record NUMBER … --as-credit",
            )
        }
    }
}

/// What is left to pay of an invoice: nothing once it is void.
fn owed(tx: &mut Tx, invoice: &Invoice) -> Result<Money, StoreError> {
    match invoice.state {
        InvoiceState::Void => Ok(Money::zero(invoice.currency)),
        _ => payments::open_balance(tx, invoice),
    }
}

/// A rerun compares the content, not only the key.
fn recorded_before(tx: &mut Tx, invoice: &Invoice, payment: &Payment) -> Result<Recorded, RecordError> {
    let Payment { company_id, provider, reference, .. } = payment;
    let Some(before) = payments::find(tx, company_id, provider, reference)? else {
        return Err(StoreError::Busy("the payment was being recorded by somebody else".to_owned()).into());
    };
    if before.payment != *payment || before.invoice_id != invoice.invoice_id {
        let of = invoices::head(tx, company_id, &before.invoice_id)?;
        let reason = format!(
            "payment {reference} of {provider} is recorded already, with other content: {} {} on {} for invoice {}",
            before.payment.amount,
            before.payment.amount.currency(),
            before.payment.received_on,
            of.as_ref().map_or(before.invoice_id.as_str(), Invoice::label),
        );
        return refused("reference", reason, "a payment is recorded once: give another reference if this is another payment");
    }
    let allocations = payments::of_invoice(tx, company_id, &invoice.invoice_id, invoice.currency)?;
    let own = allocations.iter().filter(|a| a.provider == *provider && a.reference == *reference);
    let settled = Money::from_minor(own.map(|a| a.amount.minor()).sum(), invoice.currency);
    let credited = Money::from_minor(payment.amount.minor() - settled.minor(), invoice.currency);
    let balance = owed(tx, invoice)?;
    Ok(told(invoice, payment, Outcome { already_recorded: true, settled, credited, balance, state: invoice.state }))
}

struct Outcome {
    already_recorded: bool,
    settled: Money,
    credited: Money,
    balance: Money,
    state: InvoiceState,
}

fn told(invoice: &Invoice, payment: &Payment, outcome: Outcome) -> Recorded {
    let Outcome { already_recorded, settled, credited, balance, state } = outcome;
    Recorded {
        company_id: payment.company_id.clone(),
        invoice: invoice.label().to_owned(),
        provider: payment.provider.clone(),
        reference: payment.reference.clone(),
        amount: payment.amount,
        currency: payment.amount.currency().code(),
        received_on: payment.received_on,
        already_recorded,
        settled,
        credited,
        balance,
        state,
    }
}

fn entries(invoice: &Invoice, payment: &Payment, recorded: &Recorded) -> Vec<Entry> {
    let company_id = payment.company_id.to_string();
    let after = json!({"after": {
        "invoice_id": invoice.invoice_id, "amount": recorded.amount, "currency": recorded.currency,
        "received_on": recorded.received_on, "settled": recorded.settled, "credited": recorded.credited,
    }});
    let mut entries = vec![Entry {
        company_id: company_id.clone(),
        action: "payment.recorded",
        entity: "payment",
        entity_id: format!("{}:{}", payment.provider, payment.reference),
        payload: after.to_string(),
    }];
    if recorded.state != invoice.state {
        entries.push(Entry {
            company_id,
            action: "invoice.paid",
            entity: "invoice",
            entity_id: invoice.invoice_id.to_string(),
            payload: json!({"before": {"state": invoice.state}, "after": {"state": recorded.state}}).to_string(),
        });
    }
    entries
}
