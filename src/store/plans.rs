//! Plans and their items, and which contracts are on them.

use super::contracts::{read_terms, term_values};
use super::value::Kind::Text;
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{CompanyId, ContractId, ContractPlan, ItemId, Plan, PlanId, PlanItem};
use chrono::NaiveDate;

static UPSERT: Bulk<4> = Bulk {
    table: "plans",
    columns: [("plan_id", Text), ("valid_from", Text), ("name", Text), ("currency", Text)],
    on_conflict: "ON CONFLICT (plan_id, valid_from) DO UPDATE SET name = excluded.name, currency = excluded.currency",
};

static UPSERT_ITEMS: Bulk<14> = Bulk {
    table: "plan_items",
    columns: [
        ("plan_id", Text),
        ("version", Text),
        ("item_id", Text),
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
    on_conflict: "ON CONFLICT (plan_id, version, item_id) DO UPDATE SET description = excluded.description,
      price_model = excluded.price_model, quantity = excluded.quantity, unit = excluded.unit, unit_price = excluded.unit_price,
      tax_code = excluded.tax_code, package_size = excluded.package_size, included = excluded.included, meter = excluded.meter,
      minimum = excluded.minimum, tiers = excluded.tiers",
};

static UPSERT_CONTRACTS: Bulk<5> = Bulk {
    table: "contract_plans",
    columns: [("company_id", Text), ("contract_id", Text), ("valid_from", Text), ("plan_id", Text), ("plan_version", Text)],
    on_conflict: "ON CONFLICT (company_id, contract_id, valid_from) DO UPDATE SET plan_id = excluded.plan_id,
      plan_version = excluded.plan_version",
};

/// Every version of every plan, by (plan, version).
pub fn all(tx: &mut Tx) -> Result<Vec<Plan>, StoreError> {
    const SQL: &str = "SELECT plan_id, valid_from, name, currency FROM plans ORDER BY plan_id, valid_from";
    tx.query(SQL, &[], |row| {
        Ok(Plan {
            plan_id: PlanId::stored(row.text(0)?),
            valid_from: row.date(1)?,
            name: row.string(2)?,
            currency: row.parse(3)?,
        })
    })
}

/// The items of every version of every plan, by (plan, version, item).
pub fn items(tx: &mut Tx) -> Result<Vec<PlanItem>, StoreError> {
    const SQL: &str = "SELECT plan_id, version, item_id, description, price_model, quantity, unit, unit_price, tax_code,
        package_size, included, meter, minimum, tiers
      FROM plan_items ORDER BY plan_id, version, item_id";
    tx.query(SQL, &[], |row| {
        Ok(PlanItem {
            plan_id: PlanId::stored(row.text(0)?),
            version: row.date(1)?,
            item_id: ItemId::stored(row.text(2)?),
            description: row.string(3)?,
            price_model: row.parse(4)?,
            quantity: row.decimal(5)?,
            unit: row.string(6)?,
            unit_price: row.decimal(7)?,
            tax_code: row.parse_opt(8)?,
            terms: read_terms(row, 9)?,
        })
    })
}

fn values(p: &Plan) -> [Val<'_>; 4] {
    [p.plan_id.as_str().into(), p.valid_from.into(), (&p.name).into(), p.currency.into()]
}

fn item_values(i: &PlanItem) -> [Val<'_>; 14] {
    let [package_size, included, meter, minimum, tiers] = term_values(&i.terms);
    [
        i.plan_id.as_str().into(),
        i.version.into(),
        i.item_id.as_str().into(),
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

fn contract_values(c: &ContractPlan) -> [Val<'_>; 5] {
    let (plan_id, version) = match &c.plan {
        Some((plan_id, version)) => (plan_id.as_str().into(), (*version).into()),
        None => ("".into(), "".into()),
    };
    [c.company_id.as_str().into(), c.contract_id.as_str().into(), c.valid_from.into(), plan_id, version]
}

/// Adds or replaces versions of plans.
pub fn upsert(tx: &mut Tx, plans: &[Plan]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, plans.iter().map(values)).map(drop)
}

/// Adds or replaces items of plans.
pub fn upsert_items<'a>(tx: &mut Tx, items: impl IntoIterator<Item = &'a PlanItem>) -> Result<(), StoreError> {
    tx.insert(&UPSERT_ITEMS, items.into_iter().map(item_values)).map(drop)
}

/// Puts contracts on plans.
pub fn upsert_contracts(tx: &mut Tx, rows: &[&ContractPlan]) -> Result<(), StoreError> {
    tx.insert(&UPSERT_CONTRACTS, rows.iter().map(|row| contract_values(row))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Plan>, after: &Plan) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}

/// What a write changes, as JSON for the audit log.
pub fn item_change(before: Option<&PlanItem>, after: &PlanItem) -> String {
    UPSERT_ITEMS.change(before.map(item_values).as_ref(), &item_values(after))
}

/// What a write changes, as JSON for the audit log.
pub fn contract_change(before: Option<&ContractPlan>, after: &ContractPlan) -> String {
    UPSERT_CONTRACTS.change(before.map(contract_values).as_ref(), &contract_values(after))
}

fn read_contract_plan(row: &Row) -> Result<ContractPlan, StoreError> {
    let plan = if row.text(3)?.is_empty() { None } else { Some((PlanId::stored(row.text(3)?), row.date(4)?)) };
    Ok(ContractPlan {
        company_id: CompanyId::stored(row.text(0)?),
        contract_id: ContractId::stored(row.text(1)?),
        valid_from: row.date(2)?,
        plan,
    })
}

/// The plans of the due contracts of these companies, by (company, contract, valid_from).
pub fn of_due(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Vec<ContractPlan>, StoreError> {
    const SQL: &str = "SELECT p.company_id, p.contract_id, p.valid_from, p.plan_id, p.plan_version FROM contract_plans p
      JOIN billing_schedule b ON b.company_id = p.company_id AND b.contract_id = p.contract_id
      WHERE p.company_id = $1 AND b.next_due_on <= $2 ORDER BY p.company_id, p.contract_id, p.valid_from";
    tx.query_companies(SQL, companies, &[until.into()], read_contract_plan)
}

/// The plans of the contracts of these companies (ids ascending) with an id from the first to the
/// last given, by (company, contract, valid_from).
pub fn of_companies(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<ContractPlan>, StoreError> {
    const SQL: &str = "SELECT p.company_id, p.contract_id, p.valid_from, p.plan_id, p.plan_version FROM contract_plans p
      WHERE p.company_id = $1 AND p.contract_id >= $2 AND p.contract_id <= $3 ORDER BY p.company_id, p.contract_id, p.valid_from";
    tx.query_companies(SQL, companies, &[first.into(), last.into()], read_contract_plan)
}

/// The contracts of these companies (ids ascending), with an id from the first to the last given,
/// that are billed by usage: by an item of their own, or of a plan.
pub fn metered(tx: &mut Tx, companies: &[&str], (first, last): (&str, &str)) -> Result<Vec<(CompanyId, ContractId)>, StoreError> {
    const OWN: &str = "SELECT DISTINCT i.company_id, i.contract_id FROM contract_items i
      WHERE i.company_id = $1 AND i.contract_id >= $2 AND i.contract_id <= $3 AND i.meter <> ''";
    const OF_PLAN: &str = "SELECT DISTINCT p.company_id, p.contract_id FROM contract_plans p
      JOIN plan_items l ON l.plan_id = p.plan_id AND l.version = p.plan_version
      WHERE p.company_id = $1 AND p.contract_id >= $2 AND p.contract_id <= $3 AND l.meter <> ''";
    let read = |row: &Row| Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?)));
    let mut found = tx.query_companies(OWN, companies, &[first.into(), last.into()], read)?;
    found.extend(tx.query_companies(OF_PLAN, companies, &[first.into(), last.into()], read)?);
    found.sort();
    found.dedup();
    Ok(found)
}

