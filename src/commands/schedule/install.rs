//! `finops schedule install`: the jobs that exist, for cron or for systemd, with the whole paths of
//! this program and of its configuration, since neither runs with a user's PATH or folder.

use super::{CRONTAB, Line, lines};
use crate::config::Config;
use crate::context::Shell;
use crate::error::{Error, ExitCode, Result, io_error};
use crate::providers::crontab;
use crate::rules::crontab::{Block, cron_word, on_calendar, systemd_word};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write systemd services and timers instead of crontab lines.
    #[arg(long)]
    systemd: bool,

    /// Where they are written [default: the user's own units, ~/.config/systemd/user].
    #[arg(long, value_name = "DIR", requires = "systemd")]
    folder: Option<PathBuf>,

    /// Take away what an earlier install wrote.
    #[arg(long)]
    remove: bool,

    /// Show what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Which program runs for which configuration.
struct Target {
    program: String,
    config: String,
}

/// A line of the crontab, or a file of systemd.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a Path>,
    content: &'a str,
}

#[derive(Serialize)]
struct Summary {
    job: &'static str,
    dry_run: bool,
    /// `crontab`, or the folder of the units.
    place: String,
    /// Whether anything was written or taken away, or would be.
    changed: bool,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    if shell.globals.database.is_some() {
        return Err(Error::usage("what cron runs takes its database from the configuration, not from --database")
            .hint("write the URL into finops.toml, or name another file with --config"));
    }
    let target = Target::of(shell)?;
    if args.systemd { systemd(args, shell, &target) } else { cron(args, shell, &target) }
}

impl Target {
    /// This program, and the configuration that it would use here, which must be sound.
    fn of(shell: &Shell) -> Result<Self> {
        let config = Config::load(&shell.globals.overrides(), &shell.environment)?;
        let file = config.file.ok_or_else(|| Error::config("there is no configuration file").hint("run `finops init`"))?;
        let file = std::fs::canonicalize(&file).map_err(|error| io_error("find", &file, error))?;
        let program = std::env::current_exe().map_err(|error| Error::failed(format!("where this program lies: {error}")))?;
        Ok(Self { program: one_line(&program)?, config: one_line(&file)? })
    }

    /// A job's command line, each word as `quote` writes it.
    fn command(&self, line: &Line, quote: fn(&str) -> String) -> String {
        let words = ["--config", &self.config].into_iter().chain(line.command.split(' ').skip(1));
        let words = std::iter::once(self.program.as_str()).chain(words);
        words.map(quote).collect::<Vec<_>>().join(" ")
    }
}

fn one_line(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        Error::usage(format!("the path {} cannot be written into a schedule", path.display()))
            .hint("move it to one of plain characters")
    })
}

fn existing() -> impl Iterator<Item = Line> {
    lines(CRONTAB).into_iter().filter(|line| line.state == "exists")
}

fn cron(args: &Args, shell: &Shell, target: &Target) -> Result<ExitCode> {
    let block = Block { name: &target.config };
    let jobs = existing().map(|line| format!("# {}\n{}  {}\n", line.what, line.cron, target.command(&line, cron_word)));
    let jobs: String = jobs.collect();
    let before = crontab::read()?;
    let after = if args.remove { block.remove(&before) } else { block.put(&before, &jobs) };
    let after = after.map_err(|invalid| {
        Error::refused(format!("the block of finops in the crontab is damaged: {}", invalid.0))
            .hint("take its lines away with crontab -e, then run this again")
    })?;
    let changed = after != before;
    if changed && !args.dry_run {
        crontab::write(&after)?;
    }
    let text = block.text(&jobs);
    if !args.remove {
        shell.ui.done(&Written { path: None, content: &text }, || text.trim_end().to_owned());
    }
    tell(shell, args, "crontab".to_owned(), changed);
    Ok(ExitCode::Done)
}

fn tell(shell: &Shell, args: &Args, place: String, changed: bool) {
    let what = if place == "crontab" { "the crontab" } else { &place };
    let text = match (changed, args.remove, args.dry_run) {
        (false, true, _) => format!("{what} holds nothing of this configuration"),
        (false, false, _) => format!("{what} holds this already: nothing to do"),
        (true, true, true) => format!("this configuration's jobs would be taken out of {what}"),
        (true, true, false) => format!("this configuration's jobs are taken out of {what}"),
        (true, false, true) => format!("this would be written into {what}"),
        (true, false, false) => format!("this is written into {what}"),
    };
    let summary = Summary { job: "schedule.install", dry_run: args.dry_run, place, changed };
    shell.ui.summary(&summary, || format!("schedule install: {text}"), changed);
}

