//! A hermetic place to run the binary in: a folder of its own, no environment, a clock that stands
//! still and ids that repeat; what still differs between machines is redacted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The instant at which every test takes place: a Saturday in autumn, at noon in UTC.
pub const NOW: &str = "2026-10-31T12:00:00Z";

/// A folder to run in.
pub struct TestEnvironment {
    folder: TempDir,
    vars: Vec<(String, String)>,
}

/// What a run said and how it ended.
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl TestEnvironment {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("finops-test-").tempdir().expect("a temporary folder");
        Self { folder, vars: Vec::new() }
    }

    /// Sets a variable for the runs to come.
    pub fn set(&mut self, name: &str, value: &str) {
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    /// The command, to be run by the test itself.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_finops"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.folder.path());
        command.env("FINOPS_TEST_CLOCK", NOW).env("FINOPS_TEST_SEED", "1");
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `finops` in the folder.
    pub fn finops(&self, args: &[&str]) -> Said {
        self.said(self.command(args).output().expect("the binary runs"))
    }

    /// What a command of [`Self::command`] said, redacted.
    pub fn said(&self, output: std::process::Output) -> Said {
        let text = |bytes: &[u8]| redact(std::str::from_utf8(bytes).expect("output is UTF-8"), self.folder.path());
        let code = output.status.code().expect("not killed by a signal");
        Said { stdout: text(&output.stdout), stderr: text(&output.stderr), code }
    }
}

impl Said {
    /// The JSON lines of stdout.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"));
        self.stdout.lines().map(read).collect()
    }

    /// Both outputs, for what must hold in either.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// As it stands in a snapshot.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

/// Replaces what differs from run to run: the folder, ids that finops makes, seconds.
fn redact(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "$FOLDER");
    let mut redacted = String::new();
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        if let Some(id) = rest.get(..36).filter(|id| is_uuid(id)) {
            redacted.push_str("[id]");
            rest = &rest[id.len()..];
        } else if let Some(after) = rest.strip_prefix("\"seconds\":") {
            redacted.push_str("\"seconds\":0");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        } else if let Some(after) = rest.strip_prefix(", ").and_then(after_seconds) {
            redacted.push_str(", 0.0 s");
            rest = after;
        } else {
            redacted.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    redacted
}

/// What follows `0.3 s`, which ends a summary or stands before the run's digest.
fn after_seconds(text: &str) -> Option<&str> {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('.')?;
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(" s")?;
    (after.is_empty() || after.starts_with(['\n', ','])).then_some(after)
}

fn is_uuid(text: &str) -> bool {
    text.chars().enumerate().all(|(at, c)| if [8, 13, 18, 23].contains(&at) { c == '-' } else { c.is_ascii_hexdigit() })
}

#[test]
fn only_what_differs_is_redacted() {
    let said =
        redact("/tmp/x/a.pdf 0192f0c1-2345-7abc-8def-0123456789ab {\"seconds\":1.25} 12.50 EUR, 1.7 s", Path::new("/tmp/x"));
    assert_eq!(said, "$FOLDER/a.pdf [id] {\"seconds\":0} 12.50 EUR, 0.0 s");
}
