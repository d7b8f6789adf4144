//! The user's crontab, by the program that every cron brings: `crontab -l` and `crontab -`.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};

/// What stands in it; nothing when the user has none.
pub fn read() -> Result<Vec<u8>> {
    let output = run(&["-l"], None)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // cron has no exit code of its own for this, and no other words in any of its versions.
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("no crontab for") { Ok(Vec::new()) } else { Err(refused("read", &said)) }
}

/// Puts `content` in its place, which cron takes whole or not at all.
pub fn write(content: &[u8]) -> Result<()> {
    let output = run(&["-"], Some(content))?;
    if output.status.success() { Ok(()) } else { Err(refused("change", &String::from_utf8_lossy(&output.stderr))) }
}

fn run(args: &[&str], input: Option<&[u8]>) -> Result<Output> {
    let not_there = |error: std::io::Error| {
        let told = Error::failed(format!("cannot run the program crontab: {error}"));
        match error.kind() {
            ErrorKind::NotFound => told.hint("install cron, or let systemd do it: finops schedule install --systemd"),
            _ => told,
        }
    };
    let mut command = Command::new("crontab");
    command.args(args).env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(not_there)?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // When it ended without reading all, its own words say why.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().map_err(not_there)
}

fn refused(doing: &str, said: &str) -> Error {
    Error::failed(format!("the program crontab does not {doing} the crontab: {}", said.trim()))
        .hint("see crontab -l; /etc/cron.allow and cron.deny say who may have one")
}
