//! Rows of contacts.

use super::cells::Cells;
use super::checks;
use crate::model::Contact;
use crate::model::contact::{parse_phone, parse_roles};
use crate::model::language::parse_language;

/// Why a contact is refused whom nothing can reach.
pub const UNREACHABLE: &str = "give an email, a phone, or both: nothing can reach this contact";

pub fn contact(cells: &mut Cells) -> Option<Contact> {
    let company_id = cells.parse("company_id", str::parse);
    let contact_id = cells.parse("contact_id", str::parse);
    let name = cells.line("name");
    let email = cells.parse("email", checks::email);
    let phone = cells.parse("phone", parse_phone);
    let roles = cells.parse("roles", parse_roles);
    let language = cells.parse("language", parse_language).unwrap_or_default();
    let time_zone = cells.parse("time_zone", checks::time_zone);
    // Without one of the columns, it is checked once it is known what stands.
    if cells.has("email") && cells.has("phone") && !cells.has_problems() && email.is_none() && phone.is_none() {
        cells.refuse("email", UNREACHABLE);
    }
    Some(Contact {
        company_id: company_id?,
        contact_id: contact_id?,
        name,
        email: email.unwrap_or_default(),
        phone: phone.unwrap_or_default(),
        roles: roles?,
        language,
        time_zone,
    })
}
