//! Files in a folder of this machine: whole or not there, whatever crashes. Invoices are nobody's
//! business but their owner's: files are made with mode 0600, folders with 0700, whatever the umask.

use crate::crash;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a file of another process is waited for: many times a slow disk's flush.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Writes a file under `folder`: a temporary file beside it, flushed to the disk, then renamed.
/// The same content again changes nothing; other content under the name is refused, since what was
/// written may have been sent. `relative` comes from `relative_name`.
pub fn put(folder: &Path, relative: &str, content: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(relative);
    match fs::read(&path) {
        Ok(there) if there == content => return Ok(path),
        Ok(_) => {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                format!("{} is there with other content; move it away", path.display()),
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let parent = path.parent().unwrap_or(folder);
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    write_private(&path, content)?;
    Ok(path)
}

/// Writes a file that only its owner can read, whole or not at all: in place of the one that is
/// there, if any. What is no file (`/dev/stdout`, a pipe) is written to as it is.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return OpenOptions::new().write(true).open(path)?.write_all(content);
    }
    // Through a link, so that the link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut temporary = path.clone().into_os_string();
    temporary.push(".part");
    let mut file = lock_temporary(Path::new(&temporary))?;
    // What a crash left behind keeps the mode and the content that it had.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    file.write_all(content)?;
    crash::point("file.written");
    file.sync_all()?;
    crash::point("file.flushed");
    fs::rename(&temporary, &path).inspect_err(|_| {
        // Such as a folder of that name: the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// The temporary file, for this process alone: another may be writing the same document, and one
/// that died may have left its file behind, which is written over. The lock is the kernel's and
/// goes with its holder; one that is halted, not dead, is not waited for without end.
fn lock_temporary(temporary: &Path) -> io::Result<File> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(temporary)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            Err(TryLockError::WouldBlock) => {
                let text = format!("another process has been writing {} for too long", temporary.display());
                return Err(io::Error::new(ErrorKind::WouldBlock, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // While this one waited, the holder may have given the file its final name.
        match fs::metadata(temporary) {
            Ok(there) if there.ino() == file.metadata()?.ino() => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes renames in these folders survive a power cut. Once a block of files, not once a file.
pub fn sync_folders<'p>(files: impl Iterator<Item = &'p Path>) -> io::Result<()> {
    let mut folders: Vec<&Path> = files.filter_map(Path::parent).collect();
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
}

/// When entries were last added to a folder or taken from it, as a text to compare; empty when the
/// folder is not there.
pub fn changed_at(folder: &Path) -> String {
    let modified = fs::metadata(folder).and_then(|m| m.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map(|d| d.as_nanos().to_string()).unwrap_or_default()
}

/// The names in a folder; none when it is not there.
pub fn names(folder: &Path) -> io::Result<HashSet<String>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

/// Longest part of a path that is kept as it is: file systems take names of 255 bytes (NAME_MAX),
/// of which `.part` needs some.
const LONGEST: usize = 240;

/// A path made from data that cannot leave its folder: in each part, every byte but letters,
/// digits, `-`, `_` and inner dots is written as `%XX`, so that different parts stay different. Of a
/// part that is too long for a name then, the rest is a digest.
pub fn relative_name(parts: &[&str]) -> String {
    let safe = |part: &&str| {
        let mut name = String::with_capacity(part.len());
        for (index, byte) in part.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
                b'.' if index > 0 => name.push('.'),
                _ => name.push_str(&format!("%{byte:02X}")),
            }
        }
        if name.len() > LONGEST { shortened(&name) } else { name }
    };
    parts.iter().map(safe).collect::<Vec<_>>().join("/")
}

/// The start of a name, half of its SHA-256 behind a `~`, which no other name has, and its extension.
fn shortened(name: &str) -> String {
    let digest: String = Sha256::digest(name).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let extension = name.rfind('.').map(|at| &name[at..]).filter(|extension| extension.len() <= 8).unwrap_or_default();
    format!("{}~{digest}{extension}", &name[..LONGEST / 2])
}

/// A part of such a path as it was before; None when no part is written so, or
/// when the part was too long.
pub fn part_of_name(name: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok())?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let part = String::from_utf8(bytes).ok()?;
    (relative_name(&[&part]) == name).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halted_writer_holds_up_nobody_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let halted = File::create(folder.path().join("a.part")).unwrap();
        halted.lock().unwrap();
        assert_eq!(write_private(&path, b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(halted);
        write_private(&path, b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        assert_eq!(relative_name(&["nord", "2026", "INV-2026-000001.pdf"]), "nord/2026/INV-2026-000001.pdf");
        assert_eq!(relative_name(&["../..", "a/b", "."]), "%2E.%2F../a%2Fb/%2E");
        assert_ne!(relative_name(&["a/b"]), relative_name(&["a%2Fb"]));
        let long = relative_name(&[&"漢".repeat(64), &format!("{}.pdf", "漢".repeat(64))]);
        assert_eq!(long.rsplit_once('/').map(|(folder, file)| (folder.len(), file.len())), Some((153, 157)));
        assert!(long.ends_with(".pdf"), "{long}");
        for part in ["INV-2026-000001.pdf", "RE 7/2026", "№", "%2F", "..", ""] {
            assert_eq!(part_of_name(&relative_name(&[part])).as_deref(), Some(part));
        }
        assert_eq!([part_of_name("%2"), part_of_name("%2f"), part_of_name("%+1"), part_of_name("a b")], [None, None, None, None]);
    }

    #[test]
    fn a_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "a/b.pdf", b"one").unwrap();
        assert_eq!(put(folder.path(), "a/b.pdf", b"one").unwrap(), path);
        assert_eq!(put(folder.path(), "a/b.pdf", b"two").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_reads_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let documents = folder.path().join("documents");
        fs::write(folder.path().join(format!("b.pdf.{}.part", std::process::id())), "left by a crash").unwrap();
        let path = put(&documents, "a/b.pdf", b"one").unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap()), mode(&documents)), (0o600, 0o700, 0o700));
        let other = folder.path().join("b.pdf");
        fs::write(&other, "before").unwrap();
        write_private(&other, b"after").unwrap();
        assert_eq!((mode(&other), fs::read(&other).unwrap().as_slice()), (0o600, b"after".as_slice()));
        assert!(write_private(&documents, b"x").is_err() && documents.is_dir());
        write_private(Path::new("/dev/null"), b"x").unwrap();
        assert!(!Path::new("/dev/null.part").exists());
    }
}
