//! What a person does by hand, each in one transaction with its audit rows. Jobs run by cron are
//! in `jobs`; both use `engine` and `store`.

pub mod audit;
pub mod check;
pub mod companies;
pub mod contracts;
pub mod copy;
pub mod credit;
pub mod credit_notes;
pub mod deliveries;
pub mod edit;
pub mod effects;
pub mod export;
pub mod import;
pub mod invoices;
pub mod payments;
pub mod reconcile;
pub mod reminders;
