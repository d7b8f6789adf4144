//! A machine with a database, a folder of documents, a crontab and a clock that the test moves. Each
//! command opens the database anew and takes its way through the library as the program does.

use crate::by_hand;
use crate::cron;
use crate::script::{Act, Script, What};
use crate::smtp;
use crate::support::TestDb;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use finops::cli::Globals;
use finops::config::Environment;
use finops::context::{Context, Shell};
use finops::crash::{Unwound, unwind_at};
use finops::engine::host::author;
use finops::engine::{self, Job, RunOptions, Summary};
use finops::error::{Error, Result};
use finops::import::{Kind, Options};
use finops::jobs::JobKind;
use finops::jobs::alerts::Dispatch;
use finops::jobs::generate::{Generate, GenerateOptions};
use finops::jobs::issue::Issue;
use finops::jobs::reminders::Reminders;
use finops::jobs::send::Send;
use finops::jobs::settle::Settle;
use finops::model::CompanyId;
use finops::model::dunning::ReminderKind;
use finops::operations::contracts::{self, Desk, Order};
use finops::operations::effects;
use finops::operations::import::{How, Input, import_files};
use finops::store::{Db, Tx, schema};
use finops::ui::{Ui, UiOptions};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct World {
    pub db: TestDb,
    pub folder: TempDir,
    /// The clock of the machine.
    pub now: DateTime<Utc>,
    /// Units a page.
    batch: String,
    /// Each command has random numbers of its own.
    commands: u64,
    seed: u64,
    ui: Ui,
    /// What became of each act, in order.
    pub journal: Vec<String>,
    /// Takes the mails of some companies.
    mail: smtp::Server,
}

/// The flags of a job.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub limit: Option<u64>,
    pub company: Option<String>,
    pub yes: bool,
    /// Crash at the n-th place; 0: at none.
    pub crash_at: u64,
}

/// How a job ended.
pub enum Ended {
    Done(Summary),
    Failed(Error),
    Crashed,
}

/// What a day of cron has: when, and which job.
pub type Line = (DateTime<Utc>, JobKind);

impl World {
    /// A machine with the schema and the first files. `place` says on which engine.
    pub fn new(place: Place, seed: u64, batch: u64, script: &Script) -> Self {
        let folder = temporary();
        let db = match place {
            Place::Sqlite => TestDb::sqlite_at(folder.path().join("books.db")),
            Place::Postgres => TestDb::postgres().expect("a server"),
        };
        let mail = smtp::Server::start([]);
        std::fs::write(folder.path().join("finops.toml"), config(&db, &mail)).unwrap();
        let now = cron::instant(script.first, 0, 30, script.zone);
        let ui = Ui::new(UiOptions { quiet: true, ..UiOptions::default() });
        let mut world = Self { db, folder, now, batch: batch.to_string(), commands: 0, seed, ui, journal: Vec::new(), mail };
        schema::migrate(&mut world.db.open(), now).unwrap();
        world.act(&Act { at_night: false, what: What::Import(script.files.clone()) });
        assert_eq!(world.journal.last().map(String::as_str), Some("done"), "the first files are sound");
        world
    }

    pub fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    /// What a command is given, at the machine's time.
    fn context(&mut self) -> Context {
        self.commands += 1;
        let clock = self.now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let ids = (self.seed << 32 | self.commands).to_string();
        let variables = [("FINOPS_TEST_CLOCK", &*clock), ("FINOPS_TEST_SEED", &ids), ("FINOPS_TEST_BATCH", &self.batch)];
        let globals = Globals { config: Some(self.folder.path().join("finops.toml")), quiet: true, ..Globals::default() };
        Context::new(&Shell { globals, environment: Environment::of(variables), ui: self.ui.clone() }).unwrap()
    }

