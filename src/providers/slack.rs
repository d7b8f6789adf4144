//! Slack: an incoming webhook, or `chat.postMessage` with a token.
//!
//! Contracts: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
//! docs.slack.dev/reference/methods/chat.postMessage, docs.slack.dev/reference/block-kit/blocks.
//! Neither knows an idempotency key, so a lost answer leaves open whether the message is there.

use super::http::{Answer, Http, Reach, Request, Words};
use crate::model::digest::sha256_hex;
use crate::model::{Failure, FailureClass, Receipt, Secret};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use ureq::http::Method;
use url::Url;

/// Where the methods of the Web API are.
pub const API: &str = "https://slack.com/api/";

const TIMEOUT: Duration = Duration::from_secs(30);

/// In characters: a header block's text, a section block's text, the text beside the blocks (what is
/// longer becomes several messages; docs.slack.dev/changelog/2018-truncating-really-long-messages).
const LONGEST_TITLE: usize = 150;
const LONGEST_SECTION: usize = 3000;
const LONGEST_FALLBACK: usize = 4000;

/// Slack takes 50 blocks, but about 13,000 characters in all of them (`msg_blocks_too_long`).
const SECTIONS: usize = 4;

/// The way in.
#[derive(Debug, Clone)]
pub enum Way {
    /// The URL is the secret, and leads to one channel.
    Webhook(Secret<Url>),
    /// A token with the right `chat:write`, and the channel where none is named.
    Token { token: Secret<String>, channel: String },
}

/// A workspace.
#[derive(Debug, Clone)]
pub struct Settings {
    pub way: Way,
    /// [`API`], but for tests and gateways.
    pub api: Url,
}

/// What is said. Plain text: what is markup to Slack is escaped here.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    pub title: &'m str,
    /// For notifications and where no blocks are shown.
    pub short: &'m str,
    pub text: &'m str,
}

/// A workspace, for calls.
#[derive(Debug)]
pub struct Slack {
    settings: Settings,
    http: Http,
}

/// Of the Web API; `error` is a word: `channel_not_found`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answered {
    ok: bool,
    error: String,
    channel: String,
    ts: String,
}

impl Slack {
    /// Connects to nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, http: Http::new(Reach::Private, TIMEOUT) }
    }

    /// Posts one message: with a token into `channel` (a name or an id; empty: the configured one), with
    /// a webhook into the webhook's own. The receipt names the message where Slack tells its name.
    ///
    /// # Errors
    /// With the class after reliability.md.
    pub fn post(&self, channel: &str, message: &Message<'_>, at: DateTime<Utc>) -> Result<Receipt, Failure> {
        match &self.settings.way {
            Way::Webhook(url) => self.to_webhook(url.expose(), &body(message, None), at),
            Way::Token { token, channel: usual } => {
                let channel = if channel.is_empty() { usual } else { channel };
                self.by_token(token.expose(), &body(message, Some(channel)), at)
            }
        }
    }

    fn to_webhook(&self, url: &Url, body: &[u8], at: DateTime<Utc>) -> Result<Receipt, Failure> {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        let answer = self.http.ask(&Request { method: Method::POST, url, headers, body })?;
        let secrets = [url.as_str(), url.path()];
        let words = Words::first_line(&answer.body, &secrets);
        match (answer.is_good(), words.to_string().as_str()) {
            (true, "ok") => Ok(receipt("ok".to_owned(), body)),
            (true, _) => {
                let reason = format!("{} answered as no webhook of Slack does: check webhook_url in [slack]", answer.host);
                Err(Failure::new(FailureClass::Denied, reason))
            }
            (false, word) => Err(answer.failure_of(of_webhook(word, &answer), &words, at)),
        }
    }

    fn by_token(&self, token: &str, body: &[u8], at: DateTime<Utc>) -> Result<Receipt, Failure> {
        let unusable = |_| Failure::new(FailureClass::Denied, "api_url in [slack] cannot be called");
        let url = self.settings.api.join("chat.postMessage").map_err(unusable)?;
        let headers =
            vec![("content-type", "application/json; charset=utf-8".to_owned()), ("authorization", format!("Bearer {token}"))];
        let answer = self.http.ask(&Request { method: Method::POST, url: &url, headers, body })?;
        let said = serde_json::from_slice::<Answered>(&answer.body);
        match said {
            Ok(said) if said.ok && answer.is_good() => Ok(receipt(format!("{}/{}", said.channel, said.ts), body)),
            Ok(said) if !said.error.is_empty() => {
                let words = Words::without(&told(&said.error), &[token]);
                let failure = answer.failure_of(of_method(&said.error, &answer), &words, at);
                // An error with status 200 reads oddly.
                let message = format!("{} answered: {words}", answer.host);
                Err(if answer.is_good() { Failure { message, ..failure } } else { failure })
            }
            Ok(_) | Err(_) if answer.is_good() => {
                let reason = format!("{} answered as Slack does not: check api_url in [slack]", answer.host);
                Err(Failure::new(FailureClass::Denied, reason))
            }
            _ => Err(answer.failure(&Words::first_line(&answer.body, &[token]), at)),
        }
    }
}

