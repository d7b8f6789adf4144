//! Signs of life of a job to whoever watches over cron, in the protocol of healthchecks.io's pinging API
//! (healthchecks.io/docs/http_api): `URL/start`, then `URL` when all went well, else `URL/EXIT-STATUS`,
//! with the summary as the body and the run's id as `rid`, so that two runs at once are told apart.

use super::http::{Http, Reach, Request};
use crate::model::{Failure, FailureClass, JobKind, Secret};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use ureq::http::Method;
use url::Url;
use uuid::Uuid;

/// For all of a run's pings together. They must not hold up the job for longer.
const ALL: Duration = Duration::from_secs(10);

/// Of that, for the first one: some is left for the last.
const START: Duration = Duration::from_secs(4);

/// Before another try, which a lost packet is worth: without a ping, somebody is woken for nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// Of a body, healthchecks keeps 100 kB, and one's own instance of it 10 kB.
const LONGEST_BODY: usize = 10_000;

/// Whom pings go to. URLs are tokens: whoever knows one can say that all is well.
#[derive(Debug, Clone)]
pub struct Settings {
    /// With `{job}` in it, or one for all jobs.
    pub url: Option<Secret<String>>,
    pub jobs: BTreeMap<JobKind, Secret<Url>>,
    pub allow_private_addresses: bool,
}

impl Settings {
    fn url_of(&self, job: JobKind) -> Option<Url> {
        let own = self.jobs.get(&job).map(|url| url.expose().clone());
        own.or_else(|| with_job(self.url.as_ref()?.expose(), job).ok())
    }
}

/// A job's own URL: `{job}` becomes `invoices-generate`, which is what a slug may be.
pub fn with_job(url: &str, job: JobKind) -> Result<Url, url::ParseError> {
    Url::parse(&url.replace("{job}", &job.as_str().replace(['.', '_'], "-")))
}

/// The pings of one run.
#[derive(Debug)]
pub struct Ping {
    url: Secret<Url>,
    run: Uuid,
    reach: Reach,
    used: Duration,
}

impl Ping {
    /// None when nobody watches over this job.
    pub fn of(settings: &Settings, job: JobKind, run: Uuid) -> Option<Self> {
        let reach = if settings.allow_private_addresses { Reach::Private } else { Reach::Public };
        Some(Self { url: Secret::new(settings.url_of(job)?), run, reach, used: Duration::ZERO })
    }

    /// The run begins.
    ///
    /// # Errors
    /// Nobody heard it; the run goes on.
    pub fn start(&mut self) -> Result<(), Failure> {
        self.send("start", "", START)
    }

    /// The run has ended with this code.
    ///
    /// # Errors
    /// Nobody heard it.
    pub fn end(&mut self, exit_code: u8, summary: &str) -> Result<(), Failure> {
        let word = if exit_code == 0 { String::new() } else { exit_code.to_string() };
        let end = (0..=LONGEST_BODY.min(summary.len())).rev().find(|end| summary.is_char_boundary(*end)).unwrap_or(0);
        self.send(&word, &summary[..end], ALL.saturating_sub(self.used))
    }

    fn send(&mut self, word: &str, body: &str, within: Duration) -> Result<(), Failure> {
        let url = self.url_for(word);
        let began = Instant::now();
        let result = loop {
            let left = within.saturating_sub(began.elapsed());
            // A client of its own, since its time is.
            let sent = once(&Http::new(self.reach, left), &url, body);
            let worth_a_try = matches!(&sent, Err(failure) if passes(failure.class));
            if !worth_a_try || within.saturating_sub(began.elapsed()) <= 2 * PAUSE {
                break sent;
            }
            std::thread::sleep(PAUSE);
        };
        self.used += began.elapsed();
        result
    }

    fn url_for(&self, word: &str) -> Url {
        let mut url = self.url.expose().clone();
        if !word.is_empty()
            && let Ok(mut path) = url.path_segments_mut()
        {
            path.pop_if_empty().push(word);
        }
        url.query_pairs_mut().append_pair("rid", &self.run.to_string());
        url
    }
}

fn once(http: &Http, url: &Url, body: &str) -> Result<(), Failure> {
    let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
    let answer = http.send(&Request { method: Method::POST, url, headers, body: body.as_bytes() })?;
    if answer.is_good() {
        return Ok(());
    }
    let class = super::http::class_of(answer.status, false);
    let redirect = if matches!(answer.status, 300..=399) { ", and redirects are not followed" } else { "" };
    // What it says besides may hold the URL.
    Err(Failure::new(class, format!("{} answered {}{redirect}", answer.host, answer.status)))
}

const fn passes(class: FailureClass) -> bool {
    matches!(class, FailureClass::Unreachable | FailureClass::NoAnswer | FailureClass::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(url: &str) -> Ping {
        let settings = Settings { url: Some(Secret::new(url.to_owned())), jobs: BTreeMap::new(), allow_private_addresses: false };
        Ping::of(&settings, JobKind::InvoicesGenerate, Uuid::nil()).unwrap()
    }

    #[test]
    fn the_word_goes_behind_the_path_and_the_query_stays() {
        let rid = "rid=00000000-0000-0000-0000-000000000000";
        for (url, word, called) in [
            ("https://hc-ping.com/uuid", "start", format!("https://hc-ping.com/uuid/start?{rid}")),
            ("https://hc-ping.com/uuid/", "3", format!("https://hc-ping.com/uuid/3?{rid}")),
            ("https://hc-ping.com/key/{job}?create=1", "", format!("https://hc-ping.com/key/invoices-generate?create=1&{rid}")),
        ] {
            assert_eq!(ping(url).url_for(word).as_str(), called);
        }
    }

    #[test]
    fn a_job_has_its_own_url_or_the_one_for_all() {
        let own = BTreeMap::from([(JobKind::InvoicesIssue, Secret::new(Url::parse("https://a.example/own").unwrap()))]);
        let settings = Settings { url: None, jobs: own, allow_private_addresses: false };
        assert!(Ping::of(&settings, JobKind::InvoicesGenerate, Uuid::nil()).is_none());
        let own = Ping::of(&settings, JobKind::InvoicesIssue, Uuid::nil()).unwrap();
        assert!(own.url_for("").as_str().starts_with("https://a.example/own?rid="));
        assert!(!format!("{own:?} {settings:?}").contains("a.example"));
    }
}
