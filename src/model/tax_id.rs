//! Tax ids of companies by their form: the VAT numbers of the EU and Northern Ireland, and those of the
//! United Kingdom, Switzerland and Norway. Of other countries nothing is known, and any id passes.
//!
//! Forms: European Commission, VIES, "What is the format of a VAT number?"
//! (ec.europa.eu/taxation_customs/vies/#/faq); HMRC Notice 700 for GB; Swiss Federal Statistical Office,
//! UID register; Brønnøysund register centre. Whether an id was given to anybody only their registers tell.

mod digits;

/// Why a tax id cannot be one of its country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The form that is expected: `DE999999999`, where 9 is a digit, A a letter and X either.
    #[error("a tax id of {country} is written {expected} (9: a digit, A: a letter, X: either)")]
    Form { country: &'static str, expected: String },
    /// It looks right, but one of its digits is wrong.
    #[error("its check digits do not fit the rest: a digit is wrong or two are swapped")]
    CheckDigits,
}

/// A country's prefix, its ISO 3166-1 code, and what may follow.
struct Scheme {
    prefix: &'static str,
    country: &'static str,
    forms: &'static [&'static str],
}

const fn scheme(prefix: &'static str, country: &'static str, forms: &'static [&'static str]) -> Scheme {
    Scheme { prefix, country, forms }
}

const SCHEMES: [Scheme; 31] = [
    scheme("AT", "AT", &["U99999999"]),
    scheme("BE", "BE", &["9999999999"]),
    scheme("BG", "BG", &["999999999", "9999999999"]),
    scheme("CHE", "CH", &["999999999", "999999999MWST", "999999999TVA", "999999999IVA"]),
    scheme("CY", "CY", &["99999999A"]),
    scheme("CZ", "CZ", &["99999999", "999999999", "9999999999"]),
    scheme("DE", "DE", &["999999999"]),
    scheme("DK", "DK", &["99999999"]),
    scheme("EE", "EE", &["999999999"]),
    scheme("EL", "GR", &["999999999"]),
    scheme("ES", "ES", &["X9999999X"]),
    scheme("FI", "FI", &["99999999"]),
    scheme("FR", "FR", &["XX999999999"]),
    scheme("GB", "GB", &["999999999", "999999999999", "GD999", "HA999"]),
    scheme("HR", "HR", &["99999999999"]),
    scheme("HU", "HU", &["99999999"]),
    scheme("IE", "IE", &["9999999A", "9999999AA", "9X99999A"]),
    // A person's codice fiscale may begin with any letters.
    scheme("IT", "IT", &["99999999999", "AAAA99A99A999A"]),
    scheme("LT", "LT", &["999999999", "999999999999"]),
    scheme("LU", "LU", &["99999999"]),
    scheme("LV", "LV", &["99999999999"]),
    scheme("MT", "MT", &["99999999"]),
    scheme("NL", "NL", &["999999999B99"]),
    scheme("NO", "NO", &["999999999", "999999999MVA"]),
    scheme("PL", "PL", &["9999999999"]),
    scheme("PT", "PT", &["999999999"]),
    scheme("RO", "RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    scheme("SE", "SE", &["999999999999"]),
    scheme("SI", "SI", &["99999999"]),
    scheme("SK", "SK", &["9999999999"]),
    scheme("XI", "GB", &["999999999", "999999999999", "GD999", "HA999"]),
];

/// Checks the tax id of a company in a country (ISO 3166-1; may be empty). Spaces, dots and hyphens do
/// not count. A number of another kind (a national one without the prefix) passes.
pub fn check(country: &str, tax_id: &str) -> Result<(), Mistake> {
    let compact: String = tax_id.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '/')).collect::<String>().to_uppercase();
    let found = SCHEMES.iter().find(|scheme| compact.starts_with(scheme.prefix));
    let (scheme, rest) = match found {
        Some(scheme) => (scheme, &compact[scheme.prefix.len()..]),
        // Norwegian invoices have the number without the country.
        None if country == "NO" && compact.ends_with("MVA") => match SCHEMES.iter().find(|scheme| scheme.prefix == "NO") {
            Some(scheme) => (scheme, compact.as_str()),
            None => return Ok(()),
        },
        None => return Ok(()),
    };
    let own = country.is_empty() || scheme.country == country;
    if !scheme.forms.iter().any(|form| fits(rest, form)) {
        // Letters that only happen to be another country's: no id of that country.
        return if own { Err(form_mistake(scheme)) } else { Ok(()) };
    }
    if digits::hold(scheme.prefix, rest) { Ok(()) } else { Err(Mistake::CheckDigits) }
}

