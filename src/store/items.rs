//! Billable items: everything to be billed that is not a contract's own.

use super::value::Kind::{Int, Text};
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::invoice::Proration;
use crate::model::{Adjustment, BillableItem, CompanyId, ContractId, InvoiceId, InvoiceState, ItemId, SellerId, SourceKey};
use chrono::NaiveDate;
use std::collections::BTreeMap;

macro_rules! columns {
    () => {
        "b.company_id, b.source_key, b.seller_id, b.currency, b.dated, b.description, b.quantity, b.unit, b.unit_price, b.tax_inclusive, \
         b.tax_code, b.stand_alone_on, b.contract_id, b.item_id, b.adjusts, b.period_start, b.period_end, b.days, b.of_days, \
         b.amount_minor, b.supplied_on"
    };
}

/// How many columns `columns` names.
const COLUMNS: usize = 21;

const VALUES: [(&str, super::Kind); 21] = [
    ("company_id", Text),
    ("source_key", Text),
    ("seller_id", Text),
    ("currency", Text),
    ("dated", Text),
    ("description", Text),
    ("quantity", Text),
    ("unit", Text),
    ("unit_price", Text),
    ("tax_inclusive", Int),
    ("tax_code", Text),
    ("stand_alone_on", Text),
    ("contract_id", Text),
    ("item_id", Text),
    ("adjusts", Text),
    ("period_start", Text),
    ("period_end", Text),
    ("days", Int),
    ("of_days", Int),
    ("amount_minor", Int),
    ("supplied_on", Text),
];

static UPSERT: Bulk<21> = Bulk {
    table: "billable_items",
    columns: VALUES,
    on_conflict:
        "ON CONFLICT (company_id, source_key) DO UPDATE SET seller_id = excluded.seller_id, currency = excluded.currency,
      dated = excluded.dated, description = excluded.description, quantity = excluded.quantity, unit = excluded.unit,
      unit_price = excluded.unit_price, tax_inclusive = excluded.tax_inclusive, tax_code = excluded.tax_code,
      stand_alone_on = excluded.stand_alone_on, contract_id = excluded.contract_id, item_id = excluded.item_id,
      adjusts = excluded.adjusts, period_start = excluded.period_start, period_end = excluded.period_end, days = excluded.days,
      of_days = excluded.of_days, amount_minor = excluded.amount_minor, supplied_on = excluded.supplied_on",
};

fn read_item(row: &Row) -> Result<BillableItem, StoreError> {
    let currency = row.parse(3)?;
    let adjustment = if row.text(12)?.is_empty() {
        None
    } else {
        let (days, of_days): (u32, u32) = (row.number(17)?, row.number(18)?);
        Some(Adjustment {
            contract_id: ContractId::stored(row.text(12)?),
            item_id: ItemId::stored(row.text(13)?),
            adjusts: row.date(14)?,
            period: row.period(15)?,
            proration: (of_days > 0).then_some(Proration { days, of_days }),
            amount: row.money(19, currency)?,
            supplied_on: row.date(20)?,
            alone_on: row.date(11)?,
        })
    };
    Ok(BillableItem {
        adjustment,
        company_id: CompanyId::stored(row.text(0)?),
        source_key: SourceKey::stored(row.text(1)?),
        seller_id: SellerId::stored(row.text(2)?),
        currency,
        dated: row.date(4)?,
        description: row.string(5)?,
        quantity: row.decimal(6)?,
        unit: row.string(7)?,
        unit_price: row.decimal(8)?,
        tax_inclusive: row.flag(9)?,
        tax_code: row.parse_opt(10)?,
    })
}

/// The open items of these companies (ids ascending), by (company, source key).
pub fn open(tx: &mut Tx, companies: &[&str]) -> Result<Vec<BillableItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM billable_items b WHERE b.company_id = $1 AND b.invoice_id IS NULL ORDER BY b.company_id, b.source_key"
    );
    tx.query_companies(SQL, companies, &[], read_item)
}

/// The items of a company that are on no issued invoice, by source key: those of drafts and of voided invoices may be
/// open again.
pub fn unissued(tx: &mut Tx, company_id: &CompanyId) -> Result<Vec<BillableItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM billable_items b LEFT JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
          WHERE b.company_id = $1 AND (b.invoice_id IS NULL OR i.state IN ('draft', 'void')) ORDER BY b.source_key"
    );
    tx.query(SQL, &[company_id.as_str().into()], read_item)
}

