//! Companies that a person names for a command.

use crate::error::{Error, Result};
use crate::model::CompanyId;
use crate::store::{Tx, companies};

/// All of them exist.
pub fn check_companies<'c>(tx: &mut Tx, named: impl IntoIterator<Item = &'c CompanyId>) -> Result<()> {
    let mut ids: Vec<&str> = named.into_iter().map(CompanyId::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = companies::known(tx, &ids)?;
    match ids.iter().find(|id| !known.contains(**id)) {
        Some(missing) => Err(no_company(missing)),
        None => Ok(()),
    }
}

/// It does not.
pub fn no_company(company_id: &str) -> Error {
    Error::not_found(format!("there is no company {company_id}")).hint("check the id: it is the company_id of your companies.csv")
}
