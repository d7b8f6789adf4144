//! Books to work on: one seller, one company and one contract, and invoices made by hand, so that
//! each rule is tested without the jobs that make them.

use crate::database::TestDb;
use chrono::NaiveDate;
use finops::error::Result;
use finops::import::{Kind, Options};
use finops::model::calendar::parse_date;
use finops::model::invoice::FullInvoice;
use finops::model::{CompanyId, ContractId, Invoice, InvoiceId, InvoiceKind, InvoiceState, Money, Period};
use finops::operations::import::{How, ImportSummary, Input, import_files};
use finops::store::audit::Author;
use finops::store::{Db, StoreError, Tx, billing, invoices};
use std::path::PathBuf;
use tempfile::TempDir;

pub const SELLERS: &str = "seller_id,name,address_line1,postal_code,city,country,time_zone,tax_code,series_id,number_format
de,Muster GmbH,Weg 1,10115,Berlin,DE,Europe/Berlin,standard,main,R-{seq}
";
pub const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name
de,standard,2021-01-01,S,19,VAT 19 %
";
pub const COMPANIES: &str = "company_id,name,address_line1,postal_code,city,country
acme,Acme,Weg 2,10115,Berlin,DE
";
pub const CONTRACTS: &str = "company_id,contract_id,seller_id,currency,cadence,timing,start,end
acme,care,de,EUR,monthly,advance,2026-01-01,
";
pub const ITEMS: &str = "company_id,contract_id,item_id,valid_from,end,description,quantity,unit_price
acme,care,seats,,,Seats,10,5.00
";

pub use crate::database::now;

pub struct Books {
    pub db: Db,
    folder: TempDir,
    made: u32,
}

pub fn date(text: &str) -> NaiveDate {
    parse_date(text).expect("a date")
}

pub fn author() -> Author {
    Author::person("test", now())
}

pub fn company() -> CompanyId {
    "acme".parse().expect("an id")
}

pub fn contract() -> ContractId {
    "care".parse().expect("an id")
}

impl Books {
    /// Nothing but the schema.
    pub fn empty(db: &TestDb) -> Self {
        Self { db: db.open(), folder: tempfile::tempdir().expect("a temporary folder"), made: 0 }
    }

    /// With the files above.
    pub fn new(db: &TestDb) -> Self {
        let mut books = Self::empty(db);
        let all = [
            (Kind::Sellers, SELLERS),
            (Kind::TaxRates, RATES),
            (Kind::Companies, COMPANIES),
            (Kind::Contracts, CONTRACTS),
            (Kind::ContractItems, ITEMS),
        ];
        books.import(&all).expect("the files are sound");
        books
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    pub fn import(&mut self, files: &[(Kind, &str)]) -> Result<ImportSummary> {
        self.import_as(files, false)
    }

    pub fn import_as(&mut self, files: &[(Kind, &str)], dry_run: bool) -> Result<ImportSummary> {
        let files: Vec<_> = files.iter().map(|(kind, text)| (*kind, Input::Path(self.write(&kind.file_name(), text)))).collect();
        let (options, author) = (Options::default(), author());
        import_files(&mut self.db, &files, &How { options: &options, author: &author, as_of: now(), ctx: None, dry_run })
    }

    /// (added, changed, unchanged) of one file.
    #[track_caller]
    pub fn counts(&mut self, kind: Kind, text: &str) -> (u64, u64, u64) {
        let summary = self.import(&[(kind, text)]).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
        let counts = summary.kinds[&kind];
        (counts.added, counts.changed, counts.unchanged)
    }

    /// What is told about a file that is refused: `column: reason`, a line each.
    #[track_caller]
    pub fn told(&mut self, kind: Kind, text: &str) -> String {
        let error = self.import(&[(kind, text)]).expect_err("the file is refused");
        error.problems.iter().map(|p| format!("{}: {}\n", p.field, p.reason)).collect()
    }

    pub fn read<T>(&mut self, work: impl FnOnce(&mut Tx) -> Result<T, StoreError>) -> T {
        self.db.read(work).expect("it can be read")
    }

    /// An invoice over 119.00 EUR for a period of the contract, in a state.
    pub fn invoice(&mut self, start: &str, end: &str, state: InvoiceState) -> InvoiceId {
        self.made += 1;
        let (made, eur) = (self.made, "EUR".parse().expect("a currency"));
        let invoice_id: InvoiceId = format!("0199a000-0000-7000-8000-{made:012}").parse().expect("an id");
        let period = Period::new(date(start), date(end)).expect("a period");
        let head = Invoice {
            company_id: company(),
            invoice_id: invoice_id.clone(),
            kind: InvoiceKind::Invoice,
            state: InvoiceState::Draft,
            seller_id: "de".parse().expect("an id"),
            currency: eur,
            contract_id: Some(contract()),
            period,
            revision: 0,
            number: None,
            issued_on: None,
            due_on: None,
            payment_terms_days: 14,
            tax_inclusive: false,
            reference: String::new(),
            net: Money::from_minor(10_000, eur),
            tax: Money::from_minor(1_900, eur),
            total: Money::from_minor(11_900, eur),
            stale: false,
            edited: false,
        };
        let work = |tx: &mut Tx| {
            let full = FullInvoice { head: head.clone(), lines: Vec::new(), taxes: Vec::new() };
            invoices::insert(tx, std::iter::once(&full))?;
            let claim = billing::BilledPeriod {
                company_id: company(),
                contract_id: contract(),
                start: period.start(),
                end: period.end(),
                revision: 0,
                invoice_id: invoice_id.clone(),
            };
            assert!(billing::claim(tx, &[&claim])?);
            if state != InvoiceState::Draft {
                let on = date("2026-10-01");
                let issued = Invoice {
                    state: InvoiceState::Open,
                    number: Some(format!("R-{made}")),
                    issued_on: Some(on),
                    due_on: Some(on),
                    ..head.clone()
                };
                assert!(invoices::issue(tx, &[issued])?);
            }
            if !matches!(state, InvoiceState::Draft | InvoiceState::Open) {
                assert!(invoices::set_state(tx, &company(), &invoice_id, InvoiceState::Open, state)?);
            }
            Ok::<_, StoreError>(())
        };
        self.db.write(work).expect("the invoice is written");
        invoice_id
    }

    pub fn head(&mut self, invoice_id: &InvoiceId) -> Invoice {
        self.read(|tx| invoices::head(tx, &company(), invoice_id)).expect("the invoice is there")
    }

    /// Whether the draft is stale; it is not any more afterwards.
    pub fn was_marked(&mut self, invoice_id: &InvoiceId) -> bool {
        let stale = self.head(invoice_id).stale;
        self.db.write(|tx| invoices::clear_stale(tx, &company(), invoice_id)).expect("it is cleared");
        stale
    }

    /// Where the contract's billing stands: the next start, and the revision.
    pub fn schedule(&mut self) -> (Option<NaiveDate>, i64) {
        let (next, revision) =
            self.read(|tx| billing::schedule(tx, &company(), &contract())).expect("the contract has a schedule");
        (next.map(|n| n.start), revision)
    }
}
