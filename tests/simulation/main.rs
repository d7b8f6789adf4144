//! A simulated business over a year of cron, twice from one seed: undisturbed, and with faults.
//! Afterwards both must have the same books (`oracle.rs` says how alike).
//!
//! `FINOPS_SIM_SEEDS=1000000 cargo test --test simulation` runs so many seeds instead of the fixed
//! few, and tells how far it is; `FINOPS_SIM_SEED=42 cargo test --test simulation` runs one, which is
//! what a failure prints. A new job joins by its arm in `world.rs`, a new fault by its arm in
//! `faults.rs`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod by_hand;
mod cron;
mod faults;
mod oracle;
mod prices;
mod random;
mod script;
#[path = "../support/smtp.rs"]
mod smtp;
#[path = "../support/mod.rs"]
mod support;
mod tiling;
mod world;

use script::Script;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Place, World};

/// Seeds where nothing else is asked for: those of the fixed budget.
const SQLITE_SEEDS: u64 = 4;
const POSTGRES_SEEDS: u64 = 1;
/// One in so many seeds runs on Postgres.
const POSTGRES_SHARE: u64 = 20;

/// Days of a year; on Postgres, where each command connects anew, a quarter has to do.
const fn days(place: Place) -> u32 {
    match place {
        Place::Sqlite => 366,
        Place::Postgres => 92,
    }
}

#[test]
fn a_year_with_faults_comes_out_like_one_without_on_sqlite() {
    years(Place::Sqlite, SQLITE_SEEDS);
    if number("FINOPS_SIM_SEED").is_none() {
        let seen = oracle::SEEN.lock().unwrap();
        for kind in ["recurring", "usage", "one_time", "minimum", "discount", "item"] {
            assert!(seen.iter().any(|way| way.starts_with(kind)), "no {kind} line in any year: {seen:?}");
        }
        for detail in ["tier\"", "tier_fee", "volume", "package", "included", "minimum", "percent"] {
            assert!(seen.iter().any(|way| way.contains(detail)), "no line of a {detail} in any year: {seen:?}");
        }
    }
}

#[test]
fn a_year_with_faults_comes_out_like_one_without_on_postgres() {
    if support::postgres::server().is_some() {
        years(Place::Postgres, POSTGRES_SEEDS);
    }
}

fn years(place: Place, usual: u64) {
    let asked = number("FINOPS_SIM_SEEDS");
    let seeds = match (number("FINOPS_SIM_SEED"), asked, place) {
        (Some(one), _, _) => one..one + 1,
        (None, Some(many), Place::Sqlite) => 1..many + 1,
        (None, Some(many), Place::Postgres) => 1..many / POSTGRES_SHARE + 1,
        (None, None, _) => 1..usual + 1,
    };
    let (next, done) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let work = || {
        // A pool of this thread alone: crashes reach into the parallel work too, and repeat.
        let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return;
            }
            year(place, seed);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if asked.is_some() && done.is_multiple_of(20) {
                let _ = writeln!(std::io::stderr(), "{place:?}: {done} of {} seeds", seeds.end - seeds.start);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// One seed. What fails says how to repeat it, and keeps its files.
fn year(place: Place, seed: u64) {
    let late = seed.is_multiple_of(3);
    let script = Script::of(seed, days(place), late);
    let mut undisturbed = World::new(place, seed, 500, &script);
    let mut disturbed = World::new(place, seed, faults::batch(seed), &script);
    let mut step = String::new();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        "the undisturbed year".clone_into(&mut step);
        faults::live(&mut undisturbed, &script, None, &mut step);
        let mut faults = faults::Faults::of(seed, &script);
        faults::live(&mut disturbed, &script, Some(&mut faults), &mut step);
        "the undisturbed year's end".clone_into(&mut step);
        oracle::check(&mut undisturbed);
        "the end of the year with faults".clone_into(&mut step);
        oracle::check(&mut disturbed);
        "comparing".clone_into(&mut step);
        oracle::compare(&undisturbed, &disturbed, late);
    }));
    if let Err(panic) = ended {
        for world in [&mut undisturbed, &mut disturbed] {
            world.folder.disable_cleanup(true);
        }
        let engine = format!("{place:?}").to_lowercase();
        let _ = writeln!(
            std::io::stderr(),
            "\n*** seed {seed} fails on {engine}: {step}\n*** again: FINOPS_SIM_SEED={seed} cargo test --test simulation {engine}\n*** undisturbed: {}\n*** with faults: {}\n",
            undisturbed.folder.path().display(),
            disturbed.folder.path().display(),
        );
        std::panic::resume_unwind(panic);
    }
}

#[expect(clippy::disallowed_methods, reason = "what a person who runs the tests asks for")]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}
