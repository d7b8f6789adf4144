//! This machine, its processes and its users, as the rows of runs and of the audit log name them.
//!
//! A process number alone names nothing: it is given again, and in a container it is always the
//! same. So a run's row names its process by the boot of the kernel, the namespace in which the
//! number counts, the number, and the instant at which the kernel started it. All of it comes from
//! `/proc`; where there is none, nothing is known, and claims and heartbeats run out instead.

use crate::context::Context;
use crate::store::audit::Author;
use std::fs;

/// What can be said from here about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs on this machine.
    Alive,
    /// It ran on this machine, and is gone.
    Gone,
    /// Another machine, another boot, another container, or nothing written down.
    Unknown,
}

/// This machine's name, as it stands in the rows of runs.
pub fn name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_owned()).unwrap_or_default()
}

/// This process: `boot id/namespace/number/start`; empty where the kernel does not tell.
pub fn process() -> String {
    let identity = || Some(format!("{}/{}/{}", place()?, std::process::id(), started("self")??));
    identity().unwrap_or_default()
}

/// Whether the process of that name still runs.
pub fn life(process: &str) -> Life {
    let parts: Vec<&str> = process.split('/').collect();
    let [boot, namespace, number, start] = parts[..] else { return Life::Unknown };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) || place() != Some(format!("{boot}/{namespace}")) {
        return Life::Unknown;
    }
    match started(number) {
        Some(Some(since)) if since == start => Life::Alive,
        Some(_) => Life::Gone,
        // Under `hidepid` (proc(5)) other users' processes cannot be read, or not even be seen, and the
        // first one neither.
        None if fs::metadata("/proc/1/stat").is_ok() && fs::metadata(format!("/proc/{number}")).is_err() => Life::Gone,
        None => Life::Unknown,
    }
}

/// Where process numbers count: this boot, this namespace.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
    Some(format!("{}/{}", boot.trim(), namespace.trim_start_matches("pid:[").trim_end_matches(']')))
}

/// When a process was started, in the kernel's ticks since boot; None within when it has ended and
/// only waits for its parent to notice.
fn started(process: &str) -> Option<Option<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets, and may hold any character: fields count from behind it
    // (proc(5): state is the 3rd, starttime the 22nd).
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let start = fields.nth(18)?.to_owned();
    Some(Some(start).filter(|_| !matches!(state, "Z" | "X")))
}

/// Who runs this, as the kernel knows them: variables such as `$USER` prove nothing. Somebody who
/// became another user after logging in is named by both.
pub fn user() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse::<u32>().ok());
    let Some(uid) = uid else { return "somebody".to_owned() };
    let login = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse::<u32>().ok());
    // The highest number: nobody logged in (cron, a container).
    match login.filter(|login| *login != u32::MAX && *login != uid) {
        Some(login) => format!("{}, logged in as {}", named(uid), named(login)),
        None => named(uid),
    }
}

/// `alice (uid 1000)`. A directory service is not asked: then the number must do.
fn named(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

/// Who acts by hand, for the audit log.
pub fn author(ctx: &Context) -> Author {
    Author::person(user(), ctx.clock.now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let me = process();
        assert_eq!(life(&me), Life::Alive);
        let (rest, start) = me.rsplit_once('/').unwrap();
        assert_eq!(life(&format!("{rest}/{start}0")), Life::Gone, "the number was given again");
        let (boot, rest) = me.split_once('/').unwrap();
        assert_eq!(life(&format!("{}/{rest}", boot.replace(|c: char| c.is_ascii_digit(), "x"))), Life::Unknown, "another boot");
        let (_, rest) = rest.split_once('/').unwrap();
        assert_eq!(life(&format!("{boot}/1/{rest}")), Life::Unknown, "another container");
        for nothing in ["", "///", "a/b/../c"] {
            assert_eq!(life(nothing), Life::Unknown);
        }
    }

    #[test]
    fn one_that_ended_is_gone_even_before_its_parent_notices() {
        let mut child = Command::new("/bin/sh").arg("-c").arg("read line").stdin(Stdio::piped()).spawn().unwrap();
        let number = child.id().to_string();
        let name = format!("{}/{number}/{}", place().unwrap(), started(&number).unwrap().unwrap());
        assert_eq!(life(&name), Life::Alive);
        drop(child.stdin.take());
        while started(&number) != Some(None) {
            std::thread::yield_now();
        }
        assert_eq!(life(&name), Life::Gone, "a zombie");
        child.wait().unwrap();
        assert_eq!(life(&name), Life::Gone);
    }

    #[test]
    fn a_user_is_named_by_the_kernel() {
        assert!(user().contains("uid "), "{}", user());
        assert_eq!(named(0), "root (uid 0)");
        assert_eq!(named(4_000_000_000), "uid 4000000000");
    }
}
