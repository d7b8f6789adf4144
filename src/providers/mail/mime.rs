//! The bytes of a mail (RFC 5322, 2045 ff.): text and HTML as alternatives, attachments after them.
//!
//! The same mail always has the same bytes: what else would be random (the boundaries) comes from the
//! Message-ID. All bytes are ASCII in lines of at most 998, except that an address whose first part
//! is not ASCII stays as it is, which the server must then allow (SMTPUTF8).

mod header;

use super::on_the_wire;
use crate::model::Invalid;
use crate::model::digest::sha256_hex;
use crate::model::message::{Attachment, Mail};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Message, MessageBuilder, MultiPart, SinglePart};
use std::time::SystemTime;

/// RFC 5322, 2.1.1: the longest line, without its end.
const LONGEST_LINE: usize = 998;

/// A mail as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The envelope's addresses, their domains in ASCII.
    pub sender: String,
    pub recipient: String,
    /// Header and body, with CRLF at each line's end.
    pub bytes: Vec<u8>,
    /// Of these, in hexadecimal.
    pub sha256: String,
    /// The server must take UTF-8 in addresses (RFC 6531).
    pub needs_utf8: bool,
}

/// Writes a mail.
///
/// # Errors
/// What in it cannot be a mail: an address, or a header with a control character, which might
/// become another header.
pub fn write(mail: &Mail) -> Result<Written, Invalid> {
    let (sender, recipient) = (on_the_wire(&mail.from.address)?, on_the_wire(&mail.recipient)?);
    let builder = head(mail)?.envelope(envelope(&sender, &recipient)?);
    let bodies = bodies(mail)?;
    let alone = matches!(bodies, Bodies::One(_));
    let message = match bodies {
        Bodies::One(part) => builder.singlepart(part),
        Bodies::Many(parts) => builder.multipart(parts),
    };
    let mut bytes = message.map_err(|error| Invalid::new(format!("no mail can be made of it: {error}")))?.formatted();
    if alone && bytes.ends_with(b"\r\n\r\n") {
        // lettre ends each part with a line end, which within others belongs to the boundary.
        bytes.truncate(bytes.len() - 2);
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| Invalid::new(format!("no mail can be made of it: {error}")))?;
    if let Some(line) = text.split('\n').find(|line| line.len() > LONGEST_LINE + 1) {
        let begin = line.chars().take(40).collect::<String>();
        return Err(Invalid::new(format!("a line of the mail is longer than 998 bytes: {begin}…")));
    }
    let needs_utf8 = !(sender.is_ascii() && recipient.is_ascii() && bytes.is_ascii());
    let sha256 = sha256_hex(&bytes);
    Ok(Written { sender, recipient, bytes, sha256, needs_utf8 })
}

fn envelope(sender: &str, recipient: &str) -> Result<Envelope, Invalid> {
    Envelope::new(Some(address(sender)?), vec![address(recipient)?]).map_err(|error| Invalid::new(error.to_string()))
}

