//! `alerts dispatch`: what goes wrong, and what else they want to hear of, is told to one's own people,
//! once, by the routes of the configuration; and that it is over, too.
//!
//! Due: alerts whose cause is gone (the row that stood for it is), then events for staff that are not
//! told yet, each one range of one index. Decide: `rules::routing`. Record: the event is told, its
//! messages are planned; what is to be told with others is put aside for their digest.

mod plan;
mod record;
mod staff;
mod urgent;

pub use plan::DispatchPlan;
pub use urgent::tell_at_once;

use self::staff::{Chosen, ForStaff};
use super::JobKind;
use super::messages::Couriers;
use crate::context::Context;
use crate::engine::alerts::{broken_off, doubt_key};
use crate::engine::job::{Decided, Job};
use crate::engine::outbox::Deliver;
use crate::error::Result;
use crate::model::CompanyId;
use crate::store::alerts::{self, After, Alert, NewAlert};
use crate::store::audit::Entry;
use crate::store::events::{self, Audience, Event};
use crate::store::{Tx, runs};

/// The job, with its place in the sources.
pub struct Dispatch<'c> {
    ctx: &'c Context,
    couriers: Vec<ForStaff<'c>>,
    place: Place,
}

/// Where the work is found, in this order: what is over raises events that are then told.
enum Place {
    Items(After),
    Effects(After),
    Jobs,
    Events(After),
    End,
}

/// One thing to look at.
#[derive(Clone)]
pub enum Key {
    /// A run that nobody saw the end of.
    Broke(Box<NewAlert>),
    Over(Box<Alert>),
    Tell(Box<Event>),
}

impl<'c> Dispatch<'c> {
    pub fn new(ctx: &'c Context) -> Self {
        Self { ctx, couriers: ForStaff::all(Couriers::new(ctx), Chosen::All), place: Place::Items(After::default()) }
    }

    /// The next page of the current source, and the place after it.
    fn page(&self, tx: &mut Tx, limit: u32) -> Result<(Vec<Key>, Place)> {
        let over = |found: Vec<Alert>| found.into_iter().map(|alert| Key::Over(Box::new(alert))).collect();
        Ok(match &self.place {
            Place::Items(after) => {
                let found = alerts::items_that_are_over(tx, after, limit)?;
                let next = end_of(&found, limit).map_or(Place::Effects(After::default()), Place::Items);
                (over(found), next)
            }
            Place::Effects(after) => {
                let found = alerts::effects_that_are_over(tx, after, limit)?;
                let next = end_of(&found, limit).map_or(Place::Jobs, Place::Effects);
                (over(found), next)
            }
            Place::Jobs => (self.jobs(tx)?, Place::Events(After::default())),
            Place::Events(after) => {
                let (found, next) = events::new_page(tx, Audience::Staff, after, limit)?;
                let keys = found.into_iter().map(|event| Key::Tell(Box::new(event))).collect();
                (keys, next.map_or(Place::End, Place::Events))
            }
            Place::End => (Vec::new(), Place::End),
        })
    }

    /// Jobs that recovered, which have come to their end since, and those whose last run broke off. A
    /// machine's doubts are over when this job works on it.
    fn jobs(&self, tx: &mut Tx) -> Result<Vec<Key>> {
        let routing = &self.ctx.config.routing;
        let wrong = alerts::of_jobs(tx)?;
        if wrong.is_empty() && routing.routes.is_empty() {
            return Ok(Vec::new());
        }
        let beats = runs::heartbeats(tx)?;
        let beat_of = |job: &str| beats.iter().find(|(name, ..)| name == job);
        let came_to_its_end = |job: &str, last_at| {
            beat_of(job).is_some_and(|(_, at, outcome)| *at >= last_at && ["done", "partly"].contains(&outcome.as_str()))
        };
        let here = doubt_key();
        let is_over = |alert: &Alert| match alert.noted.key.strip_prefix("job:") {
            Some(job) => came_to_its_end(job, alert.last_at),
            None => alert.noted.key == here,
        };
        let (over, still): (Vec<Alert>, Vec<Alert>) = wrong.into_iter().partition(is_over);
        let mut found: Vec<Key> = over.into_iter().map(|alert| Key::Over(Box::new(alert))).collect();
        for job in JobKind::ALL.iter().map(|job| job.as_str()) {
            let Some(run) = runs::latest(tx, job)? else { continue };
            let broke = broken_off(routing, &run, beat_of(job).map(|(_, at, _)| *at), self.ctx.clock.now());
            let news = broke.filter(|alert| still.iter().all(|known| known.noted.key != alert.key));
            found.extend(news.map(|alert| Key::Broke(Box::new(alert))));
        }
        Ok(found)
    }
}

/// Without the events that another process has told since they were found.
fn still_to_tell(tx: &mut Tx, keys: &[Key]) -> Result<Vec<Key>> {
    let events = keys.iter().filter_map(|key| if let Key::Tell(event) = key { Some(&**event) } else { None });
    let new = events::still_new(tx, Audience::Staff, events)?;
    let is_new = |key: &&Key| match key {
        Key::Tell(event) => new.contains(&(event.company_id.clone(), event.key.clone())),
        Key::Broke(_) | Key::Over(_) => true,
    };
    Ok(keys.iter().filter(is_new).cloned().collect())
}

fn end_of(found: &[Alert], limit: u32) -> Option<After> {
    let last = found.last().filter(|_| found.len() == limit as usize)?;
    Some((last.noted.company_id.to_string(), last.noted.key.clone()))
}

impl Job for Dispatch<'_> {
    type Key = Key;
    type Plan = DispatchPlan;

    fn name(&self) -> &'static str {
        JobKind::AlertsDispatch.as_str()
    }

    fn verb(&self) -> &'static str {
        "told"
    }

    fn due(&mut self, tx: &mut Tx, limit: u32) -> Result<Vec<Key>> {
        loop {
            let (keys, next) = self.page(tx, limit)?;
            self.place = next;
            if !keys.is_empty() || matches!(self.place, Place::End) {
                return Ok(keys);
            }
        }
    }

    fn count(&self, tx: &mut Tx) -> Result<u64> {
        Ok(events::count_new(tx, Audience::Staff)?)
    }

    fn company(key: &Key) -> &CompanyId {
        match key {
            Key::Broke(alert) => &alert.company_id,
            Key::Over(alert) => &alert.noted.company_id,
            Key::Tell(event) => &event.company_id,
        }
    }

    fn plan(&self, tx: &mut Tx, keys: &[Key]) -> Result<Decided<DispatchPlan>> {
        let keys = still_to_tell(tx, keys)?;
        Ok(Decided { plans: plan::decide(&self.ctx.config.routing, &keys, self.ctx.as_of), ..Decided::default() })
    }

    fn record(&self, tx: &mut Tx, plans: &mut [DispatchPlan]) -> Result<Vec<Entry>> {
        record::record(tx, &self.ctx.config.routing, plans, self.ctx.clock.now()).map(|()| Vec::new())
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        self.couriers.iter().map(|courier| courier as &dyn Deliver).collect()
    }
}
