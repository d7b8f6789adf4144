//! Doubts that a run has before it does anything: whether the clock is right, and whether the
//! database is the one that it was (reliability.md, "Time in doubt").
//!
//! What cron runs refuses with 75 until a person has looked: it dates documents, and nobody is
//! there to see. What a person does by hand is told and goes on: a payment has the date that its
//! receipt bears, an import has the dates of its file, a void has none; nothing of it takes its date
//! from the clock, but for the instant in the audit log. Issuing and drafting, which do, are jobs,
//! and refuse also when a person starts them. A database that is marked as a test may see any clock.

use super::host;
use super::witness::{self, Witness};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::store::audit::{self, Entry};
use crate::store::{Db, runs, schema};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

/// The clock may stand so far behind the latest sign of life of any job: that much, clocks of
/// several hosts differ.
const BEHIND: TimeDelta = TimeDelta::minutes(5);

/// And so far ahead of it: a business does not pause for longer than a month without somebody knowing.
const AHEAD: TimeDelta = TimeDelta::days(45);

/// What is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    ClockBehind,
    ClockAhead,
    /// The database lacks a run that this machine began on it.
    Restored,
}

/// A doubt, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    pub cause: Cause,
    pub message: String,
    pub hint: &'static str,
}

/// What the doubts go by.
struct Facts {
    latest: Option<DateTime<Utc>>,
    is_test: bool,
    /// The witness, when its run is not in the database.
    missing: Option<Witness>,
}

/// Everything that is doubtful; empty when all is well. It costs a small file and three look-ups.
pub fn find(ctx: &Context, db: &mut Db) -> Result<Vec<Doubt>> {
    let facts = db.read(|tx| {
        let witness = match schema::meta(tx, schema::DATABASE_ID)? {
            Some(id) => witness::read(ctx, &id)
                .map(|witness| witness.map(|witness| (witness.supersedes(&id), witness)))
                .unwrap_or_else(|error| {
                    let path = ctx.witness(&id);
                    ctx.ui.warn(format!("{} cannot be read: {error}; the next run writes it anew", path.display()));
                    None
                }),
            None => None,
        };
        let missing = match witness {
            Some((true, witness)) => Some(witness),
            Some((false, witness)) => match &witness.run_id {
                Some(run_id) if !runs::exists(tx, run_id.as_str())? => Some(witness),
                _ => None,
            },
            _ => None,
        };
        let is_test = schema::is_test(tx)?;
        Ok::<_, Error>(Facts { latest: runs::latest_heartbeat(tx)?, is_test, missing })
    })?;
    let missing = match facts.missing {
        Some(witness) if has_come(db, &witness)? => None,
        missing => missing,
    };
    let clock = facts.latest.filter(|_| !facts.is_test).and_then(|latest| clock(ctx.clock.now(), latest));
    Ok(clock.into_iter().chain(missing.map(restored)).collect())
}

/// Whether the witness's run is there after all: another process of this machine may have begun it, and
/// written the witness, after the state of the database that was looked at.
fn has_come(db: &mut Db, witness: &Witness) -> Result<bool> {
    match &witness.run_id {
        Some(run_id) => Ok(db.read(|tx| runs::exists(tx, run_id.as_str()))?),
        None => Ok(false),
    }
}

fn clock(now: DateTime<Utc>, latest: DateTime<Utc>) -> Option<Doubt> {
    const HINT: &str = "set the clock, then run it again; if the clock is right, add --accept-clock, once";
    let shown = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let (now_shown, latest_shown) = (shown(now), shown(latest));
    if now < latest - BEHIND {
        let message = format!("the clock is in doubt: it says {now_shown}, and a job ran at {latest_shown} already");
        Some(Doubt { cause: Cause::ClockBehind, message, hint: HINT })
    } else if now > latest + AHEAD {
        let message = format!("the clock is in doubt: it says {now_shown}, and no job has run since {latest_shown}");
        Some(Doubt { cause: Cause::ClockAhead, message, hint: HINT })
    } else {
        None
    }
}

fn restored(witness: Witness) -> Doubt {
    let (began, Witness { run_id, job, .. }) = (witness.began(), &witness);
    let missing = match run_id {
        Some(run_id) => format!("the run {run_id} of {job}, which this machine began on {began}, is not in it"),
        None => format!("it was reconciled on {began}, and this one was not"),
    };
    let message = format!("an older copy of the database was put in its place: {missing}");
    let hint = "put the latest database back (with SQLite, remove the -wal and -shm files of the one before); if there is none, finops db reconcile shows what is lost, and finops db reconcile --accept goes on";
    Doubt { cause: Cause::Restored, message, hint }
}

/// Refuses a job's run while there is a doubt. A clock that a person vouches for (`--accept-clock`)
/// is accepted, and the audit log is told.
///
/// # Errors
/// Exit 75, with what to do.
pub fn refuse(ctx: &Context, db: &mut Db) -> Result<()> {
    for Doubt { cause, message, hint } in find(ctx, db)? {
        if cause == Cause::Restored || !ctx.accept_clock {
            return Err(Error::try_later(message).hint(hint));
        }
        accept_clock(ctx, db, &message)?;
    }
    Ok(())
}

/// Tells the doubts to a person, who goes on by hand.
pub fn tell(ctx: &Context, db: &mut Db) -> Result<()> {
    for Doubt { cause, message, hint } in find(ctx, db)? {
        if cause != Cause::Restored && ctx.accept_clock {
            accept_clock(ctx, db, &message)?;
        } else {
            ctx.ui.warn(format!("{message}\nhint: {hint}"));
        }
    }
    Ok(())
}

/// The same where nothing may be written.
pub fn tell_only(ctx: &Context, db: &mut Db) -> Result<()> {
    for Doubt { message, hint, .. } in find(ctx, db)? {
        ctx.ui.warn(format!("{message}\nhint: {hint}"));
    }
    Ok(())
}

/// From here on the clock is right. Signs of life that lie ahead of it came from a wrong one: left
/// there, they would make each run to come doubt again.
fn accept_clock(ctx: &Context, db: &mut Db, doubt: &str) -> Result<()> {
    let author = host::author(ctx);
    db.write(|tx| {
        let moved = runs::pull_back_heartbeats(tx, author.at)?;
        let entry = Entry {
            company_id: SYSTEM_COMPANY.to_owned(),
            action: "clock.accepted",
            entity: "clock",
            entity_id: host::name(),
            payload: json!({ "doubt": doubt, "heartbeats_moved": moved }).to_string(),
        };
        audit::append(tx, &author, &[entry]).map(drop)
    })?;
    Ok(())
}
