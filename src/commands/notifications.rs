//! `finops notifications`: messages that another application shows (channel `in_app`).

use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::model::message::{MessageKind, Severity};
use crate::store::Tx;
use crate::store::notifications::{self, Notification};
use crate::ui::Column;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use serde::Serialize;
use std::collections::BTreeSet;

/// List and tick off messages for another application to show.
///
/// Routes of the configuration lead to them: to = ["in_app:dashboard"], or people with the channel
/// in_app. The other application asks with --json, and says what was read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  finops notifications list --recipient dashboard --json")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what is unread, the oldest first.
    #[command(after_help = "Example:\n  finops notifications list --recipient dashboard --json")]
    List(ListArgs),
    /// Say that messages were read.
    #[command(after_help = "Example:\n  finops notifications read --all --recipient dashboard")]
    Read(ReadArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only what is for this recipient.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    recipient: String,
    /// What was read as well, the latest first.
    #[arg(long)]
    all: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct ReadArgs {
    /// Their ids, as `list` shows them.
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that is unread of a recipient.
    #[arg(long, requires = "recipient")]
    all: bool,
    /// Whose.
    #[arg(long, value_name = "NAME", requires = "all")]
    recipient: Option<String>,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    match &args.verb {
        Verb::List(args) => list(args, ctx),
        Verb::Read(args) => read(args, ctx),
    }
}

/// A notification as JSON.
#[derive(Serialize)]
struct Shown<'n> {
    id: &'n str,
    company_id: &'n str,
    recipient: &'n str,
    kind: MessageKind,
    severity: Severity,
    title: &'n str,
    body: &'n str,
    created_at: String,
    read_at: Option<String>,
}

impl<'n> From<&'n Notification> for Shown<'n> {
    fn from(n: &'n Notification) -> Self {
        Self {
            id: &n.key,
            company_id: n.company_id.as_str(),
            recipient: &n.recipient,
            kind: n.kind,
            severity: n.severity,
            title: &n.title,
            body: &n.body,
            created_at: rfc3339(n.created_at),
            read_at: n.read_at.map(rfc3339),
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn list(args: &ListArgs, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let found = db.read(|tx| match args.all {
        true => notifications::all(tx, &args.recipient, args.limit),
        false => notifications::unread(tx, &args.recipient, args.limit),
    })?;
    let shown: Vec<Shown> = found.iter().map(Shown::from).collect();
    let columns = [
        Column::left("Since"),
        Column::left("For"),
        Column::left("Severity"),
        Column::left("Title"),
        Column::left("Read"),
        Column::left("Id"),
    ];
    ctx.ui.list(&columns, &shown, |n| {
        vec![
            n.created_at.clone(),
            n.recipient.to_owned(),
            n.severity.to_string(),
            n.title.to_owned(),
            n.read_at.clone().unwrap_or_default(),
            n.id.to_owned(),
        ]
    });
    match found.len() {
        0 if !args.all => ctx.ui.note("nothing is unread; --all lists what was read"),
        n if n == args.limit as usize => ctx.ui.note(format!("the first {n}; --limit shows more")),
        _ => {}
    }
    Ok(ExitCode::Done)
}

/// What became of one.
#[derive(Serialize)]
struct Read<'n> {
    id: &'n str,
    recipient: &'n str,
    /// It was read before, and that stands.
    already_read: bool,
}

/// Notifications a transaction.
const PAGE: u32 = 500;

fn read(args: &ReadArgs, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let at = ctx.clock.now();
    let mark = |tx: &mut Tx, found: Vec<Notification>| -> Result<Vec<(Notification, bool)>> {
        found.into_iter().map(|n| notifications::mark_read(tx, &n, at).map(|new| (n, new)).map_err(Error::from)).collect()
    };
    let tell = |read: &[(Notification, bool)]| {
        for (n, new) in read {
            let told = Read { id: &n.key, recipient: &n.recipient, already_read: !new };
            ctx.ui.done(&told, || format!("read      {:<20} {}", n.recipient, n.title));
        }
    };
    if let Some(recipient) = args.recipient.as_deref() {
        loop {
            let read = db.write(|tx| {
                let page = notifications::unread(tx, recipient, PAGE)?;
                mark(tx, page)
            })?;
            if read.is_empty() {
                return Ok(ExitCode::Done);
            }
            tell(&read);
        }
    }
    let ids: BTreeSet<&String> = args.ids.iter().collect();
    let read = db.write(|tx| {
        let found = ids.iter().map(|id| {
            let missing = || {
                Error::not_found(format!("there is no notification {id}")).hint("finops notifications list --all shows the ids")
            };
            notifications::find(tx, id)?.ok_or_else(missing)
        });
        let found = found.collect::<Result<Vec<_>>>()?;
        mark(tx, found)
    })?;
    tell(&read);
    Ok(ExitCode::Done)
}
