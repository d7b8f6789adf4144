//! One file: its header checked against the table of its kind, then row after row.

use super::cells::Cells;
use super::decode::Text;
use super::header::Header;
use super::json::{JsonScanner, Key};
use super::scan::{Place, Record, Scanner};
use super::seen::{Again, Seen};
use super::source::Source;
use super::{Format, Kind, Row, contacts, prices, rows};
use crate::error::{Error, Problem, Result};
use encoding_rs::Encoding;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::vec;

/// Problems that are told one by one; of the others, only how many.
const MAX_TOLD: usize = 200;

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Of files without a byte order mark.
    pub encoding: &'static Encoding,
    /// Columns in which a number that looks like a payment card's is known to be none.
    pub allow_numbers: Vec<String>,
    /// None: by the end of the file's name; CSV where that says nothing.
    pub format: Option<Format>,
}

impl Default for Options {
    fn default() -> Self {
        Self { encoding: encoding_rs::UTF_8, allow_numbers: Vec::new(), format: None }
    }
}

/// Reads `--encoding`: the labels of the WHATWG standard, such as `windows-1252` or `shift_jis`.
pub fn encoding(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        Error::usage(format!("{label:?} is no encoding that finops knows"))
            .hint("write utf-8, utf-16le, windows-1252 (Excel in Western Europe), windows-1250, iso-8859-2, shift_jis …")
    })
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub struct Located<T> {
    pub value: T,
    pub source: Source,
}

/// Why there is no row.
#[derive(Debug)]
pub enum RowError {
    /// All that is wrong with this row; the next can be read.
    Problems(Refused),
    /// The file cannot be read on.
    Io(io::Error),
}

/// A row that is wrong.
#[derive(Debug)]
pub struct Refused {
    pub problems: Vec<Problem>,
    /// What names it; None when that could not be read, nor perhaps the rows after it.
    pub key: Option<RowKey>,
}

impl From<Refused> for RowError {
    fn from(refused: Refused) -> Self {
        Self::Problems(refused)
    }
}

/// What names a row of a kind: 128 bits of a hash of its key, so that millions of them fit, and two
/// never pass for one in practice (2⁻⁸⁰ for ten million).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey([u64; 2]);

impl RowKey {
    /// Of the contents of the key columns, in the order of [`Kind::key`].
    pub fn of(key: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in key {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let half = |from: usize| digest[from..from + 8].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        Self([half(0), half(8)])
    }

    pub(super) const fn halves(self) -> [u64; 2] {
        self.0
    }

    pub(super) const fn from_halves(halves: [u64; 2]) -> Self {
        Self(halves)
    }

    pub(super) const fn first_byte(self) -> u8 {
        self.0[0].to_be_bytes()[0]
    }
}

/// Reads the rows of one file. An iterator that goes on after a bad row, so that all are told.
pub struct Reader<R> {
    records: Records<R>,
    record: Record,
    header: Arc<Header>,
    seen: Seen,
    /// At the end of the file: rows found to repeat others far before them.
    again: Option<vec::IntoIter<Again>>,
    failed: bool,
}

/// Records in either format.
enum Records<R> {
    Csv(Scanner<R>),
    /// With the keys of the object just read, and those that the header was made of.
    Jsonl {
        scanner: JsonScanner<R>,
        keys: Vec<Key>,
        of_header: Vec<String>,
    },
}

impl<R: Read> Reader<R> {
    /// Reads the header. `file` is what messages call it. Errors: the input cannot be read, or all
    /// that is wrong with the header.
    pub fn new(kind: Kind, file: &str, input: R, options: &Options) -> Result<Self> {
        let format = options.format.or_else(|| Format::of(Path::new(file))).unwrap_or(Format::Csv);
        let unreadable = |error| Error::failed(format!("cannot read {file}: {error}")).caused_by(error);
        let text = Text::new(input, options.encoding);
        let mut record = Record::new();
        let mut header = Header::new(kind, file, format == Format::Csv, &options.allow_numbers);
        let mut problems = Problems::default();
        let records = match format {
            Format::Jsonl => Records::Jsonl { scanner: JsonScanner::new(text), keys: Vec::new(), of_header: Vec::new() },
            Format::Csv => {
                let mut scanner = Scanner::new(text).map_err(unreadable)?;
                let found = scanner.read_record(&mut record).map_err(unreadable)?;
                header.width = record.width();
                if !found || record.is_blank() {
                    let reason = format!("there is no header; finops import --template {kind} prints one");
                    problems.extend(vec![header.problem(Place { line: 1, column: 1 }, "", "", reason)]);
                } else {
                    problems.extend(faults(&header, &record));
                    problems.extend(header.match_columns(&record));
                }
                Records::Csv(scanner)
            }
        };
        match problems.into_error() {
            Some(error) => Err(error),
            None => Ok(Self { records, record, header: Arc::new(header), seen: Seen::new(), again: None, failed: false }),
        }
    }