fn systemd(args: &Args, shell: &Shell, target: &Target) -> Result<ExitCode> {
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => user_units(shell)?,
    };
    let mark = format!("# Written by finops schedule install for {}; changes are lost.\n", target.config);
    let units = if args.remove { BTreeMap::new() } else { units(target, &mark)? };
    let there = ours(&folder, &mark)?;
    for name in units.keys().filter(|name| !there.contains_key(*name)) {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Error::refused(format!("{} is there already, and not of this configuration", path.display()))
                .hint("give another folder with --folder, or move that file away"));
        }
    }
    let stale: Vec<&String> = there.keys().filter(|name| !units.contains_key(*name)).collect();
    let new: Vec<(&String, &String)> = units.iter().filter(|(name, text)| there.get(*name) != Some(*text)).collect();
    let changed = !stale.is_empty() || !new.is_empty();
    if !args.dry_run {
        if !new.is_empty() {
            std::fs::create_dir_all(&folder).map_err(|error| io_error("make the folder", &folder, error))?;
        }
        for (name, text) in &new {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| io_error("write", &path, error))?;
        }
        for name in &stale {
            let path = folder.join(name);
            std::fs::remove_file(&path).map_err(|error| io_error("remove", &path, error))?;
        }
    }
    for (name, content) in &units {
        let path = folder.join(name);
        shell.ui.done(&Written { path: Some(&path), content }, || format!("# {}\n{}", path.display(), content.trim_end()));
    }
    tell(shell, args, folder.display().to_string(), changed);
    if changed && !args.dry_run && !args.remove {
        shell.ui.note(
            "to start them: systemctl --user daemon-reload && systemctl --user enable --now 'finops-*.timer'; \
             to run them while you are logged out: loginctl enable-linger",
        );
    }
    Ok(ExitCode::Done)
}

/// Where systemd looks for a user's own units (systemd.unit(5)).
fn user_units(shell: &Shell) -> Result<PathBuf> {
    let environment = &shell.environment;
    let home = || environment.path("HOME").map(|home| home.join(".config"));
    let config = environment.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(home);
    let config =
        config.ok_or_else(|| Error::usage("HOME is not set: where do the units go?").hint("say it with --folder DIR"))?;
    Ok(config.join("systemd/user"))
}

/// The files of an earlier install for this configuration.
fn ours(folder: &Path, mark: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(|error| io_error("read", folder, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| io_error("read", folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let unit = name.starts_with("finops-") && (name.ends_with(".service") || name.ends_with(".timer"));
        if unit
            && let Ok(text) = std::fs::read_to_string(entry.path())
            && text.starts_with(mark)
        {
            found.insert(name, text);
        }
    }
    Ok(found)
}

/// A service and a timer a job, by their file names.
fn units(target: &Target, mark: &str) -> Result<BTreeMap<String, String>> {
    let mut units = BTreeMap::new();
    for line in existing() {
        let name = unit_name(&line.command);
        let about = line.what.replace('%', "%%");
        let command = target.command(&line, systemd_word);
        let when = on_calendar(&line.cron).map_err(|invalid| Error::failed(invalid.0))?;
        let when: String = when.iter().map(|when| format!("OnCalendar={when}\n")).collect();
        let service = format!("{mark}[Unit]\nDescription={about}\n\n[Service]\nType=oneshot\nExecStart={command}\n");
        // Persistent: a night on which the machine was off is caught up when it is on again.
        let timer =
            format!("{mark}[Unit]\nDescription={about}\n\n[Timer]\n{when}Persistent=true\n\n[Install]\nWantedBy=timers.target\n");
        units.insert(format!("{name}.service"), service);
        units.insert(format!("{name}.timer"), timer);
    }
    Ok(units)
}

/// `finops-invoices-generate`: the command without how long it waits.
fn unit_name(command: &str) -> String {
    let command = command.split(" --lock-wait").next().unwrap_or(command);
    let words = command.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Those of jobs to come included, so that none finds its line impossible later.
    #[test]
    fn every_line_of_the_schedule_has_its_own_units() {
        let all = lines(CRONTAB);
        let names: BTreeSet<String> = all.iter().map(|line| unit_name(&line.command)).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.contains("finops-invoices-generate") && names.contains("finops-reminders-send-kind-overdue"), "{names:?}");
        for line in &all {
            assert!(on_calendar(&line.cron).is_ok(), "{}", line.cron);
        }
    }
}
