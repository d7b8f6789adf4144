//! `finops db distribute`: from one Postgres to a Citus cluster, a statement at a time.

use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::store::distribute::{self, Spread};
use crate::store::{Db, StoreError, Tx, claims};
use serde::Serialize;

#[derive(Serialize)]
struct Statement<'s> {
    statement: &'s str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

#[derive(Serialize)]
struct Distributed {
    job: &'static str,
    dry_run: bool,
    /// Statements that were carried out, or that would be.
    statements: usize,
}

pub(super) fn run(ctx: &Context, dry_run: bool) -> Result<ExitCode> {
    let mut db = ctx.open_db()?;
    let show = |statement: &str| ctx.ui.item(&Statement { statement, dry_run }, || format!("{statement};"));
    let statements = if dry_run {
        let plan = db.read(distribute::plan)?;
        plan.iter().for_each(|statement| show(statement));
        plan.len()
    } else {
        refuse_beside_jobs(&mut db, ctx)?;
        distribute::distribute(&mut db, show)?
    };
    let text = || match (statements, dry_run) {
        (0, _) => "db distribute: everything is where it belongs".to_owned(),
        (n, true) => format!("db distribute: {n} statements to carry out"),
        (n, false) => format!("db distribute: {n} statements carried out"),
    };
    ctx.ui.summary(&Distributed { job: "db.distribute", dry_run, statements }, text, statements > 0);
    Ok(ExitCode::Done)
}

/// A job that writes while its tables move waits for their locks, longer than a statement may.
fn refuse_beside_jobs(db: &mut Db, ctx: &Context) -> Result<()> {
    let now = ctx.clock.now();
    match db.read(|tx| claims::count_held(tx, now))? {
        0 => Ok(()),
        n => Err(Error::try_later(format!("a job is at work on {n} companies")).hint(
            "stop the cron lines on every host, and wait until the jobs have ended; the claims of a dead one end after 2 minutes",
        )),
    }
}

/// Tables that a newer schema brought to a database that is spread already.
pub(super) fn go_on(db: &mut Db) -> Result<()> {
    if db.read(distribute::spread)? == Spread::Partly {
        distribute::distribute(db, |_| {})?;
    }
    Ok(())
}

/// For `db status`; None where there is no Citus.
pub(super) fn word(tx: &mut Tx) -> Result<Option<&'static str>, StoreError> {
    Ok(match distribute::spread(tx)? {
        Spread::Impossible => None,
        Spread::NotYet => Some("no"),
        Spread::Partly => Some("partly"),
        Spread::Complete => Some("yes"),
    })
}
