//! Kills from outside, at moments that nobody chose: several processes of the jobs at once, each
//! killed after a random time, again and again, until the books are complete.
//!
//! `FINOPS_KILLS=500` kills so often (20 without), `FINOPS_KILLS_SEED` chooses other moments,
//! `FINOPS_KILLS_TIMES=40` makes the business so many times larger, and `FINOPS_KILLS_PROGRAM`
//! names a program as it is shipped, to be killed in place of the one that was built for tests.

use crate::business;
use crate::oracle::{Alike, books, check_with};
use crate::stage::{JOBS, Stage, killed, number, told, variable};
use crate::support::TestDb;
use std::path::PathBuf;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

/// Kills after which a business is left to finish, and the next one begins.
const KILLS_EACH: u64 = 5;

/// SplitMix64: the same moments for the same seed, as far as the machine allows.
struct Moments(u64);

impl Moments {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

fn random_kills(db: TestDb) {
    let engine = if db.is_sqlite() { "sqlite" } else { "postgres" };
    let times = number("FINOPS_KILLS_TIMES").unwrap_or(1);
    let db = business::prepare_times(db, usize::try_from(times).unwrap());
    let (mut left, seed) = (number("FINOPS_KILLS").unwrap_or(20), number("FINOPS_KILLS_SEED").unwrap_or(1));
    let (mut moments, mut round) = (Moments(seed), 0);
    let stage = || {
        let stage = Stage::new(db.copy()).with_program(variable("FINOPS_KILLS_PROGRAM").map(PathBuf::from));
        if times == 1 { stage.in_pages_of(5) } else { stage }
    };
    let (expected, night) = {
        let mut stage = stage();
        let began = Instant::now();
        stage.settle();
        (books(&stage.db), began.elapsed())
    };
    while left > 0 {
        round += 1;
        let kills = left.min(KILLS_EACH);
        left -= kills;
        let mut stage = stage();
        let what = format!("{engine}: round {round} of FINOPS_KILLS_SEED={seed}");
        kill(&stage, kills, &mut moments, night, &what);
        stage.settle();
        check_with(&mut stage, &expected, Alike::ButForNumbers, &what);
    }
}

/// Keeps up to three processes going until so many were killed.
fn kill(stage: &Stage, kills: u64, moments: &mut Moments, night: Duration, what: &str) {
    // A job takes about that long, and one that others hold up takes longer.
    let longest = u64::try_from(night.as_micros()).unwrap() / JOBS.len() as u64;
    let (mut done, mut running) = (0, Vec::<Child>::new());
    // A business that is complete gives no more occasions for long.
    for _ in 0..kills * 20 {
        if done == kills {
            break;
        }
        while running.len() < 3 {
            let job = JOBS[usize::try_from(moments.below(JOBS.len() as u64)).unwrap()];
            let wait = if moments.below(2) == 0 { "0s" } else { "60s" };
            running.push(stage.job(job).args(["--lock-wait", wait]).spawn().unwrap());
        }
        std::thread::sleep(Duration::from_micros(moments.below(longest)));
        let mut victim = running.remove(usize::try_from(moments.below(3)).unwrap());
        let _ = victim.kill();
        done += u64::from(ended(victim.wait_with_output().unwrap(), what));
        // Whoever is through makes room.
        for mut child in std::mem::take(&mut running) {
            match child.try_wait().unwrap() {
                Some(_) => done += u64::from(ended(child.wait_with_output().unwrap(), what)),
                None => running.push(child),
            }
        }
    }
    for child in running {
        ended(child.wait_with_output().unwrap(), what);
    }
}

/// Whether it was killed; if not, it ended as it may.
fn ended(output: Output, what: &str) -> bool {
    let was_killed = killed(output.status);
    assert!(was_killed || matches!(output.status.code(), Some(0 | 3 | 75)), "{what}: {}", told(&output));
    was_killed
}

#[test]
fn sqlite_survives_random_kills() {
    random_kills(TestDb::sqlite());
}

#[test]
fn postgres_survives_random_kills() {
    if let Some(db) = TestDb::postgres() {
        random_kills(db);
    }
}
