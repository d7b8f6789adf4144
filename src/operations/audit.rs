//! Proving the audit log: that no row was changed, taken out or put in between, that what was
//! issued is still what the log says was issued, and that the digests which runs left, in the
//! database and outside it, come out of the rows again.
//!
//! One pass over all chains by (company, seq) in pages, and beside it, in the same order, over
//! heads and issued documents. Memory is flat but for one company's invoices and 100-odd bytes for
//! each batch that a run recorded.
//!
//! What it cannot see: who may write to the database can rewrite a chain from some row to its end,
//! hashes and head and all. Then the digests that cron kept outside do not come out (`--digests`).

mod digests;
mod pages;

pub use digests::{Claimed, claimed};

use self::pages::Pages;
use crate::error::Result;
use crate::model::digest::{hex, sha256_hex};
use crate::model::document::{Document, DocumentKind};
use crate::model::{CompanyId, Invoice, InvoiceState};
use crate::operations::import::taken_over;
use crate::rules::document::difference;
use crate::store::audit::{self, BatchDigest, GENESIS, HeadRow, IssuedDocument, Logged};
use crate::store::{Db, Tx};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Rows that are read together.
const PAGE: u32 = 1000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for scripts: `row_changed`, `rows_missing`, `document_changed`.
    pub rule: &'static str,
    pub company_id: String,
    /// The row of the company's chain.
    pub seq: Option<i64>,
    /// The invoice, the run, the payment.
    pub entity: String,
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub chains: u64,
    pub rows: u64,
    /// Payloads that were erased; the chain stands without them.
    pub erased: u64,
    pub documents: u64,
    /// Digests of runs that came out again.
    pub runs: u64,
    /// Runs from before the log held what their digests were made from.
    pub runs_unproven: u64,
    /// Digests from outside the database that came out again.
    pub digests: u64,
    pub findings: u64,
}

/// What to prove, and where to tell.
pub struct Request<'a> {
    /// One company's chain and documents; digests of runs need all.
    pub company: Option<&'a CompanyId>,
    /// What was kept outside the database.
    pub claimed: &'a [Claimed],
    pub found: &'a mut dyn FnMut(&Finding),
    /// Hears of each page how many rows it had.
    pub progress: &'a dyn Fn(u64),
}

/// Reads everything once, over one state of the database.
pub fn verify(db: &mut Db, request: Request) -> Result<Verified> {
    let Request { company, claimed, found, progress } = request;
    db.read(|tx| {
        let of = company.map(CompanyId::as_str);
        let mut pass = Pass {
            found,
            counts: Verified::default(),
            heads: Pages::new(of, audit::heads, |head: &HeadRow| (&head.company_id, "")),
            documents: Pages::new(of, audit::issued_documents, |d: &IssuedDocument| {
                (d.invoice.head.company_id.as_str(), d.invoice.head.invoice_id.as_str())
            }),
            batches: BTreeMap::new(),
        };
        pass.chains(tx, of, progress)?;
        if company.is_none() {
            pass.runs(tx, claimed)?;
        }
        Ok(pass.counts)
    })
}

struct Pass<'a> {
    found: &'a mut dyn FnMut(&Finding),
    counts: Verified,
    heads: Pages<'a, HeadRow>,
    documents: Pages<'a, IssuedDocument>,
    /// What each batch of each run moved.
    batches: BTreeMap<(String, i64), BatchDigest>,
}

/// A chain, as far as it was read.
struct Chain {
    company_id: String,
    seq: i64,
    hash: Vec<u8>,
    /// Run and batch of the last row.
    by: (String, i64),
    /// What the log says of issued invoices and credit notes, by id.
    issued: HashMap<String, Issued>,
}

/// What the log says was issued.
struct Issued {
    /// Of the document (hex); None when the payload was erased.
    sha256: Option<String>,
    /// Of an invoice of another system, which has no document here: what was taken over.
    taken_over: Option<Value>,
    /// The state that the last row about it says; None: the one in which it was issued.
    state: Option<InvoiceState>,
}

const RESTORE: &str = "compare with a backup from before: something else than finops changed the database";

