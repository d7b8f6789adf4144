//! CPU time of this process and of its children, from /proc (Linux, ticks of 10 ms).

#![allow(dead_code, reason = "each bench takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]
#![allow(clippy::cast_possible_truncation, reason = "microseconds of a bench fit")]

use std::process::Command;
use std::time::Instant;

/// What some work cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// User and system, all threads.
    pub cpu_ms: u64,
    pub wall_ms: u64,
}

impl Cost {
    pub fn plus(self, other: Self) -> Self {
        Self { cpu_ms: self.cpu_ms + other.cpu_ms, wall_ms: self.wall_ms + other.wall_ms }
    }
}

/// Fields of proc(5), counted after the name, in milliseconds.
fn ticks(fields: [usize; 2]) -> u64 {
    ticks_of("self", fields)
}

fn ticks_of(process: &str, fields: [usize; 2]) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let all: Vec<&str> = after_name.split_whitespace().collect();
    fields.iter().map(|f| all[*f].parse::<u64>().unwrap() * 10).sum()
}

/// What the ended children of another process took: of a postmaster, its backends that are gone.
pub fn cpu_of_ended_children(pid: u32) -> u64 {
    ticks_of(&pid.to_string(), [13, 14])
}

/// The cost of work in this process.
pub fn here<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let (before, clock) = (ticks([11, 12]), Instant::now());
    let result = work();
    (result, Cost { cpu_ms: ticks([11, 12]) - before, wall_ms: clock.elapsed().as_millis() as u64 })
}

/// The cost of a command that must succeed; its output, and its peak memory in MiB.
pub fn child(command: &mut Command) -> (String, Cost, u64) {
    let (before, clock) = (ticks([13, 14]), Instant::now());
    // time(1) asks the kernel for the peak; nothing else on the way does without unsafe code.
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "peak %M"]).arg(command.get_program()).args(command.get_args());
    let output = timed.output().expect("time(1) is needed: apt-get install time");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {stderr}");
    let peak = stderr.lines().find_map(|l| l.strip_prefix("peak ")?.parse::<u64>().ok()).unwrap_or(0) / 1024;
    let cost = Cost { cpu_ms: ticks([13, 14]) - before, wall_ms: clock.elapsed().as_millis() as u64 };
    (String::from_utf8_lossy(&output.stdout).into_owned(), cost, peak)
}

/// `2.13×`, from whole numbers.
pub fn ratio(cost: u64, yardstick: u64) -> String {
    let hundredths = cost * 100 / yardstick.max(1);
    format!("{}.{:02}×", hundredths / 100, hundredths % 100)
}
