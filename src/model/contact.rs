//! People at a company whom messages go to.

use super::message::ContactRole;
use super::{CompanyId, ContactId, Invalid};

/// Reached by mail, by telephone, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub company_id: CompanyId,
    pub contact_id: ContactId,
    pub name: String,
    /// Empty: no mail.
    pub email: String,
    /// E.164: `+4930123456`; empty: no SMS.
    pub phone: String,
    /// Each once, in the order of [`ContactRole`]; none: nothing goes to this contact.
    pub roles: Vec<ContactRole>,
    /// BCP 47; empty: the company's.
    pub language: String,
    /// When messages reach this contact goes by it. None: the company's.
    pub time_zone: Option<chrono_tz::Tz>,
}

impl Contact {
    pub fn has_role(&self, role: ContactRole) -> bool {
        self.roles.contains(&role)
    }

    /// The roles as they are stored: words with a space between.
    pub fn roles_text(&self) -> String {
        self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Reads roles: words with spaces or commas between; `none` for somebody whom nothing goes to any more.
pub fn parse_roles(text: &str) -> Result<Vec<ContactRole>, Invalid> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if words == ["none"] {
        return Ok(Vec::new());
    }
    let roles = words.iter().map(|word| word.parse()).collect::<Result<Vec<ContactRole>, _>>()?;
    Ok(ContactRole::ALL.iter().copied().filter(|role| roles.contains(role)).collect())
}

/// Reads a telephone number with its country code; spaces, dots, hyphens and brackets may stand in it. ITU-T E.164 has at
/// most 15 digits, and no country has numbers of fewer than 7 with its code.
pub fn parse_phone(text: &str) -> Result<String, Invalid> {
    let number: String = text.chars().filter(|c| !" .-()/".contains(*c)).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let sound = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if sound {
        Ok(number)
    } else {
        Err(Invalid::new("write the number with its country code, such as +49 30 123456, without a 0 in brackets"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_words_each_once() {
        assert_eq!(parse_roles("Management, billing billing").unwrap(), [ContactRole::Billing, ContactRole::Management]);
        assert_eq!(parse_roles("none").unwrap(), []);
        for bad in ["boss", "none billing", "billing;technical"] {
            assert!(parse_roles(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn telephone_numbers_are_e164() {
        assert_eq!(parse_phone("+49 (30) 123-456/7").unwrap(), "+49301234567");
        for bad in ["030 123456", "0049 30 123456", "+0 30 123456", "+49", "+49 30 123456 ext 2", "+1234567890123456", ""] {
            assert!(parse_phone(bad).is_err(), "{bad}");
        }
    }
}