/// The contracts that are, or were, on a version of a plan, after `after`.
pub fn contracts_on(
    tx: &mut Tx,
    plan_id: &PlanId,
    version: NaiveDate,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<(CompanyId, ContractId)>, StoreError> {
    const SQL: &str = "SELECT DISTINCT company_id, contract_id FROM contract_plans
      WHERE plan_id = $1 AND plan_version = $2 AND (company_id, contract_id) > ($3, $4)
      ORDER BY company_id, contract_id LIMIT $5";
    let params = [plan_id.as_str().into(), version.into(), after.0.into(), after.1.into(), limit.into()];
    tx.query(SQL, &params, |row| Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?))))
}

/// A contract that was billed, on an issued invoice, while it was on a version of a plan.
pub fn issued_on(tx: &mut Tx, plan_id: &PlanId, version: NaiveDate) -> Result<Option<(CompanyId, ContractId)>, StoreError> {
    const SQL: &str = "SELECT c.company_id, c.contract_id FROM contract_plans c
      JOIN billed_periods p ON p.company_id = c.company_id AND p.contract_id = c.contract_id AND p.period_end > c.valid_from
      JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
      WHERE c.plan_id = $1 AND c.plan_version = $2 AND i.state NOT IN ('draft', 'void') LIMIT 1";
    tx.query_opt(SQL, &[plan_id.as_str().into(), version.into()], |row| {
        Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?)))
    })
}
