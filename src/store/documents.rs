//! The frozen documents of issued invoices, and the files made from them.

use super::value::Kind::{Int, Text};
use super::{Bulk, StoreError, Tx, Val};
use crate::model::{CompanyId, InvoiceId};
use chrono::{DateTime, Utc};

/// A canonical document on its way in.
pub struct NewDocument {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    /// Hex.
    pub sha256: String,
    pub content: String,
}

static INSERT: Bulk<4> = Bulk {
    table: "invoice_documents",
    columns: [("company_id", Text), ("invoice_id", Text), ("sha256", Text), ("content", Text)],
    on_conflict: "",
};

/// Keeps documents for good.
pub fn insert(tx: &mut Tx, documents: &[NewDocument]) -> Result<(), StoreError> {
    let rows = documents.iter().map(|d| -> [Val; 4] {
        [d.company_id.as_str().into(), d.invoice_id.as_str().into(), (&d.sha256).into(), (&d.content).into()]
    });
    tx.insert(&INSERT, rows).map(drop)
}

/// The canonical JSON of an issued invoice, and its SHA-256 (hex).
pub fn find(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Option<(String, String)>, StoreError> {
    const SQL: &str = "SELECT content, sha256 FROM invoice_documents WHERE company_id = $1 AND invoice_id = $2";
    tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| Ok((row.string(0)?, row.string(1)?)))
}

/// A file that was written from a document.
#[derive(Debug, Clone)]
pub struct DocumentFile {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    /// Empty for the folder of documents, else `s3`.
    pub place: String,
    /// Relative to the folder of documents, or `s3://bucket/object`.
    pub path: String,
    /// Hex.
    pub sha256: String,
    pub bytes: u64,
}

static PUT_FILE: Bulk<8> = Bulk {
    table: "document_files",
    columns: [
        ("company_id", Text),
        ("invoice_id", Text),
        ("format", Text),
        ("path", Text),
        ("sha256", Text),
        ("bytes", Int),
        ("written_at", Text),
        ("place", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, invoice_id, format) DO UPDATE SET path = excluded.path, place = excluded.place, sha256 = excluded.sha256,
      bytes = excluded.bytes, written_at = excluded.written_at",
};

/// Records PDFs that were written.
pub fn put_pdfs(tx: &mut Tx, files: &[DocumentFile], at: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = files.iter().map(|f| -> [Val; 8] {
        [
            f.company_id.as_str().into(),
            f.invoice_id.as_str().into(),
            "pdf".into(),
            (&f.path).into(),
            (&f.sha256).into(),
            Val::Int(i64::try_from(f.bytes).unwrap_or(i64::MAX)),
            at.into(),
            (&f.place).into(),
        ]
    });
    tx.insert(&PUT_FILE, rows).map(drop)
}

/// The PDF of an invoice, if it was written.
pub fn pdf(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Option<DocumentFile>, StoreError> {
    const SQL: &str =
        "SELECT path, sha256, bytes, place FROM document_files WHERE company_id = $1 AND invoice_id = $2 AND format = 'pdf'";
    tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |row| {
        Ok(DocumentFile {
            company_id: company_id.clone(),
            invoice_id: invoice_id.clone(),
            path: row.string(0)?,
            sha256: row.string(1)?,
            bytes: row.number(2)?,
            place: row.string(3)?,
        })
    })
}

/// A page of the PDFs that were written, after (company, invoice).
pub fn pdfs(tx: &mut Tx, after: (&str, &str), limit: u32) -> Result<Vec<DocumentFile>, StoreError> {
    const SQL: &str = "SELECT company_id, invoice_id, path, sha256, bytes, place FROM document_files
      WHERE (company_id, invoice_id) > ($1, $2) AND format = 'pdf' ORDER BY company_id, invoice_id LIMIT $3";
    tx.query(SQL, &[after.0.into(), after.1.into(), limit.into()], |row| {
        Ok(DocumentFile {
            company_id: CompanyId::stored(row.text(0)?),
            invoice_id: InvoiceId::stored(row.text(1)?),
            path: row.string(2)?,
            sha256: row.string(3)?,
            bytes: row.number(4)?,
            place: row.string(5)?,
        })
    })
}

/// The canonical documents of the effects that a run has in hand, by (company, invoice).
pub fn being_made(
    tx: &mut Tx,
    companies: &[&str],
    kind: crate::model::EffectKind,
    owner: &str,
) -> Result<Vec<(InvoiceId, String)>, StoreError> {
    const SQL: &str = "SELECT d.company_id, d.invoice_id, d.content FROM effects e
      JOIN invoice_documents d ON d.company_id = e.company_id AND d.invoice_id = e.subject
      WHERE e.company_id = $1 AND e.kind = $2 AND e.state = 'sending' AND e.owner = $3 ORDER BY d.company_id, d.invoice_id";
    let params = [kind.as_str().into(), owner.into()];
    tx.query_companies(SQL, companies, &params, |row| Ok((InvoiceId::stored(row.text(1)?), row.string(2)?)))
}

/// The folders that this machine wrote to, with their time of change as it was left.
pub fn folders(tx: &mut Tx, host: &str) -> Result<Vec<(String, String)>, StoreError> {
    const SQL: &str = "SELECT folder, changed_at FROM document_folders WHERE host = $1 ORDER BY folder";
    tx.query(SQL, &[host.into()], |row| Ok((row.string(0)?, row.string(1)?)))
}

/// Remembers how a folder was left.
pub fn put_folder(tx: &mut Tx, host: &str, folder: &str, changed_at: &str) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO document_folders (host, folder, changed_at) VALUES ($1, $2, $3)
      ON CONFLICT (host, folder) DO UPDATE SET changed_at = excluded.changed_at";
    tx.execute(SQL, &[host.into(), folder.into(), changed_at.into()]).map(drop)
}

/// A page of the files that were written into a folder, by path, after `after`.
pub fn in_folder(tx: &mut Tx, folder: &str, after: &str, limit: u32) -> Result<Vec<DocumentFile>, StoreError> {
    const SQL: &str = "SELECT company_id, invoice_id, path, sha256, bytes, place FROM document_files
      WHERE path > $1 AND path > $2 AND path < $3 AND place = '' ORDER BY path LIMIT $4";
    // '0' comes right after '/'.
    let (from, to) = (format!("{folder}/"), format!("{folder}0"));
    tx.query(SQL, &[after.into(), from.into(), to.into(), limit.into()], |row| {
        Ok(DocumentFile {
            company_id: CompanyId::stored(row.text(0)?),
            invoice_id: InvoiceId::stored(row.text(1)?),
            path: row.string(2)?,
            sha256: row.string(3)?,
            bytes: row.number(4)?,
            place: row.string(5)?,
        })
    })
}
