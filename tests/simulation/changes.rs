//! What each contract has been billed in all, computed a second time: whatever was changed in billed
//! periods, nothing is credited twice and nothing is lost.

use crate::oracle::SEEN;
use crate::support::TestDb;
use crate::tiling::Contract;
use chrono::NaiveDate;
use finops::model::{Company, Currency};
use finops::rules::billing::{self, ContractFacts, Reference, build_invoice};
use finops::rules::pauses::served;
use finops::rules::plans::{PlanTable, resolve};
use finops::store::{StoreError, Tx, companies, contracts, pauses, plans, sellers, usage};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// One version of an item: the days on which it holds, and what a full period costs.
struct Version {
    from: NaiveDate,
    until: NaiveDate,
    price: Decimal,
}

/// What is billed of a contract once all is settled: no draft, and none that was edited by hand.
const SETTLED: &str =
    "NOT EXISTS (SELECT 1 FROM invoices i JOIN billed_periods b ON b.company_id = i.company_id AND b.invoice_id = i.invoice_id
    WHERE b.company_id = c.company_id AND b.contract_id = c.contract_id AND (i.state = 'draft' OR i.edited = 1))";

/// Lines of issued invoices and what is still to be adjusted are what the contract costs as it is now, but
/// for half a minor unit a line.
pub fn check(db: &TestDb) {
    items(db);
    contracts(db);
}

#[track_caller]
fn compare(what: &str, expected: Decimal, (found, exponent): (i64, u32), lines: i64) {
    let found = Decimal::from_i128_with_scale(found.into(), exponent);
    let half_a_unit_a_line = Decimal::new(5 * lines + 1, exponent + 1);
    assert!((expected - found).abs() <= half_a_unit_a_line, "{what}: billed {found} in {lines} lines, and it costs {expected}");
}

/// Items whose price goes by days, without the code under test.
fn items(db: &TestDb) {
    let simple = format!(
        "SELECT DISTINCT c.company_id, c.contract_id, c.cadence, c.every, c.timing, COALESCE(c.anchor_day, 0), c.start_on,
           COALESCE(c.bill_from, c.start_on), COALESCE(c.end_on, '9999-01-01'), c.currency, COALESCE(c.trial_end, c.start_on), i.item_id
         FROM contracts c JOIN contract_items i ON i.company_id = c.company_id AND i.contract_id = c.contract_id
         WHERE {SETTLED} AND c.trial_end IS NULL
           AND NOT EXISTS (SELECT 1 FROM discounts d WHERE d.company_id = c.company_id AND d.contract_id = c.contract_id)
           AND NOT EXISTS (SELECT 1 FROM contract_plans p WHERE p.company_id = c.company_id AND p.contract_id = c.contract_id)
           AND NOT EXISTS (SELECT 1 FROM contract_items o WHERE o.company_id = i.company_id AND o.contract_id = i.contract_id
             AND o.item_id = i.item_id AND (o.price_model NOT IN ('flat', 'per_unit') OR o.meter <> '' OR o.minimum <> '' OR o.included <> '0'))"
    );
    for row in db.rows(&simple) {
        let of_contract = format!("company_id = '{}' AND contract_id = '{}'", row[0], row[1]);
        let of = format!("{of_contract} AND item_id = '{}'", row[11]);
        let expected = expected(db, &Contract::of(&row), &of_contract, &of);
        let exponent = row[9].parse::<Currency>().unwrap().exponent();
        compare(&format!("{row:?}"), expected, (found(db, &of), exponent), lines(db, &of));
        SEEN.lock().unwrap().insert("an item by days".to_owned());
    }
}

