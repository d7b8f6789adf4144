//! The PDF read back by other programs (poppler, qpdf), and the properties of the layout.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod corrections;
mod languages;
mod layout;
mod logo;
mod messages;
mod reading;
mod sample;
mod statement;
mod tools;
