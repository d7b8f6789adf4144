//! Tiers of items: those of one item stand together in a file, and replace those it had.

use super::contract_items::{Edit, Wanted, edit_items};
use super::{Work, plans};
use crate::error::Result;
use crate::import::{Located, PlanTierRow, RowKey, TierRow};
use crate::model::{Invalid, Tier, Tiers};
use crate::store::Tx;
use std::collections::HashSet;

/// What chunks leave to the next.
#[derive(Default)]
pub struct Pending {
    rows: Vec<Located<TierRow>>,
    plan_rows: Vec<Located<PlanTierRow>>,
    /// Items whose tiers were read to the end: some thirty bytes for each item of the file, so that ten thousand
    /// contracts with ten such items take three megabytes.
    done: HashSet<RowKey>,
}

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<TierRow>>, last: bool) -> Result<()> {
    work.tiers.rows.extend(rows);
    let mut groups = grouped(std::mem::take(&mut work.tiers.rows), of_item);
    if !last && let Some(open) = groups.pop() {
        work.tiers.rows = open;
    }
    let mut edits = Vec::with_capacity(groups.len());
    for group in groups {
        let Some((tiers, rows)) = tiers(work, &group, |row| row.tier, of_item) else { continue };
        let Some(Located { value, source }) = group.into_iter().next() else { continue };
        let item = ((value.company_id, value.contract_id), value.item_id);
        edits.push(Edit { item, valid_from: value.valid_from, source, wanted: Wanted::Tiers(tiers), rows });
    }
    edit_items(tx, work, edits)
}

/// Plans are few: their tiers are written in one go.
pub fn write_plan(tx: &mut Tx, work: &mut Work, rows: Vec<Located<PlanTierRow>>, last: bool) -> Result<()> {
    work.tiers.plan_rows.extend(rows);
    if !last {
        return Ok(());
    }
    let mut edits = Vec::new();
    for group in grouped(std::mem::take(&mut work.tiers.plan_rows), of_plan_item) {
        let Some((tiers, rows)) = tiers(work, &group, |row| row.tier, of_plan_item) else { continue };
        edits.extend(group.into_iter().next().map(|first| (first, tiers, rows)));
    }
    plans::write_tiers(tx, work, edits)
}

fn of_item(row: &TierRow) -> RowKey {
    let valid_from = row.valid_from.map_or_else(String::new, |day| day.to_string());
    RowKey::of(&[row.company_id.as_str(), row.contract_id.as_str(), row.item_id.as_str(), &valid_from])
}

fn of_plan_item(row: &PlanTierRow) -> RowKey {
    RowKey::of(&[row.plan_id.as_str(), &row.version.to_string(), row.item_id.as_str()])
}

/// Neighbours of the same item.
fn grouped<T>(rows: Vec<Located<T>>, key: fn(&T) -> RowKey) -> Vec<Vec<Located<T>>> {
    let mut groups: Vec<Vec<Located<T>>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|first| key(&first.value) == key(&row.value)) => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    groups
}

/// The tiers of one item, and how many rows they are; None when they were refused.
fn tiers<T>(work: &mut Work, group: &[Located<T>], tier: fn(&T) -> Tier, key: fn(&T) -> RowKey) -> Option<(Tiers, u64)> {
    let first = group.first()?;
    if !work.tiers.done.insert(key(&first.value)) {
        let reason = "the tiers of this item stand further up already: those of one item belong together";
        work.refuse(&first.source, "item_id", "", reason);
        return None;
    }
    match Tiers::new(group.iter().map(|row| tier(&row.value)).collect()) {
        Ok(tiers) => Some((tiers, group.len() as u64)),
        Err(Invalid(reason)) => {
            work.refuse(&group.last()?.source, "up_to", "", reason);
            None
        }
    }
}
