//! The outside world: a file a vendor. Sees neither the store nor the jobs, holds no clock, and answers
//! with what became of an act: [`Receipt`](crate::model::Receipt) or [`Failure`](crate::model::Failure).

pub mod crontab;
pub mod folder;
pub mod hmac;
pub mod http;
pub mod mail;
pub mod ping;
pub mod s3;
pub mod slack;
pub mod sms;
pub mod webhook;
