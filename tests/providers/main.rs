//! The outside world as finops meets it: servers that do as a script says, arbitrary answers, and real
//! programs of others (see `peers`), which `.ci/run` installs.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod answers;
mod chat;
mod delivery;
mod faults;
#[path = "../support/http.rs"]
mod http;
mod mail;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/postfix.rs"]
mod postfix;
mod s3;
mod secrets;
#[path = "../support/smtp.rs"]
mod smtp;
mod tls;
mod webhook;

use chrono::{DateTime, Utc};
use finops::model::{Failure, Secret};
use finops::providers::s3::{Bucket, Settings};
use finops::providers::webhook::{self as receiver, Keys, Webhook};

/// 24 bytes.
pub const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The provider has no clock: most servers do not care what time it is said to be.
pub fn at() -> DateTime<Utc> {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// A receiver that may be on this machine.
pub fn webhook(url: &str) -> Webhook {
    webhook_of(url, WHSEC, true)
}

pub fn webhook_of(url: &str, keys: &str, allow_private_addresses: bool) -> Webhook {
    let url = Secret::new(url.parse().unwrap());
    Webhook::new(receiver::Settings { url, keys: Keys::parse(keys).unwrap(), allow_private_addresses })
}

pub fn settings(endpoint: &str) -> Settings {
    Settings {
        endpoint: endpoint.parse().unwrap(),
        region: "us-east-1".to_owned(),
        bucket: "books".to_owned(),
        prefix: "invoices".to_owned(),
        path_style: true,
        access_key_id: Secret::new("AKIACANARY4711".to_owned()),
        secret_access_key: Secret::new("canary-secret-4711".to_owned()),
        session_token: None,
        server_side_encryption: None,
        storage_class: None,
    }
}

pub fn bucket(endpoint: &str) -> Bucket {
    Bucket::new(settings(endpoint))
}

pub fn put(bucket: &Bucket) -> Failure {
    bucket.put("invoices/a.pdf", b"%PDF", "application/pdf", at()).unwrap_err()
}
