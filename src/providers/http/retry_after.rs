//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in one of HTTP's three forms.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// Nobody is left alone for longer than this, whatever they ask for.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// How long to wait, from nothing to a day; none when the value is neither. A date counts from the
/// answer's own `Date`, so that this machine's clock does not matter, else from `at`.
pub fn retry_after(value: &str, date: Option<&str>, at: DateTime<Utc>) -> Option<TimeDelta> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse::<u32>().map_or(LONGEST, |seconds| TimeDelta::seconds(i64::from(seconds)))
    } else {
        let from = date.and_then(http_date).unwrap_or(at);
        http_date(value)?.signed_duration_since(from)
    };
    Some(wait.clamp(TimeDelta::zero(), LONGEST))
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    // The second and third are obsolete, and a recipient must take them all the same.
    const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok()).map(|read| read.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at() -> DateTime<Utc> {
        "1994-11-06T08:49:00Z".parse().unwrap()
    }

    #[test]
    fn seconds_and_dates_are_read() {
        let read = |value: &str| retry_after(value, None, at()).map(|wait| wait.num_seconds());
        for (value, seconds) in [
            ("120", 120),
            (" 0 ", 0),
            ("86401", 86_400),
            ("99999999999999999999", 86_400),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 37),
            ("Sun Nov  6 08:49:37 1994", 37),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Sun, 07 Nov 2094 08:00:00 GMT", 86_400),
        ] {
            assert_eq!(read(value), Some(seconds), "{value}");
        }
        for value in ["", "-1", "1.5", "soon", "+5", "Mon, 31 Feb 1994 08:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_date_counts_from_the_clock_of_the_one_who_sent_it() {
        let wait = retry_after("Sun, 06 Nov 1994 10:00:30 GMT", Some("Sun, 06 Nov 1994 10:00:00 GMT"), at());
        assert_eq!(wait, Some(TimeDelta::seconds(30)));
        let wait = retry_after("Sun, 06 Nov 1994 08:49:30 GMT", Some("yesterday"), at());
        assert_eq!(wait, Some(TimeDelta::seconds(30)));
    }

    proptest! {
        #[test]
        fn any_value_is_within_bounds_or_none(value in "\\PC*", date in proptest::option::of("\\PC*")) {
            let wait = retry_after(&value, date.as_deref(), at());
            prop_assert!(wait.is_none_or(|wait| wait >= TimeDelta::zero() && wait <= LONGEST));
        }

        #[test]
        fn a_date_in_the_first_form_is_read(seconds in 0..4_000_000_000_i64, wait in 0..=86_400_i64) {
            let write = |at: DateTime<Utc>| at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let from = DateTime::from_timestamp(seconds, 0).unwrap();
            let told = write(from + TimeDelta::seconds(wait));
            prop_assert_eq!(retry_after(&told, Some(&write(from)), at()), Some(TimeDelta::seconds(wait)));
        }
    }
}
