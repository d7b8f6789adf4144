//! After an older copy of the database was put in place: what the outside knows and the database
//! does not, and going on from there.
//!
//! The outside knows the last run that this machine began (the witness), and the PDFs in the folder
//! of documents. A PDF that no invoice of the database has bears a number that was given after the
//! copy was made, and may have been sent: that number must never be given again. So its series is
//! raised beyond it, and every number that is passed over is kept as lost in `document_numbers`,
//! which leaves the series without gaps. The database gets an id of its own, so that no machine's
//! witness speaks of it any more; that is what ends the doubt, for all machines at once.

use crate::context::Context;
use crate::engine::doubts::{self, Cause, Doubt};
use crate::engine::{host, witness};
use crate::error::{Error, Result, io_error};
use crate::model::calendar::FIRST_YEAR;
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::{Seller, SellerId};
use crate::providers::folder;
use crate::rules::numbering::NumberFormat;
use crate::store::audit::{self, Entry};
use crate::store::{Db, StoreError, Tx, documents, numbers, schema, sellers};
use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Files that are looked up together.
const PAGE: u32 = 1000;

/// More numbers than this are hardly lost: rather a file does not belong where it lies.
const MOST_LOST: u64 = 100_000;

/// A document that somebody has and the database does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unknown {
    /// In the folder of documents; empty when a person told the number.
    pub path: String,
    pub seller_id: String,
    pub number: String,
    /// Where the number counts; None when the seller's format does not make it, so that it is not
    /// given again anyway.
    pub series: Option<Series>,
}

/// A place in a series of numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Series {
    pub series_id: String,
    /// 0 where numbers do not restart.
    pub year: i32,
    pub seq: u64,
}

/// Numbers that are lost for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    pub series_id: String,
    pub year: i32,
    pub from: u64,
    pub to: u64,
    /// As they are printed.
    pub first: String,
    pub last: String,
}

/// What the outside knows.
#[derive(Debug, Clone)]
pub struct Outside {
    pub doubt: Option<Doubt>,
    pub unknown: Vec<Unknown>,
}

/// Holds the outside against the database. `told` are numbers, by seller, that a person knows to
/// have been given, where the documents lie elsewhere than in the folder.
pub fn look(ctx: &Context, db: &mut Db, told: &[(SellerId, String)]) -> Result<Outside> {
    let doubt = doubts::find(ctx, db)?.into_iter().find(|doubt| doubt.cause == Cause::Restored);
    let root = &ctx.config.documents.folder;
    let unknown = db.read(|tx| {
        let mut unknown = Vec::new();
        for seller in folders(root, root)? {
            for year in folders(root, &root.join(&seller))? {
                of_folder(tx, root, &seller, &year, &mut unknown)?;
            }
        }
        for (seller_id, number) in told {
            unknown.extend(of_number(tx, seller_id, number)?);
        }
        Ok::<_, Error>(unknown)
    })?;
    Ok(Outside { doubt, unknown })
}

fn folders(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let failed = |error| io_error("read", root, error);
    let mut names: Vec<String> = folder::names(folder).map_err(failed)?.into_iter().collect();
    names.retain(|name| folder.join(name).is_dir());
    names.sort();
    Ok(names)
}

/// The PDFs of a seller and a year that are neither written down nor an invoice's.
fn of_folder(tx: &mut Tx, root: &Path, seller: &str, year: &str, unknown: &mut Vec<Unknown>) -> Result<()> {
    let relative = format!("{seller}/{year}");
    let path = root.join(&relative);
    let mut names = folder::names(&path).map_err(|error| io_error("read", &path, error))?;
    names.retain(|name| name.ends_with(".pdf"));
    let mut after = String::new();
    loop {
        let page = documents::in_folder(tx, &relative, &after, PAGE)?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.path);
        let known: HashSet<&str> = page.iter().filter_map(|file| file.path.rsplit('/').next()).collect();
        names.retain(|name| !known.contains(name.as_str()));
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    for name in names {
        let part = |name: &str| folder::part_of_name(name);
        let number = name.strip_suffix(".pdf").and_then(part);
        let (Some(number), Some(seller)) = (number, part(seller)) else { continue };
        let Ok(seller_id) = seller.parse::<SellerId>() else { continue };
        // One that is to be written again has its invoice.
        if numbers::is_given(tx, &seller_id, &number)? {
            continue;
        }
        let series = year.parse().ok().map(|year| series(tx, &seller_id, &number, year)).transpose()?.flatten();
        if !is_past(tx, series.as_ref())? {
            unknown.push(Unknown { path: format!("{relative}/{name}"), seller_id: seller, number, series });
        }
    }
    Ok(())
}

/// # Errors
/// Usage: the seller's format does not make such a number.
fn of_number(tx: &mut Tx, seller_id: &SellerId, number: &str) -> Result<Option<Unknown>> {
    // The year stands in the number, or does not matter. One that an invoice of the system before has may be still to
    // come here.
    for year in 2000..2100 {
        if let Some(series) = series(tx, seller_id, number, year)? {
            if is_past(tx, Some(&series))? {
                return Ok(None);
            }
            let (seller_id, number) = (seller_id.to_string(), number.to_owned());
            return Ok(Some(Unknown { path: String::new(), seller_id, number, series: Some(series) }));
        }
    }
    if numbers::is_given(tx, seller_id, number)? {
        return Ok(None);
    }
    Err(Error::usage(format!("--given {seller_id}={number}: the numbers of seller {seller_id} do not look like that"))
        .hint("give the last number as it stands on the invoice; finops invoices list shows others of the seller"))
}

