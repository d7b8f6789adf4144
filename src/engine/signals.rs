//! SIGTERM, SIGINT and SIGHUP: the current batch is finished and recorded, then the run ends. A
//! second signal, whichever, ends it at once, which is as safe as any crash.

use crate::error::{Error, ErrorKind};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The signal, the code that a second one ends with, what the first one ends with, its name.
const ASK_TO_STOP: [(i32, i32, ErrorKind, &str); 3] = [
    (SIGINT, 130, ErrorKind::Interrupted, "SIGINT"),
    (SIGTERM, 143, ErrorKind::Terminated, "SIGTERM"),
    // The terminal was closed, or the session ended.
    (SIGHUP, 143, ErrorKind::Terminated, "SIGHUP"),
];

/// Whether the process was asked to stop.
#[derive(Debug, Clone)]
pub struct Signals {
    came: [Arc<AtomicBool>; ASK_TO_STOP.len()],
}

impl Signals {
    /// Starts to listen. Without the operating system's leave to do so, signals simply kill. What
    /// was ignored at the start (`nohup`, a shell's background) stays ignored.
    pub fn listen() -> Self {
        // Once a process: what is registered stays, and its list is copied for each one more.
        static LISTENING: OnceLock<Signals> = OnceLock::new();
        LISTENING.get_or_init(Self::register).clone()
    }

    fn register() -> Self {
        let signals = Self { came: Default::default() };
        let asked = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        for ((signal, code, ..), came) in ASK_TO_STOP.iter().zip(&signals.came) {
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            // In this order: the second signal finds the flag that the first one set.
            let _ = signal_hook::flag::register_conditional_shutdown(*signal, *code, Arc::clone(&asked));
            let _ = signal_hook::flag::register(*signal, Arc::clone(&asked));
            let _ = signal_hook::flag::register(*signal, Arc::clone(came));
        }
        signals
    }

    /// The error that ends the run, once a signal has come.
    pub fn asked_to_stop(&self) -> Option<Error> {
        let came = ASK_TO_STOP.iter().zip(&self.came).find(|(_, came)| came.load(Ordering::SeqCst));
        came.map(|((_, _, kind, name), _)| {
            Error::new(*kind, format!("stopped by {name} after the current batch was recorded"))
                .hint("run the same command again: it goes on where it stopped")
        })
    }
}

/// The signals that this process was started to ignore, a bit each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
