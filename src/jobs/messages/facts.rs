//! What a message can say: read when it is sent, from the frozen documents and from what was paid until then.

use super::names;
use super::opening::opening;
use super::settled;
use super::thread::{self, Has, followed};
use crate::error::{Error, Result};
use crate::jobs::documents::{load_logo, parse};
use crate::jobs::statement::{self, Days, Letter};
use crate::model::document::{Document, Party};
use crate::model::message::{About, Amount, InvoiceFacts, Message, MessageFacts, MessageKind};
use crate::model::text::natural;
use crate::model::{CompanyId, Currency, Invoice, InvoiceId, InvoiceState, Money, Seller, SellerId};
use crate::render::Logo;
use crate::rules::dunning::still_due;
use crate::rules::schedule::today;
use crate::store::documents::DocumentFile;
use crate::store::events::issued_key;
use crate::store::{Tx, companies, digests, documents, dunning, invoices, openings, payments, sellers};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;

/// Documents that are attached to one mail; more are named in it, and stand in the statement.
const ATTACHED: usize = 10;

/// What came of looking.
pub enum Gathered {
    Ready(Box<Content>),
    /// What it was about is over, in words.
    Gone(String),
}

/// What a message is made from.
pub struct Content {
    pub facts: MessageFacts,
    /// Issued documents to attach.
    pub documents: Vec<Attached>,
    /// The statement of account to attach.
    pub statement: Option<Letter>,
    /// The invoices that it is about.
    pub told: Vec<InvoiceId>,
    /// The first parts of the Message-IDs of the mails that it follows up, by due date of their invoices.
    pub follows: Vec<String>,
    /// Of the newest of its documents, as a BCP 47 tag; empty without one.
    pub language: String,
}

/// An issued document to attach.
pub struct Attached {
    pub document: Document,
    pub logo: Option<Logo>,
    /// Its PDF as it was written, when that lies in the folder of documents: the same bytes cost less there.
    pub written: Option<DocumentFile>,
}

/// Gathers what a planned message needs. `as_of` decides what is today.
pub fn gather(tx: &mut Tx, as_of: DateTime<Utc>, company_id: &CompanyId, message: &Message) -> Result<Gathered> {
    match &message.about {
        About::Invoices { seller_id, invoice_ids, level, urgency } => {
            let of = Invoices { company_id, seller_id, invoice_ids, level: *level, urgency: *urgency, message };
            of.gather(tx, as_of)
        }
        About::Event { event, time_zone } => {
            let mut facts = blank(as_of, message);
            facts.company = party(tx, company_id)?;
            facts.time_zone = *time_zone;
            let mut told = vec![event.clone()];
            names::find(tx, &mut told)?;
            facts.event = told.pop();
            Ok(ready(facts))
        }
        About::Digest { digest_key, time_zone } => {
            let mut facts = blank(as_of, message);
            facts.events = digests::entries(tx, digest_key)?;
            facts.time_zone = *time_zone;
            names::find(tx, &mut facts.events)?;
            // It is planned with its first entry.
            Ok(if facts.events.is_empty() { Gathered::Gone("nothing lies in this digest".to_owned()) } else { ready(facts) })
        }
        About::Statement { seller_id, from, to } => {
            let (company, seller) = statement::parties(tx, company_id, seller_id)?;
            let days = Days { from: Some(*from), to: *to };
            let letter = statement::gather(tx, &company, &seller, days, Some(&message.language))?;
            let mut facts = blank(as_of, message);
            facts.today = today(as_of, seller.time_zone);
            facts.seller = Some(letter.seller.clone());
            facts.bank = Some(letter.bank.clone());
            facts.company = Some(letter.company.clone());
            facts.statement = Some(letter.statement.clone());
            Ok(Gathered::Ready(Box::new(Content { statement: Some(letter), ..Content::of(facts) })))
        }
    }
}

fn ready(facts: MessageFacts) -> Gathered {
    Gathered::Ready(Box::new(Content::of(facts)))
}

impl Content {
    /// Words alone.
    const fn of(facts: MessageFacts) -> Self {
        Self { facts, documents: Vec::new(), statement: None, told: Vec::new(), follows: Vec::new(), language: String::new() }
    }
}

