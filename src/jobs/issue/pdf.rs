//! The PDFs of issued invoices: rendered from the frozen documents on all cores, written whole.

use crate::context::Context;
use crate::crash;
use crate::engine::outbox::{Deliver, Outcome, Receipt};
use crate::engine::summary::hex;
use crate::error::{Error, Result, io_error};
use crate::model::InvoiceId;
use crate::model::document::Document;
use crate::providers::folder;
use crate::render::{Fonts, Logo, invoice_pdf};
use crate::store::documents::{self, DocumentFile};
use crate::store::effects::{Effect, EffectKind};
use crate::store::{Db, Tx, sellers};
use chrono::Datelike;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

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
}

impl<'c> PdfWriter<'c> {
    pub const fn new(ctx: &'c Context, fonts: Fonts) -> Self {
        Self { ctx, fonts }
    }

    /// A writer with the configured fonts.
    pub fn load(ctx: &'c Context) -> Result<Self> {
        Ok(Self { ctx, fonts: load_fonts(ctx)? })
    }

    /// The bytes of a document, always the same for the same document.
    pub fn render(&self, document: &Document, logo: Option<&Logo>) -> Result<Vec<u8>> {
        Ok(invoice_pdf(document, logo, &self.fonts)?)
    }

    fn write(
        &self,
        effect: &Effect,
        document: &Document,
        logos: &HashMap<String, Logo>,
    ) -> Result<(DocumentFile, PathBuf), String> {
        let bytes = self.render(document, logos.get(&document.logo_sha256)).map_err(|e| e.to_string())?;
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

impl Deliver for PdfWriter<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::WritePdf
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let (documents, logos) = db.read(|tx| load(tx, effects))?;
        let written: Vec<Result<(DocumentFile, PathBuf), String>> = effects
            .par_iter()
            .map(|effect| match documents.get(effect.subject.as_str()) {
                Some(document) => self.write(effect, document, &logos),
                None => Err("its document is not in the database".to_owned()),
            })
            .collect();
        crash::point("pdf.renamed");
        let paths = written.iter().filter_map(|w| w.as_ref().ok().map(|(_, path)| Path::new(path)));
        folder::sync_folders(paths).map_err(|e| io_error("flush", &self.ctx.config.documents.folder, e))?;
        let receipt = |(file, _): (DocumentFile, PathBuf)| Receipt { provider_ref: file.path.clone(), file: Some(file) };
        Ok(written.into_iter().map(|w| w.map(receipt)).collect())
    }
}

fn load(tx: &mut Tx, effects: &[Effect]) -> Result<(HashMap<String, Document>, HashMap<String, Logo>)> {
    let companies: BTreeSet<&str> = effects.iter().map(|e| e.company_id.as_str()).collect();
    let companies: Vec<&str> = companies.into_iter().collect();
    let mut found = HashMap::new();
    for (invoice_id, content) in documents::planned_for(tx, &companies, EffectKind::WritePdf)? {
        let document = parse(&invoice_id, &content)?;
        found.insert(invoice_id.to_string(), document);
    }
    let mut logos = HashMap::new();
    for sha256 in found.values().map(|d| &d.logo_sha256).collect::<BTreeSet<_>>() {
        if let Some(logo) = load_logo(tx, sha256)? {
            logos.insert(sha256.clone(), logo);
        }
    }
    Ok((found, logos))
}

/// Reads a stored document.
pub fn parse(invoice_id: &InvoiceId, content: &str) -> Result<Document> {
    serde_json::from_str(content).map_err(|e| {
        Error::failed(format!("the document of invoice {invoice_id} cannot be read: {e}"))
            .hint("it was changed by something else than finops: finops db check")
    })
}
