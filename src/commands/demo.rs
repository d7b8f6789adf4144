//! `finops demo`: the main job on the bundled example data, from an empty folder to PDFs.
//!
//! The steps are those of the commands, each of which may run twice; the configuration gets its
//! name last, so that a demo that was broken off is gone on with, and one that is complete is
//! left alone.

use crate::cli::Globals;
use crate::commands::{db, import, init, invoices, status};
use crate::config::{FILE_NAME, TEMPLATE};
use crate::context::{Clock, Context, Shell};
use crate::engine::{RunOptions, host};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::import::Options;
use crate::jobs::generate::{Generate, GenerateOptions};
use crate::jobs::issue::Issue;
use crate::operations::import::{How, import_files};
use crate::store::{Db, schema};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Try finops on example data: import, bill and print a month of invoices.
///
/// Makes a folder with a configuration, a database and the example CSV files of a small business,
/// and bills it as of 1 November 2026. Run again, it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops demo")]
pub struct Args {
    /// The folder to make.
    #[arg(value_name = "FOLDER", default_value = "finops-demo")]
    folder: PathBuf,
}

/// The instant at which the example business bills October (examples/README.md).
const AS_OF: &str = "2026-11-01T08:00:00Z";

/// An invoice of several lines, to look at and to pay.
const INVOICE: &str = "INV-2026-000022";
const ITS_TOTAL: &str = "6162.36";

/// Where the example files are put in the folder.
const DATA: &str = "data";

const FILES: [(&str, &[u8]); 16] = [
    ("sellers.csv", include_bytes!("../../examples/data/sellers.csv")),
    ("tax_rates.csv", include_bytes!("../../examples/data/tax_rates.csv")),
    ("plans.csv", include_bytes!("../../examples/data/plans.csv")),
    ("plan_items.csv", include_bytes!("../../examples/data/plan_items.csv")),
    ("plan_tiers.csv", include_bytes!("../../examples/data/plan_tiers.csv")),
    ("companies.csv", include_bytes!("../../examples/data/companies.csv")),
    ("contacts.csv", include_bytes!("../../examples/data/contacts.csv")),
    ("contracts.csv", include_bytes!("../../examples/data/contracts.csv")),
    ("contract_plans.csv", include_bytes!("../../examples/data/contract_plans.csv")),
    ("contract_pauses.csv", include_bytes!("../../examples/data/contract_pauses.csv")),
    ("contract_items.csv", include_bytes!("../../examples/data/contract_items.csv")),
    ("price_tiers.csv", include_bytes!("../../examples/data/price_tiers.csv")),
    ("discounts.csv", include_bytes!("../../examples/data/discounts.csv")),
    ("usage.csv", include_bytes!("../../examples/data/usage.csv")),
    ("billable_items.csv", include_bytes!("../../examples/data/billable_items.csv")),
    ("nordlicht.png", include_bytes!("../../examples/data/nordlicht.png")),
];

#[derive(Serialize)]
struct Made<'a> {
    folder: &'a Path,
    config: &'a Path,
    documents: PathBuf,
    created: bool,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let Globals { config, database, now, .. } = &shell.globals;
    if config.is_some() || database.is_some() || now.is_some() {
        return Err(Error::usage("the demo has a configuration, a database and a date of its own")
            .hint("leave --config, --database and --now out"));
    }
    let folder = &args.folder;
    let config = folder.join(FILE_NAME);
    let created = !config.exists();
    let code = if created { make(folder, &config, shell)? } else { ExitCode::Done };
    let made = Made { folder, config: &config, documents: folder.join("documents"), created };
    shell.ui.done(&made, || {
        let folder = folder.display();
        if created {
            let documents = made.documents.display();
            format!("\nThe PDFs are in {documents}, such as {documents}/nordlicht/2026/{INVOICE}.pdf")
        } else {
            format!("{folder} is there already: nothing was changed. To start again, delete it first.")
        }
    });
    let today = Clock::of(&shell.environment)?.now().date_naive();
    shell.ui.say(next(&config, today));
    Ok(code)
}

/// Makes the folder, and bills a month.
fn make(folder: &Path, config: &Path, shell: &Shell) -> Result<ExitCode> {
    let unfinished = config.with_extension("toml.part");
    if !unfinished.exists() && folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::refused(format!("{} is not empty, and is no demo", folder.display()))
            .hint("name another folder: finops demo FOLDER"));
    }
    shell.ui.say("Nordlicht IT-Service GmbH, an invented business, bills what is due on 1 November 2026.\n");
    init::write_new(&unfinished, TEMPLATE)?;
    let data = folder.join(DATA);
    std::fs::create_dir_all(&data).map_err(|error| io_error("make", &data, error))?;
    for (name, content) in FILES {
        let file = data.join(name);
        std::fs::write(&file, content).map_err(|error| io_error("write", &file, error))?;
    }
    let now = AS_OF.parse::<DateTime<Utc>>().map_err(|error| Error::failed(error.to_string()))?;
    let globals = Globals { config: Some(unfinished.clone()), now: Some(now), ..shell.globals.clone() };
    let shell = Shell { globals, ..shell.clone() };
    let ctx = Context::new(&shell)?;
    db::migrate(&ctx)?;
    let mut db = ctx.open_db()?;
    // The clock of this machine may stand before the demo's date: a test database may look ahead.
    db.write(schema::mark_as_test)?;
    bring_in(&ctx, &mut db, &data)?;
    let code = bill(&ctx, &mut db)?;
    shell.ui.say("");
    if !ctx.ui.is_quiet() {
        status::show_invoices_of(&ctx, &mut db)?;
    }
    std::fs::rename(&unfinished, config).map_err(|error| io_error("name", config, error))?;
    Ok(code)
}

fn bring_in(ctx: &Context, db: &mut Db, data: &Path) -> Result<()> {
    let options = Options::default();
    let author = host::author(ctx);
    let how = How { options: &options, author: &author, as_of: ctx.as_of, ctx: Some(ctx), dry_run: false };
    let started = Instant::now();
    let summary = import_files(db, &import::folder(data)?, &how)?;
    import::tell(ctx, &summary, false, started.elapsed());
    Ok(())
}

/// Both jobs, as cron runs them.
fn bill(ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let mut generate = Generate::new(ctx, db, &GenerateOptions::default())?;
    let generated = invoices::run_job(&mut generate, ctx, db, &RunOptions::default())?;
    let issued = invoices::run_job(&mut Issue::new(ctx, &[]), ctx, db, &RunOptions::default())?;
    Ok(if generated == ExitCode::Done { issued } else { generated })
}

/// What to try, as commands that work when they are pasted where the demo was run.
fn next(config: &Path, today: NaiveDate) -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    let program = program.filter(|program| program.components().count() > 1).map_or("finops".to_owned(), |p| quoted(&p));
    // Money does not arrive in the future, whatever this machine's clock says.
    let paid_on = NaiveDate::from_ymd_opt(2026, 11, 10).map_or(today, |date| date.min(today));
    let payment = format!("payments record {INVOICE} --amount {ITS_TOTAL} --date {paid_on} --ref DEMO-1");
    let show = format!("invoices show {INVOICE}");
    let commands =
        ["status", "invoices list", &show, &payment, "invoices generate --company-id weber --now 2026-12-01T08:00:00Z --dry-run"];
    let lines: Vec<String> = commands.iter().map(|command| format!("  {program} {command}")).collect();
    format!("\nTry next:\n  export FINOPS_CONFIG={}\n{}", quoted(config), lines.join("\n"))
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
