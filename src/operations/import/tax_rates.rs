//! Tax rates of sellers.
//!
//! A rate may change although service of its time is issued: issued documents carry their own
//! rates and stay as they are, and whether any issued line used this one has no index to tell (it
//! would be a scan over all history). What is not issued yet takes up the corrected rate.

use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Located, NEEDS_NOTE, keep};
use crate::model::TaxRate;
use crate::model::ids::SYSTEM_COMPANY;
use crate::rules::tax::check_rate;
use crate::store::{Tx, invoices, sellers};
use std::collections::{BTreeMap, BTreeSet};

const WORDS: Words = Words { entity: "tax_rate", added: "tax_rate.added", changed: "tax_rate.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<TaxRate>>) -> Result<()> {
    let standing = sellers::tax_rates(tx)?;
    let standing: BTreeMap<_, &TaxRate> = standing.iter().map(|rate| (key(rate), rate)).collect();
    let mut written = Vec::new();
    let mut changed = BTreeSet::new();
    for Located { value: mut rate, source } in rows {
        if !work.has_seller(&source, &rate.seller_id) {
            continue;
        }
        let before = standing.get(&key(&rate)).copied();
        if let Some(before) = before {
            keep::tax_rate(&mut rate, before, &source);
        }
        if let Err(invalid) = check_rate(&rate) {
            work.refuse(&source, "rate", &rate.rate.to_string(), invalid.0);
            continue;
        }
        if rate.category.needs_reason() && rate.note.is_empty() {
            work.refuse(&source, "note", "", NEEDS_NOTE);
            continue;
        }
        if before == Some(&rate) {
            work.count(Outcome::Unchanged);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let id = format!("{}/{}/{}", rate.seller_id, rate.tax_code, rate.valid_from);
        work.note(SYSTEM_COMPANY, &WORDS, outcome, id, sellers::rate_change(before, &rate));
        changed.insert(rate.seller_id.clone());
        written.push(rate);
    }
    // A plan under way holds the sellers, and with them their rates (`Tx::hold_sellers`): writing
    // the sellers again, as they are, waits for it. Only then is every draft there to be marked.
    let held: Vec<_> = changed.iter().filter_map(|seller_id| work.sellers.get(seller_id)).collect();
    sellers::upsert(tx, &held)?;
    sellers::upsert_tax_rates(tx, &written.iter().collect::<Vec<_>>())?;
    for seller_id in &changed {
        work.summary.stale_drafts += invoices::mark_stale_by_seller(tx, seller_id)?;
    }
    Ok(())
}

fn key(rate: &TaxRate) -> (&str, &str, chrono::NaiveDate) {
    (rate.seller_id.as_str(), rate.tax_code.as_str(), rate.valid_from)
}
