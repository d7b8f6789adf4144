//! Sellers, and the logos that their rows name.

use super::{Outcome, Words, Work};
use crate::engine::summary::hex;
use crate::error::Result;
use crate::import::{Located, SellerRow, Source, keep};
use crate::model::Seller;
use crate::model::ids::SYSTEM_COMPANY;
use crate::rules::numbering::NumberFormat;
use crate::store::{Tx, invoices, sellers};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// Largest logo, in bytes: it is embedded in every PDF.
const MAX_LOGO_BYTES: u64 = 1024 * 1024;

/// The first bytes of the formats that a PDF can embed (PNG specification, 5.2; JPEG, ITU T.81 B.1.1.3).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

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

/// Numbers are unique within a series because one format turns its counter into them.
fn check_series(work: &mut Work, seller: &Seller, source: &Source) {
    let differs = |other: &&Seller| other.series_id == seller.series_id && other.number_format != seller.number_format;
    if let Some(other) = work.sellers.values().find(differs) {
        let reason = format!(
            "seller {} draws from series {:?} too, with the format {:?}: give both the same format, or one another series_id",
            other.seller_id, other.series_id, other.number_format
        );
        work.refuse(source, "number_format", &seller.number_format, reason);
    }
}

/// Reads a logo, and looks at its first bytes: a name says nothing about a content.
fn read_logo(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_LOGO_BYTES + 1).read_to_end(&mut content))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if content.len() as u64 > MAX_LOGO_BYTES {
        return Err("the logo is larger than 1 MiB: it is embedded in every invoice; save it smaller".to_owned());
    }
    if content.starts_with(PNG) || content.starts_with(JPEG) {
        Ok(content)
    } else {
        Err("this is no PNG or JPEG file, whatever its name says".to_owned())
    }
}
