//! Amounts, dates, periods, instants and durations as texts, and the JSON of documents.

use clap::Parser;
use finops::cli::Cli;
use finops::jobs::documents::parse;
use finops::model::calendar::{PeriodFilter, parse_date};
use finops::model::money::parse_decimal;
use finops::model::{Currency, InvoiceId, Money};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn currencies() -> impl Strategy<Value = Currency> {
    prop::sample::select(&["EUR", "JPY", "KWD", "CLF", "USD"][..]).prop_map(|code| code.parse().unwrap())
}

/// As digits without the point, and how many follow it: what a text means, by other means.
fn meaning(text: &str) -> (i128, usize) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (format!("{whole}{fraction}").parse().unwrap(), fraction.len())
}

proptest! {
    #[test]
    fn an_amount_survives_printing(minor: i64, currency in currencies()) {
        let money = Money::from_minor(minor, currency);
        prop_assert_eq!(Money::exact(money.to_decimal(), currency), Ok(money));
        let text = money.to_string();
        prop_assert_eq!(parse_decimal(&text).and_then(|d| Money::exact(d, currency)), Ok(money), "{}", text);
    }

    #[test]
    fn no_amount_is_rounded_in_secret(digits in 0..1_000_000_000_000_i64, last in 1..9_i64, currency in currencies(), negative: bool) {
        let finer = Decimal::new(digits * 10 + last, currency.exponent() + 1);
        let finer = if negative { -finer } else { finer };
        prop_assert!(Money::exact(finer, currency).is_err(), "{} {}", finer, currency);
    }

    #[test]
    fn a_number_means_what_it_says(text in "-?[0-9]{1,20}(\\.[0-9]{1,9})?") {
        if let Ok(number) = parse_decimal(&text) {
            let (digits, places) = meaning(&text);
            prop_assert_eq!((number.mantissa(), number.scale() as usize), (digits, places), "{}", text);
        }
    }

    #[test]
    fn any_text_is_a_number_or_none(text in "\\PC{0,40}", like in "[-+0-9.,eE_ ]{0,40}") {
        for text in [text, like] {
            if let Ok(number) = parse_decimal(&text) {
                prop_assert_eq!(parse_decimal(&number.to_string()), Ok(number), "{:?}", &text);
                prop_assert!(text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-'), "{:?}", text);
            }
        }
    }

    #[test]
    fn any_text_is_a_period_or_none(text in "\\PC{0,12}", like in "[0-9]{4}(-[QW]?[0-9]{1,2})?(-[0-9]{1,2})?") {
        for text in [text, like] {
            if let Ok(filter) = text.parse::<PeriodFilter>() {
                prop_assert_eq!(filter.to_string(), text.clone());
                prop_assert!(text.starts_with(&filter.starts_in().last_day().to_string()[..3]) || text.contains("-W"), "{}", text);
            }
            if let Ok(date) = parse_date(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }

    #[test]
    fn any_command_line_is_read_or_refused(now in "\\PC{0,30}",
        like in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})",
        wait in "\\PC{0,8}", time in "[0-9]{1,22}[smhd]?") {
        for now in [now, like] {
            if let Ok(cli) = Cli::try_parse_from(["finops", &format!("--now={now}"), "status"]) {
                let instant = cli.globals.now.unwrap();
                let again = Cli::try_parse_from(["finops", "--now", &instant.to_rfc3339(), "status"]);
                prop_assert_eq!(again.unwrap().globals.now, Some(instant), "{}", now);
            }
        }
        for wait in [wait, time] {
            if let Ok(cli) = Cli::try_parse_from(["finops", &format!("--lock-wait={wait}"), "status"]) {
                let seconds = cli.globals.lock_wait.as_secs();
                let number: u64 = wait.trim_end_matches(char::is_alphabetic).parse().unwrap();
                prop_assert!([1, 60, 3600].contains(&seconds.checked_div(number).unwrap_or(1)), "{}", wait);
            }
        }
    }

    #[test]
    fn any_document_is_read_or_refused(text in "\\PC{0,100}", changes in crate::mutate::changes()) {
        let id: InvoiceId = "0199fd5c-0000-7000-8000-000000000001".parse().unwrap();
        let _ = parse(&id, &text);
        let sound = DOCUMENT.as_bytes();
        prop_assert!(parse(&id, DOCUMENT).is_ok());
        if let Ok(broken) = String::from_utf8(crate::mutate::mutated(sound, &changes)) && let Ok(read) = parse(&id, &broken) {
            let again = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(parse(&id, &again).unwrap(), read);
        }
    }
}

const DOCUMENT: &str = include_str!("document.json");
