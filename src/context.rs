//! What a command is given: configuration, clock, ids, printer. Nothing is global.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::ui::Ui;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// What a command that works on the database is given.
#[derive(Debug)]
pub struct Context {
    pub config: Config,
    pub clock: Clock,
    pub ids: Ids,
    pub ui: Ui,
    /// The instant by which this run decides what is due: `--now`, or the clock at the start. It
    /// stays fixed for the run; recorded instants come from [`Clock::now`].
    pub as_of: DateTime<Utc>,
    /// How long to wait for a lock that another run holds.
    pub lock_wait: Duration,
}

impl Context {
    /// `--now` lies ahead of the clock. Writing then needs a database that is marked as a test
    /// (reliability.md, "Time in doubt"); `--dry-run` may look ahead anywhere.
    pub fn as_of_is_future(&self) -> bool {
        self.as_of > self.clock.now()
    }
}

/// Where instants come from.
#[derive(Debug, Clone)]
pub struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still, for tests.
    pub const fn fixed(at: DateTime<Utc>) -> Self {
        Self { fixed: Some(at) }
    }

    pub fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
        self.fixed.unwrap_or_else(Utc::now)
    }
}

/// Makes ids (UUIDv7, RFC 9562): time-ordered, and ascending within a process, so that the rows of
/// a run lie side by side in the index. Random bits come from SHA-256 in counter mode over a key
/// from the operating system; a test gives the key, and the ids repeat.
#[derive(Debug)]
pub struct Ids {
    clock: Clock,
    state: Mutex<IdState>,
}

struct IdState {
    key: [u8; 32],
    block: u64,
    buffer: [u8; 32],
    used: usize,
    last_ms: u64,
    counter: u16,
}

/// The key must not leak into a log: whoever knows it can tell the next ids.
impl std::fmt::Debug for IdState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdState").field("block", &self.block).finish_non_exhaustive()
    }
}

impl Ids {
    /// Ids with a key from the operating system; fails when it has no randomness to give.
    pub fn random(clock: Clock) -> Result<Self> {
        let mut key = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "the one home of randomness")]
        getrandom::fill(&mut key).map_err(|error| Error::failed(format!("the system gives no random numbers: {error}")))?;
        Ok(Self::with_key(clock, key))
    }

    /// Ids that repeat, for tests.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self::with_key(clock, key)
    }

    fn with_key(clock: Clock, key: [u8; 32]) -> Self {
        let state = IdState { key, block: 0, buffer: [0; 32], used: 32, last_ms: 0, counter: 0 };
        Self { clock, state: Mutex::new(state) }
    }

    /// A new id, greater than every one made before by this value.
    pub fn uuid(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }
}

/// The 12 bits after the version (`rand_a`) count within a millisecond (RFC 9562, 6.2, method 1).
const COUNTER_BITS: u32 = 12;

impl IdState {
    fn next(&mut self, now_ms: u64) -> Uuid {
        if now_ms > self.last_ms {
            self.last_ms = now_ms;
            // Half the range is left to count in.
            self.counter = u16::from_le_bytes(self.random()) >> (16 - COUNTER_BITS + 1);
        } else if self.counter + 1 < 1 << COUNTER_BITS {
            self.counter += 1;
        } else {
            self.last_ms += 1;
            self.counter = 0;
        }
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.counter.to_be_bytes());
        bytes[2..].copy_from_slice(&self.random::<8>());
        uuid::Builder::from_unix_timestamp_millis(self.last_ms, &bytes).into_uuid()
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.buffer.len() {
            let digest = Sha256::new().chain_update(self.key).chain_update(self.block.to_le_bytes()).finalize();
            self.buffer.copy_from_slice(&digest);
            self.block += 1;
            self.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.buffer[self.used..self.used + N]);
        self.used += N;
        bytes
    }
}
