//! `finops db mark-test`: a database in which any day may be tried out.

use crate::context::Context;
use crate::engine::host;
use crate::error::{Error, ExitCode, Result};
use crate::model::ids::SYSTEM_COMPANY;
use crate::store::audit::{self, Entry};
use crate::store::{numbers, schema};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mark it though it has issued documents: it is a copy of the books, and never billed from.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Marked {
    database: String,
    test: bool,
    already_marked: bool,
}

pub fn run(args: &Args, ctx: &Context) -> Result<ExitCode> {
    let author = host::author(ctx);
    let new_id = ctx.ids.uuid().to_string();
    let already_marked = ctx.open_db()?.write(|tx| {
        if schema::is_test(tx)? {
            return Ok(true);
        }
        if !args.yes && numbers::any_given(tx)? {
            return Err(Error::refused("this database has issued documents: what is tried out in it cannot be taken back")
                .hint("try it out in an empty one, or in a copy (finops db copy --to URL) that you mark with --yes"));
        }
        schema::mark_as_test(tx)?;
        let (company_id, action) = (SYSTEM_COMPANY.to_owned(), "database.marked_test");
        let (entity_id, payload) = (schema::database_id(tx, &new_id)?, "{}".to_owned());
        audit::append(tx, &author, &[Entry { company_id, action, entity: "database", entity_id, payload }])?;
        Ok::<_, Error>(false)
    })?;
    let marked = Marked { database: ctx.config.database.url.to_string(), test: true, already_marked };
    ctx.ui.done(&marked, || {
        let already = if already_marked { " already" } else { "" };
        format!("{} is a test{already}: --now may lie in the future", marked.database)
    });
    Ok(ExitCode::Done)
}
