//! Messages to a URL, signed after Standard Webhooks 1.0.0 (standardwebhooks.com): the receiver knows
//! who sent it, and that it is neither altered, nor old, nor the same one again.

use super::hmac::hmac_sha256;
use super::http::{Http, Reach, Request, Words};
use crate::model::digest::sha256_hex;
use crate::model::{Failure, FailureClass, Receipt, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use std::ops::RangeInclusive;
use std::time::Duration;
use ureq::http::Method;
use url::Url;

/// The specification recommends 15 to 30 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The specification: at least 192 bits, at most 512.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// The keys that messages are signed with: one, and while it is being replaced, the old one as well.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Secret<Vec<u8>>>);

impl Keys {
    /// Reads `whsec_…`, or several with space between them.
    ///
    /// # Errors
    /// What is wrong, and never the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys = text.split_whitespace().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err("is empty".to_owned()) } else { Ok(Self(keys)) }
    }

    /// `v1,…`, one for each key.
    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let sign = |key: &Secret<Vec<u8>>| {
            let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
            format!("v1,{}", BASE64.encode(hmac_sha256(key.expose(), &parts)))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

fn key(text: &str) -> Result<Secret<Vec<u8>>, String> {
    let Some(encoded) = text.strip_prefix("whsec_") else {
        return Err("must begin with whsec_ (Standard Webhooks); to make one: echo whsec_$(openssl rand -base64 32)".to_owned());
    };
    let key =
        BASE64.decode(encoded).map_err(|_| "must be base64 after whsec_: a part of it is missing or mistyped".to_owned())?;
    let (least, most) = (KEY_BYTES.start(), KEY_BYTES.end());
    match key.len() {
        length if KEY_BYTES.contains(&length) => Ok(Secret::new(key)),
        length => Err(format!("must hold {least} to {most} bytes after whsec_, and holds {length}")),
    }
}

/// Where messages go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https`, or `http` to a private address. It may hold a token, and is never shown.
    pub url: Secret<Url>,
    pub keys: Keys,
    /// Whether it may be in a private network.
    pub allow_private_addresses: bool,
}

/// A receiver, for calls.
#[derive(Debug)]
pub struct Webhook {
    settings: Settings,
    http: Http,
}

impl Webhook {
    /// Connects to nothing yet.
    pub const fn new(settings: Settings) -> Self {
        let reach = if settings.allow_private_addresses { Reach::Private } else { Reach::Public };
        Self { settings, http: Http::new(reach, TIMEOUT) }
    }

    /// Sends one message. The receiver knows by `id` (see [`message_id`]) that it is the same one
    /// again; `at`, the time now, is a part of the signature.
    ///
    /// # Errors
    /// With the class after reliability.md. Anything but 2xx is one.
    pub fn post(&self, id: &str, body: &[u8], at: DateTime<Utc>) -> Result<Receipt, Failure> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            // With a dot in it, two messages could have the same signature.
            return Err(Failure::new(FailureClass::Rejected, "a message's id must be of letters, digits, _ and -"));
        }
        let timestamp = at.timestamp().to_string();
        let signatures = self.settings.keys.sign(id, &timestamp, body);
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures.clone()),
        ];
        let url = self.settings.url.expose();
        let answer = self.http.send(&Request { method: Method::POST, url, headers, body })?;
        if !answer.is_good() {
            let mut secrets = vec![url.as_str(), url.path()];
            secrets.extend(signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")));
            return Err(answer.failure(&Words::first_line(&answer.body, &secrets), at));
        }
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Ok(Receipt { provider_ref: id.to_owned(), sha256: sha256_hex(body), bytes })
    }
}

/// The `webhook-id` of an effect: the same for the same company and idempotency key, whatever is in the key.
pub fn message_id(company_id: &str, idempotency_key: &str) -> String {
    format!("msg_{}", &sha256_hex(format!("{company_id}\n{idempotency_key}").as_bytes())[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_example_of_the_standard_libraries() {
        // From the tests of Standard Webhooks' own libraries.
        let signed = Keys::parse(KEY).unwrap().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn several_keys_give_several_signatures() {
        let other = format!("whsec_{}", BASE64.encode([7; 32]));
        let keys = Keys::parse(&format!("{KEY}\n {other}")).unwrap();
        let signed = keys.sign("msg_1", "1", b"x");
        let single = |key: &str| Keys::parse(key).unwrap().sign("msg_1", "1", b"x");
        assert_eq!(signed, format!("{} {}", single(KEY), single(&other)));
    }

    #[test]
    fn a_wrong_secret_is_told_without_showing_it() {
        let short = format!("whsec_{}", BASE64.encode([7; 23]));
        let long = format!("whsec_{}", BASE64.encode([7; 65]));
        for wrong in [
            "",
            "  ",
            "canary4711",
            "whsec_",
            "whsec_canary4711!",
            "whsk_canary4711",
            &short,
            &long,
            &format!("{KEY} canary4711"),
        ] {
            let reason = Keys::parse(wrong).unwrap_err();
            assert!(!reason.contains("canary4711") && !reason.contains("BwcH"), "{wrong}: {reason}");
        }
        for bytes in [24, 64] {
            let keys = Keys::parse(&format!("whsec_{}", BASE64.encode(vec![0xc4; bytes]))).unwrap();
            assert!(!format!("{keys:?}").contains("196"), "{keys:?}");
        }
    }

    #[test]
    fn an_id_is_stable_and_has_no_dot() {
        let id = message_id("acme", "webhook.completion:run.42");
        assert_eq!(id, message_id("acme", "webhook.completion:run.42"));
        assert_ne!(id, message_id("acme", "webhook.completion:run.43"));
        assert_ne!(id, message_id("weber", "webhook.completion:run.42"));
        assert!(id.len() == 36 && !id.contains('.'));
    }
}
