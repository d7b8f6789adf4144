//! What the job decided, for people and for scripts.

use super::plan::ReminderPlan;
use super::reminded::{Due, Reminded};
use crate::engine::job::Plan;
use crate::model::{CompanyId, Currency, Money};
use crate::rules::recipients::Recipient;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Reminded {
    /// Sums, one a currency.
    fn sums(&self, of: impl Fn(&Due) -> i64) -> Vec<Money> {
        let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
        for due in &self.invoices {
            let sum = sums.entry(due.owed.balance.currency()).or_default();
            *sum = sum.saturating_add(of(due));
        }
        sums.into_iter().map(|(currency, minor)| Money::from_minor(minor, currency)).filter(|sum| !sum.is_zero()).collect()
    }

    /// What is asked for: what is owed of the invoices, less what credit covers.
    fn owed(&self) -> Vec<Money> {
        self.sums(|due| due.owed.balance.minor().saturating_sub(due.covered.minor()))
    }

    /// What credit covers.
    fn credit(&self) -> Vec<Money> {
        self.sums(|due| due.covered.minor())
    }
}

impl Plan for ReminderPlan {
    fn counts(&self) -> bool {
        matches!(self, Self::Remind(_))
    }

    fn amount(&self) -> Option<Money> {
        None
    }

    fn amounts(&self) -> Vec<Money> {
        match self {
            Self::Remind(reminded) => reminded.owed(),
            Self::Clear(..) => Vec::new(),
        }
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match self {
            Self::Remind(_) => Vec::new(),
            Self::Clear(company_id, subject) => vec![(company_id.clone(), subject.clone())],
        }
    }

    fn item(&self) -> Value {
        let reminded = match self {
            Self::Remind(reminded) => reminded,
            Self::Clear(company_id, subject) => {
                return json!({ "outcome": "cleared", "company_id": company_id, "subject": subject });
            }
        };
        let addresses = |of: &[Recipient]| of.iter().map(|recipient| recipient.mailbox.to_string()).collect::<Vec<_>>();
        let invoices = reminded.invoices.iter().map(|Due { owed, level, covered, .. }| {
            json!({
                "number": owed.number, "invoice_id": owed.invoice_id, "due_on": owed.due_on, "level": level,
                "balance": owed.balance, "credit": covered, "currency": owed.balance.currency(),
            })
        });
        let sums = |of: Vec<Money>| of.iter().map(|sum| json!({ "amount": sum, "currency": sum.currency() })).collect::<Vec<_>>();
        json!({
            "outcome": "planned",
            "company_id": reminded.company_id,
            "seller_id": reminded.seller_id,
            "kind": reminded.wording.kind,
            "urgency": reminded.wording.urgency,
            "to": addresses(&reminded.to),
            "cc": addresses(&reminded.copies),
            "sms": addresses(&reminded.sms),
            "invoices": invoices.collect::<Vec<_>>(),
            "credit": sums(reminded.credit()),
            "owed": sums(reminded.owed()),
        })
    }

    fn text(&self) -> String {
        let Self::Remind(reminded) = self else { return String::new() };
        let sums = |of: Vec<Money>| of.iter().map(|sum| format!("{sum} {}", sum.currency())).collect::<Vec<_>>().join(" + ");
        let ways = [("to", &reminded.to), ("copy to", &reminded.copies), ("SMS to", &reminded.sms)];
        let to = ways.iter().filter(|(_, of)| !of.is_empty()).map(|(way, of)| {
            let addresses: Vec<&str> = of.iter().map(|recipient| recipient.mailbox.address.as_str()).collect();
            format!("{way} {}", addresses.join(", "))
        });
        let mut text = format!(
            "remind    {:<20} {:<10} urgency {}  {:>14}  {}",
            reminded.company_id,
            reminded.wording.kind,
            reminded.wording.urgency,
            sums(reminded.owed()),
            to.collect::<Vec<_>>().join("; ")
        );
        for Due { owed, level, .. } in &reminded.invoices {
            let amount = format!("{:>14} {}", owed.balance.to_string(), owed.balance.currency());
            text.push_str(&format!("\n            {:<26} level {level:<+4} due {} {amount}", owed.number, owed.due_on));
        }
        for credit in reminded.credit() {
            let amount = format!("{:>14} {}", credit.negated().to_string(), credit.currency());
            text.push_str(&format!("\n            {:<26}                           {amount}", "less credit"));
        }
        text
    }
}
