//! Twilio: the resource Messages of its API of 2010-04-01
//! (twilio.com/docs/messaging/api/message-resource, twilio.com/docs/api/errors).
//!
//! It knows no idempotency key, and has a list of what was sent: a lost answer is looked up there.

use super::{Texter, Trace};
use crate::model::contact::parse_phone;
use crate::model::digest::sha256_hex;
use crate::model::{Failure, FailureClass, Receipt, Secret};
use crate::providers::http::{Answer, Http, Reach, Request, Words};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::time::Duration;
use ureq::http::Method;
use url::Url;
use url::form_urlencoded::Serializer;

/// Where it is.
pub const API: &str = "https://api.twilio.com/";

const TIMEOUT: Duration = Duration::from_secs(30);

/// Error 21617: the longest text, in characters.
const LONGEST: usize = 1600;

/// What goes before a text that a trial account sends.
const TRIAL: &str = "Sent from your Twilio trial account - ";

/// How many messages to one number are looked at; with each about 1 kB.
const PAGE: &str = "200";

/// Their clock may be behind ours by this much.
const CLOCKS: TimeDelta = TimeDelta::minutes(5);

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number of the account, or a name where the country allows that.
    From(String),
    /// `MG…`: Twilio chooses among the numbers of a service.
    Service(String),
}

/// An account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `AC…`
    pub account_sid: String,
    pub auth_token: Secret<String>,
    pub sender: Sender,
    /// [`API`], but for tests and gateways.
    pub api: Url,
}

/// An account, for calls.
#[derive(Debug)]
pub struct Twilio {
    settings: Settings,
    http: Http,
}

/// A message as Twilio tells it; of its many fields those that matter here.
#[derive(Debug, Deserialize)]
struct Sent {
    sid: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    /// RFC 2822.
    #[serde(default)]
    date_created: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    messages: Vec<Sent>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ApiError {
    code: u32,
    #[serde(default)]
    message: String,
}

impl Texter for Twilio {
    fn send(&self, to: &str, text: &str, at: DateTime<Utc>) -> Result<Receipt, Failure> {
        let to = parse_phone(to).map_err(|error| Failure::new(FailureClass::Rejected, error.to_string()))?;
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            let reason = format!("a text message has 1 to {LONGEST} characters, and this one {}", text.chars().count());
            return Err(Failure::new(FailureClass::Rejected, reason));
        }
        let mut form = Serializer::new(String::new());
        form.append_pair("To", &to).append_pair("Body", text);
        match &self.settings.sender {
            Sender::From(from) => form.append_pair("From", from),
            Sender::Service(service) => form.append_pair("MessagingServiceSid", service),
        };
        let body = form.finish();
        let answer = self.call(Method::POST, &self.url()?, body.as_bytes())?;
        if !answer.is_good() {
            return Err(self.failure(&answer, at));
        }
        match serde_json::from_slice::<Sent>(&answer.body) {
            Ok(sent) if is_sid(&sent.sid) => Ok(receipt(sent.sid, text)),
            _ => Err(self.no_twilio(&answer)),
        }
    }

    fn look_up(&self, to: &str, text: &str, since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Trace, Failure> {
        let to = parse_phone(to).map_err(|error| Failure::new(FailureClass::Rejected, error.to_string()))?;
        let mut url = self.url()?;
        // Not by DateSent: what Twilio still has in its queue has none.
        url.query_pairs_mut().append_pair("To", &to).append_pair("PageSize", PAGE);
        let answer = self.call(Method::GET, &url, &[])?;
        if !answer.is_good() {
            return Err(self.failure(&answer, at));
        }
        let list = serde_json::from_slice::<List>(&answer.body).map_err(|_| self.no_twilio(&answer))?;
        let made = |sent: &Sent| {
            let date = sent.date_created.as_deref().and_then(|date| DateTime::parse_from_rfc2822(date).ok());
            date.map(|date| date.to_utc())
        };
        // Without a date it may be this one.
        let since = since - CLOCKS;
        let in_time = |sent: &&Sent| made(sent).is_none_or(|date| date >= since);
        let mut sent = list.messages.iter().filter(in_time).filter(|sent| sent.is_outbound());
        if let Some(found) = sent.clone().find(|sent| sent.says(text)) {
            return Ok(Trace::Sent(receipt(found.sid.clone(), text)));
        }
        let goes_on = list.next_page_uri.is_some() && list.messages.iter().all(|sent| in_time(&sent));
        if goes_on {
            let reason = format!("{} has too many messages to {to} to tell whether this one is among them", answer.host);
            return Err(Failure::new(FailureClass::Broken, reason));
        }
        Ok(sent.next().map_or(Trace::Nothing, |other| Trace::Other(other.sid.clone())))
    }
}

impl Sent {
    /// Whether it went to the number, and did not come from there.
    fn is_outbound(&self) -> bool {
        self.direction.as_deref().is_none_or(|direction| direction.starts_with("outbound"))
    }

