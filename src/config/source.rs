//! Where a value that may be secret comes from (reliability.md, "Security"): the file itself, an
//! environment variable, another file, a command, or systemd's credentials.

use super::secret::presentable;
use super::section::Given;
use super::{Origin, REDACTED, Section};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The value itself, and the suffixes of its key that name another source.
const SUFFIXES: [&str; 5] = ["", "_env", "_file", "_command", "_credential"];

/// A value as it was found.
pub struct Found {
    pub text: String,
    /// The key that was given, and its place: `url_file`.
    pub key: String,
    pub at: Range<usize>,
    /// Where it was found outside the config file, in words.
    pub via: Option<String>,
}

/// Reads `key` from the one of its sources that is given; none when no source is, or when it is
/// wrong, which has been noted.
pub fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Found> {
    let Given { key, suffix, at, text: given } = section.source(key, &SUFFIXES)?;
    let read = match suffix {
        "_env" => from_environment(section, &given).map(|text| (text, Some(format!("environment variable {given}")))),
        "_file" => {
            from_private_file(&section.folder().join(&given)).map(|text| (text, Some(format!("file {}", presentable(&given)))))
        }
        "_command" => from_command(section.folder(), &given).map(|text| (text, Some("command".to_owned()))),
        "_credential" => {
            from_credentials(section, &given).map(|text| (text, Some(format!("credential {}", presentable(&given)))))
        }
        _ => Ok((given, None)),
    };
    match read {
        Ok((text, via)) => Some(Found { text, key, at, via }),
        Err(reason) => {
            section.mistake(&at, &key, reason);
            None
        }
    }
}

/// A secret from the one of its sources that is given, by its own check, which never repeats it. None
/// when it is wrong, which has been noted, or not there.
pub fn secret<T>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    file: &Path,
    check: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let found = read(section, key)?;
    // What others can read is told, and so is what is wrong with it: one `chmod` is not to bring up the next mistake.
    let is_exposed = found.via.is_none() && others_may_read(file);
    if is_exposed {
        let reason = format!(
            "is a secret in a file that others can read: run `chmod 600` on it, or use {key}_file, {key}_env or {key}_command"
        );
        section.mistake(&found.at, &found.key, reason);
    }
    match check(&found.text) {
        Ok(value) => {
            let line = section.line(&found.at);
            section.note(key, &REDACTED, found.via.map_or(Origin::Line(line), |via| Origin::Via(line, via)));
            (!is_exposed).then_some(value)
        }
        Err(reason) => {
            section.mistake(&found.at, &found.key, reason);
            None
        }
    }
}

/// The same for a secret that must be there.
pub fn required<T>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    file: &Path,
    check: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    if !is_given(section, key) {
        section.missing(key, &format!("; it may also be given by {key}_env, {key}_file, {key}_command or {key}_credential"));
    }
    secret(section, key, file, check)
}

/// Whether any source of `key` is given, right or wrong.
pub fn is_given(section: &Section<'_, '_>, key: &str) -> bool {
    SUFFIXES.iter().any(|suffix| section.has(&format!("{key}{suffix}")))
}

/// The place of the source that is given of `key`, or of the heading.
pub fn place(section: &Section<'_, '_>, key: &str) -> Range<usize> {
    let given = SUFFIXES.iter().map(|suffix| format!("{key}{suffix}")).find(|name| section.has(name));
    section.place_of(&given.unwrap_or_default())
}

/// Checks that at most one source of `key` is given, and leaves it alone.
pub fn skip(section: &mut Section<'_, '_>, key: &'static str) -> Option<Found> {
    section.source(key, &SUFFIXES);
    None
}

fn from_environment(section: &Section<'_, '_>, name: &str) -> Result<String, String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("must be the name of an environment variable (letters, digits and _), not the value itself".to_owned());
    }
    let found = section.environment().text(name).map(str::to_owned);
    found.ok_or_else(|| format!("the environment variable {name} is not set; in a crontab, set it above the lines"))
}

/// A file with one secret in it, which only its owner may read.
fn from_private_file(path: &Path) -> Result<String, String> {
    let mode = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(format!("{0} can be read or changed by others (mode {mode:03o}): run `chmod 600 {0}`", named(path)));
    }
    trimmed(std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?, &named(path))
}

/// systemd guards its folder by itself, and gives the files in it modes of its own: so no check of the mode.
fn from_credentials(section: &Section<'_, '_>, name: &str) -> Result<String, String> {
    let Some(folder) = section.environment().path("CREDENTIALS_DIRECTORY") else {
        return Err("CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit with LoadCredential=".to_owned());
    };
    // systemd.exec(5): a credential's name is a file name, and holds no colon.
    if name.contains(['/', ':']) || name == ".." {
        return Err("must be the name of a credential, without a folder and not the value itself".to_owned());
    }
    let path = folder.join(name);
    trimmed(std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?, &named(&path))
}

/// Runs a command in the folder of the config file and takes what it prints. Its errors go to
/// stderr as they are; its output is never shown.
fn from_command(folder: &Path, command: &str) -> Result<String, String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let output =
        shell.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|error| format!("cannot run sh: {error}"))?;
    if !output.status.success() {
        return Err(format!("the command failed ({})", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| "the command printed no valid UTF-8".to_owned())?;
    trimmed(text, "the command's output")
}

/// Editors and `echo` end a file with a newline that belongs to no secret.
fn trimmed(text: String, what: &str) -> Result<String, String> {
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err(format!("{what} is empty")) } else { Ok(text.to_owned()) }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", named(path))
}

/// The file's name, unless somebody put the URL itself in its place.
fn named(path: &Path) -> String {
    presentable(&path.to_string_lossy()).into_owned()
}

/// Whether others than the owner may read a file.
pub fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0)
}
