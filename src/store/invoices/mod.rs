//! Invoices, their lines and tax groups.

mod before;
mod list;
mod read;
mod write;

pub use before::{Before, Ended, before_due, before_end};
pub use list::{Days, Filter, Sort, list};
pub use read::{
    companies_with_fresh_drafts, companies_with_stale_drafts, count_drafts, counts, drafts, drafts_of, find, full, head,
    stale_drafts,
};
pub use write::{
    clear_stale, delete, hold, insert, issue, mark_stale_by_company, mark_stale_by_contract, mark_stale_by_seller, set_state,
};
