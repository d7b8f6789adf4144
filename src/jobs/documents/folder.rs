//! PDFs in a folder of this machine, and those that are gone from it.

use super::key;
use crate::engine::host;
use crate::engine::outbox::Outcome;
use crate::error::{Error, Result, io_error};
use crate::model::digest::sha256_hex;
use crate::model::{Failure, FailureClass, Receipt};
use crate::providers::folder;
use crate::store::documents::{self, DocumentFile};
use crate::store::{Db, effects, invoices};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files that are looked for at a time.
const PAGE: u32 = 1000;

/// The folder of documents.
pub(super) struct Folder {
    root: PathBuf,
    /// Folders in it (relative) whose time of change is to be kept at the end.
    touched: Mutex<BTreeSet<String>>,
}

impl Folder {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root, touched: Mutex::new(BTreeSet::new()) }
    }

    fn touch(&self, folder: &str) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
    }

    /// Writes a file, whole or not at all. A full disk is everybody's trouble, and ends the run.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> Result<Outcome> {
        match folder::put(&self.root, path, bytes) {
            Ok(_) => {
                let sha256 = sha256_hex(bytes);
                Ok(Ok(Receipt { provider_ref: path.to_owned(), sha256, bytes: bytes.len() as u64 }))
            }
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => {
                Err(io_error("write", &self.root.join(path), error))
            }
            Err(error) => {
                let message = format!("cannot write {}: {error}", self.root.join(path).display());
                Ok(Err(Failure::new(FailureClass::Local, message)))
            }
        }
    }

    /// Makes what was put survive a power cut.
    pub(super) fn flush<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Result<()> {
        let written: Vec<&str> = paths.collect();
        let files: Vec<PathBuf> = written.iter().map(|path| self.root.join(path)).collect();
        folder::sync_folders(files.iter().map(PathBuf::as_path)).map_err(|e| io_error("flush", &self.root, e))?;
        for (folder, _) in written.iter().filter_map(|path| path.rsplit_once('/')) {
            self.touch(folder);
        }
        Ok(())
    }

    /// Folders that changed by other hands are looked through, and what is gone is planned again.
    pub(super) fn look_for_lost(&self, db: &mut Db, at: DateTime<Utc>) -> Result<()> {
        for (folder, left_at) in db.read(|tx| documents::folders(tx, &host::name()))? {
            if folder::changed_at(&self.root.join(&folder)) != left_at {
                self.replan_missing(db, &folder, at)?;
                self.touch(&folder);
            }
        }
        Ok(())
    }

    fn replan_missing(&self, db: &mut Db, folder: &str, at: DateTime<Utc>) -> Result<()> {
        let path = self.root.join(folder);
        let there = folder::names(&path).map_err(|e| io_error("read", &path, e))?;
        let mut after = String::new();
        loop {
            let page = db.read(|tx| documents::in_folder(tx, folder, &after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.path);
            let name = |file: &DocumentFile| Path::new(&file.path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let missing: Vec<&DocumentFile> = page.iter().filter(|file| !there.contains(&name(file))).collect();
            if missing.is_empty() {
                continue;
            }
            db.write_surely(|tx| {
                for file in &missing {
                    let head = invoices::head(tx, &file.company_id, &file.invoice_id)?;
                    if let Some((seller_id, number)) = head.and_then(|head| Some((head.seller_id, head.number?))) {
                        effects::plan_again(tx, &file.company_id, &key(&seller_id, &number), at)?;
                    }
                }
                Ok::<_, Error>(())
            })?;
        }
    }

    /// Remembers how the folders were left.
    pub(super) fn finish(&self, db: &mut Db) -> Result<()> {
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        let left: Vec<(String, String)> =
            touched.into_iter().map(|f| (f.clone(), folder::changed_at(&self.root.join(&f)))).collect();
        if left.is_empty() {
            return Ok(());
        }
        db.write_surely(|tx| left.iter().try_for_each(|(folder, at)| documents::put_folder(tx, &host::name(), folder, at)))?;
        Ok(())
    }
}
