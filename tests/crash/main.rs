//! What must not be lost or done twice when things break: processes killed at every place and at any
//! moment, two at once, paused ones, cut lines, a full disk. After each fault the jobs are run until
//! they have nothing left to do; then the books are those of an undisturbed night (`oracle`).
//!
//! **When a job joins.** It is in the matrix by being in the registry (`JobKind::ALL`):
//!
//! 1. *Crash points.* The engine has them around each transaction and each delivery. The job adds
//!    `crash::point("…")` before and after whatever else it does to the outside world (a file, a call).
//!    They are found by a run that logs them; each is a kill of its own, one in three is followed by
//!    another kill while it recovers. `FINOPS_CRASH_ALL=1` takes every place and all pairs, for hours.
//! 2. *Something to do.* `business::until_due` takes the night to where the job is due; without a
//!    line there it does not compile, and a job that finds no work there fails. What it works on is
//!    in the tables of `business`: the smallest that has each of its cases, and several pages of five.
//! 3. *Its other side.* A provider is played by `support::fake`: in a process of its own, with a script
//!    for each request, and a record of every call. `Stage::telling` shows how the program is led to it;
//!    what each kind of answer must lead to is tested in `tests/effects`, where `gateway` is the pattern.
//! 4. *The oracle.* Every table is compared as it is, so a new one joins by itself. Tables that tell how
//!    it went (attempts, runs) go into `HISTORY`, columns that count tries into `VARYING`, both in
//!    `tests/support/books.rs`, each with its reason. What must hold across tables is a line in
//!    `oracle::check`; what the other side must have seen, a function as `oracle::notices`.
//! 5. *The line to the database.* `network` cuts it at every round trip. What must get in is written
//!    by `Db::write_surely`, or the run ends with 75 where this test allows no 75.
//! 6. *The year.* `tests/simulation` runs the job on its days of a simulated year, with faults.
//!
//! Random kills from outside (`kills`) need nothing: they run every job. By hand, against a program as it
//! is shipped: `FINOPS_KILLS=500 FINOPS_KILLS_TIMES=40 FINOPS_KILLS_PROGRAM=$PWD/target/release/finops
//! cargo test --test crash kills`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/smtp.rs"]
mod smtp;

mod business;
mod credit;
mod doubts;
mod kills;
mod locks;
mod matrix;
mod meanwhile;
mod network;
mod oracle;
mod overlap;
mod paused;
mod power;
mod proof;
mod signals;
mod stage;
mod together;