/// The day under which [`companies_due`] meets each of these companies (ids ascending) first.
pub fn first_days(tx: &mut Tx, companies: &[&str]) -> Result<BTreeMap<CompanyId, NaiveDate>, StoreError> {
    const SQL: &str = "SELECT company_id, MIN(stand_alone_on) FROM billable_items
      WHERE company_id = $1 AND invoice_id IS NULL GROUP BY company_id";
    let found = tx.query_companies(SQL, companies, &[], |row| Ok((CompanyId::stored(row.text(0)?), row.date(1)?)))?;
    Ok(found.into_iter().collect())
}

/// The items that an invoice took up, by source key.
pub fn of_invoice(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<BillableItem>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM billable_items b WHERE b.company_id = $1 AND b.invoice_id = $2 ORDER BY b.source_key"
    );
    tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], read_item)
}

/// One item, and the invoice that took it up.
pub fn find(
    tx: &mut Tx,
    company_id: &CompanyId,
    source_key: &SourceKey,
) -> Result<Option<(BillableItem, Option<InvoiceId>)>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), ", b.invoice_id FROM billable_items b WHERE b.company_id = $1 AND b.source_key = $2");
    tx.query_opt(SQL, &[company_id.as_str().into(), source_key.as_str().into()], |row| {
        Ok((read_item(row)?, row.opt_text(COLUMNS)?.map(InvoiceId::stored)))
    })
}

/// The next companies, after `after`, that have open items to bill without a contract.
pub fn companies_due(
    tx: &mut Tx,
    until: NaiveDate,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<(String, String)>, StoreError> {
    const SQL: &str = "SELECT DISTINCT stand_alone_on, company_id FROM billable_items
      WHERE invoice_id IS NULL AND stand_alone_on <= $1 AND (stand_alone_on, company_id) > ($2, $3)
      ORDER BY stand_alone_on, company_id LIMIT $4";
    tx.query(SQL, &[until.into(), after.0.into(), after.1.into(), limit.into()], |row| Ok((row.string(0)?, row.string(1)?)))
}

/// Gives an open item to an invoice. False if it is not open any more.
pub fn take(tx: &mut Tx, company_id: &CompanyId, source_key: &SourceKey, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE billable_items SET invoice_id = $3 WHERE company_id = $1 AND source_key = $2 AND invoice_id IS NULL";
    let changed = tx.execute(SQL, &[company_id.as_str().into(), source_key.as_str().into(), invoice_id.as_str().into()])?;
    Ok(changed == 1)
}

/// Opens one item of an invoice again. False if the invoice did not take it up.
pub fn release_one(
    tx: &mut Tx,
    company_id: &CompanyId,
    source_key: &SourceKey,
    invoice_id: &InvoiceId,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE billable_items SET invoice_id = NULL WHERE company_id = $1 AND source_key = $2 AND invoice_id = $3";
    let params = [company_id.as_str().into(), source_key.as_str().into(), invoice_id.as_str().into()];
    Ok(tx.execute(SQL, &params)? == 1)
}

/// Opens the items of an invoice again.
pub fn release(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE billable_items SET invoice_id = NULL WHERE company_id = $1 AND invoice_id = $2";
    tx.execute(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()])
}

fn values<'a>(i: &'a BillableItem, stand_alone_on: NaiveDate) -> [Val<'a>; 21] {
    let of = i.adjustment.as_ref();
    let day = |day: fn(&Adjustment) -> NaiveDate| of.map_or(Val::from(""), |a| day(a).into());
    let part = of.and_then(|a| a.proration).unwrap_or(Proration { days: 0, of_days: 0 });
    [
        i.company_id.as_str().into(),
        i.source_key.as_str().into(),
        i.seller_id.as_str().into(),
        i.currency.into(),
        i.dated.into(),
        (&i.description).into(),
        i.quantity.into(),
        (&i.unit).into(),
        i.unit_price.into(),
        i.tax_inclusive.into(),
        i.tax_code.as_ref().map_or("", |t| t.as_str()).into(),
        stand_alone_on.into(),
        of.map_or("", |a| a.contract_id.as_str()).into(),
        of.map_or("", |a| a.item_id.as_str()).into(),
        day(|a| a.adjusts),
        day(|a| a.period.start()),
        day(|a| a.period.end()),
        part.days.into(),
        part.of_days.into(),
        of.map_or(0, |a| a.amount.minor()).into(),
        day(|a| a.supplied_on),
    ]
}

/// Adds or replaces items; `stand_alone_on` is the rule's answer for each. The invoice that took
/// one up stays.
pub fn upsert(tx: &mut Tx, items: &[(&BillableItem, NaiveDate)]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, items.iter().map(|(item, stand_alone_on)| values(item, *stand_alone_on))).map(drop)
}

