//! What the job decided, for people and for scripts.

use super::plan::GeneratePlan;
use crate::engine::job::Plan;
use crate::model::{CompanyId, FullInvoice, Money};
use crate::render::plain_detail;
use chrono::NaiveDate;
use serde_json::{Value, json};

impl Plan for GeneratePlan {
    fn counts(&self) -> bool {
        matches!(self, Self::Draft(_) | Self::Rebuild { .. })
    }

    fn amount(&self) -> Option<Money> {
        match self {
            Self::Draft(new) | Self::Rebuild { new, .. } => Some(new.invoice.head.total),
            Self::Drop(_) | Self::Keep(..) | Self::Move(_) => None,
        }
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match self {
            Self::Draft(new) | Self::Rebuild { new, .. } => {
                let company_id = &new.invoice.head.company_id;
                let contracts = new.periods.iter().map(|p| p.contract_id.to_string());
                let items = new.takes.iter().map(|key| format!("item:{key}"));
                contracts.chain(items).chain([new.invoice.head.invoice_id.to_string()]).map(|s| (company_id.clone(), s)).collect()
            }
            Self::Drop(old) => vec![(old.head.company_id.clone(), old.head.invoice_id.to_string())],
            Self::Keep(company_id, invoice_id) => vec![(company_id.clone(), invoice_id.to_string())],
            Self::Move(change) => vec![(change.company_id.clone(), change.contract_id.to_string())],
        }
    }

    fn item(&self) -> Value {
        let (outcome, invoice, due) = match self {
            Self::Draft(new) => ("drafted", &new.invoice, Some(new.due)),
            Self::Rebuild { new, .. } => ("rebuilt", &new.invoice, Some(new.due)),
            Self::Drop(old) => ("dropped", old.as_ref(), None),
            Self::Keep(company_id, invoice_id) => {
                return json!({ "outcome": "unchanged", "company_id": company_id, "invoice_id": invoice_id });
            }
            Self::Move(change) => {
                return json!({ "outcome": "scheduled", "company_id": change.company_id, "contract_id": change.contract_id });
            }
        };
        let mut item = json!({ "outcome": outcome, "billing_due_on": due });
        if let (Some(item), Ok(Value::Object(fields))) = (item.as_object_mut(), serde_json::to_value(invoice)) {
            item.extend(fields);
        }
        item
    }

    fn text(&self) -> String {
        match self {
            Self::Draft(new) => described("draft", &new.invoice, new.due),
            Self::Rebuild { new, .. } => described("rebuild", &new.invoice, new.due),
            Self::Drop(old) => format!("drop      {:<20} {}: nothing is left to bill", old.head.company_id, old.head.invoice_id),
            Self::Keep(company_id, invoice_id) => format!("unchanged {company_id:<20} {invoice_id}"),
            Self::Move(change) => format!("scheduled {} {}", change.company_id, change.contract_id),
        }
    }
}

/// What is billed and why: since when it is due, and how each line comes about.
fn described(word: &str, invoice: &FullInvoice, due: NaiveDate) -> String {
    let FullInvoice { head, lines, .. } = invoice;
    let what = match &head.contract_id {
        Some(id) => id.to_string(),
        None if lines.iter().any(|l| l.contract_id.is_some()) => "several contracts".to_owned(),
        None => "items".to_owned(),
    };
    let amount = format!("{:>14} {}", head.total.to_string(), head.currency);
    let mut text = format!("{word:<9} {:<20} {what:<20} {}  {amount}  due {due}", head.company_id, head.period);
    for line in lines {
        let days = line.proration.map(|p| format!(" × {} of {} days", p.days, p.of_days)).unwrap_or_default();
        let details: String = line.details.iter().map(|detail| format!(" ({})", plain_detail(detail))).collect();
        let how = format!("{} {} × {}{days}{details}", line.quantity.normalize(), line.unit, line.unit_price).replace("  ", " ");
        text.push_str(&format!(
            "\n            {:<38} {how:<40} {:>14}  {} %",
            line.description,
            line.amount.to_string(),
            line.tax_rate.normalize()
        ));
    }
    text
}
