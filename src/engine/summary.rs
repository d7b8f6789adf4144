//! What a run says at its end: the same figures for people, for scripts and for the run's row.

use crate::error::ExitCode;
use crate::model::digest::hex;
use crate::model::message::EventFacts;
use crate::model::{Currency, Money, RunId};
use crate::store::audit::{self, Moved};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Failures that a message names one by one; of the others it says how many there are.
pub(super) const NAMED: usize = 10;

/// Counts and totals of one run.
#[derive(Debug, Clone)]
pub struct Summary {
    pub job: &'static str,
    pub as_of: DateTime<Utc>,
    pub dry_run: bool,
    pub run_id: Option<RunId>,
    /// Units that were looked at: done + skipped + failed + waiting.
    pub due: u64,
    pub done: u64,
    /// By reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Newly failed or parked in this run.
    pub failed: u64,
    /// Of those, mails that were to tell that a run has ended: they are no news to send another such mail about.
    pub failed_notices: u64,
    /// The first of those that failed newly, for whoever is told that the run has ended.
    pub failures: Vec<EventFacts>,
    /// What stood before this run, and still does.
    pub waiting: u64,
    /// Effects that were carried out (files written).
    pub delivered: u64,
    /// Of those, mails that told that a run had ended.
    pub delivered_notices: u64,
    /// Effects that would be carried out, in a dry run.
    pub deliverable: u64,
    pub totals: BTreeMap<Currency, i128>,
    pub millis: u64,
    /// The digest of the audit chains that the run moved (see [`audit`]): printed, so that it lies
    /// outside the database too.
    audit: Option<[u8; 32]>,
}

impl Summary {
    pub const fn new(job: &'static str, as_of: DateTime<Utc>, dry_run: bool) -> Self {
        Self {
            job,
            as_of,
            dry_run,
            run_id: None,
            due: 0,
            done: 0,
            skipped: BTreeMap::new(),
            failed: 0,
            failed_notices: 0,
            failures: Vec::new(),
            waiting: 0,
            delivered: 0,
            delivered_notices: 0,
            deliverable: 0,
            totals: BTreeMap::new(),
            millis: 0,
            audit: None,
        }
    }

    pub fn add_total(&mut self, amount: Money) {
        *self.totals.entry(amount.currency()).or_default() += i128::from(amount.minor());
    }

    /// One more that newly failed; what names it is asked for only while there is room.
    pub fn add_failed(&mut self, facts: impl FnOnce() -> EventFacts) {
        self.failed += 1;
        if self.failures.len() < NAMED {
            self.failures.push(facts());
        }
    }

    /// One more mail that newly failed to tell that a run has ended.
    pub fn add_failed_notice(&mut self) {
        self.failed += 1;
        self.failed_notices += 1;
    }

    pub fn add_skipped(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// Takes in the audit chains that a committed batch moved.
    pub fn add_audit(&mut self, moved: &[Moved]) {
        if !moved.is_empty() {
            self.audit = Some(audit::digest(self.audit.unwrap_or_default(), moved));
        }
    }

    /// Whether there is anything to tell off a terminal.
    pub fn something_happened(&self) -> bool {
        self.is_news() || self.failed > 0 || self.delivered > 0 || self.dry_run
    }

    /// Whether there is anything to tell but what became of such news.
    pub fn is_news(&self) -> bool {
        // What somebody else works on, or what waits for another job, is worth a line too.
        let told = ["claimed_elsewhere", "stale", "dropped"].iter().any(|reason| self.skipped.contains_key(reason));
        self.done > 0 || self.failed_work() > 0 || self.delivered > self.delivered_notices || told
    }

    /// What newly failed, but for mails that were to tell that a run has ended.
    pub const fn failed_work(&self) -> u64 {
        self.failed.saturating_sub(self.failed_notices)
    }

    pub const fn exit_code(&self) -> ExitCode {
        if self.failed > 0 { ExitCode::Partly } else { ExitCode::Done }
    }

    /// The word in the run's row.
    pub const fn outcome(&self) -> &'static str {
        if self.failed > 0 { "partly" } else { "done" }
    }

