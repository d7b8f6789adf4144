//! The words of a document and the way it writes dates and numbers: one value a language.

use super::countries;
use crate::model::LineDetail;
use crate::model::seller::Address;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

/// Writes a number as the language does.
pub type Write<'a> = &'a dyn Fn(Decimal) -> String;

/// What a language prints. A new language is a new value of this type, and one arm in `for_language`.
pub struct Labels {
    pub invoice: &'static str,
    pub billed_to: &'static str,
    pub attention: &'static str,
    pub number: &'static str,
    pub revision: &'static str,
    pub issued: &'static str,
    pub due: &'static str,
    pub service: &'static str,
    pub reference: &'static str,
    pub tax_id: &'static str,
    pub registration: &'static str,
    pub description: &'static str,
    pub quantity: &'static str,
    pub unit_price: &'static str,
    pub tax: &'static str,
    pub amount: &'static str,
    /// Stands under the table when its prices are with tax.
    pub tax_included: &'static str,
    pub subtotal: &'static str,
    pub total: &'static str,
    /// Where nothing is to be paid: a total of zero or less.
    pub total_only: &'static str,
    pub nothing_due: &'static str,
    pub payment: &'static str,
    pub bank: &'static str,
    pub iban: &'static str,
    pub bic: &'static str,
    pub account: &'static str,
    /// Between thousands, and before decimals.
    pub thousands: char,
    pub point: char,
    /// `19%`: what stands between the figure and the sign.
    pub percent: &'static str,
    /// 1 October 2026.
    pub date: fn(NaiveDate) -> String,
    /// First and last day, both inclusive: 1–31 October 2026.
    pub days: fn(NaiveDate, NaiveDate) -> String,
    /// (billed, of): 17 of 31 days.
    pub part: fn(u32, u32) -> String,
    /// How the figures of a line came about. The first function writes quantities, the second amounts.
    pub detail: fn(&LineDetail, Write<'_>, Write<'_>) -> String,
    /// The amount that a tax is on: on 1,000.00.
    pub on: fn(&str) -> String,
    /// (total, due): EUR 119.00 due 14 November 2026.
    pub summary: fn(&str, &str) -> String,
    /// (days, due, number).
    pub terms: fn(u16, &str, &str) -> String,
    /// (page, pages).
    pub page: fn(usize, usize) -> String,
}

/// The labels of a BCP 47 language; English for one that finops does not speak.
pub fn for_language(_tag: &str) -> &'static Labels {
    &ENGLISH
}

static ENGLISH: Labels = Labels {
    invoice: "Invoice",
    billed_to: "Billed to",
    attention: "Attn.",
    number: "Invoice number",
    revision: "Revision",
    issued: "Issue date",
    due: "Due date",
    service: "Service period",
    reference: "Your reference",
    tax_id: "Tax ID",
    registration: "Reg. no.",
    description: "Description",
    quantity: "Quantity",
    unit_price: "Unit price",
    tax: "Tax",
    amount: "Amount",
    tax_included: "Prices and amounts include tax.",
    subtotal: "Subtotal",
    total: "Total due",
    total_only: "Total",
    nothing_due: "No payment is due.",
    payment: "Payment",
    bank: "Bank",
    iban: "IBAN",
    bic: "BIC",
    account: "Account",
    thousands: ',',
    point: '.',
    percent: "%",
    date: |date| format!("{} {} {}", date.day(), MONTHS[date.month0() as usize], date.year()),
    days: english_days,
    part: |billed, of| format!("{billed} of {of} days"),
    detail: english_detail,
    on: |amount| format!("on {amount}"),
    summary: |total, due| format!("{total} due {due}"),
    terms: |days, due, number| match days {
        0 => format!("Payable on receipt. Please quote {number}."),
        1 => format!("Payable within 1 day, by {due}. Please quote {number}."),
        _ => format!("Payable within {days} days, by {due}. Please quote {number}."),
    },
    page: |page, pages| format!("Page {page} of {pages}"),
};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// How the figures of a line came about, in English and plain digits: for a terminal.
pub fn plain_detail(detail: &LineDetail) -> String {
    let plain = |number: Decimal| number.to_string();
    english_detail(detail, &plain, &plain)
}

