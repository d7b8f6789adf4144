//! What the machine gives: files and their modes, the filesystem, space, fonts, cron.

use super::{Report, State};
use crate::config::DatabaseUrl;
use crate::context::Context;
use crate::engine::filesystem;
use crate::jobs::JobKind;
use crate::jobs::documents::load_fonts;
use std::fs::OpenOptions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Below so many MiB free, it is time to look; below the second, PDFs and journals soon fail.
const LOW_MIB: u64 = 1024;
const EMPTY_MIB: u64 = 100;

/// Can the folder of documents be written to?
pub(super) fn documents(ctx: &Context, dry_run: bool, report: &mut Report) {
    const CHECK: &str = "documents";
    if let Some(bucket) = &ctx.config.documents.s3 {
        // Whether it can be reached is seen at the objects (books.rs).
        report.ok(CHECK, format!("they go to the bucket {}", bucket.bucket));
        return;
    }
    let folder = &ctx.config.documents.folder;
    let there = existing(folder);
    let shown = folder.display();
    if !there.is_dir() {
        let hint = "move it away, or change [documents] folder in finops.toml";
        report.add(CHECK, State::Problem, format!("{} is no folder", there.display()), hint);
    } else if dry_run {
        report.ok(CHECK, format!("{shown} (not tried)"));
    } else {
        match try_to_write(&there) {
            Ok(()) if folder.exists() => report.ok(CHECK, format!("{shown} can be written to")),
            Ok(()) => report.ok(CHECK, format!("{shown} is made with the first PDF")),
            Err(error) => {
                let hint = "check its owner and mode, for the user that cron runs finops as";
                report.add(CHECK, State::Problem, format!("{} cannot be written to: {error}", there.display()), hint);
            }
        }
    }
}

/// A file of its own, gone at once.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".finops-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    std::fs::remove_file(&probe)
}

/// The folder, or the nearest one above it that is there.
fn existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|path| path.exists()).unwrap_or(&absolute).to_owned()
}

/// Do the fonts load?
pub(super) fn fonts(ctx: &Context, report: &mut Report) {
    let fallbacks = ctx.config.documents.fallback_fonts.len();
    match load_fonts(ctx) {
        Ok(_) => report.ok("fonts", format!("the built-in ones and {fallbacks} of your own")),
        Err(error) => report.error("fonts", error),
    }
}

/// Is there room for the database and the documents?
pub(super) fn disk(ctx: &Context, report: &mut Report) {
    let mut folders = vec![existing(&ctx.config.documents.folder)];
    if let DatabaseUrl::Sqlite(path) = &ctx.config.database.url {
        folders.push(existing(path.parent().unwrap_or(path)));
    }
    let free = folders.iter().filter_map(|folder| Some((free_mib(folder)?, folder))).min();
    let Some((mib, folder)) = free else { return };
    let message = format!("{mib} MiB free at {}", folder.display());
    match mib {
        ..EMPTY_MIB => report.add("disk", State::Problem, message, "free some space"),
        EMPTY_MIB..LOW_MIB => report.add("disk", State::Warning, message, "free some space soon"),
        _ => report.ok("disk", message),
    }
}

/// As POSIX `df` says; None where there is none.
fn free_mib(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).env("LC_ALL", "C").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().rev().nth(2)?.parse().ok()?;
    Some(kib / 1024)
}

/// Does cron call the jobs? Something else may, so it is only noted.
pub(super) fn crontab(report: &mut Report) {
    const CHECK: &str = "crontab";
    let Ok(output) = Command::new("crontab").arg("-l").output() else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let active = |job: &JobKind| text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(&job.command()));
    let missing: Vec<String> = JobKind::ALL.iter().filter(|job| !active(job)).map(|job| job.command()).collect();
    if missing.is_empty() {
        report.ok(CHECK, format!("this user's crontab calls all {} jobs", JobKind::ALL.len()));
    } else {
        let message = format!("this user's crontab does not call {}", missing.join(", "));
        report.add(
            CHECK,
            State::Note,
            message,
            "finops schedule show has the lines; nothing to do if another scheduler calls them",
        );
    }
}

/// Is the SQLite file for its owner alone, and on a disk of this machine?
pub(super) fn database_file(ctx: &Context, report: &mut Report) {
    let DatabaseUrl::Sqlite(path) = &ctx.config.database.url else { return };
    const CHECK: &str = "database file";
    let shown = path.display();
    if mode(path).is_some_and(|mode| mode & 0o077 != 0) {
        let message = format!("{shown} can be read by other users of this machine");
        report.add(CHECK, State::Warning, message, format!("chmod 600 {shown}"));
    }
    let Some(name) = filesystem::of(path) else { return };
    match name.as_str() {
        name if filesystem::is_network(name) => {
            let message = format!("{shown} is on {name}, where locks do not hold: two jobs at once can destroy it");
            report.add(CHECK, State::Problem, message, "move it to a disk of this machine, or use Postgres");
        }
        name if name.starts_with("fuse") || name == "virtiofs" || name == "9p" => {
            let hint = "make sure that only this machine uses it, or move it to a disk of this machine";
            report.add(CHECK, State::Warning, format!("{shown} is on {name}, whose locks finops cannot judge"), hint);
        }
        "tmpfs" | "ramfs" => {
            report.add(CHECK, State::Warning, format!("{shown} is in memory, and gone after a restart"), "move it to a disk");
        }
        name => report.ok(CHECK, format!("{shown} is on {name}, a filesystem of this machine")),
    }
}

/// The permission bits of a file.
pub(super) fn mode(file: &Path) -> Option<u32> {
    Some(std::fs::metadata(file).ok()?.permissions().mode() & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_says_where_its_files_are() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_mib(folder.path()).is_some_and(|mib| mib > 0));
        assert!(try_to_write(folder.path()).is_ok() && std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
