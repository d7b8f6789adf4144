//! Living through the year, with or without what may go wrong in it.
//!
//! A clock that stands far ahead, or behind by more than minutes, must stop every job before it does
//! anything. In most seeds whatever goes wrong is put right in the same minute (the next run of the same job),
//! and the books must be wholly equal. In the others there are nights that stay wrong until the next
//! day: no cron at all, or a job that died and was not run again. Then an invoice may be issued days
//! later than in the undisturbed year, and with another number; `oracle.rs` compares what must be equal.

use crate::cron;
use crate::random::Random;
use crate::script::Script;
use crate::world::{Ended, Flags, World};
use chrono::{NaiveDate, TimeDelta};
use finops::error::ErrorKind;
use finops::jobs::JobKind;
use std::collections::BTreeSet;

/// Days after the year in which nothing goes wrong and nobody does anything.
const QUIET_DAYS: u32 = 3;

pub struct Faults {
    random: Random,
    bad_nights: BTreeSet<NaiveDate>,
    /// Days on which there is something in the way of the documents.
    blocked: BTreeSet<NaiveDate>,
    /// A job has run: from then on there is something to hold the clock against.
    began: bool,
}

/// Units a page in the year with faults, so that pages make no difference.
pub fn batch(seed: u64) -> u64 {
    *Random::of(seed, "batch").pick(&[1, 2, 3, 5, 500])
}

impl Faults {
    pub fn of(seed: u64, script: &Script) -> Self {
        let mut random = Random::of(seed, "faults");
        let mut blocked = BTreeSet::new();
        for _ in 0..random.below(4) {
            let from = random.between(1, i64::from(script.days) - 8);
            blocked.extend((from..from + random.between(1, 5)).map(|n| script.first + TimeDelta::days(n)));
        }
        Self { random, bad_nights: script.bad_nights.iter().copied().collect(), blocked, began: false }
    }
}

/// Lives through the year. `step` tells where it is.
pub fn live(world: &mut World, script: &Script, mut faults: Option<&mut Faults>, step: &mut String) {
    let mut is_blocked = false;
    for offset in 0..script.days + QUIET_DAYS {
        let day = script.first + TimeDelta::days(i64::from(offset));
        let block = faults.as_ref().is_some_and(|f| f.blocked.contains(&day));
        if block != is_blocked {
            world.block_documents(block);
            is_blocked = block;
            if !block {
                world.now = cron::instant(day, 0, 5, script.zone);
                world.retry_failed();
            }
        }
        let acts = script.acts.get(&day).map(Vec::as_slice).unwrap_or_default();
        let (mut by_night, mut by_day) = (Vec::new(), Vec::new());
        acts.iter().for_each(|act| if act.at_night { by_night.push(act) } else { by_day.push(act) });
        for (at, job) in World::lines(day, script) {
            world.now = at;
            *step = format!("{day} {job}");
            match &mut faults {
                None => calm(world, job),
                Some(faults) if faults.bad_nights.contains(&day) => bad(world, job, faults, is_blocked),
                Some(faults) => disturbed(world, job, faults, is_blocked),
            }
            // While there are drafts.
            if job == JobKind::InvoicesGenerate {
                world.now = at + TimeDelta::minutes(10);
                by_night.drain(..).for_each(|act| world.act(act));
            }
        }
        world.now = cron::instant(day, 14, 0, script.zone);
        *step = format!("{day} by hand");
        by_day.into_iter().for_each(|act| world.act(act));
        world.end_of_day();
    }
    // A mail whose sender crashed is waited for, and then sent once more; and it became another day somewhere.
    world.now += TimeDelta::hours(5);
    for job in JobKind::ALL {
        world.now += TimeDelta::seconds(1);
        calm(world, *job);
    }
}

/// A run of which nothing but success is expected.
fn calm(world: &mut World, job: JobKind) {
    match world.run(job, &Flags::default()) {
        Ended::Done(_) => {}
        Ended::Failed(error) => panic!("{job}: {error}"),
        Ended::Crashed => panic!("{job} crashed by itself"),
    }
}

/// A night on which the machine is off, or the job dies and nobody runs it again.
fn bad(world: &mut World, job: JobKind, faults: &mut Faults, blocked: bool) {
    let random = &mut faults.random;
    match random.below(4) {
        0 | 1 => {}
        2 => attempt(world, job, &Flags { crash_at: place(random), ..Flags::default() }, blocked),
        _ => attempt(world, job, &Flags { limit: Some(1 + random.below(3)), ..Flags::default() }, blocked),
    }
}

/// Everything that may go wrong, and then a run to the end, within the minute.
fn disturbed(world: &mut World, job: JobKind, faults: &mut Faults, blocked: bool) {
    let at = world.now;
    let random = &mut faults.random;
    if random.percent(2) && faults.began {
        world.now = at + TimeDelta::days(random.between(60, 4000));
        in_doubt(world, job);
        world.now = at;
    }
    let mut tick = TimeDelta::zero();
    while random.percent(30) {
        let flags = match random.below(4) {
            0 | 1 => Flags { crash_at: place(random), ..Flags::default() },
            2 => Flags { limit: Some(1 + random.below(4)), ..Flags::default() },
            // Issuing one company first would give it the first numbers.
            _ if job == JobKind::InvoicesGenerate => Flags { company: Some(format!("c{}", random.below(3))), ..Flags::default() },
            _ => Flags::default(),
        };
        attempt(world, job, &flags, blocked);
        tick += TimeDelta::milliseconds(1500);
        world.now = at + tick.min(TimeDelta::seconds(55));
    }
    // The last run of the minute is a whole one.
    attempt(world, job, &Flags::default(), blocked);
    faults.began = true;
    if random.percent(5) {
        // The clock is put right, by a few minutes back.
        world.now = at - TimeDelta::minutes(random.between(1, 4));
        attempt(world, job, &Flags::default(), blocked);
    }
    if random.percent(2) {
        world.now = at - TimeDelta::hours(random.between(1, 24 * 400));
        in_doubt(world, job);
    }
}

/// The clock is wrong: try again later.
fn in_doubt(world: &mut World, job: JobKind) {
    match world.run(job, &Flags::default()) {
        Ended::Failed(error) => assert_eq!(error.kind, ErrorKind::TryLater, "{job}: {error}"),
        Ended::Done(_) | Ended::Crashed => panic!("{job} runs though the clock says {}", world.now),
    }
}

/// Most jobs of a night come by few places.
fn place(random: &mut Random) -> u64 {
    1 + if random.percent(70) { random.below(8) } else { random.below(60) }
}

fn attempt(world: &mut World, job: JobKind, flags: &Flags, blocked: bool) {
    match world.run(job, flags) {
        Ended::Done(_) => {}
        Ended::Crashed => assert!(flags.crash_at > 0, "{job} crashed by itself"),
        Ended::Failed(error) => {
            assert!(blocked && error.kind == ErrorKind::Failed, "{job} {flags:?}: {error} {:?}", error.hint);
        }
    }
}
