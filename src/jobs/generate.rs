//! `invoices generate`: whatever is due and not billed becomes a draft.
//!
//! Due: three sources, each one range of one index: contracts whose next period is due, companies
//! with drafts whose inputs changed, companies with items to bill without a contract. The unit is
//! a company: all that is due for it is decided together, at its first place in the sources, so
//! that consolidation and billable items do not depend on the order of pages.
//! Decide: `rules::billing`. Record: drafts, the claims on periods and items, the moved schedules.

mod compare;
mod facts;
mod plan;
mod record;
mod shown;

pub(crate) use facts::{Plans, agreed_facts, contract_facts};
pub(crate) use plan::draft;
pub use plan::{Draft, GeneratePlan};
pub(crate) use record::{entry, insert, remove, reschedule};

use super::named::check_companies;
use crate::context::Context;
use crate::engine::job::{Decided, Job};
use crate::error::{Error, Result};
use crate::model::{Cadence, CompanyId, calendar::PeriodFilter};
use crate::rules::billing::Options;
use crate::rules::compare::Comparison;
use crate::rules::schedule::today;
use crate::store::audit::Entry;
use crate::store::billing::{self, DueKey};
use crate::store::{Db, Tx, invoices, items, sellers};
use chrono::NaiveDate;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What the flags ask for.
#[derive(Debug, Clone, Default)]
pub struct GenerateOptions {
    pub companies: Vec<CompanyId>,
    pub period: Option<PeriodFilter>,
    pub cadence: Option<Cadence>,
    /// Bill contracts with many missed periods too.
    pub allow_many_missed: bool,
}

/// The job, with its place in the sources.
pub struct Generate<'c> {
    ctx: &'c Context,
    options: Options,
    /// Only these, when any were named.
    named: Vec<CompanyId>,
    /// The latest "today" of all sellers; each contract is then held against its own seller's.
    until: NaiveDate,
    place: Place,
    /// Companies of which something could not be done: it stays in the sources, and is not met twice.
    left: BTreeSet<CompanyId>,
    /// The page in hand against what was billed before, and all that were recorded.
    comparing: RefCell<Vec<Comparison>>,
    compared: Vec<Comparison>,
}

/// A company to look at, and where it was met.
#[derive(Debug, Clone)]
pub struct Key {
    company_id: CompanyId,
    source: Source,
}

/// Where the work was found. A company that has work in several sources is done at the first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// In the schedule, under this day and contract.
    Schedule {
        due_on: String,
        contract_id: String,
    },
    StaleDrafts,
    /// Among the items, under this billing day.
    Items {
        stand_alone_on: String,
    },
    Named,
}

#[derive(Debug, Clone)]
enum Place {
    Schedule(DueKey),
    StaleDrafts(String),
    Items((String, String)),
    Named(usize),
    End,
}

impl<'c> Generate<'c> {
    /// Prepares a run. Companies that are named must exist.
    pub fn new(ctx: &'c Context, db: &mut Db, asked: &GenerateOptions) -> Result<Self> {
        let mut named = asked.companies.clone();
        named.sort();
        named.dedup();
        let latest = db.read(|tx| {
            check_companies(tx, &named)?;
            let latest = sellers::all(tx)?.iter().map(|s| today(ctx.as_of, s.time_zone)).max();
            Ok::<_, Error>(latest.unwrap_or_else(|| ctx.as_of.date_naive()))
        })?;
        // A period that is asked for by name is told of also when it is not due: every contract is looked at.
        let until = if asked.period.is_some() { NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(latest) } else { latest };
        let place = if named.is_empty() { Place::Schedule(DueKey::default()) } else { Place::Named(0) };
        let options = Options {
            as_of: ctx.as_of,
            period: asked.period.clone(),
            cadence: asked.cadence,
            max_missed: ctx.config.billing.max_missed_periods,
            allow_many_missed: asked.allow_many_missed,
        };
        Ok(Self { ctx, options, named, until, place, left: BTreeSet::new(), comparing: RefCell::default(), compared: Vec::new() })
    }

    /// The run against what was billed before, a line a company and currency.
    pub fn compared(&mut self) -> Vec<Comparison> {
        std::mem::take(&mut self.compared)
    }

    /// The same with the contracts that ended, which is a look at all of them: for a person who looks
    /// at the whole run.
    pub fn compared_with_ended(&mut self, db: &mut Db) -> Result<Vec<Comparison>> {
        let mut compared = self.compared();
        if self.named.is_empty() {
            db.read(|tx| compare::add_ended(tx, self.ctx.as_of.date_naive(), &mut compared))?;
            compared.sort_by(|a, b| (&a.company_id, a.currency).cmp(&(&b.company_id, b.currency)));
        }
        Ok(compared)
    }

