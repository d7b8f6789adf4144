//! Files in a folder of this machine: whole or not there, whatever crashes.

use crate::crash;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

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
    fs::create_dir_all(parent)?;
    // A fixed name: what a crash leaves behind, the next attempt writes over.
    let mut temporary = path.clone().into_os_string();
    temporary.push(".part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(content)?;
    crash::point("file.written");
    file.sync_all()?;
    crash::point("file.flushed");
    fs::rename(&temporary, &path)?;
    Ok(path)
}

/// Makes renames in these folders survive a power cut. Once a block of files, not once a file.
pub fn sync_folders<'p>(files: impl Iterator<Item = &'p Path>) -> io::Result<()> {
    let mut folders: Vec<&Path> = files.filter_map(Path::parent).collect();
    folders.sort_unstable();
    folders.dedup();
    folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
}

/// A path made from data that cannot leave its folder: in each part, every byte but letters,
/// digits, `-`, `_` and inner dots is written as `%XX`, so that different parts stay different.
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
        name
    };
    parts.iter().map(safe).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        assert_eq!(relative_name(&["nord", "2026", "INV-2026-000001.pdf"]), "nord/2026/INV-2026-000001.pdf");
        assert_eq!(relative_name(&["../..", "a/b", "."]), "%2E.%2F../a%2Fb/%2E");
        assert_ne!(relative_name(&["a/b"]), relative_name(&["a%2Fb"]));
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
}
