//! What a job could not do: kept from run to run, told when it is news, settled when it is done.

use super::alerts;
use super::job::{Decided, Failed, Plan};
use crate::context::Context;
use crate::error::Result;
use crate::model::{CompanyId, FailReason};
use crate::store::Tx;
use crate::store::runs::{self, RunItem};
use chrono::{DateTime, Utc};
use std::collections::HashSet;

/// Attempts at one unit before it waits for a person.
const PARK_AFTER: u32 = 5;

/// The subject and class of a company whose rows the database refused; any batch of it that is
/// committed shows that this is over.
pub(super) const REFUSED: &str = FailReason::Refused.as_str();

/// Keeps the list of what is not done. Returns of each failure whether it is news: seen for the
/// first time, for another reason, or parked now. What is parked is looked at in every run (its
/// data may have changed) and told no more.
pub(super) fn note<P: Plan>(
    tx: &mut Tx,
    ctx: &Context,
    job: &str,
    companies: &[&str],
    decided: &Decided<P>,
    at: DateTime<Utc>,
) -> Result<Vec<bool>> {
    let standing = runs::items_of(tx, job, companies)?;
    let mut items = Vec::new();
    let mut news = Vec::with_capacity(decided.failed.len());
    let mut told = Vec::with_capacity(decided.failed.len());
    for failed in &decided.failed {
        debug_assert!(failed.reason.parse::<FailReason>().is_ok(), "{} has no sentence in any language", failed.reason);
        let before = before(&standing, failed);
        news.push(is_news(before));
        if before.is_some_and(|item| item.parked) {
            continue;
        }
        let attempts = before.map_or(1, |i| i.attempts + 1);
        if is_news(before) {
            told.push((failed, attempts >= PARK_AFTER));
        }
        items.push(RunItem {
            company_id: failed.company_id.clone(),
            job: job.to_owned(),
            subject: failed.subject.clone(),
            period: failed.period.clone(),
            class: failed.reason.to_owned(),
            message: format!("{}; {}", failed.message, failed.hint),
            attempts,
            parked: attempts >= PARK_AFTER,
        });
    }
    runs::put_items(tx, &items, at)?;
    alerts::note_items(tx, &ctx.config.routing, job, told, at)?;
    let settled: HashSet<(CompanyId, String)> = decided.plans.iter().flat_map(Plan::settles).collect();
    for item in &standing {
        let still = decided.failed.iter().any(|f| f.company_id == item.company_id && f.subject == item.subject);
        let is_settled = item.subject == REFUSED || settled.contains(&(item.company_id.clone(), item.subject.clone()));
        if !still && is_settled {
            runs::clear_item(tx, item)?;
        }
    }
    Ok(news)
}

/// What stands about a failure from earlier runs.
pub(super) fn before<'s>(standing: &'s [RunItem], failed: &Failed) -> Option<&'s RunItem> {
    standing.iter().find(|i| {
        i.company_id == failed.company_id && i.subject == failed.subject && i.period == failed.period && i.class == failed.reason
    })
}

/// Whether a failure is to be told: it is new, or this attempt was the last before a person must look.
pub(super) fn is_news(before: Option<&RunItem>) -> bool {
    before.is_none_or(|item| !item.parked && item.attempts + 1 >= PARK_AFTER)
}
