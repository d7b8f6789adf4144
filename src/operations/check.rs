//! `db check`: whether the database still holds to its own rules. It reads everything once, in
//! pages, and changes nothing.

use crate::error::Result;
use crate::jobs::generate::{Plans, contract_facts};
use crate::model::digest::sha256_hex;
use crate::model::document::Document;
use crate::model::{ContractId, Money};
use crate::rules::billing::{ContractFacts, bills, calendar};
use crate::rules::schedule::next_unbilled;
use crate::store::billing::Next;
use crate::store::{Db, StoreError, Tx, billing, check, contracts};
use chrono::NaiveDate;
use serde::Serialize;

/// Documents or contracts that are looked at together.
const PAGE: u32 = 500;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for scripts: `invoice_lines`, `document_hash`.
    pub rule: &'static str,
    /// The company, the series or the seller; empty for the database as a whole.
    pub company_id: String,
    /// The invoice, contract, item, year or number.
    pub id: String,
    pub message: String,
}

/// All that is wrong; empty when all is well.
pub fn check(db: &mut Db) -> Result<Vec<Finding>> {
    let broken = |message| Finding { rule: "engine", company_id: String::new(), id: String::new(), message };
    let mut findings: Vec<Finding> = db.integrity_problems()?.into_iter().map(broken).collect();
    db.read(|tx| {
        findings.extend(check::findings(tx)?.into_iter().map(|found| Finding {
            rule: found.rule,
            company_id: found.subject.0,
            id: found.subject.1,
            message: found.message.to_owned(),
        }));
        documents(tx, &mut findings)?;
        schedules(tx, &mut findings)
    })?;
    Ok(findings)
}

/// Every document has the SHA-256 under which it is kept, and says what its invoice says.
fn documents(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut after = (String::new(), String::new());
    loop {
        let page = check::documents(tx, (&after.0, &after.1), PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.company_id.to_string(), last.invoice_id.to_string());
        for issued in &page {
            if let Some((rule, message)) = wrong_with(issued) {
                let (company_id, id) = (issued.company_id.to_string(), issued.invoice_id.to_string());
                findings.push(Finding { rule, company_id, id, message: message.to_owned() });
            }
        }
    }
}

fn wrong_with(issued: &check::Issued) -> Option<(&'static str, &'static str)> {
    if sha256_hex(issued.content.as_bytes()) != issued.sha256 {
        return Some(("document_hash", "the document is not the one that was issued: its SHA-256 differs"));
    }
    let Ok(document) = serde_json::from_str::<Document>(&issued.content) else {
        return Some(("document_content", "the document cannot be read"));
    };
    let total = Money::exact(document.total, document.currency).ok();
    let agrees = document.number == issued.number
        && document.invoice_id == issued.invoice_id
        && total.is_some_and(|total| total.minor() == issued.total_minor);
    (!agrees).then_some(("document_content", "the document has another number or total than its invoice"))
}

/// Every schedule says what the rules say.
fn schedules(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<()> {
    let mut after = (String::new(), String::new());
    let mut plans = Plans::default();
    loop {
        let keys = check::contract_keys(tx, (&after.0, &after.1), PAGE)?;
        let Some((company_id, contract_id)) = keys.last() else { return Ok(()) };
        after = (company_id.to_string(), contract_id.to_string());
        for (company_id, contract_id) in &keys {
            let Some(contract) = contracts::find(tx, company_id, contract_id)? else { continue };
            let Some((next, _)) = billing::schedule(tx, company_id, contract_id)? else { continue };
            let billed: Vec<_> = billing::billed_periods(tx, company_id, contract_id)?.into_iter().map(|p| p.0).collect();
            let facts = contract_facts(tx, contract, &[], &mut plans)?;
            let metered = facts.items.iter().any(|item| item.terms.meter.is_some());
            let by_rule = next_unbilled(&facts.contract, metered, &billed)
                .map(|row| row.map(|row| Next { start: row.next_start, due_on: row.next_due_on }));
            if by_rule.as_ref() != Ok(&next) && !passed_over(&facts, &billed, next, by_rule.as_ref().ok().copied().flatten()) {
                findings.push(schedule_finding(company_id.to_string(), contract_id, next, by_rule.ok().flatten()));
            }
        }
    }
}

/// Whether a schedule is ahead of the rules only by periods in which nothing is billed: they are
/// passed over without a trace.
fn passed_over(facts: &ContractFacts, billed: &[NaiveDate], stands: Option<Next>, by_rule: Option<Next>) -> bool {
    let (Some(by_rule), Ok(calendar)) = (by_rule, calendar(facts)) else { return false };
    // Behind the last period stands nothing, if there is a last one.
    let until = match (stands, facts.contract.end) {
        (Some(stands), _) if calendar.containing(stands.start).is_some_and(|p| p.service.start() == stands.start) => stands.start,
        (None, Some(end)) => end.succ_opt().unwrap_or(end),
        _ => return false,
    };
    let mut between = calendar.periods_from(by_rule.start).take_while(|p| p.service.start() < until);
    let empty = between.all(|p| billed.contains(&p.service.start()) || !bills(facts, &calendar, &p));
    // Without any item at all a schedule stays where it is.
    !facts.items.is_empty() && by_rule.start < until && empty
}

fn schedule_finding(company_id: String, contract_id: &ContractId, stands: Option<Next>, by_rule: Option<Next>) -> Finding {
    let told = |next: Option<Next>| next.map_or_else(|| "nothing".to_owned(), |n| format!("{} due on {}", n.start, n.due_on));
    let message = format!("the schedule says that {} is next, and the rules say {}", told(stands), told(by_rule));
    Finding { rule: "schedule", company_id, id: contract_id.to_string(), message }
}