/// Adds items. False when one of them is there already: then the caller rolls back.
pub fn insert(tx: &mut Tx, items: &[(&BillableItem, NaiveDate)]) -> Result<bool, StoreError> {
    static INSERT: Bulk<21> =
        Bulk { table: "billable_items", columns: VALUES, on_conflict: "ON CONFLICT (company_id, source_key) DO NOTHING" };
    let added = tx.insert(&INSERT, items.iter().map(|(item, stand_alone_on)| values(item, *stand_alone_on)))?;
    Ok(added == items.len() as u64)
}

/// What a write changes, as JSON for the audit log. `stand_alone_on` is derived, and told as it is
/// written.
pub fn change(before: Option<&BillableItem>, after: &BillableItem, stand_alone_on: NaiveDate) -> String {
    UPSERT.change(before.map(|item| values(item, stand_alone_on)).as_ref(), &values(after, stand_alone_on))
}

/// An item, and the state of the invoice that took it up.
pub type WithState = (BillableItem, Option<InvoiceState>);

/// The items of these companies (ids ascending).
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<WithState>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", i.state FROM billable_items b LEFT JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
         WHERE b.company_id = $1"
    );
    tx.query_companies(SQL, companies, &[], read_with_state)
}

/// The items with these keys: (company, source key).
pub fn of_keys(tx: &mut Tx, keys: &[(&str, &str)]) -> Result<Vec<WithState>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", i.state FROM billable_items b LEFT JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
         WHERE b.company_id = $1 AND b.source_key = $2"
    );
    tx.query_keys(SQL, keys, read_with_state)
}

fn read_with_state(row: &Row) -> Result<WithState, StoreError> {
    Ok((read_item(row)?, row.parse_opt(COLUMNS)?))
}

/// How many that were imported are on issued invoices.
pub fn count_issued(tx: &mut Tx) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM billable_items b
      JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
      WHERE b.contract_id = '' AND i.state <> 'draft'";
    Ok(tx.query_opt(SQL, &[], |row| row.int(0))?.unwrap_or(0))
}

/// An invoice that took an item up, and how far it has come.
pub type Taken = Option<(InvoiceId, InvoiceState)>;

/// What changes of a contract credit or charge, by source key.
pub fn adjustments(
    tx: &mut Tx,
    company_id: &CompanyId,
    contract_id: &ContractId,
) -> Result<Vec<(BillableItem, Taken)>, StoreError> {
    adjustments_of(tx, &[(company_id.as_str(), contract_id.as_str())])
}

/// What changes of contracts credit or charge, by contract and first day of the period in which they do.
pub type AdjustedPeriods = BTreeMap<(ContractId, NaiveDate), Vec<(BillableItem, Taken)>>;

/// The same of several contracts, in one statement.
pub fn adjusted_periods<'a>(
    tx: &mut Tx,
    company_id: &CompanyId,
    contracts: impl IntoIterator<Item = &'a ContractId>,
) -> Result<AdjustedPeriods, StoreError> {
    let contracts = contracts.into_iter().map(|contract| (company_id.as_str(), contract.as_str()));
    let contracts: Vec<(&str, &str)> = contracts.collect();
    let mut found = AdjustedPeriods::new();
    for (item, taken) in adjustments_of(tx, &contracts)? {
        let Some(adjustment) = &item.adjustment else { continue };
        found.entry((adjustment.contract_id.clone(), adjustment.adjusts)).or_default().push((item, taken));
    }
    Ok(found)
}

fn adjustments_of(tx: &mut Tx, contracts: &[(&str, &str)]) -> Result<Vec<(BillableItem, Taken)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", b.invoice_id, i.state FROM billable_items b
         LEFT JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
         WHERE b.company_id = $1 AND b.contract_id = $2 AND b.contract_id <> ''"
    );
    let mut found = tx.query_keys(SQL, contracts, |row| {
        let invoice = row.opt_text(COLUMNS)?.map(InvoiceId::stored);
        Ok((read_item(row)?, invoice.zip(row.parse_opt(COLUMNS + 1)?)))
    })?;
    found.sort_by(|one, other| one.0.source_key.cmp(&other.0.source_key));
    Ok(found)
}

/// Takes away what is no longer to be billed.
pub fn delete(tx: &mut Tx, company_id: &CompanyId, source_key: &SourceKey) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM billable_items WHERE company_id = $1 AND source_key = $2";
    tx.execute(SQL, &[company_id.as_str().into(), source_key.as_str().into()]).map(drop)
}
