//! A business that is billed by the jobs themselves, at instants that the test chooses.

use crate::database::TestDb;
use crate::support::date;
use finops::cli::Globals;
use finops::config::Environment;
use finops::context::{Context, Shell};
use finops::engine::host::author;
use finops::engine::{self, Job, RunOptions, Summary};
use finops::error::Error;
use finops::import::{Kind, Options};
use finops::jobs::generate::{Generate, GenerateOptions};
use finops::jobs::issue::Issue;
use finops::model::{CompanyId, Currency, Invoice, InvoiceState, Money, Payment};
use finops::operations::credit_notes::{Made, Request, credit};
use finops::operations::import::{How, Input, import_files};
use finops::operations::{audit, check, credit as company_credit, invoices, payments};
use finops::render::Fonts;
use finops::rules::statement::statement;
use finops::store::invoices::{Filter, Sort};
use finops::store::{self, Db, Tx, companies};
use finops::ui::{Ui, UiOptions};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;

pub struct Firm {
    pub db: Db,
    folder: TempDir,
    fonts: Fonts,
    commands: u64,
    /// The clock of the machine.
    pub at: String,
}

impl Firm {
    /// With these files, at an instant.
    pub fn new(db: &TestDb, at: &str, files: &[(Kind, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("finops.toml"), format!("[database]\nurl = \"{}\"\n", db.url())).unwrap();
        let mut firm = Self { db: db.open(), folder, fonts: Fonts::builtin().unwrap(), commands: 0, at: at.to_owned() };
        firm.import(files).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
        firm
    }

    pub fn context(&mut self) -> Context {
        self.commands += 1;
        let seed = self.commands.to_string();
        let variables = [("FINOPS_TEST_CLOCK", &*self.at), ("FINOPS_TEST_SEED", &seed)];
        let globals = Globals { config: Some(self.path("finops.toml")), quiet: true, ..Globals::default() };
        let ui = Ui::new(UiOptions { quiet: true, ..UiOptions::default() });
        Context::new(&Shell { globals, environment: Environment::of(variables), ui }).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn import(&mut self, files: &[(Kind, &str)]) -> Result<(), Error> {
        let ctx = self.context();
        let written = files.iter().map(|(kind, text)| {
            let path = self.path(&kind.file_name());
            std::fs::write(&path, text).unwrap();
            (*kind, Input::Path(path))
        });
        let written: Vec<(Kind, Input)> = written.collect();
        let (options, author) = (Options::default(), author(&ctx));
        let how = How { options: &options, author: &author, as_of: ctx.as_of, ctx: None, dry_run: false };
        import_files(&mut self.db, &written, &how).map(drop)
    }

    fn run<J: Job>(&mut self, mut job: J, ctx: &Context) -> Summary {
        let (summary, ended) = engine::run(&mut job, ctx, &mut self.db, &RunOptions::default());
        ended.unwrap();
        summary
    }

    /// Bills what is due: how many drafts, how many invoices.
    pub fn bill(&mut self) -> (u64, u64) {
        (self.generate(), self.issue())
    }

    pub fn generate(&mut self) -> u64 {
        let ctx = self.context();
        let options = GenerateOptions { allow_many_missed: true, ..GenerateOptions::default() };
        let job = Generate::new(&ctx, &mut self.db, &options).unwrap();
        self.run(job, &ctx).done
    }

    pub fn issue(&mut self) -> u64 {
        let summary = self.try_issue();
        assert_eq!(summary.failed, 0);
        summary.done
    }

    /// Issues what can be; the run comes to its end.
    pub fn try_issue(&mut self) -> Summary {
        let ctx = self.context();
        self.run(Issue::new(&ctx, &[]), &ctx)
    }

    /// What somebody does by hand, in one transaction.
    pub fn by_hand<T>(&mut self, mut work: impl FnMut(&mut Tx, &Context) -> Result<T, Error>) -> Result<T, Error> {
        let ctx = self.context();
        self.db.write(|tx| work(tx, &ctx))
    }

    pub fn invoice(&mut self, number_or_id: &str) -> Invoice {
        self.db.read(|tx| invoices::find(tx, number_or_id, None)).unwrap()
    }

    pub fn credit(&mut self, number: &str, request: &Request) -> Result<Made, Error> {
        let (ctx, invoice) = (self.context(), self.invoice(number));
        let fonts = &self.fonts;
        self.db.write(|tx| credit(tx, &ctx, fonts, &invoice, request))
    }

    /// Credits so much of an invoice.
    pub fn credit_amount(&mut self, number: &str, amount: &str) -> Made {
        self.credit(number, &Request { amount: Some(amount.parse().unwrap()), ..Request::default() }).unwrap()
    }

    pub fn pay(&mut self, number: &str, minor: i64, reference: &str) -> payments::Recorded {
        self.try_pay(number, minor, reference, false).unwrap()
    }

    pub fn try_pay(&mut self, number: &str, minor: i64, reference: &str, as_credit: bool) -> Result<payments::Recorded, Error> {
        let invoice = self.invoice(number);
        self.by_hand(|tx, ctx| {
            let author = author(ctx);
            let desk = payments::Desk::open(tx, &author, ctx.as_of)?.keeping_as_credit(as_credit);
            let payment = Payment {
                company_id: invoice.company_id.clone(),
                provider: "bank".to_owned(),
                reference: reference.to_owned(),
                amount: Money::from_minor(minor, invoice.currency),
                received_on: desk.today(&invoice.seller_id),
            };
            Ok(payments::record(tx, &desk, &invoice, &payment)?)
        })
    }

    pub fn refund(&mut self, refund: &company_credit::Refund) -> Result<company_credit::Refunded, Error> {
        self.by_hand(|tx, ctx| company_credit::refund(tx, ctx, refund))
    }

    /// What remains to be paid, and the state.
    pub fn stands(&mut self, number: &str) -> String {
        let invoice = self.invoice(number);
        let balance = self.db.read(|tx| invoices::balance(tx, &invoice)).unwrap();
        format!("{} {}", balance.map(|b| b.to_string()).unwrap_or_default(), invoice.state)
    }

    /// The credit of a company, each with seller and currency.
    pub fn credit_of(&mut self, company: &str) -> Vec<String> {
        let balances = self.db.read(|tx| finops::store::credit::balances(tx, &[company])).unwrap();
        balances.into_iter().map(|b| format!("{} {} {}", b.seller_id, b.amount, b.amount.currency())).collect()
    }

    /// What each company owes each seller in each currency, by the invoices that are open and the company's credit; and
    /// by its statements of account.
    fn owed(&mut self) -> [BTreeMap<(String, Currency), Decimal>; 2] {
        let (mut by_rows, mut by_statements) = (BTreeMap::new(), BTreeMap::new());
        let add = |sums: &mut BTreeMap<_, Decimal>, key, amount| *sums.entry(key).or_default() += amount;
        let (from, to) = (date("2000-01-01"), date("2999-12-31"));
        self.db
            .read(|tx| {
                for company in companies::ids(tx, "", 1000)? {
                    let company: CompanyId = company.parse().unwrap();
                    let filter = Filter { company_id: company.to_string(), ..Filter::default() };
                    for invoice in store::invoices::list(tx, &filter, Sort::Company, false, None, 1000)? {
                        let open = invoices::balance(tx, &invoice)?.filter(|_| invoice.state == InvoiceState::Open);
                        let key = (format!("{company} {}", invoice.seller_id), invoice.currency);
                        add(&mut by_rows, key, open.map_or(Decimal::ZERO, Money::to_decimal));
                    }
                    for balance in store::credit::balances(tx, &[company.as_str()])? {
                        let key = (format!("{company} {}", balance.seller_id), balance.amount.currency());
                        add(&mut by_rows, key, -balance.amount.to_decimal());
                    }
                    for seller in store::statement::sellers_of(tx, &company)? {
                        let account = store::statement::account(tx, &company, &seller, to)?;
                        for account in statement(from, to, &account).accounts {
                            add(&mut by_statements, (format!("{company} {seller}"), account.currency), account.closing);
                        }
                    }
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        by_rows.retain(|_, owed| !owed.is_zero());
        by_statements.retain(|_, owed| !owed.is_zero());
        [by_rows, by_statements]
    }

    /// The books hold together: `db check` and `audit verify` find nothing, and statements tell what is owed.
    #[track_caller]
    pub fn is_sound(&mut self) {
        assert_eq!(check::check(&mut self.db).unwrap(), []);
        let [by_rows, by_statements] = self.owed();
        assert_eq!(by_rows, by_statements);
        let mut found = Vec::new();
        let mut tell = |finding: &audit::Finding| found.push(finding.clone());
        let request = audit::Request { company: None, claimed: &[], found: &mut tell, progress: &|_| {} };
        audit::verify(&mut self.db, request).unwrap();
        assert_eq!(found, []);
    }
}
