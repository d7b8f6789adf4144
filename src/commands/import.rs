//! `finops import`: files into the database, all or nothing.

use crate::context::{Context, Shell};
use crate::engine::summary::Millis;
use crate::engine::{doubts, host};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::import::{Format, Kind, Options, encoding};
use crate::operations::import::{Counts, How, ImportSummary, Input, Unprinted, import_files};
use crate::ui::{Column, Table};
use chrono::SecondsFormat;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bring in sellers, tax rates, companies, contracts, items and payments from files of CSV or JSON lines.
///
/// Rows are known by your own ids: new ones are added, others changed, and rows that are missing in
/// a file stay as they are. Everything is imported, or, on any mistake in any file, nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops import data/\n  finops import companies companies.csv --dry-run\n  \
                        finops import --template contracts > contracts.csv")]
pub struct Args {
    /// What FILE holds: sellers, tax_rates, plans, plan_items, plan_tiers, companies, contacts, contracts,
    /// contract_plans, contract_pauses, contract_items, price_tiers, discounts, usage, billable_items,
    /// opening_invoices, opening_credits or payments. Without FILE: a folder with files of those names
    /// (companies.csv, companies.jsonl), taken in order.
    #[arg(value_name = "KIND|FOLDER", required_unless_present = "template")]
    what: Option<PathBuf>,

    /// The file; - reads the standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print a file of this kind to fill in: its header, and one row that shows how.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["what", "file", "dry_run"])]
    template: Option<Kind>,

    /// What the rows are written in [default: by the file's name, .csv or .jsonl].
    ///
    /// JSON lines are one flat object a line, with the columns as keys; null is an empty cell, and a
    /// key that is missing is a column that the file lacks.
    #[arg(long)]
    format: Option<Format>,

    /// The encoding of files without a byte order mark: windows-1252, utf-16le, shift_jis …
    #[arg(long, value_name = "LABEL", default_value = "utf-8")]
    encoding: String,

    /// A column whose numbers only look like those of payment cards (repeatable).
    #[arg(long, value_name = "COLUMN")]
    allow_numbers: Vec<String>,

    /// Check everything, against the database too, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Template {
    kind: Kind,
    template: String,
}

#[derive(Serialize)]
struct Summary<'a> {
    job: &'static str,
    as_of: String,
    dry_run: bool,
    added: u64,
    changed: u64,
    unchanged: u64,
    kinds: &'a BTreeMap<Kind, Counts>,
    stale_drafts: u64,
    /// Always 0: an import is all or nothing.
    failed: u64,
    seconds: Millis,
}

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    if let Some(kind) = args.template {
        let template = if args.format == Some(Format::Jsonl) { kind.json_template() } else { kind.template() };
        shell.ui.item(&Template { kind, template: template.clone() }, || template.trim_end().to_owned());
        return Ok(ExitCode::Done);
    }
    let options = options(args)?;
    let files = files(args)?;
    let ctx = Context::new(shell)?;
    let mut db = ctx.open_db()?;
    if !args.dry_run {
        ctx.refuse_a_future(&mut db)?;
        doubts::tell(&ctx, &mut db)?;
    }
    let author = host::author(&ctx);
    let how = How { options: &options, author: &author, as_of: ctx.as_of, ctx: Some(&ctx), dry_run: args.dry_run };
    let started = Instant::now();
    let summary = import_files(&mut db, &files, &how)?;
    tell(&ctx, &summary, args.dry_run, started.elapsed());
    Ok(ExitCode::Done)
}

fn options(args: &Args) -> Result<Options> {
    let known = |column: &str| Kind::ALL.iter().any(|kind| kind.columns().iter().any(|c| c.name == column));
    if let Some(unknown) = args.allow_numbers.iter().find(|column| !known(column)) {
        let like = Kind::ALL.iter().find_map(|kind| kind.column_like(unknown));
        let told = Error::usage(format!("--allow-numbers {unknown}: no file has such a column"));
        return Err(match like {
            Some(like) => told.hint(format!("did you mean {like}?")),
            None => told.hint("finops import --template KIND shows the columns"),
        });
    }
    Ok(Options { encoding: encoding(&args.encoding)?, allow_numbers: args.allow_numbers.clone(), format: args.format })
}

fn files(args: &Args) -> Result<Vec<(Kind, Input)>> {
    let what = args.what.as_deref().unwrap_or_else(|| Path::new(""));
    match &args.file {
        Some(file) if file.is_dir() => {
            Err(Error::usage(format!("{} is a folder, not a file of {}", file.display(), what.display())).hint(format!(
                "give its file, {0}/{1}.csv, or import all of it: finops import {0}",
                file.display(),
                what.display()
            )))
        }
        Some(file) => {
            let kind = what.to_string_lossy().parse().map_err(|error: crate::model::Invalid| Error::usage(error.0))?;
            let input = if file.as_os_str() == "-" { Input::Stdin(stdin()?) } else { Input::Path(file.clone()) };
            Ok(vec![(kind, input)])
        }
        None if what.is_dir() => folder(what),
        None if what.to_string_lossy().parse::<Kind>().is_ok() => {
            let kind = what.display();
            Err(Error::usage(format!("which file of {kind}?"))
                .hint(format!("finops import {kind} FILE, or - for the standard input")))
        }
        None if what.is_file() => Err(Error::usage(format!("what does {} hold?", what.display()))
            .hint(format!("finops import KIND {0}, such as: finops import companies {0}", what.display()))),
        None => Err(Error::not_found(format!("there is no folder {}", what.display()))
            .hint("give a folder with files such as companies.csv, or a kind and a file")),
    }
}

