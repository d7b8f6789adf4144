//! The numbers of a page: a block a series, year and date, in the order of the drafts.
//!
//! No seller gives a number twice. A series cannot do so by itself; but an invoice that was taken over from another
//! system has a number of its own, and a seller may draw from another series, or have another format, than before.
//! Such numbers lie anywhere in a block, so each number of it is looked up, by a range of the index.

use super::failed;
use super::plan::IssuePlan;
use crate::engine::job::{Decided, Failed};
use crate::error::Result;
use crate::model::{FailReason, SellerId};
use crate::store::numbers::{self, Given, Taken};
use crate::store::{StoreError, Tx};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashSet};

/// Series, year of the counter, date of issue: and which plans draw from it.
type Blocks<'p> = BTreeMap<(&'p str, i32, NaiveDate), Vec<usize>>;

fn blocks(plans: &[IssuePlan]) -> Blocks<'_> {
    let mut blocks = Blocks::new();
    for (index, plan) in plans.iter().enumerate() {
        blocks.entry((&plan.series_id, plan.counter_year(), plan.document.issued_on)).or_default().push(index);
    }
    blocks
}

/// Takes the numbers of a page.
pub(super) fn take(tx: &mut Tx, plans: &[IssuePlan]) -> Result<Vec<String>> {
    let mut numbered = vec![String::new(); plans.len()];
    for ((series_id, year, issued_on), members) in blocks(plans) {
        let moved_on = || StoreError::Busy(format!("series {series_id} moved on"));
        let Taken::From(first) = numbers::take(tx, series_id, year, members.len() as u64, issued_on)? else {
            return Err(moved_on().into());
        };
        // Whoever drew from the series since the page was planned has moved the block.
        if first_given(tx, plans, &members, first)?.is_some() {
            return Err(moved_on().into());
        }
        let mut given = Vec::with_capacity(members.len());
        for (seq, index) in (first..).zip(members) {
            let plan = &plans[index];
            numbered[index] = plan.number(seq);
            given.push(Given {
                series_id,
                year,
                seq,
                company_id: &plan.draft.head.company_id,
                document_id: &plan.draft.head.invoice_id,
            });
        }
        numbers::record(tx, &given)?;
    }
    Ok(numbered)
}

/// Takes out the drafts of sellers that would give a number again. What others would get moves up then, so they are
/// looked at once more.
pub(super) fn refuse_given(tx: &mut Tx, decided: &mut Decided<IssuePlan>) -> Result<()> {
    while let Some((seller_id, number)) = first_of_page(tx, &decided.plans)? {
        let (refused, sound) =
            std::mem::take(&mut decided.plans).into_iter().partition(|plan| plan.draft.head.seller_id == seller_id);
        decided.plans = sound;
        let refused: Vec<IssuePlan> = refused;
        decided.failed.extend(refused.iter().map(|plan| number_given(plan, &number)));
    }
    Ok(())
}

fn first_of_page(tx: &mut Tx, plans: &[IssuePlan]) -> Result<Option<(SellerId, String)>, StoreError> {
    let mut next: BTreeMap<(&str, i32), u64> = BTreeMap::new();
    for ((series_id, year, _), members) in blocks(plans) {
        let first = match next.get(&(series_id, year)) {
            Some(first) => *first,
            None => numbers::next(tx, series_id, year)?,
        };
        next.insert((series_id, year), first + members.len() as u64);
        if let Some(found) = first_given(tx, plans, &members, first)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The first number of a block that its seller has given already.
fn first_given(
    tx: &mut Tx,
    plans: &[IssuePlan],
    members: &[usize],
    first: u64,
) -> Result<Option<(SellerId, String)>, StoreError> {
    let block = (first..).zip(members).map(|(seq, index)| (&plans[*index].draft.head.seller_id, plans[*index].number(seq)));
    let block: Vec<(&SellerId, String)> = block.collect();
    // Numbers of one length sort as their counters do, so little else lies between them.
    let mut ranges: BTreeMap<(&SellerId, usize), (&str, &str)> = BTreeMap::new();
    for (seller_id, number) in &block {
        let (low, high) = ranges.entry((seller_id, number.len())).or_insert((number, number));
        (*low, *high) = ((*low).min(number), (*high).max(number));
    }
    let mut given = HashSet::new();
    for ((seller_id, _), range) in ranges {
        given.extend(numbers::given_between(tx, seller_id, range)?.into_iter().map(|number| (seller_id, number)));
    }
    Ok(block.into_iter().find(|numbered| given.contains(numbered)).map(|(seller_id, number)| (seller_id.clone(), number)))
}

fn number_given(plan: &IssuePlan, number: &str) -> Failed {
    let (seller_id, series_id) = (&plan.draft.head.seller_id, &plan.series_id);
    let message =
        format!("seller {seller_id} has an invoice {number} already, and series {series_id} would give that number again");
    let hint = format!(
        "finops db reconcile --given {seller_id}={number} --accept passes over the numbers up to it (name the last that is \
         given already); or give the series a number_format of its own, and import the seller again"
    );
    failed(&plan.draft, FailReason::NumberGiven, message, &hint)
}