/// Facts with nothing in them but whom they are for.
fn blank(as_of: DateTime<Utc>, message: &Message) -> MessageFacts {
    MessageFacts {
        kind: message.kind,
        severity: message.severity,
        recipient: message.recipient.clone(),
        seller: None,
        bank: None,
        company: None,
        invoices: Vec::new(),
        owed: Vec::new(),
        attached: 0,
        level: None,
        urgency: None,
        today: as_of.date_naive(),
        time_zone: chrono_tz::Tz::UTC,
        statement: None,
        event: None,
        events: Vec::new(),
    }
}

/// The company by the names that people know it by; None for what belongs to no company.
fn party(tx: &mut Tx, company_id: &CompanyId) -> Result<Option<Party>> {
    let found = companies::by_ids(tx, &[company_id.as_str()])?.pop();
    Ok(found.map(|company| Party { id: company.company_id.to_string(), name: company.name, ..Party::default() }))
}

/// Invoices of one company and seller.
struct Invoices<'m> {
    company_id: &'m CompanyId,
    seller_id: &'m SellerId,
    invoice_ids: &'m [InvoiceId],
    /// Of a reminder: then only what is still owed matters.
    level: Option<i32>,
    urgency: Option<u8>,
    message: &'m Message,
}

impl Invoices<'_> {
    fn gather(&self, tx: &mut Tx, as_of: DateTime<Utc>) -> Result<Gathered> {
        let seller = sellers::find(tx, self.seller_id.as_str())?;
        let zone = seller.as_ref().map_or(chrono_tz::UTC, |seller| seller.time_zone);
        let today = today(as_of, zone);
        let mut found = Vec::with_capacity(self.invoice_ids.len());
        // What was disputed or promised since the reminder was planned is left in peace.
        let holds = if self.level.is_some() { dunning::holds(tx, &[self.company_id.as_str()])? } else { Vec::new() };
        for invoice_id in self.invoice_ids.iter().filter(|id| !holds.iter().any(|hold| hold.holds(id, today))) {
            found.extend(self.invoice(tx, invoice_id, seller.as_ref(), (today, self.message.kind))?);
        }
        found.sort_by(|a, b| a.facts.due_on.cmp(&b.facts.due_on).then_with(|| natural(&a.facts.number, &b.facts.number)));
        let Some(Found { document: newest, .. }) = found.iter().max_by_key(|found| found.facts.issued_on) else {
            let why = match self.message.kind {
                MessageKind::InvoiceVoided => "it is not void, or never went to the customer",
                _ => "its invoices are paid, void, held or at a later level by now",
            };
            return Ok(Gathered::Gone(why.to_owned()));
        };
        let mut facts = blank(as_of, self.message);
        let statement = self.statement(tx, seller.as_ref(), today)?;
        facts.statement = statement.as_ref().map(|letter| letter.statement.clone());
        facts.today = today;
        facts.seller = Some(newest.seller.clone());
        facts.bank = Some(newest.bank.clone());
        facts.company = Some(newest.buyer.clone());
        let language = newest.language.clone();
        facts.owed = sums(found.iter().map(|found| found.facts.balance.clone()))?;
        (facts.level, facts.urgency) = (self.level, self.urgency);
        let told = found.iter().filter(|found| found.is_ours).map(|found| match &found.document.corrects {
            Some(corrected) => &corrected.number,
            None => &found.document.number,
        });
        let brought: Vec<String> = told.map(|number| issued_key(self.seller_id, number)).collect();
        let follows = followed(tx, self.company_id, self.message, &brought)?;
        let told = found.iter().map(|found| found.document.invoice_id.clone()).collect();
        let mut attached = Vec::new();
        for Found { facts: invoice, document, is_ours } in found {
            facts.invoices.push(invoice);
            if is_ours && self.message.kind.attaches_documents() && attached.len() < ATTACHED {
                let logo = load_logo(tx, &document.logo_sha256)?;
                let written = documents::pdf(tx, self.company_id, &document.invoice_id)?.filter(|file| file.place.is_empty());
                attached.push(Attached { document, logo, written });
            }
        }
        facts.attached = attached.len();
        Ok(Gathered::Ready(Box::new(Content { facts, documents: attached, statement, told, follows, language })))
    }

    /// A reminder says what else is owed.
    fn statement(&self, tx: &mut Tx, seller: Option<&Seller>, to: NaiveDate) -> Result<Option<Letter>> {
        let Some(seller) = seller.filter(|_| self.message.kind.is_reminder()) else { return Ok(None) };
        let Some(company) = companies::by_ids(tx, &[self.company_id.as_str()])?.pop() else { return Ok(None) };
        // A preview may leave it open.
        let language = Some(self.message.language.as_str()).filter(|language| !language.is_empty());
        statement::gather(tx, &company, seller, Days { from: None, to }, language).map(Some)
    }

    /// One invoice, unless it does not matter any more.
    fn invoice(
        &self,
        tx: &mut Tx,
        invoice_id: &InvoiceId,
        seller: Option<&Seller>,
        (today, kind): (NaiveDate, MessageKind),
    ) -> Result<Option<Found>> {
        let Some(head) = invoices::head(tx, self.company_id, invoice_id)? else { return Ok(None) };
        let balance = payments::open_balance(tx, &head)?;
        let matters = match self.level {
            Some(_) => {
                let owes = head.state == InvoiceState::Open && balance.minor() > 0;
                let planned = if owes { dunning::planned_of(tx, self.company_id, invoice_id)? } else { Vec::new() };
                let levels: Vec<i32> = planned.iter().map(|planned| planned.level).collect();
                // One that did not arrive in time may go by another message by now.
                let own = planned.iter().find(|planned| planned.message_key == self.message.message_key);
                own.is_some_and(|own| head.due_on.is_none_or(|due_on| still_due(own.level, due_on, &levels, today)))
            }
            None if kind == MessageKind::InvoiceVoided && !self.message.is_preview() => {
                head.state == InvoiceState::Void && thread::has_it(tx, &head, Has::Surely)?
            }
            None => head.state != InvoiceState::Void || kind == MessageKind::InvoiceVoided,
        };
        if !matters {
            return Ok(None);
        }
        let (document, is_ours) = match (documents::find(tx, self.company_id, invoice_id)?, seller) {
            (Some((content, _)), _) => (parse(invoice_id, &content)?, true),
            (None, Some(seller)) if openings::is_opening(tx, self.company_id, invoice_id)? => {
                let Some(document) = opening(tx, head.clone(), seller)? else { return Ok(None) };
                (document, false)
            }
            (None, _) => return Ok(None),
        };
        let owes = matches!(head.state, InvoiceState::Open | InvoiceState::Uncollectible);
        let (paid, from_credit) = settled::until_now(tx, &head, balance)?;
        let facts = InvoiceFacts {
            number: document.number.clone(),
            corrects: document.corrects.as_ref().map(|corrected| corrected.number.clone()).unwrap_or_default(),
            issued_on: document.issued_on,
            due_on: document.due_on,
            days_overdue: (today - document.due_on).num_days(),
            total: head.total.into(),
            balance: if owes { balance } else { Money::zero(head.currency) }.into(),
            reference: document.reference.clone(),
            service_from: document.service_from,
            service_to: document.service_to,
            payments: if kind == MessageKind::InvoicePaid { settled::payments(tx, &head)? } else { Vec::new() },
            paid,
            from_credit,
            correction: settled::correction(tx, self.company_id, &document)?,
            replaced_by: if kind == MessageKind::InvoiceVoided { settled::replaced_by(tx, &head)? } else { None },
        };
        Ok(Some(Found { facts, document, is_ours }))
    }
}

/// An invoice that a message is about.
struct Found {
    facts: InvoiceFacts,
    document: Document,
    /// Issued here: then the document is the frozen one, and its PDF goes along.
    is_ours: bool,
}

/// What tells customers that it was issued.
pub fn kind_of(invoice: &Invoice) -> MessageKind {
    if invoice.is_credit_note() { MessageKind::CreditNoteIssued } else { MessageKind::InvoiceIssued }
}

/// Sums, one a currency; what is nothing is left out.
fn sums(amounts: impl Iterator<Item = Amount>) -> Result<Vec<Amount>> {
    let mut sums: BTreeMap<Currency, rust_decimal::Decimal> = BTreeMap::new();
    for Amount { amount, currency } in amounts {
        let sum = sums.entry(currency).or_default();
        *sum = sum.checked_add(amount).ok_or_else(|| Error::failed("what is owed is too large to be counted"))?;
    }
    Ok(sums.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(currency, amount)| Amount { amount, currency }).collect())
}
