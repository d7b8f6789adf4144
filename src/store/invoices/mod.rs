//! Invoices, their lines and tax groups.

mod before;
mod issued;
mod list;
mod read;
mod write;

pub use before::{Before, Ended, before_due, before_end};
pub use issued::issued;
pub use list::{Days, Filter, Sort, list};
pub use read::{
    by_ref_key, companies_with_fresh_drafts, companies_with_stale_drafts, count_drafts, count_stale_edited, counts, credit_notes,
    drafts, drafts_of, find, full, has_credit_notes, head, heads, never_told, stale_drafts,
};
pub use write::{
    clear_stale, closed, delete, hold, insert, issue, mark_stale_by_company, mark_stale_by_contract, mark_stale_by_seller,
    rewrite, set_state,
};
