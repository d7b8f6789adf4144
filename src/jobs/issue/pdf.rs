//! The PDFs of issued invoices: rendered from the frozen documents on all cores, written whole.

use crate::context::Context;
use crate::crash;
use crate::engine::host;
use crate::engine::outbox::{Deliver, Outcome, Receipt};
use crate::engine::summary::hex;
use crate::error::{Error, Result, io_error};
use crate::model::EffectKind;
use crate::model::InvoiceId;
use crate::model::document::Document;
use crate::providers::folder;
use crate::render::{Fonts, Logo, invoice_pdf};
use crate::store::documents::{self, DocumentFile};
use crate::store::effects::{self, Effect};
use crate::store::{Db, Tx, sellers};
use chrono::Datelike;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files that are looked for at a time.
const PAGE: u32 = 1000;

/// The built-in fonts, with the configured ones behind them.
pub(super) fn load_fonts(ctx: &Context) -> Result<Fonts> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|e| io_error("read the font", path, e));
    let files = ctx.config.documents.fallback_fonts.iter().map(read).collect::<Result<Vec<_>>>()?;
    Fonts::with_fallback(files)
        .map_err(|invalid| Error::config(invalid.to_string()).hint("check [documents] fallback_fonts in finops.toml"))
}

/// The logo that a document shows, if any.
pub fn load_logo(tx: &mut Tx, sha256: &str) -> Result<Option<Logo>> {
    if sha256.is_empty() {
        return Ok(None);
    }
    let bytes = sellers::asset(tx, sha256)?.ok_or_else(|| Error::failed(format!("the logo {sha256} is not in the database")))?;
    Logo::parse(bytes).map(Some).map_err(|invalid| Error::failed(invalid.to_string()))
}

/// Where a document's PDF lies in the folder of documents: seller, year, number.
pub fn relative_path(document: &Document) -> String {
    let year = document.issued_on.year().to_string();
    folder::relative_name(&[&document.seller.id, &year, &format!("{}.pdf", document.number)])
}

/// Writes PDFs into the configured folder.
pub struct PdfWriter<'c> {
    ctx: &'c Context,
    fonts: Fonts,
    /// Folders (relative) whose time of change is to be kept at the end.
    touched: Mutex<BTreeSet<String>>,
}

impl<'c> PdfWriter<'c> {
    pub const fn new(ctx: &'c Context, fonts: Fonts) -> Self {
        Self { ctx, fonts, touched: Mutex::new(BTreeSet::new()) }
    }

    /// A writer with the configured fonts.
    pub fn load(ctx: &'c Context) -> Result<Self> {
        Ok(Self::new(ctx, load_fonts(ctx)?))
    }

    /// The bytes of a document, always the same for the same document.
    pub fn render(&self, document: &Document, logo: Option<&Logo>) -> Result<Vec<u8>> {
        Ok(invoice_pdf(document, logo, &self.fonts)?)
    }

    fn write(&self, effect: &Effect, inputs: &Inputs) -> Result<(DocumentFile, PathBuf), String> {
        let missing = || "its document is not in the database".to_owned();
        let document = inputs.documents.get(effect.subject.as_str()).ok_or_else(missing)?.as_ref().map_err(Clone::clone)?;
        let logo = match inputs.logos.get(&document.logo_sha256) {
            Some(logo) => logo.as_ref().map_err(Clone::clone)?.as_ref(),
            None => None,
        };
        let bytes = self.render(document, logo).map_err(|e| e.to_string())?;
        let path = relative_path(document);
        let folder = &self.ctx.config.documents.folder;
        let written =
            folder::put(folder, &path, &bytes).map_err(|e| format!("cannot write {}: {e}", folder.join(&path).display()))?;
        let file = DocumentFile {
            company_id: effect.company_id.clone(),
            invoice_id: document.invoice_id.clone(),
            path,
            sha256: hex(&Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
        };
        Ok((file, written))
    }
}

impl PdfWriter<'_> {
    fn touch(&self, folder: &str) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
    }

    /// Plans the PDFs again that were written into a folder and are not there.
    fn replan_missing(&self, db: &mut Db, folder: &str) -> Result<()> {
        let path = self.ctx.config.documents.folder.join(folder);
        let there = folder::names(&path).map_err(|e| io_error("read", &path, e))?;
        let mut after = String::new();
        loop {
            let page = db.read(|tx| documents::in_folder(tx, folder, &after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.path);
            let name = |file: &DocumentFile| file.path.rsplit('/').next().map(str::to_owned).unwrap_or_default();
            let missing: Vec<&DocumentFile> = page.iter().filter(|file| !there.contains(&name(file))).collect();
            if missing.is_empty() {
                continue;
            }
            db.write(|tx| {
                missing.iter().try_for_each(|file| {
                    effects::plan_again(tx, EffectKind::Document, &file.company_id, file.invoice_id.as_str())
                })
            })
            .map_err(Error::from)?;
        }
    }
}

