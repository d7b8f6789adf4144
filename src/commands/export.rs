//! `finops export`: what stands in the database, in the files that `finops import` reads.

use crate::context::{Context, Shell};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::import::{Format, Kind, Row};
use crate::model::InvoiceState;
use crate::operations::export::{self, Logo, Way};
use crate::providers::folder::write_private;
use crate::store::{Tx, invoices, items, openings};
use crate::ui::{Column, Table};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Write what stands in the database into the files that import reads.
///
/// A folder gets a file for each kind, in the same state of the database: imported into an empty
/// database, it gives the same rows. Invoices, what they bill, their numbers and the audit log go with
/// finops db copy only. Files are readable by their owner alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops export moved/\n  finops export companies --format jsonl\n  \
                        finops export contracts --out contracts.csv")]
pub struct Args {
    /// What to write: a kind (sellers, companies …), to the standard output or to --out; or the
    /// folder for all of them, which is made if need be.
    #[arg(value_name = "KIND|FOLDER")]
    what: PathBuf,

    /// The file for the rows of one kind.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// What the rows are written in [default: by the name of --out, else csv].
    #[arg(long)]
    format: Option<Format>,
}

#[derive(Serialize)]
struct Summary<'a> {
    job: &'static str,
    place: &'a Path,
    rows: u64,
    kinds: &'a BTreeMap<Kind, u64>,
}

/// A row as JSON: the columns as keys.
#[derive(Serialize)]
struct Item<'a>(BTreeMap<&'static str, std::borrow::Cow<'a, str>>);

const BILLED: &str = "items that are on issued invoices would be billed again by another database: finops export FOLDER/ leaves \
                      them out";
const WRITTEN_OFF: &str = "opening invoices that are written off here are open where they are imported: finops invoices \
                           uncollectible writes them off there";

pub fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let ctx = Context::new(shell)?;
    let kind = args.what.to_str().and_then(|word| word.parse::<Kind>().ok());
    match (kind, &args.out) {
        (Some(kind), None) => to_stdout(kind, args.format.unwrap_or(Format::Csv), &ctx)?,
        (Some(kind), Some(file)) => to_file(kind, file, args.format, &ctx)?,
        (None, Some(_)) => return Err(no_kind(&args.what)),
        (None, None) if args.what.components().count() == 1 && !args.what.exists() && is_word(&args.what) => {
            return Err(no_kind(&args.what));
        }
        (None, None) => to_folder(&args.what, args.format.unwrap_or(Format::Csv), &ctx)?,
    }
    Ok(ExitCode::Done)
}

/// A folder that is to be made is named with a slash, so that a kind that is misspelt makes none.
fn is_word(path: &Path) -> bool {
    !path.to_string_lossy().contains(['/', '.'])
}

fn no_kind(what: &Path) -> Error {
    let what = what.display();
    let error = Error::usage(format!("there is no kind {what}"));
    match Kind::like(&what.to_string()) {
        Some(like) => error.hint(format!("did you mean {like}? A folder is named with a slash: finops export {what}/")),
        None => {
            error.hint(format!("finops export --help tells the kinds; a folder is named with a slash: finops export {what}/"))
        }
    }
}

fn to_stdout(kind: Kind, format: Format, ctx: &Context) -> Result<()> {
    let ui = &ctx.ui;
    if !ui.is_json() {
        ui.data(&format.head(kind));
    }
    let mut logos = false;
    let warning = ctx.open_db()?.read(|tx| {
        export::rows(tx, kind, Way::default(), &mut |row| {
            logos |= matches!(&row, Row::Seller(row) if !row.seller.logo_sha256.is_empty());
            if ui.is_json() {
                ui.item(&Item(kind.columns().iter().map(|column| column.name).zip(row.cells()).collect()), String::new);
            } else {
                ui.data(&format.line(&row));
            }
            Ok(())
        })?;
        warning_of(tx, kind)
    })?;
    warning.iter().for_each(|warning| ui.warn(warning));
    if logos {
        ui.warn("the logos are left out, and importing this takes them away: --out FILE writes them beside the file");
    }
    Ok(())
}

fn to_file(kind: Kind, file: &Path, format: Option<Format>, ctx: &Context) -> Result<()> {
    let format = format.or_else(|| Format::of(file)).unwrap_or(Format::Csv);
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let mut files = Files { folder, parts: Vec::new() };
    let (count, warning) = ctx.open_db()?.read(|tx| {
        let count = files.write(tx, (kind, file), format, false)?;
        Ok::<_, Error>((count, warning_of(tx, kind)?))
    })?;
    files.keep()?;
    tell(ctx, file, &BTreeMap::from([(kind, count)]));
    warning.iter().for_each(|warning| ctx.ui.warn(warning));
    Ok(())
}

