//! This machine and its processes, as run rows name them.

/// Whether a process of this machine still runs a finops: another program may have got its number,
/// or (in a container, where it is always the same) this very one.
pub(super) fn is_alive(pid: u32) -> bool {
    let name = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    pid != std::process::id() && name(&pid.to_string()).is_some_and(|comm| Some(comm) == name("self"))
}

/// This machine's name, as it stands in the rows of runs.
pub fn name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_owned()).unwrap_or_default()
}
