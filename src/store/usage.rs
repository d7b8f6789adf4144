//! Discounts of contracts, and what was used.

use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{CompanyId, ContractId, Discount, DiscountId, ItemId, Meter, Off, Usage, UsageDay, UsageKey};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

static UPSERT: Bulk<6> = Bulk {
    table: "usage",
    columns: [
        ("company_id", Text),
        ("usage_key", Text),
        ("contract_id", Text),
        ("meter", Text),
        ("used_on", Text),
        ("quantity", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, usage_key) DO UPDATE SET contract_id = excluded.contract_id, meter = excluded.meter,
      used_on = excluded.used_on, quantity = excluded.quantity",
};

static UPSERT_DISCOUNTS: Bulk<9> = Bulk {
    table: "discounts",
    columns: [
        ("company_id", Text),
        ("contract_id", Text),
        ("discount_id", Text),
        ("item_id", Text),
        ("valid_from", Text),
        ("periods", Int),
        ("percent", Text),
        ("amount", Text),
        ("description", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, contract_id, discount_id) DO UPDATE SET item_id = excluded.item_id,
      valid_from = excluded.valid_from, periods = excluded.periods, percent = excluded.percent, amount = excluded.amount,
      description = excluded.description",
};

fn values(u: &Usage) -> [Val<'_>; 6] {
    [
        u.company_id.as_str().into(),
        u.usage_key.as_str().into(),
        u.contract_id.as_str().into(),
        u.meter.as_str().into(),
        u.used_on.into(),
        u.quantity.into(),
    ]
}

fn discount_values(d: &Discount) -> [Val<'_>; 9] {
    let (percent, amount): (Val, Val) = match d.off {
        Off::Percent(percent) => (percent.into(), "".into()),
        Off::Amount(amount) => ("".into(), amount.into()),
    };
    [
        d.company_id.as_str().into(),
        d.contract_id.as_str().into(),
        d.discount_id.as_str().into(),
        d.item_id.as_ref().map_or("", |item| item.as_str()).into(),
        d.valid_from.into(),
        d.periods.into(),
        percent,
        amount,
        (&d.description).into(),
    ]
}

/// Adds or replaces counts.
pub fn upsert(tx: &mut Tx, usage: &[Usage]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, usage.iter().map(values)).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Usage>, after: &Usage) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}

/// Adds or replaces discounts.
pub fn upsert_discounts(tx: &mut Tx, discounts: &[Discount]) -> Result<(), StoreError> {
    tx.insert(&UPSERT_DISCOUNTS, discounts.iter().map(discount_values)).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn discount_change(before: Option<&Discount>, after: &Discount) -> String {
    UPSERT_DISCOUNTS.change(before.map(discount_values).as_ref(), &discount_values(after))
}

/// The counts of these companies (ids ascending), by (company, key).
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Usage>, StoreError> {
    const SQL: &str = "SELECT company_id, usage_key, contract_id, meter, used_on, quantity FROM usage
      WHERE company_id = $1 ORDER BY company_id, usage_key";
    tx.query_companies(SQL, companies, &[], read_usage)
}

/// The counts with these keys: (company, usage key).
pub fn of_keys(tx: &mut Tx, keys: &[(&str, &str)]) -> Result<Vec<Usage>, StoreError> {
    const SQL: &str = "SELECT company_id, usage_key, contract_id, meter, used_on, quantity FROM usage
      WHERE company_id = $1 AND usage_key = $2";
    tx.query_keys(SQL, keys, read_usage)
}

fn read_usage(row: &Row) -> Result<Usage, StoreError> {
    Ok(Usage {
        company_id: CompanyId::stored(row.text(0)?),
        usage_key: UsageKey::stored(row.text(1)?),
        contract_id: ContractId::stored(row.text(2)?),
        meter: Meter::stored(row.text(3)?),
        used_on: row.date(4)?,
        quantity: row.decimal(5)?,
    })
}

/// What contracts used, by contract, then by meter and day.
pub type UsageDays = BTreeMap<(CompanyId, ContractId), Vec<UsageDay>>;

/// What the due contracts of these companies used from a day on, summed up a day as it is read, so
/// that counting each event does not take memory for each.
pub fn of_due(tx: &mut Tx, companies: &[&str], until: NaiveDate, from: NaiveDate) -> Result<UsageDays, StoreError> {
    const SQL: &str = "SELECT u.company_id, u.contract_id, u.meter, u.used_on, u.quantity FROM billing_schedule b
      JOIN usage u ON u.company_id = b.company_id AND u.contract_id = b.contract_id AND u.used_on >= $3
      WHERE b.company_id = $1 AND b.next_due_on <= $2 ORDER BY u.company_id, u.contract_id, u.meter, u.used_on";
    let mut days = UsageDays::new();
    tx.query_companies(SQL, companies, &[until.into(), from.into()], |row| add(&mut days, row))?;
    Ok(days)
}

/// What one contract used from a day on.
pub fn of_contract(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
    from: NaiveDate,
) -> Result<Vec<UsageDay>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, meter, used_on, quantity FROM usage
      WHERE company_id = $1 AND contract_id = $2 AND used_on >= $3 ORDER BY meter, used_on";
    let mut days = UsageDays::new();
    let params = [company_id.as_str().into(), contract_id.as_str().into(), from.into()];
    tx.query(SQL, &params, |row| add(&mut days, row))?;
    Ok(days.into_values().next().unwrap_or_default())
}

