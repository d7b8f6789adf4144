//! What the database holds: is it sound, and is anything forgotten?

use super::{Report, State};
use crate::context::Context;
use crate::engine::doubts::{self, Cause};
use crate::error::Result;
use crate::model::digest::sha256_hex;
use crate::model::language::{LANGUAGES, parse_language};
use crate::model::message::MessageKind;
use crate::model::{Seller, TaxRate, tax_id};
use crate::providers::s3::Bucket;
use crate::rules::schedule::today;
use crate::store::documents::DocumentFile;
use crate::store::{Db, Tx, companies, contacts, contracts, documents, invoices, runs, schema, sellers};
use chrono::{DateTime, Utc};

/// Older SQLite can corrupt a database while it resets its WAL (reliability.md).
const SQLITE_AT_LEAST: [u32; 3] = [3, 51, 3];

/// PDFs that are looked for at a time, and in all without `--full`.
const PAGE: u32 = 500;

/// Of what is missing, so many are named.
const NAMED: u32 = 3;

/// All checks of the database's rows. One that cannot be made is a problem of its own.
pub(super) fn check(ctx: &Context, db: &mut Db, full: bool, report: &mut Report) {
    let name = db.engine_name();
    let checks: [(&'static str, Result<()>); 10] = [
        ("database", db.read(|tx| engine(tx, ctx, name, report))),
        ("clock", doubts(ctx, db, report)),
        ("sellers", db.read(|tx| tax_rates(tx, ctx, report))),
        ("tax ids", tax_ids(db, report)),
        ("languages", languages(db, report)),
        ("contracts", db.read(|tx| empty_contracts(tx, ctx, report))),
        ("drafts", db.read(|tx| stale_drafts(tx, report))),
        ("delivery", db.read(|tx| never_sent(tx, ctx, report))),
        ("pdfs", pdfs(ctx, db, full, report)),
        ("routes", super::routes::check_books(ctx, db, report)),
    ];
    for (check, ended) in checks {
        if let Err(error) = ended {
            report.error(check, error);
        }
    }
}

/// Engine, version, journal.
fn engine(tx: &mut Tx, ctx: &Context, name: &str, report: &mut Report) -> Result<()> {
    let facts = schema::engine_facts(tx)?;
    let url = &ctx.config.database.url;
    let is_old = name == "sqlite" && numbers(&facts.version) < SQLITE_AT_LEAST;
    let message = format!("{url}: {name} {}, schema {}", facts.version, schema::VERSION);
    if is_old {
        let [major, minor, patch] = SQLITE_AT_LEAST;
        report.add("database", State::Problem, message, format!("build finops with SQLite {major}.{minor}.{patch} or later"));
    } else {
        report.ok("database", message);
    }
    match facts.journal_mode.as_deref() {
        None | Some("wal") => {}
        Some(mode) => {
            let hint = "a filesystem without shared memory does that: move the database to a disk of this machine";
            report.add("journal", State::Problem, format!("SQLite keeps a journal of mode {mode}, not WAL"), hint);
        }
    }
    Ok(())
}

/// `3.54.1` as numbers.
fn numbers(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

/// Does the clock fit the last sign of life, and is the database the one that it was?
fn doubts(ctx: &Context, db: &mut Db, report: &mut Report) -> Result<()> {
    let shown = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    let doubts = doubts::find(ctx, db)?;
    if !doubts.iter().any(|doubt| doubt.cause != Cause::Restored) {
        let now = shown(ctx.clock.now());
        match db.read(runs::latest_heartbeat)? {
            None => report.ok("clock", format!("{now}; no job has run yet")),
            Some(last) => report.ok("clock", format!("{now}; the last job ran at {}", shown(last))),
        }
    }
    for doubt in doubts {
        let (check, state) = match doubt.cause {
            Cause::ClockBehind => ("clock", State::Problem),
            Cause::ClockAhead => ("clock", State::Warning),
            Cause::Restored => ("database", State::Problem),
        };
        report.add(check, state, doubt.message, doubt.hint);
    }
    Ok(())
}

/// Is there a seller, and does the code that each taxes with by default have a rate today?
fn tax_rates(tx: &mut Tx, ctx: &Context, report: &mut Report) -> Result<()> {
    const CHECK: &str = "sellers";
    let (sellers, rates) = (sellers::all(tx)?, sellers::tax_rates(tx)?);
    if sellers.is_empty() {
        report.add(CHECK, State::Warning, "there is no seller yet", "finops import --template sellers shows what to fill in");
    }
    let without = sellers.iter().filter(|seller| !has_rate(seller, &rates, ctx.as_of));
    let mut all_have = !sellers.is_empty();
    for Seller { seller_id, tax_code, .. } in without {
        all_have = false;
        let message = format!("seller {seller_id} has no tax rate today for its default code {tax_code}");
        report.add(CHECK, State::Problem, message, "add it to tax_rates.csv: finops import tax_rates tax_rates.csv");
    }
    if all_have {
        report.ok(CHECK, format!("{} with their tax rates", sellers.len()));
    }
    Ok(())
}

fn has_rate(seller: &Seller, rates: &[TaxRate], as_of: DateTime<Utc>) -> bool {
    let day = today(as_of, seller.time_zone);
    rates.iter().any(|rate| rate.seller_id == seller.seller_id && rate.tax_code == seller.tax_code && rate.valid_from <= day)
}

/// Do the check digits of the companies' tax ids hold? Import refuses a wrong form only, since an id
/// is printed as its owner writes it.
fn tax_ids(db: &mut Db, report: &mut Report) -> Result<()> {
    let (mut after, mut known, mut wrong) = (String::new(), 0_u64, Vec::new());
    loop {
        let page = db.read(|tx| companies::tax_ids(tx, &after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.company_id.to_string();
        known += page.len() as u64;
        wrong.extend(page.into_iter().filter(|of| tax_id::check(&of.country, &of.tax_id).is_err()));
    }
    match wrong.first() {
        None => report.ok("tax ids", format!("the check digits of {known} hold, as far as their rules are published")),
        Some(companies::TaxIdOf { company_id, tax_id, .. }) => {
            let message = format!("{} of {known} have wrong check digits, such as {tax_id} of {company_id}", wrong.len());
            report.add("tax ids", State::Warning, message, "ask the customer, correct companies.csv and import it again");
        }
    }
    Ok(())
}

/// Those of one file whose language finops does not speak: how many, and the first ones.
struct Unspoken {
    file: &'static str,
    count: usize,
    named: Vec<String>,
}

impl Unspoken {
    fn of(file: &'static str) -> Self {
        Self { file, count: 0, named: Vec::new() }
    }

    fn look(&mut self, language: &str, whose: impl Fn() -> String) {
        // `de_AT` is German all the same.
        if parse_language(&language.replace('_', "-")).is_err() {
            self.count += 1;
            if self.named.len() < NAMED as usize {
                self.named.push(format!("{language:?} of {}", whose()));
            }
        }
    }

    fn tell(&self, report: &mut Report) {
        let more = self.count - self.named.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let message = format!("finops does not speak {}{more}: they get English", self.named.join(", "));
        let (file, languages) = (self.file, LANGUAGES.join(", "));
        let hint = format!("write one of {languages} in {file}.csv, and finops import {file} {file}.csv");
        report.add("languages", State::Warning, message, hint);
    }
}

/// Who is to be written to in a language that finops does not speak? Older versions took any.
fn languages(db: &mut Db, report: &mut Report) -> Result<()> {
    let mut of = ["sellers", "companies", "contacts"].map(Unspoken::of);
    let [of_sellers, of_companies, of_contacts] = &mut of;
    for seller in db.read(sellers::all)? {
        of_sellers.look(&seller.language, || format!("seller {}", seller.seller_id));
    }
    let mut after = String::new();
    loop {
        let page = db.read(|tx| companies::languages(tx, &after, PAGE))?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        page.iter().for_each(|(company, language)| of_companies.look(language, || format!("company {company}")));
    }
    let mut after = (String::new(), String::new());
    loop {
        let page = db.read(|tx| contacts::languages(tx, &after, PAGE))?;
        let Some((company, contact, _)) = page.last() else { break };
        after = (company.clone(), contact.clone());
        for (company, contact, language) in &page {
            of_contacts.look(language, || format!("contact {contact} of {company}"));
        }
    }
    if of.iter().all(|of| of.count == 0) {
        report.ok("languages", "everybody is written to in a language that finops speaks");
    }
    of.iter().filter(|of| of.count > 0).for_each(|of| of.tell(report));
    Ok(())
}

/// Contracts for which nothing is ever billed.
fn empty_contracts(tx: &mut Tx, ctx: &Context, report: &mut Report) -> Result<()> {
    let found = contracts::without_items(tx, ctx.as_of.date_naive(), NAMED + 1)?;
    if found.is_empty() {
        report.ok("contracts", "each one has something to bill");
        return Ok(());
    }
    let named = found.iter().take(NAMED as usize).map(|(company, contract)| format!("{company} {contract}"));
    let more = if found.len() > NAMED as usize { " and more" } else { "" };
    let message = format!("no item in {}{more}", named.collect::<Vec<_>>().join(", "));
    report.add("contracts", State::Warning, message, "add items with finops import contract_items FILE, or end the contracts");
    Ok(())
}

/// Does a draft wait for a person, who may not know?
fn stale_drafts(tx: &mut Tx, report: &mut Report) -> Result<()> {
    const CHECK: &str = "drafts";
    match invoices::count_stale_edited(tx)? {
        0 => report.ok(CHECK, "none that was edited by hand waits for a person"),
        count => report.add(
            CHECK,
            State::Warning,
            format!("edited by hand, and stale since: {count}. They are neither made anew nor issued"),
            "finops invoices list --state draft shows them: delete each, or change it by hand again",
        ),
    }
    Ok(())
}

/// Will anybody be reminded of an invoice that was never sent? So it is with those that were issued before
/// there was a mail server.
fn never_sent(tx: &mut Tx, ctx: &Context, report: &mut Report) -> Result<()> {
    const CHECK: &str = "delivery";
    if ctx.config.mail.is_none() || !ctx.config.messages.tells(MessageKind::InvoiceIssued) {
        return Ok(());
    }
    let found = invoices::never_told(tx, NAMED + 1)?;
    if found.is_empty() {
        report.ok(CHECK, "each open invoice was sent, or is on its way");
        return Ok(());
    }
    let named: Vec<&str> = found.iter().take(NAMED as usize).map(|(_, number)| number.as_str()).collect();
    let more = if found.len() > NAMED as usize { " and more" } else { "" };
    let message = format!("open and never sent, since they were issued without [mail]: {}{more}", named.join(", "));
    report.add(
        CHECK,
        State::Note,
        message,
        format!("if nobody has sent them otherwise: finops invoices send {}", named.join(" ")),
    );
    Ok(())
}

/// Are the PDFs that were written still there, as they were?
fn pdfs(ctx: &Context, db: &mut Db, full: bool, report: &mut Report) -> Result<()> {
    let (mut looked_at, mut wrong) = (0_usize, Vec::new());
    let mut after = (String::new(), String::new());
    let bucket = ctx.config.documents.s3.clone().map(Bucket::new);
    loop {
        let mut page = db.read(|tx| documents::pdfs(tx, (&after.0, &after.1), PAGE))?;
        let Some(last) = page.last() else { break };
        after = (last.company_id.to_string(), last.invoice_id.to_string());
        let more = page.len() == PAGE as usize;
        if !full {
            // An object costs a call: one tells whether the bucket can be reached.
            let mut objects = 0;
            page.retain(|file| {
                file.place.is_empty() || {
                    objects += 1;
                    objects == 1
                }
            });
        }
        looked_at += page.len();
        wrong.extend(page.iter().filter_map(|file| match file.place.as_str() {
            "" => what_is_wrong(ctx, file, full),
            _ => object_is_wrong(ctx, bucket.as_ref(), file),
        }));
        if !full || !more {
            break;
        }
    }
    let how = if full { "read" } else { "looked for" };
    if wrong.is_empty() {
        report.ok("pdfs", format!("{looked_at} {how}, all there"));
        return Ok(());
    }
    let named = wrong.iter().take(NAMED as usize).cloned().collect::<Vec<_>>().join(", ");
    let more = if wrong.len() > NAMED as usize { ", …" } else { "" };
    let message = format!("{} of {looked_at} {how}: {named}{more}", wrong.len());
    report.add("pdfs", State::Warning, message, "finops invoices pdf NUMBER writes one again, with the same bytes");
    Ok(())
}

fn object_is_wrong(ctx: &Context, bucket: Option<&Bucket>, file: &DocumentFile) -> Option<String> {
    let Some(bucket) = bucket else {
        return Some(format!("{}: there is no [documents.s3] in finops.toml to look for it", file.path));
    };
    match bucket.find_stored(&file.path, ctx.clock.now()) {
        Ok(Some(bytes)) if bytes == file.bytes => None,
        Ok(Some(_)) => Some(format!("{} is not as it was written", file.path)),
        Ok(None) => Some(format!("{} is missing", file.path)),
        Err(failure) => Some(format!("{}: {}", file.path, failure.message)),
    }
}

fn what_is_wrong(ctx: &Context, file: &DocumentFile, full: bool) -> Option<String> {
    let path = ctx.config.documents.folder.join(&file.path);
    let is_right = if full {
        std::fs::read(&path).map(|bytes| sha256_hex(&bytes) == file.sha256)
    } else {
        std::fs::metadata(&path).map(|metadata| metadata.len() == file.bytes)
    };
    match is_right {
        Ok(true) => None,
        Ok(false) => Some(format!("{} is not as it was written", file.path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(format!("{} is missing", file.path)),
        Err(error) => Some(format!("{}: {error}", file.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("3.54.1") >= SQLITE_AT_LEAST && numbers("3.51.3") >= SQLITE_AT_LEAST);
        assert!(numbers("3.9.0") < SQLITE_AT_LEAST && numbers("3.51.2") < SQLITE_AT_LEAST);
    }
}
