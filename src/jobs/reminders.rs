//! `reminders send --kind …`: customers are reminded of what they owe, ever more urgently.
//!
//! Due: companies with open invoices whose due date lies where this kind of reminder may be due (an
//! index of open invoices; what is paid costs nothing). The unit is a company. Decide:
//! `rules::dunning`, invoice by invoice; what is worded alike goes out together. Record: one row an
//! invoice and level, ever, and the planned messages. Deliver: what was paid, voided or held meanwhile
//! drops out when the mail is made (`messages`).

mod facts;
mod plan;
mod reminded;
mod shown;

pub use plan::ReminderPlan;
pub use reminded::Reminded;

use super::messages::{Couriers, plan as plan_messages};
use super::named::check_companies;
use crate::context::Context;
use crate::engine::job::{Decided, Job};
use crate::engine::outbox::Deliver;
use crate::error::{Error, Result};
use crate::model::dunning::ReminderKind;
use crate::model::{CompanyId, EffectKind, JobKind};
use crate::rules::schedule::today;
use crate::store::audit::Entry;
use crate::store::dunning::{self, DueRange};
use crate::store::{Db, StoreError, Tx, runs, sellers};
use chrono::{NaiveDate, TimeDelta};
use facts::Facts;
use std::collections::HashSet;

impl ReminderKind {
    pub const fn job(self) -> JobKind {
        match self {
            Self::Upcoming => JobKind::RemindersUpcoming,
            Self::Overdue => JobKind::RemindersOverdue,
            Self::Escalation => JobKind::RemindersEscalation,
        }
    }
}

/// The job, with its place among the companies.
pub struct Reminders<'c> {
    ctx: &'c Context,
    couriers: Couriers<'c>,
    kind: ReminderKind,
    /// Only these, when any were named.
    named: Vec<CompanyId>,
    dry_run: bool,
    /// Due dates of which a reminder of this kind may be due; None: no policy has one.
    range: Option<DueRange>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// Among the companies that owe, after this one.
    Owing(String),
    /// Among those that could not be reminded, and owe nothing of this kind any more.
    Standing(String),
    Named(usize),
    End,
}

impl<'c> Reminders<'c> {
    /// Prepares a run. Companies that are named must exist.
    pub fn new(ctx: &'c Context, db: &mut Db, kind: ReminderKind, named: &[CompanyId], dry_run: bool) -> Result<Self> {
        let mut named = named.to_vec();
        named.sort();
        named.dedup();
        let range = db.read(|tx| {
            check_companies(tx, &named)?;
            let days: Vec<NaiveDate> = sellers::all(tx)?.iter().map(|seller| today(ctx.as_of, seller.time_zone)).collect();
            Ok::<_, Error>(range(ctx, kind, &days))
        })?;
        let place = if named.is_empty() { Place::Owing(String::new()) } else { Place::Named(0) };
        Ok(Self { ctx, couriers: Couriers::new(ctx), kind, named, dry_run, range, place })
    }

    /// The next page of the current source, and the place after it.
    fn page(&self, tx: &mut Tx, limit: u32) -> Result<(Vec<CompanyId>, Place)> {
        let last = |found: &[CompanyId]| found.last().filter(|_| found.len() == limit as usize).map(ToString::to_string);
        match &self.place {
            Place::Owing(after) => {
                let found = match self.range {
                    Some(range) => dunning::companies_owing(tx, range, after, limit)?,
                    None => Vec::new(),
                };
                let next = last(&found).map_or(Place::Standing(String::new()), Place::Owing);
                Ok((found, next))
            }
            Place::Standing(after) => {
                let found = runs::companies_with_items(tx, self.name(), after, limit)?;
                let next = last(&found).map_or(Place::End, Place::Standing);
                Ok((self.without_debts(tx, found)?, next))
            }
            Place::Named(from) => {
                let to = (from + limit as usize).min(self.named.len());
                let next = if to == self.named.len() { Place::End } else { Place::Named(to) };
                Ok((self.named[*from..to].to_vec(), next))
            }
            Place::End => Ok((Vec::new(), Place::End)),
        }
    }

    /// Those that owe nothing of this kind: the others were met among the companies that owe.
    fn without_debts(&self, tx: &mut Tx, mut companies: Vec<CompanyId>) -> Result<Vec<CompanyId>> {
        if let Some(range) = self.range {
            let ids: Vec<&str> = companies.iter().map(CompanyId::as_str).collect();
            let owed = dunning::owed(tx, &ids, range)?;
            companies.retain(|company| !owed.iter().any(|owed| owed.company_id == *company));
        }
        Ok(companies)
    }

