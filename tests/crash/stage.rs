//! A place to run the jobs in: a database, a folder for PDFs, and a clock that the test moves.

use crate::smtp;
use crate::support::{TestDb, now};
use chrono::{DateTime, TimeDelta, Utc};
use finops::jobs::JobKind;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Every job that exists, in the order of the registry, which is the order of a night.
pub const JOBS: &[JobKind] = JobKind::ALL;

const THREADS: usize = 4;

const NOTIFY: &str = "
[notify_on_completion]
url_env = \"NOTIFY_URL\"
secret_env = \"NOTIFY_SECRET\"
allow_private_addresses = true
";
const ALERTS: &str = "
[people.anna]
email = \"anna@nordlicht.example\"
[[routes]]
events = [\"item.failed\", \"invoice.issued\"]
to = [\"anna\", \"in_app:board\"]
";

/// 24 bytes.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

/// Longer than a claim of a killed run holds.
const LATER: TimeDelta = TimeDelta::seconds(1);

/// So many hours are left of the day: on the next one, invoices would have another date.
const HOURS: u32 = 8;

pub struct Stage {
    pub db: TestDb,
    folder: TempDir,
    clock: DateTime<Utc>,
    /// Units a page.
    page: Option<u32>,
    /// The program under test; None is the one of this build, which obeys the test's clock.
    program: Option<PathBuf>,
    /// Where the end of each job is told.
    receiver: Option<String>,
    /// The server that takes its mails.
    pub mail: Arc<smtp::Server>,
    /// The mails of the database that were sent before, through another server.
    pub mailed: usize,
}

impl Stage {
    pub fn new(db: TestDb) -> Self {
        let folder = tempfile::Builder::new().prefix("finops-crash-").tempdir().unwrap();
        let mail = Arc::new(smtp::Server::start([]));
        let stage =
            Self { db, folder, clock: now() + TimeDelta::days(2), page: None, program: None, receiver: None, mail, mailed: 0 };
        stage.write("finops.toml", &stage.config(&stage.db));
        stage
    }

    fn config(&self, db: &TestDb) -> String {
        let (url, port) = (db.url(), self.mail.port());
        format!(
            "[database]\nurl = \"{url}\"\n[mail]\nfrom = \"billing@nordlicht.example\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
        )
    }

    /// Puts other words in the place of some of the configuration.
    pub fn configure(&self, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.folder.path().join("finops.toml")).unwrap();
        assert!(text.contains(old));
        self.write("finops.toml", &text.replacen(old, new, 1));
    }

    /// The same with so many units a page, that several pages are needed.
    pub fn in_pages_of(self, units: u32) -> Self {
        Self { page: Some(units), ..self }
    }

    /// The same with a program as it is shipped, which obeys no variable for tests: it goes by the
    /// machine's clock, and decides what is due by `--now`.
    pub fn with_program(self, program: Option<PathBuf>) -> Self {
        if program.is_some() {
            // For machines whose clock lies before that.
            self.db.execute("INSERT INTO meta (key, value) VALUES ('test', 'true')").unwrap();
        }
        Self { program, ..self }
    }

    /// The same with the end of each job told to a URL.
    pub fn telling(self, url: String) -> Self {
        let config = self.folder.path().join("finops.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(config, text + NOTIFY).unwrap();
        Self { receiver: Some(url), ..self }
    }

    /// The same with somebody who hears of what cannot be done, and of each invoice.
    pub fn alerting(self) -> Self {
        let config = self.folder.path().join("finops.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(config, text + ALERTS).unwrap();
        self
    }

    pub fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    /// Where the witness of the database with this id lies.
    pub fn witness(&self, id: &str) -> PathBuf {
        match self.db.url().strip_prefix("sqlite:") {
            Some(path) => PathBuf::from(format!("{path}-witness")),
            None => self.folder.path().join(format!("finops-{id}-witness")),
        }
    }

    /// Another stage with a copy of the database, and what this machine remembers of it.
    pub fn twin(&self) -> Self {
        let twin = Self::new(self.db.copy());
        let id = self.db.value("SELECT value FROM meta WHERE key = 'database_id'");
        if self.witness(&id).exists() {
            std::fs::copy(self.witness(&id), twin.witness(&id)).unwrap();
        }
        twin
    }

    /// Puts a copy in the place of the database, as from a backup.
    pub fn put_back(&mut self, copy: TestDb) {
        match (self.db.url().strip_prefix("sqlite:"), copy.url().strip_prefix("sqlite:")) {
            (Some(place), Some(copy)) => {
                std::fs::copy(copy, place).unwrap();
                // They belong to the file that was there before.
                for left in ["-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{place}{left}"));
                }
            }
            _ => {
                self.write("finops.toml", &self.config(&copy));
                self.db = copy;
            }
        }
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn job(&self, job: JobKind) -> Command {
        let words = job.command();
        let mut command = self.command(&words.split(' ').skip(1).collect::<Vec<_>>());
        if self.program.is_some() {
            command.args(["--now", &self.clock.to_rfc3339()]);
        }
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.program {
            Some(program) => Command::new(program),
            None => Command::new(env!("CARGO_BIN_EXE_finops")),
        };
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", "/usr/bin:/bin").env("FINOPS_TEST_CLOCK", self.clock.to_rfc3339());
        command.env("NOTIFY_SECRET", SECRET);
        command.envs(self.receiver.as_ref().map(|url| ("NOTIFY_URL", url)));
        command.envs(self.page.map(|units| ("FINOPS_TEST_BATCH", units.to_string())));
        command
    }

    /// Runs a job to its end. The broken contract is told as newly failed the first time.
    pub fn run(&self, job: JobKind) -> Output {
        let output = self.job(job).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job}: {}", told(&output));
        output
    }

    /// Runs any other command, which must succeed.
    pub fn must(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        output
    }

    /// Runs a job and kills it at the n-th place. False if it ended before.
    pub fn killed_at(&self, job: JobKind, n: u64) -> bool {
        let output = self.job(job).env("FINOPS_CRASH_AT", n.to_string()).output().unwrap();
        match killed(output.status) {
            true => true,
            false => {
                assert!(matches!(output.status.code(), Some(0 | 3)), "{job}: {}", told(&output));
                false
            }
        }
    }

    /// The names of the places that an undisturbed run of a job comes by.
    pub fn places(&self, job: JobKind) -> Vec<String> {
        let log = self.folder.path().join("places");
        let output = self.job(job).env("FINOPS_CRASH_LOG", &log).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job}: {}", told(&output));
        let places = std::fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = std::fs::remove_file(log);
        places
    }

    /// Which of all places of a job's run is the n-th of this name.
    pub fn nth(&self, job: JobKind, place: (&str, usize)) -> u64 {
        let trial = self.again();
        let places = trial.places(job);
        let mut found = (1_u64..).zip(&places).filter(|(_, name)| *name == place.0);
        found.nth(place.1 - 1).unwrap_or_else(|| panic!("{job}: {place:?} in {places:?}")).0
    }

    /// Days go by.
    pub fn days_later(&mut self, days: i64) {
        self.clock += TimeDelta::days(days);
    }

    /// Another stage with a copy of the database as it is, at the same time, for the same work: what
    /// it says of PDFs, it finds in a folder of its own.
    pub fn again(&self) -> Self {
        let (config, documents) = (std::fs::read_to_string(self.folder.path().join("finops.toml")).unwrap(), self.documents());
        let again = Self { clock: self.clock, page: self.page, receiver: self.receiver.clone(), ..Self::new(self.db.copy()) };
        let config = config.replace(&self.db.url(), &again.db.url());
        let port = |stage: &Self| format!("port = {}", stage.mail.port());
        again.write("finops.toml", &config.replace(&port(self), &port(&again)));
        let copied =
            Command::new("cp").arg("-a").arg(&documents).arg(again.folder.path()).stderr(Stdio::null()).status().unwrap();
        assert!(copied.success() || !documents.exists());
        let sent = "SELECT COUNT(*) FROM effects WHERE kind = 'message.email' AND state = 'succeeded'";
        let mailed = again.db.value(sent).parse().unwrap();
        Self { mailed, ..again }
    }

    /// Time goes by, until the claims of a killed run have expired.
    pub fn later(&mut self) {
        self.clock += LATER;
    }

    /// Runs all jobs until they have nothing left to do, and nothing waits for its next attempt.
    pub fn settle(&mut self) {
        self.later();
        for _ in 0..HOURS {
            for job in JOBS {
                self.run(*job);
            }
            let open = "SELECT COUNT(*) FROM effects WHERE state IN ('planned', 'sending', 'unknown')";
            if self.db.value(open) == "0" {
                return;
            }
            self.clock += TimeDelta::hours(1);
        }
    }
}

/// Whether every case is wanted, however long it takes: `FINOPS_CRASH_ALL=1`. CI takes a sample.
pub fn all_cases() -> bool {
    number("FINOPS_CRASH_ALL").is_some_and(|n| n > 0)
}

/// A number that the tests are told from outside.
pub fn number(name: &str) -> Option<u64> {
    let text = variable(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What the tests are told from outside.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how much is tested is no configuration of the program")]
    std::env::var(name).ok()
}

/// Does all of it, on more threads than a small machine has cores, since they mostly wait for
/// processes and disks.
pub fn side_by_side<T: Sync>(cases: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            each(case);
        }
    };
    std::thread::scope(|scope| {
        (0..THREADS).map(|_| scope.spawn(work)).collect::<Vec<_>>().into_iter().for_each(|t| t.join().unwrap())
    });
}

pub fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}
