//! Where rows and their fields stand in a file, for what is found out once they are read.

use super::header::Header;
use super::read::RowKey;
use super::scan::Place;
use crate::error::Problem;
use std::sync::Arc;

/// Where a row stands, so that what is found out about it later (against the database, say) can
/// still be told with its place.
#[derive(Debug, Clone)]
pub struct Source {
    pub(super) header: Arc<Header>,
    pub(super) key: Option<RowKey>,
    /// For each column of the table.
    pub(super) places: Box<[Place]>,
}

impl Source {
    /// Whether the file has a column: what it lacks stays as it stands (`keep`).
    pub fn has(&self, column: &str) -> bool {
        self.header.has(column)
    }

    /// What names the row.
    pub const fn key(&self) -> Option<RowKey> {
        self.key
    }

    pub fn line(&self) -> u64 {
        self.places.first().map_or(1, |place| place.line)
    }

    /// What is wrong with one field of the row. A `field` that is no column stands for the row.
    pub fn problem(&self, field: &str, value: &str, reason: impl Into<String>) -> Problem {
        self.header.problem(self.place(field), field, value, reason.into())
    }

    /// Where one field stands.
    pub fn spot(&self, field: &'static str) -> Spot {
        Spot { header: Arc::clone(&self.header), field, place: self.place(field) }
    }

    fn place(&self, field: &str) -> Place {
        let index = self.header.kind.columns().iter().position(|column| column.name == field).unwrap_or(0);
        self.places.get(index).copied().unwrap_or(Place { line: 1, column: 1 })
    }
}

/// One field of a row, to be told later: all that is kept where there may be one for each row of a file.
#[derive(Debug, Clone)]
pub struct Spot {
    header: Arc<Header>,
    field: &'static str,
    place: Place,
}

impl Spot {
    /// The order of the files, then that of their rows.
    pub fn order(&self) -> impl Ord + use<> {
        (self.header.kind, self.place)
    }

    pub fn problem(&self, reason: impl Into<String>) -> Problem {
        self.header.problem(self.place, self.field, "", reason.into())
    }
}
