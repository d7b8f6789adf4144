//! Import: files that a user brings become what stands in the database, as an upsert by the user's
//! own ids (semantics.md, contracts and prices).
//!
//! All files of one import are one transaction: everything is written, or nothing. A mistake does
//! not end the reading, so that all mistakes of all files are told in one go; the rows that are
//! sound are written meanwhile, so that later files can be checked against them, and go with the
//! transaction. Rows that are missing in a file stay as they are.
//!
//! Rows flow in chunks, what stands is read once a chunk, and memory does not grow with a file.

mod billable_items;
mod companies;
mod contacts;
mod contract_items;
mod contract_pauses;
mod contract_plans;
mod contracts;
mod discounts;
mod openings;
mod pick;
mod plans;
mod printable;
mod readdress;
mod sellers;
pub(in crate::operations) mod standing;
mod tax_rates;
mod tiers;
mod usage;

pub use openings::taken_over;
pub use printable::Unprinted;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Problem, Result, io_error};
use crate::import::{Kind, Located, Options, Problems, Reader, Row, RowError, RowKey, Source, Spot};
use crate::model::{Seller, SellerId};
use crate::operations::invoices::find;
use crate::operations::payments::{self, Desk, RecordError};
use crate::store::audit::{self, Author, Entry};
use crate::store::{Db, Tx};
use chrono::{DateTime, Utc};
use pick::*;
use printable::Printable;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Rows that are looked up and written together.
const CHUNK_ROWS: usize = 1000;
/// Chunks that are read before they are written.
const CHUNKS_AHEAD: usize = 4;

/// Where a file's bytes come from.
#[derive(Debug, Clone)]
pub enum Input {
    Path(PathBuf),
    /// What stdin held. It is kept whole, since a transaction may have to be replayed.
    Stdin(Vec<u8>),
}

impl Input {
    /// What messages call it.
    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Stdin(_) => "stdin".to_owned(),
        }
    }

    /// Where the files lie that its rows name.
    fn folder(&self) -> &Path {
        match self {
            Self::Path(path) => path.parent().unwrap_or_else(|| Path::new("")),
            Self::Stdin(_) => Path::new(""),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + Send + '_>> {
        Ok(match self {
            Self::Path(path) => Box::new(File::open(path).map_err(|error| io_error("read", path, error))?),
            Self::Stdin(bytes) => Box::new(bytes.as_slice()),
        })
    }
}

/// How to import.
pub struct How<'a> {
    pub options: &'a Options,
    /// Who does it, for the audit log.
    pub author: &'a Author,
    /// Decides what is today.
    pub as_of: DateTime<Utc>,
    /// Whose configuration says who hears of payments.
    pub ctx: Option<&'a Context>,
    /// Check everything against the database, and change nothing.
    pub dry_run: bool,
}

/// What became of the rows of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub added: u64,
    pub changed: u64,
    pub unchanged: u64,
}

/// What an import did, kind by kind, in order of dependence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    pub kinds: BTreeMap<Kind, Counts>,
    /// Open drafts that the next `invoices generate` makes anew.
    pub stale_drafts: u64,
    /// What documents will not be able to show.
    #[serde(skip)]
    pub unprinted: Unprinted,
}

impl ImportSummary {
    pub fn something_changed(&self) -> bool {
        self.kinds.values().any(|counts| counts.added + counts.changed > 0)
    }
}

/// Imports files, in order of dependence whatever the order given. Errors: all that is wrong with
/// all files, and then nothing was changed.
pub fn import_files(db: &mut Db, files: &[(Kind, Input)], how: &How) -> Result<ImportSummary> {
    let mut files: Vec<&(Kind, Input)> = files.iter().collect();
    files.sort_by_key(|(kind, _)| *kind);
    if how.dry_run { db.rehearse(|tx| import_all(tx, &files, how)) } else { db.write(|tx| import_all(tx, &files, how)) }
}

fn import_all(tx: &mut Tx, files: &[&(Kind, Input)], how: &How) -> Result<ImportSummary> {
    let sellers = crate::store::sellers::all(tx)?;
    let mut work = Work {
        author: how.author,
        as_of: how.as_of,
        ctx: how.ctx,
        sellers: sellers.into_iter().map(|seller| (seller.seller_id.clone(), seller)).collect(),
        summary: ImportSummary::default(),
        problems: Problems::default(),
        found: Vec::new(),
        refused: HashSet::new(),
        unread: BTreeSet::new(),
        without_tiers: HashMap::new(),
        tiers: tiers::Pending::default(),
        kind: Kind::Sellers,
        entries: Vec::new(),
        printable: Printable::new(how.ctx),
    };
    for (kind, input) in files {
        work.kind = *kind;
        work.summary.kinds.entry(*kind).or_default();
        match Reader::new(*kind, &input.name(), input.open()?, how.options) {
            Ok(reader) => work.file(tx, reader, input.folder())?,
            Err(error) if error.kind == ErrorKind::Input => work.refuse_row(None, error.problems),
            Err(error) => return Err(error),
        }
        work.tell_found();
    }
    let mut without_tiers: Vec<&Spot> = work.without_tiers.values().collect();
    without_tiers.sort_by_key(|spot| spot.order());
    for spot in without_tiers {
        let reason = "its prices are in tiers, and it has none: import them (price_tiers, plan_tiers) along with this file";
        work.problems.extend(vec![spot.problem(reason)]);
    }
    match work.problems.into_error() {
        Some(error) => Err(error),
        None => Ok(ImportSummary { unprinted: work.printable.found, ..work.summary }),
    }
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Added,
    Changed,
    Unchanged,
}