fn form_mistake(scheme: &Scheme) -> Mistake {
    let Scheme { prefix, country, forms } = scheme;
    let mut written: Vec<String> = forms.iter().map(|form| format!("{prefix}{form}")).collect();
    if written.len() > 4 {
        // Any length in between.
        written.drain(1..written.len() - 1);
        return Mistake::Form { country, expected: written.join(" to ") };
    }
    Mistake::Form { country, expected: written.join(" or ") }
}

fn fits(text: &str, form: &str) -> bool {
    text.chars().count() == form.chars().count()
        && text.chars().zip(form.chars()).all(|(c, wanted)| match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_uppercase(),
            'X' => c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '+' | '*'),
            exact => c == exact,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that the documentation of python-stdnum (arthurdejong.org/python-stdnum) gives as valid.
    #[test]
    fn published_ids_hold() {
        for (country, id) in [
            ("AT", "AT U13 585 627"),
            ("BE", "BE 0428.759.497"),
            ("CY", "CY10259033P"),
            ("CZ", "CZ25123891"),
            ("DE", "DE136695976"),
            ("DK", "DK13585628"),
            ("EE", "EE100931558"),
            ("GR", "EL094259216"),
            ("ES", "ES54362315K"),
            ("ES", "ESA13585625"),
            ("FI", "FI20774740"),
            ("FR", "FR 40 303 265 045"),
            ("FR", "FRK7399859412"),
            ("GB", "GB980780684"),
            ("GB", "GBGD001"),
            ("HR", "HR33392005961"),
            ("HU", "HU12892312"),
            ("IE", "IE6433435F"),
            ("IE", "IE8D79739I"),
            ("IT", "IT00743110157"),
            ("LT", "LT119511515"),
            ("LT", "LT100001919017"),
            ("LU", "LU15027442"),
            ("LV", "LV40003521600"),
            ("MT", "MT11679112"),
            ("NL", "NL004495445B01"),
            ("PL", "PL8567346215"),
            ("PT", "PT501964843"),
            ("RO", "RO18547290"),
            ("SE", "SE123456789701"),
            ("SI", "SI50223054"),
            ("SK", "SK2022749619"),
            ("CH", "CHE-107.787.577 IVA"),
            ("NO", "NO 988 077 917 MVA"),
            ("NO", "988 077 917 MVA"),
        ] {
            assert_eq!(check(country, id), Ok(()), "{id}");
        }
    }

    #[test]
    fn a_wrong_digit_is_seen_and_a_wrong_form_is_told() {
        for (country, id) in [
            ("AT", "ATU13585626"),
            ("BE", "BE0431150351"),
            ("CY", "CY10259033Z"),
            ("CZ", "CZ25123890"),
            ("DE", "DE136695978"),
            ("DK", "DK13585627"),
            ("EE", "EE100594103"),
            ("GR", "EL123456789"),
            ("ES", "ES54362315Z"),
            ("FI", "FI20774741"),
            ("FR", "FR84323140391"),
            ("GB", "GB802311781"),
            ("HR", "HR33392005962"),
            ("HU", "HU12892313"),
            ("IE", "IE6433435E"),
            ("IT", "IT00743110158"),
            ("LT", "LT100001919018"),
            ("LU", "LU15027443"),
            ("LV", "LV40003521601"),
            ("MT", "MT11679113"),
            ("NL", "NL123456790B90"),
            ("PL", "PL8567346216"),
            ("PT", "PT501964842"),
            ("RO", "RO18547291"),
            ("SE", "SE123456789101"),
            ("SI", "SI50223055"),
            ("SK", "SK2022749618"),
            ("CH", "CHE-107.787.578 IVA"),
            ("NO", "NO988077918MVA"),
        ] {
            assert_eq!(check(country, id), Err(Mistake::CheckDigits), "{id}");
        }
        for (country, id) in [("DE", "DE12345678"), ("AT", "AT13585627"), ("CH", "CHE-107.787"), ("GB", "GB12"), ("", "FR12")] {
            assert!(matches!(check(country, id), Err(Mistake::Form { .. })), "{id}");
        }
        let told = check("RO", "RO1").unwrap_err().to_string();
        assert_eq!(told, "a tax id of RO is written RO99 to RO9999999999 (9: a digit, A: a letter, X: either)");
    }

    #[test]
    fn what_nothing_is_known_of_passes() {
        for (country, id) in [
            ("US", "DE-4711"),
            ("JP", "T1234567890123"),
            ("DE", "27/123/45678"),
            ("IT", "MTCRSS80A01F205X"),
            ("NO", "12"),
            ("", ""),
            ("MC", "FR12"),
            ("US", "12-3456789"),
        ] {
            assert_eq!(check(country, id), Ok(()), "{country} {id}");
        }
    }
}
