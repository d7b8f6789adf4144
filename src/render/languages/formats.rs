//! Figures, dates, amounts and addresses as a language writes them.

use super::{Language, Text, fill};
use crate::model::Currency;
use crate::model::message::EntryKind;
use crate::model::seller::Address;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    thousands: char,
    point: char,
    grouped_from: usize,
    percent: String,
    money: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    months: [String; 12],
    months_short: [String; 12],
    first: String,
    date: String,
    short: String,
    in_month: String,
    in_year: String,
    across: String,
    instant: String,
    and: String,
}

impl Language {
    /// Every digit of the number, with thousands separated, at least so many decimals, and a true minus.
    pub fn number(&self, value: Decimal, decimals: u32) -> String {
        let Numbers { thousands, point, grouped_from, .. } = &self.numbers;
        let plain = value.normalize().abs().to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut text = String::with_capacity(plain.len() + 16);
        if value.is_sign_negative() && !value.is_zero() {
            text.push('\u{2212}');
        }
        let grouped = whole.len() >= 3 + grouped_from;
        for (index, digit) in whole.chars().enumerate() {
            if grouped && index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(*thousands);
            }
            text.push(digit);
        }
        if !fraction.is_empty() || decimals > 0 {
            text.push(*point);
            text.push_str(fraction);
            text.extend(std::iter::repeat_n('0', (decimals as usize).saturating_sub(fraction.len())));
        }
        text
    }

    /// An amount with its currency and the currency's decimals: EUR 1,234.50.
    pub fn money(&self, amount: Decimal, currency: Currency) -> String {
        let amount = self.number(amount, currency.exponent());
        fill(&self.numbers.money, &[("amount", &amount), ("currency", currency.code())])
    }

    /// A rate in percent: 19%.
    pub fn rate(&self, percent: Decimal) -> String {
        fill(&self.numbers.percent, &[("number", &self.number(percent, 0))])
    }

    /// 1 October 2026.
    pub fn date(&self, date: NaiveDate) -> String {
        self.dated(&self.dates.date, &self.dates.months, date)
    }

    /// 1 Oct 2026: for the columns of tables.
    pub fn short_date(&self, date: NaiveDate) -> String {
        self.dated(&self.dates.short, &self.dates.months_short, date)
    }

    fn dated(&self, pattern: &str, months: &[String; 12], date: NaiveDate) -> String {
        let (day, month, year) = (self.day(date), &months[date.month0() as usize], date.year().to_string());
        fill(pattern, &[("day", &day), ("month", month), ("year", &year)])
    }

    /// 1 October 2026, 14:30 CET: by the clock on the wall of a zone, which is named.
    pub fn instant(&self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let name = local.format("%Z").to_string();
        // Zones without letters of their own are called by their offset: +03.
        let name = if name.starts_with(['+', '-']) { format!("UTC{name}") } else { name };
        let (date, time) = (self.date(local.date_naive()), local.format("%H:%M").to_string());
        fill(&self.dates.instant, &[("date", &date), ("time", &time), ("zone", &name)])
    }

    /// First and last day, both inclusive: 1–31 October 2026.
    pub fn days(&self, from: NaiveDate, to: NaiveDate) -> String {
        let dates = &self.dates;
        let pattern = if from == to {
            return self.date(to);
        } else if (from.year(), from.month()) == (to.year(), to.month()) {
            &dates.in_month
        } else if from.year() == to.year() {
            &dates.in_year
        } else {
            &dates.across
        };
        fill(
            pattern,
            &[
                ("from_day", &self.day(from)),
                ("from_month", self.month(from)),
                ("from_year", &from.year().to_string()),
                ("day", &self.day(to)),
                ("month", self.month(to)),
                ("year", &to.year().to_string()),
            ],
        )
    }

    fn day(&self, date: NaiveDate) -> String {
        if date.day() == 1 { self.dates.first.clone() } else { date.day().to_string() }
    }

    fn month(&self, date: NaiveDate) -> &str {
        &self.dates.months[date.month0() as usize]
    }

    /// Several things in a sentence: a, b and c.
    pub fn list(&self, parts: &[String]) -> String {
        match parts {
            [] => String::new(),
            [one] => one.clone(),
            [rest @ .., last] => fill(&self.dates.and, &[("first", &rest.join(", ")), ("last", last)]),
        }
    }

    /// The wording of a text for a number of things, which `{count}` is to name.
    pub fn wording<'a>(&self, text: &'a Text, count: u64) -> &'a str {
        match text {
            Text::Plain(text) => text,
            Text::Counted(forms) => forms.get(self.plurals.form(count)).or_else(|| forms.values().next_back()).map_or("", |s| s),
        }
    }

    /// 17 of 31 days.
    pub fn part(&self, billed: u32, of: u32) -> String {
        fill(&self.document.part, &[("billed", &billed.to_string()), ("of", &of.to_string())])
    }

    /// The amount that a tax is on: on 1,000.00.
    pub fn on(&self, amount: &str) -> String {
        fill(&self.document.on, &[("amount", amount)])
    }

    /// EUR 119.00 due 14 November 2026.
    pub fn summary(&self, total: &str, due: &str) -> String {
        fill(&self.document.summary, &[("total", total), ("due", due)])
    }

    /// Payable within 14 days, by 14 November 2026. Please quote INV-2026-000001.
    pub fn terms(&self, days: u16, due: &str, number: &str) -> String {
        let labels = &self.document;
        let wording = if days == 0 { &labels.terms_on_receipt } else { self.wording(&labels.terms, days.into()) };
        fill(wording, &[("count", &days.to_string()), ("due", due), ("number", number)])
    }

    /// What a credit note is good for: what of its total lowers what was left to pay, and what becomes credit. `lowered` is
    /// None on documents that do not say.
    pub fn credited(&self, total: Decimal, lowered: Option<Decimal>, currency: Currency) -> String {
        let labels = &self.document;
        match lowered {
            None => labels.credited.clone(),
            Some(lowered) if lowered == total => labels.credited_lowers.clone(),
            Some(lowered) if lowered.is_zero() => labels.credited_excess.clone(),
            Some(lowered) => {
                let (lowered, excess) = (self.money(lowered, currency), self.money(total - lowered, currency));
                fill(&labels.credited_split, &[("lowered", &lowered), ("excess", &excess)])
            }
        }
    }

    /// What a credit note of an amount takes something back of: Part of invoice INV-1.
    pub fn credited_part(&self, invoice: &str) -> String {
        fill(&self.document.credited_part, &[("number", invoice)])
    }

    /// A name before its value, in plain text: `IBAN:`.
    pub fn label(&self, name: &str) -> String {
        fill(&self.document.label, &[("name", name)])
    }

    pub fn page(&self, page: usize, pages: usize) -> String {
        fill(&self.document.page, &[("page", &page.to_string()), ("pages", &pages.to_string())])
    }

    /// Account in EUR.
    pub fn account_in(&self, currency: Currency) -> String {
        fill(&self.statement.account_in, &[("currency", currency.code())])
    }

    /// What moved an account: Invoice INV-2026-000001.
    pub fn entry(&self, kind: EntryKind, reference: &str) -> String {
        let labels = &self.statement;
        let text = match kind {
            EntryKind::OpeningCredit => &labels.opening_credit,
            EntryKind::Invoice => &labels.invoice,
            EntryKind::CreditNote => &labels.credit_note,
            EntryKind::Payment => &labels.payment,
            EntryKind::Refund => &labels.refund,
            EntryKind::Void => &labels.void,
            EntryKind::WriteOff => &labels.write_off,
        };
        fill(text, &[("reference", reference)]).trim_end().to_owned()
    }

    /// The lines of an address in the order of its country; empty parts are left out.
    pub fn address(&self, address: &Address) -> Vec<String> {
        let Address { line1, line2, postal_code, city, region, country } = address;
        let mut lines = vec![line1.clone(), line2.clone()];
        match country.as_str() {
            "US" | "CA" | "AU" => {
                let place = join(", ", &[city, region]);
                lines.push(join(" ", &[&place, postal_code]));
            }
            "GB" | "IE" | "IM" | "JE" | "GG" => lines.extend([city.clone(), region.clone(), postal_code.clone()]),
            _ => lines.extend([join(" ", &[postal_code, city]), region.clone()]),
        }
        lines.push(self.country(country).to_owned());
        lines.retain(|line| !line.trim().is_empty());
        lines
    }
}

