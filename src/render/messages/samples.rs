//! Invented facts, to try templates with and to show what a message looks like.

mod events;

use self::events::event;
use crate::model::document::Party;
use crate::model::dunning::AFTER_FINAL;
use crate::model::message::{
    Amount, EntryKind, EventFacts, Mailbox, MessageFacts, MessageKind, Severity, Statement, StatementAccount, StatementEntry,
};
use crate::model::seller::{Address, BankDetails};
use crate::model::{Currency, Invalid};
use chrono::{DateTime, Days, NaiveDate, Utc};
use invoices::{as_credit_note, as_paid, invoice};
use rust_decimal::Decimal;

mod invoices;

/// Facts that a message of a kind may have: as few as can be, all of them, several invoices in two
/// currencies, and texts that mean harm; of reminders, at each step. All invented.
pub fn samples(kind: MessageKind) -> Result<Vec<MessageFacts>, Invalid> {
    let mut samples = vec![bare(kind)?, full(kind, 1)?, full(kind, 3)?, full(kind, 7)?, hostile(kind)?];
    if kind.is_reminder() {
        let whole = [full(kind, 1)?, full(kind, 2)?];
        let at = |urgency: u8| whole.iter().map(move |facts| MessageFacts { urgency: Some(urgency), ..facts.clone() });
        samples.extend((1..=AFTER_FINAL).flat_map(at));
    }
    if kind == MessageKind::Digest {
        // Of everything that there is.
        let mut all = full(kind, 1)?;
        all.events = MessageKind::ALL.iter().map(|kind| EventFacts { kind: *kind, ..event(*kind) }).collect();
        samples.push(all);
    }
    if matches!(kind, MessageKind::InvoiceIssued | MessageKind::InvoiceFailed) {
        let mut free = full(kind, 1)?;
        free.owed.clear();
        samples.push(free);
    }
    if kind == MessageKind::InvoicePaid {
        // The first has as few facts as can be.
        for facts in samples.iter_mut().skip(1) {
            facts.owed.clear();
            facts.invoices.iter_mut().for_each(as_paid);
        }
    }
    if kind == MessageKind::InvoiceVoided {
        samples = voided(kind)?;
    }
    if kind == MessageKind::CreditNoteIssued {
        for facts in &mut samples {
            facts.owed.clear();
            facts.invoices.iter_mut().for_each(as_credit_note);
        }
    }
    // What was issued just now is not overdue yet.
    if matches!(kind, MessageKind::InvoiceDraft | MessageKind::InvoiceIssued | MessageKind::ReminderUpcoming) {
        samples.iter_mut().flat_map(|facts| &mut facts.invoices).for_each(|invoice| invoice.days_overdue -= 30);
    }
    if kind == MessageKind::InvoiceIssued {
        samples.extend([full(kind, 1)?, full(kind, 2)?]);
    }
    Ok(samples)
}

fn day(offset: u64) -> NaiveDate {
    NaiveDate::default() + Days::new(20_000 + offset)
}

fn instant() -> DateTime<Utc> {
    DateTime::from_timestamp(1_727_000_000, 0).unwrap_or_default()
}

fn amount(minor: i64, currency: Currency) -> Amount {
    Amount::from(crate::model::Money::from_minor(minor, currency))
}

/// For customers or for the people who run the books.
fn is_alert(kind: MessageKind) -> bool {
    use MessageKind as Kind;
    match kind {
        Kind::InvoiceDraft
        | Kind::InvoiceIssued
        | Kind::InvoicePaid
        | Kind::InvoiceFailed
        | Kind::InvoiceRefunded
        | Kind::InvoiceVoided
        | Kind::CreditNoteIssued
        | Kind::ReminderUpcoming
        | Kind::ReminderOverdue
        | Kind::ReminderEscalation
        | Kind::Statement => false,
        Kind::InvoiceHeld
        | Kind::JobFailed
        | Kind::JobRecovered
        | Kind::JobCompleted
        | Kind::ItemFailed
        | Kind::ItemParked
        | Kind::EffectFailed
        | Kind::BalanceLow
        | Kind::Notice
        | Kind::Digest => true,
    }
}

/// As few facts as a message of this kind can have.
fn bare(kind: MessageKind) -> Result<MessageFacts, Invalid> {
    let eur: Currency = "EUR".parse()?;
    let party = |name: &str| (!is_alert(kind)).then(|| Party { name: name.to_owned(), ..Party::default() });
    let invoices = if is_alert(kind) || kind == MessageKind::Statement { Vec::new() } else { vec![invoice(0, eur)] };
    let mut event = event(kind);
    event.job.clear();
    event.subject.clear();
    event.about.clear();
    event.hint.clear();
    event.company.clear();
    event.details.clear();
    Ok(MessageFacts {
        kind,
        severity: Severity::Info,
        recipient: Mailbox { name: String::new(), address: "accounts@example.com".to_owned() },
        seller: party("Example Ltd"),
        bank: None,
        company: party("Sample Inc."),
        attached: invoices.len(),
        owed: if invoices.is_empty() { Vec::new() } else { vec![amount(11_900, eur)] },
        invoices,
        level: None,
        urgency: None,
        today: day(30),
        time_zone: chrono_tz::Tz::UTC,
        statement: (kind == MessageKind::Statement).then(|| Statement { from: day(0), to: day(30), accounts: Vec::new() }),
        event: (is_alert(kind) && kind != MessageKind::Digest).then(|| event.clone()),
        events: if kind == MessageKind::Digest { vec![event] } else { Vec::new() },
    })
}

