//! `finops db copy`: from one database to another, such as from SQLite to Postgres.

use crate::config::{Config, DatabaseUrl, Overrides, database_flag};
use crate::context::{Context, Shell};
use crate::engine::host;
use crate::error::{Error, ExitCode, Result};
use crate::operations::copy::{self, Copied};
use crate::store::schema::{self, Status};
use crate::store::{Db, claims};
use crate::ui::{Column, Table};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The database to fill: sqlite:PATH or postgres://… It must be empty; its tables are made.
    #[arg(long, value_name = "URL", required_unless_present = "to_config")]
    to: Option<String>,

    /// The database to fill, as this configuration file names it: for URLs with a password.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_config: Option<PathBuf>,

    /// Look at both, say how much there is to copy, and copy nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Summary {
    job: &'static str,
    dry_run: bool,
    from: String,
    to: String,
    rows: u64,
}

pub(super) fn run(args: &Args, ctx: &Context, shell: &Shell) -> Result<ExitCode> {
    let to = target_url(args, shell)?;
    let mut source = ctx.open_db()?;
    let now = ctx.clock.now();
    if source.read(|tx| claims::count_held(tx, now))? > 0 {
        return Err(Error::try_later("a job is at work, and what it writes would be missing in the copy")
            .hint("stop the cron lines on every host, and wait until the jobs have ended"));
    }
    if to == ctx.config.database.url {
        return Err(Error::usage("the target is the database itself"));
    }
    let summary = |rows| Summary {
        job: "db.copy",
        dry_run: args.dry_run,
        from: ctx.config.database.url.to_string(),
        to: to.to_string(),
        rows,
    };
    let total = copy::count(&mut source)?;
    if args.dry_run {
        let summary = summary(total);
        ctx.ui.summary(&summary, || format!("db copy: {total} rows would be copied to {}", summary.to), true);
        return Ok(ExitCode::Done);
    }
    let mut target = open(&to, ctx)?;
    let progress = ctx.ui.progress("Copying", total);
    let copied = copy::copy(&mut source, &mut target, &host::author(ctx), &|rows| progress.inc(rows));
    progress.finish();
    let copied = copied?;
    show(ctx, &copied);
    let summary = summary(copied.iter().map(|copied| copied.rows).sum());
    let text = || {
        format!(
            "db copy: {} rows are in {}, and compared. To work there, write its URL into the configuration; \
             the folder of documents stays where it is",
            summary.rows, summary.to
        )
    };
    ctx.ui.summary(&summary, text, true);
    Ok(ExitCode::Done)
}

fn target_url(args: &Args, shell: &Shell) -> Result<DatabaseUrl> {
    match (&args.to, &args.to_config) {
        (Some(url), _) => database_flag(url).map_err(|error| Error {
            message: error.message.replacen("--database", "--to", 1),
            hint: Some("for example: --to postgres://user@host/finops".to_owned()),
            ..error
        }),
        (None, file) => {
            let overrides = Overrides { file: file.clone(), database: None };
            Ok(Config::load(&overrides, &shell.environment)?.database.url)
        }
    }
}

/// Opens the target, and sets it up where there is nothing at all.
fn open(url: &DatabaseUrl, ctx: &Context) -> Result<Db> {
    let mut db = ctx.open_other(url)?;
    match db.read(schema::status)? {
        Status::Empty => {
            schema::migrate(&mut db, ctx.clock.now())?;
        }
        Status::Current => db.keep_wal()?,
        Status::Foreign | Status::Older(_) | Status::Newer(_) => {
            return Err(Error::refused(format!("{url} holds tables of something else, or of another version of finops"))
                .hint("give an empty database"));
        }
    }
    Ok(db)
}

fn show(ctx: &Context, copied: &[Copied]) {
    if ctx.ui.is_json() {
        copied.iter().for_each(|copied| ctx.ui.item(copied, String::new));
    } else if ctx.ui.shows_details() {
        let mut table = Table::new(&[Column::left("Table"), Column::right("Rows"), Column::left("SHA-256")]);
        for Copied { table: name, rows, sha256, .. } in copied.iter().filter(|copied| copied.rows > 0) {
            table.row(vec![(*name).to_owned(), rows.to_string(), sha256.clone()]);
        }
        ctx.ui.table(&table);
    }
}
