//! The outside world: a file a vendor. Sees neither the store nor the jobs.

pub mod folder;