    /// Those for which there is something to do or to tell: on most days most of those that owe were reminded already.
    fn with_work(&self, tx: &mut Tx, mut companies: Vec<CompanyId>) -> Result<Vec<CompanyId>> {
        let decided = self.decide(tx, &companies)?;
        let planned = decided.plans.iter().map(ReminderPlan::company_id);
        let skipped = decided.skipped.iter().map(|skipped| &skipped.company_id);
        let failed = decided.failed.iter().map(|failed| &failed.company_id);
        let concerned: HashSet<&CompanyId> = planned.chain(skipped).chain(failed).collect();
        companies.retain(|company| concerned.contains(company));
        Ok(companies)
    }

    fn decide(&self, tx: &mut Tx, companies: &[CompanyId]) -> Result<Decided<ReminderPlan>> {
        let mut facts = Facts::load(tx, companies, self.range, self.name())?;
        let how = plan::How {
            kind: self.kind,
            as_of: self.ctx.as_of,
            policies: &self.ctx.config.reminders.policies,
            has_sms: self.can_send(EffectKind::Sms),
            tells_why: self.dry_run || !self.named.is_empty(),
        };
        let concerned = plan::concerned(&facts, &how);
        if !concerned.is_empty() {
            facts.look_closer(tx, &concerned)?;
        }
        Ok(plan::decide(&facts, &how))
    }

    fn can_send(&self, kind: EffectKind) -> bool {
        self.couriers.deliverers().iter().any(|deliverer| deliverer.kind() == kind)
    }
}

/// The due dates between which a reminder may be due, in any policy and at any seller, given their todays.
fn range(ctx: &Context, kind: ReminderKind, todays: &[NaiveDate]) -> Option<DueRange> {
    let first = ctx.config.reminders.policies.first_day(kind)?;
    let utc = ctx.as_of.date_naive();
    let earliest = todays.iter().min().copied().unwrap_or(utc);
    let latest = todays.iter().max().copied().unwrap_or(utc).checked_sub_signed(TimeDelta::days(i64::from(first)))?;
    let from = if kind == ReminderKind::Upcoming { earliest } else { facts::since_ever() };
    Some((from, latest))
}

impl Job for Reminders<'_> {
    type Key = CompanyId;
    type Plan = ReminderPlan;

    fn name(&self) -> &'static str {
        self.kind.job().as_str()
    }

    fn verb(&self) -> &'static str {
        "planned"
    }

    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<CompanyId>> {
        // What could not be sent is not decided either: it is due once there is a mail server.
        if !self.dry_run && !self.can_send(EffectKind::Mail) {
            return Ok(Vec::new());
        }
        loop {
            let (mut found, next) = self.page(tx, limit)?;
            self.place = next;
            // A run leaves its row once it has work, and claims the companies of the page.
            if !self.dry_run {
                found = self.with_work(tx, found)?;
            }
            if !found.is_empty() || matches!(self.place, Place::End) {
                return Ok(found);
            }
        }
    }

    fn count(&self, tx: &mut Tx) -> Result<u64> {
        match self.range {
            Some(range) if self.named.is_empty() => Ok(dunning::count_owing(tx, range)?),
            _ => Ok(self.named.len() as u64),
        }
    }

    fn company(key: &CompanyId) -> &CompanyId {
        key
    }

    fn plan(&self, tx: &mut Tx, keys: &[CompanyId]) -> Result<Decided<ReminderPlan>> {
        self.decide(tx, keys)
    }

    fn record(&self, tx: &mut Tx, plans: &mut [ReminderPlan]) -> Result<Vec<Entry>> {
        let now = self.ctx.clock.now();
        let mut entries = Vec::with_capacity(plans.len());
        for plan in plans.iter() {
            let reminded = match plan {
                ReminderPlan::Remind(reminded) => reminded,
                ReminderPlan::Cover(due) => {
                    entries.extend(due.use_credit(tx)?);
                    continue;
                }
                ReminderPlan::Clear(..) => continue,
            };
            for due in &reminded.invoices {
                entries.extend(due.use_credit(tx)?);
            }
            if !dunning::record(tx, &reminded.rows(), self.ctx.as_of)? {
                return Err(StoreError::Busy("an invoice was reminded of meanwhile".to_owned()).into());
            }
            plan_messages(tx, &reminded.company_id, &reminded.messages(&self.ctx.config.reminders, now), now)?;
            entries.extend(reminded.entries());
            entries.extend(reminded.take_over(tx, now)?);
        }
        Ok(entries)
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        self.couriers.deliverers()
    }
}
