//! `companies statement`: as text, JSON, PDF and mail.

use crate::commands::job::run_job;
use crate::context::Context;
use crate::engine::{RunOptions, doubts};
use crate::error::{Error, ExitCode, Result, io_error};
use crate::jobs::documents::load_fonts;
use crate::jobs::messages::Workshop;
use crate::jobs::settle::Settle;
use crate::jobs::statement::Letter;
use crate::model::calendar::parse_date;
use crate::model::message::Mailbox;
use crate::model::{CompanyId, EffectKind, Invalid, SellerId};
use crate::operations::companies::{Asked, mail_statement, statements};
use crate::store::{Db, Tx};
use chrono::NaiveDate;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct StatementArgs {
    /// The company's id.
    #[arg(value_name = "ID")]
    company_id: CompanyId,
    /// With this seller [default: with each that has billed it].
    #[arg(long, value_name = "ID")]
    seller: Option<SellerId>,
    /// The first day: 2026-01-01 [default: of the oldest invoice that is not paid].
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<NaiveDate>,
    /// The last day [default: today at the seller].
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<NaiveDate>,
    /// How it is shown.
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    format: String,
    /// Write it as a PDF instead of showing it.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Mail it to the billing contacts instead of showing it.
    #[arg(long, conflicts_with = "pdf")]
    mail: bool,
}

fn date(text: &str) -> Result<NaiveDate, Invalid> {
    parse_date(text)
}

pub(super) fn run(args: &StatementArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let asked = Asked { company_id: &args.company_id, seller_id: args.seller.as_ref(), from: args.from, to: args.to };
    if args.mail {
        return mail(&asked, ctx, db);
    }
    let letters: Vec<Letter> = db.read(|tx| statements(tx, ctx, &asked))?.into_iter().map(|(_, _, letter)| letter).collect();
    match &args.pdf {
        Some(path) => pdf(path, &letters, ctx)?,
        None if args.format == "json" => {
            for letter in &letters {
                let text = serde_json::to_string_pretty(&body(letter, &args.company_id))
                    .map_err(|error| Error::failed(format!("the statement cannot be written: {error}")))?;
                ctx.ui.item(&body(letter, &args.company_id), || text);
            }
        }
        None => {
            for letter in &letters {
                let text = letter.text()?;
                ctx.ui.item(&body(letter, &args.company_id), || text.trim_end().to_owned());
            }
        }
    }
    Ok(ExitCode::Done)
}

fn body(letter: &Letter, company_id: &CompanyId) -> serde_json::Value {
    json!({
        "company_id": company_id,
        "seller_id": letter.seller.id,
        "from": letter.statement.from,
        "to": letter.statement.to,
        "accounts": letter.statement.accounts,
    })
}

fn pdf(path: &Path, letters: &[Letter], ctx: &Context) -> Result<()> {
    let [letter] = letters else {
        let sellers: Vec<&str> = letters.iter().map(|letter| letter.seller.id.as_str()).collect();
        return Err(Error::usage(format!("several sellers have billed it: {}", sellers.join(", "))).hint("name one: --seller ID"));
    };
    let bytes = letter.pdf(&load_fonts(ctx)?)?;
    crate::providers::folder::write_private(path, &bytes).map_err(|error| io_error("write", path, error))?;
    ctx.ui.item(&json!({ "path": path, "bytes": bytes.len() }), || path.display().to_string());
    Ok(())
}

/// Plans the mails and sends them at once, with whatever other mail is due.
fn mail(asked: &Asked, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    if ctx.config.mail.is_none() {
        return Err(Error::config("a statement is sent by mail, and the configuration has no [mail]")
            .hint("set it up as finops.toml explains; finops notify test --channel email --to YOU tries it"));
    }
    doubts::tell(ctx, db)?;
    Workshop::new(ctx).check()?;
    let planned = db.write(|tx: &mut Tx| {
        let mut planned = Vec::new();
        for (company, seller, letter) in statements(tx, ctx, asked)? {
            let to = mail_statement(tx, ctx, &company, &seller, &letter)?;
            planned.push((body(&letter, asked.company_id), to));
        }
        Ok::<Vec<(serde_json::Value, Vec<Mailbox>)>, Error>(planned)
    })?;
    for (body, to) in &planned {
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        let item = json!({
            "company_id": body["company_id"], "seller_id": body["seller_id"], "from": body["from"], "to": body["to"], "mailed_to": to,
        });
        ctx.ui.item(&item, || format!("statement for {} to {}", asked.company_id, to.join(", ")));
    }
    let run = RunOptions { scope: format!("statement {}", asked.company_id), by_the_way: true, ..RunOptions::default() };
    run_job(&mut Settle::new(ctx, Some(EffectKind::Mail)), ctx, db, &run)
}
