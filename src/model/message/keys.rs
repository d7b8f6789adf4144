//! What a message is called: the key of one that is sent once more because somebody asked for it, and Message-IDs.

use super::{Mailbox, Message};
use crate::model::digest::sha256_hex;
use crate::model::{CompanyId, Invalid};
use serde::{Deserialize, Serialize};

/// The key of a message that is sent for the nth time.
pub fn key_of_time(base: &str, times: u32) -> String {
    if times <= 1 { base.to_owned() } else { format!("{base}#{times}") }
}

/// Of what a key is the nth time, where it says so: `a#2` is `a` for the second time. What a number of an
/// invoice ends with may look the same, so whoever asks compares what both are about.
pub fn time_of_key(key: &str) -> Option<(&str, u32)> {
    let (base, times) = key.rsplit_once('#')?;
    let times = times.parse().ok().filter(|times| *times > 1)?;
    (key_of_time(base, times) == key).then_some((base, times))
}

/// For which time a message was sent that this may be the key of; None when it is another one.
pub fn times_of(key: &str, base: &str) -> Option<u32> {
    if key == base { Some(1) } else { time_of_key(key).filter(|(of, _)| *of == base).map(|(_, times)| times) }
}

/// What a mail's payload says of its Message-ID, and what that was made from before payloads did.
#[derive(Deserialize)]
struct PlannedId {
    #[serde(default)]
    message_id: String,
    message_key: String,
}

/// The payload of a mail's effect: the message, and the first part of the Message-ID that it was planned with.
#[derive(Serialize)]
struct MailPayload<'m> {
    #[serde(flatten)]
    message: &'m Message,
    message_id: String,
}

/// The first part of the Message-ID of a planned mail, as its payload has it: whatever this version would make of it,
/// a resend has the id of what it repeats, and what follows it up names what was sent. A mail that was planned before
/// payloads said so has the id that its version made: from the message's key alone.
pub fn planned_id_left(company_id: &CompanyId, payload: &str) -> Result<String, Invalid> {
    let planned: PlannedId = serde_json::from_str(payload)
        .map_err(|error| Invalid::new(format!("a planned mail's Message-ID cannot be read: {error}")))?;
    Ok(match planned.message_id.as_str() {
        "" => message_id_left(company_id, &planned.message_key),
        _ => planned.message_id,
    })
}

/// The Message-ID's first part of a mail that is about this, and that nobody may have got.
pub fn message_id_left(company_id: &CompanyId, message_key: &str) -> String {
    id_left(&format!("{company_id}\n{message_key}"))
}

fn id_left(of: &str) -> String {
    sha256_hex(of.as_bytes()).chars().take(40).collect()
}

impl Message {
    /// The payload of the effect that mails it. What the effect's digest is made from is [`Message::to_payload`] all the
    /// same: planned again by another version it is the same act.
    pub fn to_mail_payload(&self, company_id: &CompanyId) -> Result<String, Invalid> {
        let payload = MailPayload { message: self, message_id: self.message_id_left(company_id) };
        serde_json::to_string(&payload).map_err(|error| Invalid::new(format!("a message cannot be written: {error}")))
    }

    /// The first part of its Message-ID when it is planned, from what it is and what it says (RFC 5322, 3.6.4: one id, one content): the
    /// language, and all whom it names, among them whom alone a digest is for. So it is the same for each of those, and
    /// for each resend.
    pub fn message_id_left(&self, company_id: &CompanyId) -> String {
        let addresses = |mailboxes: &[Mailbox]| -> String {
            let all: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.address.as_str()).collect();
            all.join(" ")
        };
        let (to, cc) = (addresses(&self.to), addresses(&self.cc));
        id_left(&format!("{company_id}\n{}\n{}\n{to}\n{cc}", self.message_key, self.language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{About, MessageKind, Severity};

    #[test]
    fn a_key_says_for_which_time() {
        for times in [2, 3, 10] {
            let key = key_of_time("invoice.issued:de:INV-1", times);
            assert_eq!(time_of_key(&key), Some(("invoice.issued:de:INV-1", times)), "{key}");
        }
        assert_eq!(key_of_time("a", 1), "a");
        for key in ["a", "a#", "a#1", "a#02", "a#x", "a#-2"] {
            assert_eq!(time_of_key(key), None, "{key}");
        }
    }

    #[test]
    fn a_message_id_is_that_of_one_content() {
        let company: CompanyId = "acme".parse().unwrap();
        let mailbox = |address: &str| Mailbox { name: String::new(), address: address.to_owned() };
        let message = Message {
            kind: MessageKind::Digest,
            severity: Severity::Info,
            language: "de".to_owned(),
            recipient: mailbox("a@x.example"),
            to: vec![mailbox("a@x.example"), mailbox("b@x.example")],
            cc: vec![mailbox("c@x.example")],
            message_key: "digest:1".to_owned(),
            about: About::Digest { digest_key: "1".to_owned(), time_zone: chrono_tz::UTC },
        };
        let id = |message: &Message| message.message_id_left(&company);
        assert_eq!(id(&message).len(), 40);
        let copy = Message { recipient: mailbox("b@x.example"), ..message.clone() };
        assert_eq!(id(&message), id(&copy), "a copy");
        for other in [
            Message { language: "en".to_owned(), ..message.clone() },
            Message { message_key: "digest:2".to_owned(), ..message.clone() },
            Message { to: vec![mailbox("a@x.example")], ..message.clone() },
            Message { cc: Vec::new(), ..message.clone() },
        ] {
            assert_ne!(id(&message), id(&other), "{other:?}");
        }
        let other: CompanyId = "other".parse().unwrap();
        let payload = message.to_mail_payload(&company).unwrap();
        assert_eq!(planned_id_left(&company, &payload).unwrap(), id(&message));
        assert_eq!(Message::of_payload(&payload).unwrap(), message);
        let made_otherwise = payload.replace(&id(&message), "0123abc");
        assert_eq!(planned_id_left(&company, &made_otherwise).unwrap(), "0123abc", "what was planned counts");
        let before_ids = message.to_payload().unwrap();
        assert_eq!(planned_id_left(&company, &before_ids).unwrap(), message_id_left(&company, "digest:1"));
        assert!(planned_id_left(&company, "{}").is_err());
        assert_ne!(id(&message), message.message_id_left(&other));
        assert_ne!(id(&message), message_id_left(&company, "digest:1"));
    }
}
