//! What templates see: the facts under their own names, and what can be said about them in words.

use super::error::TemplateError;
use super::events;
use super::filters;
use crate::model::dunning::AFTER_FINAL;
use crate::model::message::{Amount, EventFacts, MessageFacts, MessageKind, Severity};
use crate::render::columns;
use crate::render::languages::{Language, fill};
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Error, ErrorKind, context};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// More invoices than this are not named one by one to a bank: its field takes 140 characters (SEPA).
const QUOTED: usize = 5;

/// The context of a message.
pub(super) fn of(kind: MessageKind, facts: &MessageFacts, language: &'static Language) -> Result<Value, TemplateError> {
    let words = Words::of(facts, language);
    let payment_reference = words.payment_reference(facts, language).map_err(|e| TemplateError::of(&e, str::to_owned))?;
    let facts_value = complete(facts).map_err(|e| TemplateError::new("facts", e.to_string()))?;
    let step = facts.urgency.unwrap_or(1).clamp(1, AFTER_FINAL);
    let stage = if kind == MessageKind::ReminderUpcoming { "upcoming".to_owned() } else { format!("step{step}") };
    let holder = facts.seller.as_ref().map_or("", |seller| seller.name.as_str());
    let bank_rows = facts.bank.as_ref().map(|bank| language.document.bank_rows(holder, bank, &payment_reference));
    let many = facts.invoices.len() > 1;
    let t = move |key: &str, overrides: Kwargs| words.say(language, key, &overrides);
    let of_event = |say: fn(&EventFacts, &Language) -> String| {
        Value::from_function(move |event: Value| event_of(event).map(|event| say(&event, language)))
    };
    Ok(context! {
        kind => kind.as_str(),
        language => language.tag,
        labels => Value::from(Serde(&language.document)),
        t => Value::from_function(t),
        place => of_event(events::place),
        reason => of_event(events::reason),
        document => of_event(events::document),
        advice => of_event(events::advice),
        noted_advice => of_event(events::noted_advice),
        done => of_event(|event, language| events::done(&event.job, language)),
        delivered => of_event(|event, language| events::delivered(&event.job, language)),
        stage, many,
        bank_rows => bank_rows.map(Vec::from).unwrap_or_default(),
        payment_reference,
        to_pay => is_owed(kind, facts),
        more_is_overdue => !more_overdue(facts).is_empty(),
        ..Value::from(Serde(&facts_value))
    })
}

/// Whether there is something to pay: of what the message is about, not of what it mentions.
fn is_owed(kind: MessageKind, facts: &MessageFacts) -> bool {
    let mut closings = facts.statement.iter().flat_map(|statement| &statement.accounts).map(|account| account.closing);
    let is_positive = |sum: Decimal| sum > Decimal::ZERO;
    match kind {
        MessageKind::Statement => closings.any(is_positive),
        _ => facts.owed.iter().any(|owed| is_positive(owed.amount)),
    }
}

/// What the statement has overdue in all, where that is more than the message asks for; one sum a currency.
fn more_overdue(facts: &MessageFacts) -> Vec<Amount> {
    let accounts = facts.statement.iter().flat_map(|statement| &statement.accounts);
    let asked = |currency| facts.owed.iter().filter(|owed| owed.currency == currency).map(|owed| owed.amount).max();
    let more = accounts.filter(|account| account.overdue > asked(account.currency).unwrap_or_default());
    more.map(|account| Amount { amount: account.overdue, currency: account.currency }).collect()
}

/// The facts with every field there, the empty ones too: what a message may have is defined, and a
/// slip in a name is told at once.
fn complete(facts: &MessageFacts) -> serde_json::Result<Json> {
    let (mut value, zone) = (serde_json::to_value(facts)?, facts.time_zone);
    let fill = |of: &mut Json, defaults: Json| {
        if let (Json::Object(of), Json::Object(defaults)) = (of, defaults) {
            for (name, default) in defaults {
                of.entry(name).or_insert(default);
            }
        }
    };
    fill(&mut value["recipient"], json!({ "name": "" }));
    let whole = |event: &mut Json, facts: &EventFacts| {
        let empty = json!({ "job": "", "subject": "", "about": "", "is_draft": false, "message": "", "hint": "", "company": "",
            "details": {}, "failures": [] });
        fill(event, empty);
        event["at"] = filters::zoned(facts.at, zone).into();
        for name in ["since", "next_at", "untold_since"] {
            let told = facts.details.get(name).and_then(|at| at.parse().ok());
            told.into_iter().for_each(|at| event["details"][name] = filters::zoned(at, zone).into());
        }
    };
    let told = &mut value["event"];
    if let Some(facts) = &facts.event {
        whole(told, facts);
        let failures = told["failures"].as_array_mut().into_iter().flatten();
        failures.zip(&facts.failures).for_each(|(failure, facts)| whole(failure, facts));
    }
    value["events"].as_array_mut().into_iter().flatten().zip(&facts.events).for_each(|(event, facts)| whole(event, facts));
    Ok(value)
}

/// An event as templates hand it over.
fn event_of(event: Value) -> Result<EventFacts, Error> {
    let wrong =
        |_| Error::new(ErrorKind::InvalidOperation, "`place`, `document`, `reason`, `advice` and `noted_advice` take an event");
    let mut event = serde_json::to_value(&event).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    // The zone is for the eye.
    if let Some((at, _)) = event["at"].as_str().and_then(|at| at.split_once('[')) {
        event["at"] = at.to_owned().into();
    }
    event["failures"] = json!([]);
    EventFacts::deserialize(event).map_err(wrong)
}

