//! What a page of companies is decided from.

use crate::error::Result;
use crate::model::dunning::Hold;
use crate::model::message::Message;
use crate::model::{Company, CompanyId, Contact, EffectState, InvoiceId, Seller, SellerId};
use crate::store::credit::{self, Balance};
use crate::store::dunning::{self, DueRange, Owed, Planned};
use crate::store::runs::{self, RunItem};
use crate::store::{Tx, companies, contacts, sellers};
use chrono::NaiveDate;
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
    /// What was planned of each, and what came of it.
    pub planned: HashMap<InvoiceId, Vec<(Planned, Fate)>>,
    /// What it has with each seller in each currency.
    pub credit: Vec<Balance>,
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
        let (mut owed, mut planned) = (HashMap::new(), HashMap::<InvoiceId, Vec<(Planned, Fate)>>::new());
        if let Some(range) = range {
            owed = by_company(dunning::owed(tx, &ids, range)?, |owed| &owed.company_id);
            let found = dunning::planned(tx, &ids, range)?;
            let fates =
                if found.iter().any(|one| one.came_at.is_none() && one.level > 0) { fates(tx, &ids)? } else { HashMap::new() };
            for one in found {
                let fate = fates.get(&one.message_key).copied().filter(|_| one.came_at.is_none()).unwrap_or(Fate::Came);
                planned.entry(one.invoice_id.clone()).or_default().push((one, fate));
            }
        }
        let debtors = companies::by_ids(tx, &ids)?.into_iter().map(|company| {
            let id = company.company_id.clone();
            let owed: Vec<Owed> = owed.remove(&id).unwrap_or_default();
            let of = |owed: &Owed| planned.remove(&owed.invoice_id).map(|planned| (owed.invoice_id.clone(), planned));
            Debtor {
                company,
                contacts: contacts.remove(&id).unwrap_or_default(),
                planned: owed.iter().filter_map(of).collect(),
                credit: Vec::new(),
                owed,
                holds: holds.remove(&id).unwrap_or_default(),
                standing: standing.remove(&id).unwrap_or_default(),
            }
        });
        Ok(Self { sellers, debtors: debtors.collect() })
    }

    /// Looks up what only those need who are to be reminded of something, by their ids, ascending: the credit they have.
    pub fn look_closer(&mut self, tx: &mut Tx, companies: &[CompanyId]) -> Result<()> {
        let ids: Vec<&str> = companies.iter().map(CompanyId::as_str).collect();
        let mut credit = by_company(credit::balances(tx, &ids)?, |balance| &balance.company_id);
        for debtor in &mut self.debtors {
            debtor.credit = credit.remove(&debtor.company.company_id).unwrap_or_default();
        }
        Ok(())
    }
}

/// What became of the messages of a reminder, as far as those are concerned whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Dropped,
    Refused,
    /// They are on their way, or nobody can tell yet.
    Waiting,
    /// Also where nothing tells of them.
    Came,
}

/// What became of the reminders of these companies (ids ascending) that did not come, by the keys of their messages.
fn fates(tx: &mut Tx, companies: &[&str]) -> Result<HashMap<String, Fate>> {
    let mut fates = HashMap::new();
    for dunning::Message { message_key, state, is_obsolete, payload } in dunning::messages(tx, companies)? {
        let fate = match state {
            EffectState::Planned | EffectState::Sending | EffectState::Unknown | EffectState::NeedsHuman => Fate::Waiting,
            EffectState::Failed => Fate::Refused,
            // It went without the invoices that it did not come for.
            EffectState::Succeeded => Fate::Dropped,
            EffectState::Abandoned if is_obsolete => Fate::Dropped,
            // A person decided that this one is not to come, and the next one does in its turn.
            EffectState::Abandoned => Fate::Came,
        };
        let is_copy = Message::of_payload(&payload).is_ok_and(|message| message.is_copy());
        let known = fates.entry(message_key).or_insert(Fate::Dropped);
        *known = if is_copy { *known } else { fate.max(*known) };
    }
    Ok(fates)
}

/// The first day that is stored as a date with four digits.
pub fn since_ever() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()
}

fn by_company<T>(rows: Vec<T>, company: fn(&T) -> &CompanyId) -> HashMap<CompanyId, Vec<T>> {
    let mut by_company: HashMap<CompanyId, Vec<T>> = HashMap::new();
    for row in rows {
        by_company.entry(company(&row).clone()).or_default().push(row);
    }
    by_company
}
