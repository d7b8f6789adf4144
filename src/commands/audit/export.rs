//! `finops audit export`: the log as JSON lines, in the order of the chains.

use super::{Shown, parse_since};
use crate::context::Context;
use crate::error::{ExitCode, Result, io_error};
use crate::model::CompanyId;
use crate::model::digest::hex;
use crate::store::Tx;
use crate::store::audit::{self, GENESIS, Logged};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the chain of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
    /// Each chain from its first row of this day or instant (UTC) on.
    #[arg(long, value_parser = parse_since)]
    since: Option<DateTime<Utc>>,
    /// Where to write it [default: the standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Rows that are read together.
const PAGE: u32 = 1000;

/// A line: what a row holds, and the hash that it follows, which need not be in the export.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    row: Shown<'a>,
    previous: String,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let Some(path) = &args.out else {
        db.read(|tx| {
            rows(tx, args, &mut |line| {
                ctx.ui.line(line);
                Ok(!ctx.ui.is_closed())
            })
        })?;
        return Ok(ExitCode::Done);
    };
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = db.read(|tx| to_file(tx, args, &part));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    let count = written?;
    std::fs::rename(&part, path).map_err(|error| io_error("write", path, error))?;
    ctx.ui.done(&serde_json::json!({ "path": path, "rows": count }), || format!("{}: {count} rows", path.display()));
    Ok(ExitCode::Done)
}

/// It holds what customers were billed: for its owner alone.
fn to_file(tx: &mut Tx, args: &Args, path: &Path) -> Result<u64> {
    let failed = |error| io_error("write", path, error);
    let file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let mut count = 0;
    rows(tx, args, &mut |line| {
        serde_json::to_writer(&mut out, line).map_err(|error| failed(error.into()))?;
        out.write_all(b"\n").map_err(failed)?;
        count += 1;
        Ok(true)
    })?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(count)
}

/// Tells each line, until it is told to stop.
fn rows(tx: &mut Tx, args: &Args, tell: &mut dyn FnMut(&Line) -> Result<bool>) -> Result<()> {
    let of = args.company_id.as_ref().map(CompanyId::as_str);
    let mut after = (String::new(), 0);
    let mut previous = GENESIS.to_vec();
    // Instants of a chain need not ascend, and the part of it that is told must have no holes.
    let mut told = false;
    loop {
        let page = audit::page(tx, of, (&after.0, after.1), PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            if row.company_id != after.0 {
                (previous, told) = (GENESIS.to_vec(), false);
            }
            told = told || args.since.is_none_or(|since| is_from(&row, since));
            if told && !tell(&Line { r#type: "item", row: Shown::new(&row), previous: hex(&previous) })? {
                return Ok(());
            }
            (after, previous) = ((row.company_id, row.seq), row.hash);
        }
    }
}

/// What is no instant is told rather than left out.
fn is_from(row: &Logged, since: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc3339(&row.at).map_or(true, |at| at >= since)
}
