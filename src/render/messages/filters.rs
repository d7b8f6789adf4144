//! What templates can do with facts: write them in the way of the language.

use super::{hints, short};
use crate::model::money::parse_decimal;
use crate::model::seller::Address;
use crate::model::{Currency, calendar};
use crate::render::columns;
use crate::render::languages::{self, Language, Text, fill};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, context};
use rust_decimal::Decimal;
use serde::Deserialize;

pub(super) fn add(environment: &mut Environment<'static>, language: &'static Language) {
    environment.add_filter("money", move |value: Value| money(language, &value));
    environment.add_filter("is_positive", |value: Value| Ok::<_, Error>(decimal(&value)? > Decimal::ZERO));
    environment.add_filter("date", move |value: String| date(language, &value));
    environment.add_filter("number", move |value: Value| Ok::<_, Error>(language.number(decimal(&value)?, 0)));
    environment.add_filter("days", move |count: i64| counted(language, count, "common.days"));
    environment.add_filter("plural", move |count: i64, key: Option<String>, forms: Kwargs| match key {
        Some(key) => counted(language, count, &key),
        None => chosen(language, count, &forms),
    });
    environment.add_filter("iban", |iban: String| languages::iban(&iban));
    environment.add_filter("address", move |value: Value| -> Result<Vec<String>, Error> {
        let address = Address::deserialize(value).map_err(|_| wrong("`address` takes the address of a seller or a company"))?;
        Ok(language.address(&address))
    });
    environment.add_filter("wrap", |text: String| columns::wrap(&text, columns::WIDTH));
    environment.add_filter("label", move |name: String| language.label(&columns::one_line(&name)));
    environment.add_filter("with_room_for", |said: String, more: String| short::with_room_for(&columns::one_line(&said), &more));
    environment.add_filter("line", |text: String| columns::one_line(&text));
    environment.add_filter("stretches", |hint: String| -> Vec<Value> {
        let hint = columns::one_line(&hint);
        hints::stretches(&hint).iter().map(|s| context! { text => s.text, is_command => s.is_command }).collect()
    });
    environment.add_function("fact_lines", |rows: Vec<Vec<String>>| columns::pairs(&rows, columns::WIDTH));
    environment.add_function("table", |rows: Vec<Vec<String>>, align: String| columns::table(&rows, &align));
}

fn wrong(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem.into())
}

fn decimal(value: &Value) -> Result<Decimal, Error> {
    parse_decimal(&value.to_string()).map_err(|error| wrong(error.to_string()))
}

/// An amount, or several in a sentence: EUR 119.00 and USD 20.00.
fn money(language: &Language, value: &Value) -> Result<String, Error> {
    if value.kind() == ValueKind::Seq {
        let parts = value.try_iter()?.map(|one| money(language, &one)).collect::<Result<Vec<_>, _>>()?;
        return Ok(language.list(&parts));
    }
    let (amount, currency) = (value.get_attr("amount")?, value.get_attr("currency")?);
    if amount.is_undefined() || currency.is_undefined() {
        return Err(wrong(format!("`money` takes an amount such as invoice.total or a list of them, not {value}")));
    }
    let currency: Currency = currency.to_string().parse().map_err(|error: crate::model::Invalid| wrong(error.to_string()))?;
    Ok(language.money(decimal(&amount)?, currency))
}

/// An instant with the zone that it is to be told in (RFC 9557): `2026-10-01T14:30:00Z[Europe/Berlin]`.
pub(super) fn zoned(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{}[{}]", at.to_rfc3339_opts(SecondsFormat::Secs, true), zone.name())
}

/// A day, or an instant with its time.
pub(super) fn date(language: &Language, value: &str) -> Result<String, Error> {
    let (instant, zone) = match value.strip_suffix(']').and_then(|value| value.split_once('[')) {
        Some((instant, zone)) => (instant, zone.parse().map_err(|_| wrong(format!("`date` knows no zone {zone:?}")))?),
        None => (value, Tz::UTC),
    };
    if let Ok(at) = DateTime::parse_from_rfc3339(instant) {
        return Ok(language.instant(at.with_timezone(&Utc), zone));
    }
    let day =
        calendar::parse_date(value).map_err(|_| wrong(format!("`date` takes a date such as invoice.due_on, not {value:?}")))?;
    Ok(language.date(day))
}

/// A text for a number of things by its key: `count|plural("common.invoices")`.
pub(super) fn counted(language: &Language, count: i64, key: &str) -> Result<String, Error> {
    let text = language.text(key).ok_or_else(|| wrong(format!("there is no text {key:?}")))?;
    let wording = language.wording(text, count.unsigned_abs());
    Ok(fill(wording, &[("count", &language.number(Decimal::from(count.unsigned_abs()), 0))]))
}

/// The form that goes with a number: `count|plural(one="invoice", other="invoices")`.
fn chosen(language: &Language, count: i64, forms: &Kwargs) -> Result<String, Error> {
    let form = language.plurals().form(count.unsigned_abs());
    let text = forms.get::<Option<String>>(form)?;
    // The forms of other languages may be there too.
    forms.args().try_for_each(|form| forms.get::<String>(form).map(drop))?;
    text.ok_or_else(|| {
        wrong(format!("`plural` lacks the form {form:?}, which {} in this language asks for", count.unsigned_abs()))
    })
}

/// A text of the language with its variables filled in; `value` knows them by name.
pub(super) fn say<'v>(
    language: &Language,
    key: &str,
    count: u64,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, Error> {
    let text: &Text = language.text(key).ok_or_else(|| wrong(format!("there is no text {key:?}")))?;
    let missing = |name: &str| wrong(format!("the text {key:?} needs {{{name}}}, which this message has not"));
    languages::replace(language.wording(text, count), |name| value(name).ok_or_else(|| missing(name)))
}