fn head(mail: &Mail) -> Result<MessageBuilder, Invalid> {
    let mut builder = Message::builder().date(SystemTime::from(mail.date));
    let reply_to = mail.reply_to.as_slice();
    for (name, mailboxes) in
        [("From", std::slice::from_ref(&mail.from)), ("Reply-To", reply_to), ("To", &mail.to), ("Cc", &mail.cc)]
    {
        if !mailboxes.is_empty() {
            builder = raw(builder, name, &mail.from.address, header::mailboxes(name, mailboxes)?)?;
        }
    }
    let subject = header::text("Subject", &mail.subject)?;
    builder = raw(builder, "Subject", &mail.subject, subject)?.message_id(Some(message_id(&mail.message_id)?));
    let thread = mail.references.iter().map(|id| message_id(id)).collect::<Result<Vec<_>, _>>()?;
    if let Some(last) = thread.last() {
        // One a line: a thread may be long.
        builder = builder.in_reply_to(last.clone()).references(thread.join(" "));
    }
    // RFC 3834: nobody's robot answers this. Bounces still come, which Exchange would else hold back.
    let mut told = vec![("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "OOF, AutoReply")];
    if mail.resend {
        told.push(("X-Finops-Resend", "yes"));
    }
    for (name, value) in told {
        builder = raw(builder, name, value, value.to_owned())?;
    }
    Ok(builder)
}

/// A header that is written already; lettre looks into none but From, for whether it is one address.
fn raw(builder: MessageBuilder, name: &'static str, plain: &str, written: String) -> Result<MessageBuilder, Invalid> {
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| Invalid::new(error.to_string()))?;
    Ok(builder.raw_header(HeaderValue::dangerous_new_pre_encoded(name, plain.to_owned(), written)))
}

enum Bodies {
    One(SinglePart),
    Many(MultiPart),
}

fn bodies(mail: &Mail) -> Result<Bodies, Invalid> {
    let plain = SinglePart::builder().content_type(ContentType::TEXT_PLAIN).body(text(&mail.text));
    let words = match mail.html.as_str() {
        "" => Bodies::One(plain),
        html => {
            let html = SinglePart::builder().content_type(ContentType::TEXT_HTML).body(text(html));
            let parts = MultiPart::alternative().boundary(boundary(mail, "words"));
            Bodies::Many(parts.singlepart(plain).singlepart(html))
        }
    };
    if mail.attachments.is_empty() {
        return Ok(words);
    }
    let mixed = MultiPart::mixed().boundary(boundary(mail, "all"));
    let mut mixed = match words {
        Bodies::One(part) => mixed.singlepart(part),
        Bodies::Many(parts) => mixed.multipart(parts),
    };
    for attachment in &mail.attachments {
        mixed = mixed.singlepart(attached(attachment)?);
    }
    Ok(Bodies::Many(mixed))
}

fn attached(attachment: &Attachment) -> Result<SinglePart, Invalid> {
    let Attachment { name, content_type, bytes } = attachment;
    let kind = ContentType::parse(content_type).map_err(|_| Invalid::new(format!("{content_type:?} is no type of content")))?;
    Ok(SinglePart::builder().content_type(kind).header(header::Attached::new(name)?).body(bytes.clone()))
}

/// `=_` is in no line of quoted-printable or base64 (RFC 2045, 6.7), and the digest in no text that
/// was written before the mail.
fn boundary(mail: &Mail, what: &str) -> String {
    let digest = sha256_hex(format!("{what}\n{}", mail.message_id).as_bytes());
    format!("=_{}", &digest[..32])
}

/// A body with one kind of line end and nothing else that cannot be seen: a lone CR could be taken for
/// the end of a line by one server and not by the next.
fn text(body: &str) -> String {
    let one_kind = body.replace("\r\n", "\n").replace('\r', "\n");
    one_kind.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn address(text: &str) -> Result<Address, Invalid> {
    text.parse().map_err(|error| Invalid::new(format!("{text:?} is no mail address: {error}")))
}

/// `<2f7a…@example.com>`
fn message_id(id: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_graphic() && !"<>()[]\\,;:\"".contains(c);
    if id.len() <= 200 && id.chars().all(good) && id.split('@').filter(|part| !part.is_empty()).count() == 2 {
        Ok(format!("<{id}>"))
    } else {
        Err(Invalid::new(format!("{id:?} is no Message-ID")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Mailbox;

    fn mailbox(name: &str, address: &str) -> Mailbox {
        Mailbox { name: name.to_owned(), address: address.to_owned() }
    }

    fn mail() -> Mail {
        Mail {
            message_id: "0123abcd@example.com".to_owned(),
            references: vec!["first@example.com".to_owned(), "second@example.com".to_owned()],
            date: "2026-11-21T08:00:00Z".parse().unwrap(),
            from: mailbox("Nord & Süd GmbH", "billing@exämple.de"),
            reply_to: None,
            to: vec![mailbox("", "a@b.example"), mailbox("Doe, Jane", "jane@b.example")],
            cc: vec![],
            recipient: "a@b.example".to_owned(),
            subject: "Rechnung INV-1 über 119,00 €".to_owned(),
            text: "Größe\nzwei\r\ndrei\rvier\u{0}\n.\n".to_owned(),
            html: "<p>Größe</p>".to_owned(),
            attachments: vec![Attachment {
                name: "Rechnung ü.pdf".to_owned(),
                content_type: "application/pdf",
                bytes: vec![0, 255, 10],
            }],
            resend: false,
        }
    }

    fn written(mail: &Mail) -> String {
        String::from_utf8(write(mail).unwrap().bytes).unwrap()
    }

    #[test]
    fn the_same_mail_has_the_same_bytes_and_another_has_other_boundaries() {
        let (first, again) = (written(&mail()), written(&mail()));
        assert_eq!(first, again);
        assert!(first.is_ascii() && first.lines().all(|line| line.len() <= 998));
        let other = written(&Mail { message_id: "other@example.com".to_owned(), ..mail() });
        let boundary = |text: &str| text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_ne!(boundary(&first), boundary(&other));
        assert_eq!(first.matches(&format!("--{}", boundary(&first))).count(), 3);
    }

    #[test]
    fn no_value_begins_another_header() {
        for bad in ["a\r\nBcc: x@y.de", "a\nb", "a\rb", "a\0b"] {
            let to = vec![mailbox(bad, "a@b.example")];
            for wrong in [
                Mail { subject: bad.to_owned(), ..mail() },
                Mail { from: mailbox(bad, "a@b.example"), ..mail() },
                Mail { to: to.clone(), ..mail() },
                Mail { cc: to.clone(), ..mail() },
                Mail { reply_to: Some(mailbox("", bad)), ..mail() },
                Mail { message_id: format!("{bad}@b.example"), ..mail() },
                Mail { references: vec![bad.to_owned()], ..mail() },
                Mail { recipient: format!("{bad}@b.example"), ..mail() },
                Mail {
                    attachments: vec![Attachment { name: bad.to_owned(), content_type: "application/pdf", bytes: vec![] }],
                    ..mail()
                },
            ] {
                assert!(write(&wrong).is_err(), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_thread_a_resend_and_robots_are_told() {
        let text = written(&Mail { resend: true, ..mail() });
        for line in [
            "Message-ID: <0123abcd@example.com>",
            "In-Reply-To: <second@example.com>",
            "References: <first@example.com> <second@example.com>",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: OOF, AutoReply",
            "X-Finops-Resend: yes",
            "Date: Sat, 21 Nov 2026 08:00:00 +0000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let first = written(&Mail { references: vec![], ..mail() });
        assert!(!first.contains("X-Finops-Resend") && !first.contains("In-Reply-To") && !first.contains("References"));
    }

    #[test]
    fn addresses_travel_in_ascii_where_they_can() {
        let read = write(&mail()).unwrap();
        assert_eq!((read.sender.as_str(), read.needs_utf8), ("billing@xn--exmple-cua.de", false));
        let read = write(&Mail { recipient: "jörg@exämple.de".to_owned(), ..mail() }).unwrap();
        assert_eq!((read.recipient.as_str(), read.needs_utf8), ("jörg@xn--exmple-cua.de", true));
        assert!(write(&Mail { cc: vec![mailbox("", "jörg@b.example")], ..mail() }).unwrap().needs_utf8);
    }

    #[test]
    fn lines_are_as_long_as_servers_take_them() {
        assert!(write(&Mail { subject: "x".repeat(1200), text: "y".repeat(5000), ..mail() }).is_ok());
        let id = format!("{}@b.example", "x".repeat(190));
        assert!(write(&Mail { references: vec![id.clone(), id], ..mail() }).is_ok());
        let name = "x".repeat(300);
        let attachments = vec![Attachment { name, content_type: "application/pdf", bytes: vec![] }];
        assert!(write(&Mail { attachments, ..mail() }).is_ok_and(|mail| mail.bytes.is_ascii()));
    }
}
