//! `finops notify preview` and `notify templates`: what a message says, before anybody gets it.

use crate::context::Context;
use crate::error::{Error, ExitCode, Result, io_error};
use crate::jobs::messages::{Gathered, Workshop, gather};
use crate::model::dunning::AFTER_FINAL;
use crate::model::message::{About, Mailbox, Message, MessageFacts, MessageKind, Rendered, Severity};
use crate::model::{CompanyId, InvoiceState};
use crate::operations::invoices::find;
use crate::providers::folder::write_private;
use crate::render::languages;
use crate::render::messages::{built_in, samples};
use clap::ValueEnum;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Write what a message would say, and send nothing.
///
/// With an invoice it says what the customer would read now; without one, it tells of an invented one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops notify preview reminder.overdue --invoice INV-2026-000001 --lang de --out preview")]
pub struct Args {
    /// The message: invoice.issued, reminder.overdue, job.failed … (finops notify templates lists them).
    #[arg(value_name = "TEMPLATE")]
    kind: MessageKind,
    /// The invoice that it is about, by number or id.
    #[arg(long, value_name = "NUMBER")]
    invoice: Option<String>,
    /// The company, when two sellers use the same number.
    #[arg(long, value_name = "ID", requires = "invoice")]
    company_id: Option<CompanyId>,
    /// The language, such as en, de, fr, es or pl [default: the invoice's].
    #[arg(long, value_name = "TAG")]
    lang: Option<String>,
    /// Of a reminder: how pressing, from 1; 4 is the final notice, and 5 what follows it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(AFTER_FINAL)))]
    urgency: Option<u8>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Part::Text)]
    part: Part,
    /// Write all of it into this folder instead: subject and text, HTML, attachments.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// Subject and plain text.
    Text,
    Html,
    /// What an SMS would say.
    Short,
    /// Subject and what Slack would show.
    Slack,
}

#[derive(Serialize)]
struct Previewed<'r> {
    kind: MessageKind,
    language: &'r str,
    #[serde(flatten)]
    rendered: &'r Rendered,
    attachments: Vec<&'r str>,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let workshop = Workshop::new(ctx);
    let (facts, language, attachments) = match &args.invoice {
        Some(name) => of_invoice(args, ctx, &workshop, name)?,
        None => (sample(args.kind)?, "en".to_owned(), Vec::new()),
    };
    let facts = MessageFacts { urgency: args.urgency.or(facts.urgency), ..facts };
    let language = args.lang.clone().unwrap_or(language);
    let speaks = languages::find(&language)?.tag;
    if !language.to_ascii_lowercase().starts_with(speaks) {
        ctx.ui.warn(format!("finops does not speak {language:?}: this is {speaks:?}"));
    }
    let press = workshop.press()?;
    let rendered = press.words(args.kind, &language, &facts)?;
    if let Some(folder) = &args.out {
        return write(ctx, folder, &format!("{}.{language}", args.kind), &rendered, &attachments);
    }
    let slack = press.slack(args.kind, &language, &facts)?;
    let shown = Previewed {
        kind: args.kind,
        language: &language,
        rendered: &rendered,
        attachments: attachments.iter().map(|(name, _)| name.as_str()).collect(),
    };
    ctx.ui.item(&shown, || match args.part {
        Part::Text => format!("{}\n\n{}", rendered.subject, rendered.text),
        Part::Html => rendered.html.clone(),
        Part::Short => rendered.short.clone(),
        Part::Slack => format!("{}\n\n{slack}", rendered.subject),
    });
    Ok(ExitCode::Done)
}

fn sample(kind: MessageKind) -> Result<MessageFacts> {
    let samples = samples(kind).map_err(|invalid| Error::failed(invalid.0))?;
    samples.into_iter().nth(1).ok_or_else(|| Error::failed(format!("{kind} has no sample")))
}

type Files = Vec<(String, Vec<u8>)>;

