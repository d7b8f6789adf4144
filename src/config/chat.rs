//! `[slack]` and `[sms]`: where short messages go out.

use super::mail::one_line;
use super::section::one_of;
use super::{Secret, Section, source};
use crate::model::contact::parse_phone;
use crate::model::text_enum;
use crate::providers::slack::{self, Way};
use crate::providers::sms::twilio::{self, Sender};
use std::path::Path;
use url::Url;

text_enum! {
    /// Who carries text messages.
    pub enum SmsProvider ("provider") {
        Twilio = "twilio",
    }
}

/// `[slack]`; None when something is wrong, which has been noted.
pub fn read_slack(section: &mut Section<'_, '_>, file: &Path) -> Option<slack::Settings> {
    let api = section.text("api_url", Url::parse(slack::API).ok()?, api);
    let url = source::secret(section, "webhook_url", file, webhook);
    let token = source::secret(section, "token", file, token);
    let channel = section.optional_text("channel", |text| one_line(text).map(|text| text.trim().to_owned()));
    let way = match (source::is_given(section, "webhook_url"), source::is_given(section, "token")) {
        (true, true) => {
            let reason = "either webhook_url or token may be given, and webhook_url already is";
            section.mistake(&source::place(section, "token"), "token", reason);
            return None;
        }
        (false, false) => {
            section.missing("webhook_url", ", or token with channel: an incoming webhook, or an app with chat:write");
            return None;
        }
        (true, false) if section.has("channel") => {
            let reason = "has no place with webhook_url, which leads to a channel of its own";
            section.mistake(&section.place_of("channel"), "channel", reason);
            return None;
        }
        (true, false) => Way::Webhook(url?),
        (false, true) => {
            if !section.has("channel") {
                section.missing("channel", ": where messages go that name none, such as #billing");
            }
            Way::Token { token: token?, channel: channel? }
        }
    };
    Some(slack::Settings { way, api })
}

/// `[sms]`; None when something is wrong, which has been noted.
pub fn read_sms(section: &mut Section<'_, '_>, file: &Path) -> Option<twilio::Settings> {
    let provider = section.text("provider", SmsProvider::Twilio, |text| {
        text.parse().map_err(|_| one_of(SmsProvider::ALL.iter().map(|provider| provider.as_str())))
    });
    let SmsProvider::Twilio = provider;
    let api = section.text("api_url", Url::parse(twilio::API).ok()?, api);
    let account_sid = section.required_text("account_sid", |text| sid(text, "AC"));
    let auth_token = source::required(section, "auth_token", file, token);
    let from = section.optional_text("from", from);
    let service = section.optional_text("messaging_service_sid", |text| sid(text, "MG"));
    let sender = match (section.has("from"), section.has("messaging_service_sid")) {
        (true, true) => {
            let reason = "either from or messaging_service_sid may be given, and from already is";
            section.mistake(&section.place_of("messaging_service_sid"), "messaging_service_sid", reason);
            return None;
        }
        (false, false) => {
            section.missing("from", ", or messaging_service_sid: who sends");
            return None;
        }
        (true, false) => Sender::From(from?),
        (false, true) => Sender::Service(service?),
    };
    Some(twilio::Settings { account_sid: account_sid?, auth_token: auth_token?, sender, api })
}

/// The URL is the secret, so it is never repeated.
fn webhook(text: &str) -> Result<Secret<Url>, String> {
    let wrong = || "must be the URL of an incoming webhook, such as https://hooks.slack.com/services/…".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    if ["https", "http"].contains(&url.scheme()) && url.host().is_some() { Ok(Secret::new(url)) } else { Err(wrong()) }
}

/// Where an API is. Plain http is called in a private network only, which is seen when it is called.
fn api(text: &str) -> Result<Url, String> {
    let wrong = || "must be a URL that ends with /, such as https://api.example.com/".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let good = ["https", "http"].contains(&url.scheme()) && url.host().is_some() && url.path().ends_with('/');
    if good && plain { Ok(url) } else { Err(wrong()) }
}

/// What goes into a header, as it is.
fn token(text: &str) -> Result<Secret<String>, String> {
    match text.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(Secret::new(text.to_owned())),
        false => Err("must be in one piece, without spaces or other signs that no token has".to_owned()),
    }
}

fn sid(text: &str, begin: &str) -> Result<String, String> {
    match text.strip_prefix(begin) {
        Some(digits) if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text.to_owned()),
        _ => Err(format!("must be {begin} and 32 digits and letters a to f, as the console of Twilio shows it")),
    }
}

/// A number, a short code, or a name of up to 11 letters and digits (twilio.com/docs/glossary/what-alphanumeric-sender-id).
fn from(text: &str) -> Result<String, String> {
    if let Ok(number) = parse_phone(text) {
        return Ok(number);
    }
    let good = (3..=11).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    if good && !text.starts_with(' ') && !text.ends_with(' ') {
        return Ok(text.to_owned());
    }
    Err("must be a number with its country (+15005550006), a short code, or a name of 3 to 11 letters and digits".to_owned())
}
