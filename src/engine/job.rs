//! The shape of a job: what it must say, and what it answers with. `run` does the rest.

use super::outbox::Deliver;
use crate::error::Result;
use crate::model::{CompanyId, Money};
use crate::store::Tx;
use crate::store::audit::Entry;
use serde::Serialize;

/// One scheduled job.
pub trait Job {
    /// What finds a unit again: its company, and what else the job needs.
    type Key: Clone;
    /// What is to be done for one unit.
    type Plan: Plan;

    /// `invoices.generate`: in the database, in JSON, in lock files. Never changed.
    fn name(&self) -> &'static str;
    /// What its summary says was done: `drafted`.
    fn verb(&self) -> &'static str;
    /// The next page of work after the last one (the job keeps its place); empty at the end.
    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<Self::Key>>;
    /// How many units are due, for the progress bar of somebody who watches.
    fn count(&self, tx: &mut Tx) -> Result<u64>;
    /// The company of a unit.
    fn company(key: &Self::Key) -> &CompanyId;
    /// Loads the facts of these units and decides. Pure but for its reads: it runs for
    /// `--dry-run` and for real alike. For real the companies and all sellers are held: they stay as they are
    /// until what was decided is recorded.
    fn plan(&self, tx: &mut Tx, keys: &[Self::Key]) -> Result<Decided<Self::Plan>>;
    /// Writes what was decided, and tells the audit log. What only the transaction can give (a
    /// number) is put into the plans.
    fn record(&self, tx: &mut Tx, plans: &mut [Self::Plan]) -> Result<Vec<Entry>>;
    /// Hears what became of a page once it is committed, or in a dry run looked at, for a job that must not meet the same unit
    /// again in this run.
    fn recorded(&mut self, _decided: &Decided<Self::Plan>) {}
    /// What carries out the effects that `record` plans, and those that are due besides.
    fn deliverers(&self) -> Vec<&dyn Deliver> {
        Vec::new()
    }
}

/// A decision to do something, as data: shown, summed up, recorded.
pub trait Plan {
    /// Whether it is something done, to be shown and counted; false for mere bookkeeping.
    fn counts(&self) -> bool {
        true
    }
    /// What the summary adds up.
    fn amount(&self) -> Option<Money>;
    /// The same for a plan that is about several currencies.
    fn amounts(&self) -> Vec<Money> {
        self.amount().into_iter().collect()
    }
    /// The subjects that need not wait any more once this is done (see `Failed::subject`).
    fn settles(&self) -> Vec<(CompanyId, String)>;
    /// The item in JSON. It must be a map.
    fn item(&self) -> serde_json::Value;
    /// The item for people, as one line.
    fn text(&self) -> String;
}

/// What became of a page of units.
#[derive(Debug)]
pub struct Decided<P> {
    pub plans: Vec<P>,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<Failed>,
}

impl<P> Default for Decided<P> {
    fn default() -> Self {
        Self { plans: Vec::new(), skipped: Vec::new(), failed: Vec::new() }
    }
}

/// Not done, and that is in order.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    pub company_id: CompanyId,
    pub subject: String,
    /// The start of the period, or empty.
    pub period: String,
    pub reason: &'static str,
    pub message: String,
}

/// Not done, and a person must do something about it.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    pub company_id: CompanyId,
    /// A contract's id, an invoice's id, a source key.
    pub subject: String,
    /// The start of the period, or empty.
    pub period: String,
    /// A stable word of `FailReason`: `no_tax_rate`.
    pub reason: &'static str,
    pub message: String,
    pub hint: String,
}

/// What the flags say about a run of any job.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    pub dry_run: bool,
    /// The flags that narrow it, for the run's row.
    pub scope: String,
    /// Stop after so many units.
    pub limit: Option<u64>,
    /// A command delivers what it has just planned: whoever typed it sees how it ends, and nobody else is told that a job has ended.
    pub by_the_way: bool,
}