    /// Runs a job as cron does.
    pub fn run(&mut self, kind: JobKind, flags: &Flags) -> Ended {
        let ctx = self.context();
        unwind_at(flags.crash_at);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut db = ctx.open_db()?;
            run(kind, &ctx, &mut db, flags)
        }));
        unwind_at(0);
        match ended {
            Ok(Ok(summary)) => Ended::Done(summary),
            Ok(Err(error)) => Ended::Failed(error),
            Err(payload) if payload.is::<Unwound>() => {
                self.bury();
                Ended::Crashed
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A day is over. Mails that came are not kept: a year has many.
    pub fn end_of_day(&self) {
        self.mail.forget();
    }

    /// The process of a run that crashed is this one, which lives: its row gets one that does not.
    fn bury(&self) {
        self.db.execute("UPDATE runs SET pid = 999999999, process = process || '0' WHERE outcome = 'running'").unwrap();
    }

    /// Somebody has everything tried again that was given up.
    pub fn retry_failed(&mut self) {
        let ctx = self.context();
        let author = author(&ctx);
        for row in self.db.rows("SELECT company_id, idempotency_key FROM effects WHERE state = 'failed'") {
            let company: CompanyId = row[0].parse().unwrap();
            let retry = |tx: &mut Tx| {
                let effect = effects::find(tx, &row[1], Some(&company))?;
                effects::retry(tx, &effect, &author)
            };
            ctx.open_db().unwrap().write(retry).unwrap();
        }
    }

    /// What cron runs on a day, in order.
    pub fn lines(day: NaiveDate, script: &Script) -> Vec<Line> {
        let of = |job: JobKind| cron::instants(job.cron(), day, script.zone).into_iter().map(move |at| (at, job));
        let mut lines: Vec<Line> = JobKind::ALL.iter().copied().flat_map(of).collect();
        lines.sort();
        lines
    }

    /// Somebody does something by hand, and it is written down whether it was refused.
    pub fn act(&mut self, act: &Act) {
        let ctx = self.context();
        let mut db = ctx.open_db().unwrap();
        let done = match &act.what {
            What::Import(files) => import(&ctx, &mut db, files),
            What::Amend { company, contract, on, amendment, at_once } => {
                let order = Order {
                    contract: contract.clone(),
                    company: Some(company.parse().unwrap()),
                    on: *on,
                    amendment: amendment.clone(),
                    at_once: *at_once,
                    despite_corrections: false,
                    reason: String::new(),
                    notice: None,
                };
                amend_twice(&ctx, &mut db, &order)
            }
            What::BillMissed => {
                let flags = Flags { yes: true, ..Flags::default() };
                run(JobKind::InvoicesGenerate, &ctx, &mut db, &flags).map(drop)
            }
            What::Void { nth, regenerate } => by_hand::void(self, &ctx, &mut db, *nth, *regenerate),
            What::Delete { nth } => by_hand::delete(self, &ctx, &mut db, *nth),
            What::Pay { nth, percent, capped } => by_hand::pay(self, &ctx, &mut db, *nth, (*percent, *capped)),
            What::Credit { nth, percent, capped } => by_hand::credit(self, &ctx, &mut db, *nth, (*percent, *capped)),
            What::Refund { nth } => by_hand::refund(self, &ctx, &mut db, *nth),
            What::WriteOff { nth } => by_hand::write_off(self, &ctx, &mut db, *nth),
            What::Edit { nth, quantity } => by_hand::edit(self, &ctx, &mut db, *nth, *quantity),
        };
        self.journal.push(match done {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("{}: {}", error.kind.as_str(), error.problems.first().map_or("", |p| &p.reason)),
        });
    }

    /// The n-th of the invoices that a query finds: of those with a contract, which are the same
    /// ones whether a night went wrong or not.
    pub fn nth(&self, having: &str, nth: u64) -> Option<(CompanyId, String)> {
        let found = self.db.rows(&format!(
            "SELECT company_id, invoice_id FROM invoices WHERE EXISTS (SELECT 1 FROM billed_periods b
               WHERE b.company_id = invoices.company_id AND b.invoice_id = invoices.invoice_id) AND {having}"
        ));
        // By what it bills, since its id and number may differ.
        let mut named: Vec<(Vec<Vec<String>>, Vec<String>)> = found
            .into_iter()
            .map(|row| {
                let sql = format!(
                    "SELECT contract_id, period_start, revision FROM billed_periods WHERE company_id = '{}' AND invoice_id = '{}'",
                    row[0], row[1]
                );
                let mut bills = self.db.rows(&sql);
                bills.sort();
                (bills, row)
            })
            .collect();
        named.sort();
        let at = usize::try_from(nth % named.len().max(1) as u64).unwrap();
        let (_, row) = named.get(at)?;
        Some((row[0].parse().unwrap(), row[1].clone()))
    }

    /// Puts something in the way of the documents, or takes it away.
    pub fn block_documents(&self, block: bool) {
        let (folder, away) = (self.documents(), self.folder.path().join("away"));
        if block {
            if folder.exists() {
                std::fs::rename(&folder, &away).unwrap();
            }
            std::fs::write(&folder, "not a folder").unwrap();
        } else {
            std::fs::remove_file(&folder).unwrap();
            if away.exists() {
                std::fs::rename(&away, &folder).unwrap();
            }
        }
    }
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Sqlite,
    Postgres,
}