impl Pass<'_> {
    fn tell(&mut self, rule: &'static str, place: (&str, Option<i64>, &str), message: impl Into<String>, hint: &'static str) {
        let (company_id, seq, entity) = place;
        let (company_id, entity, message) = (company_id.to_owned(), entity.to_owned(), message.into());
        self.counts.findings += 1;
        (self.found)(&Finding { rule, company_id, seq, entity, message, hint });
    }

    fn chains(&mut self, tx: &mut Tx, of: Option<&str>, progress: &dyn Fn(u64)) -> Result<()> {
        let mut chain: Option<Chain> = None;
        loop {
            let after = chain.as_ref().map_or(("", 0), |chain| (chain.company_id.as_str(), chain.seq));
            let page = audit::page(tx, of, after, PAGE)?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                if let Some(ended) = chain.take_if(|chain| chain.company_id != row.company_id) {
                    self.end(tx, ended)?;
                }
                let chain = chain.get_or_insert_with(|| Chain::of(&row.company_id));
                self.row(chain, row);
            }
            progress(page.len() as u64);
        }
        if let Some(ended) = chain {
            self.end(tx, ended)?;
        }
        while let Some(head) = self.heads.next(tx)? {
            self.head_without_rows(&head);
        }
        while let Some(document) = self.documents.next(tx)? {
            self.document(&document, None);
        }
        Ok(())
    }

    fn row(&mut self, chain: &mut Chain, row: &Logged) {
        let Logged { company_id, seq, .. } = row;
        let entity = format!("{} {}", row.entity, row.entity_id);
        let place = (company_id.as_str(), Some(*seq), entity.as_str());
        self.counts.rows += 1;
        match &row.payload {
            None => self.counts.erased += 1,
            Some(payload) if Sha256::digest(payload.as_bytes()).as_slice() != row.payload_sha256 => {
                self.tell(
                    "payload_changed",
                    place,
                    format!("the payload of {} is not the one that was written", row.action),
                    RESTORE,
                );
            }
            Some(_) => {}
        }
        if *seq == chain.seq + 1 {
            let texts = [&row.at, &row.actor, &row.action, &row.entity, &row.entity_id].map(String::as_str);
            let fits = match (<[u8; 32]>::try_from(chain.hash.as_slice()), <[u8; 32]>::try_from(row.payload_sha256.as_slice())) {
                (Ok(before), Ok(payload)) => audit::link(&before, *seq, texts, &payload).as_slice() == row.hash,
                _ => false,
            };
            if !fits {
                let message = format!("the row ({}) or its hash was changed, or the row before it", row.action);
                self.tell("row_changed", place, message, RESTORE);
            }
        } else {
            let message = format!("the rows {} to {} are missing", chain.seq + 1, seq - 1);
            self.tell("rows_missing", place, message, RESTORE);
        }
        chain.issued_by(row);
        if chain.by != (row.run_id.clone(), row.batch) {
            self.moved(chain);
        }
        (chain.seq, chain.hash, chain.by) = (*seq, row.hash.clone(), (row.run_id.clone(), row.batch));
    }

    /// The chain's last row was the last of its batch.
    fn moved(&mut self, chain: &Chain) {
        if !chain.by.0.is_empty() {
            self.batches.entry(chain.by.clone()).or_default().take(&chain.company_id, chain.seq, &chain.hash);
        }
    }

    fn end(&mut self, tx: &mut Tx, mut chain: Chain) -> Result<()> {
        self.counts.chains += 1;
        self.moved(&chain);
        let company = chain.company_id.clone();
        while let Some(head) = self.heads.next_before(tx, &company)? {
            self.head_without_rows(&head);
        }
        let place = (company.as_str(), Some(chain.seq), "");
        match self.heads.next_of(tx, &company)? {
            None => self.tell("head_missing", place, "the chain has no head, so nothing can be added to it", RESTORE),
            Some(head) if head.seq != chain.seq || head.hash != chain.hash => {
                let message = format!(
                    "the head of the chain says row {} {}, and the last row is {} {}",
                    head.seq,
                    short(&head.hash),
                    chain.seq,
                    short(&chain.hash)
                );
                self.tell("head_differs", place, message, RESTORE);
            }
            Some(_) => {}
        }
        while let Some(document) = self.documents.next_before(tx, &company)? {
            self.document(&document, None);
        }
        while let Some(document) = self.documents.next_of(tx, &company)? {
            let logged = chain.issued.remove(document.invoice.head.invoice_id.as_str());
            self.document(&document, logged.as_ref());
        }
        let mut gone: Vec<String> = chain.issued.into_keys().collect();
        gone.sort();
        for invoice in gone {
            let message = "the invoice was issued, and is not in the database any more";
            self.tell("invoice_missing", (&company, None, &format!("invoice {invoice}")), message, RESTORE);
        }
        Ok(())
    }

    fn head_without_rows(&mut self, head: &HeadRow) {
        let message = format!("the chain has a head at row {}, and no rows", head.seq);
        self.tell("chain_missing", (&head.company_id, Some(head.seq), ""), message, RESTORE);
    }

    /// `logged` is what the log says was issued: None when it says nothing.
    fn document(&mut self, issued: &IssuedDocument, logged: Option<&Issued>) {
        self.counts.documents += 1;
        let IssuedDocument { invoice, content, sha256 } = issued;
        let Invoice { company_id, invoice_id, .. } = &invoice.head;
        let entity = format!("invoice {} {invoice_id}", invoice.head.number.as_deref().unwrap_or_default());
        let place = (company_id.as_str(), None, entity.as_str());
        if let Some((before, logged)) = logged.and_then(|logged| Some((logged.taken_over.as_ref()?, logged))) {
            let state = logged.state.unwrap_or(InvoiceState::Open);
            if *before != taken_over(&invoice.head) {
                let message = "the rows of the invoice were changed: it is not what was taken over from another system";
                self.tell("invoice_changed", place, message, RESTORE);
            }
            return self.state(state, &invoice.head, place);
        }
        let (Some(content), Some(sha256)) = (content, sha256) else {
            return self.tell("document_missing", place, "the document of an issued invoice is gone", RESTORE);
        };
        // The rows beside it say nothing else than what was issued: they are what everything is reckoned from.
        if let Ok(document) = serde_json::from_str::<Document>(content) {
            if let Some(field) = difference(&document, invoice) {
                let message = format!("the rows of the invoice were changed: its {field} is not what its document says");
                self.tell("invoice_changed", place, message, RESTORE);
            }
            if let Some(logged) = logged {
                self.state(logged.state.unwrap_or_else(|| state_at_issue(&document)), &invoice.head, place);
            }
        }
        let is = sha256_hex(content.as_bytes());
        let message = match logged {
            _ if is != *sha256 => "the document is not the one that was kept when it was issued: its SHA-256 differs",
            None => "the audit log knows nothing of its being issued",
            Some(Issued { sha256: Some(logged), .. }) if *logged != is => {
                "the document is not the one that the audit log says was issued"
            }
            // It holds no personal data, and is the proof of the document: nothing erases it.
            Some(Issued { sha256: None, .. }) => "the payload that says which document was issued is gone",
            Some(Issued { sha256: Some(_), .. }) => return,
        };
        let rule = match logged {
            None if is == *sha256 => "issue_not_logged",
            Some(Issued { sha256: None, .. }) if is == *sha256 => "payload_missing",
            _ => "document_changed",
        };
        self.tell(rule, place, message, RESTORE);
    }

    fn state(&mut self, logged: InvoiceState, invoice: &Invoice, place: (&str, Option<i64>, &str)) {
        if logged != invoice.state {
            let message = format!("the invoice is {}, and by the log it is {logged}", invoice.state);
            self.tell("state_changed", place, message, RESTORE);
        }
    }
}

