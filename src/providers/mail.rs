//! Mail: what a server of mail is for finops, the bytes of a message, and how they get there.

pub mod mime;
pub mod smtp;

use crate::model::message::{Mail, parse_address};
use crate::model::{Failure, Invalid, Receipt};
use url::Host;

/// Whoever carries mail.
pub trait Mailer {
    /// Hands one mail over for its one recipient. The reference in the receipt is what the server
    /// said when it took it, with its queue's name for it.
    ///
    /// # Errors
    /// With the class after reliability.md: `no_answer` only when the mail's last line was being sent,
    /// so that it may have been taken; before that nothing was.
    fn send(&self, mail: &Mail) -> Result<Receipt, Failure>;
}

/// An address as it travels: the domain in ASCII (RFC 5890's A-labels), since every server takes that,
/// the part before it as it is.
pub fn on_the_wire(address: &str) -> Result<String, Invalid> {
    let address = parse_address(address)?;
    let Some((local, domain)) = address.rsplit_once('@') else { return Ok(address) };
    match Host::parse(domain) {
        // The parser is one of URLs, which would decode it.
        Ok(Host::Domain(ascii)) if ascii.len() <= 253 && !domain.contains('%') => Ok(format!("{local}@{ascii}")),
        _ => Err(Invalid::new(format!("{address:?} is no mail address: {domain:?} is no name of a domain"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_travel_in_ascii() {
        for (address, wire) in [
            ("a@b.example", "a@b.example"),
            ("jörg@exämple.de", "jörg@xn--exmple-cua.de"),
            ("a@例え.jp", "a@xn--r8jz45g.jp"),
            ("A.B@Example.COM", "A.B@example.com"),
            ("a@localhost", "a@localhost"),
        ] {
            assert_eq!(on_the_wire(address).unwrap(), wire);
        }
        for bad in ["a", "a@127.0.0.1", "a@[127.0.0.1]", "a@b..c", "a@xn--a", "a@b%41.c", "a\r\n@b.de"] {
            assert!(on_the_wire(bad).is_err(), "{bad}");
        }
    }
}