fn receipt(provider_ref: String, body: &[u8]) -> Receipt {
    let provider_ref = provider_ref.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
    Receipt { provider_ref, sha256: sha256_hex(body), bytes: body.len().try_into().unwrap_or(u64::MAX) }
}

fn body(message: &Message<'_>, channel: Option<&str>) -> Vec<u8> {
    let mut blocks = Vec::new();
    let title = cut(message.title.trim(), LONGEST_TITLE);
    if !title.is_empty() {
        blocks.push(json!({ "type": "header", "text": { "type": "plain_text", "text": title, "emoji": false } }));
    }
    for section in sections(message.text) {
        // Verbatim: a name such as @channel in a customer's data calls nobody.
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": section, "verbatim": true } }));
    }
    let short = if message.short.trim().is_empty() { message.title } else { message.short };
    let mut body = json!({ "text": escaped(short.trim(), LONGEST_FALLBACK), "blocks": blocks });
    if let Some(channel) = channel {
        body["channel"] = channel.into();
    }
    body.to_string().into_bytes()
}

/// The text, escaped, in as many blocks as it takes and Slack allows; lines stay whole where they can.
fn sections(text: &str) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        let line = escaped(line.trim_end(), LONGEST_SECTION - 1);
        let full = sections.len() == SECTIONS;
        match sections.last_mut() {
            Some(last) if last.chars().count() + 1 + line.chars().count() < LONGEST_SECTION => {
                last.push('\n');
                last.push_str(&line);
            }
            _ if full => {
                sections.push("…".to_owned());
                break;
            }
            _ => sections.push(line),
        }
    }
    // Slack refuses an empty one.
    sections.retain(|section| !section.trim().is_empty());
    sections
}

/// `&`, `<` and `>` are Slack's only markup that reaches beyond looks: mentions and links
/// (docs.slack.dev/messaging/formatting-message-text). Web addresses become links. Whole characters
/// and whole escapes, of at most so many characters in all.
fn escaped(text: &str, longest: usize) -> String {
    let mut written = String::new();
    let mut length = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let link = (bare.starts_with("https://") || bare.starts_with("http://")) && !bare.contains(['|', '<', '>']);
        let escapes = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c if c.is_control() && c != '\n' => " ".to_owned(),
            c => c.to_string(),
        };
        let mut pieces: Vec<String> = bare.chars().map(escapes).collect();
        if link && length + pieces.iter().map(|piece| piece.chars().count()).sum::<usize>() + 2 < longest {
            pieces = vec![format!("<{}>", pieces.concat())];
        }
        pieces.extend(word[bare.len()..].chars().map(escapes));
        for piece in pieces {
            let more = piece.chars().count();
            if length + more >= longest {
                written.push('…');
                return written;
            }
            length += more;
            written.push_str(&piece);
        }
    }
    written
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The word in the body of a webhook's answer knows it better than the status
/// (api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks).
fn of_webhook(word: &str, answer: &Answer) -> FailureClass {
    match word {
        // The webhook itself is gone or forbidden: no message passes.
        "action_prohibited" | "invalid_token" | "no_active_hooks" | "no_service" | "no_team" | "no_service_id"
        | "team_disabled" => FailureClass::Denied,
        "channel_is_archived" | "channel_not_found" | "invalid_payload" | "no_text" | "user_not_found" => FailureClass::Rejected,
        _ => super::http::class_of(answer.status, answer.header("retry-after").is_some()),
    }
}

