//! `finops db`: set the database up, look at it, check it, copy it, spread it over a cluster.

mod copy;
mod distribute;
mod mark_test;
mod reconcile;

use crate::config::DatabaseUrl;
use crate::context::{Context, Shell};
use crate::engine::host;
use crate::error::{Error, ExitCode, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::operations::check::check;
use crate::store::audit::{self, Entry};
use crate::store::schema::{self, Status};
use crate::store::{check as rows, schema::VERSION};
use crate::ui::Column;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// Set up, look at and check the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops db check")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the database, or bring it to the schema of this version.
    #[command(after_help = "Example:\n  finops db migrate")]
    Migrate,
    /// Show which database it is, its schema and how much it holds.
    #[command(after_help = "Example:\n  finops db status --json")]
    Status,
    /// Check that all figures, numbers, documents and schedules agree; exit 1 when something does not.
    #[command(after_help = "Example:\n  finops db check")]
    Check,
    /// Copy everything into another, empty database: from SQLite to Postgres, or back.
    ///
    /// All of it or nothing, in one transaction; what was written is read again and compared (rows,
    /// sums, SHA-256 of each table). Stop the cron lines first, and change the URL in the
    /// configuration afterwards: the source stays as it is.
    #[command(after_help = "Example:\n  finops db copy --to postgres://finops@db.example.com/finops")]
    Copy(copy::Args),
    /// Mark the database as a test: commands then take a `--now` in the future, and write.
    ///
    /// So a month or a year of jobs can be tried out. It stays a test: what was billed ahead is in it.
    #[command(after_help = "Example:\n  finops db mark-test\n  finops invoices generate --now 2027-01-01T06:00:00Z")]
    MarkTest(mark_test::Args),
    /// Spread the tables over the nodes of a Citus cluster; again, it does what is left to do.
    ///
    /// Each customer's rows lie together on one node, numbers with their series. Stop the jobs first:
    /// a table is locked while its rows move. What was moved before a crash stays moved.
    #[command(after_help = "Example:\n  finops db distribute --dry-run")]
    Distribute {
        /// Show the statements, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// After a backup was put in the database's place: show what is lost, and go on.
    ///
    /// Jobs refuse to run on a database that lacks a run which this machine began on it: numbers
    /// would be given again, and customers billed twice. This shows what this machine knows and the
    /// database does not. Exit 1 while there is any of it.
    #[command(after_help = "Example:\n  finops db reconcile --accept")]
    Reconcile(reconcile::Args),
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let ctx = Context::new(shell)?;
    match &args.verb {
        Verb::Migrate => migrate(&ctx).map(|()| ExitCode::Done),
        Verb::Status => status(&ctx),
        Verb::Check => run_check(&ctx),
        Verb::Copy(args) => copy::run(args, &ctx, shell),
        Verb::MarkTest(args) => mark_test::run(args, &ctx),
        Verb::Distribute { dry_run } => distribute::run(&ctx, *dry_run),
        Verb::Reconcile(args) => reconcile::run(args, &ctx),
    }
}

#[derive(Serialize)]
struct Migrated {
    database: String,
    schema_version: i64,
    applied: Vec<&'static str>,
}

/// Makes the database of the configuration, or brings it up to date. Says so; off a terminal only
/// when something was done.
pub fn migrate(ctx: &Context) -> Result<()> {
    let mut db = ctx.open_db_for_setup()?;
    let applied = schema::migrate(&mut db, ctx.clock.now())?;
    distribute::go_on(&mut db)?;
    // A newer database, or one of something else, is refused here, in the words that every command has for it.
    drop(db);
    let mut db = ctx.open_db()?;
    let new_id = ctx.ids.uuid().to_string();
    let author = host::author(ctx);
    db.write(|tx| {
        let id = schema::database_id(tx, &new_id)?;
        if !applied.is_empty() {
            let payload = json!({ "schema_version": VERSION, "applied": applied }).to_string();
            let (company_id, action) = (SYSTEM_COMPANY.to_owned(), "database.migrated");
            audit::append(tx, &author, &[Entry { company_id, action, entity: "database", entity_id: id, payload }])?;
        }
        Ok::<_, Error>(())
    })?;
    warn_of_readers(ctx);
    let something = !applied.is_empty();
    let migrated = Migrated { database: ctx.config.database.url.to_string(), schema_version: VERSION, applied };
    let text = || {
        let Migrated { database, schema_version, .. } = &migrated;
        if something {
            format!("{database} is set up (schema {schema_version}).")
        } else {
            format!("{database} has schema {schema_version} already: nothing to do.")
        }
    };
    if something || ctx.ui.is_json() || ctx.ui.is_terminal() {
        ctx.ui.done(&migrated, text);
    }
    Ok(())
}

/// A file that finops makes is for its owner alone; one that was there may not be.
fn warn_of_readers(ctx: &Context) {
    if let DatabaseUrl::Sqlite(path) = &ctx.config.database.url
        && std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
    {
        let path = path.display();
        ctx.ui.warn(format!("{path} can be read by other users of this machine: chmod 600 {path}"));
    }
}

#[derive(Serialize)]
struct State {
    engine: &'static str,
    /// Without its password.
    database: String,
    schema_version: Option<i64>,
    /// `current`, `empty`, `foreign`, `older` or `newer`.
    schema: &'static str,
    /// Marked as one: any clock is taken.
    test: bool,
    /// Where there is Citus: `no`, `partly` or `yes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    distributed: Option<&'static str>,
    rows: BTreeMap<&'static str, i64>,
}

fn status(ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db_for_status()?;
    let engine = db.engine_name();
    let state = db.read(|tx| {
        let (schema, schema_version) = match schema::status(tx)? {
            Status::Empty => ("empty", None),
            Status::Foreign => ("foreign", None),
            Status::Older(version) => ("older", Some(version)),
            Status::Current => ("current", Some(VERSION)),
            Status::Newer(version) => ("newer", Some(version)),
        };
        let rows = if schema == "current" { rows::row_counts(tx)?.into_iter().collect() } else { BTreeMap::new() };
        Ok::<_, crate::error::Error>(State {
            engine,
            database: ctx.config.database.url.to_string(),
            schema_version,
            schema,
            test: schema == "current" && schema::is_test(tx)?,
            distributed: if schema == "current" { distribute::word(tx)? } else { None },
            rows,
        })
    })?;
    ctx.ui.item(&state, || {
        let version = state.schema_version.map_or_else(String::new, |version| format!(" {version}"));
        let mut text = format!("{} ({})\nschema{version}: {}", state.database, state.engine, state.schema);
        if state.test {
            text.push_str("\ntest: any --now is taken");
        }
        if let Some(distributed) = state.distributed {
            text.push_str(&format!("\ndistributed: {distributed}"));
        }
        for (table, count) in &state.rows {
            text.push_str(&format!("\n{table:<16} {count:>12}"));
        }
        text
    });
    Ok(ExitCode::Done)
}

fn run_check(ctx: &Context) -> Result<ExitCode> {
    let findings = check(&mut ctx.open_db()?)?;
    let columns = [Column::left("Rule"), Column::left("Company"), Column::left("Id"), Column::left("What is wrong")];
    ctx.ui.list(&columns, &findings, |f| vec![f.rule.to_owned(), f.company_id.clone(), f.id.clone(), f.message.clone()]);
    let summary = Checked { job: "db.check", findings: findings.len() };
    let text = || match findings.len() {
        0 => "db check: all is well".to_owned(),
        1 => "db check: 1 problem".to_owned(),
        n => format!("db check: {n} problems"),
    };
    ctx.ui.summary(&summary, text, !findings.is_empty());
    Ok(if findings.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}

#[derive(Serialize)]
struct Checked {
    job: &'static str,
    findings: usize,
}
