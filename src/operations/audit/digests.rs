//! The digests that runs leave: in their rows, and outside the database where cron's mails and
//! logs are kept.

use super::{PAGE, Pass};
use crate::error::{Error, Result};
use crate::model::digest::hex;
use crate::store::audit::BatchDigest;
use crate::store::runs::{self, Run};
use crate::store::{Tx, schema};
use std::collections::BTreeMap;
use std::io::BufRead;

/// A run's digest as somebody kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub run_id: String,
    /// Hex.
    pub digest: String,
    /// Of the file, from 1.
    pub line: usize,
}

/// Finds the digests in what cron kept: JSON summaries, or lines of text with `run ID` and
/// `audit DIGEST`. Whatever else stands there is passed over.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn claimed(input: impl BufRead) -> Result<Vec<Claimed>> {
    let mut found = Vec::new();
    for (line, bytes) in (1..).zip(input.split(b'\n')) {
        let bytes = bytes.map_err(|error| Error::failed(format!("cannot read the digests: {error}")).caused_by(error))?;
        let text = String::from_utf8_lossy(&bytes);
        let pair = if text.trim_start().starts_with('{') { of_json(&text) } else { of_text(&text) };
        found.extend(pair.map(|(run_id, digest)| Claimed { run_id, digest, line }));
    }
    if found.is_empty() {
        return Err(Error::input("there is no digest of a run in it", Vec::new()).hint(
            "give what the jobs printed: the lines of --json, or those that cron mailed, with `run …, audit …` at their end",
        ));
    }
    Ok(found)
}

fn of_json(text: &str) -> Option<(String, String)> {
    let summary: serde_json::Value = serde_json::from_str(text).ok()?;
    Some((summary["run_id"].as_str()?.to_owned(), summary["audit_digest"].as_str()?.to_owned()))
}

fn of_text(text: &str) -> Option<(String, String)> {
    let mut words = text.split([' ', ',', '\r', '\t']).filter(|word| !word.is_empty());
    let mut run_id = None;
    while let Some(word) = words.next() {
        match word {
            "run" => run_id = words.next().filter(|id| id.len() == 36),
            "audit" => {
                let digest = words.next().filter(|digest| digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
                if let (Some(run_id), Some(digest)) = (run_id, digest) {
                    return Some((run_id.to_owned(), digest.to_owned()));
                }
            }
            _ => {}
        }
    }
    None
}

/// What the rows say of a run: its digest after each of its batches.
#[derive(Default)]
struct Computed {
    after: Vec<String>,
    /// Rows of it do not tell their batch.
    unknown: bool,
}

const KEEP: &str =
    "keep what cron printed, and compare with a backup from before: the log was rewritten, or an older copy put back";

impl Pass<'_> {
    /// Holds what the rows say against the runs' rows and against what was kept outside.
    pub(super) fn runs(&mut self, tx: &mut Tx, claimed: &[Claimed]) -> Result<()> {
        let since = schema::applied_at(tx, BATCHES_SINCE)?;
        let mut computed = computed(std::mem::take(&mut self.batches));
        let mut after = String::new();
        let mut claims: BTreeMap<&str, Vec<&Claimed>> = BTreeMap::new();
        claimed.iter().for_each(|claim| claims.entry(&claim.run_id).or_default().push(claim));
        loop {
            let page = runs::page(tx, &after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.run_id.to_string();
            for run in &page {
                let rows = computed.remove(run.run_id.as_str()).unwrap_or_default();
                let claims = claims.remove(run.run_id.as_str()).unwrap_or_default();
                if rows.unknown && since.is_some_and(|since| run.started_at < since) {
                    self.counts.runs_unproven += 1;
                } else {
                    self.run(run, &rows, &claims)?;
                }
            }
        }
        for run_id in computed.into_keys() {
            let message = "the log has rows of a run that is not in the database";
            self.tell("run_missing", ("", None, &format!("run {run_id}")), message, KEEP);
        }
        for claim in claims.into_values().flatten() {
            let message = format!("the run of line {} is not in the database", claim.line);
            self.tell("run_missing", ("", None, &format!("run {}", claim.run_id)), message, KEEP);
        }
        Ok(())
    }

    fn run(&mut self, run: &Run, rows: &Computed, claims: &[&Claimed]) -> Result<()> {
        let entity = format!("run {}", run.run_id);
        let place = ("", None, entity.as_str());
        // One that cannot be read has no digest, which is told as such.
        let summary: serde_json::Value = serde_json::from_str(&run.summary).unwrap_or_default();
        let stored = summary["audit_digest"].as_str();
        let last = rows.after.last().map(String::as_str);
        // One that was broken off has no summary.
        if run.finished_at.is_some() {
            if stored == last {
                self.counts.runs += 1;
            } else {
                let say = |digest: Option<&str>| digest.map_or_else(|| "nothing".to_owned(), str::to_owned);
                let message =
                    format!("the digest of {} comes out as {}, and its summary has {}", run.job, say(last), say(stored));
                self.tell("digest_differs", place, message, KEEP);
            }
        }
        for claim in claims {
            // What was printed when the database went away may lack the batches of which no answer came.
            let early = run.finished_at.is_none() && rows.after.contains(&claim.digest);
            if early || last == Some(&claim.digest) {
                self.counts.digests += 1;
            } else {
                let told = last.unwrap_or("nothing");
                let message = format!("line {} has {}, and out of the log comes {told}", claim.line, claim.digest);
                self.tell("kept_digest_differs", place, message, KEEP);
            }
        }
        Ok(())
    }
}

/// The step of the schema since which rows tell their batch.
const BATCHES_SINCE: i64 = 2;

fn computed(batches: BTreeMap<(String, i64), BatchDigest>) -> BTreeMap<String, Computed> {
    let mut runs: BTreeMap<String, Computed> = BTreeMap::new();
    let mut digest = [0; 32];
    for ((run_id, batch), moved) in batches {
        let run = runs.entry(run_id).or_insert_with(|| {
            digest = [0; 32];
            Computed::default()
        });
        run.unknown |= batch == 0;
        digest = moved.follow(digest);
        run.after.push(hex(&digest));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_what_cron_kept() {
        let (run, digest) = ("01930000-0000-7000-8000-000000000001", "0f".repeat(32));
        let kept = format!(
            "warning: something else\n\
             invoices.generate: 3 drafted (9.00 EUR), 0.1 s, run {run}, audit {digest}\r\n\
             {{\"type\":\"item\",\"run_id\":null}}\n{{\"type\":\"summary\",\"run_id\":\"{run}\",\"audit_digest\":\"{digest}\"}}\n\
             {{\"type\":\"summary\",\"run_id\":\"{run}\",\"audit_digest\":null}}\nrun {run}, audit 12\n\u{fffd}{{"
        );
        let found = claimed(kept.as_bytes()).unwrap();
        let claim = |line| Claimed { run_id: run.to_owned(), digest: digest.clone(), line };
        assert_eq!(found, [claim(2), claim(4)]);
        assert!(claimed("nothing\n".as_bytes()).is_err());
    }
}
