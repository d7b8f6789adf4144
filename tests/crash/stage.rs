//! A place to run the jobs in: a database, a folder for PDFs, and a clock that the test moves.

use crate::support::{TestDb, now};
use chrono::{DateTime, TimeDelta, Utc};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// The jobs under test, in the order in which cron runs them.
pub const JOBS: [&[&str]; 3] = [&["invoices", "generate"], &["invoices", "issue"], &["effects", "settle"]];

/// Longer than a claim of a killed run holds.
const LATER: TimeDelta = TimeDelta::seconds(1);

pub struct Stage {
    pub db: TestDb,
    folder: TempDir,
    clock: DateTime<Utc>,
    /// Units a page.
    page: Option<u32>,
}

impl Stage {
    pub fn new(db: TestDb) -> Self {
        let folder = tempfile::Builder::new().prefix("finops-crash-").tempdir().unwrap();
        std::fs::write(folder.path().join("finops.toml"), format!("[database]\nurl = \"{}\"\n", db.url())).unwrap();
        Self { db, folder, clock: now() + TimeDelta::days(2), page: None }
    }

    /// The same with so many units a page, that several pages are needed.
    pub fn in_pages_of(self, units: u32) -> Self {
        Self { page: Some(units), ..self }
    }

    pub fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, job: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_finops"));
        command.args(job).current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", "/usr/bin:/bin").env("FINOPS_TEST_CLOCK", self.clock.to_rfc3339());
        command.envs(self.page.map(|units| ("FINOPS_TEST_BATCH", units.to_string())));
        command
    }

    /// Runs a job to its end. The broken contract is told as newly failed the first time: 3.
    pub fn run(&self, job: &[&str]) -> Output {
        let output = self.command(job).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job:?}: {}", told(&output));
        output
    }

    /// Runs a job and kills it at the n-th place. False if it ended before.
    pub fn killed_at(&self, job: &[&str], n: u64) -> bool {
        let output = self.command(job).env("FINOPS_CRASH_AT", n.to_string()).output().unwrap();
        match killed(output.status) {
            true => true,
            false => {
                assert!(matches!(output.status.code(), Some(0 | 3)), "{job:?}: {}", told(&output));
                false
            }
        }
    }

    /// The names of the places that an undisturbed run of a job comes by.
    pub fn places(&self, job: &[&str]) -> Vec<String> {
        let log = self.folder.path().join("places");
        let output = self.command(job).env("FINOPS_CRASH_LOG", &log).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{job:?}: {}", told(&output));
        let places = std::fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = std::fs::remove_file(log);
        places
    }

    /// Time goes by, until the claims of a killed run have expired.
    pub fn later(&mut self) {
        self.clock += LATER;
    }

    /// Runs all jobs until they have nothing left to do.
    pub fn settle(&mut self) {
        self.later();
        for job in JOBS {
            self.run(job);
        }
    }
}

pub fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}
