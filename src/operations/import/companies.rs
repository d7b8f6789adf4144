//! Companies: who is billed.

use super::readdress::{self, Reached};
use super::standing::companies_changed;
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Located, keep};
use crate::model::{Company, CompanyId};
use crate::rules::schedule::alone_on;
use crate::store::{StoreError, Tx, billing, companies, items};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "company", added: "company.added", changed: "company.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<Company>>>) -> Result<()> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.value.company_id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    // Whoever bills these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&ids)?;
    let standing = companies::by_ids(tx, &ids)?;
    let standing: BTreeMap<&str, &Company> = standing.iter().map(|c| (c.company_id.as_str(), c)).collect();
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    let mut moved = BTreeSet::new();
    for Located { value: mut company, source } in rows {
        let before = standing.get(company.company_id.as_str()).copied();
        if let Some(before) = before {
            keep::company(&mut company, before, &source);
        }
        if before == Some(&*company) {
            work.count(Outcome::Unchanged);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let payload = companies::change(before, &company);
        work.note(company.company_id.as_str(), &WORDS, outcome, company.company_id.to_string(), payload);
        if before.is_some_and(|before| before.email != company.email) {
            moved.insert(company.company_id.clone());
        }
        if let Some(before) = before.filter(|before| shows(before, &company)) {
            changed.insert(company.company_id.clone());
            billing::touch_schedules(tx, &company.company_id)?;
            if before.billing_day != company.billing_day {
                move_items(tx, &company)?;
            }
        }
        written.push(company);
    }
    let moved: Vec<&str> = moved.iter().map(CompanyId::as_str).collect();
    let reached = Reached::load(tx, &moved)?;
    companies::upsert(tx, &written.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    readdress::follow(tx, work, &reached)?;
    work.summary.stale_drafts += companies_changed(tx, &changed)?;
    Ok(())
}

/// Whether a price or a document shows the difference. How the company is reached is read when that is done.
fn shows(before: &Company, after: &Company) -> bool {
    let reached_as_before = Company {
        delivery: before.delivery,
        account_manager: before.account_manager.clone(),
        reminder_policy: before.reminder_policy.clone(),
        time_zone: before.time_zone,
        ..after.clone()
    };
    *before != reached_as_before
}

/// Items wait for the company's billing day, those of drafts too: a draft may be deleted, or made anew without them.
fn move_items(tx: &mut Tx, company: &Company) -> Result<(), StoreError> {
    let waiting = items::unissued(tx, &company.company_id)?;
    let moved: Vec<_> = waiting.iter().map(|item| (item, alone_on(item, company.billing_day))).collect();
    items::upsert(tx, &moved)
}