    fn says(&self, text: &str) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let body = body.strip_prefix(TRIAL).unwrap_or(body);
        body.trim() == text.trim()
    }
}

impl Twilio {
    /// Connects to nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, http: Http::new(Reach::Private, TIMEOUT) }
    }

    fn url(&self) -> Result<Url, Failure> {
        let path = format!("2010-04-01/Accounts/{}/Messages.json", self.settings.account_sid);
        let unusable = |_| Failure::new(FailureClass::Denied, "api_url in [sms] cannot be called");
        self.settings.api.join(&path).map_err(unusable)
    }

    fn call(&self, method: Method, url: &Url, body: &[u8]) -> Result<Answer, Failure> {
        let Settings { account_sid, auth_token, .. } = &self.settings;
        let credentials = BASE64.encode(format!("{account_sid}:{}", auth_token.expose()));
        let mut headers = vec![("authorization", format!("Basic {credentials}")), ("accept", "application/json".to_owned())];
        if method == Method::POST {
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
        }
        self.http.ask(&Request { method, url, headers, body })
    }

    fn failure(&self, answer: &Answer, at: DateTime<Utc>) -> Failure {
        let Settings { account_sid, auth_token, .. } = &self.settings;
        let token = auth_token.expose().as_str();
        let credentials = BASE64.encode(format!("{account_sid}:{token}"));
        let secrets = [token, credentials.as_str()];
        match serde_json::from_slice::<ApiError>(&answer.body) {
            Ok(error) => {
                let words = Words::without(&format!("{}: {}{}", error.code, error.message, hint(error.code)), &secrets);
                match class_of(error.code, answer.status) {
                    Some(class) => answer.failure_of(class, &words, at),
                    None => answer.failure(&words, at),
                }
            }
            Err(_) => answer.failure(&Words::first_line(&answer.body, &secrets), at),
        }
    }

    fn no_twilio(&self, answer: &Answer) -> Failure {
        Failure::new(FailureClass::Denied, format!("{} answered as Twilio does not: check api_url in [sms]", answer.host))
    }
}

fn receipt(sid: String, text: &str) -> Receipt {
    let bytes = text.len().try_into().unwrap_or(u64::MAX);
    Receipt { provider_ref: sid, sha256: sha256_hex(text.as_bytes()), bytes }
}

/// `SM` or `MM` and 32 hexadecimal digits.
fn is_sid(sid: &str) -> bool {
    let digits = sid.strip_prefix("SM").or_else(|| sid.strip_prefix("MM"));
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Where the code knows it better than the status.
const fn class_of(code: u32, status: u16) -> Option<FailureClass> {
    Some(match code {
        // The account, its token, its sender: the same for every message.
        10_001 | 20_003 | 20_005 | 20_008 | 20_404 | 21_212 | 21_603 | 21_659 | 21_660 | 21_661 | 21_701 | 21_703 | 21_704
        | 21_705 => FailureClass::Denied,
        // Too many at once, or in the sender's queue.
        14_107 | 20_429 | 21_611 => FailureClass::Throttled,
        // About this number and this text (21211, 21610, 21614 …), whatever the status.
        21_000..=21_999 if matches!(status, 400..=499) => FailureClass::Rejected,
        _ => return None,
    })
}

const fn hint(code: u32) -> &'static str {
    match code {
        20_003 | 20_404 => " (check account_sid and auth_token in [sms])",
        21_212 | 21_603 | 21_659 | 21_660 | 21_661 => " (check from in [sms])",
        21_610 => " (the recipient has opted out)",
        _ => "",
    }
}