fn join(between: &str, parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(between)
}

/// An IBAN in groups of four, as ISO 13616 has it printed. Plain spaces: it is copied from the page.
pub fn iban(iban: &str) -> String {
    let letters: Vec<char> = iban.chars().filter(|c| !c.is_whitespace()).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::parse_decimal;

    fn speaking(tag: &str) -> &'static Language {
        super::super::find(tag).unwrap()
    }

    #[test]
    fn numbers() {
        for (value, decimals, text) in [
            ("1234567.5", 2, "1,234,567.50"),
            ("-0.5", 2, "−0.50"),
            ("0.000125", 2, "0.000125"),
            ("1000", 0, "1,000"),
            ("999", 0, "999"),
            ("-100", 3, "−100.000"),
            ("-0.00", 2, "0.00"),
            ("79228162514264337593543950335", 0, "79,228,162,514,264,337,593,543,950,335"),
        ] {
            assert_eq!(speaking("en").number(parse_decimal(value).unwrap(), decimals), text);
        }
    }

    #[test]
    fn addresses_follow_their_country() {
        let address = |country: &str| Address {
            line1: "1 High Street".into(),
            line2: String::new(),
            postal_code: "X1".into(),
            city: "Town".into(),
            region: "RG".into(),
            country: country.into(),
        };
        let lines = |country| speaking("en").address(&address(country));
        assert_eq!(lines("US"), ["1 High Street", "Town, RG X1", "United States"]);
        assert_eq!(lines("GB"), ["1 High Street", "Town", "RG", "X1", "United Kingdom"]);
        assert_eq!(lines("DE"), ["1 High Street", "X1 Town", "RG", "Germany"]);
        assert_eq!(lines("ZZ"), ["1 High Street", "X1 Town", "RG", "ZZ"]);
    }

    #[test]
    fn iban_in_fours() {
        assert_eq!(iban("DE89370400440532013000"), "DE89 3704 0044 0532 0130 00");
        assert_eq!(iban("DE89 3704 0044 0532 0130 00"), "DE89 3704 0044 0532 0130 00");
    }
}
