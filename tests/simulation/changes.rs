//! What each contract has been billed in all, computed a second time, day by day and without the code
//! under test: whatever was changed in billed periods, nothing is credited twice and nothing is lost.

use crate::support::TestDb;
use crate::tiling::Contract;
use chrono::NaiveDate;
use finops::model::Currency;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// One version of an item: the days on which it holds, and what a full period costs.
struct Version {
    from: NaiveDate,
    until: NaiveDate,
    price: Decimal,
}

/// Lines of issued invoices and what is still to be adjusted are the exact price of the days served, but
/// for half a minor unit a line. A contract with a draft is left out: it is not billed yet.
pub fn check(db: &TestDb) {
    // `tiling` and `prices` look after those whose lines do not simply go by days.
    let contracts = "SELECT c.company_id, c.contract_id, c.cadence, c.every, c.timing, COALESCE(c.anchor_day, 0), c.start_on,
      COALESCE(c.bill_from, c.start_on), COALESCE(c.end_on, '9999-01-01'), c.currency, c.start_on FROM contracts c
      WHERE NOT EXISTS (SELECT 1 FROM invoices i JOIN billed_periods b ON b.company_id = i.company_id AND b.invoice_id = i.invoice_id
        WHERE b.company_id = c.company_id AND b.contract_id = c.contract_id AND (i.state = 'draft' OR i.edited = 1))
      AND c.trial_end IS NULL
      AND NOT EXISTS (SELECT 1 FROM discounts d WHERE d.company_id = c.company_id AND d.contract_id = c.contract_id)
      AND NOT EXISTS (SELECT 1 FROM contract_plans p WHERE p.company_id = c.company_id AND p.contract_id = c.contract_id)
      AND NOT EXISTS (SELECT 1 FROM contract_items i WHERE i.company_id = c.company_id AND i.contract_id = c.contract_id
        AND (i.price_model NOT IN ('flat', 'per_unit') OR i.meter <> '' OR i.minimum <> '' OR i.included <> '0'))";
    let rows = db.rows(contracts);
    assert!(!rows.is_empty(), "a year without a simple contract tests nothing");
    for row in rows {
        let of = format!("company_id = '{}' AND contract_id = '{}'", row[0], row[1]);
        let (expected, found, lines) = (expected(db, &Contract::of(&row), &of), found(db, &of), lines(db, &of));
        let exponent = row[9].parse::<Currency>().unwrap().exponent();
        let found = Decimal::from_i128_with_scale(found.into(), exponent);
        let half_a_unit_a_line = Decimal::new(5 * lines + 1, exponent + 1);
        assert!(
            (expected - found).abs() <= half_a_unit_a_line,
            "{row:?}: billed {found} in {lines} lines, and it costs {expected}"
        );
    }
}

const ISSUED: &str =
    "l.company_id = i.company_id AND l.invoice_id = i.invoice_id AND i.state NOT IN ('draft', 'void') AND i.kind = 'invoice'";
const PENDING: &str = "(invoice_id IS NULL OR EXISTS (SELECT 1 FROM invoices i WHERE i.company_id = billable_items.company_id
  AND i.invoice_id = billable_items.invoice_id AND i.state IN ('draft', 'void')))";

fn number(db: &TestDb, sql: &str) -> i64 {
    db.value(sql).parse().unwrap()
}

fn found(db: &TestDb, of: &str) -> i64 {
    let of_line = of.replace("company_id", "l.company_id").replace("contract_id", "l.contract_id");
    let billed = format!(
        "SELECT CAST(COALESCE(SUM(l.amount_minor), 0) AS BIGINT) FROM invoice_lines l JOIN invoices i ON {ISSUED} WHERE {of_line}"
    );
    let pending = format!("SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM billable_items WHERE {of} AND {PENDING}");
    number(db, &billed) + number(db, &pending)
}

fn lines(db: &TestDb, of: &str) -> i64 {
    let of_line = of.replace("company_id", "l.company_id").replace("contract_id", "l.contract_id");
    number(db, &format!("SELECT COUNT(*) FROM invoice_lines l JOIN invoices i ON {ISSUED} WHERE {of_line}"))
        + number(db, &format!("SELECT COUNT(*) FROM billable_items WHERE {of} AND {PENDING}"))
}

fn expected(db: &TestDb, contract: &Contract, of: &str) -> Decimal {
    let of_period = of.replace("company_id", "b.company_id").replace("contract_id", "b.contract_id");
    let starts = db.rows(&format!(
        "SELECT DISTINCT b.period_start FROM billed_periods b JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
           WHERE {of_period} AND i.state <> 'void'"
    ));
    let starts: BTreeSet<NaiveDate> = starts.iter().map(|row| row[0].parse().unwrap()).collect();
    let pauses = db.rows(&format!("SELECT from_on, COALESCE(until_on, '9999-01-01') FROM contract_pauses WHERE {of}"));
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
