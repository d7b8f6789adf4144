//! The witness: a small file outside the database that names the last run which this machine began
//! on it. A database that lacks that run is an older copy (a backup that was put back), and going
//! on with it would give numbers again and repeat what was done since (reliability.md).
//!
//! It lies beside a SQLite file, and for Postgres in the folder of `[state]`, under the database's
//! own id. It is written after the run's row is committed, so it is never ahead of a database that
//! lost nothing.

use crate::context::Context;
use crate::model::RunId;
use crate::providers::folder;
use crate::store::runs::Run;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind};

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    pub database_id: String,
    /// None until the first run after a reconciliation.
    pub run_id: Option<RunId>,
    pub job: String,
    pub host: String,
    pub started_at: DateTime<Utc>,
    /// Ids that this database had before it was reconciled: a copy with one of them is older still.
    #[serde(default)]
    pub superseded: Vec<String>,
}

impl Witness {
    pub fn of(run: &Run, database_id: &str) -> Self {
        let Run { run_id, job, host, started_at, .. } = run.clone();
        Self { database_id: database_id.to_owned(), run_id: Some(run_id), job, host, started_at, superseded: Vec::new() }
    }

    /// Whether it speaks of the database with this id, as it is or as it was.
    fn is_of(&self, database_id: &str) -> bool {
        self.database_id == database_id || self.superseded.iter().any(|id| id == database_id)
    }

    /// Whether the database with this id was replaced by a reconciled one.
    pub fn supersedes(&self, database_id: &str) -> bool {
        self.database_id != database_id && self.is_of(database_id)
    }

    /// When the run began, for people.
    pub fn began(&self) -> String {
        self.started_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// The witness of this database. None when there is none, or when it is of another database, which
/// then had this name before.
///
/// # Errors
/// The file cannot be read, or is none of ours: it is told, and ends nothing.
pub fn read(ctx: &Context, database_id: &str) -> std::io::Result<Option<Witness>> {
    Ok(there(ctx, database_id)?.filter(|witness| witness.is_of(database_id)))
}

/// What lies where the witness of this database would.
fn there(ctx: &Context, database_id: &str) -> std::io::Result<Option<Witness>> {
    let bytes = match std::fs::read(ctx.witness(database_id)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// A reconciled database goes on under a new id: copies with its old one are known from now on.
/// Until its first run, the witness names none.
pub fn reconciled(ctx: &Context, before: &str, after: &str, at: DateTime<Utc>) {
    let old = there(ctx, before).ok().flatten().filter(|witness| witness.is_of(before));
    let mut superseded = old.map_or_else(Vec::new, |witness| [witness.superseded, vec![witness.database_id]].concat());
    superseded.push(before.to_owned());
    superseded.sort();
    superseded.dedup();
    let job = "db.reconcile".to_owned();
    put(
        ctx,
        &Witness { database_id: after.to_owned(), run_id: None, job, host: super::host::name(), started_at: at, superseded },
    );
}

/// Writes it whole or not at all, for its owner alone. That it cannot be written is a warning: the
/// work matters more than its witness.
pub fn write(ctx: &Context, witness: &Witness) {
    let before = there(ctx, &witness.database_id).ok().flatten().filter(|before| before.database_id == witness.database_id);
    let superseded = before.map_or_else(Vec::new, |before| before.superseded);
    put(ctx, &Witness { superseded, ..witness.clone() });
}

fn put(ctx: &Context, witness: &Witness) {
    let path = ctx.witness(&witness.database_id);
    let written = serde_json::to_vec(witness).map_err(Error::other).and_then(|bytes| folder::write_private(&path, &bytes));
    if let Err(error) = written {
        let path = path.display();
        ctx.ui.warn(format!(
            "{path} cannot be written, so an old backup put in the database's place would not be noticed: {error}"
        ));
    }
}
