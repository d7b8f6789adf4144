//! A statement of account, gathered: for whoever asks for it, and for what is attached to messages.

use super::documents::load_logo;
use super::named::no_company;
use crate::error::{Error, Result};
use crate::model::document::Party;
use crate::model::message::Statement;
use crate::model::seller::BankDetails;
use crate::model::{Company, CompanyId, Seller, SellerId};
use crate::render::{Fonts, Logo, RenderError, StatementLetter, statement_file_name, statement_pdf, statement_text};
use crate::rules::document::{buyer_party, seller_party};
use crate::rules::statement::{default_from, statement};
use crate::store::{Tx, companies, sellers, statement as accounts};
use chrono::NaiveDate;

/// Over which days, both inclusive.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    /// None: from the oldest invoice that is not paid.
    pub from: Option<NaiveDate>,
    pub to: NaiveDate,
}

/// A statement with all that its letter shows.
pub struct Letter {
    pub statement: Statement,
    pub seller: Party,
    pub company: Party,
    pub bank: BankDetails,
    pub logo: Option<Logo>,
    /// BCP 47.
    pub language: String,
}

impl Letter {
    fn letter(&self) -> StatementLetter<'_> {
        let Self { statement, seller, company, bank, language, .. } = self;
        StatementLetter { statement, seller, company, bank: Some(bank), language }
    }

    pub fn text(&self) -> std::result::Result<String, RenderError> {
        statement_text(&self.letter())
    }

    pub fn pdf(&self, fonts: &Fonts) -> std::result::Result<Vec<u8>, RenderError> {
        statement_pdf(&self.letter(), self.logo.as_ref(), fonts)
    }

    /// The name of its file: the letter is of its last day.
    pub fn file_name(&self) -> String {
        statement_file_name(&self.letter())
    }
}

/// The account of a company with a seller, as it stands now. `language`: None for the company's own.
pub fn gather(tx: &mut Tx, company: &Company, seller: &Seller, days: Days, language: Option<&str>) -> Result<Letter> {
    let from = match days.from {
        Some(from) => from,
        None => default_from(accounts::oldest_open(tx, &company.company_id, &seller.seller_id)?, days.to),
    };
    let account = accounts::account(tx, &company.company_id, &seller.seller_id, days.to)?;
    let own = if company.language.is_empty() { &seller.language } else { &company.language };
    Ok(Letter {
        statement: statement(from, days.to, &account),
        seller: seller_party(seller),
        company: buyer_party(company),
        bank: seller.bank.clone(),
        logo: load_logo(tx, &seller.logo_sha256)?,
        language: language.unwrap_or(own).to_owned(),
    })
}

/// The two whose account it is.
pub fn parties(tx: &mut Tx, company_id: &CompanyId, seller_id: &SellerId) -> Result<(Company, Seller)> {
    let company = companies::by_ids(tx, &[company_id.as_str()])?.pop();
    let company = company.ok_or_else(|| no_company(company_id.as_str()))?;
    let seller = sellers::find(tx, seller_id.as_str())?;
    let seller = seller.ok_or_else(|| {
        Error::not_found(format!("there is no seller {seller_id}")).hint("check the id: it is the seller_id of your sellers.csv")
    })?;
    Ok((company, seller))
}
