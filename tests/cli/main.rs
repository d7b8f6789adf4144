//! The command line through the binary, one file a command. What it says is compared with the
//! snapshots beside; after an intended change, `INSTA_UPDATE=always cargo test --test cli` rewrites
//! them, and the diff is read before it is committed.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod alerts;
mod audit;
mod companies;
mod config;
mod contracts;
mod corrections;
mod db;
mod demo;
mod export;
mod help;
#[path = "../support/http.rs"]
mod http;
mod import;
mod init;
mod list;
mod mailed;
mod manual;
mod notify;
mod outage;
mod output;
mod outside;
mod payments;
mod pings;
mod preview;
mod prices;
mod reminders;
mod resend;
mod schedule;
mod scripts;
mod send;
#[path = "../support/smtp.rs"]
mod smtp;
mod state;
mod sums;
mod support;
mod templates;
mod terminal;
mod told;
