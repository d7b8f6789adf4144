//! Sellers, and the logos that their rows name.

use super::{Outcome, Words, Work};
use crate::engine::summary::hex;
use crate::error::Result;
use crate::import::{Located, SellerRow, Source, keep};
use crate::model::Seller;
use crate::model::ids::SYSTEM_COMPANY;
use crate::render::Logo;
use crate::rules::numbering::NumberFormat;
use crate::store::{Tx, invoices, sellers};
use sha2::{Digest, Sha256};
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
        if let Err(invalid) = NumberFormat::parse(&seller.number_format) {
            work.refuse(&source, "number_format", &seller.number_format, invalid.0);
            continue;
        }
        if let Some(logo) = logo {
            match read_logo(&folder.join(&logo)) {
                Ok(content) => {
                    seller.logo_sha256 = hex(&Sha256::digest(&content));
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
    }
    Ok(())
}

/// Numbers are unique within a series because one format turns its counter into them, and ascend
/// with their dates because one zone says what is today: a seller whose day begins later could issue
/// nothing on a day on which the other one has.
fn check_series(work: &mut Work, seller: &Seller, source: &Source) {
    let shares = |other: &&Seller| other.series_id == seller.series_id;
    if let Some(other) = work.sellers.values().filter(shares).find(|other| other.time_zone != seller.time_zone) {
        let reason = format!(
            "seller {} draws from series {:?} too, in the zone {}: give both the same zone, or one another series_id",
            other.seller_id, other.series_id, other.time_zone
        );
        work.refuse(source, "time_zone", seller.time_zone.name(), reason);
        return;
    }
    if let Some(other) = work.sellers.values().filter(shares).find(|other| other.number_format != seller.number_format) {
        let reason = format!(
            "seller {} draws from series {:?} too, with the format {:?}: give both the same format, or one another series_id",
            other.seller_id, other.series_id, other.number_format
        );
        work.refuse(source, "number_format", &seller.number_format, reason);
    }
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
