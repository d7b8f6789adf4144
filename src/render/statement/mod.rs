//! A statement of account, as a PDF and as text: what moved the account, with the balance after
//! each entry, one table a currency.

mod page;
mod plain;

use super::flow::Page;
use super::languages::{self, Language};
use super::letter::{self, Typesetter, party_fields};
use super::{Fonts, Logo, RenderError, pdf};
use crate::model::document::Party;
use crate::model::message::{Statement, StatementAccount};
use crate::model::seller::BankDetails;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Who tells whom how an account stands.
#[derive(Debug, Clone, Copy)]
pub struct StatementLetter<'a> {
    pub statement: &'a Statement,
    pub seller: &'a Party,
    pub company: &'a Party,
    /// Printed where something is owed.
    pub bank: Option<&'a BankDetails>,
    /// BCP 47.
    pub language: &'a str,
}

/// The statement as PDF/A-3b in the look of the invoices, dated by its last day. Fails on a character that the fonts lack.
pub fn statement_pdf(letter: &StatementLetter<'_>, logo: Option<&Logo>, fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    let missing = missing_characters(letter, fonts);
    if !missing.is_empty() {
        return Err(RenderError::MissingCharacters(missing));
    }
    let letter = Letter::of(letter)?;
    let pages: Vec<Page> = page::compose(&letter, logo.map(Logo::extent), Typesetter { fonts, language: letter.language })?;
    let about = pdf::About::statement(letter.title(), letter.statement, [letter.seller, letter.company], letter.language.tag);
    pdf::write(&pages, &about, logo, fonts)
}

/// What its file is called: `Kontoauszug-2026-11-26.pdf`, of its last day. In letters that every file system and every
/// mail program takes.
pub fn statement_file_name(letter: &StatementLetter<'_>) -> String {
    let title = languages::find(letter.language).map_or("Statement", |language| language.statement.title.as_str());
    format!("{}-{}.pdf", in_ascii(title), letter.statement.to)
}

/// Letters without their marks, and hyphens for what is neither letter nor digit.
fn in_ascii(text: &str) -> String {
    let folded: String =
        text.replace('ł', "l").replace('Ł', "L").replace('ß', "ss").nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The statement as plain text in aligned columns.
pub fn statement_text(letter: &StatementLetter<'_>) -> Result<String, RenderError> {
    Ok(plain::compose(&Letter::of(letter)?))
}

/// What a statement says, to whom, and in which words.
struct Letter<'a> {
    statement: &'a Statement,
    seller: &'a Party,
    company: &'a Party,
    bank: Option<&'a BankDetails>,
    language: &'a Language,
}

/// A row of the table in words. Opening and closing have no date of an entry.
struct Row {
    on: String,
    entry: String,
    due: String,
    change: String,
    balance: String,
}

impl<'a> Letter<'a> {
    fn of(letter: &StatementLetter<'a>) -> Result<Self, RenderError> {
        let StatementLetter { statement, seller, company, bank, language } = *letter;
        let bank = bank.filter(|_| is_owed(statement));
        Ok(Self { statement, seller, company, bank, language: languages::find(language)? })
    }

    fn title(&self) -> &'a str {
        &self.language.statement.title
    }

    fn period(&self) -> String {
        self.language.days(self.statement.from, self.statement.to)
    }

    /// Whether the tables need a heading each.
    fn several(&self) -> bool {
        self.statement.accounts.len() > 1
    }

    fn amount(&self, account: &StatementAccount, amount: Decimal) -> String {
        self.language.number(amount, account.currency.exponent())
    }

    /// The heads of the columns.
    fn header(&self, account: &StatementAccount) -> Row {
        let labels = &self.language.statement;
        Row {
            on: labels.date.clone(),
            entry: labels.entry.clone(),
            due: labels.due.clone(),
            change: format!("{} ({})", labels.change, account.currency),
            balance: labels.balance.clone(),
        }
    }

    /// The balance that the account begins with.
    fn opening(&self, account: &StatementAccount) -> Row {
        self.sum(self.language.short_date(self.statement.from), &self.language.statement.opening, account, account.opening)
    }

    fn entries(&self, account: &StatementAccount) -> Vec<Row> {
        let language = self.language;
        let row = |entry: &crate::model::message::StatementEntry| Row {
            on: language.short_date(entry.on),
            entry: language.entry(entry.kind, &entry.reference),
            due: entry.due_on.map_or_else(String::new, |due| language.short_date(due)),
            change: self.amount(account, entry.change),
            balance: self.amount(account, entry.balance),
        };
        account.entries.iter().map(row).collect()
    }

    /// The balance that it ends with, and what is overdue of it.
    fn closing(&self, account: &StatementAccount) -> Vec<Row> {
        let labels = &self.language.statement;
        let name = if account.closing < Decimal::ZERO { &labels.in_your_favour } else { &labels.closing };
        let mut rows = vec![self.sum(self.language.short_date(self.statement.to), name, account, account.closing)];
        if account.overdue > Decimal::ZERO {
            rows.push(self.sum(String::new(), &labels.overdue, account, account.overdue));
        }
        rows
    }

    fn sum(&self, on: String, name: &str, account: &StatementAccount, amount: Decimal) -> Row {
        let balance = self.amount(account, amount);
        Row { on, entry: name.to_owned(), due: String::new(), change: String::new(), balance }
    }
}

impl Row {
    fn cells(&self) -> [&str; 5] {
        [&self.on, &self.entry, &self.due, &self.change, &self.balance]
    }
}

fn is_owed(statement: &Statement) -> bool {
    statement.accounts.iter().any(|account| account.closing > Decimal::ZERO)
}

fn is_overdue(statement: &Statement) -> bool {
    statement.accounts.iter().any(|account| account.overdue > Decimal::ZERO)
}

/// Each character that cannot be printed, once a field; entries count from 1.
fn missing_characters(letter: &StatementLetter<'_>, fonts: &Fonts) -> Vec<(char, String)> {
    let StatementLetter { statement, seller, company, bank, .. } = *letter;
    let mut missing: Vec<(char, String)> = Vec::new();
    let mut look = |text: &str, field: &dyn Fn() -> String| {
        for c in text.chars().filter(|c| !fonts.can_print(*c)) {
            let found = (c, field());
            if !missing.contains(&found) {
                missing.push(found);
            }
        }
    };
    for (names, party) in [(party_fields!("seller"), seller), (party_fields!("company"), company)] {
        names.iter().zip(letter::party_texts(party)).for_each(|(name, text)| look(text, &|| (*name).to_owned()));
    }
    if let Some(BankDetails { bank_name, iban, bic, account }) = bank {
        for (name, text) in [("bank_name", bank_name), ("iban", iban), ("bic", bic), ("account", account)] {
            look(text, &|| format!("bank.{name}"));
        }
    }
    for account in &statement.accounts {
        for (index, entry) in account.entries.iter().enumerate() {
            look(&entry.reference, &|| format!("accounts[{}].entries[{}].reference", account.currency, index + 1));
        }
    }
    missing
}
