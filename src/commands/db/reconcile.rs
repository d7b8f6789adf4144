//! `finops db reconcile`: after a backup was put in the database's place.

use crate::context::Context;
use crate::error::{ExitCode, Result};
use crate::model::SellerId;
use crate::operations::reconcile::{self as operations, Outside, PassedOver};
use crate::ui::Column;
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A number that was given after the backup and of which no PDF lies in the folder; may be repeated.
    #[arg(long, value_name = "SELLER=NUMBER", value_parser = given)]
    given: Vec<(SellerId, String)>,
    /// Go on with this database: no number that was given is given again.
    #[arg(long)]
    accept: bool,
}

fn given(text: &str) -> Result<(SellerId, String), String> {
    let (seller, number) = text.split_once('=').ok_or("write it as SELLER=NUMBER, such as nordlicht=INV-2026-000042")?;
    let seller: SellerId = seller.parse().map_err(|error: crate::model::Invalid| error.0)?;
    Ok((seller, number.to_owned()))
}

#[derive(Serialize)]
struct Summary<'a> {
    job: &'static str,
    /// An older copy was put in the database's place.
    in_doubt: bool,
    unknown: usize,
    accepted: bool,
    passed_over: &'a [PassedOver],
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let outside = operations::look(ctx, &mut db, &args.given)?;
    let columns = [
        Column::left("Document"),
        Column::left("Seller"),
        Column::left("Number"),
        Column::left("Series"),
        Column::right("Place"),
    ];
    ctx.ui.list(&columns, &outside.unknown, |unknown| {
        let (series, seq) = unknown.series.as_ref().map_or_else(Default::default, |s| (s.series_id.clone(), s.seq.to_string()));
        vec![unknown.path.clone(), unknown.seller_id.clone(), unknown.number.clone(), series, seq]
    });
    let passed_over = if args.accept { operations::accept(ctx, &mut db, &outside)? } else { Vec::new() };
    let is_clean = outside.doubt.is_none() && outside.unknown.iter().all(|unknown| unknown.series.is_none());
    let summary = Summary {
        job: "db.reconcile",
        in_doubt: outside.doubt.is_some(),
        unknown: outside.unknown.len(),
        accepted: args.accept,
        passed_over: &passed_over,
    };
    let text = || if args.accept { accepted(&outside, &passed_over) } else { told(&outside, is_clean) };
    ctx.ui.summary(&summary, text, !is_clean);
    Ok(if args.accept || is_clean { ExitCode::Done } else { ExitCode::Failed })
}

fn told(outside: &Outside, is_clean: bool) -> String {
    if is_clean {
        return "db reconcile: the database knows all that this machine knows".to_owned();
    }
    let doubt = outside.doubt.as_ref().map_or_else(|| "No run is missing".to_owned(), |doubt| doubt.message.clone());
    format!(
        "{doubt}; documents of this machine that are not in the database: {}.\n\
         1. Is there a later copy of the database? Put that in place instead.\n\
         2. Were documents stored elsewhere (S3, another host)? Tell the last number of each seller: --given SELLER=NUMBER\n\
         3. finops db reconcile --accept: their numbers are never given again. What they billed is billed again by the next\n   \
         run, under new numbers: tell the customers which invoice replaces which. What was sent, paid or imported since\n   \
         the copy was made is to be done again.",
        outside.unknown.len()
    )
}

fn accepted(outside: &Outside, passed_over: &[PassedOver]) -> String {
    let mut text = match &outside.doubt {
        Some(_) => "db reconcile: the database is accepted as it is; the jobs run again".to_owned(),
        None => "db reconcile: no run is missing".to_owned(),
    };
    for PassedOver { series_id, first, last, from, to, .. } in passed_over {
        let numbers = if from == to { first.clone() } else { format!("{first} to {last}") };
        text.push_str(&format!("\nseries {series_id}: {numbers} will not be given again"));
    }
    text
}
