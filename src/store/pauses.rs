//! Pauses of contracts: days on which nothing is served or billed.

use super::value::Kind::Text;
use super::{Bulk, Row, StoreError, Tx, Val};
use crate::model::{CompanyId, ContractId, Pause};
use chrono::NaiveDate;

static UPSERT: Bulk<4> = Bulk {
    table: "contract_pauses",
    columns: [("company_id", Text), ("contract_id", Text), ("from_on", Text), ("until_on", Text)],
    on_conflict: "ON CONFLICT (company_id, contract_id, from_on) DO UPDATE SET until_on = excluded.until_on",
};

fn read(row: &Row) -> Result<Pause, StoreError> {
    Ok(Pause {
        company_id: CompanyId::stored(row.text(0)?),
        contract_id: ContractId::stored(row.text(1)?),
        from: row.date(2)?,
        until: row.opt_date(3)?,
    })
}

/// The pauses of one contract, by first day.
pub fn of_contract(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<Vec<Pause>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, from_on, until_on FROM contract_pauses
      WHERE company_id = $1 AND contract_id = $2 ORDER BY from_on";
    tx.query(SQL, &[company_id.as_str().into(), contract_id.as_str().into()], read)
}

/// The pauses of the due contracts of these companies (ids ascending), by (company, contract, first day).
pub fn of_due(tx: &mut Tx, companies: &[&str], until: NaiveDate) -> Result<Vec<Pause>, StoreError> {
    const SQL: &str = "SELECT p.company_id, p.contract_id, p.from_on, p.until_on FROM billing_schedule b
      JOIN contract_pauses p ON p.company_id = b.company_id AND p.contract_id = b.contract_id
      WHERE b.company_id = $1 AND b.next_due_on <= $2 ORDER BY p.company_id, p.contract_id, p.from_on";
    tx.query_companies(SQL, companies, &[until.into()], read)
}

/// The pauses of all contracts of these companies (ids ascending).
pub fn of_companies(tx: &mut Tx, companies: &[&str]) -> Result<Vec<Pause>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, from_on, until_on FROM contract_pauses
      WHERE company_id = $1 ORDER BY company_id, contract_id, from_on";
    tx.query_companies(SQL, companies, &[], read)
}

/// The pauses of these contracts: (company, contract).
pub fn of_contracts(tx: &mut Tx, contracts: &[(&str, &str)]) -> Result<Vec<Pause>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id, from_on, until_on FROM contract_pauses
      WHERE company_id = $1 AND contract_id = $2";
    tx.query_keys(SQL, contracts, read)
}

fn values(p: &Pause) -> [Val<'_>; 4] {
    [p.company_id.as_str().into(), p.contract_id.as_str().into(), p.from.into(), p.until.into()]
}

/// Adds or replaces pauses.
pub fn upsert(tx: &mut Tx, pauses: &[&Pause]) -> Result<(), StoreError> {
    tx.insert(&UPSERT, pauses.iter().map(|pause| values(pause))).map(drop)
}

/// What a write changes, as JSON for the audit log.
pub fn change(before: Option<&Pause>, after: &Pause) -> String {
    UPSERT.change(before.map(values).as_ref(), &values(after))
}
