//! Checks of single values as users write them: country, e-mail, IBAN, BIC, logo path.
//! The types of `model` check their own.

use crate::model::Invalid;
use crate::model::message::parse_address;
use std::path::{Component, Path};

/// The officially assigned codes of ISO 3166-1 alpha-2, and XK (Kosovo), which customs and banks use.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM \
    FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO \
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT \
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA \
    SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US \
    UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

pub fn country(s: &str) -> Result<String, Invalid> {
    let s = &*s.trim().to_ascii_uppercase();
    let known = s.len() == 2 && COUNTRIES.split_ascii_whitespace().any(|code| code == s);
    if known {
        return Ok(s.to_owned());
    }
    Err(Invalid::new(match s {
        "UK" => "the ISO 3166-1 code of the United Kingdom is GB".to_owned(),
        "EL" => "the ISO 3166-1 code of Greece is GR (EL stands only in its tax numbers)".to_owned(),
        _ => "write the ISO 3166-1 code of two capital letters, such as DE".to_owned(),
    }))
}

/// One address as a mail header can carry it. Whether it exists, only sending tells.
pub fn email(s: &str) -> Result<String, Invalid> {
    if s.chars().any(|c| c.is_control() || c.is_whitespace() || ",;<>()\"\\".contains(c)) {
        return Err(Invalid::new("write one plain address such as ap@example.com, without spaces, brackets or separators"));
    }
    parse_address(s).map_err(|_| Invalid::new("this is no e-mail address: write it as ap@example.com"))
}

/// What a policy of reminders is called. Whether there is one of that name is for the configuration to say.
pub fn policy(s: &str) -> Result<String, Invalid> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let sound = (1..=64).contains(&s.len()) && s.bytes().all(word);
    if sound { Ok(s.to_owned()) } else { Err(Invalid::new("a policy's name has letters, digits, - and _, at most 64")) }
}

pub fn time_zone(s: &str) -> Result<chrono_tz::Tz, Invalid> {
    s.parse().map_err(|_| Invalid::new("this is no IANA time zone: write it as Europe/Berlin"))
}

/// Reads an IBAN, with or without spaces, and checks its two check digits (ISO 13616: mod 97 = 1).
pub fn iban(s: &str) -> Result<String, Invalid> {
    let compact: String = s.chars().filter(|c| *c != ' ').collect();
    let bytes = compact.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !shaped {
        return Err(Invalid::new("an IBAN has two letters, two digits, then 11 to 30 digits and capital letters"));
    }
    let remainder = bytes[4..].iter().chain(&bytes[..4]).fold(0_u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    if remainder == 1 {
        Ok(compact)
    } else {
        Err(Invalid::new("the check digits of this IBAN do not fit: one character is wrong"))
    }
}

/// ISO 9362: 8 or 11 characters.
pub fn bic(s: &str) -> Result<String, Invalid> {
    let bytes = s.as_bytes();
    let shaped = matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[4..6].iter().all(u8::is_ascii_uppercase);
    if shaped { Ok(s.to_owned()) } else { Err(Invalid::new("a BIC has 8 or 11 capital letters and digits")) }
}

/// A path below the folder of the CSV file: data must not make finops read elsewhere.
pub fn logo(s: &str) -> Result<String, Invalid> {
    let inside = Path::new(s).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if inside && !s.contains('\\') {
        Ok(s.to_owned())
    } else {
        Err(Invalid::new("write a path relative to this file and below its folder, such as logo.png"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries() {
        for good in ["DE", "GB", "KW", "XK", "de", " DE "] {
            assert!(country(good).is_ok(), "{good}");
        }
        for bad in ["DEU", "Germany", "XX", "ÄÖ", "D", " D"] {
            assert!(country(bad).is_err(), "{bad}");
        }
        assert!(country("UK").unwrap_err().0.contains("GB"));
        assert_eq!(COUNTRIES.split_ascii_whitespace().count(), 250);
    }

    #[test]
    fn addresses_cannot_carry_headers() {
        for good in ["a@example.com", "jürgen@müller.example", "o'neil+bill@example.org"] {
            assert!(email(good).is_ok(), "{good}");
        }
        let bad =
            ["a@example.com\r\nBcc: b@example.com", "a\0@example.com", "a b@example.com", "a@b@c", "@b", "a@", "a", "a@b,c@d"];
        for bad in bad {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bank_details() {
        for good in ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "KW81CBKU0000000000001234560101"] {
            assert!(iban(good).is_ok(), "{good}");
        }
        for bad in
            ["DE89370400440532013001", "DE98370400440532013000", "de89370400440532013000", "", "DE", "ÄE89370400440532013000"]
        {
            assert!(iban(bad).is_err(), "{bad}");
        }
        assert!(bic("COBADEFFXXX").is_ok() && bic("COBADEFF").is_ok() && bic("COBADEF").is_err());
    }

    #[test]
    fn logos_stay_in_their_folder() {
        assert!(logo("logo.png").is_ok() && logo("./img/logo.png").is_ok());
        for bad in ["/etc/passwd", "../logo.png", "img/../../logo.png", "C:\\logo.png"] {
            assert!(logo(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zones() {
        assert!(time_zone("Europe/Berlin").is_ok() && time_zone("Berlin").is_err());
    }
}
