//! `[ping]`: who watches over the jobs, and must hear from each of them when it runs.

use super::section::one_of;
use super::{Secret, Section, source};
use crate::model::JobKind;
use crate::providers::ping::{Settings, with_job};
use std::path::Path;
use url::Url;

/// None when something is wrong, which has been noted.
pub fn read(section: &mut Section<'_, '_>, file: &Path) -> Option<Settings> {
    let allow_private_addresses = section.boolean("allow_private_addresses", false);
    let url = source::secret(section, "url", file, |text| {
        check(text, JobKind::InvoicesGenerate, allow_private_addresses).map(|_| Secret::new(text.to_owned()))
    });
    let mut unknown = Vec::new();
    let jobs = section.named("jobs", "ping.jobs", |name, section| {
        let Ok(job) = name.parse::<JobKind>() else {
            unknown.push(section.place_of(""));
            source::skip(section, "url");
            return None;
        };
        let url = source::required(section, "url", file, |text| check(text, job, allow_private_addresses))?;
        Some((job, Secret::new(url)))
    });
    for at in unknown {
        section.mistake(&at, "jobs", one_of(JobKind::ALL.iter().map(|job| job.as_str())));
    }
    Some(Settings { url, jobs: jobs.into_values().collect(), allow_private_addresses })
}

/// The error never repeats the URL, which is a token.
fn check(text: &str, job: JobKind, allow_private_addresses: bool) -> Result<Url, String> {
    let url = with_job(text, job).map_err(|_| "must be a URL, such as https://hc-ping.com/PING-KEY/{job}".to_owned())?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_private_addresses => Ok(url),
        "http" => Err("must begin with https://, or needs allow_private_addresses = true for a private network".to_owned()),
        _ => Err("must begin with https://".to_owned()),
    }
}