/// Whole contracts of all models, as the periods would be billed now.
fn contracts(db: &TestDb) {
    let settled = format!("SELECT c.company_id, c.contract_id FROM contracts c WHERE {SETTLED}");
    let mut conn = db.open();
    for row in db.rows(&settled) {
        let of = format!("company_id = '{}' AND contract_id = '{}'", row[0], row[1]);
        let starts = billed(db, &of);
        let (mut minor, mut count, mut exponent) = (0, 0, 0);
        conn.read(|tx| {
            let (company, facts, reference) = facts(tx, &row[0], &row[1])?;
            exponent = facts.contract.currency.exponent();
            let calendar = billing::calendar(&facts).unwrap();
            for period in starts.iter().filter_map(|start| calendar.containing(*start)) {
                let invoice = build_invoice(&company, &reference, &[(&facts, period)], &[]).unwrap();
                let lines = invoice.map(|invoice| invoice.lines).unwrap_or_default();
                minor += lines.iter().map(|line| line.amount.minor()).sum::<i64>();
                count += lines.len() as i64;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
        let expected = Decimal::from_i128_with_scale(minor.into(), exponent);
        compare(&of, expected, (found(db, &of), exponent), count + lines(db, &of));
    }
}

fn facts(tx: &mut Tx, company: &str, contract: &str) -> Result<(Company, ContractFacts, Reference), StoreError> {
    let (ids, range) = ([company], (contract, contract));
    let (company_id, contract_id) = (company.parse().unwrap(), contract.parse().unwrap());
    let agreed = contracts::find(tx, &company_id, &contract_id)?.unwrap();
    let table = PlanTable::new(plans::items(tx)?);
    let items = resolve(contracts::items(tx, &company_id, &contract_id)?, plans::of_companies(tx, &ids, range)?, &table);
    let paused = pauses::of_contract(tx, &company_id, &contract_id)?;
    let facts = ContractFacts {
        items: served(items, &paused),
        pauses: paused,
        discounts: usage::discounts_of_companies(tx, &ids, range)?,
        usage: usage::of_contract(tx, &company_id, &contract_id, NaiveDate::MIN)?,
        next_start: agreed.start,
        contract: agreed,
        billed: Vec::new(),
    };
    let company = companies::by_ids(tx, &ids)?.remove(0);
    Ok((company, facts, Reference::new(sellers::all(tx)?, sellers::tax_rates(tx)?)))
}

const ISSUED: &str =
    "l.company_id = i.company_id AND l.invoice_id = i.invoice_id AND i.state NOT IN ('draft', 'void') AND i.kind = 'invoice'";
const PENDING: &str = "(invoice_id IS NULL OR EXISTS (SELECT 1 FROM invoices i WHERE i.company_id = billable_items.company_id
  AND i.invoice_id = billable_items.invoice_id AND i.state IN ('draft', 'void')))";

fn number(db: &TestDb, sql: &str) -> i64 {
    db.value(sql).parse().unwrap()
}

fn found(db: &TestDb, of: &str) -> i64 {
    let of_line =
        of.replace("company_id", "l.company_id").replace("contract_id", "l.contract_id").replace("item_id", "l.item_id");
    let billed = format!(
        "SELECT CAST(COALESCE(SUM(l.amount_minor), 0) AS BIGINT) FROM invoice_lines l JOIN invoices i ON {ISSUED} WHERE {of_line}"
    );
    let pending = format!("SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM billable_items WHERE {of} AND {PENDING}");
    number(db, &billed) + number(db, &pending)
}

fn lines(db: &TestDb, of: &str) -> i64 {
    let of_line =
        of.replace("company_id", "l.company_id").replace("contract_id", "l.contract_id").replace("item_id", "l.item_id");
    number(db, &format!("SELECT COUNT(*) FROM invoice_lines l JOIN invoices i ON {ISSUED} WHERE {of_line}"))
        + number(db, &format!("SELECT COUNT(*) FROM billable_items WHERE {of} AND {PENDING}"))
}

/// The starts of the periods that are billed.
fn billed(db: &TestDb, of: &str) -> BTreeSet<NaiveDate> {
    let of_period = of.replace("company_id", "b.company_id").replace("contract_id", "b.contract_id");
    let starts = db.rows(&format!(
        "SELECT DISTINCT b.period_start FROM billed_periods b JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
           WHERE {of_period} AND i.state <> 'void'"
    ));
    starts.iter().map(|row| row[0].parse().unwrap()).collect()
}

fn expected(db: &TestDb, contract: &Contract, of_contract: &str, of: &str) -> Decimal {
    let starts = billed(db, of_contract);
    let pauses = db.rows(&format!("SELECT from_on, COALESCE(until_on, '9999-01-01') FROM contract_pauses WHERE {of_contract}"));
    let pauses: Vec<(NaiveDate, NaiveDate)> = pauses.iter().map(|p| (p[0].parse().unwrap(), p[1].parse().unwrap())).collect();
    let versions = versions(db, of);
    let mut sum = Decimal::ZERO;
    for start in starts {
        let (left, right) = contract.around(start);
        let days = start.iter_days().take_while(|day| *day < right.min(contract.end));
        let served = days.filter(|day| !pauses.iter().any(|(from, until)| from <= day && day < until));
        let prices = served.flat_map(|day| versions.iter().filter(move |v| v.from <= day && day < v.until).map(|v| v.price));
        sum += prices.sum::<Decimal>() / Decimal::from((right - left).num_days());
    }
    sum
}

fn versions(db: &TestDb, of: &str) -> Vec<Version> {
    let rows = db.rows(&format!(
        "SELECT item_id, valid_from, COALESCE(end_on, '9999-01-01'), price_model, quantity, unit_price FROM contract_items
           WHERE {of} ORDER BY item_id, valid_from"
    ));
    let date = |text: &str| -> NaiveDate { text.parse().unwrap() };
    let version = |(at, row): (usize, &Vec<String>)| {
        let next = rows.get(at + 1).filter(|next| next[0] == row[0]).map_or(NaiveDate::MAX, |next| date(&next[1]));
        let decimal = |text: &str| -> Decimal { text.parse().unwrap() };
        let quantity = if row[3] == "flat" { Decimal::ONE } else { decimal(&row[4]) };
        Version { from: date(&row[1]), until: date(&row[2]).min(next), price: quantity * decimal(&row[5]) }
    };
    rows.iter().enumerate().map(version).collect()
}
