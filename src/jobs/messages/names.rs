//! What events are about, by the names that people know: noted are ids and keys, and told are numbers and customers.

use crate::error::Result;
use crate::model::message::{EventFacts, MessageKind};
use crate::model::{CompanyId, InvoiceId, InvoiceState};
use crate::store::{Tx, companies, invoices};
use std::collections::{BTreeMap, BTreeSet};

/// The detail by which an event says whom it is about.
const COMPANY_ID: &str = "company_id";

/// Names the customer and the subject of each event, and of what failed in it.
pub(super) fn find(tx: &mut Tx, events: &mut [EventFacts]) -> Result<()> {
    let all = || events.iter().flat_map(|event| [event].into_iter().chain(&event.failures));
    let ids: BTreeSet<String> = all().filter_map(|event| event.details.get(COMPANY_ID).cloned()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let customers =
        companies::by_ids(tx, &ids)?.into_iter().map(|company| (company.company_id.to_string(), company.name)).collect();
    for event in events {
        name(tx, &customers, event)?;
        event.failures.iter_mut().try_for_each(|failure| name(tx, &customers, failure))?;
    }
    Ok(())
}

fn name(tx: &mut Tx, customers: &BTreeMap<String, String>, event: &mut EventFacts) -> Result<()> {
    let company_id = event.details.get(COMPANY_ID).map(String::as_str).unwrap_or_default();
    event.company = customers.get(company_id).cloned().unwrap_or_default();
    event.is_draft = event.kind == MessageKind::InvoiceDraft;
    if let Some(recipient) = event.details.get("recipient") {
        event.subject.clone_from(recipient);
    } else if event.subject == company_id && !event.company.is_empty() {
        event.subject.clear();
    } else if let Some(number) = number_in(&event.subject) {
        event.subject = number.to_owned();
    } else if is_uuid(&event.subject)
        && let Some(invoice) = invoices::head(tx, &CompanyId::stored(company_id), &InvoiceId::stored(&event.subject))?
    {
        event.is_draft |= invoice.state == InvoiceState::Draft;
        event.subject = invoice.label().to_owned();
    }
    if event.is_draft {
        event.subject.clear();
    }
    Ok(())
}

/// Of the key of what is told of an invoice, `invoice.issued:SELLER:NUMBER`, and of the source key of an item.
fn number_in(subject: &str) -> Option<&str> {
    let (first, rest) = subject.split_once(':')?;
    match first.parse::<MessageKind>() {
        Ok(_) => rest.split_once(':').map(|(_, number)| number),
        Err(_) => (first == "item").then_some(rest),
    }
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
            ("item:manual:1", Some("manual:1")),
            ("weber-support", None),
            ("manual:1", None),
        ] {
            assert_eq!(number_in(subject), number, "{subject}");
        }
        assert!(is_uuid("01a21325-7ea4-7656-9d30-81e81ce7c93b") && !is_uuid("01a21325-7ea4-7656-9d30-81e81ce7c93"));
    }
}
