//! Who is reminded of what: invoice by invoice by the rules, put together by company, seller and urgency.

use super::facts::{Debtor, Facts, Fate};
use super::reminded::{Due, Reminded, Wording};
use crate::engine::job::{Decided, Failed, Skipped};
use crate::model::dunning::ReminderKind;
use crate::model::message::{ContactRole, Mailbox};
use crate::model::{Company, CompanyId, Money, Seller, SellerId};
use crate::rules::dunning::{Decision, Dunned, Found, Level, Outcome, Planned, Policies, Policy, decide as decide_invoice};
use crate::rules::recipients::{self, Recipient};
use crate::rules::schedule::today;
use crate::store::dunning::{self, Owed};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// How to decide.
pub struct How<'a> {
    pub kind: ReminderKind,
    pub as_of: DateTime<Utc>,
    pub policies: &'a Policies,
    /// SMS can be sent.
    pub has_sms: bool,
    /// Somebody looks: then also what is not due yet says why.
    pub tells_why: bool,
}

/// What is decided about a company.
#[derive(Debug, Clone)]
pub enum ReminderPlan {
    Remind(Box<Reminded>),
    /// What an earlier run could not do needs nothing any more: bookkeeping.
    Clear(CompanyId, String),
}

/// The companies, by id, for which a reminder may be due: those that deserve a closer look.
pub fn concerned(facts: &Facts, how: &How) -> Vec<CompanyId> {
    let is_due = |debtor: &Debtor, owed: &Owed| {
        let Some(seller) = facts.sellers.get(&owed.seller_id) else { return false };
        let Ok((policy, _)) = policy(debtor, owed, how) else { return false };
        next(debtor, owed, seller, policy, how) != Decision::Nothing
    };
    let due = facts.debtors.iter().filter(|debtor| debtor.owed.iter().any(|owed| is_due(debtor, owed)));
    due.map(|debtor| debtor.company.company_id.clone()).collect()
}