fn stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| io_error("read", Path::new("-"), error))?;
    Ok(bytes)
}

/// The files of a folder by their names. One that nobody would read is a mistake: its rows would be
/// missed only much later.
pub(super) fn folder(folder: &Path) -> Result<Vec<(Kind, Input)>> {
    let mut names = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| io_error("read", folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| io_error("read", folder, error))?.path();
        if Format::of(&path).is_some() {
            names.push(path);
        }
    }
    names.sort();
    let mut files = Vec::new();
    let mut unknown = Vec::new();
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is = |kind: &&Kind| Format::ALL.iter().any(|format| kind.file_name_as(*format) == name);
        match Kind::ALL.iter().find(is) {
            Some(kind) if files.last().is_some_and(|(last, _)| last == kind) => {
                return Err(Error::usage(format!("{} holds {kind} twice, as CSV and as JSON lines", folder.display()))
                    .hint("move one of the two elsewhere"));
            }
            Some(kind) => files.push((*kind, Input::Path(path))),
            None => unknown.push(name),
        }
    }
    if !unknown.is_empty() {
        return Err(unknown_files(folder, &unknown));
    }
    if files.is_empty() {
        let names: Vec<String> = Kind::ALL.iter().map(|kind| kind.file_name()).collect();
        return Err(Error::usage(format!("{} holds none of the files that finops imports", folder.display()))
            .hint(format!("name them {}", names.join(", "))));
    }
    Ok(files)
}

fn unknown_files(folder: &Path, names: &[String]) -> Error {
    let with_guess = |name: &String| match Kind::like(name.rsplit_once('.').map_or(name, |(stem, _)| stem)) {
        Some(kind) => format!("{name} (did you mean {}?)", kind.file_name()),
        None => name.clone(),
    };
    let told: Vec<String> = names.iter().map(with_guess).collect();
    Error::usage(format!("{} holds files with names of no kind: {}", folder.display(), told.join(", ")))
        .hint("rename each as the kind of its rows (companies.csv …), or move it elsewhere")
}

/// Says what was imported.
pub(super) fn tell(ctx: &Context, summary: &ImportSummary, dry_run: bool, took: Duration) {
    let ui = &ctx.ui;
    let sum = |of: fn(&Counts) -> u64| summary.kinds.values().map(of).sum();
    let line = Summary {
        job: "import",
        as_of: ctx.as_of.to_rfc3339_opts(SecondsFormat::Secs, true),
        dry_run,
        added: sum(|c| c.added),
        changed: sum(|c| c.changed),
        unchanged: sum(|c| c.unchanged),
        kinds: &summary.kinds,
        stale_drafts: summary.stale_drafts,
        failed: 0,
        seconds: Millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
    };
    let something = summary.something_changed() || dry_run;
    if something && ui.shows_details() {
        let columns = [Column::left("Kind"), Column::right("Added"), Column::right("Changed"), Column::right("Unchanged")];
        let mut table = Table::new(&columns);
        for (kind, c) in &summary.kinds {
            table.row(vec![kind.to_string(), c.added.to_string(), c.changed.to_string(), c.unchanged.to_string()]);
        }
        ui.table(&table);
    }
    tell_unprinted(ctx, &summary.unprinted);
    ui.summary(&line, || text(&line), something);
}

fn tell_unprinted(ctx: &Context, unprinted: &Unprinted) {
    if unprinted.total == 0 {
        return;
    }
    let mut told: Vec<String> = unprinted.problems.iter().map(|problem| format!("\n  {problem}")).collect();
    if unprinted.total > told.len() as u64 {
        told.push(format!("\n  and {} more", unprinted.total - told.len() as u64));
    }
    let what = if unprinted.total == 1 { "1 text".to_owned() } else { format!("{} texts", unprinted.total) };
    let hint = unprinted.hints.join("; ");
    ctx.ui.warn(format!("{what} cannot be printed, and what shows them will not be issued:{}\nhint: {hint}", told.concat()));
}

fn text(line: &Summary) -> String {
    let would = if line.dry_run { "would be " } else { "" };
    let drafts = match line.stale_drafts {
        0 => String::new(),
        1 => "; 1 draft is to be made anew by finops invoices generate".to_owned(),
        n => format!("; {n} drafts are to be made anew by finops invoices generate"),
    };
    format!("import: {} {would}added, {} {would}changed, {} unchanged{drafts}", line.added, line.changed, line.unchanged)
}
