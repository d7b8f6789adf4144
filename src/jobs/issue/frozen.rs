//! A document that has its number, on its way into the database: the canonical text that is kept, the
//! audit row that tells its hash, the PDF that is to be made. Invoices and credit notes alike.

use crate::error::{Error, Result};
use crate::jobs::documents::key;
use crate::model::digest::sha256_hex;
use crate::model::document::Document;
use crate::model::{EffectKind, Invoice};
use crate::rules::document::canonical_json;
use crate::store::audit::Entry;
use crate::store::documents::{self, NewDocument};
use crate::store::effects::{self, NewEffect};
use crate::store::{StoreError, Tx};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What is written beside the rows of issued documents.
#[derive(Default)]
pub struct Frozen {
    documents: Vec<NewDocument>,
    effects: Vec<NewEffect>,
    pub entries: Vec<Entry>,
}

impl Frozen {
    /// Takes a document up. `about` are fields that its audit row tells besides.
    pub fn add(&mut self, action: &'static str, head: &Invoice, document: &Document, about: Value) -> Result<()> {
        let content = canonical_json(document).map_err(|e| Error::failed(format!("a document cannot be written: {e}")))?;
        let sha256 = sha256_hex(content.as_bytes());
        let mut payload =
            json!({ "number": document.number, "total": head.total, "currency": head.currency, "document_sha256": sha256 });
        if let (Some(payload), Value::Object(about)) = (payload.as_object_mut(), about) {
            payload.extend(about);
        }
        self.entries.push(Entry {
            company_id: head.company_id.to_string(),
            action,
            entity: "invoice",
            entity_id: head.invoice_id.to_string(),
            payload: payload.to_string(),
        });
        self.effects.push(NewEffect {
            company_id: head.company_id.clone(),
            key: key(&head.seller_id, &document.number),
            subject: head.invoice_id.to_string(),
            content_sha256: sha256.clone(),
            payload: String::new(),
            recipient: String::new(),
            not_before: None,
        });
        let (company_id, invoice_id) = (head.company_id.clone(), head.invoice_id.clone());
        self.documents.push(NewDocument { company_id, invoice_id, sha256, content });
        Ok(())
    }

    /// Keeps the documents for good, plans their PDFs, and gives back what the audit log is told.
    pub fn write(self, tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        documents::insert(tx, &self.documents)?;
        effects::plan(tx, EffectKind::Document, &self.effects, at)?;
        Ok(self.entries)
    }
}
