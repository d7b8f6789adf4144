//! Who is reminded of what: invoice by invoice by the rules, put together by company, seller and level.

use super::facts::{Debtor, Facts};
use crate::engine::job::{Decided, Failed, Skipped};
use crate::jobs::messages::{Outgoing, by_mail};
use crate::model::dunning::ReminderKind;
use crate::model::message::{About, Channel, ContactRole, Mailbox, Message};
use crate::model::routing::Quiet;
use crate::model::{Company, CompanyId, Seller, SellerId};
use crate::rules::dunning::{Decision, Dunned, Found, Level, Policies, decide as decide_invoice};
use crate::rules::recipients::{self, Recipient};
use crate::rules::routing::after_hours;
use crate::rules::schedule::today;
use crate::store::audit::Entry;
use crate::store::dunning::{Owed, Reminder};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::BTreeMap;

/// How to decide.
pub struct How<'a> {
    pub kind: ReminderKind,
    pub as_of: DateTime<Utc>,
    pub policies: &'a Policies,
    /// SMS can be sent.
    pub has_sms: bool,
}

/// What is decided about a company.
#[derive(Debug, Clone)]
pub enum ReminderPlan {
    Remind(Box<Reminded>),
    /// What an earlier run could not do needs nothing any more: bookkeeping.
    Clear(CompanyId, String),
}

/// An invoice that a reminder is about.
#[derive(Debug, Clone)]
pub struct Due {
    pub owed: Owed,
    /// Lower levels that were missed, and never come.
    pub passed_over: Vec<i32>,
}

/// One reminder: all invoices of a company and seller that are at one level.
#[derive(Debug, Clone)]
pub struct Reminded {
    pub company_id: CompanyId,
    pub seller_id: SellerId,
    pub level: Level,
    /// By due date.
    pub invoices: Vec<Due>,
    pub to: Vec<Recipient>,
    pub copies: Vec<Recipient>,
    pub sms: Vec<Recipient>,
}

pub fn decide(facts: &Facts, how: &How) -> Decided<ReminderPlan> {
    let mut decided = Decided::default();
    for debtor in &facts.debtors {
        let before = decided.failed.len();
        let mut groups: BTreeMap<(&SellerId, Level), Vec<Due>> = BTreeMap::new();
        for owed in debtor.owed.iter().filter(|owed| owed.balance.minor() > 0) {
            let Some(seller) = facts.sellers.get(&owed.seller_id) else { continue };
            if let Some((level, passed_over)) = invoice(debtor, owed, seller, how, &mut decided) {
                groups.entry((&owed.seller_id, level)).or_default().push(Due { owed: owed.clone(), passed_over });
            }
        }
        for ((seller_id, level), invoices) in groups {
            let Some(seller) = facts.sellers.get(seller_id) else { continue };
            let reminded = together(debtor, seller, level, invoices, how);
            if reminded.to.is_empty() && reminded.sms.is_empty() {
                decided.failed.push(no_address(&reminded));
            } else {
                decided.plans.push(ReminderPlan::Remind(Box::new(reminded)));
            }
        }
        let failed = &decided.failed[before..];
        let over = debtor.standing.iter().filter(|item| !failed.iter().any(|failed| failed.subject == item.subject));
        decided.plans.extend(over.map(|item| ReminderPlan::Clear(item.company_id.clone(), item.subject.clone())));
    }
    decided
}

/// The level that an invoice is at, when a reminder of this kind is due.
fn invoice(
    debtor: &Debtor,
    owed: &Owed,
    seller: &Seller,
    how: &How,
    decided: &mut Decided<ReminderPlan>,
) -> Option<(Level, Vec<i32>)> {
    let recorded = debtor.recorded.get(&owed.invoice_id).map_or(&[][..], Vec::as_slice);
    let came_on = owed.sent_at.map_or(owed.issued_on, |at| today(at, seller.time_zone).max(owed.issued_on));
    let dunned = Dunned { invoice_id: &owed.invoice_id, came_on, due_on: owed.due_on, recorded };
    let (policy, silent) = match how.policies.of(&owed.policy, &debtor.company.reminder_policy) {
        Found::Policy(policy) => (policy, false),
        // Told of those that would be due by default.
        Found::None => (&how.policies.default, true),
        Found::Unknown(name) => {
            let subject = format!("policy:{name}");
            if !decided.failed.iter().any(|f| f.company_id == owed.company_id && f.subject == subject) {
                decided.failed.push(unknown_policy(owed, name, subject));
            }
            return None;
        }
    };
    match decide_invoice(policy, dunned, &debtor.holds, today(how.as_of, seller.time_zone)) {
        Decision::Due { level, .. } if level.kind == how.kind && silent => {
            decided.skipped.push(skipped(owed, "no_policy", "reminders are not wanted (reminder_policy none)".to_owned()));
            None
        }
        Decision::Due { level, passed_over } if level.kind == how.kind => Some((*level, passed_over)),
        Decision::Held { level, hold } if level.kind == how.kind && !silent => {
            let until = hold.until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {until}"));
            decided.skipped.push(skipped(owed, "held", format!("held back by a {} {until}", hold.kind)));
            None
        }
        Decision::Nothing | Decision::Held { .. } | Decision::Due { .. } => None,
    }
}

