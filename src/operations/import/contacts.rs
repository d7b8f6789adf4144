//! Contacts: people at companies, whom messages go to.

use super::readdress::{self, Reached};
use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Kind, Located, UNREACHABLE, keep};
use crate::model::{CompanyId, Contact};
use crate::store::{Tx, companies, contacts};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "contact", added: "contact.added", changed: "contact.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<Contact>>>) -> Result<()> {
    let ids: BTreeSet<String> = rows.iter().map(|row| row.value.company_id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Whoever reminds these companies now is waited for, and waits for what is imported.
    tx.hold_companies(&ids)?;
    let known = companies::known(tx, &ids)?;
    let standing = contacts::of_companies(tx, &ids)?;
    let standing: BTreeMap<_, &Contact> = standing.iter().map(|contact| (key(contact), contact)).collect();
    let mut written = Vec::new();
    let mut moved = BTreeSet::new();
    for Located { value: mut contact, source } in rows {
        if !known.contains(contact.company_id.as_str()) {
            work.missing(&source, "company_id", Kind::Companies, &[contact.company_id.as_str()]);
            continue;
        }
        let before = standing.get(&key(&contact)).copied();
        if let Some(before) = before {
            keep::contact(&mut contact, before, &source);
        }
        if contact.email.is_empty() && contact.phone.is_empty() {
            work.refuse(&source, "email", "", UNREACHABLE);
            continue;
        }
        if before == Some(&*contact) {
            work.count(Outcome::Unchanged);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let payload = contacts::change(before, &contact);
        work.note(contact.company_id.as_str(), &WORDS, outcome, contact.contact_id.to_string(), payload);
        if before.is_none_or(|before| is_reached_otherwise(before, &contact)) {
            moved.insert(contact.company_id.clone());
        }
        written.push(contact);
    }
    let moved: Vec<&str> = moved.iter().map(CompanyId::as_str).collect();
    let reached = Reached::load(tx, &moved)?;
    contacts::upsert(tx, &written.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    readdress::follow(tx, work, &reached)
}

fn is_reached_otherwise(before: &Contact, after: &Contact) -> bool {
    (&before.email, &before.phone, &before.roles) != (&after.email, &after.phone, &after.roles)
}

fn key(contact: &Contact) -> (&str, &str) {
    (contact.company_id.as_str(), contact.contact_id.as_str())
}
