//! Where a conversation with a server of mail broke, and what follows from that.

use super::Settings;
use super::reply::{Reply, Stage};
use super::session::plain;
use crate::model::{Failure, FailureClass, Outage};
use crate::providers::http::Words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io;
use std::time::Duration;

/// The answer to a whole mail comes when the server has put it by, perhaps after a look for viruses:
/// giving up too early doubles mails (RFC 5321, 4.5.3.2.6 asks for 10 minutes).
const PATIENCE: u32 = 10;
/// And no longer than that, so that nobody takes the sender for dead.
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// Where the message says what.
pub const CORRECT: &str = "correct [mail] in the configuration";

/// Why a conversation did not go on.
#[derive(Debug)]
pub enum Broken {
    /// The server answered something else than was hoped for; the connection is as good as before.
    Refused { reply: Reply, stage: Stage, signed_in: bool },
    /// There was no answer.
    Lost { error: io::Error, stage: Stage },
    /// The server lacks something, for every mail.
    Lacking(String),
    /// The server lacks something that this mail needs.
    Unsuitable(String),
}

impl Broken {
    /// The connection was closed before this mail was begun.
    pub fn is_of_an_idle_connection(&self) -> bool {
        match self {
            Self::Refused { reply, stage, .. } => reply.code == 421 && *stage == Stage::Mail,
            Self::Lost { error, stage } => *stage == Stage::Mail && error.kind() != io::ErrorKind::TimedOut,
            Self::Lacking(_) | Self::Unsuitable(_) => false,
        }
    }

    pub fn failure(&self, settings: &Settings) -> Failure {
        Failure { outage: self.outage(), ..self.in_words(settings) }
    }

    fn outage(&self) -> Outage {
        match self {
            Self::Lost { error, .. } if error.kind() == io::ErrorKind::TimedOut => Outage::Silent,
            Self::Lost { stage, .. } | Self::Refused { stage, .. } if stage.is_of_the_opening() => Outage::Unreached,
            Self::Lost { .. } | Self::Refused { .. } | Self::Lacking(_) | Self::Unsuitable(_) => Outage::None,
        }
    }

    fn in_words(&self, settings: &Settings) -> Failure {
        let Settings { host, login, .. } = settings;
        match self {
            Self::Refused { reply, stage, signed_in } => {
                let password = login.as_ref().map_or("", |login| login.password.expose());
                let (plain, encoded) = (login.as_ref().map(plain).unwrap_or_default(), BASE64.encode(password));
                reply.failure(host, *stage, *signed_in, &[password, &plain, &encoded])
            }
            Self::Lost { error, stage } => lost(host, error, *stage, settings),
            Self::Lacking(what) => {
                Failure { hint: Some(CORRECT), ..Failure::new(FailureClass::Denied, format!("{host} {what}")) }
            }
            Self::Unsuitable(what) => Failure::new(FailureClass::Rejected, format!("{host} {what}")),
        }
    }
}

fn lost(host: &str, error: &io::Error, stage: Stage, settings: &Settings) -> Failure {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(error @ rustls::Error::InvalidCertificate(_)) = tls {
        let words = Words::of(&error.to_string());
        let message = format!("the certificate of {host} does not hold ({words})");
        let hint = "if its authority is your own, name its file in ca_file of [mail]; else check host";
        return Failure { hint: Some(hint), ..Failure::new(FailureClass::Denied, message) };
    }
    let (class, when) = match stage {
        Stage::Dot => (FailureClass::NoAnswer, "while the mail was handed over, so it may have been taken"),
        Stage::Body => (FailureClass::Unreachable, "before the mail was sent whole"),
        _ => (FailureClass::Unreachable, "before the mail was sent"),
    };
    let what = match error.kind() {
        io::ErrorKind::TimedOut => format!("did not answer within {} s", patience(settings, stage).as_secs()),
        io::ErrorKind::UnexpectedEof => "closed the connection".to_owned(),
        io::ErrorKind::InvalidData => format!("answered what is no SMTP ({})", Words::of(&error.to_string())),
        _ => format!("broke the connection ({})", Words::of(&error.to_string())),
    };
    Failure::new(class, format!("{host} {what} {when}"))
}

/// How long a step may take; of the opening, all its steps together.
pub fn patience(settings: &Settings, stage: Stage) -> Duration {
    match stage {
        stage if stage.is_of_the_opening() => settings.connect_timeout,
        Stage::Dot => (settings.timeout * PATIENCE).min(LONGEST_PATIENCE).max(settings.timeout),
        _ => settings.timeout,
    }
}
