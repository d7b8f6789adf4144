//! One at a time on SQLite: a lock per job, on a file of its own beside the database (never on the
//! database file, since closing any descriptor of it would drop SQLite's own locks).
//!
//! The lock only saves work; what keeps things from happening twice are the unique keys. It is
//! the kernel's, so it is gone with the process that held it, however it died.

use super::filesystem;
use crate::error::{Error, Result, io_error};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Held until it is dropped.
#[derive(Debug)]
pub struct JobLock {
    _file: File,
}

/// Waits up to `wait` for the job's lock; `stop` is asked meanwhile.
pub fn acquire(database: &Path, job: &str, wait: Duration, stop: &dyn Fn() -> Result<()>) -> Result<JobLock> {
    filesystem::refuse_network(database)?;
    let path = lock_path(database, job);
    let mut file = open(&path)?;
    let deadline = Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                stop()?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, job)),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path, error)),
        }
    }
    // For whoever finds it held; that it may be empty does not matter.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(JobLock { _file: file })
}

/// The process that holds the job's lock now; None when it is free. It is asked of the kernel and
/// not tried, since whoever tries holds it for a moment, and turns a run of cron away.
pub fn holder(database: &Path, job: &str) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = std::fs::metadata(lock_path(database, job)).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF` (proc_locks(5)); what waits has `->` before its kind.
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, file, ..] = fields[..] else { return None };
        (file.rsplit(':').next()?.parse() == Ok(inode)).then(|| pid.parse().ok())?
    })
}

fn lock_path(database: &Path, job: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("-{job}.lock"));
    PathBuf::from(name)
}

fn open(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| io_error("open the lock file", path, e))
}

fn held(file: &mut File, job: &str) -> Error {
    let mut pid = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut pid));
    let by = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
    Error::try_later(format!("{job} is running already{by}")).hint("wait for it, or give it time with --lock-wait 10m")
}