    /// The same line with what anchors the audit log outside the database: for cron's mails and logs,
    /// which `finops audit verify --digests` reads.
    pub fn anchored_text(&self, verb: &str) -> String {
        let text = self.text(verb);
        match (&self.run_id, &self.audit) {
            (Some(run_id), Some(digest)) => format!("{text}, run {run_id}, audit {}", hex(digest)),
            _ => text,
        }
    }

    /// Totals as decimals, by currency.
    pub fn total_texts(&self) -> BTreeMap<&'static str, String> {
        self.totals.iter().map(|(currency, minor)| (currency.code(), in_major_units(*minor, *currency))).collect()
    }

    /// One line for people. `verb` is what was done: `drafted`, `issued`; '' for a job that only delivers.
    pub fn text(&self, verb: &str) -> String {
        let mut text = String::new();
        let would = if self.dry_run { "would be " } else { "" };
        let _ = match verb {
            "" => write!(text, "{}: {} delivered", self.job, self.delivered),
            verb => write!(text, "{}: {} {would}{verb}", self.job, self.done),
        };
        if !self.totals.is_empty() {
            let totals: Vec<String> = self.total_texts().iter().map(|(code, amount)| format!("{amount} {code}")).collect();
            let _ = write!(text, " ({})", totals.join(", "));
        }
        if self.delivered > 0 && !verb.is_empty() {
            let _ = write!(text, ", {} delivered", self.delivered);
        }
        if self.deliverable > 0 {
            let _ = write!(text, ", {} would be delivered", self.deliverable);
        }
        for (reason, count) in &self.skipped {
            let _ = write!(text, ", {count} skipped as {reason}");
        }
        for (count, word) in [(self.failed, "failed"), (self.waiting, "waiting")] {
            if count > 0 {
                let _ = write!(text, ", {count} {word}");
            }
        }
        let _ = write!(text, ", {}.{:01} s", self.millis / 1000, self.millis % 1000 / 100);
        text
    }
}

/// Sums over many invoices may be larger than one amount can be.
fn in_major_units(minor: i128, currency: Currency) -> String {
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = currency.exponent() as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - currency.exponent() as usize);
    let sign = if minor < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The contract of design.md: stable field names, amounts as decimal strings.
impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("Summary", 13)?;
        s.serialize_field("job", self.job)?;
        s.serialize_field("as_of", &self.as_of.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        s.serialize_field("dry_run", &self.dry_run)?;
        s.serialize_field("due", &self.due)?;
        s.serialize_field("done", &self.done)?;
        s.serialize_field("skipped", &self.skipped)?;
        s.serialize_field("failed", &self.failed)?;
        s.serialize_field("waiting", &self.waiting)?;
        s.serialize_field("delivered", &self.delivered)?;
        s.serialize_field("totals", &self.total_texts())?;
        s.serialize_field("seconds", &Millis(self.millis))?;
        s.serialize_field("run_id", &self.run_id)?;
        s.serialize_field("audit_digest", &self.audit.map(|digest| hex(&digest)))?;
        s.end()
    }
}

/// Seconds as a JSON number with three decimals, without a float in between.
pub struct Millis(pub u64);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        match text.parse::<serde_json::Number>() {
            Ok(number) => number.serialize(serializer),
            Err(_) => serializer.serialize_u64(self.0 / 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_may_exceed_one_amount() {
        let eur = "EUR".parse().unwrap();
        let mut summary = Summary::new("invoices.generate", DateTime::UNIX_EPOCH, false);
        summary.add_total(Money::from_minor(i64::MAX, eur));
        summary.add_total(Money::from_minor(i64::MAX, eur));
        assert_eq!(summary.total_texts()["EUR"], "184467440737095516.14");
        assert_eq!(in_major_units(-5, eur), "-0.05");
        assert_eq!(in_major_units(1234, "JPY".parse().unwrap()), "1234");
        assert_eq!(in_major_units(1234, "KWD".parse().unwrap()), "1.234");
    }
}
