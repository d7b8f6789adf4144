//! `reminders list`: who was reminded of what and what became of it, or what is held back.

use super::find;
use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::model::CompanyId;
use crate::model::dunning::{Hold, HoldKind};
use crate::operations::reminders::Subject;
use crate::store::dunning::{self, Listed};
use crate::store::{Db, Tx, effects, invoices};
use crate::ui::Column;
use chrono::{NaiveDate, SecondsFormat};
use serde::Serialize;

/// Companies that are read at a time.
const PAGE: u32 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only of this invoice: its number, or its id.
    invoice: Option<String>,
    /// Only of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
    /// What is held back, instead of what was sent.
    #[arg(long)]
    held: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = crate::commands::count::<u32>)]
    limit: u32,
}

pub(super) fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let limit = args.limit as usize;
    let left = if args.held { held(args, ctx, db, limit)? } else { sent(args, ctx, db, limit)? };
    if left == 0 {
        ctx.ui.note(format!("only the first {limit} are shown; --limit N shows more"));
    }
    Ok(ExitCode::Done)
}

/// One message of a reminder.
#[derive(Serialize)]
struct Told {
    to: String,
    /// As effects have it: planned, sending, succeeded, failed …
    state: String,
}

#[derive(Serialize)]
struct Sent {
    planned_at: String,
    company_id: CompanyId,
    invoice: String,
    /// Days relative to the due date.
    level: i32,
    messages: Vec<Told>,
}

fn sent(args: &ListArgs, ctx: &Context, db: &mut Db, limit: usize) -> Result<usize> {
    let mut found = Vec::new();
    each_company(args, db, |tx, company_id, invoice_id| {
        for listed in dunning::of_company(tx, company_id, invoice_id)?.into_iter().take(limit.saturating_sub(found.len())) {
            found.push(shown(tx, listed)?);
        }
        Ok(found.len() < limit)
    })?;
    let columns = [
        Column::left("Planned"),
        Column::left("Company"),
        Column::left("Invoice"),
        Column::right("Days"),
        Column::left("To"),
        Column::left("State"),
    ];
    ctx.ui.list(&columns, &found, |sent| {
        let join = |of: fn(&Told) -> &String| {
            let mut parts: Vec<&str> = sent.messages.iter().map(|told| of(told).as_str()).collect();
            parts.dedup();
            parts.join(", ")
        };
        vec![
            sent.planned_at.clone(),
            sent.company_id.to_string(),
            sent.invoice.clone(),
            format!("{:+}", sent.level),
            join(|told| &told.to),
            join(|told| &told.state),
        ]
    });
    Ok(limit - found.len())
}

fn shown(tx: &mut Tx, Listed { reminder, number, planned_at }: Listed) -> Result<Sent> {
    let messages = effects::of_message(tx, &reminder.company_id, &reminder.message_key)?;
    Ok(Sent {
        planned_at: planned_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        company_id: reminder.company_id,
        invoice: number,
        level: reminder.level,
        messages: messages.into_iter().map(|effect| Told { to: effect.recipient, state: effect.state.to_string() }).collect(),
    })
}

#[derive(Serialize)]
struct Held {
    company_id: CompanyId,
    /// None: all of the company's.
    invoice: Option<String>,
    kind: HoldKind,
    until: Option<NaiveDate>,
    reason: String,
}

fn held(args: &ListArgs, ctx: &Context, db: &mut Db, limit: usize) -> Result<usize> {
    let mut found = Vec::new();
    each_company(args, db, |tx, company_id, invoice_id| {
        let holds = dunning::holds(tx, &[company_id.as_str()])?;
        let concerns = |hold: &Hold| invoice_id.is_empty() || hold.invoice_id.as_ref().is_none_or(|id| id.as_str() == invoice_id);
        for hold in holds.into_iter().filter(concerns).take(limit.saturating_sub(found.len())) {
            let invoice = match &hold.invoice_id {
                Some(id) => invoices::head(tx, company_id, id)?.map(|invoice| invoice.label().to_owned()),
                None => None,
            };
            let Hold { company_id, kind, until, reason, .. } = hold;
            found.push(Held { company_id, invoice, kind, until, reason });
        }
        Ok(found.len() < limit)
    })?;
    let columns =
        [Column::left("Company"), Column::left("Invoice"), Column::left("Kind"), Column::left("Until"), Column::left("Reason")];
    ctx.ui.list(&columns, &found, |held| {
        vec![
            held.company_id.to_string(),
            held.invoice.clone().unwrap_or_else(|| "all".to_owned()),
            held.kind.to_string(),
            held.until.map_or_else(|| "its release".to_owned(), |until| until.to_string()),
            held.reason.clone(),
        ]
    });
    Ok(limit - found.len())
}

/// Calls `read` with each company that is asked for, and the invoice's id or '', until it has enough.
fn each_company(args: &ListArgs, db: &mut Db, mut read: impl FnMut(&mut Tx, &CompanyId, &str) -> Result<bool>) -> Result<()> {
    if let Some(number) = &args.invoice {
        return db.read(|tx| {
            let invoice = find(tx, number, args.company_id.as_ref())?;
            read(tx, &invoice.company_id, invoice.invoice_id.as_str()).map(drop)
        });
    }
    if let Some(company_id) = &args.company_id {
        return db.read(|tx| {
            Subject::company(tx, company_id)?;
            read(tx, company_id, "").map(drop)
        });
    }
    let mut after = String::new();
    loop {
        let last = db.read(|tx| {
            let page = dunning::companies_reminded(tx, &after, PAGE)?;
            for company_id in &page {
                if !read(tx, company_id, "")? {
                    return Ok(None);
                }
            }
            Ok::<_, Error>(page.last().filter(|_| page.len() == PAGE as usize).map(ToString::to_string))
        })?;
        let Some(last) = last else { return Ok(()) };
        after = last;
    }
}
