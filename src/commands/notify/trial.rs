//! `finops notify test`: does a message arrive?

use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::model::contact::parse_phone;
use crate::model::ids::SYSTEM_COMPANY;
use crate::model::message::{Channel, Mail, Mailbox, parse_address};
use crate::model::{Failure, FailureClass, Receipt};
use crate::providers::mail::Mailer;
use crate::providers::mail::smtp::Smtp;
use crate::providers::slack::{Message, Slack};
use crate::providers::sms::Texter;
use crate::providers::sms::twilio::Twilio;
use crate::providers::webhook::{Webhook, message_id};
use serde::Serialize;
use serde_json::json;

/// Send one test message, now and for real, and tell what the other side says.
///
/// Nothing is planned or recorded, and it is not tried again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops notify test --channel email --to me@example.com")]
pub struct Args {
    /// email, sms, slack or webhook.
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Channel,

    /// An address, a telephone number with its country, a Slack channel (only with a token), or the NAME of [webhooks.NAME].
    #[arg(long, value_name = "WHOM", required_if_eq_any([("channel", "email"), ("channel", "sms"), ("channel", "webhook")]))]
    to: Option<String>,
}

fn channel(text: &str) -> std::result::Result<Channel, String> {
    match text.parse() {
        Ok(Channel::InApp) | Err(_) => Err("must be one of email, sms, slack, webhook".to_owned()),
        Ok(channel) => Ok(channel),
    }
}

const SUBJECT: &str = "finops: a test message";
const TEXT: &str =
    "This is a test message from finops. Somebody sent it with `finops notify test` to see whether it arrives.\n\nIt does.\n";

#[derive(Serialize)]
struct Told<'t> {
    channel: Channel,
    to: &'t str,
    /// What the other side calls the message, or says of it.
    provider_ref: String,
    bytes: u64,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let to = args.to.as_deref().unwrap_or_default();
    let sent = match args.channel {
        Channel::Email => mail(ctx, to)?,
        Channel::Sms => text(ctx, to)?,
        Channel::Slack => slack(ctx, to)?,
        Channel::Webhook => webhook(ctx, to)?,
        // The flag does not take it.
        Channel::InApp => return Err(Error::usage("in_app has nobody to send to")),
    };
    let Receipt { provider_ref, bytes, .. } = sent.map_err(|failure| told(&failure))?;
    let told = Told { channel: args.channel, to, provider_ref, bytes };
    ctx.ui.done(&told, || {
        let to = if to.is_empty() { "its channel" } else { to };
        format!("{} to {to}: sent; the other side says: {}", told.channel, told.provider_ref)
    });
    Ok(ExitCode::Done)
}

fn missing(section: &str) -> Error {
    Error::config(format!("there is no [{section}] in the configuration"))
        .hint("finops.toml as `finops init` writes it explains each key; the README lists them")
}

fn mail(ctx: &Context, to: &str) -> Result<Result<Receipt, Failure>> {
    let config = ctx.config.mail.as_ref().ok_or_else(|| missing("mail"))?;
    let address = parse_address(to).map_err(|error| Error::usage(error.to_string()).hint("for example: --to me@example.com"))?;
    let mail = Mail {
        message_id: format!("test.{}@{}", ctx.ids.uuid(), config.domain),
        references: Vec::new(),
        date: ctx.clock.now(),
        from: config.from.clone(),
        reply_to: config.reply_to.clone(),
        to: vec![Mailbox { name: String::new(), address: address.clone() }],
        cc: Vec::new(),
        recipient: address,
        subject: SUBJECT.to_owned(),
        text: TEXT.to_owned(),
        html: String::new(),
        attachments: Vec::new(),
        resend: false,
    };
    Ok(Smtp::new(config.server.clone()).send(&mail))
}

fn text(ctx: &Context, to: &str) -> Result<Result<Receipt, Failure>> {
    let config = ctx.config.sms.as_ref().ok_or_else(|| missing("sms"))?;
    let to = parse_phone(to).map_err(|error| Error::usage(error.to_string()).hint("for example: --to \"+49 151 12345678\""))?;
    Ok(Twilio::new(config.clone()).send(&to, SUBJECT, ctx.clock.now()))
}

fn slack(ctx: &Context, to: &str) -> Result<Result<Receipt, Failure>> {
    let config = ctx.config.slack.as_ref().ok_or_else(|| missing("slack"))?;
    let message = Message { title: SUBJECT, short: SUBJECT, text: TEXT };
    Ok(Slack::new(config.clone()).post(to, &message, ctx.clock.now()))
}

fn webhook(ctx: &Context, name: &str) -> Result<Result<Receipt, Failure>> {
    let Config { webhooks, .. } = &ctx.config;
    let settings = webhooks.get(name).ok_or_else(|| match webhooks.len() {
        0 => missing("webhooks.NAME"),
        _ => {
            let names = webhooks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::usage(format!("there is no [webhooks.{name}] in the configuration")).hint(format!("there are: {names}"))
        }
    })?;
    let now = ctx.clock.now();
    let body = json!({ "type": "test", "timestamp": now, "data": { "message": SUBJECT } }).to_string();
    let id = message_id(SYSTEM_COMPANY, &format!("test:{}", ctx.ids.uuid()));
    Ok(Webhook::new(settings.clone()).post(&id, body.as_bytes(), now))
}

/// What a person does about it; the exit code is that of a job that met the same.
fn told(failure: &Failure) -> Error {
    let (kind, hint) = match failure.class {
        FailureClass::Denied => (ErrorKind::Config, "correct the configuration, then try again"),
        FailureClass::Unreachable => {
            (ErrorKind::TryLater, "nothing was sent: check host and port in finops.toml, and whether this machine may reach them")
        }
        FailureClass::NoAnswer => (ErrorKind::TryLater, "it may have arrived all the same: look before you try again"),
        FailureClass::Throttled | FailureClass::Deferred | FailureClass::Broken | FailureClass::SoftDecline => {
            (ErrorKind::TryLater, "try again later; a job would do so by itself")
        }
        FailureClass::Rejected | FailureClass::HardDecline => (ErrorKind::Refused, "check whom it goes to"),
        FailureClass::Local | FailureClass::Obsolete => (ErrorKind::Failed, "see what is wrong with this machine: finops doctor"),
    };
    Error::new(kind, failure.message.clone()).hint(failure.hint.unwrap_or(hint))
}
