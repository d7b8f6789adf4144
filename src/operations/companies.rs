//! What a person asks about a company: what it owes, and its statement of account.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, Result};
use crate::jobs::messages::{by_mail, plan as plan_messages, take_over};
use crate::jobs::named::no_company;
use crate::jobs::statement::{self, Days, Letter};
use crate::model::message::{About, ContactRole, Mailbox, Message, MessageKind, Severity, key_of_time};
use crate::model::{Company, CompanyId, Currency, Money, Seller, SellerId};
use crate::rules::recipients;
use crate::rules::schedule::today;
use crate::store::audit::{self, Entry};
use crate::store::dunning::{self, DueRange, Owed};
use crate::store::{Tx, companies, contacts, effects, sellers, statement as accounts};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// What a company owes a seller in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub seller_id: SellerId,
    pub currency: Currency,
    pub open: Money,
    /// Of that, what is past its due date.
    pub overdue: Money,
    pub invoices: u64,
}

/// Everything that is open, whenever it is due.
fn ever() -> DueRange {
    (NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default(), NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default())
}

/// What these companies (ids ascending) owe, by seller and currency.
pub fn balances(tx: &mut Tx, ids: &[&str], as_of: DateTime<Utc>) -> Result<HashMap<CompanyId, Vec<Balance>>> {
    let todays: HashMap<SellerId, NaiveDate> =
        sellers::all(tx)?.into_iter().map(|seller| (seller.seller_id, today(as_of, seller.time_zone))).collect();
    let mut sums: BTreeMap<(CompanyId, SellerId, Currency), Balance> = BTreeMap::new();
    for owed in dunning::owed(tx, ids, ever())? {
        let today = todays.get(&owed.seller_id).copied().unwrap_or_else(|| as_of.date_naive());
        add(&mut sums, &owed, today)?;
    }
    let mut by_company: HashMap<CompanyId, Vec<Balance>> = HashMap::new();
    for ((company_id, _, _), balance) in sums {
        by_company.entry(company_id).or_default().push(balance);
    }
    Ok(by_company)
}

fn add(sums: &mut BTreeMap<(CompanyId, SellerId, Currency), Balance>, owed: &Owed, today: NaiveDate) -> Result<()> {
    let currency = owed.balance.currency();
    let key = (owed.company_id.clone(), owed.seller_id.clone(), currency);
    let zero = Money::zero(currency);
    let sum = sums.entry(key).or_insert_with(|| Balance {
        seller_id: owed.seller_id.clone(),
        currency,
        open: zero,
        overdue: zero,
        invoices: 0,
    });
    let too_large = |error: crate::model::money::MoneyError| Error::failed(error.to_string());
    sum.open = sum.open.checked_add(owed.balance).map_err(too_large)?;
    if owed.due_on < today {
        sum.overdue = sum.overdue.checked_add(owed.balance).map_err(too_large)?;
    }
    sum.invoices += 1;
    Ok(())
}

/// Which statements a person asks for.
pub struct Asked<'a> {
    pub company_id: &'a CompanyId,
    /// None: of each seller that has billed the company.
    pub seller_id: Option<&'a SellerId>,
    pub from: Option<NaiveDate>,
    /// None: today at the seller.
    pub to: Option<NaiveDate>,
}

/// The statements that are asked for.
pub fn statements(tx: &mut Tx, ctx: &Context, asked: &Asked) -> Result<Vec<(Company, Seller, Letter)>> {
    let sellers = match asked.seller_id {
        Some(seller_id) => vec![seller_id.clone()],
        None => accounts::sellers_of(tx, asked.company_id)?,
    };
    if sellers.is_empty() && companies::known(tx, &[asked.company_id.as_str()])?.contains(asked.company_id.as_str()) {
        return Err(Error::not_found(format!("company {} was never billed", asked.company_id))
            .hint("a statement begins with the first invoice: finops invoices list"));
    }
    if sellers.is_empty() {
        return Err(no_company(asked.company_id.as_str()));
    }
    let mut found = Vec::with_capacity(sellers.len());
    for seller_id in sellers {
        let (company, seller) = statement::parties(tx, asked.company_id, &seller_id)?;
        let to = asked.to.unwrap_or_else(|| today(ctx.as_of, seller.time_zone));
        if let Some(from) = asked.from.filter(|from| *from > to) {
            return Err(
                Error::usage(format!("a statement from {from} to {to} has no days")).hint("give --from a day before --to")
            );
        }
        let letter = statement::gather(tx, &company, &seller, Days { from: asked.from, to }, None)?;
        found.push((company, seller, letter));
    }
    Ok(found)
}

/// Plans the mail that brings a statement to the billing contacts. Returns their addresses. Each time that it is
/// asked for it is another mail.
pub fn mail_statement(tx: &mut Tx, ctx: &Context, company: &Company, seller: &Seller, letter: &Letter) -> Result<Vec<Mailbox>> {
    let contacts = contacts::of_companies(tx, &[company.company_id.as_str()])?;
    let to = recipients::by_mail(seller, company, &contacts, ContactRole::Billing);
    if to.is_empty() {
        return Err(Error::refused(format!("company {} has no address to mail to", company.company_id))
            .hint("import a contact with the role billing and an email, or give the company an email"));
    }
    let (from, until) = (letter.statement.from, letter.statement.to);
    let base = format!("statement:{}:{from}:{until}", seller.seller_id);
    let mut message_key = base.clone();
    for times in 2.. {
        if effects::of_message(tx, &company.company_id, &message_key)?.is_empty() {
            break;
        }
        message_key = key_of_time(&base, times);
    }
    let message = Message {
        kind: MessageKind::Statement,
        severity: Severity::Info,
        language: String::new(),
        recipient: Mailbox { name: String::new(), address: String::new() },
        to: Vec::new(),
        cc: Vec::new(),
        message_key,
        about: About::Statement { seller_id: seller.seller_id.clone(), from, to: until },
    };
    let now = ctx.clock.now();
    plan_messages(tx, &company.company_id, &by_mail(&message, &to, &[]), now)?;
    let mut entries = take_over(tx, &company.company_id, &message.message_key, seller.seller_id.as_str(), now)?;
    let to: Vec<Mailbox> = to.into_iter().map(|recipient| recipient.mailbox).collect();
    let addresses: Vec<&str> = to.iter().map(|mailbox| mailbox.address.as_str()).collect();
    let payload = json!({ "seller_id": seller.seller_id, "from": from, "to": until, "recipients": addresses });
    entries.push(Entry {
        company_id: company.company_id.to_string(),
        action: "statement.sent",
        entity: "company",
        entity_id: company.company_id.to_string(),
        payload: payload.to_string(),
    });
    audit::append(tx, &host::author(ctx), &entries)?;
    Ok(to)
}
