//! What a command is given: configuration, clock, ids, printer. Nothing is global.

use crate::cli::Globals;
use crate::config::{Config, DatabaseUrl, Environment};
use crate::error::{Error, Result};
use crate::store::schema::{self, Status};
use crate::store::{Db, Target};
use crate::ui::Ui;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Units a transaction: enough that a commit costs little, few enough that others wait less than
/// 200 ms (reliability.md).
pub const BATCH: u32 = 500;

/// What a command is given before there is a configuration (`init`, `config`, `schedule`).
#[derive(Debug, Clone)]
pub struct Shell {
    pub globals: Globals,
    pub environment: Environment,
    pub ui: Ui,
}

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
    /// Units a transaction: [`BATCH`], but for tests.
    pub batch: u32,
    /// A person vouches for the clock (`--accept-clock`).
    pub accept_clock: bool,
}

/// How long a writer waits for another one on SQLite before it gives up with 75, unless
/// `--lock-wait` is longer. Cron's next run is near, and a person waits in silence.
const WRITER_WAIT: Duration = Duration::from_secs(30);

impl Context {
    /// Reads the configuration and takes "now" once for this run.
    pub fn new(shell: &Shell) -> Result<Self> {
        let Shell { globals, environment, ui } = shell;
        let config = Config::load(&globals.overrides(), environment)?;
        let clock = Clock::of(environment)?;
        let ids = Ids::of(environment, clock.clone())?;
        let as_of = globals.now.unwrap_or_else(|| clock.now());
        let batch = batch(environment)?;
        Ok(Self {
            config,
            clock,
            ids,
            ui: ui.clone(),
            as_of,
            lock_wait: globals.lock_wait,
            batch,
            accept_clock: globals.accept_clock,
        })
    }

    /// Opens the database, which must have the schema of this build.
    pub fn open_db(&self) -> Result<Db> {
        let mut db = self.open_db_for_status()?;
        let url = &self.config.database.url;
        match db.read(schema::status)? {
            Status::Current => {
                // A copy that was made by `VACUUM INTO` has lost it.
                db.keep_wal()?;
                Ok(db)
            }
            Status::Empty => {
                Err(Error::config(format!("{url} holds no finops database yet")).hint("finops db migrate sets it up"))
            }
            Status::Foreign => {
                Err(Error::config(format!("{url} holds tables of something else, and none of finops; it is left alone"))
                    .hint("give finops a database of its own: correct the URL in finops.toml"))
            }
            Status::Older(version) => Err(Error::config(format!(
                "the database has schema {version}, and this build of finops needs {}",
                schema::VERSION
            ))
            .hint("make a backup, then run finops db migrate")),
            Status::Newer(version) => Err(Error::config(format!(
                "the database has schema {version}, made by a newer finops; this one knows {} and leaves it alone",
                schema::VERSION
            ))
            .hint("use the newer finops that wrote it")),
        }
    }

    /// Opens the database in order to set it up or to look at its state, whatever its schema.
    pub fn open_db_for_setup(&self) -> Result<Db> {
        Ok(Db::open_or_create(self.target(), self.timeout())?)
    }

    /// Opens the database to look at it, whatever its schema; none is made.
    pub fn open_db_for_status(&self) -> Result<Db> {
        Ok(Db::open(self.target(), self.timeout())?)
    }

    /// Opens another database than the configured one, whatever its schema; a SQLite file is made.
    pub fn open_other(&self, url: &DatabaseUrl) -> Result<Db> {
        Ok(Db::open_or_create(target_of(url), self.timeout())?)
    }

    fn target(&self) -> Target<'_> {
        target_of(&self.config.database.url)
    }

    fn timeout(&self) -> Duration {
        match &self.config.database.url {
            DatabaseUrl::Sqlite(_) => WRITER_WAIT.max(self.lock_wait),
            DatabaseUrl::Postgres(_) => self.config.database.statement_timeout,
        }
    }

    /// Where the witness of a database lies (see `engine::witness`): beside a SQLite file, or for
    /// Postgres in the folder of `[state]`, by the database's own id.
    pub fn witness(&self, database_id: &str) -> PathBuf {
        match &self.config.database.url {
            DatabaseUrl::Sqlite(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push("-witness");
                name.into()
            }
            DatabaseUrl::Postgres(_) => {
                let plain: String = database_id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                self.config.state.folder.join(format!("finops-{plain}-witness"))
            }
        }
    }

    /// `--now` lies ahead of the clock. Writing then needs a database that is marked as a test
    /// (reliability.md, "Time in doubt"); `--dry-run` may look ahead anywhere.
    pub fn as_of_is_future(&self) -> bool {
        self.as_of > self.clock.now()
    }

    /// Refuses to write as of an instant that is still to come, unless the database is marked as a test.
    pub fn refuse_a_future(&self, db: &mut Db) -> Result<()> {
        if !self.as_of_is_future() || db.read(schema::is_test)? {
            return Ok(());
        }
        Err(Error::usage(format!("--now {} lies in the future", self.as_of))
            .hint("add --dry-run to look ahead; only a database that is marked as a test is written to: finops db mark-test"))
    }
}

