//! What makes jobs safe: runs, claims, items, the outbox, signals, the summary. Once, here.
//!
//! A job says what is due, decides, and records; everything else is this module's work. See
//! `job::Job` for the shape of a job and `outbox::Deliver` for the shape of an effect.

pub mod alerts;
pub mod doubts;
pub mod events;
pub mod filesystem;
pub mod host;
mod items;
pub mod job;
pub mod lock;
pub mod notice;
pub mod outbox;
pub mod run;
pub mod signals;
pub mod summary;
pub mod witness;

pub use job::{Decided, Failed, Job, Plan, RunOptions, Skipped};
pub use run::run;
pub use summary::Summary;