    /// Reads the next record, and for JSON makes its keys the header; false at the end.
    fn read_record(&mut self) -> io::Result<bool> {
        match &mut self.records {
            Records::Csv(scanner) => loop {
                if !scanner.read_record(&mut self.record)? {
                    return Ok(false);
                }
                if !self.record.is_blank() {
                    return Ok(true);
                }
            },
            Records::Jsonl { scanner, keys, of_header } => {
                let found = scanner.read_record(keys, &mut self.record)?;
                // What is not whole is told by its faults alone.
                if found && self.record.faults().is_empty() && !keys.iter().map(|key| &key.name).eq(of_header.iter()) {
                    let mut header = self.header.anew(keys.len());
                    for (cell, key) in keys.iter().enumerate() {
                        if let Some(reason) = header.match_column(cell, &key.name) {
                            self.record.fault(key.place, format!("{:?}: {reason}", key.name));
                        }
                    }
                    self.header = Arc::new(header);
                    // With a fault, the next object is looked at anew.
                    let sound = self.record.faults().is_empty();
                    *of_header = if sound { keys.iter().map(|key| key.name.clone()).collect() } else { Vec::new() };
                }
                Ok(found)
            }
        }
    }

    fn row(&mut self) -> Result<Located<Row>, RowError> {
        let (header, record) = (&*self.header, &self.record);
        let mut problems = faults(header, record);
        let mut cells = Cells::new(header, record);
        if !problems.is_empty() {
            return Err(Refused { problems, key: None }.into());
        }
        let key = cells.key();
        let row_key = key.as_deref().map(RowKey::of);
        if record.width() != header.width {
            let (cells, expected) = (record.width(), header.width);
            let reason =
                format!("this row has {cells} cells where the header has {expected}: is a delimiter or a quote missing?");
            problems.push(header.problem(record.place(0), "", "", reason));
        }
        if !problems.is_empty() {
            return Err(Refused { problems, key: row_key }.into());
        }
        cells.check_characters();
        let row = read_row(header.kind, &mut cells);
        if let Some(row_key) = row_key {
            let column = key_column(header);
            let cell = header.kind.columns().iter().position(|c| c.name == column).and_then(|index| header.cell_of(index));
            let met = self.seen.meet(row_key, record.place(cell.unwrap_or(0))).map_err(no_room)?;
            if let Some(first_line) = met {
                cells.refuse(column, same_key(header, first_line));
            }
        }
        match row {
            Some(value) if !cells.has_problems() => Ok(Located { value, source: self.source(row_key) }),
            _ => Err(Refused { problems: cells.into_problems(), key: row_key }.into()),
        }
    }

    /// Tells of the next row that repeats one far before it; None when there is no more.
    fn next_again(&mut self) -> Result<Option<Located<Row>>, RowError> {
        let again = match &mut self.again {
            Some(again) => again,
            none => none.insert(self.seen.finish().map_err(no_room)?.into_iter()),
        };
        match again.next() {
            None => Ok(None),
            Some(Again { place, first_line, key }) => {
                let problem = self.header.problem(place, key_column(&self.header), "", same_key(&self.header, first_line));
                Err(Refused { problems: vec![problem], key: Some(key) }.into())
            }
        }
    }

