//! What a page of events is decided from, and who gets them.

use super::SendPlan;
use crate::engine::job::{Decided, Failed, Skipped};
use crate::error::Result;
use crate::model::company::Delivery;
use crate::model::message::{ContactRole, MessageKind};
use crate::model::{Company, CompanyId, Contact, FailReason, InvoiceId, InvoiceState, Seller, SellerId};
use crate::rules::recipients;
use crate::store::events::Event;
use crate::store::{Tx, companies, contacts, invoices, sellers};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a page is decided from.
pub(super) struct Facts {
    sellers: HashMap<SellerId, Seller>,
    companies: HashMap<CompanyId, Company>,
    contacts: BTreeMap<CompanyId, Vec<Contact>>,
    /// A person named the invoices: then they go, whatever the company prefers.
    by_hand: bool,
}

impl Facts {
    pub(super) fn load(tx: &mut Tx, keys: &[Event], by_hand: bool) -> Result<Self> {
        let ids: BTreeSet<&str> = keys.iter().map(|event| event.company_id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let sellers = sellers::all(tx)?.into_iter().map(|s| (s.seller_id.clone(), s)).collect();
        let companies = companies::by_ids(tx, &ids)?.into_iter().map(|c| (c.company_id.clone(), c)).collect();
        let mut of_company: BTreeMap<CompanyId, Vec<Contact>> = BTreeMap::new();
        for contact in contacts::of_companies(tx, &ids)? {
            of_company.entry(contact.company_id.clone()).or_default().push(contact);
        }
        Ok(Self { sellers, companies, contacts: of_company, by_hand })
    }

    pub(super) fn decide(&self, tx: &mut Tx, event: &Event, decided: &mut Decided<SendPlan>) -> Result<()> {
        let drop = |reason, message: &str, decided: &mut Decided<SendPlan>| {
            decided.skipped.push(Skipped {
                company_id: event.company_id.clone(),
                subject: event.key.clone(),
                period: String::new(),
                reason,
                message: message.to_owned(),
            });
            decided.plans.push(SendPlan::Drop(event.clone()));
        };
        let head = invoices::head(tx, &event.company_id, &InvoiceId::stored(&event.subject))?;
        let (Some(invoice), Some(company)) = (head, self.companies.get(&event.company_id)) else {
            drop("gone", "the invoice or its company is not there any more", decided);
            return Ok(());
        };
        let is_cancellation = event.kind == MessageKind::InvoiceVoided;
        if invoice.state == InvoiceState::Void && !is_cancellation {
            drop("void", "the invoice was voided before it was sent", decided);
            return Ok(());
        }
        // Whoever got it hears of its end, whatever they prefer by now.
        if company.delivery == Delivery::None && !self.by_hand && !is_cancellation {
            drop("no_delivery", "the company does not want its invoices by mail", decided);
            return Ok(());
        }
        let contacts = self.contacts.get(&event.company_id).map_or(&[][..], Vec::as_slice);
        let Some(seller) = self.sellers.get(&invoice.seller_id) else {
            drop("gone", "its seller is not there any more", decided);
            return Ok(());
        };
        let recipients = recipients::by_mail(seller, company, contacts, ContactRole::Billing);
        if recipients.is_empty() {
            decided.failed.push(Failed {
                company_id: event.company_id.clone(),
                subject: event.key.clone(),
                period: String::new(),
                reason: FailReason::NoAddress.as_str(),
                message: format!("invoice {} cannot be sent: its company has no mail address", invoice.label()),
                hint: "import the company's email or a billing contact, or set its delivery to none".to_owned(),
            });
            if self.by_hand {
                decided.plans.push(SendPlan::Keep(event.clone()));
            }
            return Ok(());
        }
        decided.plans.push(SendPlan::Tell { event: event.clone(), invoice: Box::new(invoice), recipients });
        Ok(())
    }
}