/// The state that a document was issued in: nothing is owed of a credit note, nor where nothing is to be paid.
fn state_at_issue(document: &Document) -> InvoiceState {
    match document.kind {
        DocumentKind::CreditNote => InvoiceState::Issued,
        DocumentKind::Invoice if document.to_pay() > Decimal::ZERO => InvoiceState::Open,
        DocumentKind::Invoice => InvoiceState::Paid,
    }
}

impl Chain {
    fn of(company_id: &str) -> Self {
        let (seq, hash, by) = (0, GENESIS.to_vec(), (String::new(), 0));
        Self { company_id: company_id.to_owned(), seq, hash, by, issued: HashMap::new() }
    }
}

impl Chain {
    /// Keeps what a row says of an issued invoice: its document, and its state.
    fn issued_by(&mut self, row: &Logged) {
        let payload = || row.payload.as_deref().map(|payload| serde_json::from_str::<Value>(payload).unwrap_or_default());
        let state = match row.action.as_str() {
            "invoice.issued" | "credit_note.issued" => {
                let sha256 = payload().map(|p| p["document_sha256"].as_str().unwrap_or_default().to_owned());
                self.issued.insert(row.entity_id.clone(), Issued { sha256, taken_over: None, state: None });
                return;
            }
            "invoice.taken_over" => {
                let taken_over = Some(payload().map(|mut p| p["after"].take()).unwrap_or_default());
                self.issued.insert(row.entity_id.clone(), Issued { sha256: None, taken_over, state: None });
                return;
            }
            "invoice.paid" => InvoiceState::Paid,
            "invoice.voided" => InvoiceState::Void,
            "invoice.uncollectible" => InvoiceState::Uncollectible,
            _ => return,
        };
        if let Some(issued) = self.issued.get_mut(&row.entity_id) {
            issued.state = Some(state);
        }
    }
}

/// The start of a hash, for people.
fn short(hash: &[u8]) -> String {
    format!("{}…", hex(&hash[..hash.len().min(4)]))
}