/// What texts of the language may name in braces.
struct Words {
    values: BTreeMap<&'static str, String>,
    /// Of invoices.
    count: u64,
}

impl Words {
    fn of(facts: &MessageFacts, language: &Language) -> Self {
        let mut values = BTreeMap::new();
        let money =
            |amounts: &[Amount]| language.list(&amounts.iter().map(|a| language.money(a.amount, a.currency)).collect::<Vec<_>>());
        let invoices = &facts.invoices;
        if let Some(first) = invoices.first() {
            values.insert("number", first.number.clone());
            values.insert("corrects", first.corrects.clone());
        }
        if let (Some(due), Some(issued)) = (invoices.iter().map(|i| i.due_on).min(), invoices.iter().map(|i| i.issued_on).min()) {
            values.insert("due", language.date(due));
            values.insert("issued", language.date(issued));
        }
        if let Some(days) = invoices.iter().map(|i| i.days_overdue).max() {
            let counted = filters::counted(language, days, "common.days_in_sentence").map(unbroken).unwrap_or_default();
            let differ = invoices.iter().any(|invoice| invoice.days_overdue != days);
            let up_to = language
                .text("common.up_to")
                .filter(|_| differ)
                .map(|text| fill(language.wording(text, 1), &[("days", &counted)]));
            values.insert("days", up_to.unwrap_or(counted));
        }
        if !invoices.is_empty() || !facts.owed.is_empty() {
            values.insert("total", if facts.owed.is_empty() { money(&billed(facts)) } else { money(&facts.owed) });
        }
        if let Some(statement) = &facts.statement {
            values.insert("period", language.days(statement.from, statement.to));
            let closing = |a: &crate::model::message::StatementAccount| Amount { amount: a.closing, currency: a.currency };
            values.insert("closing", money(&statement.accounts.iter().map(closing).collect::<Vec<_>>()));
        }
        values.insert("overdue", money(&more_overdue(facts)));
        values.insert("counts", counts(&facts.events, language));
        values.insert("company", facts.company.as_ref().map_or_else(|| facts.recipient.to_string(), |c| c.name.clone()));
        values.insert("seller", facts.seller.as_ref().map_or_else(|| "finops".to_owned(), |s| s.name.clone()));
        values.insert("where", place(facts, language));
        values.insert("today", language.date(facts.today));
        let count = u64::try_from(invoices.len()).unwrap_or(u64::MAX);
        // A name with line breaks in it must not look like lines of the message.
        let values = values.into_iter().map(|(name, value)| (name, columns::one_line(&value))).collect();
        Self { values, count }
    }

    /// A text, by `t("reminder.step1.intro")`; named arguments go before what the facts say.
    fn say(&self, language: &Language, key: &str, overrides: &Kwargs) -> Result<String, Error> {
        let mut given = BTreeMap::new();
        for name in overrides.args() {
            given.insert(name, columns::one_line(&overrides.get::<Value>(name)?.to_string()));
        }
        let count = given.get("count").and_then(|count| count.parse().ok()).unwrap_or(self.count);
        let count_text = language.number(Decimal::from(count), 0);
        filters::say(language, key, count, |name| match name {
            "count" => Some(&count_text),
            _ => given.get(name).or_else(|| self.values.get(name)).map(String::as_str),
        })
    }

    /// What the payer is to quote.
    fn payment_reference(&self, facts: &MessageFacts, language: &Language) -> Result<String, Error> {
        let numbers: Vec<&str> = facts.invoices.iter().map(|i| i.number.as_str()).collect();
        match &facts.company {
            Some(company) if numbers.len() > QUOTED => {
                let count = language.number(Decimal::from(self.count), 0);
                filters::say(language, "common.many_invoices", self.count, |name| match name {
                    "id" => Some(&company.id),
                    "count" => Some(&count),
                    _ => None,
                })
            }
            Some(company) if numbers.is_empty() => Ok(company.id.clone()),
            _ => Ok(numbers.join(", ")),
        }
    }
}

/// What the invoices are over, one sum a currency: where nothing is owed any more.
fn billed(facts: &MessageFacts) -> Vec<Amount> {
    let mut sums: Vec<Amount> = Vec::new();
    for total in facts.invoices.iter().map(|invoice| &invoice.total) {
        match sums.iter_mut().find(|sum| sum.currency == total.currency) {
            Some(sum) => sum.amount = sum.amount.saturating_add(total.amount),
            None => sums.push(total.clone()),
        }
    }
    sums
}

/// A figure that is not parted from its unit at the end of a line.
fn unbroken(text: String) -> String {
    text.replacen(' ', "\u{a0}", 1)
}

/// Where something happened, in the nearest words that there are.
fn place(facts: &MessageFacts, language: &Language) -> String {
    let event = facts.event.iter().map(|event| events::place(event, language));
    let others = facts.invoices.first().map(|i| &i.number).into_iter().chain(facts.company.as_ref().map(|c| &c.name));
    let named = event.chain(others.cloned()).find(|name| !name.trim().is_empty());
    named.unwrap_or_else(|| "finops".to_owned())
}

/// How many events of each severity there are, the gravest first: 1 critical and 3 warnings.
fn counts(events: &[EventFacts], language: &Language) -> String {
    let counted = |severity: &Severity| {
        let count = events.iter().filter(|event| event.severity == *severity).count();
        let count = i64::try_from(count).ok().filter(|count| *count > 0)?;
        filters::counted(language, count, &format!("alert.count_{severity}")).ok()
    };
    language.list(&Severity::ALL.iter().rev().filter_map(counted).collect::<Vec<_>>())
}
