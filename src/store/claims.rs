//! Claims on companies: who works on them now, where several processes share the work (Postgres).

use super::runs::Run;
use super::value::Kind::{Int, Text};
use super::{Bulk, StoreError, Tx, Val, value};
use chrono::{DateTime, Utc};

macro_rules! claim_columns {
    () => {
        [("company_id", Text), ("job", Text), ("owner", Text), ("fence", Int), ("claimed_at", Text), ("expires_at", Text)]
    };
}

/// Takes what is free, what has expired, and what is the owner's already. Taking over raises the fence.
static TAKE: Bulk<6> = Bulk {
    table: "claims",
    columns: claim_columns!(),
    on_conflict: "ON CONFLICT (company_id, job) DO UPDATE SET owner = excluded.owner, fence = claims.fence + 1,
      claimed_at = excluded.claimed_at, expires_at = excluded.expires_at
      WHERE claims.expires_at < excluded.claimed_at OR claims.owner = excluded.owner",
};

/// Gives back what is still the owner's.
static RELEASE: Bulk<6> = Bulk {
    table: "claims",
    columns: claim_columns!(),
    on_conflict: "ON CONFLICT (company_id, job) DO UPDATE SET expires_at = '' WHERE claims.owner = excluded.owner AND claims.expires_at <> ''",
};

/// Keeps what is still the owner's. A claim that was given back is nobody's.
static EXTEND: Bulk<6> = Bulk {
    table: "claims",
    columns: claim_columns!(),
    on_conflict: "ON CONFLICT (company_id, job) DO UPDATE SET expires_at = excluded.expires_at
      WHERE claims.owner = excluded.owner AND claims.expires_at <> ''",
};

fn rows<'v>(
    companies: &'v [&str],
    job: &'v str,
    owner: &'v str,
    at: &'v str,
    until: &'v str,
) -> impl Iterator<Item = [Val<'v>; 6]> {
    companies.iter().map(move |c| [(*c).into(), job.into(), owner.into(), Val::Int(1), at.into(), until.into()])
}

/// Claims companies (ids ascending, so that two who claim the same ones cannot deadlock) and
/// returns those that are the owner's now.
pub fn take(
    tx: &mut Tx,
    job: &str,
    owner: &str,
    companies: &[&str],
    at: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    const OWNED: &str = "SELECT company_id FROM claims WHERE company_id = $1 AND job = $2 AND owner = $3";
    let (at, until) = (value::instant(at), value::instant(until));
    let taken = tx.insert(&TAKE, rows(companies, job, owner, &at, &until))?;
    if taken == companies.len() as u64 {
        return Ok(companies.iter().map(|c| (*c).to_owned()).collect());
    }
    tx.query_companies(OWNED, companies, &[job.into(), owner.into()], |row| row.string(0))
}

/// The runs that hold claims on these companies.
pub fn owners(tx: &mut Tx, job: &str, companies: &[&str]) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = "SELECT company_id, owner FROM claims WHERE company_id = $1 AND job = $2 AND expires_at <> ''";
    let mut owners = tx.query_companies(SQL, companies, &[job.into()], |row| row.string(1))?;
    owners.sort();
    owners.dedup();
    let mut runs = Vec::with_capacity(owners.len());
    for owner in owners {
        runs.extend(super::runs::find(tx, &owner)?);
    }
    Ok(runs)
}

/// The claims that a run holds on one job.
#[derive(Debug, Clone)]
pub struct Holder {
    pub job: String,
    /// The run's id.
    pub owner: String,
    pub companies: u64,
    /// The first of them was taken then.
    pub since: DateTime<Utc>,
    /// The last of them holds until then.
    pub until: DateTime<Utc>,
}

/// Who holds claims, for a person.
pub fn holders(tx: &mut Tx) -> Result<Vec<Holder>, StoreError> {
    const SQL: &str = "SELECT job, owner, COUNT(*), MIN(claimed_at), MAX(expires_at) FROM claims
      WHERE expires_at <> '' GROUP BY job, owner ORDER BY job, owner";
    tx.query(SQL, &[], |row| {
        Ok(Holder {
            job: row.string(0)?,
            owner: row.string(1)?,
            companies: row.number(2)?,
            since: row.instant(3)?,
            until: row.instant(4)?,
        })
    })
}

/// Ends all claims of a run that is gone.
pub fn expire(tx: &mut Tx, job: &str, owner: &str) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE claims SET expires_at = '' WHERE job = $1 AND owner = $2 AND expires_at <> ''";
    tx.execute(SQL, &[job.into(), owner.into()])
}

/// Makes claims hold longer while the work goes on, and tells whether all of them are still the
/// owner's. In the transaction that records the work it also keeps others from taking them over
/// until the commit.
pub fn extend(tx: &mut Tx, job: &str, owner: &str, companies: &[&str], until: DateTime<Utc>) -> Result<bool, StoreError> {
    let until = value::instant(until);
    let extended = tx.insert(&EXTEND, rows(companies, job, owner, "", &until))?;
    Ok(extended == companies.len() as u64)
}

/// Gives claims back in the transaction that records the work. False if one of them was taken over
/// meanwhile: then the work is another's, and the caller must roll back.
pub fn release(tx: &mut Tx, job: &str, owner: &str, companies: &[&str]) -> Result<bool, StoreError> {
    let released = tx.insert(&RELEASE, rows(companies, job, owner, "", ""))?;
    Ok(released == companies.len() as u64)
}

/// How many claims hold now, of all jobs and runs.
pub fn count_held(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM claims WHERE expires_at > $1";
    Ok(tx.query_opt(SQL, &[now.into()], |row| row.number(0))?.unwrap_or(0))
}
