//! The company's credit by hand: paid out, which goes outside of finops and is kept here once per reference, or
//! used on an invoice that is open already.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, Result};
use crate::jobs::credit::{Use, use_on};
use crate::model::{CompanyId, Currency, Invoice, InvoiceState, Money, SellerId, text};
use crate::operations::invoices::{self, held, today_of};
use crate::store::audit::Entry;
use crate::store::credit::{self, Balance, NewEntry};
use crate::store::{StoreError, Tx, audit};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

/// Longest reference, in characters: an index takes at most 2,704 bytes.
const MAX_KEY_CHARS: usize = 260;

/// What a person says was paid out.
#[derive(Debug, Clone)]
pub struct Refund {
    pub company_id: CompanyId,
    /// Needed when the company has credit with several.
    pub seller_id: Option<SellerId>,
    /// Needed when it has credit in several.
    pub currency: Option<Currency>,
    /// In major units.
    pub amount: Decimal,
    /// The bank's or the provider's own reference of the payout.
    pub reference: String,
    pub reason: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refunded {
    pub company_id: CompanyId,
    pub seller_id: SellerId,
    pub amount: Money,
    pub currency: Currency,
    pub reference: String,
    pub entered_on: NaiveDate,
    /// The same one was there before: nothing changed.
    pub already_recorded: bool,
    /// What the company still has.
    pub left: Money,
}

/// Takes a payout off the company's credit.
/// After an error the caller rolls back.
pub fn refund(tx: &mut Tx, ctx: &Context, refund: &Refund) -> Result<Refunded> {
    check(refund)?;
    let Refund { company_id, reference, .. } = refund;
    tx.hold_companies(&[company_id.as_str()])?;
    let balances = credit::balances(tx, &[company_id.as_str()])?;
    let key = format!("refund:{reference}");
    if let Some(before) = credit::find(tx, company_id, &key)? {
        return recorded_before(refund, &before, &balances);
    }
    let Balance { seller_id, amount: has, .. } = chosen(refund, balances)?;
    let currency = has.currency();
    let amount = Money::exact(refund.amount, currency).map_err(|invalid| Error::usage(format!("--amount: {invalid}")))?;
    if amount.minor() <= 0 {
        return Err(Error::refused(format!("what is paid out is above 0, not {amount}")));
    }
    if amount.minor() > has.minor() {
        return Err(Error::refused(format!(
            "company {company_id} has {has} {currency} of credit with seller {seller_id}, and {amount} is more"
        ))
        .hint(format!("finops credit list --company-id {company_id} shows where it comes from")));
    }
    let entered_on = today_of(tx, ctx, &seller_id)?;
    let reason = if refund.reason.is_empty() { "paid out" } else { &refund.reason };
    let entry =
        NewEntry { company_id, key: &key, seller_id: &seller_id, amount: amount.negated(), reason, entered_on, invoice_id: None };
    if !credit::add(tx, entry)? {
        return Err(StoreError::Busy("it was recorded meanwhile".to_owned()).into());
    }
    let left = Money::from_minor(has.minor() - amount.minor(), currency);
    let entry = Entry {
        company_id: company_id.to_string(),
        action: "credit.refunded",
        entity: "credit",
        entity_id: key,
        payload:
            json!({ "after": { "seller_id": seller_id, "amount": amount, "currency": currency, "reason": reason, "left": left } })
                .to_string(),
    };
    audit::append(tx, &host::author(ctx), &[entry])?;
    let (company_id, reference) = (company_id.clone(), reference.clone());
    Ok(Refunded { company_id, seller_id, amount, currency, reference, entered_on, already_recorded: false, left })
}

/// What of the credit an open invoice used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub company_id: CompanyId,
    pub invoice: String,
    /// Zero when there is no credit, or nothing to pay: nothing changed.
    pub amount: Money,
    pub currency: Currency,
    /// What remains to be paid of the invoice.
    pub balance: Money,
    pub invoice_state: InvoiceState,
    /// What the company still has.
    pub left: Money,
}