/// What whoever imports the rows of a kind into another database must know.
fn warning_of(tx: &mut Tx, kind: Kind) -> Result<Option<String>> {
    let (count, text) = match kind {
        Kind::BillableItems => (items::count_issued(tx)?, BILLED),
        Kind::OpeningInvoices => (openings::count_uncollectible(tx)?, WRITTEN_OFF),
        _ => return Ok(None),
    };
    Ok((count > 0).then(|| format!("{text} (there are {count})")))
}

fn to_folder(folder: &Path, format: Format, ctx: &Context) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| io_error("make the folder", folder, error))?;
    if let Some(other) = other_format(folder, format) {
        return Err(Error::refused(format!("{} is there: the folder would hold its rows twice", other.display()))
            .hint("give an empty folder, or the same --format"));
    }
    let mut files = Files { folder, parts: Vec::new() };
    let (counts, billed, items, written_off) = ctx.open_db()?.read(|tx| {
        let mut counts = BTreeMap::new();
        for kind in Kind::ALL.iter().copied() {
            counts.insert(kind, files.write(tx, (kind, &folder.join(kind.file_name_as(format))), format, true)?);
        }
        let issued = invoices::counts(tx)?.into_iter().filter(|count| count.0 != InvoiceState::Draft.as_str());
        let issued = issued.map(|count| count.2).sum::<i64>();
        Ok::<_, Error>((counts, issued - openings::count(tx)?, items::count_issued(tx)?, warning_of(tx, Kind::OpeningInvoices)?))
    })?;
    files.keep()?;
    tell(ctx, folder, &counts);
    if billed > 0 {
        ctx.ui.warn(format!(
            "{billed} issued invoices, their payments and the {items} items on them are not in {}: where it is imported, \
             contracts would be billed again and numbers begin at 1. Set bill_from of the contracts and tell the last numbers \
             (finops db reconcile --given SELLER=NUMBER --accept), or move everything with finops db copy",
            folder.display()
        ));
    }
    written_off.iter().for_each(|warning| ctx.ui.warn(warning));
    Ok(())
}

/// A file of the folder that an import would read beside the new ones.
fn other_format(folder: &Path, format: Format) -> Option<PathBuf> {
    let others = Format::ALL.iter().filter(|other| **other != format);
    let mut paths = others.flat_map(|other| Kind::ALL.iter().map(|kind| folder.join(kind.file_name_as(*other))));
    paths.find(|path| path.exists())
}

fn tell(ctx: &Context, place: &Path, kinds: &BTreeMap<Kind, u64>) {
    let summary = Summary { job: "export", place, rows: kinds.values().sum(), kinds };
    if ctx.ui.shows_details() {
        let mut table = Table::new(&[Column::left("Kind"), Column::right("Rows")]);
        kinds.iter().for_each(|(kind, count)| table.row(vec![kind.to_string(), count.to_string()]));
        ctx.ui.table(&table);
    }
    ctx.ui.summary(&summary, || format!("export: {} rows into {}", summary.rows, place.display()), true);
}

/// Files under way, each beside its place: only when all are whole do they get their names.
struct Files<'a> {
    folder: &'a Path,
    parts: Vec<(PathBuf, PathBuf)>,
}

impl Files<'_> {
    /// Writes the rows of a kind, and the logos that they name beside them; returns how many.
    fn write(&mut self, tx: &mut Tx, (kind, file): (Kind, &Path), format: Format, for_an_empty_database: bool) -> Result<u64> {
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let failed = |error| io_error("write", &part, error);
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(failed)?;
        self.parts.push((part.clone(), file.to_owned()));
        let mut out = BufWriter::with_capacity(256 * 1024, opened);
        out.write_all(format.head(kind).as_bytes()).map_err(failed)?;
        let mut count = 0;
        let keep = |logo: &Logo| {
            let path = self.folder.join(&logo.file_name);
            write_private(&path, &logo.content).map_err(|error| io_error("write", &path, error))
        };
        let way = Way { keep_logo: Some(&keep), for_an_empty_database };
        export::rows(tx, kind, way, &mut |row: Row| {
            count += 1;
            out.write_all(format.line(&row).as_bytes()).map_err(failed)
        })?;
        out.into_inner().map_err(|error| failed(error.into_error())).and_then(|file: File| file.sync_all().map_err(failed))?;
        Ok(count)
    }

    fn keep(&mut self) -> Result<()> {
        for (part, file) in self.parts.drain(..) {
            std::fs::rename(&part, &file).map_err(|error| io_error("write", &file, error))?;
        }
        Ok(())
    }
}

/// What failed leaves no half of a file behind.
impl Drop for Files<'_> {
    fn drop(&mut self) {
        for (part, _) in &self.parts {
            let _ = std::fs::remove_file(part);
        }
    }
}
