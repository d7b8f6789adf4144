//! The run against what was billed before: company by company, from the plans of a page.

use super::facts::Page;
use super::plan::{Draft, GeneratePlan};
use crate::engine::job::Decided;
use crate::error::Result;
use crate::model::calendar::IntervalLength;
use crate::model::{CompanyId, ContractId, Currency, InvoiceId, InvoiceLine};
use crate::rules::compare::Comparison;
use crate::store::Tx;
use crate::store::invoices::{Before, before_due, before_end};
use chrono::{Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// Compares what was decided for a page.
pub(super) fn compare(tx: &mut Tx, page: &Page, decided: &Decided<GeneratePlan>, until: NaiveDate) -> Result<Vec<Comparison>> {
    let mut now: BTreeMap<&CompanyId, Vec<&Draft>> = BTreeMap::new();
    for plan in &decided.plans {
        if let GeneratePlan::Draft(new) | GeneratePlan::Rebuild { new, .. } = plan {
            now.entry(&new.invoice.head.company_id).or_default().push(new);
        }
    }
    let not_billed = decided.failed.iter().map(|failed| &failed.company_id);
    let not_billed = not_billed.chain(decided.skipped.iter().filter(|s| s.reason != "not_due").map(|s| &s.company_id));
    let companies: BTreeSet<&CompanyId> = now.keys().copied().chain(not_billed).collect();
    let Some(since) = since(page) else {
        return Ok(companies.iter().flat_map(|id| of_company(id, now.get(id).map_or(&[], Vec::as_slice), &[])).collect());
    };
    let ids: Vec<&str> = companies.iter().map(|id| id.as_str()).collect();
    let mut before: BTreeMap<CompanyId, Vec<Before>> = BTreeMap::new();
    for line in before_due(tx, &ids, until, since)? {
        before.entry(line.company_id.clone()).or_default().push(line);
    }
    let of = |id: &&CompanyId| {
        let before = before.get(*id).map_or(&[][..], Vec::as_slice);
        of_company(id, now.get(*id).map_or(&[], Vec::as_slice), before)
    };
    Ok(companies.iter().flat_map(of).collect())
}

/// Adds what ended: contracts whose next period would have been billed by now, had they not ended.
pub(super) fn add_ended(tx: &mut Tx, today: NaiveDate, compared: &mut Vec<Comparison>) -> Result<()> {
    const YEAR: Days = Days::new(366);
    let first = today.checked_sub_days(YEAR).unwrap_or(NaiveDate::MIN);
    let since = first.checked_sub_days(YEAR).unwrap_or(NaiveDate::MIN);
    let mut last: BTreeMap<(CompanyId, ContractId), (NaiveDate, u32)> = BTreeMap::new();
    let mut ended = before_end(tx, (first, today), since)?;
    ended.retain(|e| e.end.checked_add_signed(e.period_end - e.before.start).is_some_and(|next| next > today));
    for Before { company_id, contract_id, start, revision, .. } in ended.iter().map(|ended| &ended.before) {
        let last = last.entry((company_id.clone(), contract_id.clone())).or_default();
        *last = (*last).max((*start, *revision));
    }
    ended.retain(|e| {
        let key = (e.before.company_id.clone(), e.before.contract_id.clone());
        last.get(&key) == Some(&(e.before.start, e.before.revision))
    });
    let mut seen: BTreeSet<(InvoiceId, u32)> = BTreeSet::new();
    for Before { company_id, invoice_id, position, line, .. } in ended.into_iter().map(|ended| ended.before) {
        if !seen.insert((invoice_id, position)) {
            continue;
        }
        let currency = line.net.currency();
        let standing = compared.iter_mut().find(|one| one.company_id == company_id && one.currency == currency);
        match standing {
            Some(one) => one.lose(line.net),
            None => compared.extend(Comparison::of(&company_id, currency, &[&line], &[])),
        }
    }
    Ok(())
}

/// The day from which the periods are read that come before those of the page: the first that is due,
/// less the longest interval of all.
fn since(page: &Page) -> Option<NaiveDate> {
    let contracts = || page.companies.iter().flat_map(|facts| &facts.billing.contracts);
    let longest = contracts().map(|facts| match facts.contract.interval.length() {
        IntervalLength::Days(days) => u64::from(days),
        IntervalLength::Months(months) => 31 * u64::from(months),
    });
    let first = contracts().map(|facts| facts.next_start).min()?;
    Some(first.checked_sub_days(Days::new(longest.max()?)).unwrap_or(NaiveDate::MIN))
}

/// The lines of a billed period, and of what was billed beside it.
struct Period<'a> {
    revision: u32,
    lines: Vec<Line<'a>>,
}

