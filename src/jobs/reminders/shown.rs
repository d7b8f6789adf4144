//! What the job decided, for people and for scripts.

use super::plan::{Due, Reminded, ReminderPlan};
use crate::engine::job::Plan;
use crate::model::{CompanyId, Currency, Money};
use crate::rules::recipients::Recipient;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Reminded {
    /// What is owed of them, a sum a currency.
    fn owed(&self) -> Vec<Money> {
        let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
        for Due { owed, .. } in &self.invoices {
            let sum = sums.entry(owed.balance.currency()).or_default();
            *sum = sum.saturating_add(owed.balance.minor());
        }
        sums.into_iter().map(|(currency, minor)| Money::from_minor(minor, currency)).collect()
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
        let invoices = reminded.invoices.iter().map(|Due { owed, .. }| {
            json!({
                "number": owed.number, "invoice_id": owed.invoice_id, "due_on": owed.due_on, "balance": owed.balance,
                "currency": owed.balance.currency(),
            })
        });
        json!({
            "outcome": "planned",
            "company_id": reminded.company_id,
            "seller_id": reminded.seller_id,
            "kind": reminded.level.kind,
            "level": reminded.level.days,
            "urgency": reminded.level.urgency,
            "to": addresses(&reminded.to),
            "cc": addresses(&reminded.copies),
            "sms": addresses(&reminded.sms),
            "invoices": invoices.collect::<Vec<_>>(),
            "owed": reminded.owed().iter().map(|sum| json!({ "amount": sum, "currency": sum.currency() })).collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let Self::Remind(reminded) = self else { return String::new() };
        let sums: Vec<String> = reminded.owed().iter().map(|sum| format!("{sum} {}", sum.currency())).collect();
        let ways = [("to", &reminded.to), ("copy to", &reminded.copies), ("SMS to", &reminded.sms)];
        let to = ways.iter().filter(|(_, of)| !of.is_empty()).map(|(way, of)| {
            let addresses: Vec<&str> = of.iter().map(|recipient| recipient.mailbox.address.as_str()).collect();
            format!("{way} {}", addresses.join(", "))
        });
        let mut text = format!(
            "remind    {:<20} {:<10} {:+} days  {:>14}  {}",
            reminded.company_id,
            reminded.level.kind,
            reminded.level.days,
            sums.join(" + "),
            to.collect::<Vec<_>>().join("; ")
        );
        for Due { owed, .. } in &reminded.invoices {
            let amount = format!("{:>14} {}", owed.balance.to_string(), owed.balance.currency());
            text.push_str(&format!("\n            {:<38} due {} {amount}", owed.number, owed.due_on));
        }
        text
    }
}
