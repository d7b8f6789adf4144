//! SIGTERM and SIGINT: the current batch is finished and recorded, then the run ends. A second
//! signal ends it at once, which is as safe as any crash.

use crate::error::{Error, ErrorKind};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Whether the process was asked to stop.
#[derive(Debug, Clone)]
pub struct Signals {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen. Without the operating system's leave to do so, signals simply kill.
    pub fn listen() -> Self {
        // Once a process: what is registered stays, and its list is copied for each one more.
        static LISTENING: OnceLock<Signals> = OnceLock::new();
        LISTENING.get_or_init(Self::register).clone()
    }

    fn register() -> Self {
        let signals = Self { interrupted: Arc::default(), terminated: Arc::default() };
        for (signal, flag, code) in [(SIGINT, &signals.interrupted, 130), (SIGTERM, &signals.terminated, 143)] {
            // In this order: the second signal finds the flag set by the first.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(flag));
            let _ = signal_hook::flag::register(signal, Arc::clone(flag));
        }
        signals
    }

    /// The error that ends the run, once a signal has come.
    pub fn asked_to_stop(&self) -> Option<Error> {
        let (kind, name) = if self.interrupted.load(Ordering::SeqCst) {
            (ErrorKind::Interrupted, "SIGINT")
        } else if self.terminated.load(Ordering::SeqCst) {
            (ErrorKind::Terminated, "SIGTERM")
        } else {
            return None;
        };
        Some(
            Error::new(kind, format!("stopped by {name} after the current batch was recorded"))
                .hint("run the same command again: it goes on where it stopped"),
        )
    }
}
