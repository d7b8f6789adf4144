//! On what a file lies: SQLite's locks, and those of jobs, do not hold over a network.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Filesystems over a network (sqlite.org/wal.html, "does not work over a network filesystem").
const NETWORK: [&str; 13] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "gfs2", "ocfs2", "beegfs", "fuse.sshfs"];

/// Whether a filesystem of this type is shared with other machines.
pub fn is_network(name: &str) -> bool {
    NETWORK.contains(&name)
}

/// Refuses to work on a database where two jobs at once could destroy it.
///
/// # Errors
/// Exit 78, with what to do.
pub fn refuse_network(database: &Path) -> Result<()> {
    match of(database).filter(|name| is_network(name)) {
        None => Ok(()),
        Some(name) => Err(Error::config(format!(
            "{} is on {name}, a network filesystem: locks do not hold there, and two jobs at once can destroy it",
            database.display()
        ))
        .hint("move it to a disk of this machine, or use Postgres")),
    }
}

/// The type of the filesystem that holds a file; None where the kernel does not tell.
pub fn of(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    filesystem_in(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, &file)
}

/// The longest mount point that the path lies under; of equal ones the last, which covers the others.
fn filesystem_in(mountinfo: &str, file: &Path) -> Option<String> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = PathBuf::from(unescaped(before.split(' ').nth(4)?));
        let name = after.split(' ').next()?.to_owned();
        file.starts_with(&point).then(|| (point.components().count(), name))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, name)| name)
}

/// Blanks stand in mountinfo as octal: `\040` (proc(5)).
fn unescaped(point: &str) -> String {
    point.replace(r"\040", " ").replace(r"\011", "\t").replace(r"\012", "\n").replace(r"\134", r"\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = r"22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
31 27 0:40 / /srv rw,relatime shared:3 master:1 - nfs4 nas:/srv rw,vers=4.2
32 31 254:1 / /srv/my\040books rw,relatime - xfs /dev/vdb rw
33 27 0:41 / /mnt rw - xfs /dev/vdc rw
34 33 0:42 / /mnt rw - cifs //nas/mnt rw";

    #[test]
    fn a_file_lies_on_the_nearest_mount_above_it() {
        for (file, expected) in [
            ("/var/lib/finops.db", "ext4"),
            ("/srv/finops.db", "nfs4"),
            ("/srv/my books/finops.db", "xfs"),
            ("/srvx/finops.db", "ext4"),
            ("/mnt/finops.db", "cifs"),
        ] {
            assert_eq!(filesystem_in(MOUNTINFO, Path::new(file)).as_deref(), Some(expected), "{file}");
        }
        assert_eq!(filesystem_in("", Path::new("/x")), None);
    }

    #[test]
    fn this_machine_says_where_its_files_are() {
        let folder = tempfile::tempdir().unwrap();
        assert!(of(folder.path()).is_some());
        assert!(refuse_network(folder.path()).is_ok());
        assert!(is_network("nfs4") && !is_network("ext4"));
    }
}