    /// The next page of the current source, and the place after it.
    fn page(&self, tx: &mut Tx, limit: u32) -> Result<(Vec<Key>, Place)> {
        let full = |found: usize| found == limit as usize;
        match &self.place {
            Place::Schedule(after) => {
                let found = billing::due(tx, self.until, after, limit)?;
                let next = if full(found.len()) {
                    Place::Schedule(found[found.len() - 1].clone())
                } else {
                    Place::StaleDrafts(String::new())
                };
                Ok((first_of_each_company(found), next))
            }
            Place::StaleDrafts(after) => {
                let found = invoices::companies_with_stale_drafts(tx, after, limit)?;
                let next = if full(found.len()) {
                    Place::StaleDrafts(found[found.len() - 1].clone())
                } else {
                    Place::Items(Default::default())
                };
                Ok((found.iter().map(|c| Key { company_id: CompanyId::stored(c), source: Source::StaleDrafts }).collect(), next))
            }
            Place::Items(after) => {
                let found = items::companies_due(tx, self.until, (&after.0, &after.1), limit)?;
                let next = if full(found.len()) { Place::Items(found[found.len() - 1].clone()) } else { Place::End };
                let mut first: BTreeMap<String, String> = BTreeMap::new();
                for (stand_alone_on, company_id) in found {
                    first.entry(company_id).or_insert(stand_alone_on);
                }
                let keys = first.into_iter().map(|(company_id, stand_alone_on)| Key {
                    company_id: CompanyId::stored(&company_id),
                    source: Source::Items { stand_alone_on },
                });
                Ok((keys.collect(), next))
            }
            Place::Named(from) => {
                let to = (from + limit as usize).min(self.named.len());
                let keys = self.named[*from..to].iter().map(|c| Key { company_id: c.clone(), source: Source::Named });
                Ok((keys.collect(), if to == self.named.len() { Place::End } else { Place::Named(to) }))
            }
            Place::End => Ok((Vec::new(), Place::End)),
        }
    }
}

/// One key a company, at its first place in the page. Ascending by company, as locks are taken.
fn first_of_each_company(found: Vec<DueKey>) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::with_capacity(found.len());
    let mut seen = BTreeSet::new();
    for (due_on, company_id, contract_id) in found {
        if seen.insert(company_id.clone()) {
            keys.push(Key { company_id: CompanyId::stored(&company_id), source: Source::Schedule { due_on, contract_id } });
        }
    }
    keys.sort_by(|a, b| a.company_id.cmp(&b.company_id));
    keys
}

impl Job for Generate<'_> {
    type Key = Key;
    type Plan = GeneratePlan;

    fn name(&self) -> &'static str {
        super::JobKind::InvoicesGenerate.as_str()
    }

    fn verb(&self) -> &'static str {
        "drafted"
    }

    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<Key>> {
        loop {
            let (mut keys, next) = self.page(tx, limit)?;
            self.place = next;
            keys.retain(|key| !self.left.contains(&key.company_id));
            if !keys.is_empty() || matches!(self.place, Place::End) {
                return Ok(keys);
            }
        }
    }

    fn count(&self, tx: &mut Tx) -> Result<u64> {
        if self.named.is_empty() { Ok(billing::count_due(tx, self.until)?) } else { Ok(self.named.len() as u64) }
    }

    fn company(key: &Key) -> &CompanyId {
        &key.company_id
    }

    fn plan(&self, tx: &mut Tx, keys: &[Key]) -> Result<Decided<GeneratePlan>> {
        let facts = facts::load(tx, keys, self.until)?;
        let decided = plan::decide(&facts, &self.options, &self.ctx.ids);
        // A page may be planned more than once before it is recorded: the last time counts.
        *self.comparing.borrow_mut() = compare::compare(tx, &facts, &decided, self.until)?;
        Ok(decided)
    }

    fn recorded(&mut self, decided: &Decided<GeneratePlan>) {
        self.compared.append(self.comparing.get_mut());
        self.left.extend(decided.failed.iter().map(|f| f.company_id.clone()));
    }

    fn record(&self, tx: &mut Tx, plans: &mut [GeneratePlan]) -> Result<Vec<Entry>> {
        record::record(tx, self.ctx, plans)
    }
}