pub fn decide(facts: &Facts, how: &How) -> Decided<ReminderPlan> {
    let mut decided = Decided::default();
    for debtor in &facts.debtors {
        let before = decided.failed.len();
        let mut groups: BTreeMap<(&SellerId, Wording), (Flags, Vec<Due>)> = BTreeMap::new();
        for owed in debtor.owed.iter().filter(|owed| owed.balance.minor() > 0) {
            let Some(seller) = facts.sellers.get(&owed.seller_id) else { continue };
            if let Some((level, due)) = invoice(debtor, owed, seller, how, &mut decided) {
                let wording = Wording { kind: level.kind, urgency: level.urgency };
                let (flags, invoices) = groups.entry((&owed.seller_id, wording)).or_default();
                flags.add(&level);
                invoices.push(due);
            }
        }
        for ((seller_id, wording), (flags, invoices)) in groups {
            let Some(seller) = facts.sellers.get(seller_id) else { continue };
            let reminded = together(debtor, seller, (wording, flags), invoices, how);
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

/// Who else hears of it: what any of its levels says.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    sms: bool,
    account_manager: bool,
    management: bool,
}

impl Flags {
    const fn add(&mut self, level: &Level) {
        self.sms |= level.sms;
        self.account_manager |= level.account_manager;
        self.management |= level.management;
    }
}

/// The policy of an invoice, and whether it is silent: then the default one tells what would be due. Errors: the name that
/// no policy has.
fn policy<'a>(debtor: &'a Debtor, owed: &'a Owed, how: &'a How) -> Result<(&'a Policy, bool), &'a str> {
    match how.policies.of(&owed.policy, &debtor.company.reminder_policy) {
        Found::Policy(policy) => Ok((policy, false)),
        Found::None => Ok((&how.policies.default, true)),
        Found::Unknown(name) => Err(name),
    }
}

fn next<'a>(debtor: &'a Debtor, owed: &Owed, seller: &Seller, policy: &'a Policy, how: &How) -> Decision<'a> {
    let day = |at| today(at, seller.time_zone);
    let outcome = |(planned, fate): &(dunning::Planned, Fate)| Planned {
        level: planned.level,
        outcome: match fate {
            Fate::Came => Outcome::Came(day(planned.came_at.unwrap_or(planned.planned_at))),
            Fate::Waiting => Outcome::Waiting,
            Fate::Refused => Outcome::Refused(day(planned.planned_at)),
            Fate::Dropped => Outcome::Dropped,
        },
    };
    let planned: Vec<Planned> = debtor.planned.get(&owed.invoice_id).into_iter().flatten().map(outcome).collect();
    let came_on = owed.sent_at.map_or(owed.issued_on, |at| day(at).max(owed.issued_on));
    let dunned = Dunned { invoice_id: &owed.invoice_id, came_on, due_on: owed.due_on, planned: &planned };
    decide_invoice(policy, dunned, &debtor.holds, day(how.as_of))
}

/// What a reminder of this kind says of an invoice, when one is due: its level, and the invoice.
fn invoice(
    debtor: &Debtor,
    owed: &Owed,
    seller: &Seller,
    how: &How,
    decided: &mut Decided<ReminderPlan>,
) -> Option<(Level, Due)> {
    let (policy, silent) = match policy(debtor, owed, how) {
        Ok(found) => found,
        Err(name) => {
            let subject = format!("policy:{name}");
            if !decided.failed.iter().any(|f| f.company_id == owed.company_id && f.subject == subject) {
                decided.failed.push(unknown_policy(owed, name, subject));
            }
            return None;
        }
    };
    let decision = next(debtor, owed, seller, policy, how);
    let (Decision::Held { level, .. } | Decision::TooSoon { level, .. } | Decision::Due(level)) = decision else { return None };
    let mut skip = |reason, message| decided.skipped.push(skipped(owed, reason, message));
    if level.kind != how.kind {
        // Whoever runs the later kind alone sees why nothing comes.
        if level.kind < how.kind && !silent && matches!(decision, Decision::Due(_)) && how.tells_why {
            let kind = level.kind;
            skip("earlier_kind", format!("its next reminder is of the kind {kind}: finops reminders send --kind {kind}"));
        }
        return None;
    }
    match decision {
        Decision::Held { hold, .. } if !silent => {
            let until = hold.until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {until}"));
            skip("held", format!("held back by a {} {until}", hold.kind));
            None
        }
        Decision::TooSoon { from, .. } if !silent && how.tells_why => {
            skip("too_soon", format!("the last reminder has its time until {from}"));
            None
        }
        Decision::Due(_) if silent => {
            skip("no_policy", "reminders are not wanted (reminder_policy none)".to_owned());
            None
        }
        Decision::Due(level) => {
            let covered = debtor.covered.get(&owed.invoice_id).copied().unwrap_or_else(|| Money::zero(owed.balance.currency()));
            if covered == owed.balance {
                skip("credit", format!("the company's credit covers it: finops credit apply {}", owed.number));
                return None;
            }
            let planned = debtor.planned.get(&owed.invoice_id).into_iter().flatten();
            let before = planned.map(|(planned, _)| planned).find(|planned| planned.level == level.days);
            let instead_of = before.map(|planned| planned.message_key.clone()).unwrap_or_default();
            Some((*level, Due { owed: owed.clone(), level: level.days, instead_of, covered }))
        }
        Decision::Nothing | Decision::Held { .. } | Decision::TooSoon { .. } => None,
    }
}

fn together(debtor: &Debtor, seller: &Seller, (wording, flags): (Wording, Flags), invoices: Vec<Due>, how: &How) -> Reminded {
    let Debtor { company, contacts, .. } = debtor;
    let to = recipients::by_mail(seller, company, contacts, ContactRole::Billing);
    let mut known = Vec::new();
    if flags.management {
        known.extend(recipients::by_mail(seller, company, contacts, ContactRole::Management));
    }
    if flags.account_manager && !company.account_manager.is_empty() {
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
        if flags.sms && how.has_sms { recipients::by_sms(seller, company, contacts, ContactRole::Billing) } else { Vec::new() };
    Reminded { company_id: company.company_id.clone(), seller_id: seller.seller_id.clone(), wording, invoices, to, copies, sms }
}

/// One of the seller's own people.
fn account_manager(seller: &Seller, company: &Company) -> Recipient {
    Recipient {
        mailbox: Mailbox { name: String::new(), address: company.account_manager.clone() },
        language: seller.language.clone(),
        time_zone: seller.time_zone,
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