    fn source(&self, key: Option<RowKey>) -> Source {
        let place = |index| self.record.place(self.header.cell_of(index).unwrap_or(0));
        let places = (0..self.header.kind.columns().len()).map(place).collect();
        Source { header: Arc::clone(&self.header), key, places }
    }
}

/// The last of the key columns that the file has.
fn key_column(header: &Header) -> &'static str {
    let (columns, key) = (header.kind.columns(), header.kind.key());
    let has = |name: &&&str| columns.iter().position(|c| c.name == **name).and_then(|i| header.cell_of(i)).is_some();
    key.iter().rev().find(has).copied().unwrap_or(key[0])
}

fn same_key(header: &Header, first_line: u64) -> String {
    format!("line {first_line} has the same {}", header.kind.key().join(", "))
}

/// Where keys are put away.
fn no_room(error: io::Error) -> RowError {
    let reason = format!("its keys cannot be kept in the temporary folder (TMPDIR): {error}");
    RowError::Io(io::Error::new(error.kind(), reason))
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Located<Row>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = match self.read_record() {
            Ok(false) => self.next_again().transpose()?,
            Ok(true) => self.row(),
            Err(error) => Err(RowError::Io(error)),
        };
        self.failed = matches!(next, Err(RowError::Io(_)));
        Some(next)
    }
}

fn read_row(kind: Kind, cells: &mut Cells) -> Option<Row> {
    match kind {
        Kind::Sellers => rows::seller(cells).map(|row| Row::Seller(Box::new(row))),
        Kind::TaxRates => rows::tax_rate(cells).map(Row::TaxRate),
        Kind::Companies => rows::company(cells).map(|row| Row::Company(Box::new(row))),
        Kind::Contacts => contacts::contact(cells).map(|row| Row::Contact(Box::new(row))),
        Kind::Contracts => rows::contract(cells).map(Row::Contract),
        Kind::ContractItems => rows::contract_item(cells).map(|row| Row::ContractItem(Box::new(row))),
        Kind::PriceTiers => prices::tier(cells).map(Row::PriceTier),
        Kind::Plans => prices::plan(cells).map(Row::Plan),
        Kind::PlanItems => prices::plan_item(cells).map(|row| Row::PlanItem(Box::new(row))),
        Kind::PlanTiers => prices::plan_tier(cells).map(Row::PlanTier),
        Kind::ContractPlans => prices::contract_plan(cells).map(Row::ContractPlan),
        Kind::ContractPauses => prices::contract_pause(cells).map(Row::ContractPause),
        Kind::Discounts => prices::discount(cells).map(|row| Row::Discount(Box::new(row))),
        Kind::Usage => prices::usage(cells).map(Row::Usage),
        Kind::BillableItems => rows::billable_item(cells).map(Row::BillableItem),
        Kind::OpeningInvoices => rows::opening::invoice(cells).map(Row::OpeningInvoice),
        Kind::OpeningCredits => rows::opening::credit(cells).map(Row::OpeningCredit),
        Kind::Payments => rows::payment(cells).map(Row::Payment),
    }
}

fn faults(header: &Header, record: &Record) -> Vec<Problem> {
    record.faults().iter().map(|fault| header.problem(fault.place, "", "", fault.reason.clone())).collect()
}

/// All that is wrong with what was brought: the first places in full, the others counted.
#[derive(Debug, Default)]
pub struct Problems {
    told: Vec<Problem>,
    count: usize,
}

impl Problems {
    pub fn extend(&mut self, more: Vec<Problem>) {
        self.count += more.len();
        let room = MAX_TOLD - self.told.len();
        self.told.extend(more.into_iter().take(room));
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The error that ends the import; None when nothing is wrong.
    pub fn into_error(self) -> Option<Error> {
        if self.is_empty() {
            return None;
        }
        let mistakes = if self.count == 1 { "1 mistake".to_owned() } else { format!("{} mistakes", self.count) };
        let rest = self.count - self.told.len();
        let message = match rest {
            0 => format!("{mistakes} found; nothing was imported"),
            _ => format!("{mistakes} found, of which the first {} are shown; nothing was imported", self.told.len()),
        };
        let error = Error { problems_total: self.count, ..Error::input(message, self.told) };
        Some(error.hint("correct the file, then run the same command again"))
    }
}
