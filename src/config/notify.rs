//! `[notify_on_completion]`: who is told that a job has ended.

use super::section::one_of;
use super::{Secret, Section, source};
use crate::model::message::parse_address;
use crate::model::{JobKind, text_enum};
use crate::providers::webhook::{Keys, Settings};
use std::path::Path;
use url::Url;

text_enum! {
    /// After which runs.
    pub enum NotifyWhen ("when") {
        /// Every one.
        Always = "always",
        /// One that did something, or in which something failed.
        Work = "work",
        /// One in which something failed.
        Failure = "failure",
    }
}

/// `[notify_on_completion]`
#[derive(Debug, Clone)]
pub struct NotifyConfig {
    /// A URL that is told; None where only a mail goes out.
    pub webhook: Option<Settings>,
    /// A mailbox that is told.
    pub email: Option<String>,
    pub when: NotifyWhen,
    /// Whose ends are told; None: those of all jobs, of the unceasing ones only where something failed.
    pub jobs: Option<Vec<JobKind>>,
}

/// Jobs that run all day and carry out, or tell, what other jobs did: that they did so is no news.
const UNCEASING: [JobKind; 2] = [JobKind::EffectsSettle, JobKind::AlertsDispatch];

impl NotifyConfig {
    /// Whether the end of a run is told: of which job, whether it did anything, whether it or
    /// anything in it failed.
    pub fn wants(&self, job: JobKind, did_work: bool, failed: bool) -> bool {
        let when = match self.when {
            NotifyWhen::Always => true,
            NotifyWhen::Work => did_work || failed,
            NotifyWhen::Failure => failed,
        };
        when && match &self.jobs {
            Some(named) => named.contains(&job),
            None => failed || !UNCEASING.contains(&job),
        }
    }
}

/// None when something is wrong, which has been noted. `has_mail`: there is a section that says who writes mails.
pub fn read(section: &mut Section<'_, '_>, file: &Path, has_mail: bool) -> Option<NotifyConfig> {
    let email = section.optional_text("email", |text| {
        let address = parse_address(text).map_err(|invalid| invalid.0)?;
        if has_mail { Ok(address) } else { Err("needs [mail], which says who writes mails".to_owned()) }
    });
    let by_url = !section.has("email") || source::is_given(section, "url") || source::is_given(section, "secret");
    let webhook = by_url.then(|| webhook(section, file));
    let when = section.text("when", NotifyWhen::Work, |text| {
        text.parse().map_err(|_| one_of(NotifyWhen::ALL.iter().map(|when| when.as_str())))
    });
    let is_named = section.has("jobs");
    let jobs = section.texts("jobs", JobKind::ALL.to_vec(), |text| {
        text.parse().map_err(|_| one_of(JobKind::ALL.iter().map(|job| job.as_str())))
    });
    let jobs = is_named.then_some(jobs);
    let webhook = match webhook {
        Some(webhook) => Some(webhook?),
        None => None,
    };
    Some(NotifyConfig { webhook, email, when, jobs })
}

/// A receiver of signed messages, as it stands here and in `[webhooks.NAME]`; None when something is
/// wrong, which has been noted.
pub fn webhook(section: &mut Section<'_, '_>, file: &Path) -> Option<Settings> {
    let allow_private_addresses = section.boolean("allow_private_addresses", false);
    let url = source::required(section, "url", file, |text| url(text, allow_private_addresses));
    let keys = source::required(section, "secret", file, Keys::parse);
    Some(Settings { url: url?, keys: keys?, allow_private_addresses })
}

/// The error never repeats the URL, which may hold a token.
fn url(text: &str, allow_private_addresses: bool) -> Result<Secret<Url>, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL, such as https://hooks.example.com/finops".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private_addresses => {}
        "http" => {
            return Err("must begin with https://, or needs allow_private_addresses = true for a private network".to_owned());
        }
        _ => return Err("must begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no user or password in it: messages are signed instead".to_owned());
    }
    Ok(Secret::new(url))
}
