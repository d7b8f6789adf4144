//! The registry of scheduled jobs: one variant each, matched exhaustively, so that a job without its
//! schedule or its description does not compile, and a test holds it against `crontab.example`.

pub mod generate;
pub mod issue;

pub use crate::model::JobKind;

impl JobKind {
    /// When cron runs it, as five fields, in the machine's zone.
    pub const fn cron(self) -> &'static str {
        match self {
            Self::InvoicesGenerate => "13 4 * * *",
            Self::InvoicesIssue => "43 4 * * *",
        }
    }

    /// What it does, in one line.
    pub const fn what(self) -> &'static str {
        match self {
            Self::InvoicesGenerate => "Drafts of the invoices that are due: every missed period, oldest first.",
            Self::InvoicesIssue => "Drafts become invoices: number, due date, frozen content, PDF.",
        }
    }

    /// What cron calls: `finops invoices generate`.
    pub fn command(self) -> String {
        format!("finops {}", self.as_str().replace('.', " "))
    }
}
