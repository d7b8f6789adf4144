//! `db check`: whether the database still holds to its own rules. It reads everything once, in
//! pages, and changes nothing.

use crate::error::Result;
use crate::model::digest::sha256_hex;
use crate::model::document::Document;
use crate::model::{Contract, ContractId, Money};
use crate::rules::pauses::served;
use crate::rules::periods::BillingCalendar;
use crate::rules::pricing::segments;
use crate::rules::schedule::next_unbilled;
use crate::store::billing::Next;
use crate::store::{Db, StoreError, Tx, billing, check, contracts, pauses};
use chrono::NaiveDate;
use serde::Serialize;

/// Documents or contracts that are looked at together.
const PAGE: u32 = 500;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for scripts: `invoice_lines`, `document_hash`.
    pub rule: &'static str,
    /// The company or the series; empty for the database as a whole.
    pub company_id: String,
    /// The invoice, contract, item or year.
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
fn schedules(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut after = (String::new(), String::new());
    loop {
        let keys = check::contract_keys(tx, (&after.0, &after.1), PAGE)?;
        let Some((company_id, contract_id)) = keys.last() else { return Ok(()) };
        after = (company_id.to_string(), contract_id.to_string());
        for (company_id, contract_id) in &keys {
            let Some(contract) = contracts::find(tx, company_id, contract_id)? else { continue };
            let Some((next, _)) = billing::schedule(tx, company_id, contract_id)? else { continue };
            let billed: Vec<_> = billing::billed_periods(tx, company_id, contract_id)?.into_iter().map(|p| p.0).collect();
            let by_rule = next_unbilled(&contract, None, &billed)
                .map(|row| row.map(|row| Next { start: row.next_start, due_on: row.next_due_on }));
            if by_rule.as_ref() != Ok(&next)
                && !passed_over(tx, &contract, &billed, next, by_rule.as_ref().ok().copied().flatten())?
            {
                findings.push(schedule_finding(company_id.to_string(), contract_id, next, by_rule.ok().flatten()));
            }
        }
    }
}

/// Whether a schedule is ahead of the rules only by periods in which no item is active: they are
/// passed over without a trace.
fn passed_over(
    tx: &mut Tx,
    contract: &Contract,
    billed: &[NaiveDate],
    stands: Option<Next>,
    by_rule: Option<Next>,
) -> Result<bool, StoreError> {
    let (Some(stands), Some(by_rule), Ok(calendar)) = (stands, by_rule, BillingCalendar::new(contract)) else { return Ok(false) };
    let paused = pauses::of_contract(tx, &contract.company_id, &contract.contract_id)?;
    let items = served(contracts::items(tx, &contract.company_id, &contract.contract_id)?, &paused);
    let between = calendar.periods_from(by_rule.start).take_while(|p| p.service.start() < stands.start);
    let empty = between.into_iter().all(|p| billed.contains(&p.service.start()) || segments(&items, p.service).is_empty());
    let is_a_period = calendar.containing(stands.start).is_some_and(|p| p.service.start() == stands.start);
    // Without any item at all a schedule stays where it is.
    Ok(!items.is_empty() && by_rule.start < stands.start && is_a_period && empty)
}

fn schedule_finding(company_id: String, contract_id: &ContractId, stands: Option<Next>, by_rule: Option<Next>) -> Finding {
    let told = |next: Option<Next>| next.map_or_else(|| "nothing".to_owned(), |n| format!("{} due on {}", n.start, n.due_on));
    let message = format!("the schedule says that {} is next, and the rules say {}", told(stands), told(by_rule));
    Finding { rule: "schedule", company_id, id: contract_id.to_string(), message }
}