fn add(days: &mut UsageDays, row: &Row) -> Result<(), StoreError> {
    let key = (CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?));
    let (meter, on, quantity) = (row.text(2)?, row.date(3)?, row.decimal(4)?);
    let days = days.entry(key).or_default();
    let same = days.last_mut().filter(|last| last.meter.as_str() == meter && last.on == on);
    match same.and_then(|last| exact_sum(last.quantity, quantity).map(|sum| (last, sum))) {
        Some((last, sum)) => last.quantity = sum,
        None => days.push(UsageDay { meter: Meter::stored(meter), on, quantity }),
    }
    Ok(())
}

/// The sum, unless `Decimal` would have to round it: it keeps as many decimals as it can.
fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_add(b).filter(|sum| sum.scale() >= a.scale().max(b.scale()))
}

fn read_discount(row: &Row) -> Result<Discount, StoreError> {
    let off = if row.text(6)?.is_empty() { Off::Amount(row.decimal(7)?) } else { Off::Percent(row.decimal(6)?) };
    Ok(Discount {
        company_id: CompanyId::stored(row.text(0)?),
        contract_id: ContractId::stored(row.text(1)?),
        discount_id: DiscountId::stored(row.text(2)?),
        item_id: if row.text(3)?.is_empty() { None } else { Some(ItemId::stored(row.text(3)?)) },
        valid_from: row.date(4)?,
        periods: row.opt_number(5)?,
        off,
        description: row.string(8)?,
    })
}

/// The discounts of the due contracts of these companies, by (company, contract, discount).
pub fn discounts_of_due(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Vec<Discount>, StoreError> {
    const SQL: &str =
        "SELECT d.company_id, d.contract_id, d.discount_id, d.item_id, d.valid_from, d.periods, d.percent, d.amount,
        d.description FROM discounts d
      JOIN billing_schedule b ON b.company_id = d.company_id AND b.contract_id = d.contract_id
      WHERE d.company_id = $1 AND b.next_due_on <= $2 ORDER BY d.company_id, d.contract_id, d.discount_id";
    tx.query_companies(SQL, companies, &[until.into()], read_discount)
}

/// The discounts of the contracts of these companies (ids ascending) with an id from the first to
/// the last given, by (company, contract, discount).
pub fn discounts_of_companies(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<Discount>, StoreError> {
    const SQL: &str = "SELECT d.company_id, d.contract_id, d.discount_id, d.item_id, d.valid_from, d.periods, d.percent, d.amount,
        d.description FROM discounts d
      WHERE d.company_id = $1 AND d.contract_id >= $2 AND d.contract_id <= $3 ORDER BY d.company_id, d.contract_id, d.discount_id";
    tx.query_companies(SQL, companies, &[first.into(), last.into()], read_discount)
}