/// In memory where there is a file system for that, since each commit is flushed.
fn temporary() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("finops-simulation-");
    if memory.is_dir() { builder.tempdir_in(memory).unwrap() } else { builder.tempdir().unwrap() }
}

/// Runs a job: a new one does not compile until it is here.
fn run(kind: JobKind, ctx: &Context, db: &mut Db, flags: &Flags) -> Result<Summary> {
    let companies: Vec<CompanyId> = flags.company.iter().map(|id| id.parse().unwrap()).collect();
    match kind {
        JobKind::InvoicesGenerate => {
            let options = GenerateOptions { companies, allow_many_missed: flags.yes, ..GenerateOptions::default() };
            let mut job = Generate::new(ctx, db, &options)?;
            run_job(&mut job, ctx, db, flags)
        }
        JobKind::InvoicesIssue => run_job(&mut Issue::new(ctx, &companies), ctx, db, flags),
        JobKind::InvoicesSend => run_job(&mut Send::new(ctx, &companies), ctx, db, flags),
        JobKind::RemindersUpcoming => remind(ReminderKind::Upcoming, ctx, db, flags),
        JobKind::RemindersOverdue => remind(ReminderKind::Overdue, ctx, db, flags),
        JobKind::RemindersEscalation => remind(ReminderKind::Escalation, ctx, db, flags),
        JobKind::AlertsDispatch => run_job(&mut Dispatch::new(ctx), ctx, db, flags),
        JobKind::EffectsSettle => run_job(&mut Settle::new(ctx, None), ctx, db, flags),
    }
}

fn remind(kind: ReminderKind, ctx: &Context, db: &mut Db, flags: &Flags) -> Result<Summary> {
    let companies: Vec<CompanyId> = flags.company.iter().map(|id| id.parse().unwrap()).collect();
    run_job(&mut Reminders::new(ctx, db, kind, &companies, false)?, ctx, db, flags)
}

/// Few levels: each mail takes a while to make.
fn config(db: &TestDb, mail: &smtp::Server) -> String {
    format!(
        "[database]\nurl = \"{}\"\n\
         [mail]\nfrom = \"billing@example.com\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         [reminders]\nupcoming = [-7]\noverdue = [1]\nescalation = [10]\nrepeat_every = 0\nquiet = \"never\"\n\
         [reminders.policies.slow]\noverdue = [5]\nescalation = [20, 40]\n\
         [rate_limits]\nrecipient_per_minute = 100000\n",
        db.url(),
        mail.port()
    )
}

fn run_job<J: Job>(job: &mut J, ctx: &Context, db: &mut Db, flags: &Flags) -> Result<Summary> {
    let options = RunOptions { dry_run: false, scope: String::new(), limit: flags.limit, by_the_way: false };
    let (summary, ended) = engine::run(job, ctx, db, &options);
    ended.map(|()| summary)
}

fn import(ctx: &Context, db: &mut Db, files: &[(Kind, String)]) -> Result<()> {
    let files: Vec<(Kind, Input)> = files.iter().map(|(kind, text)| (*kind, Input::Stdin(text.clone().into_bytes()))).collect();
    let (options, author) = (Options::default(), author(ctx));
    import_files(db, &files, &How { options: &options, author: &author, as_of: ctx.as_of, ctx: None, dry_run: false }).map(drop)
}

/// Said again, it must change nothing.
fn amend_twice(ctx: &Context, db: &mut Db, order: &Order) -> Result<()> {
    let author = author(ctx);
    let mut once = || db.write(|tx| contracts::amend(tx, Desk { author: &author, as_of: ctx.as_of, ids: &ctx.ids }, order));
    once()?;
    let again = once()?;
    assert!(again.unchanged, "{order:?}");
    Ok(())
}
