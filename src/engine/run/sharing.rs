//! Sharing the work of one job among processes (Postgres): claims on companies, and how they end.
//!
//! A claim is taken for a page, tested and given back in the transaction that records the page, and
//! runs out by itself. It ends early where its holder is known to be gone, so that the next run of
//! cron need not wait for what a crash left behind.

use super::Runner;
use crate::engine::host;
use crate::error::{Error, Result};
use crate::model::CompanyId;
use crate::store::{Db, claims};
use chrono::TimeDelta;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// How long a claim holds before another may take it over: many times a batch. The claims of a
/// process of this machine that is gone are taken over at once.
pub(super) const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// While units are done one by one, the claims of their page are made to hold longer this often.
pub(super) const EXTEND_EVERY: Duration = Duration::from_secs(20);

impl Runner<'_> {
    /// Where several processes share the work: keeps the units whose companies are this run's now.
    pub(super) fn claim<K>(
        &mut self,
        db: &mut Db,
        job: &str,
        keys: Vec<K>,
        company: impl Fn(&K) -> &CompanyId,
    ) -> Result<Vec<K>> {
        let (true, Some(run_id)) = (db.shares_work(), self.summary.run_id.clone()) else { return Ok(keys) };
        let companies: BTreeSet<&str> = keys.iter().map(|k| company(k).as_str()).collect();
        let companies: Vec<&str> = companies.into_iter().collect();
        let now = self.ctx.clock.now();
        let until = now + CLAIM;
        let taken = db.write_surely(|tx| {
            let taken = claims::take(tx, job, run_id.as_str(), &companies, now, until)?;
            if taken.len() == companies.len() {
                return Ok(taken);
            }
            for run in claims::owners(tx, job, &companies)? {
                let has_ended = run.finished_at.is_some() || host::life(&run.process) == host::Life::Gone;
                if run.run_id != run_id && has_ended {
                    claims::expire(tx, job, run.run_id.as_str())?;
                }
            }
            claims::take(tx, job, run_id.as_str(), &companies, now, until).map_err(Error::from)
        })?;
        let taken: HashSet<String> = taken.into_iter().collect();
        let (mine, others): (Vec<K>, Vec<K>) = keys.into_iter().partition(|k| taken.contains(company(k).as_str()));
        for _ in &others {
            self.summary.due += 1;
            self.summary.add_skipped("claimed_elsewhere");
        }
        Ok(mine)
    }

    /// After the units were done one by one: several of them may have had one company.
    pub(super) fn give_back(&self, db: &mut Db, job: &str, companies: &[&str]) -> Result<()> {
        if let (true, Some(run_id)) = (db.shares_work(), &self.summary.run_id) {
            // What was taken over meanwhile is another's to give back.
            db.write_surely(|tx| claims::release(tx, job, run_id.as_str(), companies))?;
        }
        Ok(())
    }

    /// What was taken over meanwhile is found out when it is to be recorded.
    pub(super) fn keep(&self, db: &mut Db, job: &str, companies: &[&str]) -> Result<()> {
        if let (true, Some(run_id)) = (db.shares_work(), &self.summary.run_id) {
            let until = self.ctx.clock.now() + CLAIM;
            db.write_surely(|tx| claims::extend(tx, job, run_id.as_str(), companies, until))?;
        }
        Ok(())
    }
}
