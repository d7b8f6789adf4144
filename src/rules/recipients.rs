//! Whom a message goes to: the contacts of a company that have a role.
//!
//! A mail about money always finds somebody: without a billing contact that has an address, it goes to
//! the company's own. A contact's language and zone go before the company's, and those before the seller's.

use crate::model::message::{ContactRole, Mailbox};
use crate::model::{Company, Contact, Seller};
use chrono_tz::Tz;

/// Somebody who is to be told, by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// A mail address, or a telephone number (E.164).
    pub mailbox: Mailbox,
    /// BCP 47.
    pub language: String,
    /// Whose day and night it is.
    pub time_zone: Tz,
}

/// Whom a mail goes to, by contact id, each address once.
pub fn by_mail(seller: &Seller, company: &Company, contacts: &[Contact], role: ContactRole) -> Vec<Recipient> {
    let found = reached(seller, company, contacts, role, |contact| &contact.email);
    if found.is_empty() && role == ContactRole::Billing && !company.email.is_empty() {
        return vec![at_company(seller, company)];
    }
    found
}

/// Whom an SMS goes to, by contact id, each number once.
pub fn by_sms(seller: &Seller, company: &Company, contacts: &[Contact], role: ContactRole) -> Vec<Recipient> {
    reached(seller, company, contacts, role, |contact| &contact.phone)
}

fn reached(
    seller: &Seller,
    company: &Company,
    contacts: &[Contact],
    role: ContactRole,
    address: fn(&Contact) -> &String,
) -> Vec<Recipient> {
    let mut found: Vec<Recipient> = Vec::new();
    for contact in contacts.iter().filter(|contact| contact.has_role(role) && !address(contact).is_empty()) {
        let mailbox = Mailbox { name: contact.name.clone(), address: address(contact).clone() };
        // Nobody runs two mailboxes whose names differ in capitals only (RFC 5321, 2.4 advises against it).
        if found.iter().any(|other| other.mailbox.address.eq_ignore_ascii_case(&mailbox.address)) {
            continue;
        }
        let fallback = at_company(seller, company);
        let language = if contact.language.is_empty() { fallback.language } else { contact.language.clone() };
        found.push(Recipient { mailbox, language, time_zone: contact.time_zone.unwrap_or(fallback.time_zone) });
    }
    found
}

fn at_company(seller: &Seller, company: &Company) -> Recipient {
    let name = if company.attention.is_empty() { &company.name } else { &company.attention };
    let language = if company.language.is_empty() { &seller.language } else { &company.language };
    Recipient {
        mailbox: Mailbox { name: name.clone(), address: company.email.clone() },
        language: language.clone(),
        time_zone: company.time_zone.unwrap_or(seller.time_zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contact::parse_roles;
    use crate::rules::document::tests::{company, seller};

    fn contact(id: &str, email: &str, phone: &str, roles: &str) -> Contact {
        Contact {
            company_id: company().company_id,
            contact_id: id.parse().unwrap(),
            name: id.to_owned(),
            email: email.to_owned(),
            phone: phone.to_owned(),
            roles: parse_roles(roles).unwrap(),
            language: String::new(),
            time_zone: None,
        }
    }

    fn told(found: &[Recipient]) -> Vec<String> {
        found.iter().map(|r| format!("{} {} {}", r.mailbox, r.language, r.time_zone)).collect()
    }

    #[test]
    fn contacts_by_role_and_channel() {
        let (seller, company) = (seller(), Company { language: "de".to_owned(), ..company() });
        let contacts = [
            Contact { language: "pl".to_owned(), ..contact("a", "a@x.example", "+4930123456", "billing") },
            contact("b", "", "+4930123457", "billing"),
            Contact { time_zone: Some(chrono_tz::Asia::Tokyo), ..contact("c", "c@x.example", "", "billing management") },
            contact("d", "A@x.example", "", "billing"),
            contact("e", "e@x.example", "+4930123458", "none"),
        ];
        let mail = |role| told(&by_mail(&seller, &company, &contacts, role));
        let zone = company.time_zone.unwrap_or(seller.time_zone);
        assert_eq!(
            mail(ContactRole::Billing),
            [format!("a <a@x.example> pl {zone}"), "c <c@x.example> de Asia/Tokyo".to_owned()]
        );
        assert_eq!(mail(ContactRole::Management), ["c <c@x.example> de Asia/Tokyo"]);
        assert_eq!(mail(ContactRole::Technical), [""; 0], "the company's own address is for bills");
        let sms = told(&by_sms(&seller, &company, &contacts, ContactRole::Billing));
        assert_eq!(sms, [format!("a <+4930123456> pl {zone}"), format!("b <+4930123457> de {zone}")]);
    }

    #[test]
    fn the_company_stands_in_for_a_billing_contact() {
        let seller = Seller { language: "en".to_owned(), time_zone: chrono_tz::Europe::Berlin, ..seller() };
        let company = Company {
            email: "ap@x.example".to_owned(),
            attention: "Accounts".to_owned(),
            language: String::new(),
            time_zone: None,
            ..company()
        };
        let only_phone = [contact("b", "", "+4930123457", "billing")];
        let found = by_mail(&seller, &company, &only_phone, ContactRole::Billing);
        assert_eq!(told(&found), ["Accounts <ap@x.example> en Europe/Berlin"]);
        let silent = Company { email: String::new(), ..company };
        assert!(by_mail(&seller, &silent, &only_phone, ContactRole::Billing).is_empty());
    }
}