/// A line by its own key, so that items beside two contracts count once.
type Line<'a> = ((&'a InvoiceId, u32), &'a InvoiceLine);

fn of_company(company_id: &CompanyId, drafts: &[&Draft], before: &[Before]) -> Vec<Comparison> {
    let mut periods: BTreeMap<(&ContractId, NaiveDate), Period> = BTreeMap::new();
    for line in before {
        let period = periods.entry((&line.contract_id, line.start)).or_insert_with(|| Period { revision: 0, lines: Vec::new() });
        if line.revision > period.revision {
            *period = Period { revision: line.revision, lines: Vec::new() };
        }
        if line.revision == period.revision {
            period.lines.push(((&line.invoice_id, line.position), &line.line));
        }
    }
    let mut billed_now: BTreeSet<(&ContractId, NaiveDate)> = BTreeSet::new();
    let mut now: BTreeMap<(&InvoiceId, u32), &InvoiceLine> = BTreeMap::new();
    for draft in drafts {
        let lines = || (0..).zip(&draft.invoice.lines);
        now.extend(lines().map(|(position, line)| ((&draft.invoice.head.invoice_id, position), line)));
        for claim in &draft.periods {
            billed_now.insert((&claim.contract_id, claim.start));
            // An invoice has one period of a contract; what was used before it stands there too.
            let is_of_it = |line: &InvoiceLine| line.contract_id.as_ref().is_none_or(|id| *id == claim.contract_id);
            let lines = lines().filter(|(_, line)| is_of_it(line));
            let lines = lines.map(|(position, line)| ((&draft.invoice.head.invoice_id, position), line)).collect();
            periods.insert((&claim.contract_id, claim.start), Period { revision: u32::MAX, lines });
        }
    }
    let mut then: BTreeMap<(&InvoiceId, u32), &InvoiceLine> = BTreeMap::new();
    let of_contract = |id, to: NaiveDate| periods.range((id, NaiveDate::MIN)..(id, to)).next_back();
    for (contract, start) in &billed_now {
        then.extend(of_contract(*contract, *start).into_iter().flat_map(|(_, period)| period.lines.iter().copied()));
    }
    // Due, and nothing of it is billed: its last period has no counterpart.
    let not_billed: BTreeSet<&ContractId> = periods.keys().map(|key| key.0).collect();
    for contract in not_billed.into_iter().filter(|id| !billed_now.iter().any(|(billed, _)| billed == id)) {
        then.extend(of_contract(contract, NaiveDate::MAX).into_iter().flat_map(|(_, period)| period.lines.iter().copied()));
    }
    let currencies: BTreeSet<Currency> = then.values().chain(now.values()).map(|line| line.net.currency()).collect();
    currencies
        .into_iter()
        .filter_map(|currency| {
            let before: Vec<&InvoiceLine> = then.values().copied().filter(|line| line.net.currency() == currency).collect();
            let now: Vec<&InvoiceLine> = now.values().copied().filter(|line| line.net.currency() == currency).collect();
            Comparison::of(company_id, currency, &before, &now)
        })
        .collect()
}