/// The errors of chat.postMessage and those that every method has.
fn of_method(error: &str, answer: &Answer) -> FailureClass {
    match error {
        "access_denied"
        | "account_inactive"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "invalid_auth"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "not_authed"
        | "org_login_required"
        | "team_access_not_granted"
        | "token_expired"
        | "token_revoked"
        | "two_factor_setup_required" => FailureClass::Denied,
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => FailureClass::Throttled,
        "service_unavailable" => FailureClass::Broken,
        // "It's possible some aspect of the operation succeeded before the error was raised."
        "fatal_error" | "internal_error" | "request_timeout" => FailureClass::NoAnswer,
        _ if answer.is_good() => FailureClass::Rejected,
        _ => super::http::class_of(answer.status, answer.header("retry-after").is_some()),
    }
}

/// For people.
fn told(error: &str) -> String {
    let hint = match error {
        "channel_not_found" => " (there is no such channel, or the app is not in it)",
        "not_in_channel" => " (invite the app into the channel, or give it chat:write.public)",
        "is_archived" => " (the channel is archived)",
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => " (check token in [slack])",
        "missing_scope" => " (the token needs the scope chat:write)",
        _ => "",
    };
    format!("{error}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(message: &Message<'_>) -> serde_json::Value {
        serde_json::from_slice(&body(message, Some("#billing"))).unwrap()
    }

    #[test]
    fn a_message_has_blocks_and_words_for_where_there_are_none() {
        let said = said(&Message {
            title: "INV-1 <paid>",
            short: "Müller & Co paid",
            text: "See https://x.example/?a=1&b=2 <!here>\nbye",
        });
        assert_eq!(
            said,
            json!({
                "channel": "#billing",
                "text": "Müller &amp; Co paid",
                "blocks": [
                    { "type": "header", "text": { "type": "plain_text", "text": "INV-1 <paid>", "emoji": false } },
                    { "type": "section", "text": {
                        "type": "mrkdwn", "verbatim": true,
                        "text": "See <https://x.example/?a=1&amp;b=2> &lt;!here&gt;\nbye",
                    } },
                ],
            })
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_long_or_calls_anybody(title in "\\PC{0,400}", text in "(\\PC{0,300}|[<>&@!]{0,9}|https?://[a-z<>|&]{0,9}|\n|é{1200}){0,40}") {
            let said = said(&Message { title: &title, short: &text, text: &text });
            let length = |text: &serde_json::Value| text.as_str().unwrap().chars().count();
            prop_assert!(length(&said["text"]) <= LONGEST_FALLBACK);
            let blocks = said["blocks"].as_array().unwrap();
            prop_assert!(blocks.len() <= SECTIONS + 2);
            for block in blocks {
                let longest = if block["type"] == "header" { LONGEST_TITLE } else { LONGEST_SECTION };
                prop_assert!((1..=longest).contains(&length(&block["text"]["text"])), "{}", block);
            }
            let whole = serde_json::to_string(&blocks[blocks.len().min(1)..]).unwrap();
            prop_assert!(!whole.contains("<!") && !whole.contains("<@"), "{}", whole);
        }
    }
}
