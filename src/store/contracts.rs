//! Contracts and the versions of their items.

use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{CompanyId, Contract, ContractId, ContractItem, Interval, ItemId, PriceTerms, SellerId};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The columns of a contract as every query here starts with them.
macro_rules! contract_columns {
    () => {
        "c.company_id, c.contract_id, c.seller_id, c.currency, c.cadence, c.every, c.timing, c.anchor_day, c.start_on, c.end_on, \
         c.bill_from, c.payment_terms_days, c.tax_inclusive, c.description, c.reference, c.reminder_policy, c.trial_end"
    };
}
/// The columns of an item, likewise.
macro_rules! item_columns {
    () => {
        "i.company_id, i.contract_id, i.item_id, i.valid_from, i.end_on, i.description, i.price_model, i.quantity, i.unit, \
         i.unit_price, i.tax_code, i.package_size, i.included, i.meter, i.minimum, i.tiers"
    };
}
pub(super) use {contract_columns, item_columns};

/// How many columns `contract_columns` names.
pub(super) const CONTRACT_COLUMNS: usize = 17;

static UPSERT: Bulk<17> = Bulk {
    table: "contracts",
    columns: [
        ("company_id", Text),
        ("contract_id", Text),
        ("seller_id", Text),
        ("currency", Text),
        ("cadence", Text),
        ("every", Int),
        ("timing", Text),
        ("anchor_day", Int),
        ("start_on", Text),
        ("end_on", Text),
        ("bill_from", Text),
        ("payment_terms_days", Int),
        ("tax_inclusive", Int),
        ("description", Text),
        ("reference", Text),
        ("reminder_policy", Text),
        ("trial_end", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, contract_id) DO UPDATE SET seller_id = excluded.seller_id, currency = excluded.currency,
      cadence = excluded.cadence, every = excluded.every, timing = excluded.timing, anchor_day = excluded.anchor_day,
      start_on = excluded.start_on, end_on = excluded.end_on, bill_from = excluded.bill_from,
      payment_terms_days = excluded.payment_terms_days, tax_inclusive = excluded.tax_inclusive, description = excluded.description,
      reference = excluded.reference, reminder_policy = excluded.reminder_policy, trial_end = excluded.trial_end",
};

static UPSERT_ITEMS: Bulk<16> = Bulk {
    table: "contract_items",
    columns: [
        ("company_id", Text),
        ("contract_id", Text),
        ("item_id", Text),
        ("valid_from", Text),
        ("end_on", Text),
        ("description", Text),
        ("price_model", Text),
        ("quantity", Text),
        ("unit", Text),
        ("unit_price", Text),
        ("tax_code", Text),
        ("package_size", Text),
        ("included", Text),
        ("meter", Text),
        ("minimum", Text),
        ("tiers", Text),
    ],
    on_conflict: "ON CONFLICT (company_id, contract_id, item_id, valid_from) DO UPDATE SET end_on = excluded.end_on,
      description = excluded.description, price_model = excluded.price_model, quantity = excluded.quantity, unit = excluded.unit,
      unit_price = excluded.unit_price, tax_code = excluded.tax_code, package_size = excluded.package_size,
      included = excluded.included, meter = excluded.meter, minimum = excluded.minimum, tiers = excluded.tiers",
};

pub(super) fn read_contract(row: &Row) -> Result<Contract, StoreError> {
    let interval = Interval::new(row.parse(4)?, row.number(5)?).map_err(|e| StoreError::Corrupt {
        column: 5,
        value: String::new(),
        reason: e.0,
    })?;
    Ok(Contract {
        company_id: CompanyId::stored(row.text(0)?),
        contract_id: ContractId::stored(row.text(1)?),
        seller_id: SellerId::stored(row.text(2)?),
        currency: row.parse(3)?,
        interval,
        timing: row.parse(6)?,
        anchor_day: row.opt_number(7)?,
        start: row.date(8)?,
        end: row.opt_date(9)?,
        bill_from: row.opt_date(10)?,
        payment_terms_days: row.opt_number(11)?,
        tax_inclusive: row.flag(12)?,
        description: row.string(13)?,
        reference: row.string(14)?,
        reminder_policy: row.string(15)?,
        trial_end: row.opt_date(16)?,
    })
}

pub(super) fn read_item(row: &Row) -> Result<ContractItem, StoreError> {
    Ok(ContractItem {
        company_id: CompanyId::stored(row.text(0)?),
        contract_id: ContractId::stored(row.text(1)?),
        item_id: ItemId::stored(row.text(2)?),
        valid_from: row.date(3)?,
        end: row.opt_date(4)?,
        description: row.string(5)?,
        price_model: row.parse(6)?,
        quantity: row.decimal(7)?,
        unit: row.string(8)?,
        unit_price: row.decimal(9)?,
        tax_code: row.parse_opt(10)?,
        terms: read_terms(row, 11)?,
    })
}

/// Five columns: package_size, included, meter, minimum, tiers.
pub(super) fn read_terms(row: &Row, from: usize) -> Result<PriceTerms, StoreError> {
    let decimal = |column: usize| if row.text(column)?.is_empty() { Ok(None) } else { row.decimal(column).map(Some) };
    Ok(PriceTerms {
        package_size: decimal(from)?,
        included: row.decimal(from + 1)?,
        meter: row.parse_opt(from + 2)?,
        minimum: decimal(from + 3)?,
        tiers: row.parse_opt(from + 4)?,
    })
}

/// The same five, to be written.
pub(super) fn term_values(terms: &PriceTerms) -> [Val<'_>; 5] {
    let decimal = |value: Option<Decimal>| value.map_or_else(|| "".into(), Val::from);
    [
        decimal(terms.package_size),
        terms.included.into(),
        terms.meter.as_ref().map_or("", |meter| meter.as_str()).into(),
        decimal(terms.minimum),
        terms.tiers.as_ref().map_or_else(|| "".into(), |tiers| Val::from(tiers.to_string())),
    ]
}

/// One contract, if it exists.
pub fn find(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<Option<Contract>, StoreError> {
    const SQL: &str = concat!("SELECT ", contract_columns!(), " FROM contracts c WHERE c.company_id = $1 AND c.contract_id = $2");
    tx.query_opt(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], read_contract)
}

/// Every version of every item of one contract, by (item, valid_from).
pub fn items(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<Vec<ContractItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        item_columns!(),
        " FROM contract_items i WHERE i.company_id = $1 AND i.contract_id = $2 ORDER BY i.item_id, i.valid_from"
    );
    tx.query(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], read_item)
}