fn english_detail(detail: &LineDetail, number: Write<'_>, amount: Write<'_>) -> String {
    let range = |from: &Decimal, to: &Option<Decimal>| match to {
        Some(to) if from.is_zero() => format!("up to {}", number(*to)),
        Some(to) => format!("above {}, up to {}", number(*from), number(*to)),
        None if from.is_zero() => "in any number".to_owned(),
        None => format!("above {}", number(*from)),
    };
    match detail {
        LineDetail::Tier { from, to } => format!("units {}", range(from, to)),
        LineDetail::TierFee { from, to } => format!("fee of the tier {}", range(from, to)),
        LineDetail::Tiers { to } => format!("all tiers up to {}", number(*to)),
        LineDetail::Volume { from, to } => format!("price for units {}", range(from, to)),
        LineDetail::Package { units, size } => format!("{} in packages of {}", number(*units), number(*size)),
        LineDetail::Included { units, included } => format!("{}, of which {} are included", number(*units), number(*included)),
        LineDetail::Minimum { minimum, reached } => format!("minimum {}, reached {}", amount(*minimum), amount(*reached)),
        LineDetail::Percent { percent, of } => format!("{}% of {}", number(*percent), amount(*of)),
    }
}

fn english_days(from: NaiveDate, to: NaiveDate) -> String {
    let last = (ENGLISH.date)(to);
    let month = MONTHS[from.month0() as usize];
    if from == to {
        last
    } else if (from.year(), from.month()) == (to.year(), to.month()) {
        format!("{}–{last}", from.day())
    } else if from.year() == to.year() {
        format!("{} {month} – {last}", from.day())
    } else {
        format!("{} – {last}", (ENGLISH.date)(from))
    }
}

impl Labels {
    /// Every digit of the number, with thousands separated, at least so many decimals, and a true minus.
    pub fn number(&self, value: Decimal, decimals: u32) -> String {
        let plain = value.normalize().abs().to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut text = String::with_capacity(plain.len() + 16);
        if value.is_sign_negative() && !value.is_zero() {
            text.push('\u{2212}');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(self.thousands);
            }
            text.push(digit);
        }
        if !fraction.is_empty() || decimals > 0 {
            text.push(self.point);
            text.push_str(fraction);
            text.extend(std::iter::repeat_n('0', (decimals as usize).saturating_sub(fraction.len())));
        }
        text
    }

    pub fn rate(&self, percent: Decimal) -> String {
        format!("{}{}", self.number(percent, 0), self.percent)
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
        lines.push(countries::name(country).to_owned());
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
            assert_eq!(ENGLISH.number(parse_decimal(value).unwrap(), decimals), text);
        }
    }

    #[test]
    fn details() {
        let decimal = |text: &str| parse_decimal(text).unwrap();
        let (from, to) = (decimal("1000"), Some(decimal("2500.5")));
        for (detail, text) in [
            (LineDetail::Tier { from: Decimal::ZERO, to }, "units up to 2,500.5"),
            (LineDetail::Tier { from, to }, "units above 1,000, up to 2,500.5"),
            (LineDetail::TierFee { from, to: None }, "fee of the tier above 1,000"),
            (LineDetail::Tiers { to: from }, "all tiers up to 1,000"),
            (LineDetail::Volume { from: Decimal::ZERO, to: None }, "price for units in any number"),
            (LineDetail::Package { units: decimal("1750"), size: from }, "1,750 in packages of 1,000"),
            (LineDetail::Included { units: decimal("1750"), included: from }, "1,750, of which 1,000 are included"),
            (LineDetail::Minimum { minimum: from, reached: decimal("62.3") }, "minimum 1,000.00, reached 62.30"),
            (LineDetail::Percent { percent: decimal("12.5"), of: from }, "12.5% of 1,000.00"),
        ] {
            let number = |number| ENGLISH.number(number, 0);
            assert_eq!((ENGLISH.detail)(&detail, &number, &|amount| ENGLISH.number(amount, 2)), text);
        }
    }

    #[test]
    fn days() {
        let day = |s| crate::model::calendar::parse_date(s).unwrap();
        for (from, to, text) in [
            ("2026-10-01", "2026-10-31", "1–31 October 2026"),
            ("2026-10-31", "2026-10-31", "31 October 2026"),
            ("2026-10-01", "2026-12-31", "1 October – 31 December 2026"),
            ("2026-10-01", "2027-09-30", "1 October 2026 – 30 September 2027"),
        ] {
            assert_eq!(english_days(day(from), day(to)), text);
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
        assert_eq!(ENGLISH.address(&address("US")), ["1 High Street", "Town, RG X1", "United States"]);
        assert_eq!(ENGLISH.address(&address("GB")), ["1 High Street", "Town", "RG", "X1", "United Kingdom"]);
        assert_eq!(ENGLISH.address(&address("DE")), ["1 High Street", "X1 Town", "RG", "Germany"]);
    }

    #[test]
    fn iban_in_fours() {
        assert_eq!(iban("DE89370400440532013000"), "DE89 3704 0044 0532 0130 00");
        assert_eq!(iban("DE89 3704 0044 0532 0130 00"), "DE89 3704 0044 0532 0130 00");
    }
}
