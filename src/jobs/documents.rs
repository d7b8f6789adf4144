//! The PDFs of issued invoices: rendered from the frozen documents on all cores, and put where the
//! configuration says. `invoices issue` plans them; whoever delivers effects carries them out.

mod folder;

use crate::context::Context;
use crate::crash;
use crate::engine::outbox::{Calls, Deliver, Outcome, Policy};
use crate::error::{Error, Result, io_error};
use crate::model::digest::sha256_hex;
use crate::model::document::Document;
use crate::model::{EffectKind, Failure, FailureClass, InvoiceId, Receipt, SellerId, WorkClass};
use crate::providers::s3::Bucket;
use crate::render::{Fonts, Logo, invoice_pdf};
use crate::rules::retry::Repeat;
use crate::store::documents::{self, DocumentFile};
use crate::store::effects::Effect;
use crate::store::{Db, Tx, sellers};
use chrono::Datelike;
use folder::Folder;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::OnceLock;

/// PDFs a block: rendered side by side, recorded in one transaction.
const FILES: u32 = 200;

/// The same for objects, each of which is a call that may hang for a minute, and is made once more
/// then: few enough that a run on another machine is not taken for dead meanwhile.
const OBJECTS_A_CORE: usize = 2;

/// The built-in fonts, with the configured ones behind them.
pub fn load_fonts(ctx: &Context) -> Result<Fonts> {
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

/// Reads a stored document.
pub fn parse(invoice_id: &InvoiceId, content: &str) -> Result<Document> {
    serde_json::from_str(content).map_err(|e| {
        Error::failed(format!("the document of invoice {invoice_id} cannot be read: {e}"))
            .hint("it was changed by something else than finops: finops db check")
    })
}

/// The idempotency key of an invoice's PDF.
pub fn key(seller_id: &SellerId, number: &str) -> String {
    format!("{}:{seller_id}:{number}", EffectKind::Document)
}

/// Where a document's PDF lies in the folder of documents: seller, year, number.
pub fn relative_path(document: &Document) -> String {
    let year = document.issued_on.year().to_string();
    crate::providers::folder::relative_name(&[&document.seller.id, &year, &format!("{}.pdf", document.number)])
}

/// Renders PDFs and puts them into their place.
pub struct Documents<'c> {
    ctx: &'c Context,
    /// Loaded when the first PDF is made: most runs of cron make none.
    fonts: OnceLock<Fonts>,
    place: Place,
}

/// Where PDFs go.
enum Place {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

impl<'c> Documents<'c> {
    pub fn new(ctx: &'c Context) -> Self {
        let place = match &ctx.config.documents.s3 {
            Some(settings) => Place::Bucket(Box::new(Bucket::new(settings.clone()))),
            None => Place::Folder(Folder::new(ctx.config.documents.folder.clone())),
        };
        Self { ctx, fonts: OnceLock::new(), place }
    }

    /// The configured fonts.
    pub fn fonts(&self) -> Result<&Fonts> {
        if let Some(fonts) = self.fonts.get() {
            return Ok(fonts);
        }
        let fonts = load_fonts(self.ctx)?;
        Ok(self.fonts.get_or_init(|| fonts))
    }

    /// The bytes of a document, always the same for the same document.
    pub fn render(&self, document: &Document, logo: Option<&Logo>) -> Result<Vec<u8>> {
        Ok(invoice_pdf(document, logo, self.fonts()?)?)
    }

    /// Makes one PDF and puts it into its place.
    fn make(&self, effect: &Effect, inputs: &Inputs) -> Result<Outcome> {
        let (document, logo) = match inputs.of(effect) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(Failure::new(FailureClass::Local, reason))),
        };
        let bytes = match self.render(document, logo) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(Failure::new(FailureClass::Rejected, error.message))),
        };
        match &self.place {
            Place::Folder(folder) => folder.put(&relative_path(document), &bytes),
            Place::Bucket(bucket) => {
                let year = document.issued_on.year().to_string();
                let name = bucket.object_name(&document.seller.id, &year, &document.number, &sha256_hex(&bytes));
                let put = bucket.put(&name, &bytes, "application/pdf", self.ctx.clock.now());
                crash::point("object.put");
                Ok(put)
            }
        }
    }
}