fn together(debtor: &Debtor, seller: &Seller, level: Level, invoices: Vec<Due>, how: &How) -> Reminded {
    let Debtor { company, contacts, .. } = debtor;
    let to = recipients::by_mail(seller, company, contacts, ContactRole::Billing);
    let mut known = Vec::new();
    if level.management {
        known.extend(recipients::by_mail(seller, company, contacts, ContactRole::Management));
    }
    if level.account_manager && !company.account_manager.is_empty() {
        known.push(account_manager(seller, company));
    }
    let same = |one: &Recipient, other: &Recipient| one.mailbox.address.eq_ignore_ascii_case(&other.mailbox.address);
    let mut copies: Vec<Recipient> = Vec::new();
    for copied in known {
        if !to.iter().chain(&copies).any(|reached| same(&copied, reached)) {
            copies.push(copied);
        }
    }
    let sms =
        if level.sms && how.has_sms { recipients::by_sms(seller, company, contacts, ContactRole::Billing) } else { Vec::new() };
    Reminded { company_id: company.company_id.clone(), seller_id: seller.seller_id.clone(), level, invoices, to, copies, sms }
}

/// One of the seller's own people.
fn account_manager(seller: &Seller, company: &Company) -> Recipient {
    Recipient {
        mailbox: Mailbox { name: String::new(), address: company.account_manager.clone() },
        language: seller.language.clone(),
        time_zone: seller.time_zone,
    }
}

impl Reminded {
    /// The same for all its messages. Of an invoice and level there is one reminder ever, so the first of its
    /// invoices names it.
    fn message_key(&self) -> String {
        let number = self.invoices.first().map_or("", |due| due.owed.number.as_str());
        format!("reminder:{}:{number}:{:+}", self.seller_id, self.level.days)
    }

    pub fn rows(&self) -> Vec<Reminder> {
        let row = |owed: &Owed, level, message_key: String| Reminder {
            company_id: owed.company_id.clone(),
            invoice_id: owed.invoice_id.clone(),
            level,
            message_key,
        };
        let of = |Due { owed, passed_over }: &Due| {
            let passed_over: Vec<Reminder> = passed_over.iter().map(|level| row(owed, *level, String::new())).collect();
            passed_over.into_iter().chain([row(owed, self.level.days, self.message_key())])
        };
        self.invoices.iter().flat_map(of).collect()
    }

    /// Each at its recipient's time of day.
    pub fn messages(&self, quiet: Option<Quiet>, now: DateTime<Utc>) -> Vec<Outgoing> {
        let message = Message {
            kind: self.level.kind.message(),
            severity: self.level.kind.severity(),
            language: String::new(),
            recipient: Mailbox { name: String::new(), address: String::new() },
            to: Vec::new(),
            cc: Vec::new(),
            message_key: self.message_key(),
            about: About::Invoices {
                seller_id: self.seller_id.clone(),
                invoice_ids: self.invoices.iter().map(|due| due.owed.invoice_id.clone()).collect(),
                level: Some(self.level.days),
                urgency: Some(self.level.urgency),
            },
        };
        let sms = |recipient: &Recipient| Outgoing {
            channel: Channel::Sms,
            message: Message { language: recipient.language.clone(), recipient: recipient.mailbox.clone(), ..message.clone() },
            not_before: None,
        };
        let mut outgoing = by_mail(&message, &self.to, &self.copies);
        outgoing.extend(self.sms.iter().map(sms));
        for one in &mut outgoing {
            let zone = self.everybody().find(|other| other.mailbox == one.message.recipient).map(|other| other.time_zone);
            one.not_before = zone.map(|zone| after_hours(quiet, &[], zone, now)).filter(|at| *at > now);
        }
        outgoing
    }

    pub fn entries(&self) -> Vec<Entry> {
        let recipients: Vec<&str> = self.everybody().map(|recipient| recipient.mailbox.address.as_str()).collect();
        let entry = |Due { owed, passed_over }: &Due| Entry {
            company_id: owed.company_id.to_string(),
            action: "invoice.reminded",
            entity: "invoice",
            entity_id: owed.invoice_id.to_string(),
            payload: json!({
                "number": owed.number, "level": self.level.days, "balance": owed.balance, "currency": owed.balance.currency(),
                "to": recipients, "passed_over": passed_over,
            })
            .to_string(),
        };
        self.invoices.iter().map(entry).collect()
    }

    fn everybody(&self) -> impl Iterator<Item = &Recipient> {
        self.to.iter().chain(&self.copies).chain(&self.sms)
    }
}

impl ReminderPlan {
    pub fn company_id(&self) -> &CompanyId {
        match self {
            Self::Remind(reminded) => &reminded.company_id,
            Self::Clear(company_id, _) => company_id,
        }
    }
}

fn skipped(owed: &Owed, reason: &'static str, message: String) -> Skipped {
    Skipped { company_id: owed.company_id.clone(), subject: owed.number.clone(), period: String::new(), reason, message }
}

fn no_address(reminded: &Reminded) -> Failed {
    Failed {
        company_id: reminded.company_id.clone(),
        subject: reminded.seller_id.to_string(),
        period: String::new(),
        reason: "no_address",
        message: "it is to be reminded of what it owes, and has no address".to_owned(),
        hint: "import a contact with the role billing and an email, or give the company an email".to_owned(),
    }
}

fn unknown_policy(owed: &Owed, name: &str, subject: String) -> Failed {
    Failed {
        company_id: owed.company_id.clone(),
        subject,
        period: String::new(),
        reason: "unknown_policy",
        message: format!("its invoices are to be reminded of by the policy {name}, which the configuration does not have"),
        hint: format!("add [reminders.policies.{name}], or import another reminder_policy"),
    }
}