/// What contracts are called, by company and id.
pub type Descriptions = BTreeMap<(String, String), String>;

/// What these contracts (company, id) are called; those that are not there are left out.
pub fn descriptions(tx: &mut Tx, keys: &[(&str, &str)]) -> Result<Descriptions, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, description FROM contracts WHERE company_id = $1 AND contract_id = $2";
    let found = tx.query_keys(SQL, keys, |row| Ok(((row.string(0)?, row.string(1)?), row.string(2)?)))?;
    Ok(found.into_iter().collect())
}

/// The ids of a company's contracts, in order.
pub fn ids_of_company(tx: &mut Tx, company_id: &CompanyId) -> Result<Vec<ContractId>, StoreError> {
    const SQL: &str = "SELECT contract_id FROM contracts WHERE company_id = $1 ORDER BY contract_id";
    tx.query(SQL, &[company_id.as_str().into()], |row| Ok(ContractId::stored(row.text(0)?)))
}

/// The contracts of these companies (ids ascending) with an id from the first to the last given.
pub fn of_companies(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<Contract>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        contract_columns!(),
        " FROM contracts c WHERE c.company_id = $1 AND c.contract_id >= $2 AND c.contract_id <= $3 ORDER BY c.company_id, c.contract_id"
    );
    tx.query_companies(SQL, companies, &[first.into(), last.into()], read_contract)
}

/// Every version of the items of the same contracts, by (company, contract, item, valid_from).
pub fn items_of_companies(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<ContractItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        item_columns!(),
        " FROM contract_items i WHERE i.company_id = $1 AND i.contract_id >= $2 AND i.contract_id <= $3
          ORDER BY i.company_id, i.contract_id, i.item_id, i.valid_from"
    );
    tx.query_companies(SQL, companies, &[first.into(), last.into()], read_item)
}

fn values(c: &Contract) -> [Val<'_>; 17] {
    [
        c.company_id.as_str().into(),
        c.contract_id.as_str().into(),
        c.seller_id.as_str().into(),
        c.currency.into(),
        c.interval.cadence.as_str().into(),
        c.interval.every.get().into(),
        c.timing.as_str().into(),
        c.anchor_day.into(),
        c.start.into(),
        c.end.into(),
        c.bill_from.into(),
        c.payment_terms_days.into(),
        c.tax_inclusive.into(),
        (&c.description).into(),
        (&c.reference).into(),
        (&c.reminder_policy).into(),
        c.trial_end.into(),
    ]
}

