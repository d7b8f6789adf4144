//! What a page of companies is decided from.

use crate::error::Result;
use crate::model::dunning::Hold;
use crate::model::{Company, CompanyId, Contact, InvoiceId, Money, Seller, SellerId};
use crate::rules::dunning::cover;
use crate::store::credit::{self, Balance};
use crate::store::dunning::{self, DueRange, Owed};
use crate::store::runs::{self, RunItem};
use crate::store::{Tx, companies, contacts, sellers};
use chrono::{DateTime, NaiveDate, Utc};
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
    /// Of those, the levels whose reminder really came, and when it was planned.
    pub came: HashMap<InvoiceId, Vec<(i32, DateTime<Utc>)>>,
    /// What of each invoice its credit covers, where it covers any.
    pub covered: Covered,
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
                came: HashMap::new(),
                covered: Covered::new(),
                owed,
                holds: holds.remove(&id).unwrap_or_default(),
                standing: standing.remove(&id).unwrap_or_default(),
            }
        });
        Ok(Self { sellers, debtors: debtors.collect() })
    }

    /// Looks up what only those need who are to be reminded of something: what came of earlier reminders, and what credit
    /// they have. `companies`: their ids, ascending; `until`: the last due date that matters.
    pub fn look_closer(&mut self, tx: &mut Tx, companies: &[CompanyId], until: NaiveDate) -> Result<()> {
        let ids: Vec<&str> = companies.iter().map(CompanyId::as_str).collect();
        let mut came = HashMap::<InvoiceId, Vec<(i32, DateTime<Utc>)>>::new();
        for (invoice_id, level, at) in dunning::came(tx, &ids)? {
            came.entry(invoice_id).or_default().push((level, at));
        }
        let mut covered = covered(tx, &ids, until)?;
        for debtor in &mut self.debtors {
            for Owed { invoice_id, .. } in &debtor.owed {
                debtor.came.extend(came.remove(invoice_id).map(|levels| (invoice_id.clone(), levels)));
                debtor.covered.extend(covered.remove(invoice_id).map(|amount| (invoice_id.clone(), amount)));
            }
        }
        Ok(())
    }
}

/// What credit covers of invoices, by their ids.
pub type Covered = HashMap<InvoiceId, Money>;

/// What the credit of these companies (ids ascending) covers of their open invoices that are due until a day. It is for
/// the next invoice that is issued, and nobody is asked to pay what he is owed: it counts for what was due first, also of
/// what is disputed, as it does on the statement of account.
pub fn covered(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Covered> {
    let mut credit = credit::balances(tx, companies)?;
    credit.retain(|balance| balance.amount.minor() > 0);
    let mut with_credit: Vec<&str> = credit.iter().map(|balance| balance.company_id.as_str()).collect();
    with_credit.dedup();
    if with_credit.is_empty() {
        return Ok(Covered::new());
    }
    let owed = dunning::owed(tx, &with_credit, (since_ever(), until))?;
    let mut found = Covered::new();
    for Balance { company_id, seller_id, amount } in &credit {
        let of = |owed: &&Owed| {
            owed.company_id == *company_id && owed.seller_id == *seller_id && owed.balance.currency() == amount.currency()
        };
        let (ids, balances): (Vec<_>, Vec<Money>) = owed.iter().filter(of).map(|owed| (&owed.invoice_id, owed.balance)).unzip();
        let each = ids.into_iter().zip(cover(*amount, &balances));
        found.extend(each.filter(|(_, covered)| !covered.is_zero()).map(|(id, covered)| (id.clone(), covered)));
    }
    Ok(found)
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