fn target_of(url: &DatabaseUrl) -> Target<'_> {
    match url {
        DatabaseUrl::Sqlite(path) => Target::Sqlite(path),
        DatabaseUrl::Postgres(url) => Target::Postgres(url.expose()),
    }
}

/// Where instants come from.
#[derive(Debug, Clone)]
pub struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// The machine's clock; in a build for tests, the one that `FINOPS_TEST_CLOCK` (RFC 3339) sets.
    pub fn of(environment: &Environment) -> Result<Self> {
        match for_tests(environment, ForTests::Clock) {
            Some((name, text)) => DateTime::parse_from_rfc3339(text)
                .map(|at| Self::fixed(at.to_utc()))
                .map_err(|error| Error::config(format!("{name} {text:?}: {error}"))),
            None => Ok(Self::system()),
        }
    }

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
    /// Random ids; in a build for tests, the ones that `FINOPS_TEST_SEED` (a number) repeats.
    pub fn of(environment: &Environment, clock: Clock) -> Result<Self> {
        match for_tests(environment, ForTests::Seed) {
            Some((name, text)) => text
                .parse()
                .map(|seed| Self::seeded(clock, seed))
                .map_err(|error| Error::config(format!("{name} {text:?}: {error}"))),
            None => Self::random(clock),
        }
    }

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

    /// A random byte, for pauses that are not to fall together.
    pub fn chance(&self) -> u8 {
        let [byte] = self.state.lock().unwrap_or_else(PoisonError::into_inner).random();
        byte
    }
}

/// As many as are proven to do; in a build for tests, as `FINOPS_TEST_BATCH` (a number from 1) says,
/// so that a small business has several pages.
fn batch(environment: &Environment) -> Result<u32> {
    let Some((name, text)) = for_tests(environment, ForTests::Batch) else { return Ok(BATCH) };
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| Error::config(format!("{name} {text:?} is no number from 1")))
}

/// What a test may bend.
#[derive(Debug, Clone, Copy)]
enum ForTests {
    Clock,
    Seed,
    Batch,
}

/// A variable that only a build for tests obeys, by its name: in production, no variable may bend the
/// clock, and CI sees to it that a release does not even know their names.
#[cfg(feature = "crash-points")]
fn for_tests(environment: &Environment, what: ForTests) -> Option<(&'static str, &str)> {
    let name = match what {
        ForTests::Clock => "FINOPS_TEST_CLOCK",
        ForTests::Seed => "FINOPS_TEST_SEED",
        ForTests::Batch => "FINOPS_TEST_BATCH",
    };
    environment.text(name).map(|text| (name, text))
}

#[cfg(not(feature = "crash-points"))]
const fn for_tests(_: &Environment, _: ForTests) -> Option<(&'static str, &str)> {
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::fixed(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000))
    }

    #[test]
    fn ids_ascend_even_while_the_clock_stands_still() {
        let ids = Ids::random(clock()).unwrap();
        let made: Vec<Uuid> = (0..20_000).map(|_| ids.uuid()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn ids_repeat_by_their_seed_only() {
        let first = |ids: &Ids| (ids.uuid(), ids.uuid());
        assert_eq!(first(&Ids::seeded(clock(), 1)), first(&Ids::seeded(clock(), 1)));
        assert_ne!(first(&Ids::seeded(clock(), 1)), first(&Ids::seeded(clock(), 2)));
        assert_ne!(first(&Ids::random(clock()).unwrap()), first(&Ids::random(clock()).unwrap()));
    }

    fn shell(now: Option<DateTime<Utc>>) -> Shell {
        let globals = Globals { now, database: Some("sqlite:x.db".to_owned()), ..Globals::default() };
        let environment = Environment::of([("FINOPS_TEST_CLOCK", "2026-10-31T12:00:00Z"), ("FINOPS_TEST_SEED", "1")]);
        Shell { globals, environment, ui: Ui::new(crate::ui::UiOptions::default()) }
    }

    #[test]
    fn now_moves_what_is_due_and_not_the_clock() {
        let noon: DateTime<Utc> = "2026-10-31T12:00:00Z".parse().unwrap();
        let today = Context::new(&shell(None)).unwrap();
        assert_eq!((today.as_of, today.as_of_is_future()), (noon, false));
        let tomorrow = Context::new(&shell(Some(noon + chrono::TimeDelta::days(1)))).unwrap();
        assert_eq!((tomorrow.clock.now(), tomorrow.as_of_is_future()), (noon, true));
    }
}