/// Whether a seller's series, as they stand, will come to this number in the year of a day or the one after. Of years
/// that are over nothing is given any more.
pub(in crate::operations) fn will_come_to(tx: &mut Tx, seller: &Seller, number: &str, on: NaiveDate) -> Result<bool, StoreError> {
    for (series_id, format) in formats(seller) {
        for year in [on.year(), on.year() + 1] {
            let counter = if format.restarts_yearly() { year } else { 0 };
            if let Some(seq) = format.read(number, year)
                && seq >= numbers::next(tx, series_id, counter)?
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether the series has gone beyond a number already: given, or passed over before.
fn is_past(tx: &mut Tx, series: Option<&Series>) -> Result<bool> {
    let Some(Series { series_id, year, seq }) = series else { return Ok(false) };
    Ok(*seq < numbers::next(tx, series_id, *year)?)
}

fn series(tx: &mut Tx, seller_id: &SellerId, number: &str, year: i32) -> Result<Option<Series>> {
    let Some(seller) = sellers::find(tx, seller_id.as_str())? else { return Ok(None) };
    Ok(formats(&seller).into_iter().find_map(|(series_id, format)| {
        let year_of_counter = if format.restarts_yearly() { year } else { 0 };
        Some(Series { series_id: series_id.to_owned(), year: year_of_counter, seq: format.read(number, year)? })
    }))
}

/// A seller's series, of invoices and of credit notes, and how their numbers look.
fn formats(seller: &Seller) -> Vec<(&str, NumberFormat)> {
    let series = [(&seller.series_id, &seller.number_format), (&seller.credit_series_id, &seller.credit_number_format)];
    series.into_iter().filter_map(|(id, format)| Some((id.as_str(), NumberFormat::parse(format).ok()?))).collect()
}

/// Goes on with the database as it is: raises its series beyond what was given, ends the doubt, and
/// tells the audit log. All of it in one transaction.
pub fn accept(ctx: &Context, db: &mut Db, outside: &Outside) -> Result<Vec<PassedOver>> {
    let mut highest: BTreeMap<(&str, i32), &Unknown> = BTreeMap::new();
    for unknown in &outside.unknown {
        let Some(series) = &unknown.series else { continue };
        let best = highest.entry((&series.series_id, series.year)).or_insert(unknown);
        if best.series.as_ref().is_some_and(|best| best.seq < series.seq) {
            *best = unknown;
        }
    }
    let author = host::author(ctx);
    let new_id = ctx.ids.uuid().to_string();
    let mut superseded = None;
    let passed_over = db.write(|tx| {
        let mut passed_over = Vec::new();
        for unknown in highest.values() {
            passed_over.extend(pass_over(tx, unknown)?);
        }
        if outside.doubt.is_none() && passed_over.is_empty() {
            return Ok(passed_over);
        }
        let before = schema::meta(tx, schema::DATABASE_ID)?;
        if outside.doubt.is_some() {
            schema::set_meta(tx, schema::DATABASE_ID, &new_id)?;
            superseded.clone_from(&before);
        }
        let doubt = outside.doubt.as_ref().map(|doubt| &doubt.message);
        let documents: Vec<&Unknown> = outside.unknown.iter().collect();
        let entry = Entry {
            company_id: SYSTEM_COMPANY.to_owned(),
            action: "database.reconciled",
            entity: "database",
            entity_id: before.unwrap_or_default(),
            payload: json!({ "doubt": doubt, "passed_over": passed_over, "documents": documents }).to_string(),
        };
        audit::append(tx, &author, &[entry])?;
        Ok::<_, Error>(passed_over)
    })?;
    if let Some(before) = superseded {
        witness::reconciled(ctx, &before, &new_id, author.at);
    }
    Ok(passed_over)
}

fn pass_over(tx: &mut Tx, unknown: &Unknown) -> Result<Option<PassedOver>> {
    let Unknown { path, seller_id, number, series: Some(series) } = unknown else { return Ok(None) };
    let Series { series_id, year, seq } = series;
    let next = numbers::next(tx, series_id, *year)?;
    if seq.saturating_sub(next) > MOST_LOST {
        let place = if path.is_empty() { format!("--given {seller_id}={number}") } else { path.clone() };
        return Err(Error::refused(format!("{place} is {} numbers beyond the last that this database gave", seq - next + 1))
            .hint("if the document does not belong there, move it away"));
    }
    let seller = sellers::find(tx, seller_id)?;
    let format = seller.and_then(|seller| formats(&seller).into_iter().find(|(id, _)| id == series_id).map(|(_, format)| format));
    let label = |seq: u64| format.as_ref().map_or_else(|| seq.to_string(), |format| format.format(*year, seq));
    // A counter that is opened only now has issued nothing that this database could date: the first day of its year, or
    // of the calendar where numbers do not restart.
    let opened_on = NaiveDate::from_ymd_opt((*year).max(FIRST_YEAR), 1, 1).unwrap_or_default();
    let lost = numbers::pass_over(tx, (series_id, *year), *seq, opened_on, label)?;
    Ok(lost.map(|lost| PassedOver {
        series_id: series_id.clone(),
        year: *year,
        from: lost.from,
        to: lost.to,
        first: label(lost.from),
        last: label(lost.to),
    }))
}
