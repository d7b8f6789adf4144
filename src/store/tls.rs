//! Connecting to Postgres with TLS by rustls.
//!
//! `sslmode` follows libpq's words. When the user asks for TLS (`require`, `verify-ca`,
//! `verify-full`), nothing falls back to plain text, and the certificate is always verified, by
//! the system's roots or by `sslrootcert=FILE`. `prefer` (the default) takes TLS when the server
//! offers it; `disable` never does.

use super::StoreError;
use ::postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

pub(super) fn connect(url: &str) -> Result<Client, StoreError> {
    let (url, root) = take_tls_options(url);
    let mut config: Config = url.parse().map_err(|e: ::postgres::Error| StoreError::Other(describe(&e)))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_application_name().is_none() {
        config.application_name("finops");
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

fn describe(error: &::postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("the Postgres URL cannot be read: {source}"),
        None => "the Postgres URL cannot be read".to_owned(),
    }
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
                .map_err(|e| StoreError::Other(format!("sslrootcert {path} cannot be read: {e}")))?;
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
