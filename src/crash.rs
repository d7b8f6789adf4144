//! Places at which a test kills or stops the process, to prove that nothing is lost or doubled there.
//!
//! Only in builds with the feature `crash-points`; in a release build this is nothing at all.
//! `FINOPS_CRASH_LOG=FILE` writes down each place that is reached, so that a test finds them all by
//! itself; `FINOPS_CRASH_AT=N` kills with SIGKILL at the N-th place reached (from 1), and
//! `FINOPS_STOP_AT=N` halts there with SIGSTOP until somebody says SIGCONT. A test that runs the
//! jobs in its own process crashes them with [`unwind_at`]: a thread unwinds instead of dying.

/// A place where a crash must do no harm: before and after each commit and each outside call.
#[cfg(not(feature = "crash-points"))]
pub const fn point(_name: &str) {}

#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    use signal_hook::consts::{SIGKILL, SIGSTOP};
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};

    static REACHED: AtomicU64 = AtomicU64::new(0);
    #[expect(clippy::disallowed_methods, reason = "fault injection is no configuration, and is not in a release build")]
    let set = |name: &str| std::env::var(name).ok();
    let reached = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(log) = set("FINOPS_CRASH_LOG") {
        // Failing to write it would show as a missing place in the test that reads it.
        let _ = std::fs::OpenOptions::new().append(true).create(true).open(log).and_then(|mut f| writeln!(f, "{name}"));
    }
    for (variable, signal) in [("FINOPS_CRASH_AT", SIGKILL), ("FINOPS_STOP_AT", SIGSTOP)] {
        if set(variable).and_then(|at| at.parse::<u64>().ok()) == Some(reached) {
            let _ = signal_hook::low_level::raise(signal);
        }
    }
    unwind();
}

#[cfg(feature = "crash-points")]
thread_local! {
    /// Places until this thread unwinds; 0 when it does not.
    static LEFT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// What [`unwind_at`] unwinds with, for `catch_unwind` to tell it from a panic.
#[cfg(feature = "crash-points")]
#[derive(Debug)]
pub struct Unwound;

/// Makes this thread unwind at the n-th place that it reaches from now on (from 1); 0 takes it back.
/// Nothing is printed. Other threads go on: a test that wants the places in `rayon`'s too runs the
/// job in a pool of this thread alone (`use_current_thread`).
#[cfg(feature = "crash-points")]
pub fn unwind_at(n: u64) {
    LEFT.set(n);
}

#[cfg(feature = "crash-points")]
fn unwind() {
    // A place that is reached by what cleans up after a crash is none.
    let left = LEFT.get();
    if left > 0 && !std::thread::panicking() {
        LEFT.set(left - 1);
        if left == 1 {
            std::panic::resume_unwind(Box::new(Unwound));
        }
    }
}