/// An import under way.
struct Work<'a> {
    author: &'a Author,
    as_of: DateTime<Utc>,
    ctx: Option<&'a Context>,
    /// All sellers as they stand now, those of this import included.
    sellers: BTreeMap<SellerId, Seller>,
    summary: ImportSummary,
    problems: Problems,
    /// Of the chunk, to be told in the order of the file.
    found: Vec<Problem>,
    /// Rows that were refused: what refers to them misses nothing but what is told already.
    refused: HashSet<(Kind, RowKey)>,
    /// Kinds of which a row was refused that nothing names: it may be any.
    unread: BTreeSet<Kind>,
    /// Items that wait for their tiers, which a later file must bring: a hundred bytes for each item of the
    /// file that is priced in tiers and new. They are not put away in files, since each goes when its tiers come.
    without_tiers: HashMap<RowKey, Spot>,
    /// Tiers that may go on in the next chunk.
    tiers: tiers::Pending,
    /// Of the file being read.
    kind: Kind,
    /// Audit entries of the chunk.
    entries: Vec<Entry>,
    printable: Printable<'a>,
}

impl Work<'_> {
    /// Rows are read on a thread of their own, a few chunks ahead of the one that writes them.
    fn file(&mut self, tx: &mut Tx, reader: Reader<Box<dyn Read + Send + '_>>, folder: &Path) -> Result<()> {
        std::thread::scope(|scope| {
            let (sender, read) = std::sync::mpsc::sync_channel(CHUNKS_AHEAD);
            scope.spawn(move || {
                let mut reader = reader.peekable();
                while reader.peek().is_some() {
                    let chunk: Vec<_> = reader.by_ref().take(CHUNK_ROWS).collect();
                    // Whoever writes has given up, and says why.
                    if sender.send(chunk).is_err() {
                        break;
                    }
                }
            });
            self.rows(tx, read.into_iter().flatten(), folder)
        })
    }

    fn rows(&mut self, tx: &mut Tx, read: impl Iterator<Item = Result<Located<Row>, RowError>>, folder: &Path) -> Result<()> {
        let mut rows = Vec::with_capacity(CHUNK_ROWS);
        for row in read {
            match row {
                Ok(row) => rows.push(row),
                Err(RowError::Problems(refused)) => self.refuse_row(refused.key, refused.problems),
                Err(RowError::Io(error)) => {
                    return Err(Error::failed(format!("cannot read the file of {}: {error}", self.kind)).caused_by(error));
                }
            }
            if rows.len() + self.found.len() >= CHUNK_ROWS {
                self.chunk(tx, std::mem::take(&mut rows), folder, false)?;
            }
        }
        self.chunk(tx, rows, folder, true)
    }

    /// `last`: no chunk of the file follows.
    fn chunk(&mut self, tx: &mut Tx, rows: Vec<Located<Row>>, folder: &Path, last: bool) -> Result<()> {
        self.printable.look(&rows)?;
        match self.kind {
            Kind::Sellers => sellers::write(tx, self, pick(rows, seller), folder)?,
            Kind::TaxRates => tax_rates::write(tx, self, pick(rows, tax_rate))?,
            Kind::Companies => companies::write(tx, self, pick(rows, company))?,
            Kind::Contacts => contacts::write(tx, self, pick(rows, contact))?,
            Kind::Contracts => contracts::write(tx, self, pick(rows, contract))?,
            Kind::ContractItems => contract_items::write(tx, self, pick(rows, contract_item))?,
            Kind::PriceTiers => tiers::write(tx, self, pick(rows, price_tier), last)?,
            Kind::Plans => plans::write(tx, self, pick(rows, plan))?,
            Kind::PlanItems => plans::write_items(tx, self, pick(rows, plan_item))?,
            Kind::PlanTiers => tiers::write_plan(tx, self, pick(rows, plan_tier), last)?,
            Kind::ContractPlans => contract_plans::write(tx, self, pick(rows, contract_plan))?,
            Kind::ContractPauses => contract_pauses::write(tx, self, pick(rows, contract_pause))?,
            Kind::Discounts => discounts::write(tx, self, pick(rows, discount))?,
            Kind::Usage => usage::write(tx, self, pick(rows, used))?,
            Kind::BillableItems => billable_items::write(tx, self, pick(rows, billable_item))?,
            Kind::OpeningInvoices => openings::write_invoices(tx, self, pick(rows, opening_invoice))?,
            Kind::OpeningCredits => openings::write_credits(tx, self, pick(rows, opening_credit))?,
            Kind::Payments => self.payments(tx, pick(rows, payment))?,
        }
        audit::append(tx, self.author, &self.entries)?;
        self.entries.clear();
        self.tell_found();
        Ok(())
    }

    /// Payments go the same way as those that are recorded by hand.
    fn payments(&mut self, tx: &mut Tx, rows: Vec<Located<crate::import::PaymentRow>>) -> Result<()> {
        let author = self.author;
        let desk = Desk::of(author, self.as_of, self.sellers.values()).with_checked_texts().telling(self.ctx);
        for Located { value: row, source } in rows {
            let invoice = match find(tx, &row.invoice, Some(&row.payment.company_id)) {
                Ok(invoice) => invoice,
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Usage) => {
                    let hint = error.hint.as_deref().unwrap_or_default();
                    self.refuse(&source, "invoice", &row.invoice, format!("{}; {hint}", error.message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            match payments::record(tx, &desk, &invoice, &row.payment) {
                Ok(recorded) => self.count(if recorded.already_recorded { Outcome::Unchanged } else { Outcome::Added }),
                Err(RecordError::Refused(refusal)) => {
                    self.refuse(&source, refusal.field, "", format!("{}; {}", refusal.reason, refusal.hint));
                }
                Err(RecordError::Store(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn count(&mut self, outcome: Outcome) {
        self.count_rows(outcome, 1);
    }

    fn count_rows(&mut self, outcome: Outcome, rows: u64) {
        let counts = self.summary.kinds.entry(self.kind).or_default();
        match outcome {
            Outcome::Added => counts.added += rows,
            Outcome::Changed => counts.changed += rows,
            Outcome::Unchanged => counts.unchanged += rows,
        }
    }

    fn refuse(&mut self, source: &Source, field: &str, value: &str, reason: impl Into<String>) {
        let problem = source.problem(field, value, reason);
        self.refuse_row(source.key(), vec![problem]);
    }

    fn problems_of(&mut self, source: &Source, found: Vec<(&'static str, String)>) {
        if !found.is_empty() {
            let problems = found.into_iter().map(|(field, reason)| source.problem(field, "", reason)).collect();
            self.refuse_row(source.key(), problems);
        }
    }

    /// Refuses a row, by what names it. What nothing refers to need not be remembered.
    fn refuse_row(&mut self, key: Option<RowKey>, problems: Vec<Problem>) {
        self.found.extend(problems);
        match key {
            Some(key)
                if matches!(self.kind, Kind::Sellers | Kind::Companies | Kind::Contracts | Kind::Plans | Kind::PlanItems) =>
            {
                self.refused.insert((self.kind, key));
            }
            Some(_) => {}
            None => {
                self.unread.insert(self.kind);
            }
        }
    }

    fn tell_found(&mut self) {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.extend(std::mem::take(&mut self.found));
    }

    /// What a row refers to is not there. When that was refused itself, the mistake is told already,
    /// and the row is refused without a word.
    fn missing(&mut self, source: &Source, field: &str, kind: Kind, key: &[&str]) {
        if self.unread.contains(&kind) || self.refused.contains(&(kind, RowKey::of(key))) {
            return self.refuse_row(source.key(), Vec::new());
        }
        let reason = format!("there is no such row among the {kind}: import it first, or with this file in one folder");
        self.refuse(source, field, key.last().copied().unwrap_or_default(), reason);
    }

    /// Whether the seller of a row is there; told when not.
    fn has_seller(&mut self, source: &Source, seller_id: &SellerId) -> bool {
        let known = self.sellers.contains_key(seller_id);
        if !known {
            self.missing(source, "seller_id", Kind::Sellers, &[seller_id.as_str()]);
        }
        known
    }

    /// Notes what a row changes, for the audit log of its company.
    fn note(&mut self, company_id: &str, words: &Words, outcome: Outcome, entity_id: String, payload: String) {
        self.count(outcome);
        let action = if outcome == Outcome::Added { words.added } else { words.changed };
        self.entries.push(Entry { company_id: company_id.to_owned(), action, entity: words.entity, entity_id, payload });
    }
}

/// What the audit log calls the rows of a kind.
struct Words {
    entity: &'static str,
    added: &'static str,
    changed: &'static str,
}
