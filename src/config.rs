//! `finops.toml` and the environment, read once into typed values; the only reader of the environment.
//!
//! Every mistake is told in one go, with line and column. Relative paths count from the folder of
//! the file, so that cron's working directory does not matter. A new section costs its type, its
//! function below, and its lines in [`TEMPLATE`].

mod chat;
mod database;
mod environment;
mod mail;
mod messages;
mod nearest;
mod notify;
mod ping;
mod reader;
mod reminders;
mod retry;
mod routing;
mod s3;
mod secret;
mod section;
mod source;

pub use database::DatabaseUrl;
pub use environment::Environment;
pub use mail::MailConfig;
pub use messages::MessagesConfig;
pub use notify::{NotifyConfig, NotifyWhen};
pub use reader::{Origin, Setting};
pub use reminders::RemindersConfig;
pub use retry::{RateConfig, RetryConfig};
pub use secret::{REDACTED, Secret};
pub use section::Section;

use crate::error::{Error, ErrorKind, Problem, Result, io_error};
use crate::model::Routing;
use reader::Reader;
use secret::presentable;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `init` writes: every key with its default and what it is for.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// The database in it, as it stands there.
pub const TEMPLATE_URL: &str = "\"sqlite:finops.db\"";

/// The name of the file where nothing else is said.
pub const FILE_NAME: &str = "finops.toml";

/// Everything that can be set, valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was read; none when `--database` alone was given.
    pub file: Option<PathBuf>,
    pub database: DatabaseConfig,
    pub documents: DocumentsConfig,
    pub billing: BillingConfig,
    /// When customers are reminded of what they owe.
    pub reminders: RemindersConfig,
    pub messages: MessagesConfig,
    pub retry: RetryConfig,
    pub rates: RateConfig,
    /// Who is told that a job has ended; nobody when the section is not there.
    pub notify: Option<NotifyConfig>,
    /// Who watches over the jobs; nobody when the section is not there.
    pub ping: Option<crate::providers::ping::Settings>,
    /// Who writes mails, and through which server; none when the section is not there.
    pub mail: Option<MailConfig>,
    pub slack: Option<crate::providers::slack::Settings>,
    /// Who carries text messages.
    pub sms: Option<crate::providers::sms::twilio::Settings>,
    /// Receivers of signed messages, by the name that rules know them by.
    pub webhooks: BTreeMap<String, crate::providers::webhook::Settings>,
    pub state: StateConfig,
    /// Which of one's own people hear of what.
    pub routing: Routing,
    /// Every value in force and where it comes from, for `config show`.
    pub settings: Vec<Setting>,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    pub url: DatabaseUrl,
    /// How long one statement may take on Postgres before it is given up; of no meaning on SQLite.
    pub statement_timeout: Duration,
}

/// `[documents]`
#[derive(Debug, Clone)]
pub struct DocumentsConfig {
    /// Where PDFs are written, unless they go into a bucket.
    pub folder: PathBuf,
    /// Font files for what the built-in font lacks (such as Chinese), tried in this order.
    pub fallback_fonts: Vec<PathBuf>,
    /// `[documents.s3]`: the bucket that PDFs go to instead of the folder.
    pub s3: Option<crate::providers::s3::Settings>,
}

/// `[billing]`
#[derive(Debug, Clone)]
pub struct BillingConfig {
    /// A contract that missed more periods than this is skipped as `too_many_missed` until `--yes`.
    pub max_missed_periods: u32,
}

