//! SMTP (RFC 5321), as submission to one server (RFC 6409): one connection for many mails.
//!
//! What decides about a mail is how far it got. Until its last line is sent nothing was taken, so any
//! failure before may be repeated; once that line was begun and no answer came, it may have been
//! taken. Each step of the conversation therefore says where it broke (`reply::Stage`).
//!
//! TLS is rustls. With STARTTLS a server that does not offer it is not spoken to, and a certificate
//! that does not hold ends the run: both may be somebody in between, and neither mends itself.

mod broken;
mod reply;
mod session;
mod wire;

use super::Mailer;
use super::mime::{self, Written};
use crate::model::message::Mail;
use crate::model::{Failure, FailureClass, Outage, Receipt, Secret, text_enum};
use crate::providers::http::{Kind, Words, kind};
use broken::{Broken, CORRECT};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use session::Session;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use wire::{Wire, resolve};

text_enum! {
    /// When the connection is encrypted.
    pub enum Tls ("tls") {
        /// After a command, which must be offered (port 587).
        Starttls = "starttls",
        /// From the first byte (port 465).
        Tls = "tls",
        /// Never: for a server on this machine or its network.
        None = "none",
    }
}

impl Tls {
    /// IANA's registered one.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Authorities besides those of the system.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let read = read.map_err(|error| format!("holds a certificate that cannot be read ({error})"))?;
        if read.is_empty() {
            return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        let mut roots = RootCertStore::empty();
        for certificate in &read {
            roots.add(certificate.clone()).map_err(|error| format!("holds a certificate that cannot be used ({error})"))?;
        }
        Ok(Self(read))
    }
}

/// Who signs in.
#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: Secret<String>,
}

/// A server, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// With `Tls::None`, over the internet too: someone knows what they do.
    pub allow_unencrypted: bool,
    pub login: Option<Login>,
    /// What this machine calls itself in EHLO.
    pub helo: String,
    /// Until a connection is made, greeted, encrypted and signed in.
    pub connect_timeout: Duration,
    /// For each step after that; ten times as long for the answer to a whole mail.
    pub timeout: Duration,
    pub authorities: Authorities,
    /// After so many mails a new connection is made.
    pub max_per_connection: u32,
}

/// A server of mail, for calls. Its connection is made at the first mail, and kept.
pub struct Smtp {
    settings: Settings,
    config: OnceLock<Arc<ClientConfig>>,
    open: Mutex<Option<Session>>,
}

/// What this machine calls itself where nothing else is said: its name, if that is one of the internet,
/// else `[127.0.0.1]`.
pub fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        name if name.contains('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-') => name.to_owned(),
        _ => "[127.0.0.1]".to_owned(),
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Mailer for Smtp {
    fn send(&self, mail: &Mail) -> Result<Receipt, Failure> {
        let written = mime::write(mail).map_err(|error| Failure::new(FailureClass::Rejected, error.to_string()))?;
        self.deliver(&written)
    }
}

impl Smtp {
    /// Connects to nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, config: OnceLock::new(), open: Mutex::new(None) }
    }

    /// Whether the server would take mail: connects, signs in, and says what it is like. Sends none.
    pub fn check(&self) -> Result<String, Failure> {
        let mut session = self.connect()?;
        session.noop().map_err(|broken| self.failure(&broken))?;
        Ok(session.describe())
    }

    /// Hands over what was written before, such as the same mail again.
    pub fn deliver(&self, written: &Written) -> Result<Receipt, Failure> {
        // Out of its place while it is used: what ends in the middle of a mail is not used again.
        let kept = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fresh = kept.as_ref().is_none_or(|session| session.mails() >= self.settings.max_per_connection);
        let mut session = if fresh {
            drop(kept);
            self.connect()?
        } else {
            kept.map_or_else(|| self.connect(), Ok)?
        };
        let mut sent = session.send(written);
        if !fresh && sent.as_ref().is_err_and(Broken::is_of_an_idle_connection) {
            // The server closed it meanwhile, which it may; this mail was not begun.
            session = self.connect()?;
            sent = session.send(written);
        }
        match sent {
            Ok(receipt) => {
                self.keep(session);
                Ok(receipt)
            }
            Err(broken) => {
                let failure = self.failure(&broken);
                if session.is_usable_after(&broken) {
                    self.keep(session);
                }
                Err(failure)
            }
        }
    }

    fn keep(&self, session: Session) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    fn connect(&self) -> Result<Session, Failure> {
        let Settings { host, port, connect_timeout, .. } = &self.settings;
        let open_by = Instant::now() + *connect_timeout;
        let unreachable = |what: &str, error: &io::Error| {
            let timed_out = error.kind() == io::ErrorKind::TimedOut;
            let (words, outage) = match timed_out {
                true => (format!("no answer within {} s", connect_timeout.as_secs()), Outage::Silent),
                false => (Words::of(&error.to_string()).to_string(), Outage::Unreached),
            };
            Failure { outage, ..Failure::new(FailureClass::Unreachable, format!("{what} {host}:{port}: {words}")) }
        };
        let addresses = resolve(host, *port, *connect_timeout).map_err(|error| unreachable("there is no address for", &error))?;
        self.refuse_plain_text(&addresses)?;
        let left = open_by.saturating_duration_since(Instant::now());
        let wire = Wire::open(&addresses, left).map_err(|error| unreachable("no connection to", &error))?;
        Session::open(wire, &self.settings, open_by, || self.tls()).map_err(|broken| self.failure(&broken))
    }

    /// Passwords and customers' data stay at home, unless somebody says that they need not.
    fn refuse_plain_text(&self, addresses: &[SocketAddr]) -> Result<(), Failure> {
        let Settings { host, tls, allow_unencrypted, .. } = &self.settings;
        let at_home = |address: &SocketAddr| matches!(kind(address.ip()), Kind::Private(_));
        if *tls != Tls::None || *allow_unencrypted || addresses.iter().all(at_home) {
            return Ok(());
        }
        let reason = format!(
            "{host} is not on this machine or its network, and mail to it would not be encrypted: correct tls in [mail], or set allow_unencrypted"
        );
        Err(Failure { hint: Some(CORRECT), ..Failure::new(FailureClass::Denied, reason) })
    }

    /// The system's roots and those of the settings, read once.
    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.settings.authorities.0.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn failure(&self, broken: &Broken) -> Failure {
        broken.failure(&self.settings)
    }
}