impl Deliver for Documents<'_> {
    fn kind(&self) -> EffectKind {
        EffectKind::Document
    }

    fn provider(&self) -> &str {
        match &self.place {
            Place::Folder(_) => "folder",
            Place::Bucket(_) => "s3",
        }
    }

    fn policy(&self) -> Policy {
        let block = match &self.place {
            Place::Folder(_) => FILES,
            Place::Bucket(_) => u32::try_from(rayon::current_num_threads() * OBJECTS_A_CORE).unwrap_or(FILES),
        };
        Policy { class: WorkClass::Uploads, repeat: Repeat::Harmless, block, calls: Calls::Together }
    }

    fn look_for_lost(&self, db: &mut Db) -> Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.look_for_lost(db, self.ctx.clock.now()),
            // Nobody takes an object away by the way, and asking for each would cost as history grows.
            Place::Bucket(_) => Ok(()),
        }
    }

    fn finish(&self, db: &mut Db) -> Result<()> {
        match &self.place {
            Place::Folder(folder) => folder.finish(db),
            Place::Bucket(_) => Ok(()),
        }
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        self.fonts()?;
        let inputs = db.read(|tx| load(tx, effects))?;
        let made: Result<Vec<Outcome>> = effects.par_iter().map(|effect| self.make(effect, &inputs)).collect();
        crash::point("pdf.renamed");
        let made = made?;
        if let Place::Folder(folder) = &self.place {
            folder.flush(made.iter().flatten().map(|receipt| receipt.provider_ref.as_str()))?;
        }
        Ok(made)
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        // One that a person settled says nothing of a file.
        let files: Vec<DocumentFile> = done
            .iter()
            .filter(|(_, receipt)| !receipt.sha256.is_empty())
            .map(|(effect, receipt)| DocumentFile {
                company_id: effect.company_id.clone(),
                invoice_id: InvoiceId::stored(&effect.subject),
                place: match &self.place {
                    Place::Folder(_) => String::new(),
                    Place::Bucket(_) => self.provider().to_owned(),
                },
                path: receipt.provider_ref.clone(),
                sha256: receipt.sha256.clone(),
                bytes: receipt.bytes,
            })
            .collect();
        Ok(documents::put_pdfs(tx, &files, self.ctx.clock.now())?)
    }
}

/// What a block is made from. What cannot be read spoils its own effects only.
struct Inputs {
    /// By invoice id.
    documents: HashMap<String, Result<Document, String>>,
    /// By SHA-256.
    logos: HashMap<String, Result<Option<Logo>, String>>,
}

impl Inputs {
    fn of(&self, effect: &Effect) -> Result<(&Document, Option<&Logo>), String> {
        let missing = || "its document is not in the database: finops db check".to_owned();
        let document = self.documents.get(effect.subject.as_str()).ok_or_else(missing)?.as_ref().map_err(Clone::clone)?;
        let logo = match self.logos.get(&document.logo_sha256) {
            Some(logo) => logo.as_ref().map_err(Clone::clone)?.as_ref(),
            None => None,
        };
        Ok((document, logo))
    }
}

fn load(tx: &mut Tx, effects: &[Effect]) -> Result<Inputs> {
    let companies: BTreeSet<&str> = effects.iter().map(|e| e.company_id.as_str()).collect();
    let companies: Vec<&str> = companies.into_iter().collect();
    let owner = effects.first().map_or("", |e| e.owner.as_str());
    let mut inputs = Inputs { documents: HashMap::new(), logos: HashMap::new() };
    for (invoice_id, content) in documents::being_made(tx, &companies, EffectKind::Document, owner)? {
        inputs.documents.insert(invoice_id.to_string(), parse(&invoice_id, &content).map_err(|e| e.message));
    }
    let wanted: BTreeSet<&String> = inputs.documents.values().flatten().map(|d| &d.logo_sha256).collect();
    for sha256 in wanted {
        inputs.logos.insert(sha256.clone(), load_logo(tx, sha256).map_err(|e| e.message));
    }
    Ok(inputs)
}
