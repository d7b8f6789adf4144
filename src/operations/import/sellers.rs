//! Sellers, and the logos that their rows name.

use super::{Outcome, Words, Work};
use crate::error::Result;
use crate::import::{Located, SellerRow, Source, keep};
use crate::model::Seller;
use crate::model::digest::sha256_hex;
use crate::model::ids::SYSTEM_COMPANY;
use crate::render::Logo;
use crate::rules::numbering::NumberFormat;
use crate::rules::schedule::today;
use crate::store::{Tx, invoices, numbers, sellers};
use chrono::Datelike;
use std::io::Read;
use std::path::Path;

/// More is not read, in bytes; what is printable is less.
const MAX_LOGO_BYTES: u64 = 1024 * 1024;

const WORDS: Words = Words { entity: "seller", added: "seller.added", changed: "seller.changed" };

pub fn write(tx: &mut Tx, work: &mut Work, rows: Vec<Located<Box<SellerRow>>>, folder: &Path) -> Result<()> {
    let mut written = Vec::new();
    for Located { value: mut row, source } in rows {
        if let Some(before) = work.sellers.get(&row.seller.seller_id) {
            keep::seller(&mut row, before, &source);
        }
        let SellerRow { mut seller, logo } = *row;
        if let Some((column, format, reason)) = wrong_format(&seller) {
            work.refuse(&source, column, &format, reason);
            continue;
        }
        if let Some(logo) = logo {
            match read_logo(&folder.join(&logo)) {
                Ok(content) => {
                    seller.logo_sha256 = sha256_hex(&content);
                    sellers::put_asset(tx, &seller.logo_sha256, &content)?;
                }
                Err(reason) => {
                    work.refuse(&source, "logo", &logo, reason);
                    continue;
                }
            }
        }
        let before = work.sellers.get(&seller.seller_id);
        if before == Some(&seller) {
            work.count(Outcome::Unchanged);
            continue;
        }
        let outcome = if before.is_some() { Outcome::Changed } else { Outcome::Added };
        let payload = sellers::change(before, &seller);
        work.note(SYSTEM_COMPANY, &WORDS, outcome, seller.seller_id.to_string(), payload);
        work.sellers.insert(seller.seller_id.clone(), seller.clone());
        written.push((seller, source, outcome));
    }
    // Waits for the plans under way that hold the sellers; only then is every draft there to be marked.
    sellers::upsert(tx, &written.iter().map(|(seller, ..)| seller).collect::<Vec<_>>())?;
    for (seller, ..) in written.iter().filter(|(.., outcome)| *outcome == Outcome::Changed) {
        work.summary.stale_drafts += invoices::mark_stale_by_seller(tx, &seller.seller_id)?;
    }
    // Last, so that two sellers can change the format of the series that they share in one file.
    for (seller, source, _) in &written {
        check_series(work, seller, source);
        check_given(tx, work, seller, source)?;
    }
    Ok(())
}

/// A format that makes no numbers: its column, itself, and why.
fn wrong_format(seller: &Seller) -> Option<(&'static str, String, String)> {
    let columns = [("number_format", &seller.number_format), ("credit_number_format", &seller.credit_number_format)];
    columns.into_iter().find_map(|(column, format)| Some((column, format.clone(), NumberFormat::parse(format).err()?.0)))
}

/// A series that a seller draws from: its id, how its numbers look, and the columns that say so.
struct Series<'s> {
    id: &'s str,
    format: &'s str,
    columns: (&'static str, &'static str),
}

fn series_of(seller: &Seller) -> [Series<'_>; 2] {
    let invoices = Series { id: &seller.series_id, format: &seller.number_format, columns: ("series_id", "number_format") };
    let credit_notes = Series {
        id: &seller.credit_series_id,
        format: &seller.credit_number_format,
        columns: ("credit_series_id", "credit_number_format"),
    };
    [invoices, credit_notes]
}

/// Numbers are unique within a series because one format turns its counter into them, and ascend
/// with their dates because one zone says what is today: a seller whose day begins later could issue
/// nothing on a day on which the other one has. Credit notes may share the series of invoices.
fn check_series(work: &mut Work, seller: &Seller, source: &Source) {
    let mut refusals: Vec<(&'static str, String, String)> = Vec::new();
    let [invoices, credit_notes] = series_of(seller);
    if invoices.id != credit_notes.id && invoices.format == credit_notes.format {
        let reason = "invoices and credit notes of two series would have the same numbers: give each a format of its own, or \
                      both one series_id";
        refusals.push((credit_notes.columns.1, credit_notes.format.to_owned(), reason.to_owned()));
    }
    for own in [invoices, credit_notes] {
        let all = work.sellers.values().flat_map(|other| series_of(other).map(|series| (other, series)));
        let mut sharing = all.filter(|(_, series)| series.id == own.id);
        let wrong = sharing.find_map(|(other, series)| {
            let (column, value, what, advice) = if other.time_zone != seller.time_zone {
                ("time_zone", seller.time_zone.name(), format!("in the zone {}", other.time_zone), "zone")
            } else if series.format != own.format {
                (own.columns.1, own.format, format!("with the format {:?}", series.format), "format")
            } else {
                return None;
            };
            let reason = format!(
                "seller {} draws from series {:?} too, {what}: give both the same {advice}, or one another {}",
                other.seller_id, own.id, own.columns.0
            );
            Some((column, value.to_owned(), reason))
        });
        refusals.extend(wrong);
    }
    // Both series may be wrong in the same way.
    refusals.dedup_by(|a, b| a.0 == b.0);
    for (column, value, reason) in refusals {
        work.refuse(source, column, &value, reason);
    }
}

/// A seller that changes its series but not its format would give its numbers once more. `issue` refuses
/// that too, but then the drafts are there and nothing can be issued.
fn check_given(tx: &mut Tx, work: &mut Work, seller: &Seller, source: &Source) -> Result<()> {
    for series in series_of(seller) {
        let Ok(format) = NumberFormat::parse(series.format) else { continue };
        let as_of = today(work.as_of, seller.time_zone).year();
        let (year, counter) = if format.restarts_yearly() { (as_of, as_of) } else { (as_of, 0) };
        let number = format.format(year, numbers::next(tx, series.id, counter)?);
        if numbers::is_given(tx, &seller.seller_id, &number)? {
            let reason = format!(
                "seller {} has given {number} already, and series {:?} would give it again: a new series needs a {} of its own",
                seller.seller_id, series.id, series.columns.1
            );
            work.refuse(source, series.columns.0, series.id, reason);
        }
    }
    Ok(())
}

/// Reads a logo and prints it for a trial: a name says nothing about a content, and one that cannot
/// be printed would fail each invoice.
fn read_logo(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_LOGO_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Logo::parse(content.clone()).map_err(|invalid| invalid.0)?;
    Ok(content)
}
