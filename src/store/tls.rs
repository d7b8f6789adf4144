//! Connecting to Postgres with TLS by rustls.
//!
//! `sslmode` follows libpq's words. When the user asks for TLS (`require`, `verify-ca`,
//! `verify-full`), nothing falls back to plain text, and the certificate is always verified, by
//! the system's roots or by `sslrootcert=FILE`. `prefer` (the default) takes TLS when the server
//! offers it; `disable` never does.

use super::{Setup, StoreError};
use ::postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the driver takes when a URL says nothing.
const DRIVER_KEEPALIVE: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) fn connect(url: &str) -> Result<Client, StoreError> {
    let (url, root) = take_tls_options(url);
    let mut config = read(&url).map_err(|reason| StoreError::Setup(Setup::Url, reason))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_application_name().is_none() {
        config.application_name("finops");
    }
    // A peer that is gone without a word (a pulled plug, a firewall that forgot) shows after a minute, not
    // after the two hours that are the system's usual.
    if config.get_keepalives_idle() == DRIVER_KEEPALIVE {
        config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10)).keepalives_retries(3);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(60));
    }
    let local = config.get_hosts().iter().all(|h| matches!(h, ::postgres::config::Host::Unix(_)));
    let client = if local || config.get_ssl_mode() == ::postgres::config::SslMode::Disable {
        config.connect(NoTls)
    } else {
        config.connect(MakeRustlsConnect::new(client_config(root.as_deref())?))
    };
    client.map_err(|e| match super::postgres::store_error(&e) {
        StoreError::Other(text) => StoreError::Connection(text),
        other => other,
    })
}

/// Whether the driver can read a Postgres URL; if not, why. Nothing that may belong to a password is
/// repeated.
pub fn check_url(url: &str) -> Result<(), String> {
    read(&take_tls_options(url).0).map(drop)
}

fn read(url: &str) -> Result<Config, String> {
    let config: Config = url.parse().map_err(|error: ::postgres::Error| {
        let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        // The driver quotes names of options. After an unescaped `?` in a password, those are parts of it.
        let quotable = !url.split_once('?').is_some_and(|(_, query)| query.contains('@'));
        let quoted = reason.split('`').nth(1).filter(|name| quotable && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        match quoted {
            Some(name) if reason.starts_with("unknown option") => format!("cannot be read: there is no option {name}"),
            Some(name) => format!("cannot be read: wrong {name}"),
            None => "cannot be read; in a user or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25".to_owned(),
        }
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("names no host".to_owned());
    }
    Ok(config)
}

/// libpq's options that the driver does not know: `sslrootcert`, and the two `verify-` modes,
/// which are what `require` means here.
fn take_tls_options(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut root = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => root = Some(path.to_owned()),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(pair),
        }
    }
    (if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }, root)
}

fn client_config(root: Option<&str>) -> Result<rustls::ClientConfig, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    match root {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(Path::new(path))
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|e| StoreError::Setup(Setup::Url, format!("sslrootcert {path} cannot be read: {e}")))?;
            roots.add_parsable_certificates(certificates);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| StoreError::Other(format!("TLS cannot be set up: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