/// Contracts that run on `day` or later and have no item and no plan, so that nothing is ever billed for them.
pub fn without_items(tx: &mut Tx, day: NaiveDate, limit: u32) -> Result<Vec<(CompanyId, ContractId)>, StoreError> {
    const SQL: &str = "SELECT c.company_id, c.contract_id FROM contracts c
      WHERE (c.end_on IS NULL OR c.end_on > $1) AND NOT EXISTS
        (SELECT 1 FROM contract_items i WHERE i.company_id = c.company_id AND i.contract_id = c.contract_id)
      AND NOT EXISTS
        (SELECT 1 FROM contract_plans p WHERE p.company_id = c.company_id AND p.contract_id = c.contract_id AND p.plan_id <> '')
      ORDER BY c.company_id, c.contract_id LIMIT $2";
    tx.query(SQL, &[day.into(), limit.into()], |row| Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?))))
}

/// Adds or replaces contracts.
pub fn upsert(tx: &mut Tx, contracts: &[&Contract]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, contracts.iter().map(|c| values(c))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Contract>, after: &Contract) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}

fn item_values(i: &ContractItem) -> [Val<'_>; 16] {
    let [package_size, included, meter, minimum, tiers] = term_values(&i.terms);
    [
        i.company_id.as_str().into(),
        i.contract_id.as_str().into(),
        i.item_id.as_str().into(),
        i.valid_from.into(),
        i.end.into(),
        (&i.description).into(),
        i.price_model.as_str().into(),
        i.quantity.into(),
        (&i.unit).into(),
        i.unit_price.into(),
        i.tax_code.as_ref().map_or("", |t| t.as_str()).into(),
        package_size,
        included,
        meter,
        minimum,
        tiers,
    ]
}

/// Adds or replaces versions of items.
pub fn upsert_items(tx: &mut Tx, items: &[&ContractItem]) -> Result<(), StoreError> {
    tx.insert(&UPSERT_ITEMS, items.iter().map(|i| item_values(i))).map(drop)
}

/// Takes one version of an item away.
pub fn delete_item(tx: &mut Tx, version: &ContractItem) -> Result<(), StoreError> {
    const SQL: &str =
        "DELETE FROM contract_items WHERE company_id = $1 AND contract_id = $2 AND item_id = $3 AND valid_from = $4";
    let ContractItem { company_id, contract_id, item_id, valid_from, .. } = version;
    let params = [company_id.as_str().into(), contract_id.as_str().into(), item_id.as_str().into(), (*valid_from).into()];
    tx.execute(SQL, &params).map(drop)
}

/// A page of contracts by (company, id), after `after`, of one company ("" for any), and when the next
/// period of each falls due.
pub fn list(
    tx: &mut Tx,
    company: &str,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<(Contract, Option<NaiveDate>)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        contract_columns!(),
        ", b.next_due_on FROM contracts c
         LEFT JOIN billing_schedule b ON b.company_id = c.company_id AND b.contract_id = c.contract_id
         WHERE (c.company_id, c.contract_id) > ($1, $2) AND c.company_id <= $3 ORDER BY c.company_id, c.contract_id LIMIT $4"
    );
    // Of one company: from before its first contract to its last.
    let (after, last) = match company {
        "" => (after, "\u{10FFFF}"),
        company => (after.max((company, "")), company),
    };
    let params = [after.0.into(), after.1.into(), last.into(), limit.into()];
    tx.query(SQL, &params, |row| Ok((read_contract(row)?, row.opt_date(CONTRACT_COLUMNS)?)))
}

/// The contracts that have an id: one a company.
pub fn by_id(tx: &mut Tx, contract_id: &str) -> Result<Vec<Contract>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", contract_columns!(), " FROM contracts c WHERE c.contract_id = $1 ORDER BY c.company_id LIMIT 20");
    tx.query(SQL, &[contract_id.into()], read_contract)
}

/// What a write changes, as JSON for the audit log.
pub fn item_change(before: Option<&ContractItem>, after: &ContractItem) -> String {
    UPSERT_ITEMS.change(before.map(item_values).as_ref(), &item_values(after))
}