impl Deliver for PdfWriter<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Document
    }

    fn look_for_lost(&self, db: &mut Db) -> Result<()> {
        let root = &self.ctx.config.documents.folder;
        for (folder, left_at) in db.read(|tx| documents::folders(tx, &host::name()))? {
            if folder::changed_at(&root.join(&folder)) != left_at {
                self.replan_missing(db, &folder)?;
                self.touch(&folder);
            }
        }
        Ok(())
    }

    fn finish(&self, db: &mut Db) -> Result<()> {
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        let root = &self.ctx.config.documents.folder;
        let left: Vec<(String, String)> = touched.into_iter().map(|f| (f.clone(), folder::changed_at(&root.join(&f)))).collect();
        if left.is_empty() {
            return Ok(());
        }
        db.write(|tx| left.iter().try_for_each(|(folder, at)| documents::put_folder(tx, &host::name(), folder, at)))?;
        Ok(())
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let inputs = db.read(|tx| load(tx, effects))?;
        let written: Vec<Result<(DocumentFile, PathBuf), String>> =
            effects.par_iter().map(|effect| self.write(effect, &inputs)).collect();
        crash::point("pdf.renamed");
        let paths = written.iter().filter_map(|w| w.as_ref().ok().map(|(_, path)| Path::new(path)));
        folder::sync_folders(paths).map_err(|e| io_error("flush", &self.ctx.config.documents.folder, e))?;
        for (file, _) in written.iter().flatten() {
            if let Some((folder, _)) = file.path.rsplit_once('/') {
                self.touch(folder);
            }
        }
        let receipt = |(file, _): (DocumentFile, PathBuf)| Receipt { provider_ref: file.path.clone(), file: Some(file) };
        Ok(written.into_iter().map(|w| w.map(receipt)).collect())
    }
}

/// What a block is made from. What cannot be read spoils its own effects only.
struct Inputs {
    /// By invoice id.
    documents: HashMap<String, Result<Document, String>>,
    /// By SHA-256.
    logos: HashMap<String, Result<Option<Logo>, String>>,
}

fn load(tx: &mut Tx, effects: &[Effect]) -> Result<Inputs> {
    let companies: BTreeSet<&str> = effects.iter().map(|e| e.company_id.as_str()).collect();
    let companies: Vec<&str> = companies.into_iter().collect();
    let mut inputs = Inputs { documents: HashMap::new(), logos: HashMap::new() };
    for (invoice_id, content) in documents::planned_for(tx, &companies, EffectKind::Document)? {
        inputs.documents.insert(invoice_id.to_string(), parse(&invoice_id, &content).map_err(|e| e.message));
    }
    let wanted: BTreeSet<&String> = inputs.documents.values().flatten().map(|d| &d.logo_sha256).collect();
    for sha256 in wanted {
        inputs.logos.insert(sha256.clone(), load_logo(tx, sha256).map_err(|e| e.message));
    }
    Ok(inputs)
}

/// Reads a stored document.
pub fn parse(invoice_id: &InvoiceId, content: &str) -> Result<Document> {
    serde_json::from_str(content).map_err(|e| {
        Error::failed(format!("the document of invoice {invoice_id} cannot be read: {e}"))
            .hint("it was changed by something else than finops: finops db check")
    })
}
