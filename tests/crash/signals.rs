//! Signals, readers that go away, and disks that are full: what is in hand is recorded or rolled back,
//! the exit code says which, and the next run goes on.

use crate::business;
use crate::oracle::{books, check};
use crate::paused::signal;
use crate::stage::{Stage, told};
use crate::support::TestDb;
use crate::support::books::found;
use crate::together::until;
use finops::jobs::JobKind::{InvoicesGenerate, InvoicesIssue};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn stage() -> Stage {
    Stage::new(business::prepare(TestDb::sqlite()))
}

fn undisturbed(stage: &Stage) -> Vec<String> {
    let mut undisturbed = Stage::new(stage.db.copy());
    undisturbed.settle();
    books(&undisturbed.db)
}

/// The job by way of another program, in its place and with its surroundings.
fn by_way_of(mut other: Command, stage: &Stage) -> Command {
    let program = stage.job(InvoicesGenerate);
    other.arg(program.get_program()).args(program.get_args());
    other.current_dir(program.get_current_dir().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    other.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other
}

/// The job as a terminal starts it, also where these tests run in a shell's background or under `nohup`.
fn in_the_foreground(stage: &Stage) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP,INT,TERM");
    by_way_of(env, stage)
}

/// Starts a run that waits for a writer, and returns both.
fn held_up(stage: &Stage, mut command: Command) -> (Child, rusqlite::Connection) {
    let writer = stage.db.rusqlite();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let child = command.spawn().unwrap();
    let lock = format!("{}-{InvoicesGenerate}.lock", stage.db.url().trim_start_matches("sqlite:"));
    until("the lock", || std::fs::read_to_string(&lock).is_ok_and(|pid| pid == child.id().to_string()));
    // Its first writing comes right after.
    std::thread::sleep(Duration::from_millis(300));
    (child, writer)
}

fn send(name: &str, child: &Child) {
    signal(name, child.id());
    std::thread::sleep(Duration::from_millis(200));
}

#[test]
fn a_closed_terminal_ends_a_run_like_sigterm() {
    let mut stage = stage();
    let expected = undisturbed(&stage);
    let (child, writer) = held_up(&stage, in_the_foreground(&stage));
    send("HUP", &child);
    writer.execute_batch("ROLLBACK").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", told(&output));
    assert!(told(&output).contains("stopped by SIGHUP"), "{}", told(&output));
    assert_eq!(stage.db.value("SELECT outcome FROM runs"), "terminated");
    assert_ne!(stage.db.value("SELECT COUNT(*) FROM invoices"), "0", "the page in hand is recorded");
    stage.settle();
    check(&mut stage, &expected, "SIGHUP");
}

#[test]
fn a_second_signal_of_any_kind_ends_it_at_once() {
    let mut stage = stage();
    let expected = undisturbed(&stage);
    for (first, second, code) in [("TERM", "INT", 130), ("INT", "HUP", 143), ("HUP", "HUP", 143)] {
        let (child, writer) = held_up(&stage, in_the_foreground(&stage));
        send(first, &child);
        send(second, &child);
        // The writer still writes: it waited for nothing.
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{first}, {second}: {}", told(&output));
        writer.execute_batch("ROLLBACK").unwrap();
    }
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), "0");
    stage.settle();
    check(&mut stage, &expected, "two signals");
}

#[test]
fn what_nohup_ignores_stays_ignored() {
    let stage = stage();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "nohup"]);
    let (child, writer) = held_up(&stage, by_way_of(shell, &stage));
    send("HUP", &child);
    send("HUP", &child);
    writer.execute_batch("ROLLBACK").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert_eq!(stage.db.value("SELECT COUNT(*) FROM invoices"), business::INVOICES);
}

/// `finops … | head -1`, and a reader that is gone before anything is written. That nobody reads is no
/// reason to stop: the exit code is that of the work.
#[test]
fn nobody_need_read_what_is_said() {
    let mut stage = stage();
    let expected = undisturbed(&stage);
    for (job, flag, code) in [(InvoicesGenerate, "--json", 3), (InvoicesIssue, "-v", 0)] {
        let mut child = stage.job(job).arg(flag).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{job}");
        let summary = stage.db.value(&format!("SELECT summary FROM runs WHERE job = '{job}'"));
        assert!(summary.contains("\"done\":13"), "{summary}");
    }
    stage.settle();
    for command in [&["audit", "export"][..], &["invoices", "list", "--json"], &["audit", "list"]] {
        let mut child = stage.command(command).spawn().unwrap();
        let mut first = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty() && !first.is_empty(), "{command:?}: {}", told(&output));
    }
    check(&mut stage, &expected, "nobody read it");
}

/// A small disk of its own; None where this user may not mount one, which is said loudly.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "none"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { path });
        }
        let text = "a full disk is NOT tested: only root may mount a small one (as CI does)";
        let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
        None
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: u64) {
        let mut file = File::create(self.path.join("filler")).unwrap();
        let (mut written, chunk) = (0, [0; 4096]);
        while file.write_all(&chunk).is_ok() {
            written += chunk.len() as u64;
        }
        file.set_len(written - free).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

#[test]
fn a_full_disk_under_the_database_leaves_nothing_half_written() {
    let stage = stage();
    let folder = stage.documents().with_file_name("disk");
    let Some(disk) = Disk::mount(folder.clone()) else { return };
    let books = folder.join("books.db");
    std::fs::copy(Path::new(stage.db.url().trim_start_matches("sqlite:")), &books).unwrap();
    stage.write("finops.toml", "[database]\nurl = \"sqlite:disk/books.db\"\n");
    let invoices = || String::from_utf8(stage.must(&["invoices", "list", "--json"]).stdout).unwrap().lines().count();
    let mut failed = 0;
    for job in [InvoicesGenerate, InvoicesIssue] {
        for free in [16_384, 65_536, 98_304] {
            let before = invoices();
            disk.fill(free);
            let output = stage.job(job).output().unwrap();
            disk.make_room();
            if output.status.code() == Some(1) {
                failed += 1;
                assert!(told(&output).contains("full"), "it says why: {}", told(&output));
                assert_eq!(invoices(), before, "{job} with {free} bytes free");
                stage.must(&["audit", "verify"]);
            }
        }
        let output = stage.run(job);
        assert_eq!(invoices().to_string(), business::INVOICES, "{}", told(&output));
    }
    assert!(failed >= 3, "the disk was full indeed: {failed}");
    stage.must(&["audit", "verify"]);
    stage.must(&["db", "check"]);
    let issued = String::from_utf8(stage.must(&["invoices", "list", "--state", "open", "--json"]).stdout).unwrap();
    assert_eq!(issued.lines().count().to_string(), business::INVOICES);
}

#[test]
fn a_full_disk_under_the_documents_ends_the_run_and_the_next_writes_the_rest() {
    let mut stage = stage();
    let expected = undisturbed(&stage);
    let Some(disk) = Disk::mount(stage.documents()) else { return };
    stage.run(InvoicesGenerate);
    disk.fill(120_000);
    let output = stage.job(InvoicesIssue).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("space"), "it says what to do: {}", told(&output));
    let written = stage.db.value("SELECT COUNT(*) FROM document_files").parse::<usize>().unwrap();
    assert!(written < 13, "{written}");
    assert_eq!(
        stage.db.value("SELECT COUNT(*) FROM invoices WHERE state = 'open'"),
        business::INVOICES,
        "what is issued is issued"
    );
    disk.make_room();
    stage.settle();
    assert_eq!(found(&stage.documents()).len().to_string(), business::INVOICES, "no temporary file is left");
    check(&mut stage, &expected, "the disk was full");
}