/// `[state]`
#[derive(Debug, Clone)]
pub struct StateConfig {
    /// Where this machine keeps what it must know besides a Postgres database.
    pub folder: PathBuf,
}

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--database`
    pub database: Option<String>,
}

impl Overrides {
    /// The file: `--config`, else `FINOPS_CONFIG`, else `./finops.toml`; and whether somebody named it.
    fn chosen(&self, environment: &Environment) -> (PathBuf, bool) {
        let named = self.file.clone().or_else(|| environment.path("FINOPS_CONFIG"));
        named.map_or_else(|| (PathBuf::from(FILE_NAME), false), |file| (file, true))
    }
}

impl Config {
    /// Finds the file, reads and checks it. Without a file, `--database` alone will do, with the defaults for the rest.
    ///
    /// # Errors
    /// Exit 78 with all mistakes, or with what to do when there is no file.
    pub fn load(overrides: &Overrides, environment: &Environment) -> Result<Self> {
        let flag = overrides.database.as_deref().map(database_flag).transpose()?;
        let (file, is_named) = overrides.chosen(environment);
        match std::fs::read(&file) {
            Ok(bytes) => Self::read(&file, &text_of(&file, bytes)?, flag, environment),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match flag {
                Some(_) if !is_named => {
                    Self::parse(Path::new(FILE_NAME), "", flag, environment).map(|config| Self { file: None, ..config })
                }
                _ => Err(Error::config(format!("there is no configuration file {}", presentable(&file.to_string_lossy())))
                    .hint("run `finops init` to make one here, or name yours with --config FILE or FINOPS_CONFIG")),
            },
            Err(error) => Err(Error { kind: ErrorKind::Config, ..io_error("read", &file, error) }),
        }
    }

    /// What the file says of messages, whatever else is wrong with it: so that mistakes in templates are told along with
    /// those of the file.
    pub fn messages_anyway(overrides: &Overrides, environment: &Environment) -> Option<MessagesConfig> {
        let (file, _) = overrides.chosen(environment);
        let text = text_of(&file, std::fs::read(&file).ok()?).ok()?;
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let mut reader = Reader::new(&file.display().to_string(), &text, folder, environment);
        Some(reader.section("messages", messages::read))
    }

    fn read(file: &Path, text: &str, flag: Option<DatabaseUrl>, environment: &Environment) -> Result<Self> {
        let config = Self::parse(file, text, flag, environment)?;
        Ok(Self { file: Some(file.to_owned()), ..config })
    }

    fn parse(file: &Path, text: &str, flag: Option<DatabaseUrl>, environment: &Environment) -> Result<Self> {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let mut reader = Reader::new(&file.display().to_string(), text, folder, environment);
        let database = reader.section("database", |section| database(section, file, flag));
        let documents = reader.section("documents", |section| DocumentsConfig {
            folder: section.path("folder", "documents"),
            fallback_fonts: section.paths("fallback_fonts"),
            s3: section.optional("s3", "documents.s3", |section| s3::read(section, file)),
        });
        let billing = reader.section("billing", |section| BillingConfig {
            max_missed_periods: section.integer("max_missed_periods", 0..=1200, 3),
        });
        let has_sms = reader.has("sms");
        let reminders = reader.section("reminders", |section| reminders::read(section, has_sms));
        let messages = reader.section("messages", messages::read);
        let has_mail = reader.has("mail");
        let notify = reader.optional("notify_on_completion", |section| notify::read(section, file, has_mail));
        let mail = reader.optional("mail", |section| mail::read(section, file));
        let ping = reader.optional("ping", |section| ping::read(section, file));
        let slack = reader.optional("slack", |section| chat::read_slack(section, file));
        let sms = reader.optional("sms", |section| chat::read_sms(section, file));
        let webhooks = reader.named("webhooks", |_, section| notify::webhook(section, file));
        let retry = reader.section("retry", retry::read);
        let rates = reader.section("rate_limits", retry::read_rates);
        // A list, when the unit has several (systemd.exec(5), StateDirectory=): the first is the main one.
        let given = environment.text("STATE_DIRECTORY").and_then(|list| list.split(':').next()).unwrap_or(".");
        let state = reader.section("state", |section| StateConfig { folder: section.path("folder", given) });
        let routing = routing::read(&mut reader, slack.as_ref());
        let settings = reader.finish().map_err(|problems| mistakes(file, problems))?;
        Ok(Self {
            file: None,
            database,
            documents,
            billing,
            reminders,
            messages,
            mail,
            slack,
            sms,
            webhooks,
            retry,
            rates,
            notify,
            ping,
            state,
            routing,
            settings,
        })
    }
}

/// A URL from the command line counts from the working directory, as any path there does.
///
/// # Errors
/// Exit 2: what is wrong with it.
pub fn database_flag(url: &str) -> Result<DatabaseUrl> {
    DatabaseUrl::parse(url, Path::new(""))
        .and_then(DatabaseUrl::checked)
        .map_err(|reason| Error::usage(format!("--database {reason}")).hint("for example: --database sqlite:finops.db"))
}

fn database(section: &mut Section<'_, '_>, file: &Path, flag: Option<DatabaseUrl>) -> DatabaseConfig {
    // What the flag replaces is not looked up: its variable or command may be missing here.
    let from_file = if flag.is_some() { source::skip(section, "url") } else { source::read(section, "url") };
    let parsed = from_file.and_then(|found| {
        let line = section.line(&found.at);
        match DatabaseUrl::parse(&found.text, section.folder()).and_then(DatabaseUrl::checked) {
            Ok(url) if found.via.is_none() && url.holds_password() && source::others_may_read(file) => {
                let reason = "holds a password in a file that others can read: run `chmod 600` on it, or use url_file, url_env or url_command";
                section.mistake(&found.at, &found.key, reason);
                None
            }
            Ok(url) => Some((url, found.via.map_or(Origin::Line(line), |via| Origin::Via(line, via)))),
            Err(reason) => {
                section.mistake(&found.at, &found.key, reason);
                None
            }
        }
    });
    let default = || (DatabaseUrl::Sqlite(section.folder().join("finops.db")), Origin::Default);
    let (url, origin) = flag.map(|url| (url, Origin::Flag)).or(parsed).unwrap_or_else(default);
    section.note("url", &url, origin);
    let statement_timeout = section.integer("statement_timeout_s", 1..=86_400, 60);
    DatabaseConfig { url, statement_timeout: Duration::from_secs(u64::from(statement_timeout)) }
}

/// TOML is UTF-8; editors on Windows put a byte order mark before it.
fn text_of(file: &Path, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let (line, last) = (valid.split('\n').count(), valid.rsplit('\n').next().unwrap_or_default());
        let (file, reason) = (file.display().to_string(), "not valid UTF-8: save the file as UTF-8".to_owned());
        let (line, column) = (line as u64, last.chars().count() as u64 + 1);
        mistakes(
            Path::new(&file),
            vec![Problem { file: file.clone(), line, column, field: String::new(), value: String::new(), reason }],
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

fn mistakes(file: &Path, problems: Vec<Problem>) -> Error {
    let count = match problems.len() {
        1 => "1 mistake".to_owned(),
        n => format!("{n} mistakes"),
    };
    let error = Error { problems, ..Error::config(format!("{} has {count}", file.display())) };
    error.hint("correct it, then run `finops config check`")
}

#[cfg(test)]
mod tests;
