//! What a page of companies is decided from.

use crate::error::Result;
use crate::model::dunning::Hold;
use crate::model::{Company, CompanyId, Contact, InvoiceId, Seller, SellerId};
use crate::store::dunning::{self, DueRange, Owed};
use crate::store::runs::{self, RunItem};
use crate::store::{Tx, companies, contacts, sellers};
use std::collections::HashMap;

pub struct Facts {
    pub sellers: HashMap<SellerId, Seller>,
    /// In the order of their ids.
    pub debtors: Vec<Debtor>,
}

/// One company, and what it owes.
pub struct Debtor {
    pub company: Company,
    pub contacts: Vec<Contact>,
    /// By due date.
    pub owed: Vec<Owed>,
    pub recorded: HashMap<InvoiceId, Vec<i32>>,
    pub holds: Vec<Hold>,
    /// What earlier runs could not do for it.
    pub standing: Vec<RunItem>,
}

impl Facts {
    pub fn load(tx: &mut Tx, keys: &[CompanyId], range: Option<DueRange>, job: &str) -> Result<Self> {
        let ids: Vec<&str> = keys.iter().map(CompanyId::as_str).collect();
        let sellers = sellers::all(tx)?.into_iter().map(|seller| (seller.seller_id.clone(), seller)).collect();
        let mut contacts = by_company(contacts::of_companies(tx, &ids)?, |contact| &contact.company_id);
        let mut holds = by_company(dunning::holds(tx, &ids)?, |hold| &hold.company_id);
        let mut standing = by_company(runs::items_of(tx, job, &ids)?, |item| &item.company_id);
        let (mut owed, mut recorded) = (HashMap::new(), HashMap::<InvoiceId, Vec<i32>>::new());
        if let Some(range) = range {
            owed = by_company(dunning::owed(tx, &ids, range)?, |owed| &owed.company_id);
            for (invoice_id, level) in dunning::recorded(tx, &ids, range)? {
                recorded.entry(invoice_id).or_default().push(level);
            }
        }
        let debtors = companies::by_ids(tx, &ids)?.into_iter().map(|company| {
            let id = company.company_id.clone();
            let owed: Vec<Owed> = owed.remove(&id).unwrap_or_default();
            let of = |owed: &Owed| recorded.remove(&owed.invoice_id).map(|levels| (owed.invoice_id.clone(), levels));
            Debtor {
                company,
                contacts: contacts.remove(&id).unwrap_or_default(),
                recorded: owed.iter().filter_map(of).collect(),
                owed,
                holds: holds.remove(&id).unwrap_or_default(),
                standing: standing.remove(&id).unwrap_or_default(),
            }
        });
        Ok(Self { sellers, debtors: debtors.collect() })
    }
}

fn by_company<T>(rows: Vec<T>, company: fn(&T) -> &CompanyId) -> HashMap<CompanyId, Vec<T>> {
    let mut by_company: HashMap<CompanyId, Vec<T>> = HashMap::new();
    for row in rows {
        by_company.entry(company(&row).clone()).or_default().push(row);
    }
    by_company
}