fn of_invoice(args: &Args, ctx: &Context, workshop: &Workshop, name: &str) -> Result<(MessageFacts, String, Files)> {
    let mut db = ctx.open_db()?;
    let mut content = db.read(|tx| {
        let invoice = find(tx, name, args.company_id.as_ref())?;
        if invoice.state == InvoiceState::Draft {
            return Err(Error::refused(format!(
                "invoice {} is a draft, and customers hear of it when it is issued",
                invoice.label()
            ))
            .hint("finops invoices issue; or leave --invoice out to see an invented one"));
        }
        let about = About::Invoices {
            seller_id: invoice.seller_id.clone(),
            invoice_ids: vec![invoice.invoice_id.clone()],
            level: None,
            urgency: None,
        };
        let message = Message {
            kind: args.kind,
            severity: Severity::Info,
            language: args.lang.clone().unwrap_or_default(),
            recipient: Mailbox { name: String::new(), address: "preview@example.com".to_owned() },
            to: Vec::new(),
            cc: Vec::new(),
            message_key: String::new(),
            about,
        };
        match gather(tx, ctx.as_of, &invoice.company_id, &message)? {
            Gathered::Ready(content) => Ok(content),
            Gathered::Gone(why) => Err(Error::refused(format!("invoice {}: {why}", invoice.label()))),
        }
    })?;
    if content.facts.owed.is_empty() && args.kind.is_reminder() {
        return Err(Error::refused(format!("nothing is owed on invoice {name}: nobody is reminded of it"))
            .hint("name one that is open; or leave --invoice out to see an invented one"));
    }
    let made = workshop.press()?.attachments(args.kind, &mut content);
    let (attachments, _) = made.map_err(|failure| Error::failed(failure.message))?;
    let files = attachments.into_iter().map(|attachment| (attachment.name, attachment.bytes)).collect();
    let sample = sample(args.kind)?;
    let language = content.language;
    let mut facts = content.facts;
    // What only its own occasion gives it is invented.
    facts.event = facts.event.or(sample.event);
    facts.statement = facts.statement.or(sample.statement);
    if facts.events.is_empty() {
        facts.events = sample.events;
    }
    Ok((facts, language, files))
}

fn write(ctx: &Context, folder: &Path, name: &str, rendered: &Rendered, attachments: &Files) -> Result<ExitCode> {
    std::fs::create_dir_all(folder).map_err(|error| io_error("make the folder", folder, error))?;
    let text = format!("{}\n\n{}", rendered.subject, rendered.text);
    let parts = [("txt", text.as_bytes()), ("html", rendered.html.as_bytes()), ("short.txt", rendered.short.as_bytes())];
    let mut files: Vec<(String, &[u8])> = parts.iter().map(|(ending, bytes)| (format!("{name}.{ending}"), *bytes)).collect();
    files.extend(attachments.iter().map(|(name, bytes)| (name.clone(), bytes.as_slice())));
    for (name, bytes) in files {
        let path = folder.join(name);
        write_private(&path, bytes).map_err(|error| io_error("write", &path, error))?;
        ctx.ui.item(&serde_json::json!({ "path": path, "bytes": bytes.len() }), || path.display().to_string());
    }
    Ok(ExitCode::Done)
}

/// List the built-in templates, or write them into a folder, to be changed there.
///
/// A file in the folder of [messages] templates replaces the built-in template of its name, for all
/// languages or, as reminder.overdue.de.html, for one. Keep only those that you change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops notify templates --out templates")]
pub struct TemplatesArgs {
    /// Write them into this folder; files that are there stay.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn templates(args: &TemplatesArgs, ctx: &Context) -> Result<ExitCode> {
    for (name, text) in built_in() {
        let path = args.out.as_ref().map(|folder| folder.join(&name));
        if let (Some(folder), Some(path)) = (&args.out, &path) {
            std::fs::create_dir_all(folder).map_err(|error| io_error("make the folder", folder, error))?;
            if path.exists() {
                ctx.ui.warn(format!("{} is there already, and stays", path.display()));
                continue;
            }
            write_private(path, text.as_bytes()).map_err(|error| io_error("write", path, error))?;
        }
        ctx.ui.item(&serde_json::json!({ "template": name, "path": path }), || {
            path.as_ref().map_or_else(|| name.clone(), |path| path.display().to_string())
        });
    }
    Ok(ExitCode::Done)
}
