//! What events are about, by the names that people know: noted are ids and keys, and told are numbers and customers.

use crate::engine::alerts::INVOICE_IDS;
use crate::error::Result;
use crate::model::message::{EventFacts, MessageKind};
use crate::model::{Invoice, InvoiceState, Money};
use crate::store::contracts::{self, Descriptions};
use crate::store::{Tx, companies, invoices, items};
use std::collections::{BTreeMap, BTreeSet};

/// The detail by which an event says whom it is about.
const COMPANY_ID: &str = "company_id";

/// Documents that are named one by one; of more it is said that there are more.
const NAMED: usize = 3;

/// Names the customer of each event, and of what failed in it, and says what it is about. What was noted stays beside it.
pub(super) fn find(tx: &mut Tx, events: &mut [EventFacts]) -> Result<()> {
    let known = Known::of(tx, events)?;
    for event in events {
        known.name(event);
        event.failures.iter_mut().for_each(|failure| known.name(failure));
    }
    Ok(())
}

/// What events name, read at once: a digest may have thousands.
struct Known {
    /// Names, by id.
    customers: BTreeMap<String, String>,
    /// By company and id.
    invoices: BTreeMap<(String, String), Invoice>,
    contracts: Descriptions,
    /// What billable items are called, by company and source key.
    items: BTreeMap<(String, String), String>,
}

impl Known {
    fn of(tx: &mut Tx, events: &[EventFacts]) -> Result<Self> {
        let all = || events.iter().flat_map(|event| [event].into_iter().chain(&event.failures));
        let ids: BTreeSet<&str> = all().map(company_of).filter(|id| !id.is_empty()).collect();
        let customers = companies::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
        let of_invoices = |event| invoices_of(event).map(move |id| (company_of(event), id));
        let named: Vec<(&str, &str)> = all().flat_map(of_invoices).collect();
        let invoices = invoices::heads(tx, &named)?;
        let noted = all().filter(|event| is_of_unit(event));
        let units: Vec<(&str, &str)> = noted.map(|event| (company_of(event), event.subject.as_str())).collect();
        let contracts = contracts::descriptions(tx, &units)?;
        let keyed = units.iter().filter_map(|(company, subject)| Some((*company, source_key(subject)?)));
        let items = items::of_keys(tx, &keyed.collect::<Vec<_>>())?.into_iter();
        let items =
            items.map(|(item, _)| ((item.company_id.to_string(), item.source_key.to_string()), item.description)).collect();
        let by_id = |invoice: Invoice| ((invoice.company_id.to_string(), invoice.invoice_id.to_string()), invoice);
        Ok(Self {
            customers: customers.into_iter().map(|company| (company.company_id.to_string(), company.name)).collect(),
            invoices: invoices.into_iter().map(by_id).collect(),
            contracts,
            items,
        })
    }

    fn name(&self, event: &mut EventFacts) {
        let company_id = company_of(event).to_owned();
        let invoice = self.invoices.get(&(company_id.clone(), event.subject.clone()));
        let is_draft = |invoice: &Invoice| invoice.state == InvoiceState::Draft;
        event.company = self.customers.get(&company_id).cloned().unwrap_or_default();
        event.is_draft = event.kind == MessageKind::InvoiceDraft || invoice.is_some_and(is_draft);
        let is_the_customer = event.subject == company_id && !event.company.is_empty();
        event.about = match invoice {
            _ if event.is_draft || is_the_customer => String::new(),
            _ if is_delivery(event) => self.deliver(event),
            Some(invoice) => invoice.label().to_owned(),
            None => match number_in(&event.subject) {
                Some(number) => number.to_owned(),
                None if is_of_unit(event) => self.unit(event),
                None => event.subject.clone(),
            },
        };
    }

    /// What a contract or an item is called. Its id stands beside it, for whoever looks for it in a file or by a command;
    /// other ids say nothing that the message does not say.
    fn unit(&self, event: &mut EventFacts) -> String {
        let key = |id: &str| (company_of(event).to_owned(), id.to_owned());
        let (name, id, known) = match source_key(&event.subject) {
            Some(id) => ("item", id, self.items.get(&key(id))),
            None => ("contract", event.subject.as_str(), self.contracts.get(&key(&event.subject))),
        };
        let Some(called) = known.cloned() else { return String::new() };
        let id = id.to_owned();
        event.details.insert(name.to_owned(), id);
        called
    }

    /// Says which documents were to be delivered, and over how much; else to whom.
    fn deliver(&self, event: &mut EventFacts) -> String {
        let company_id = company_of(event).to_owned();
        let found = |id: &str| self.invoices.get(&(company_id.clone(), id.to_owned()));
        let brought: Vec<&Invoice> = invoices_of(event).filter_map(found).collect();
        let numbers: Vec<&str> = brought.iter().map(|invoice| invoice.label()).collect();
        let mut details = Vec::new();
        if let Some(total) = total(&brought) {
            details.extend([("amount", total.to_decimal().to_string()), ("currency", total.currency().to_string())]);
        }
        if numbers.is_empty() {
            return event.details.get("recipient").cloned().unwrap_or_default();
        }
        let mut about = numbers[..numbers.len().min(NAMED)].join(", ");
        if numbers.len() > NAMED {
            about.push_str(" …");
        } else {
            details.push(("numbers", numbers.join(" ")));
        }
        details.push(("number", about.clone()));
        event.details.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value)));
        about
    }
}

/// What they add up to, where that can be said in one sum.
fn total(invoices: &[&Invoice]) -> Option<Money> {
    let mut totals = invoices.iter().map(|invoice| invoice.total);
    let first = totals.next()?;
    totals.try_fold(first, |sum, total| sum.checked_add(total).ok())
}

fn is_delivery(event: &EventFacts) -> bool {
    event.details.contains_key("effect")
}

/// The ids of the invoices that an event is about.
fn invoices_of(event: &EventFacts) -> impl Iterator<Item = &str> {
    let subject = Some(event.subject.as_str()).filter(|subject| is_uuid(subject));
    let listed = event.details.get(INVOICE_IDS).map(String::as_str).unwrap_or_default();
    subject.into_iter().chain(listed.split_whitespace())
}

fn company_of(event: &EventFacts) -> &str {
    event.details.get(COMPANY_ID).map(String::as_str).unwrap_or_default()
}

/// Of the key of what is told of an invoice, `invoice.issued:SELLER:NUMBER`.
fn number_in(subject: &str) -> Option<&str> {
    let (kind, rest) = subject.split_once(':')?;
    kind.parse::<MessageKind>().ok()?;
    rest.split_once(':').map(|(_, number)| number)
}

/// Of a billable item, as jobs note it.
fn source_key(subject: &str) -> Option<&str> {
    subject.strip_prefix("item:")
}

/// Whether something could not be done for a unit of a job, also when that is over.
fn is_of_unit(event: &EventFacts) -> bool {
    matches!(event.what_was_wrong(), MessageKind::ItemFailed | MessageKind::ItemParked)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_keys() {
        for (subject, number) in [
            ("invoice.issued:nordlicht:INV-2026-000023", Some("INV-2026-000023")),
            ("invoice.paid:nordlicht:R:1", Some("R:1")),
            ("item:manual:1", None),
            ("weber-support", None),
            ("manual:1", None),
        ] {
            assert_eq!(number_in(subject), number, "{subject}");
        }
        assert!(is_uuid("01a21325-7ea4-7656-9d30-81e81ce7c93b") && !is_uuid("01a21325-7ea4-7656-9d30-81e81ce7c93"));
    }
}