/// Every fact, with so many invoices: those after the second are in another currency, and the first is paid in part.
fn full(kind: MessageKind, count: u32) -> Result<MessageFacts, Invalid> {
    let (eur, usd): (Currency, Currency) = ("EUR".parse()?, "USD".parse()?);
    let mut invoices: Vec<_> = (0..count).map(|n| invoice(n, if n < 2 { eur } else { usd })).collect();
    if let Some(first) = invoices.first_mut() {
        first.balance = amount(1_900, eur);
        (first.paid, first.from_credit) = (Some(amount(7_000, eur)), Some(amount(3_000, eur)));
    }
    let sum = |currency| Amount {
        amount: invoices.iter().filter(|i| i.balance.currency == currency).map(|i| i.balance.amount).sum(),
        currency,
    };
    let owed = if count > 2 { vec![sum(eur), sum(usd)] } else { vec![sum(eur)] };
    let kinds = [MessageKind::JobFailed, MessageKind::ItemParked, MessageKind::EffectFailed, MessageKind::InvoiceIssued];
    let mut facts = MessageFacts {
        severity: event(kind).severity,
        recipient: Mailbox { name: "Anna Berg".to_owned(), address: "anna@example.com".to_owned() },
        seller: Some(party("example", "Example Managed Services Ltd")),
        bank: Some(BankDetails {
            bank_name: "Example Bank".to_owned(),
            iban: "DE89370400440532013000".to_owned(),
            bic: "COBADEFFXXX".to_owned(),
            account: String::new(),
        }),
        company: Some(party("sample", "Sample Industries Inc.")),
        attached: invoices.len().min(5),
        invoices,
        owed,
        time_zone: chrono_tz::Tz::Europe__Berlin,
        level: Some(7),
        urgency: Some(if kind == MessageKind::ReminderEscalation { 2 } else { 1 }),
        statement: Some(statement(&[eur, usd])),
        event: Some(event(kind)),
        events: kinds.iter().map(|kind| event(*kind)).collect(),
        ..bare(kind)?
    };
    // finops tells this of itself.
    if is_alert(kind) && count == 1 {
        (facts.seller, facts.bank) = (None, None);
        facts.invoices.clear();
        facts.owed.clear();
        facts.company.take_if(|_| !matches!(kind, MessageKind::InvoiceHeld | MessageKind::ItemFailed | MessageKind::ItemParked));
    }
    Ok(facts)
}

/// Texts that would break a header, a page or a template that took them for its own.
fn hostile(kind: MessageKind) -> Result<MessageFacts, Invalid> {
    const EVIL: &str = "<script>alert(1)</script>\r\nBcc: x@y.example {{ 7 * 7 }} {% raw %} \"'&";
    let mut facts = full(kind, 2)?;
    let evil = || EVIL.to_owned();
    for party in [&mut facts.seller, &mut facts.company].into_iter().flatten() {
        party.name = evil();
        party.address.city = evil();
    }
    if let Some(event) = &mut facts.event {
        (event.job, event.subject, event.about, event.message, event.hint) = (evil(), evil(), evil(), evil(), evil());
        event.details.insert(evil(), evil());
    }
    if let Some(invoice) = facts.invoices.first_mut() {
        (invoice.number, invoice.reference) = (evil(), evil());
    }
    facts.recipient.name = evil();
    Ok(facts)
}

/// One invoice each: nothing follows, a draft does, another one has taken its place.
fn voided(kind: MessageKind) -> Result<Vec<MessageFacts>, Invalid> {
    let mut samples = vec![bare(kind)?, full(kind, 1)?, full(kind, 1)?, hostile(kind)?];
    let follows = [None, Some(String::new()), Some("INV-2024-000077".to_owned()), None];
    for (facts, follows) in samples.iter_mut().zip(follows) {
        facts.owed.clear();
        facts.attached = 0;
        facts.invoices.truncate(1);
        for invoice in &mut facts.invoices {
            (invoice.paid, invoice.from_credit) = (None, None);
            invoice.balance.amount = Decimal::ZERO;
            invoice.replaced_by.clone_from(&follows);
        }
    }
    Ok(samples)
}

fn party(id: &str, name: &str) -> Party {
    Party {
        id: id.to_owned(),
        name: name.to_owned(),
        address: Address {
            line1: "1 Example Street".to_owned(),
            postal_code: "10115".to_owned(),
            city: "Berlin".to_owned(),
            country: "DE".to_owned(),
            ..Address::default()
        },
        tax_id: "DE123456789".to_owned(),
        registration: "HRB 1234".to_owned(),
        email: "billing@example.com".to_owned(),
        phone: "+49 30 5550100".to_owned(),
        website: "example.com".to_owned(),
        ..Party::default()
    }
}

fn statement(currencies: &[Currency]) -> Statement {
    let account = |currency: &Currency| StatementAccount {
        currency: *currency,
        opening: Decimal::new(5_000, 2),
        entries: vec![StatementEntry {
            on: day(3),
            kind: EntryKind::Invoice,
            reference: "INV-2024-000041".to_owned(),
            due_on: Some(day(17)),
            change: Decimal::new(11_900, 2),
            balance: Decimal::new(16_900, 2),
        }],
        closing: Decimal::new(16_900, 2),
        overdue: Decimal::new(5_000, 2),
    };
    Statement { from: day(0), to: day(30), accounts: currencies.iter().map(account).collect() }
}