/// Uses the company's credit on an invoice that is open, as far as it goes. A later invoice does so by itself when it
/// is issued (semantics.md, credit notes); this is for who gets none. Done again, it finds nothing to do.
/// After an error the caller rolls back.
pub fn apply(tx: &mut Tx, ctx: &Context, invoice: &Invoice) -> Result<Applied> {
    let invoice = held(tx, invoice)?;
    let (company_id, seller_id, currency, label) = (&invoice.company_id, &invoice.seller_id, invoice.currency, invoice.label());
    if !matches!(invoice.state, InvoiceState::Open | InvoiceState::Paid) {
        return Err(Error::refused(format!("invoice {label} is {}: credit is used on what is open", invoice.state))
            .hint("finops invoices list --state open shows what is"));
    }
    let balance = invoices::balance(tx, &invoice)?.unwrap_or(Money::zero(currency));
    let balances = credit::balances(tx, &[company_id.as_str()])?;
    let own = balances.into_iter().find(|b| b.seller_id == *seller_id && b.amount.currency() == currency);
    let has = own.map_or(Money::zero(currency), |b| b.amount);
    let amount = Money::from_minor(has.minor().min(balance.minor()).max(0), currency);
    let left = Money::from_minor(has.minor() - amount.minor(), currency);
    let balance = Money::from_minor(balance.minor() - amount.minor(), currency);
    let applied = |state| Applied {
        company_id: company_id.clone(),
        invoice: label.to_owned(),
        amount,
        currency,
        balance,
        invoice_state: state,
        left,
    };
    if amount.is_zero() {
        return Ok(applied(invoice.state));
    }
    let used = Use { invoice: &invoice, amount, balance, left, on: today_of(tx, ctx, seller_id)? };
    let (state, entries) = use_on(tx, &used)?;
    audit::append(tx, &host::author(ctx), &entries)?;
    Ok(applied(state))
}

fn check(refund: &Refund) -> Result<()> {
    for (what, value) in [("--ref", &refund.reference), ("the reason", &refund.reason)] {
        text::check(value).map_err(|invalid| Error::refused(format!("{what} cannot be kept: {invalid}")).hint("give another"))?;
    }
    let reference = refund.reference.trim();
    let sound = !reference.is_empty() && reference == refund.reference && !reference.contains(char::is_control);
    if !sound || reference.chars().count() > MAX_KEY_CHARS {
        return Err(Error::refused(format!(
            "{:?} is no reference: one line of 1 to {MAX_KEY_CHARS} characters",
            refund.reference
        ))
        .hint("give the bank's own reference of the payout"));
    }
    Ok(())
}

/// The credit that is meant: the only one, unless a seller or a currency is named.
fn chosen(refund: &Refund, balances: Vec<Balance>) -> Result<Balance> {
    let is_meant = |b: &Balance| {
        refund.seller_id.as_ref().is_none_or(|seller| *seller == b.seller_id)
            && refund.currency.is_none_or(|currency| currency == b.amount.currency())
    };
    let mut meant: Vec<Balance> = balances.into_iter().filter(is_meant).collect();
    let company_id = &refund.company_id;
    match meant.len() {
        0 => Err(Error::refused(format!("company {company_id} has no such credit"))
            .hint(format!("finops credit list --company-id {company_id} shows what it has"))),
        1 => Ok(meant.remove(0)),
        _ => {
            let told: Vec<String> =
                meant.iter().map(|b| format!("{} {} with {}", b.amount, b.amount.currency(), b.seller_id)).collect();
            Err(Error::usage(format!("company {company_id} has credit of several kinds: {}", told.join(", ")))
                .hint("name the one with --seller-id and --currency"))
        }
    }
}

/// A rerun compares the content, not only the key.
fn recorded_before(refund: &Refund, before: &credit::Entry, balances: &[Balance]) -> Result<Refunded> {
    let amount = before.amount.negated();
    let same = Money::exact(refund.amount, before.currency).is_ok_and(|asked| asked == amount)
        && refund.seller_id.as_ref().is_none_or(|seller| *seller == before.seller_id)
        && refund.currency.is_none_or(|currency| currency == before.currency);
    if !same {
        return Err(Error::refused(format!(
            "--ref {} is recorded already, with other content: {amount} {} on {}",
            refund.reference, before.currency, before.entered_on
        ))
        .hint("a payout is recorded once: give another --ref if this is another one"));
    }
    let own = balances.iter().find(|b| b.seller_id == before.seller_id && b.amount.currency() == before.currency);
    Ok(Refunded {
        company_id: refund.company_id.clone(),
        seller_id: before.seller_id.clone(),
        amount,
        currency: before.currency,
        reference: refund.reference.clone(),
        entered_on: before.entered_on,
        already_recorded: true,
        left: own.map_or(Money::zero(before.currency), |b| b.amount),
    })
}
